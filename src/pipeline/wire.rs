//! The messages from a worker to the server.
//!
//! ```text
//!  kind(1)  length(4, big endian)  payload(length)
//!
//!  1 streams   JSON of an Announcement
//!  2 config    codec(1)  its configuration
//!  3 unit      codec(1)  keyframe(1)  pts ns(i64)  dts ns(i64)  access unit
//!  4 progress  lane(1)  ns(i64)          nothing earlier will come in this lane
//!  5 lane end  lane(1)
//!  6 duration  ns(u64)
//!  7 warning   UTF-8
//!  8 failed    failure(1)  UTF-8         the last message
//!  9 end                                 the last message
//! 10 equipment JSON of an Equipment
//! 60 cue       track(2)  start ms(4)  end ms(4)  UTF-8
//! ```
//!
//! The server does not trust the worker: a worker that a broken file has taken over may send
//! anything. Lengths are checked against [`limits`] before memory is taken for
//! them. Times are stream times of the file and may be negative.

use super::equipment::Equipment;
use super::form::Codec;
use super::picture::{self, Picture};
use super::streams::Announcement;
use crate::flv::codec::{self, AAC_HEADER_LEN, AVC_HEADER_LEN};
use crate::limits;
use std::io::{self, Read};

/// Kind and length.
const HEAD_LEN: usize = 5;
/// What a cue's payload has before the text.
const CUE_HEAD_LEN: usize = 10;
/// What a unit's payload has before the access unit.
const UNIT_HEAD_LEN: usize = 18;

/// Picture or sound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lane {
    Video = 0,
    Audio = 1,
}

impl Lane {
    pub(super) const BOTH: [Self; 2] = [Self::Video, Self::Audio];

    pub(super) fn other(self) -> Self {
        match self {
            Self::Video => Self::Audio,
            Self::Audio => Self::Video,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Video),
            1 => Some(Self::Audio),
            _ => None,
        }
    }
}

/// Codecs by their number on the wire: even ones are pictures.
const CODECS: [(u8, Codec); 8] = [
    (0, Codec::H264),
    (1, Codec::Aac),
    (2, Codec::Hevc),
    (3, Codec::Opus),
    (4, Codec::Av1),
    (5, Codec::Mp3),
    (6, Codec::Vp9),
    (8, Codec::Flv1),
];

impl Codec {
    #[cfg(test)]
    pub(super) const ALL: [(u8, Self); 8] = CODECS;

    fn byte(self) -> u8 {
        CODECS.iter().find(|(_, codec)| *codec == self).map_or(u8::MAX, |(byte, _)| *byte)
    }

    fn from_byte(byte: u8) -> Option<Self> {
        CODECS.iter().find(|(number, _)| *number == byte).map(|(_, codec)| *codec)
    }

    pub(super) fn lane(self) -> Lane {
        if self.byte().is_multiple_of(2) { Lane::Video } else { Lane::Audio }
    }

    /// Bytes of the FLV body header that go before an access unit.
    pub(super) fn body_header_len(self) -> usize {
        match self {
            Self::H264 => AVC_HEADER_LEN,
            Self::Aac => AAC_HEADER_LEN,
            Self::Hevc => codec::HEVC_HEADER_LEN,
            Self::Av1 | Self::Vp9 | Self::Opus => codec::ENHANCED_HEADER_LEN,
            Self::Flv1 | Self::Mp3 => 1,
        }
    }
}

/// One access unit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Unit {
    pub(super) codec: Codec,
    /// A decoder can start here.
    pub(super) keyframe: bool,
    pub(super) pts_ns: i64,
    pub(super) dts_ns: i64,
    /// [`Codec::body_header_len`] bytes of room, then the access unit: it becomes a tag's body
    /// without another copy.
    pub(super) body: Vec<u8>,
}

/// Why a worker gave up. The numbers are the wire's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// No video and no sound in it.
    NotMedia = 1,
    /// Media, but no plug-in here decodes it.
    NoDecoder = 2,
    /// Damaged, or cannot be read at all.
    Unreadable = 3,
    /// It waited in vain.
    Stalled = 4,
    /// GStreamer or a plug-in this server needs is missing.
    NotInstalled = 5,
    /// The other side does not want us, or knows no such thing: trying again does not help by itself.
    Refused = 6,
}

impl Failure {
    fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::NotMedia,
            2 => Self::NoDecoder,
            3 => Self::Unreadable,
            4 => Self::Stalled,
            5 => Self::NotInstalled,
            6 => Self::Refused,
            _ => return None,
        })
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Message {
    Streams(Announcement),
    Config {
        codec: Codec,
        data: Vec<u8>,
    },
    Unit(Unit),
    Progress {
        lane: Lane,
        time_ns: i64,
    },
    LaneEnd(Lane),
    Duration(u64),
    Warning(String),
    Failed {
        failure: Failure,
        text: String,
    },
    End,
    Equipment(Equipment),
    /// Of a film that is only looked at.
    Picture(Picture),
    /// Of a film whose text is taken out.
    Cue(TextCue),
}

