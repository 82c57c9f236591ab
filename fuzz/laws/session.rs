//! A whole RTMP session behind a handshake: never a panic, whatever the client sends, whenever, and
//! whatever the driver does meanwhile. What it sends can be read; what it keeps is bounded; an error is the end.
//!
//! Input: number of actions, the actions (two bytes each, see [`Driver::act`]), what the client sends. What
//! the actions leave of that comes in pieces of 1 KB to a driver that does what ours does.

use super::{byte, bytes};
use bytes::Bytes;
use std::time::{Duration, Instant};
use wiidiaserver::amf0::{Value, decode_all};
use wiidiaserver::flv::{Tag, TagKind, metadata::Metadata};
use wiidiaserver::limits::{MAX_PUBLISHED_TAGS, MAX_RTMP_OUTPUT, MAX_SESSION_EVENTS, MAX_TAG_BODY};
use wiidiaserver::rtmp::chunk_reader::ChunkReader;
use wiidiaserver::rtmp::{
    Demand, Event, MediaInfo, PlayError, PlayStart, PublishError, ResumeAt, Sent, Session, SessionError,
    StreamId, Transaction,
};
use wiidiaserver::time::MediaTime;

/// S0, S1 and S2; C0, C1 and C2 are as long.
const HANDSHAKE: usize = 1 + 1536 + 1536;

pub fn law(mut input: &[u8]) {
    let count = 2 * usize::from(byte(&mut input) & 0x7f);
    let actions = bytes(&mut input, count);
    let mut driver = Driver::shaken();
    let end = driver.run(actions, &mut input);
    if end.is_err() {
        driver.check_the_end(input);
    }
}

struct Driver {
    session: Session,
    now: Instant,
    /// Reads as a client does.
    client: ChunkReader,
    streams: Vec<StreamId>,
    calls: Vec<Transaction>,
    /// The next tag's time, in milliseconds.
    time: u32,
}

impl Driver {
    fn shaken() -> Self {
        let now = Instant::now();
        let mut session = Session::new(now);
        let mut hello = [0x55; HANDSHAKE];
        hello[0] = 3;
        // No version, no digest: what librtmp sends.
        hello[1..9].fill(0);
        session.handle_input(&hello, now).unwrap();
        let answer: usize = std::iter::from_fn(|| session.poll_transmit()).map(|piece| piece.len()).sum();
        assert_eq!(answer, HANDSHAKE);
        let client = ChunkReader::new(MAX_TAG_BODY + 1);
        Self { session, now, client, streams: Vec::new(), calls: Vec::new(), time: 0 }
    }

    fn run(&mut self, actions: &[u8], input: &mut &[u8]) -> Result<(), SessionError> {
        for action in actions.chunks_exact(2) {
            self.act(action[0], action[1], input)?;
            self.check();
        }
        while !input.is_empty() {
            self.session.handle_input(bytes(input, 1024), self.now)?;
            self.answer_all()?;
            self.play()?;
            self.receive();
            self.pass(40)?;
        }
        Ok(())
    }

    fn act(&mut self, what: u8, how: u8, input: &mut &[u8]) -> Result<(), SessionError> {
        let at = MediaTime::from_millis(u32::from(how) * 100);
        let info = MediaInfo { total: Some(at), available: at, target: Some(at), eta: None };
        match what % 24 {
            0 | 1 => return self.session.handle_input(bytes(input, how.into()), self.now),
            2 => return self.session.handle_input(bytes(input, usize::from(how) * 64), self.now),
            3 => return self.pass(u64::from(how) * 10),
            4 => return self.pass(u64::from(how) * 60_000),
            5 => return self.answer_all(),
            6 => self.receive(),
            7 => return self.play(),
            8 => drop(self.take_events()),
            9 => return self.session.accept_connect(self.now),
            10 => return self.session.reject_connect("no"),
            11 => return self.session.shutdown("good night"),
            12 => {
                let Some(call) = self.calls.pop() else { return Ok(()) };
                return if how & 1 == 0 {
                    self.session.reply(call, Value::from(f64::from(how)))
                } else {
                    self.session.reply_error(call, "no")
                };
            }
            _ => {}
        }
        let Some(&stream) = self.streams.get(usize::from(how) % self.streams.len().max(1)) else {
            return Ok(());
        };
        let session = &mut self.session;
        match what % 24 {
            13 => session.play_started(stream, play_start()),
            14 => session.play_failed(stream, PlayError::NotMedia, "no"),
            15 => session.media_info(stream, &info),
            16 => session.seek_pending(stream, &info),
            17 => session.seek_done(stream, at),
            18 => session.finish(stream, at, u64::from(how) << 32),
            19 => session.stream_failed(stream, "broken"),
            20 if how & 1 == 0 => session.publish_started(stream, self.now),
            20 => session.publish_denied(stream, PublishError::Denied, "no"),
            21 => {
                // Without being asked, and large: half a megabyte.
                session.send_tag(stream, &tag(at.as_millis(), usize::from(how) << 11)).map(drop)
            }
            22 => session.send_tag(stream, &tag(u32::MAX - u32::from(how), 1)).map(drop),
            23 => session.send_tag(stream, &Tag { body: Bytes::new(), ..tag(at.as_millis(), 1) }).map(drop),
            _ => Ok(()),
        }
    }

