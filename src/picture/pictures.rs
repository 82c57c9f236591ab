//! The server's side: who asks for which picture, how many are made at a time, and by which process.

use super::Fit;
use super::kept::Kept;
use crate::library::OpenFile;
use crate::limits::{
    MAX_PICTURE_BYTES, MAX_PICTURE_WAITING, PICTURE_TIMEOUT, PICTURES_AT_ONCE, PICTURES_KEPT,
};
use bytes::Bytes;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::Semaphore;

/// Why there is no picture; the texts go on after the file's name.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The file is at fault; the reason is the worker's.
    #[error("can't be shown: {0}")]
    NotShown(String),
    /// More are asked for than can be made.
    #[error("has to wait for too many other pictures; try again in a moment")]
    Busy,
    /// The worker could not be started.
    #[error("can't be shown: nothing could be started to read it ({0}); is the box out of memory?")]
    NoWorker(std::io::Error),
}

/// Makes pictures of files, and keeps those made last.
#[derive(Debug)]
pub struct Pictures {
    /// This very program.
    program: PathBuf,
    /// Places for workers, and for those who wait for one.
    at_work: Semaphore,
    waiting: Semaphore,
    kept: Mutex<Kept>,
}

impl Pictures {
    /// `program` is the path of this very program.
    pub fn new(program: PathBuf) -> Self {
        Self {
            program,
            at_work: Semaphore::new(PICTURES_AT_ONCE),
            waiting: Semaphore::new(MAX_PICTURE_WAITING),
            kept: Mutex::new(Kept::new(PICTURES_KEPT)),
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file as a JPEG that fits. Whoever stops waiting stops the work.
    ///
    /// # Errors
    /// Why not.
    pub async fn fit(&self, file: OpenFile, fit: Fit) -> Result<Bytes, PictureError> {
        let key = (file.identity, fit);
        if let Some(picture) = self.kept().get(&key) {
            return Ok(picture);
        }
        let _waiting = self.waiting.try_acquire().map_err(|_| PictureError::Busy)?;
        // Never closed.
        let _place = self.at_work.acquire().await.map_err(|_| PictureError::Busy)?;
        // Somebody else may have asked for the same meanwhile.
        if let Some(picture) = self.kept().get(&key) {
            return Ok(picture);
        }
        let picture = self.make(file, fit).await?;
        self.kept().put(key, picture.clone());
        Ok(picture)
    }

    async fn make(&self, file: OpenFile, fit: Fit) -> Result<Bytes, PictureError> {
        let (width, height) = fit.sides();
        let mut worker = Command::new(&self.program)
            .args(["worker", "picture", "--parent", &std::process::id().to_string()])
            .args([width.to_string(), height.to_string()])
            .stdin(Stdio::from(file.file))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(PictureError::NoWorker)?;
        let (Some(out), Some(err)) = (worker.stdout.take(), worker.stderr.take()) else {
            return Err(PictureError::NoWorker(std::io::Error::other("no pipes")));
        };
        let (mut picture, mut words) = (Vec::new(), Vec::new());
        let work = async {
            let (mut out, mut err) = (out.take(MAX_PICTURE_BYTES), err.take(MAX_WORDS));
            tokio::try_join!(out.read_to_end(&mut picture), err.read_to_end(&mut words))?;
            worker.wait().await
        };
        match tokio::time::timeout(PICTURE_TIMEOUT, work).await {
            Ok(Ok(status)) if status.success() => Ok(picture.into()),
            Ok(Ok(_)) => Err(PictureError::NotShown(reason(&words))),
            Ok(Err(error)) => Err(PictureError::NoWorker(error)),
            Err(_) => {
                let seconds = PICTURE_TIMEOUT.as_secs();
                Err(PictureError::NotShown(format!(
                    "it took longer than {seconds} s to read; make it smaller"
                )))
            }
        }
    }
}

/// Bytes that a worker may say.
const MAX_WORDS: u64 = 4096;

/// The worker's last line. One that was killed says nothing.
fn reason(words: &[u8]) -> String {
    let words = String::from_utf8_lossy(words);
    match words.trim().lines().last() {
        Some(line) if !line.is_empty() => line.chars().filter(|c| !c.is_control()).collect(),
        _ => "it is damaged in a way that stopped its reader; copy it again, or save it anew with another program".into(),
    }
}
