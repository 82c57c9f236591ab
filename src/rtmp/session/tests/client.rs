//! The client's half: writes chunks as players do, and puts what it reads into one line a message.

#![allow(clippy::unwrap_used)]

use super::super::{PlayStart, Session};
use crate::amf0::{self, Value};
use crate::flv::{Tag, TagKind};
use crate::rtmp::chunk_reader::{ChunkReader, INITIAL_CHUNK_SIZE};
use crate::rtmp::event::{Event, StreamId};
use crate::rtmp::media_record::MediaRecord;
use crate::time::MediaTime;
use bytes::Bytes;
use std::time::{Duration, Instant};

/// S0, S1 and S2.
const HANDSHAKE_ANSWER: usize = 1 + 1536 + 1536;

pub(super) const ONE: StreamId = StreamId::new(1);

/// A client and a session with a wire between them.
pub(super) struct Pair {
    pub(super) session: Session,
    pub(super) now: Instant,
    reader: ChunkReader,
}

pub(super) fn ms(ms: u32) -> MediaTime {
    MediaTime::from_millis(ms)
}

/// C0, C1 and C2 as librtmp's simple handshake has them: version bytes of zero, no digest.
pub(super) fn simple_handshake() -> Vec<u8> {
    let mut bytes = vec![3];
    bytes.extend([0; 8]);
    bytes.extend((0..1528u32).map(|n| (n * 7) as u8));
    bytes.extend([0x55; 1536]);
    bytes
}

/// A message in chunks of the initial size.
pub(super) fn message(csid: u8, type_id: u8, stream_id: u32, body: impl Into<Bytes>) -> Vec<u8> {
    MediaRecord::message(csid, type_id, stream_id, ms(0), body.into(), INITIAL_CHUNK_SIZE)
        .flat_map(|chunk| chunk.parts().concat())
        .collect()
}

/// A command message: name, transaction, null, arguments.
pub(super) fn command(stream_id: u32, name: &str, transaction: f64, arguments: &[Value]) -> Vec<u8> {
    let mut values = vec![Value::from(name), Value::from(transaction), Value::Null];
    values.extend_from_slice(arguments);
    message(3, 20, stream_id, amf0::encode_to_bytes(&values))
}

/// `connect` with an object.
pub(super) fn connect(app: &str, flash_ver: &str) -> Vec<u8> {
    let object = amf0::Properties::new()
        .with("app", app)
        .with("flashVer", flash_ver)
        .with("tcUrl", format!("rtmp://box:1935/{app}"))
        .with("fpad", false)
        .with("capabilities", 15.0)
        .with("audioCodecs", 4071.0)
        .with("videoCodecs", 252.0)
        .with("videoFunction", 1.0);
    let values = [Value::from("connect"), Value::from(1.0), object.into()];
    message(3, 20, 0, amf0::encode_to_bytes(&values))
}

/// A user control message with four-byte numbers.
pub(super) fn user_control(event: u16, numbers: &[u32]) -> Vec<u8> {
    let mut body = event.to_be_bytes().to_vec();
    body.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
    message(2, 4, 0, body)
}

/// Writes chunks as publishers do: a full header first, then the shortest that does, in librtmp's way.
pub(super) struct Publisher {
    pub(super) chunk_size: usize,
    last: Vec<LastHeader>,
}

/// What the next header on a chunk stream is shortened against.
struct LastHeader {
    csid: u8,
    time: u32,
    delta: u32,
    len: usize,
    type_id: u8,
    stream: u32,
}

impl Publisher {
    pub(super) fn new(chunk_size: usize) -> Self {
        Self { chunk_size, last: Vec::new() }
    }