    /// As ours does, with answers at once.
    fn answer_all(&mut self) -> Result<(), SessionError> {
        for event in self.take_events() {
            let session = &mut self.session;
            match event {
                Event::Connect(_) => session.accept_connect(self.now)?,
                Event::Play { stream, name, start: _, length: _, reset } => {
                    if name.as_bytes().contains(&b'!') {
                        session.play_failed(stream, PlayError::NotFound, "there is no such file")?;
                    } else {
                        let live = name.as_bytes().contains(&b'@');
                        session
                            .play_started(stream, PlayStart { details: name, reset, live, ..play_start() })?;
                    }
                }
                Event::Seek { stream, target } => {
                    session
                        .seek_pending(stream, &MediaInfo { target: Some(target), ..MediaInfo::default() })?;
                    session.seek_done(stream, target)?;
                    self.time = target.as_millis();
                }
                Event::Resume { at: ResumeAt::Position(at), .. } => self.time = at.as_millis(),
                Event::Publish { stream, name, .. } if name.as_bytes().contains(&b'!') => {
                    session.publish_denied(stream, PublishError::BadName, "not here")?;
                }
                Event::Publish { stream, .. } => session.publish_started(stream, self.now)?,
                Event::StreamLength { transaction, .. } => session.reply(transaction, 12.5.into())?,
                Event::ListDirectory { transaction, .. } => {
                    session.reply_error(transaction, "no such folder")?
                }
                Event::SeekStatus { transaction } => session.reply(transaction, Value::Null)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn take_events(&mut self) -> Vec<Event> {
        let events: Vec<Event> = std::iter::from_fn(|| self.session.poll_event()).collect();
        assert!(events.len() <= MAX_SESSION_EVENTS + MAX_PUBLISHED_TAGS);
        for event in &events {
            match event {
                Event::Play { stream, .. } | Event::Publish { stream, .. }
                    if !self.streams.contains(stream) =>
                {
                    self.streams.push(*stream);
                }
                Event::StreamLength { transaction, .. }
                | Event::ListDirectory { transaction, .. }
                | Event::SeekStatus { transaction } => self.calls.push(*transaction),
                _ => {}
            }
        }
        events
    }

    /// Sends what is due on every stream, some tags of it.
    fn play(&mut self) -> Result<(), SessionError> {
        for stream in self.streams.clone() {
            for _ in 0..8 {
                match self.session.media_demand(stream, self.now) {
                    Demand::SendNow => {}
                    Demand::At(due) => {
                        assert!(due > self.now, "due, but not now");
                        break;
                    }
                    Demand::Idle => break,
                }
                if self.session.send_tag(stream, &tag(self.time, 200))? == Sent::Queued {
                    self.time = self.time.wrapping_add(20);
                }
            }
        }
        Ok(())
    }

    fn pass(&mut self, ms: u64) -> Result<(), SessionError> {
        self.now += Duration::from_millis(ms);
        self.session.handle_timeout(self.now)?;
        if let Some(deadline) = self.session.next_deadline() {
            assert!(deadline > self.now, "a driver would turn in circles");
        }
        Ok(())
    }

    fn check(&self) {
        assert!(self.session.buffered_output() <= MAX_RTMP_OUTPUT);
    }

    /// Reads all there is to send, as the client.
    fn receive(&mut self) {
        let announced = self.session.buffered_output();
        self.check();
        assert_eq!(self.read(), announced);
        assert_eq!((self.session.buffered_output(), self.client.buffered()), (0, 0));
    }

    fn read(&mut self) -> usize {
        let mut total = 0;
        while let Some(piece) = self.session.poll_transmit() {
            assert!(!piece.is_empty());
            total += piece.len();
            for mut part in piece.parts() {
                while let Some(message) = self.client.read(&mut part).expect("chunks") {
                    if matches!(message.type_id, 18 | 20) {
                        let values = decode_all(&message.payload).expect("AMF0");
                        assert!(values[0].as_str().is_some());
                    }
                }
            }
        }
        total
    }

    /// What was said before the end can be read; nothing is understood or done any more.
    fn check_the_end(&mut self, rest: &[u8]) {
        self.read();
        let before = self.take_events().len();
        assert!(before <= MAX_SESSION_EVENTS);
        assert!(self.session.wants_close());
        for piece in [rest, &[2; 64]] {
            assert_eq!(self.session.handle_input(piece, self.now), Ok(()));
        }
        assert_eq!(self.session.handle_timeout(self.now + Duration::from_secs(1 << 20)), Ok(()));
        for verb in 9..24 {
            assert_eq!(self.act(verb, 1, &mut &rest[..0]), Ok(()), "verb {verb}");
        }
        assert_eq!(self.session.next_deadline(), None);
        assert_eq!((self.session.poll_event(), self.session.poll_transmit()), (None, None));
    }
}

fn play_start() -> PlayStart {
    PlayStart {
        details: "movie".into(),
        metadata: Some(Metadata::default().to_tag()),
        reset: true,
        live: false,
    }
}

/// Keyframes, frames, sound and sequence headers by turns.
fn tag(ms: u32, len: usize) -> Tag {
    let (kind, head): (_, &[u8]) = match ms / 20 % 5 {
        0 => (TagKind::Video, &[0x17, 0, 0, 0, 0]),
        1 => (TagKind::Video, &[0x17, 1, 0, 0, 0]),
        2 => (TagKind::Video, &[0x27, 1, 0, 0, 40]),
        3 => (TagKind::Audio, &[0xaf, 0]),
        _ => (TagKind::Audio, &[0xaf, 1]),
    };
    let body = [head, &vec![0x5a; len]].concat();
    Tag { kind, timestamp: MediaTime::from_millis(ms), body: body.into() }
}
