//! A small RTMP client, written from the specification (Adobe, 1.0; quoted as 5.x to 7.x) and apart from the
//! server's own code, so that a misreading is not shared. AMF0 alone is the crate's.
//!
//! Simple handshake, chunks of 128 bytes out unless told, everything in. It answers pings and acknowledges, as all clients do.

use crate::rtmp_message::Message;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use wiidiaserver::amf0::{self, Properties, Value};

/// Longest time for something that the server does at once.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// What the last header on a chunk stream said (5.3.1.2), and the message under way.
#[derive(Default, Clone)]
struct ChunkStream {
    time: u32,
    delta: u32,
    length: usize,
    kind: u8,
    extended: bool,
    body: Vec<u8>,
}

/// A connection.
pub(crate) struct RtmpClient {
    socket: TcpStream,
    streams: HashMap<u32, ChunkStream>,
    chunk_size: usize,
    /// Ours, for what is sent.
    out_chunk_size: usize,
    window: u64,
    received: u64,
    acknowledged: u64,
    transaction: f64,
    /// Everything since the last `wait_*`, for messages of failures.
    seen: Vec<String>,
}

impl RtmpClient {
    /// Connects to an application.
    #[track_caller]
    pub(crate) fn connect(server: SocketAddr, app: &str) -> Self {
        Self::connect_with(server, app, &[])
    }

    /// As one that speaks Enhanced RTMP, with these codecs.
    #[track_caller]
    pub(crate) fn connect_with(server: SocketAddr, app: &str, four_ccs: &[&str]) -> Self {
        Self::connect_as(server, app, four_ccs, 252)
    }

    /// … and as one that lists these of Adobe's codecs (7.2.1.1): 252 is what today's clients send.
    #[track_caller]
    pub(crate) fn connect_as(server: SocketAddr, app: &str, four_ccs: &[&str], video_codecs: u32) -> Self {
        let socket = TcpStream::connect_timeout(&server, SOON).unwrap();
        socket.set_nodelay(true).unwrap();
        let mut client = Self {
            socket,
            streams: HashMap::new(),
            chunk_size: 128,
            out_chunk_size: 128,
            window: u64::MAX,
            received: 0,
            acknowledged: 0,
            transaction: 0.0,
            seen: Vec::new(),
        };
        client.shake_hands().unwrap();
        let command_object = Properties::new()
            .with("app", app)
            .with("flashVer", "LNX 9,0,124,2")
            .with("tcUrl", format!("rtmp://{server}/{app}"))
            .with("fpad", false)
            .with("capabilities", 15.0)
            .with("audioCodecs", 4071.0)
            .with("videoCodecs", f64::from(video_codecs))
            .with("videoFunction", 1.0);
        let four_ccs = four_ccs.iter().map(|code| Value::from(*code)).collect();
        let command_object = command_object.with("fourCcList", Value::StrictArray(four_ccs));
        let answer = client.call_with("connect", command_object.into(), &[]);
        let info = answer.expect("connect is accepted");
        assert_eq!(info.get("code").and_then(Value::as_str).unwrap(), "NetConnection.Connect.Success");
        client
    }

    /// Connects, creates stream 1 and plays.
    #[track_caller]
    pub(crate) fn play(server: SocketAddr, app: &str, name: &str) -> Self {
        let mut client = Self::connect(server, app);
        client.create_stream();
        client.send_play(name);
        client
    }

    /// Simple handshake (5.2): version 3, zero where newer clients have their version.
    fn shake_hands(&mut self) -> io::Result<()> {
        self.socket.set_read_timeout(Some(SOON))?;
        let mut c1 = [0; 1536];
        for (n, byte) in c1[8..].iter_mut().enumerate() {
            *byte = (n * 7 % 251) as u8;
        }
        self.socket.write_all(&[3])?;
        self.socket.write_all(&c1)?;
        let mut answer = vec![0; 1 + 1536 + 1536];
        self.socket.read_exact(&mut answer)?;
        assert_eq!(answer[0], 3, "S0");
        assert_eq!(answer[1537 + 8..], c1[8..], "S2 echoes C1");
        self.socket.write_all(&answer[1..1537])
    }

    // ---- out ------------------------------------------------------------------------------------------------

    /// Invokes without waiting for an answer: message stream 0 is the NetConnection's.
    pub(crate) fn send_command(&mut self, stream: u32, name: &str, transaction: f64, arguments: &[Value]) {
        let mut values = vec![Value::from(name), Value::from(transaction)];
        values.extend_from_slice(arguments);
        let csid = if stream == 0 { 3 } else { 8 };
        self.send_message(csid, stream, 20, &amf0::encode_to_bytes(&values)).unwrap();
    }

    /// `NetConnection.call`, and its `_result` or `_error`.
    #[track_caller]
    pub(crate) fn call(&mut self, name: &str, arguments: &[Value]) -> Result<Value, Value> {
        self.call_with(name, Value::Null, arguments)
    }

