//! The status objects that players act on: `onStatus`, `onPlayStatus`, the answer to `connect`.
//!
//! The codes are Adobe's (7.2.2 and the ActionScript reference of `NetStream.onStatus`), but for
//! `Server.Media.Info`, which is the 2007 Wiidiaserver's.

use crate::amf0::{AmfString, Properties, Value};
use crate::time::MediaTime;
use std::time::Duration;

/// Why a play cannot begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlayError {
    /// No file of the library goes by that name.
    NotFound,
    /// There is a file, but nothing in it that can be played.
    NotMedia,
    /// It could be played, but not now: too many conversions, a worker that does not start.
    Unavailable,
}

/// Why a publisher is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PublishError {
    /// It may not: no or a wrong secret, publishing not set up, a codec nobody takes.
    Denied,
    /// The name: in use, or none that a stream can have.
    BadName,
}

impl PublishError {
    /// OBS and librtmp give up on either; only FMLE tells them apart.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Denied => "NetStream.Publish.Denied",
            Self::BadName => "NetStream.Publish.BadName",
        }
    }
}

/// What becomes of the recording that a publisher has asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordStatus {
    /// It begins.
    Start,
    /// It has ended.
    Stop,
    /// It broke off; the stream goes on.
    Failed,
    /// There is none; the stream goes on.
    NoAccess,
}

impl RecordStatus {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Start => "NetStream.Record.Start",
            Self::Stop => "NetStream.Record.Stop",
            Self::Failed => "NetStream.Record.Failed",
            Self::NoAccess => "NetStream.Record.NoAccess",
        }
    }

    pub(super) const fn level(self) -> Level {
        match self {
            Self::Start | Self::Stop => Level::Status,
            Self::Failed | Self::NoAccess => Level::Error,
        }
    }
}

/// How long a medium is and how much of it can be played already.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct MediaInfo {
    /// Length of the whole, when known.
    pub total: Option<MediaTime>,
    /// From the start up to here it is there.
    pub available: MediaTime,
    /// Where a waiting seek wants to go.
    pub target: Option<MediaTime>,
    /// How long that is expected to take.
    pub eta: Option<Duration>,
}

/// What one `onStatus` says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Level {
    Status,
    Error,
}

/// The information object of an `onStatus`.
pub(super) fn info(level: Level, code: &'static str, description: &str) -> Properties {
    let level = match level {
        Level::Status => "status",
        Level::Error => "error",
    };
    Properties::new()
        .with(AmfString::from_static("level"), Value::from_static(level))
        .with(AmfString::from_static("code"), Value::from_static(code))
        .with(AmfString::from_static("description"), description)
}

impl MediaInfo {
    /// The 2007 player's object: `totallength`, `availablelength`, to which we add `target` and `eta`.
    /// All in seconds. An unknown total is told as what is available, so that a progress bar is full
    /// rather than broken.
    pub(super) fn as_status(&self) -> Properties {
        self.with_fields(info(Level::Status, "Server.Media.Info", "how much of the media is ready"))
    }

    /// The same fields for the data message `onSeekPending`.
    pub(super) fn as_seek_pending(&self) -> Properties {
        self.with_fields(info(Level::Status, "NetStream.Seek.Pending", "the seek waits for the conversion"))
    }

    /// The bare fields, as the answer to `getSeekStatus`.
    pub fn as_value(&self) -> Value {
        self.with_fields(Properties::new()).into_object()
    }

    fn with_fields(&self, info: Properties) -> Properties {
        info.with("totallength", self.total.unwrap_or(self.available).as_secs_f64())
            .with("availablelength", self.available.as_secs_f64())
            .with_some("target", self.target.map(MediaTime::as_secs_f64))
            .with_some("eta", self.eta.map(|eta| eta.as_secs_f64()))
    }
}