    /// The chunks of a message.
    pub(super) fn chunks(
        &mut self,
        csid: u8,
        type_id: u8,
        stream: u32,
        time: u32,
        body: &[u8],
    ) -> Vec<Vec<u8>> {
        let len = body.len();
        let before = self.last.iter().position(|last| last.csid == csid).map(|at| self.last.swap_remove(at));
        let (format, delta) = match before {
            Some(last) if last.stream == stream && last.time <= time => {
                let delta = time - last.time;
                match (last.len, last.type_id) == (len, type_id) {
                    true if delta == last.delta => (3, delta),
                    true => (2, delta),
                    false => (1, delta),
                }
            }
            _ => (0, time),
        };
        self.last.push(LastHeader { csid, time, delta, len, type_id, stream });
        let mut head = vec![format << 6 | csid];
        let fields = [
            &delta.min(0xff_ffff).to_be_bytes()[1..],
            &(body.len() as u32).to_be_bytes()[1..],
            &[type_id],
            &stream.to_le_bytes(),
        ];
        head.extend(fields[..[4, 3, 1, 0][usize::from(format)]].concat());
        let extended = if delta >= 0xff_ffff { delta.to_be_bytes().to_vec() } else { Vec::new() };
        let mut chunks = Vec::new();
        let mut pieces = body.chunks(self.chunk_size);
        chunks.push([&head[..], &extended, pieces.next().unwrap_or_default()].concat());
        chunks.extend(pieces.map(|piece| [&[0xc0 | csid][..], &extended, piece].concat()));
        chunks
    }

    pub(super) fn message(&mut self, csid: u8, type_id: u8, stream: u32, time: u32, body: &[u8]) -> Vec<u8> {
        self.chunks(csid, type_id, stream, time, body).concat()
    }

    pub(super) fn command(
        &mut self,
        stream: u32,
        name: &str,
        transaction: f64,
        arguments: &[Value],
    ) -> Vec<u8> {
        let mut values = vec![Value::from(name), Value::from(transaction), Value::Null];
        values.extend_from_slice(arguments);
        self.message(3, 20, stream, 0, &amf0::encode_to_bytes(&values))
    }

    /// Announces a chunk size and uses it.
    pub(super) fn set_chunk_size(&mut self, size: usize) -> Vec<u8> {
        let bytes = self.message(2, 1, 0, 0, &(size as u32).to_be_bytes());
        self.chunk_size = size;
        bytes
    }
}

pub(super) fn sorenson(at: u32, key: bool) -> Tag {
    let body = Bytes::from_static(if key { &[0x12, 0, 0, 0x84] } else { &[0x22, 0, 0, 0x84] });
    Tag { kind: TagKind::Video, timestamp: ms(at), body }
}

pub(super) fn mp3(at: u32) -> Tag {
    Tag { kind: TagKind::Audio, timestamp: ms(at), body: Bytes::from_static(&[0x2f, 0xff, 0xfb]) }
}

pub(super) fn avc_header(at: u32) -> Tag {
    Tag { kind: TagKind::Video, timestamp: ms(at), body: Bytes::from_static(&[0x17, 0, 0, 0, 0, 1]) }
}