    #[track_caller]
    fn call_with(&mut self, name: &str, command_object: Value, arguments: &[Value]) -> Result<Value, Value> {
        self.transaction += 1.0;
        let transaction = self.transaction;
        let values = [&[command_object], arguments].concat();
        self.send_command(0, name, transaction, &values);
        self.wait_for(&format!("the answer to {name}"), SOON, |message| match message {
            Message::Command(answer, tid, values) if *tid == transaction && answer.starts_with('_') => {
                // The command object comes first, and is null but for connect's.
                let value = values.get(1).or(values.first()).cloned().unwrap_or(Value::Null);
                Some(if answer == "_result" { Ok(value) } else { Err(value) })
            }
            _ => None,
        })
    }

    /// The first stream that a connection creates is number 1.
    #[track_caller]
    pub(crate) fn create_stream(&mut self) {
        let id = self.call("createStream", &[]).unwrap().as_f64();
        assert_eq!(id, Some(1.0), "number of the stream");
    }

    pub(crate) fn send_play(&mut self, name: &str) {
        self.send_command(1, "play", 0.0, &[Value::Null, Value::from(name), Value::from(-2000.0)]);
        self.set_buffer_length(3000);
    }

    /// SetBufferLength (7.1.7): how far ahead the server may send.
    pub(crate) fn set_buffer_length(&mut self, ms: u32) {
        let mut body = vec![0, 3, 0, 0, 0, 1];
        body.extend(ms.to_be_bytes());
        self.send_message(2, 0, 4, &body).unwrap();
    }

    /// Publishes on stream 1.
    #[track_caller]
    pub(crate) fn publish(&mut self, name: &str) {
        self.publish_as(name, "live");
    }

    /// As [`publish`](Self::publish), with what is to be done beside (7.2.2.6).
    #[track_caller]
    pub(crate) fn publish_as(&mut self, name: &str, mode: &str) {
        self.create_stream();
        self.send_command(1, "publish", 0.0, &[Value::Null, Value::from(name), Value::from(mode)]);
        self.wait_status("NetStream.Publish.Start", SOON);
    }

    /// A video message with the time zero.
    pub(crate) fn send_video(&mut self, body: &[u8]) {
        self.send_video_at(0, body);
    }

    /// A video message with a time below 2^24 ms.
    pub(crate) fn send_video_at(&mut self, ms: u32, body: &[u8]) {
        self.send_message_at(4, 1, 9, ms, body).unwrap();
    }

    /// A video message, as long as the server takes it.
    pub(crate) fn try_send_video(&mut self, ms: u32, body: &[u8]) -> io::Result<()> {
        self.send_message_at(4, 1, 9, ms, body)
    }

    /// SetChunkSize (5.4.1): for those who send much.
    pub(crate) fn set_chunk_size(&mut self, size: usize) {
        self.send_message(2, 0, 1, &(size as u32).to_be_bytes()).unwrap();
        self.out_chunk_size = size;
    }

    /// The connection itself, for what no client does.
    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    pub(crate) fn seek(&mut self, ms: u32) {
        self.send_command(1, "seek", 0.0, &[Value::Null, Value::from(ms)]);
    }

    pub(crate) fn pause(&mut self, pause: bool, ms: u32) {
        self.send_command(1, "pause", 0.0, &[Value::Null, Value::from(pause), Value::from(ms)]);
    }

    fn send_message(&mut self, csid: u8, stream: u32, kind: u8, body: &[u8]) -> io::Result<()> {
        self.send_message_at(csid, stream, kind, 0, body)
    }

    /// One message, its header in full (5.3.1.2.1), in chunks. Times stay below 2^24 ms.
    fn send_message_at(&mut self, csid: u8, stream: u32, kind: u8, ms: u32, body: &[u8]) -> io::Result<()> {
        let mut bytes = vec![csid];
        bytes.extend(&ms.to_be_bytes()[1..]);
        bytes.extend(&(body.len() as u32).to_be_bytes()[1..]);
        bytes.push(kind);
        bytes.extend(stream.to_le_bytes());
        for (n, chunk) in body.chunks(self.out_chunk_size).enumerate() {
            if n > 0 {
                bytes.push(0xc0 | csid);
            }
            bytes.extend(chunk);
        }
        self.socket.write_all(&bytes)
    }

    // ---- in -------------------------------------------------------------------------------------------------

