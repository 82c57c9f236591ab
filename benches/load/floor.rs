//! What a live server costs at the least: every message framed once, the same bytes given to every socket.
//!
//! No publisher, no protocol but the answers that a player waits for, one thread that writes. Messages may be
//! gathered for some milliseconds into one write: that trades latency for processor time, and a server is to be
//! held against the floor that gathers as long as it does.

use crate::client::put_message;
use crate::publish::Reel;
use crate::stamp::{self, Stamp};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use wiidiaserver::amf0::{self, Properties, Value};
use wiidiaserver::flv::{Tag, TagKind};

/// As ours, so that a message is one chunk.
const CHUNK: usize = 65_536;

/// A peer may take this long for each step of its greeting.
const PATIENCE: Duration = Duration::from_secs(5);

/// A player, and what its socket did not take yet.
struct Player {
    socket: TcpStream,
    backlog: Vec<u8>,
}

impl Player {
    /// Whether it is still there.
    fn send(&mut self, bytes: &[u8]) -> bool {
        if !self.backlog.is_empty() {
            self.backlog.extend(bytes);
            return match self.socket.write(&self.backlog) {
                Ok(written) => self.backlog.drain(..written).count() == written,
                Err(error) => error.kind() == io::ErrorKind::WouldBlock,
            };
        }
        let written = match self.socket.write(bytes) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(_) => return false,
        };
        self.backlog.extend(&bytes[written..]);
        true
    }
}

/// Serves the file as if it were live, until killed.
pub(crate) fn run(listen: SocketAddr, file: &Path, gather: Duration) -> Result<(), String> {
    let reel = Reel::load(file)?;
    let listener = TcpListener::bind(listen).map_err(|error| format!("can't listen on {listen}: {error}"))?;
    let (sender, players) = channel();
    std::thread::spawn(move || accept(&listener, &sender));
    write_for_ever(&reel, gather, &players);
    Ok(())
}

fn write_for_ever(reel: &Reel, gather: Duration, joining: &Receiver<TcpStream>) {
    let mut players: Vec<Player> = Vec::new();
    let mut head = Vec::new();
    reel.head.iter().for_each(|tag| put_tag(&mut head, tag.kind, 0, &tag.body));
    // Since the last keyframe, and of that what nobody has yet.
    let (mut gop, mut gathered) = (Vec::new(), Vec::new());
    let (begin, mut number) = (Instant::now(), 0);
    let mut flush_at = begin;
    for (tag, ms) in reel.for_ever() {
        let due = begin + Duration::from_millis(ms.into());
        while Instant::now() < due {
            let wake = if gathered.is_empty() { due } else { due.min(flush_at) };
            std::thread::sleep(wake.saturating_duration_since(Instant::now()));
            if Instant::now() >= flush_at {
                flush(&mut players, &mut gathered);
            }
            for socket in joining.try_iter() {
                // So that the newcomer, who gets all of the GOP, gets none of it twice.
                flush(&mut players, &mut gathered);
                let mut player = Player { socket, backlog: Vec::new() };
                if player.send(&[&head[..], &gop].concat()) {
                    players.push(player);
                }
            }
        }
        if gathered.is_empty() {
            flush_at = due + gather;
        }
        let begins = gathered.len();
        if tag.kind == TagKind::Video {
            let stamped = Stamp { ns: stamp::now(), number }.put_into(&tag.body);
            number += 1;
            put_tag(&mut gathered, tag.kind, ms, &stamped);
            if tag.body.first().is_some_and(|first| first >> 4 == 1) {
                gop.clear();
            }
        } else {
            put_tag(&mut gathered, tag.kind, ms, &tag.body);
        }
        gop.extend(&gathered[begins..]);
        if gather.is_zero() {
            flush(&mut players, &mut gathered);
        }
    }
}

/// Everybody gets what was gathered; who has left is forgotten.
fn flush(players: &mut Vec<Player>, gathered: &mut Vec<u8>) {
    if !gathered.is_empty() {
        players.retain_mut(|player| player.send(gathered));
        gathered.clear();
    }
}

fn put_tag(out: &mut Vec<u8>, kind: TagKind, ms: u32, body: &[u8]) {
    let csid = if kind == TagKind::Video { 4 } else { 5 };
    put_message(out, csid, 1, kind.type_id(), ms, CHUNK, body);
}

fn accept(listener: &TcpListener, players: &Sender<TcpStream>) {
    for socket in listener.incoming().flatten() {
        let players = players.clone();
        std::thread::spawn(move || {
            // A peer that goes away meanwhile is no player.
            if let Ok(socket) = greet(socket) {
                drop(players.send(socket));
            }
        });
    }
}

/// Answers what a player says until it plays.
fn greet(mut socket: TcpStream) -> io::Result<TcpStream> {
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut c0_c1 = [0; 1537];
    socket.read_exact(&mut c0_c1)?;
    socket.write_all(&[&c0_c1[..], &c0_c1[1..]].concat())?;
    socket.read_exact(&mut c0_c1[1..])?;
    let info = |code: &str| Value::from(Properties::new().with("level", "status").with("code", code));
    let mut set_chunk_size = Vec::new();
    put_message(&mut set_chunk_size, 2, 0, 1, 0, CHUNK, &(CHUNK as u32).to_be_bytes());
    // What is asked, what goes in front of the answer, the message stream, the answer.
    type Step<'a> = (&'a [u8], Vec<u8>, u32, [Value; 4]);
    let answers: [Step<'_>; 3] = [
        (
            b"connect",
            set_chunk_size,
            0,
            ["_result".into(), 1.0.into(), Value::Null, info("NetConnection.Connect.Success")],
        ),
        (b"createStream", Vec::new(), 0, ["_result".into(), 2.0.into(), Value::Null, 1.0.into()]),
        (b"play", Vec::new(), 1, ["onStatus".into(), 0.0.into(), Value::Null, info("NetStream.Play.Start")]),
    ];
    let mut buffer = [0; 4096];
    for (asked, mut answer, stream, values) in answers {
        let mut said: Vec<u8> = Vec::new();
        while !said.windows(asked.len()).any(|part| part == asked) {
            let len = socket.read(&mut buffer)?;
            if len == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            said.extend(&buffer[..len]);
        }
        put_message(&mut answer, 3, stream, 20, 0, CHUNK, &amf0::encode_to_bytes(&values));
        socket.write_all(&answer)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

impl Reel {
    /// All tags but the head, again and again, with the times at which they are due.
    fn for_ever(&self) -> impl Iterator<Item = (&Tag, u32)> {
        (0u32..).flat_map(move |round| self.tags.iter().map(move |tag| (tag, self.due(tag, round))))
    }
}