/// What one track of text shows at some time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TextCue {
    /// Which of [`Contents::subtitle_tracks`](super::Contents::subtitle_tracks).
    pub(super) track: u16,
    /// Milliseconds of the file's time.
    pub(super) start_ms: u32,
    pub(super) end_ms: u32,
    /// With tags as SubRip has them.
    pub(super) text: String,
}

/// What a worker must not send, or a pipe that broke.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("message of unknown kind {0}")]
    UnknownKind(u8),
    #[error("message of kind {kind} with {len} bytes, allowed are {min} to {max}")]
    Length { kind: u8, len: usize, min: usize, max: usize },
    #[error("message of kind {0} that cannot be read")]
    Content(u8),
    #[error("the pipe ended inside a message")]
    Cut,
    #[error("reading the pipe: {0}")]
    Io(#[from] io::Error),
}

/// The head of a unit message; the access unit's bytes follow it on the pipe.
pub(super) fn unit_head(
    codec: Codec,
    keyframe: bool,
    pts_ns: i64,
    dts_ns: i64,
    len: usize,
) -> [u8; HEAD_LEN + UNIT_HEAD_LEN] {
    let mut head = [0; HEAD_LEN + UNIT_HEAD_LEN];
    head[0] = 3;
    head[1..5].copy_from_slice(&((UNIT_HEAD_LEN + len) as u32).to_be_bytes());
    head[5] = codec.byte();
    head[6] = u8::from(keyframe);
    head[7..15].copy_from_slice(&pts_ns.to_be_bytes());
    head[15..23].copy_from_slice(&dts_ns.to_be_bytes());
    head
}

impl Message {
    /// The message as the pipe carries it. Texts are cut at
    /// [`MAX_WORKER_TEXT`](limits::MAX_WORKER_TEXT).
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![0; HEAD_LEN];
        out[0] = match self {
            Self::Streams(announcement) => {
                // Writing plain structs to memory cannot fail; an empty payload is refused.
                out.extend(serde_json::to_vec(announcement).unwrap_or_default());
                1
            }
            Self::Config { codec, data } => {
                out.push(codec.byte());
                out.extend_from_slice(data);
                2
            }
            Self::Unit(unit) => {
                let data = unit.body.get(unit.codec.body_header_len()..).unwrap_or_default();
                let head = unit_head(unit.codec, unit.keyframe, unit.pts_ns, unit.dts_ns, data.len());
                return [&head[..], data].concat();
            }
            Self::Progress { lane, time_ns } => {
                out.push(*lane as u8);
                out.extend_from_slice(&time_ns.to_be_bytes());
                4
            }
            Self::LaneEnd(lane) => {
                out.push(*lane as u8);
                5
            }
            Self::Duration(ns) => {
                out.extend_from_slice(&ns.to_be_bytes());
                6
            }
            Self::Warning(text) => {
                out.extend_from_slice(cut(text).as_bytes());
                7
            }
            Self::Failed { failure, text } => {
                out.push(*failure as u8);
                out.extend_from_slice(cut(text).as_bytes());
                8
            }
            Self::End => 9,
            Self::Equipment(equipment) => {
                out.extend(serde_json::to_vec(equipment).unwrap_or_default());
                10
            }
            Self::Picture(picture) => {
                out.extend(picture.encode());
                40
            }
            Self::Cue(cue) => {
                out.extend(cue.track.to_be_bytes());
                out.extend(cue.start_ms.to_be_bytes());
                out.extend(cue.end_ms.to_be_bytes());
                out.extend(cut(&cue.text).as_bytes());
                60
            }
        };
        let len = (out.len() - HEAD_LEN) as u32;
        out[1..HEAD_LEN].copy_from_slice(&len.to_be_bytes());
        out
    }

    fn decode(kind: u8, payload: &[u8]) -> Option<Self> {
        let lane = || payload.first().copied().and_then(Lane::from_byte);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(match kind {
            1 => Self::Streams(serde_json::from_slice(payload).ok()?),
            2 => {
                Self::Config { codec: Codec::from_byte(*payload.first()?)?, data: payload.get(1..)?.to_vec() }
            }
            4 => Self::Progress {
                lane: lane()?,
                time_ns: i64::from_be_bytes(payload.get(1..9)?.try_into().ok()?),
            },
            5 => Self::LaneEnd(lane()?),
            6 => Self::Duration(u64::from_be_bytes(payload.get(..8)?.try_into().ok()?)),
            7 => Self::Warning(text(payload)),
            8 => Self::Failed {
                failure: Failure::from_byte(*payload.first()?)?,
                text: text(payload.get(1..)?),
            },
            9 => Self::End,
            10 => Self::Equipment(serde_json::from_slice(payload).ok()?),
            40 => Self::Picture(Picture::decode(payload)?),
            60 => Self::Cue(TextCue {
                track: u16::from_be_bytes(payload.get(..2)?.try_into().ok()?),
                start_ms: u32::from_be_bytes(payload.get(2..6)?.try_into().ok()?),
                end_ms: u32::from_be_bytes(payload.get(6..10)?.try_into().ok()?),
                text: text(payload.get(10..)?),
            }),
            _ => return None,
        })
    }
}

