//! Why a session with another server ends.

use crate::limits::{MAX_PUBLISHED_BYTES, MAX_PUBLISHED_TAGS, RELAY_ANSWER_TIMEOUT};
use crate::rtmp::capabilities::codec_name;
use crate::rtmp::error::SessionError;

/// The end of a session. Texts of the server are cut and cleaned.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ClientError {
    /// What cannot be read, or cannot be sent.
    #[error(transparent)]
    Protocol(#[from] SessionError),
    /// The server says no.
    #[error("the server refuses {what}: {code} {text}")]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// Its status code, such as `NetStream.Play.StreamNotFound`; may be empty.
        code: String,
        /// Its own words; may be empty.
        text: String,
    },
    /// The server is somewhere else.
    #[error("the server sends us to another address")]
    Redirect {
        /// Where: an address with an application, perhaps with the stream's name.
        to: String,
    },
    /// The server wants a user and a password.
    #[error(
        "the server demands Adobe's or Limelight's authentication (\"{text}\"), which is not supported; \
         use an address with a stream key, or allow this computer's address on the server"
    )]
    Authentication {
        /// Its own words.
        text: String,
    },
    /// It has not announced a codec of the stream (Enhanced RTMP).
    #[error(
        "the stream has {}, which the server has not said it takes; let the encoder send H.264 and AAC, or say \
         any_codec = true in [[relay.push]] if the server takes it all the same",
        codec_name(*codec)
    )]
    Codec {
        /// Its FourCC.
        codec: [u8; 4],
    },
    /// `createStream` was answered with no number that a stream can have.
    #[error("the server gave us no stream: createStream was answered without its number")]
    NoStream,
    /// Nothing for too long.
    #[error("the server did not answer {what} within {} s", RELAY_ANSWER_TIMEOUT.as_secs())]
    Timeout {
        /// What was asked for.
        what: &'static str,
    },
    /// Media in pieces that no server makes, or a driver that does not take them.
    #[error(
        "{tags} tags of {bytes} bytes wait; at most {MAX_PUBLISHED_TAGS} of {MAX_PUBLISHED_BYTES} bytes are \
         kept, take them after every input"
    )]
    TooMuchMedia {
        /// Tags waiting.
        tags: usize,
        /// Their bytes.
        bytes: usize,
    },
}

impl ClientError {
    /// The server has said no: the same question will get the same answer.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Authentication { .. })
    }
}
