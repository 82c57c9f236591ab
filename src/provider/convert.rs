//! Any other media file, turned into FLV by a worker process while it is watched.

use super::cache::Cache;
use super::job::Job;
use super::transcodes::{Place, Transcodes};
use crate::limits::{CONVERT_START_SKEW, REMUX_LEAD, TRANSCODE_PLACE_PATIENCE};
use crate::pipeline::{Conversion, ConversionError, Event, MediaStreams, Request};
use crate::reel::{Recorder, Reel};
use crate::time::MediaTime;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Bytes recorded between two looks at the free space.
const SPACE_CHECK_BYTES: u64 = 16 << 20;

/// How long the producer sleeps at a time while it is held back: a viewer's wish wakes it at once,
/// a stop within this.
const HOLD_BACK_STEP: Duration = Duration::from_millis(500);

/// What ends a conversion.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Conversion(#[from] ConversionError),
    #[error("its conversion can't be started: {0}; the machine may be out of memory or processes")]
    Start(io::Error),
    #[error("its conversion can't be kept: {0}; make room on the disk that holds the data folder")]
    Cache(#[from] io::Error),
    #[error("there is neither picture nor sound in it")]
    Empty,
    #[error("{0} films are being encoded already, as many as this machine is set to; stop one and try again")]
    Busy(usize),
}

/// What conversions share.
pub(super) struct Means {
    /// Our own program.
    pub(super) program: PathBuf,
    pub(super) cache: Arc<Cache>,
    pub(super) transcodes: Arc<Transcodes>,
}

/// Converts `media` into `reel` to its end, or until the job is stopped. Blocking; any failure
/// ends up in the reel.
pub(super) fn run(reel: &Arc<Reel>, job: &Job, means: &Means, media: File, name: &str) {
    let recorder = Recorder::new(reel.clone());
    let mut converter = Converter { reel, job, means, recorder, streams: None, place: None, checked: 0 };
    let result = converter.run(media);
    // The worker is gone by now.
    converter.place = None;
    job.ended();
    match result {
        Ok(()) => tracing::info!(file = name, bytes = converter.recorder.len(), "converted"),
        Err(_) if job.stopped().load(Ordering::SeqCst) => {
            tracing::debug!(file = name, "conversion stopped: nobody watches it");
            reel.fail(format!("\"{name}\" is not being converted any more; play it again"));
        }
        // Trying again would end at the same place, so this is all there is of the file.
        Err(Failure::Conversion(error @ ConversionError::Unreadable { .. }))
            if converter.finish().is_ok() =>
        {
            tracing::warn!(file = name, %error, "the file is damaged; it is served up to there");
        }
        Err(failure) => {
            // What was made before stays playable.
            if let Err(error) = converter.recorder.flush() {
                tracing::warn!(file = name, %error, "the end of the conversion was lost");
            }
            tracing::warn!(file = name, error = %failure, "conversion failed");
            reel.fail(format!("\"{name}\" can't be played: {failure}"));
        }
    }
}

struct Converter<'a> {
    reel: &'a Reel,
    job: &'a Job,
    means: &'a Means,
    recorder: Recorder,
    /// Known once the worker has found out.
    streams: Option<MediaStreams>,
    /// Held while something is encoded.
    place: Option<Place>,
    /// Where the free space was last looked at.
    checked: u64,
}

impl Converter<'_> {
    fn run(&mut self, media: File) -> Result<(), Failure> {
        let request = Request::default();
        let mut conversion =
            Conversion::spawn(&self.means.program, media, &request).map_err(Failure::Start)?;
        self.job.began(conversion.killer());
        loop {
            // Whoever waits for these tags gets them before we wait for the worker.
            if !conversion.has_buffered() {
                self.recorder.flush()?;
                self.announce_start();
            }
            self.job.heard();
            match conversion.next_event()? {
                Event::Streams(streams) => self.streams_known(streams)?,
                Event::Duration(duration) => self.reel.set_duration(duration),
                Event::Tag(tag) => {
                    self.recorder.push(&tag)?;
                    self.pace()?;
                }
                Event::End => return self.finish(),
            }
        }
    }

    /// What there is by now is all there will be.
    fn finish(&mut self) -> Result<(), Failure> {
        self.recorder.flush()?;
        if !self.recorder.indexer().has_media() {
            return Err(Failure::Empty);
        }
        self.reel.start(self.recorder.indexer().codecs());
        self.reel.complete(self.recorder.indexer().end());
        Ok(())
    }

    fn streams_known(&mut self, streams: MediaStreams) -> Result<(), Failure> {
        if let Some(duration) = streams.duration {
            self.reel.set_duration(duration);
        }
        if let Some(video) = &streams.video {
            self.reel.set_picture_size(video.width, video.height);
        }
        self.streams = Some(streams);
        if !self.is_remux() {
            let transcodes = &self.means.transcodes;
            let place = transcodes.enter(TRANSCODE_PLACE_PATIENCE);
            self.place = Some(place.ok_or_else(|| Failure::Busy(transcodes.most()))?);
        }
        Ok(())
    }

    /// Viewers can start once both codecs are known, or one has come alone for long enough.
    fn announce_start(&mut self) {
        let indexer = self.recorder.indexer();
        if self.reel.progress().started || !indexer.has_media() {
            return;
        }
        let codecs = indexer.codecs();
        let complete = self.streams.as_ref().is_some_and(|streams| {
            streams.video.is_some() == codecs.video.is_some()
                && streams.audio.is_some() == codecs.audio.is_some()
        });
        let waited = u128::from(indexer.end().as_millis()) >= CONVERT_START_SKEW.as_millis();
        if complete || waited {
            self.reel.start(codecs);
        }
    }

    /// Keeps a fast conversion near its viewers, and the disk from filling up.
    fn pace(&mut self) -> Result<(), Failure> {
        if self.recorder.len() >= self.checked + SPACE_CHECK_BYTES {
            self.checked = self.recorder.len();
            self.means.cache.check_space()?;
        }
        if !self.is_remux() {
            return Ok(());
        }
        // `hold_back` looks at what viewers can read, so nothing may wait in the recorder.
        let ahead = self.recorder.indexer().available().saturating_millis_since(MediaTime::ZERO);
        if u128::from(ahead) < REMUX_LEAD.as_millis() {
            return Ok(());
        }
        let mut held = false;
        while self.reel.hold_back(REMUX_LEAD, HOLD_BACK_STEP) {
            if !held {
                self.recorder.flush()?;
                held = true;
            }
            self.job.held_back();
            if self.job.stopped().load(Ordering::Relaxed) {
                break;
            }
        }
        Ok(())
    }

    /// Nothing is encoded: the conversion runs hundreds of times faster than anyone watches.
    fn is_remux(&self) -> bool {
        self.streams.as_ref().is_some_and(|streams| {
            streams.video.as_ref().is_none_or(|v| v.passthrough)
                && streams.audio.as_ref().is_none_or(|a| a.passthrough)
        })
    }
}
