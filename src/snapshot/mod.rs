//! JPEGs of live streams: of the last keyframe, made in a process of its own when somebody asks, and kept until there
//! is another one.
//!
//! ```text
//!  GET /live/<name>.jpg ─▶ the stream's last keyframe ─▶ Snapshots: kept? else places ─▶ worker: decode ─▶ JPEG
//! ```
//!
//! What belongs here: which pictures are kept, how many are made at a time. What does not: where a stream is found
//! (`server`), how a picture is decoded (`pipeline`).

use crate::limits::{
    MAX_SNAPSHOTS_WAITING, SNAPSHOT_FRESH, SNAPSHOT_SIZES_KEPT, SNAPSHOT_STREAMS_KEPT, SNAPSHOTS_AT_ONCE,
};
use crate::pipeline::{CodedPicture, ConversionError, snapshot};
use crate::stream::Keyframe;
use bytes::Bytes;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};
use tokio::sync::Semaphore;

/// Pixels that a picture has to fit into: width, height.
pub type Most = (u16, u16);

/// A picture of a stream.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The file.
    pub jpeg: Bytes,
    /// When it was made; the stream was at most [`SNAPSHOT_FRESH`] further then.
    pub made: SystemTime,
}

/// Why there is no picture. The texts go on after the stream's name.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SnapshotError {
    /// Its codec is none that is known here, or its header is missing.
    #[error("sends pictures of a kind that can't be shown as JPEG; set the encoder to H.264")]
    UnknownCodec,
    /// The decoder said no.
    #[error("sent a picture that can't be shown: {0}")]
    NotShown(String),
    /// More are asked for than can be made.
    #[error("has to wait for too many other pictures; try again in a moment")]
    Busy,
}

/// Makes pictures of live streams, and keeps those made last.
#[derive(Debug)]
pub struct Snapshots {
    /// This very program.
    program: PathBuf,
    at_work: Arc<Semaphore>,
    waiting: Semaphore,
    streams: Mutex<HashMap<String, OfStream>>,
}

/// The pictures of one stream, and when they were asked for last.
#[derive(Debug)]
struct OfStream {
    asked: Instant,
    /// Locked while one is made: whoever asks for the same waits for it.
    kept: Arc<tokio::sync::Mutex<Vec<Kept>>>,
}

#[derive(Debug)]
struct Kept {
    keyframe: Keyframe,
    most: Most,
    since: Instant,
    /// A picture that cannot be shown is not tried again and again.
    outcome: Result<Snapshot, SnapshotError>,
}

impl Kept {
    fn answers(&self, keyframe: &Keyframe, most: Most) -> bool {
        self.most == most && (self.keyframe.is_same(keyframe) || self.since.elapsed() < SNAPSHOT_FRESH)
    }
}

impl Snapshots {
    /// `program` is the path of this very program.
    pub fn new(program: PathBuf) -> Self {
        Self {
            program,
            at_work: Arc::new(Semaphore::new(SNAPSHOTS_AT_ONCE)),
            waiting: Semaphore::new(MAX_SNAPSHOTS_WAITING),
            streams: Mutex::default(),
        }
    }

    /// The JPEG of a keyframe of the stream `name`, or of one a moment before.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn of(&self, name: &str, keyframe: &Keyframe, most: Most) -> Result<Snapshot, SnapshotError> {
        let _waiting = self.waiting.try_acquire().map_err(|_| SnapshotError::Busy)?;
        let kept = self.kept(name);
        let mut kept = kept.lock().await;
        if let Some(known) = kept.iter().find(|kept| kept.answers(keyframe, most)) {
            return known.outcome.clone();
        }
        let outcome = self.make(keyframe, most).await;
        if matches!(outcome, Err(SnapshotError::Busy)) {
            return outcome;
        }
        kept.retain(|kept| kept.most != most);
        if kept.len() >= SNAPSHOT_SIZES_KEPT {
            kept.remove(0);
        }
        let since = Instant::now();
        kept.push(Kept { keyframe: keyframe.clone(), most, since, outcome: outcome.clone() });
        outcome
    }

    fn kept(&self, name: &str) -> Arc<tokio::sync::Mutex<Vec<Kept>>> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(stream) = streams.get_mut(name) {
            stream.asked = now;
            return stream.kept.clone();
        }
        if streams.len() >= SNAPSHOT_STREAMS_KEPT {
            let oldest = streams.iter().min_by_key(|(_, stream)| stream.asked).map(|(name, _)| name.clone());
            oldest.and_then(|name| streams.remove(&name));
        }
        let kept = Arc::default();
        streams.insert(name.to_owned(), OfStream { asked: now, kept: Arc::clone(&kept) });
        kept
    }

    async fn make(&self, keyframe: &Keyframe, most: Most) -> Result<Snapshot, SnapshotError> {
        let coded = CodedPicture::of_keyframe(keyframe.header.as_ref(), &keyframe.frame);
        let coded = coded.ok_or(SnapshotError::UnknownCodec)?;
        // Never closed. The place goes along: who stops waiting does not stop the work.
        let place = self.at_work.clone().acquire_owned().await.map_err(|_| SnapshotError::Busy)?;
        let program = self.program.clone();
        let work = move || {
            let _place = place;
            snapshot(&program, &coded, most)
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(jpeg)) => Ok(Snapshot { jpeg, made: SystemTime::now() }),
            Ok(Err(ConversionError::Spawn(_))) | Err(_) => Err(SnapshotError::Busy),
            Ok(Err(error)) => Err(SnapshotError::NotShown(error.to_string())),
        }
    }
}