/// `text` without what exceeds the limit, cut between characters.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(limits::MAX_WORKER_TEXT - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Fewest and most bytes in the payload of each kind of message.
fn allowed_len(kind: u8) -> Result<(usize, usize), WireError> {
    Ok(match kind {
        1 => (2, limits::MAX_WORKER_STREAMS),
        2 => (2, 1 + limits::MAX_CODEC_DATA),
        3 => (UNIT_HEAD_LEN, UNIT_HEAD_LEN + limits::MAX_ACCESS_UNIT),
        4 => (9, 9),
        5 => (1, 1),
        6 => (8, 8),
        7 => (0, limits::MAX_WORKER_TEXT),
        8 => (1, limits::MAX_WORKER_TEXT),
        9 => (0, 0),
        10 => (2, limits::MAX_WORKER_TEXT),
        40 => (1, picture::MAX_LEN),
        60 => (CUE_HEAD_LEN, CUE_HEAD_LEN + limits::MAX_WORKER_TEXT),
        other => return Err(WireError::UnknownKind(other)),
    })
}

/// Reads messages from a pipe.
///
/// Small messages are cut out of a buffer, so that audio frames do not cost a system call each;
/// the access unit of a large one is read straight into what becomes the tag's body.
pub(super) struct Reader<R> {
    pipe: R,
    buffer: Box<[u8]>,
    /// `buffer[start..end]` has arrived and is not used up.
    start: usize,
    end: usize,
}

impl<R: Read> Reader<R> {
    pub(super) fn new(pipe: R) -> Self {
        let buffer = vec![0; limits::WORKER_READ_BUFFER].into_boxed_slice();
        Self { pipe, buffer, start: 0, end: 0 }
    }

    /// A whole message has arrived: [`read_message`](Self::read_message) will not block.
    pub(super) fn has_message(&self) -> bool {
        let arrived = &self.buffer[self.start..self.end];
        match arrived.first_chunk::<HEAD_LEN>() {
            Some(head) => arrived.len() - HEAD_LEN >= payload_len(head),
            None => false,
        }
    }

    /// The next message; `None` when the pipe ended between two. Blocks. After an error the
    /// position in the pipe is lost: read no further.
    pub(super) fn read_message(&mut self) -> Result<Option<Message>, WireError> {
        if !self.fill(HEAD_LEN)? {
            return if self.start == self.end { Ok(None) } else { Err(WireError::Cut) };
        }
        let mut head = [0; HEAD_LEN];
        self.take_into(&mut head);
        let (kind, len) = (head[0], payload_len(&head));
        let (min, max) = allowed_len(kind)?;
        if !(min..=max).contains(&len) {
            return Err(WireError::Length { kind, len, min, max });
        }
        if kind == 3 {
            return self.read_unit(len - UNIT_HEAD_LEN).map(Some);
        }
        let payload = self.read_payload(0, len)?;
        Message::decode(kind, &payload).map(Some).ok_or(WireError::Content(kind))
    }

    fn read_unit(&mut self, len: usize) -> Result<Message, WireError> {
        if !self.fill(UNIT_HEAD_LEN)? {
            return Err(WireError::Cut);
        }
        let mut head = [0; UNIT_HEAD_LEN];
        self.take_into(&mut head);
        let [codec, keyframe, times @ ..] = head;
        let codec = Codec::from_byte(codec).ok_or(WireError::Content(3))?;
        let [pts, dts] = [&times[..8], &times[8..]].map(|bytes| {
            let mut ns = [0; 8];
            ns.copy_from_slice(bytes);
            i64::from_be_bytes(ns)
        });
        let body = self.read_payload(codec.body_header_len(), len)?;
        Ok(Message::Unit(Unit { codec, keyframe: keyframe != 0, pts_ns: pts, dts_ns: dts, body }))
    }

    /// `room` zeros, then the next `len` bytes of the pipe.
    fn read_payload(&mut self, room: usize, len: usize) -> Result<Vec<u8>, WireError> {
        let mut payload = Vec::with_capacity(room + len);
        payload.resize(room, 0);
        let buffered = len.min(self.end - self.start);
        payload.extend_from_slice(&self.buffer[self.start..self.start + buffered]);
        self.start += buffered;
        // read_to_end writes into the reserved capacity: neither zeroed before nor copied after.
        (&mut self.pipe).take((len - buffered) as u64).read_to_end(&mut payload)?;
        if payload.len() == room + len { Ok(payload) } else { Err(WireError::Cut) }
    }

    /// Makes `wanted` bytes available in the buffer; false when the pipe ended before.
    fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.buffer.len() - self.start < wanted {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        while self.end - self.start < wanted {
            match self.pipe.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(n) => self.end += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }

    /// Copies out bytes that [`fill`](Self::fill) made available.
    fn take_into(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&self.buffer[self.start..self.start + out.len()]);
        self.start += out.len();
    }
}

fn payload_len(head: &[u8; HEAD_LEN]) -> usize {
    u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
