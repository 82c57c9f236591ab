//! Any media file becomes FLV tags, mostly of H.264 and AAC, by GStreamer in a worker process.
//!
//! ```text
//!        server process                     │            worker process (same binary)
//!                                           │ stdin
//!  File ────────────────────────────────────┼──▶ source ▶ parsebin ──┬▶ H.264 as it is ───────┐
//!                                           │                        ├▶ decode ▶ x264enc ─────┤
//!  Tag ◀─ Interleaver ◀─ wire::Reader ◀─────┼── wire messages ◀──────┼▶ AAC as it is ─────────┤
//!         (two lanes by DTS, lead, ms)      │ stdout                 └▶ decode ▶ avenc_aac ───┘
//!  last words ◀─────────────────────────────┼── stderr
//! ```
//!
//! Demuxers and decoders chew on files from anywhere: they crash and hang. In a process of their
//! own that costs one conversion and never the server, so **GStreamer is never initialised in the
//! server**. Tags are written by the server, in safe code, because flvmux 1.22 loses B-frame
//! timestamps, repeats `onMetaData` and cannot start a range in the middle.
//!
//! | module | what it is |
//! |---|---|
//! | [`Conversion`] | the server's side: owns the process, yields [`Event`]s |
//! | [`LiveFeed`] | the same for a live source, which has no end |
//! | [`look()`] | what is in a file, and pictures of it, for listings |
//! | [`texts()`] | the text of its subtitles |
//! | `errand` | a worker that does one of these and ends |
//! | `beside` | subtitles in files of their own, on their way to the worker |
//! | [`slate()`] | the picture that viewers see while nothing comes |
//! | [`snapshot()`] | a JPEG of a live stream's last keyframe |
//! | `picture` | pictures as both sides speak of them; pure |
//! | `jumps` | jumps in a live source's times; pure |
//! | `interleave` | two lanes of access units to one run of tags; pure |
//! | `wire` | the messages on the pipe; pure |
//! | `form` | what shall come out: profile, codecs that pass, tracks |
//! | `equipment` | what this machine encodes with, and how fast |
//! | `remote` | how a worker asks for a film that is not a file here; pure |
//! | `silence` | how long a worker has said nothing although it had its turns |
//! | `streams` | what both sides say about a file |
//! | [`worker`] | the other process: the only code that touches GStreamer |
//!
//! What does not belong here: files' names, caches, who watches and how far ahead to convert.

mod beside;
mod conversion;
mod equipment;
mod errand;
mod error;
mod form;
#[doc(hidden)]
pub mod fuzzing;
mod interleave;
mod jumps;
mod last_words;
mod live_feed;
mod live_order;
mod look;
mod picture;
mod remote;
mod silence;
mod slate;
mod snapshot;
mod streams;
mod texts;
mod wire;
pub mod worker;

pub use beside::Beside;
pub use conversion::{Conversion, Event, Killer, Media, Request};
pub use equipment::{EncoderSpeed, Equipment};
pub use error::ConversionError;
pub use form::{Codec, Form, Passes, Profile, TrackChoice};
pub use live_feed::{FeedError, FeedEvent, Goodbye, LiveFeed};
pub use live_order::{CaptureOrder, LiveInput, SoundCard};
pub use look::{Look, Looked, look};
pub use picture::{Picture, Purpose, is_whole_jpeg};
pub use remote::{FEED_FAILED, FEED_REQUEST, feed_request, read_feed_request};
pub use silence::Silence;
pub use slate::{Quiet, Slate, SlateOrder, slate};
pub use snapshot::{CodedPicture, snapshot};
pub use streams::{
    AudioStream, AudioTrack, Chapter, Contents, MediaStreams, NamedTag, STATION, SubtitleTrack, VideoStream,
};
pub use texts::{Text, texts};
pub use worker::framework_version;
