//! What a server sends to an RTMP client, as far as tests look at it.

use wiidiaserver::amf0::{self, DecodeError, Value};

/// What the server sends.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    /// An invocation: name, transaction, what follows.
    Command(String, f64, Vec<Value>),
    /// A data message, `onMetaData` and such.
    Data(Vec<Value>),
    Audio(Media),
    Video(Media),
    /// A user control event (7.1.7): type and its first number.
    Control(u16, u32),
}

/// A tag's time and the first bytes of its body.
#[derive(Clone)]
pub(crate) struct Media {
    pub(crate) ms: u32,
    pub(crate) body: Vec<u8>,
}

impl std::fmt::Debug for Media {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let head = &self.body[..self.body.len().min(4)];
        write!(f, "{{ {} ms, {} bytes {head:02x?} }}", self.ms, self.body.len())
    }
}

impl Message {
    /// From a message's type (6.1.2, 7.1), time and body. Nothing for types that no test looks at.
    pub(crate) fn read(kind: u8, ms: u32, body: Vec<u8>) -> Result<Option<Self>, DecodeError> {
        let number =
            |at: usize| body.get(at..at + 4).map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
        Ok(Some(match kind {
            4 => Self::Control(body.get(1).copied().unwrap_or_default().into(), number(2)),
            8 => Self::Audio(Media { ms, body }),
            9 => Self::Video(Media { ms, body }),
            18 => Self::Data(amf0::decode_all(&body)?),
            20 => {
                let mut values = amf0::decode_all(&body)?.into_iter();
                let name = values.next().and_then(|v| v.as_str().map(|s| s.into_owned())).unwrap_or_default();
                let transaction = values.next().and_then(|v| v.as_f64()).unwrap_or(0.0);
                Self::Command(name, transaction, values.collect())
            }
            _ => return Ok(None),
        }))
    }

    /// The code of an `onStatus`.
    pub(crate) fn status(&self) -> Option<String> {
        Some(self.status_info()?.get("code")?.as_str()?.into_owned())
    }

    /// The information object of an `onStatus`.
    pub(crate) fn status_info(&self) -> Option<&Value> {
        match self {
            Self::Command(name, _, values) if name == "onStatus" => {
                values.iter().find(|v| v.get("code").is_some())
            }
            _ => None,
        }
    }

    /// The name of a data message; not of the wrapper `@setDataFrame`.
    pub(crate) fn data_name(&self) -> Option<String> {
        match self {
            Self::Data(values) => Some(values.first()?.as_str()?.into_owned()),
            _ => None,
        }
    }

    /// AVC or AAC sequence header (FLV 10.1, E.4.2.1, E.4.3.1).
    pub(crate) fn is_sequence_header(&self) -> bool {
        match self {
            Self::Video(media) => media.body.len() > 1 && media.body[0] & 0x0f == 7 && media.body[1] == 0,
            Self::Audio(media) => media.body.len() > 1 && media.body[0] >> 4 == 10 && media.body[1] == 0,
            _ => false,
        }
    }

    /// A picture that can be decoded without another; the top bit marks Enhanced RTMP.
    pub(crate) fn is_keyframe(&self) -> bool {
        matches!(self, Self::Video(media) if media.body.first().is_some_and(|byte| (byte & 0x70) >> 4 == 1))
            && self.media_ms().is_some()
    }

    /// The time of sound or picture; nothing for headers, for AVC's end of sequence and for command frames.
    pub(crate) fn media_ms(&self) -> Option<u32> {
        match self {
            Self::Video(Media { body, .. }) if body.first().is_some_and(|byte| byte >> 4 == 5) => None,
            Self::Video(Media { body, .. }) if matches!(body[..], [kind, 2, ..] if kind & 0x0f == 7) => None,
            Self::Audio(media) | Self::Video(media) if !self.is_sequence_header() => Some(media.ms),
            _ => None,
        }
    }
}
