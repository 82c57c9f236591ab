//! How long files play, found out in the background for listings.

use super::flv_file;
use crate::library::{FileIdentity, Library, LibraryPath};
use crate::limits::{MAX_DURATION_QUEUE, MAX_DURATIONS};
use crate::pipeline;
use crate::time::MediaTime;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Mutex as AsyncMutex, mpsc};

/// What is known, and a queue of what is asked for. One file is looked into at a time: a listing
/// must not cost a film that plays its disk.
#[derive(Debug, Clone)]
pub(super) struct Durations(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    library: Arc<Library>,
    program: PathBuf,
    known: Mutex<HashMap<FileIdentity, Known>>,
    queue: mpsc::Sender<(LibraryPath, FileIdentity)>,
    asked: AsyncMutex<mpsc::Receiver<(LibraryPath, FileIdentity)>>,
}

#[derive(Debug, Clone, Copy)]
enum Known {
    Asked,
    /// `None`: the file has none, or is no media.
    Is(Option<MediaTime>),
}

impl Durations {
    pub(super) fn new(library: Arc<Library>, program: PathBuf) -> Self {
        let (queue, asked) = mpsc::channel(MAX_DURATION_QUEUE);
        Self(Arc::new(Inner {
            library,
            program,
            known: Mutex::default(),
            queue,
            asked: AsyncMutex::new(asked),
        }))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<FileIdentity, Known>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The duration if it is known; otherwise it will be asked for.
    pub(super) fn get(&self, path: &LibraryPath, file: FileIdentity) -> Option<MediaTime> {
        let mut known = self.known();
        match known.get(&file) {
            Some(Known::Is(duration)) => return *duration,
            Some(Known::Asked) => return None,
            None => {}
        }
        // When the queue is full the next listing asks again.
        if known.len() < MAX_DURATIONS && self.0.queue.try_send((path.clone(), file)).is_ok() {
            known.insert(file, Known::Asked);
        }
        None
    }

    /// The duration is known from playing the file.
    pub(super) fn learn(&self, file: FileIdentity, duration: MediaTime) {
        let mut known = self.known();
        if known.len() < MAX_DURATIONS || known.contains_key(&file) {
            known.insert(file, Known::Is(Some(duration)));
        }
    }

    /// Looks into files as they are asked for. Runs until the server ends.
    pub(super) async fn find_out(self) {
        let mut asked = self.0.asked.lock().await;
        while let Some((path, file)) = asked.recv().await {
            let this = self.clone();
            let duration = tokio::task::spawn_blocking(move || this.look_into(&path)).await.ok().flatten();
            let mut known = self.known();
            if !matches!(known.get(&file), Some(Known::Is(Some(_)))) {
                known.insert(file, Known::Is(duration));
            }
        }
    }

    fn look_into(&self, path: &LibraryPath) -> Option<MediaTime> {
        let file = self.0.library.open(path).ok()?;
        if flv_file::is_flv(&file.file) {
            return flv_file::duration(&file.file, file.len);
        }
        match pipeline::probe(&self.0.program, file.file) {
            Ok(streams) => streams.duration,
            Err(error) => {
                tracing::debug!(file = %path, %error, "no duration");
                None
            }
        }
    }
}
