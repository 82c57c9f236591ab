//! What a session tells its driver.

use super::capabilities::Capabilities;
use super::command::{PublishMode, Start};
use crate::amf0::AmfString;
use crate::flv::Tag;
use crate::time::MediaTime;
use std::fmt;
use std::time::Duration;

/// A message stream of one connection, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(u32);

impl StreamId {
    pub(super) const fn new(id: u32) -> Self {
        Self(id)
    }

    /// The number on the wire.
    pub const fn as_u32(self) -> u32 {
        self.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream {}", self.0)
    }
}

/// Names one call of the client that wants an answer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Transaction(pub(super) f64);

/// What a client says about itself in `connect`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Connect {
    /// The application: the URL's first one or two components; see
    /// [`play_path`](super::play_path).
    pub app: AmfString,
    /// The URL without the stream's name.
    pub tc_url: Option<AmfString>,
    /// "WIN 7,0,14,0"; ffmpeg and librtmp claim to be some Linux player.
    pub flash_ver: Option<AmfString>,
    /// The page that the player is on.
    pub page_url: Option<AmfString>,
    /// The player's own URL.
    pub swf_url: Option<AmfString>,
    /// Enhanced RTMP: the codecs beyond Adobe's that it takes.
    pub capabilities: Capabilities,
}

impl Connect {
    /// It is a relay of another server of ours, which publishes.
    pub fn is_relay(&self) -> bool {
        self.flash_ver.as_ref().is_some_and(|version| version == super::client::PUBLISHER)
    }
}

/// Where sending goes on after a pause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResumeAt {
    /// Behind the last tag sent: the client kept its buffer.
    WhereStopped,
    /// As after a seek to this time (sequence headers, then the keyframe at or before it), but without
    /// [`seek_done`](super::Session::seek_done).
    ///
    /// Needed by Flash Player before 9.0.115, the Wii's among them: it empties its buffer when it pauses.
    Position(MediaTime),
    /// The newest group of pictures, sequence headers first: nothing of a live stream is kept.
    LiveEdge,
}

/// Something the driver has to act on. Each says which verb answers it.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// Answer with `accept_connect` or `reject_connect`.
    Connect(Box<Connect>),
    /// Play this; answer with `play_started` or `play_failed`. A play before it on the same stream was
    /// ended by a [`StopStream`](Event::StopStream).
    Play {
        /// On this stream.
        stream: StreamId,
        /// The name as sent; with the app it makes the [`candidates`](super::play_path::candidates).
        name: AmfString,
        /// From here.
        start: Start,
        /// Milliseconds to play, if not to the end. The session ends the stream by itself then.
        length: Option<u32>,
        /// To be handed back in `PlayStart`.
        reset: bool,
    },
    /// Go there: `seek_pending` as often as useful, then `seek_done`. A new seek replaces the one before
    /// it; one `seek_done` answers all. Comes after the stream's end, too: keep what it needs until
    /// `StopStream`. Never for a live stream, whose seeks the session answers itself.
    Seek {
        /// On this stream.
        stream: StreamId,
        /// The time wanted; may be beyond the end.
        target: MediaTime,
    },
    /// The viewer paused. Answered already.
    Pause {
        /// On this stream.
        stream: StreamId,
        /// Where the client says it is.
        position: MediaTime,
    },
    /// The viewer goes on. Answered already.
    Resume {
        /// On this stream.
        stream: StreamId,
        /// What to send next.
        at: ResumeAt,
    },
    /// Forget what plays, or was about to play, on this stream.
    StopStream {
        /// This stream.
        stream: StreamId,
    },
    /// The length asked for in `Play` has been sent, and the end announced.
    LengthReached {
        /// On this stream.
        stream: StreamId,
    },
    /// The client's buffer has this length. The pace follows already.
    BufferLength {
        /// On this stream.
        stream: StreamId,
        /// Of any length; what counts is bounded.
        length: Duration,
    },
    /// The client wants sound, or none. Filtered already.
    ReceiveAudio {
        /// On this stream.
        stream: StreamId,
        /// Wanted.
        on: bool,
    },
    /// The client wants pictures, or none. Filtered already; pictures begin with the next keyframe.
    ReceiveVideo {
        /// On this stream.
        stream: StreamId,
        /// Wanted.
        on: bool,
    },
    /// How long is it? `reply` with seconds as a number, or null.
    StreamLength {
        /// For `reply`.
        transaction: Transaction,
        /// The name as in `Play`.
        name: AmfString,
    },
    /// What is in that folder? `reply` or `reply_error`.
    ListDirectory {
        /// For `reply`.
        transaction: Transaction,
        /// As sent.
        path: AmfString,
    },
    /// How long does the pending seek take? `reply` with
    /// [`MediaInfo::as_value`](super::MediaInfo::as_value), or null.
    SeekStatus {
        /// For `reply`.
        transaction: Transaction,
    },
    /// A publisher; answer with `publish_started` or `publish_denied`. What was published or played on the
    /// same stream before was ended by an [`Unpublish`](Event::Unpublish) or [`StopStream`](Event::StopStream).
    Publish {
        /// On this stream.
        stream: StreamId,
        /// The name as sent, with its secret if it has one; see [`StreamKey`](super::StreamKey).
        name: AmfString,
        /// What is to be done with it.
        mode: PublishMode,
    },
    /// What a publisher sent, after `publish_started`: in the order of arrival, times as they came, never
    /// without a body. Script tags begin with their name (`onMetaData`). Take these after every input:
    /// [`MAX_PUBLISHED_TAGS`](crate::limits::MAX_PUBLISHED_TAGS) are kept.
    Published {
        /// On this stream.
        stream: StreamId,
        /// Sound, a picture, or data.
        tag: Tag,
    },
    /// The publisher is done, or does not want to publish any more. Answered already. Not raised by the
    /// connection's end, which ends its publishing as well.
    Unpublish {
        /// On this stream.
        stream: StreamId,
    },
}