    /// Waits for something, passing over all else.
    #[track_caller]
    pub(crate) fn wait_for<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut wanted: impl FnMut(&Message) -> Option<T>,
    ) -> T {
        let until = Instant::now() + limit;
        self.seen.clear();
        loop {
            match self.next(until) {
                Ok(Some(message)) => {
                    if let Some(found) = wanted(&message) {
                        return found;
                    }
                }
                Ok(None) => panic!("no {what} in {limit:?}; came:\n{}", self.what_came()),
                Err(error) => panic!("waited for {what}: {error}; came:\n{}", self.what_came()),
            }
        }
    }

    /// Waits for an `onStatus` of that code; returns its information object.
    #[track_caller]
    pub(crate) fn wait_status(&mut self, code: &str, limit: Duration) -> Value {
        self.wait_for(code, limit, |message| {
            (message.status()? == code).then(|| message.status_info().cloned()).flatten()
        })
    }

    /// All messages up to and with the one that `last` knows.
    #[track_caller]
    pub(crate) fn collect_until(
        &mut self,
        what: &str,
        limit: Duration,
        mut last: impl FnMut(&Message) -> bool,
    ) -> Vec<Message> {
        let mut all = Vec::new();
        self.wait_for(what, limit, |message| {
            all.push(message.clone());
            last(message).then_some(())
        });
        all
    }

    /// All messages that come within a time.
    #[track_caller]
    pub(crate) fn collect_for(&mut self, time: Duration) -> Vec<Message> {
        let until = Instant::now() + time;
        let mut all = Vec::new();
        while let Some(message) = self.next(until).unwrap() {
            all.push(message);
        }
        all
    }

    /// Whether the server closes the connection within a time.
    pub(crate) fn is_closed_within(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            match self.next(until) {
                Ok(Some(_)) => {}
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    }

    fn what_came(&self) -> String {
        // Hundreds of frames say no more than a few.
        let skip = self.seen.len().saturating_sub(40);
        self.seen[skip..].join("\n")
    }

    /// The next message; nothing when the time is over.
    pub(crate) fn next(&mut self, until: Instant) -> io::Result<Option<Message>> {
        loop {
            // Between chunks only: what has begun to arrive is read to its end.
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                return Ok(None);
            };
            self.socket.set_read_timeout(Some(left))?;
            match self.socket.peek(&mut [0]) {
                Ok(0) => return Err(io::Error::other("the server has closed the connection")),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
            self.socket.set_read_timeout(Some(SOON))?;
            let Some((kind, time, body)) = self.read_chunk()? else { continue };
            self.acknowledge()?;
            if let Some(message) = self.understand(kind, time, body)? {
                self.seen.push(format!("{message:?}"));
                return Ok(Some(message));
            }
        }
    }

    /// Reads one chunk (5.3.1); a message when it was its last.
    fn read_chunk(&mut self) -> io::Result<Option<(u8, u32, Vec<u8>)>> {
        let [first] = self.read_array()?;
        let csid = match first & 0x3f {
            0 => 64 + u32::from(self.read_array::<1>()?[0]),
            1 => 64 + u32::from(u16::from_le_bytes(self.read_array()?)),
            small => u32::from(small),
        };
        let mut stream = self.streams.get(&csid).cloned().unwrap_or_default();
        let begins = stream.body.is_empty();
        let format = first >> 6;
        if format < 3 {
            let [a, b, c] = self.read_array()?;
            let mut time = u32::from_be_bytes([0, a, b, c]);
            if format < 2 {
                let [a, b, c, kind] = self.read_array()?;
                (stream.length, stream.kind) = (u32::from_be_bytes([0, a, b, c]) as usize, kind);
            }
            if format == 0 {
                self.read_array::<4>()?; // message stream id
            }
            stream.extended = time == 0xff_ffff;
            if stream.extended {
                time = u32::from_be_bytes(self.read_array()?);
            }
            if format == 0 {
                // A type 3 chunk that begins a message after this repeats it as a delta (5.3.1.2.4).
                (stream.time, stream.delta) = (time, time);
            } else {
                (stream.time, stream.delta) = (stream.time.wrapping_add(time), time);
            }
        } else {
            if stream.extended {
                self.read_array::<4>()?; // repeated, as Flash, ffmpeg and librtmp do
            }
            if begins {
                stream.time = stream.time.wrapping_add(stream.delta);
            }
        }
        let part = (stream.length - stream.body.len()).min(self.chunk_size);
        let mut bytes = vec![0; part];
        self.socket.read_exact(&mut bytes)?;
        self.received += part as u64;
        stream.body.extend(bytes);
        let whole = stream.body.len() == stream.length;
        let body = if whole { std::mem::take(&mut stream.body) } else { Vec::new() };
        let (kind, time) = (stream.kind, stream.time);
        self.streams.insert(csid, stream);
        Ok(whole.then_some((kind, time, body)))
    }

    fn read_array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.socket.read_exact(&mut bytes)?;
        self.received += N as u64;
        Ok(bytes)
    }

    fn acknowledge(&mut self) -> io::Result<()> {
        if self.received - self.acknowledged >= self.window / 2 {
            self.acknowledged = self.received;
            self.send_message(2, 0, 3, &(self.received as u32).to_be_bytes())?;
        }
        Ok(())
    }

    /// Deals with what concerns the connection alone; the rest is a message for the test.
    fn understand(&mut self, kind: u8, ms: u32, body: Vec<u8>) -> io::Result<Option<Message>> {
        let number =
            |at: usize| body.get(at..at + 4).map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
        match kind {
            1 => {
                self.chunk_size = number(0) as usize;
                assert!(self.chunk_size > 0, "chunk size 0");
            }
            4 if body.starts_with(&[0, 6]) => {
                let answer = [&[0, 7], body.get(2..6).unwrap_or_default()].concat();
                self.send_message(2, 0, 4, &answer)?;
            }
            5 => self.window = number(0).into(),
            _ => return Message::read(kind, ms, body).map_err(io::Error::other),
        }
        Ok(None)
    }
}