impl Pair {
    /// Right after accept.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { session: Session::new(now), now, reader: ChunkReader::new(16 << 20) }
    }

    /// Handshake done.
    pub(super) fn shaken() -> Self {
        let mut pair = Self::new();
        pair.send(&simple_handshake());
        let mut answered = 0;
        while let Some(transmit) = pair.session.poll_transmit() {
            answered += transmit.len();
        }
        assert_eq!(answered, HANDSHAKE_ANSWER);
        pair
    }

    /// Connected, with one stream, everything so far read.
    pub(super) fn connected_as(flash_ver: &str) -> Self {
        let mut pair = Self::shaken();
        pair.send(&connect("vod", flash_ver));
        assert!(matches!(pair.session.poll_event(), Some(Event::Connect(_))));
        pair.session.accept_connect(pair.now).unwrap();
        pair.send(&command(0, "createStream", 2.0, &[]));
        pair.received();
        pair
    }

    pub(super) fn connected() -> Self {
        Self::connected_as("LNX 9,0,124,2")
    }

    /// Playing `movie` on stream 1 from its start, everything so far read.
    pub(super) fn playing() -> Self {
        let mut pair = Self::connected();
        pair.play(&[]);
        pair
    }

    pub(super) fn play(&mut self, more: &[Value]) {
        let arguments = [&[Value::from("movie")], more].concat();
        self.send(&command(1, "play", 0.0, &arguments));
        while self.session.poll_event().is_some() {}
        self.session
            .play_started(ONE, PlayStart { details: "movie".into(), reset: true, ..PlayStart::default() })
            .unwrap();
        self.received();
    }

    /// Publishing `cam` on stream 1, everything so far read.
    pub(super) fn publishing() -> Self {
        let mut pair = Self::connected();
        pair.send(&command(1, "publish", 5.0, &[Value::from("cam"), Value::from("live")]));
        pair.events();
        pair.session.publish_started(ONE, pair.now).unwrap();
        pair.received();
        pair
    }

    /// Watching the live stream `cam` on stream 1, everything so far read.
    pub(super) fn watching() -> Self {
        let mut pair = Self::connected();
        pair.send(&command(1, "play", 0.0, &[Value::from("cam")]));
        pair.events();
        pair.session
            .play_started(ONE, PlayStart { details: "cam".into(), live: true, ..PlayStart::default() })
            .unwrap();
        pair.received();
        pair
    }

    /// The tags published since the last look; other events are a mistake.
    #[track_caller]
    pub(super) fn published(&mut self) -> Vec<Tag> {
        let tag = |event| match event {
            Event::Published { stream: ONE, tag } => tag,
            other => panic!("{other:?}"),
        };
        self.events().into_iter().map(tag).collect()
    }

    #[track_caller]
    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.session.handle_input(bytes, self.now).unwrap();
    }

    pub(super) fn wait(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    /// All that the session sent since the last look, a line a message.
    pub(super) fn received(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(transmit) = self.session.poll_transmit() {
            for part in transmit.parts() {
                let mut input = part;
                while let Some(message) = self.reader.read(&mut input).unwrap() {
                    lines.push(line(message.type_id, message.stream_id, message.timestamp, &message.payload));
                }
            }
        }
        assert_eq!(self.session.buffered_output(), 0);
        lines
    }
}

fn line(type_id: u8, stream: u32, time: MediaTime, body: &[u8]) -> String {
    let number = |at: usize| {
        body.get(at..at + 4).map(|four| u32::from_be_bytes(four.try_into().unwrap())).unwrap_or_default()
    };
    match type_id {
        1 => format!("SetChunkSize {}", number(0)),
        3 => format!("Acknowledgement {}", number(0)),
        4 => {
            let name = match body[1] {
                0 => "StreamBegin",
                1 => "StreamEOF",
                4 => "StreamIsRecorded",
                6 => "Ping",
                7 => "Pong",
                other => panic!("user control {other}"),
            };
            assert_eq!(stream, 0);
            format!("{name} {}", number(2))
        }
        5 => format!("WindowAckSize {}", number(0)),
        6 => format!("SetPeerBandwidth {} {}", number(0), body[4]),
        8 | 9 => {
            let name = if type_id == 8 { "audio" } else { "video" };
            format!("[{stream}] {name} {time} {} B", body.len())
        }
        18 => {
            let values = amf0::decode_all(body).unwrap();
            format!("[{stream}] data {}", values[0].as_str().unwrap())
        }
        20 => {
            let values = amf0::decode_all(body).unwrap();
            let (name, transaction) = (values[0].as_str().unwrap(), values[1].as_f64().unwrap());
            let last = values.last().unwrap();
            let text = |key: &str| last.get(key).and_then(Value::as_str).map(|text| text.into_owned());
            match (text("level"), text("code")) {
                (Some(level), Some(code)) if name == "onStatus" => format!("[{stream}] {level} {code}"),
                (_, Some(code)) => format!("[{stream}] {name} {transaction} {code}"),
                _ => format!("[{stream}] {name} {transaction} {last:?}"),
            }
        }
        other => panic!("message type {other}"),
    }
}
