//! The server's side of a live source: starts the worker, reads it, yields tags.
//!
//! As [`Conversion`](super::Conversion), blocking and for a thread of its own. What differs: there is no end, jumps
//! in time are mended, one lane does not wait long for the other, and tags begin at a keyframe.

use super::conversion::{Killer, Process};
use super::equipment::Equipment;
use super::error::ConversionError;
use super::form::Codec;
use super::interleave::{Interleaver, Lead};
use super::jumps::Mender;
use super::last_words::LastWords;
use super::live_order::LiveInput;
use super::streams::{Announcement, MediaStreams};
use super::wire::{Failure, Lane, Message, Reader, Unit};
use crate::flv::Tag;
use crate::limits;
use crate::time::MediaTime;
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const NS_PER_MS: i64 = 1_000_000;

/// Sound this much before the first picture stays: it is heard with it.
const EARLY_NS: i64 = 40 * NS_PER_MS;

/// What GLib must not do in the worker: ask other programs for settings, proxies and mounts. It could not.
const QUIET_GLIB: [(&str, &str); 3] =
    [("GSETTINGS_BACKEND", "memory"), ("GIO_USE_PROXY_RESOLVER", "dummy"), ("GIO_USE_VFS", "local")];

/// What a live source yields.
#[derive(Clone, PartialEq, Debug)]
pub enum FeedEvent {
    /// What it has. Comes before the first tag, and again when that changes.
    Streams(MediaStreams),
    /// The next tag; the first ones are sequence headers and a keyframe. Times wrap at 32 bits.
    Tag(Tag),
}

/// Why nothing more comes. The texts are for people; the caller adds the source's name, and takes out the
/// secrets of its address, which GStreamer may have quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// It does not want us, or has no such thing.
    #[error("{0}")]
    Refused(String),
    /// What comes from it cannot be played.
    #[error("it cannot be played: {0}")]
    NotPlayable(String),
    /// It broke, or was never there.
    #[error("{0}")]
    Broken(String),
    /// It ended by itself.
    #[error("it has ended")]
    Ended,
    /// [`Killer::kill`] was called.
    #[error("it was stopped")]
    Stopped,
}

impl FeedError {
    /// Trying again at once will give the same answer.
    pub fn is_lasting(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::NotPlayable(_))
    }

    fn from_failure(failure: Failure, text: String) -> Self {
        match failure {
            Failure::Refused => Self::Refused(text),
            Failure::NotMedia => Self::NotPlayable(format!("it is neither video nor sound, {text}")),
            Failure::NoDecoder => Self::NotPlayable(format!("no decoder for {text} is installed")),
            Failure::NotInstalled => Self::NotPlayable(format!(
                "this computer cannot do that, {text}; install the GStreamer plug-ins (base, good, bad, ugly, libav)"
            )),
            Failure::Unreadable | Failure::Stalled => Self::Broken(text),
        }
    }
}

/// The worker's standard input. Dropped, it asks the worker to leave: a camera is told that its session is over,
/// and has a place for the next one. Kill it when that takes too long.
#[derive(Debug)]
pub struct Goodbye(#[expect(dead_code, reason = "its end is the message")] ChildStdin);

/// A live worker and what it has sent so far. Dropping it kills the process, which also dies with the *thread* that
/// spawned it.
pub struct LiveFeed {
    process: Arc<Process>,
    goodbye: Option<Goodbye>,
    reader: Reader<ChildStdout>,
    stderr: LastWords,
    lanes: Interleaver,
    skew: Duration,
    mender: Mender,
    /// The last configuration of each lane.
    configs: [Option<(Codec, Vec<u8>)>; 2],
    announced: Announcement,
    /// The announcement is to be passed on.
    news: bool,
    warnings: Vec<String>,
    /// Sound that waits for the first picture, since when, and its bytes.
    early: VecDeque<Unit>,
    picture_awaited: Option<Instant>,
    early_bytes: usize,
    begun: bool,
    epoch: Option<Epoch>,
    /// Tags of the epoch before.
    due: VecDeque<Tag>,
    ended: Option<FeedError>,
}

impl LiveFeed {
    /// Starts `program worker live` on `input`. `pushes`: it comes when the sender likes, so that one lane need not
    /// wait for the other for long.
    pub fn spawn(program: &Path, input: &LiveInput, pushes: bool) -> io::Result<Self> {
        let equipment = Equipment::installed().unwrap_or_default();
        let mut child = Command::new(program)
            .args(["worker", "live", "--parent", &std::process::id().to_string()])
            .args(["--equipment", &serde_json::to_string(&*equipment)?])
            .envs(QUIET_GLIB)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take()).zip(child.stderr.take());
        let process = Arc::new(Process::new(child));
        let started = pipes.ok_or_else(|| io::Error::other("no pipes to the worker"));
        let started = started.and_then(|((mut order, out), err)| {
            // Fits the pipe's buffer, so that this does not wait for the worker.
            let mut line = serde_json::to_vec(input)?;
            line.push(b'\n');
            match order.write_all(&line) {
                // It has ended already: the other pipes tell how.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                written => written?,
            }
            let _ = rustix::pipe::fcntl_setpipe_size(&out, limits::WORKER_PIPE);
            Ok((Goodbye(order), Reader::new(out), LastWords::listen(err)?))
        });
        let (goodbye, reader, stderr) = started.inspect_err(|_| process.end())?;
        let skew = if pushes { limits::LIVE_SKEW } else { limits::INTERLEAVE_SKEW };
        Ok(Self {
            process,
            goodbye: Some(goodbye),
            reader,
            stderr,
            // Replaced with the first unit, whose time is where the first epoch begins.
            lanes: Interleaver::live(Lead::Given(0), skew),
            skew,
            mender: Mender::default(),
            configs: Default::default(),
            announced: Announcement::default(),
            news: false,
            warnings: Vec::new(),
            early: VecDeque::new(),
            picture_awaited: None,
            early_bytes: 0,
            begun: false,
            epoch: None,
            due: VecDeque::new(),
            ended: None,
        })
    }

    /// The next event. Blocks until there is one. After an error there is nothing more.
    ///
    /// # Errors
    /// Why nothing more comes.
    pub fn next_event(&mut self) -> Result<FeedEvent, FeedError> {
        loop {
            match self.process.verdict() {
                None => {}
                Some(ConversionError::Stopped) => return Err(FeedError::Stopped),
                Some(_) => return Err(FeedError::Broken("its receiver did not answer any more".into())),
            }
            if std::mem::take(&mut self.news) {
                return Ok(FeedEvent::Streams(self.streams()));
            }
            if let Some(tag) = self.due.pop_front().or_else(|| self.pop_lanes()) {
                return Ok(FeedEvent::Tag(tag));
            }
            if let Some(error) = &self.ended {
                return Err(error.clone());
            }
            self.read();
        }
    }

    /// A handle with which another thread can end this.
    pub fn killer(&self) -> Killer {
        Killer(Arc::clone(&self.process))
    }

    /// What asks the worker to leave when it is dropped; `None` when it was taken before.
    pub fn goodbye(&mut self) -> Option<Goodbye> {
        self.goodbye.take()
    }

    /// The worker's process id.
    pub fn worker_id(&self) -> u32 {
        self.process.child().id()
    }

    /// Jumps of the source's times that were mended.
    pub fn jumps(&self) -> u64 {
        self.mender.jumps()
    }

    fn streams(&self) -> MediaStreams {
        MediaStreams {
            spare: None,
            duration: None,
            video: self.announced.video.clone(),
            audio: self.announced.audio.clone(),
            contents: self.announced.contents.clone(),
            seekable: false,
            lead_ns: 0,
            warnings: self.warnings.clone(),
        }
    }

    fn read(&mut self) {
        match self.reader.read_message() {
            Ok(Some(message)) => self.handle_message(message),
            Ok(None) => {
                let status = self.process.reap();
                let words = self.stderr.take();
                let quoted = words.last().map(|line| format!(" ({line})")).unwrap_or_default();
                let how = match ConversionError::crashed(status, words) {
                    ConversionError::Crashed { how, .. } => how,
                    ConversionError::Killed { .. } => "was killed by signal 9".to_owned(),
                    _ => return self.end(FeedError::Stopped),
                };
                self.end(FeedError::Broken(format!("its receiver {how}{quoted}")));
            }
            Err(error) => {
                self.process.end();
                self.end(FeedError::Broken(format!("its receiver sent nonsense ({error})")));
            }
        }
    }

    fn handle_message(&mut self, message: Message) {
        match message {
            Message::Streams(announced) => {
                self.news = self.news || announced != self.announced;
                self.announced = announced;
                self.end_absent_lanes();
            }
            Message::Config { codec, data } => {
                self.lanes.push_config(codec, &data);
                self.configs[codec.lane() as usize] = Some((codec, data));
            }
            Message::Unit(unit) => self.push(unit),
            Message::Progress { lane, time_ns } => {
                // Only what the units of this lane say of its times is mended; a gap beside them is not news.
                if self.mender.jumps() == 0 && self.begun {
                    self.lanes.push_progress(lane, time_ns);
                }
            }
            Message::LaneEnd(lane) => self.lanes.end_lane(lane),
            // Neither is said of a live source.
            Message::Duration(_) | Message::Equipment(_) | Message::Picture(_) | Message::Cue(_) => {}
            Message::Warning(text) => {
                if self.warnings.len() < limits::MAX_FEED_WARNINGS {
                    self.warnings.push(text);
                    self.news = true;
                }
            }
            Message::Failed { failure, text } => self.end(FeedError::from_failure(failure, text)),
            Message::End => self.end(FeedError::Ended),
        }
    }

    fn push(&mut self, unit: Unit) {
        let picture_may_come = self.announced.video.is_some() || !self.announced.settled;
        if !self.begun && unit.codec.lane() == Lane::Audio && picture_may_come {
            let since = *self.picture_awaited.get_or_insert_with(Instant::now);
            if since.elapsed() < limits::LIVE_PICTURE_WAIT {
                self.keep_early(unit);
                return;
            }
        }
        if !self.begun {
            self.begun = true;
            // The sound from before the first picture is of no use to anybody, all else is.
            let from = if unit.codec.lane() == Lane::Video {
                unit.dts_ns.saturating_sub(EARLY_NS)
            } else {
                i64::MIN
            };
            for early in std::mem::take(&mut self.early).into_iter().filter(|early| early.dts_ns >= from) {
                self.place(early);
            }
        }
        self.place(unit);
    }

    fn keep_early(&mut self, unit: Unit) {
        self.early_bytes += unit.body.len();
        self.early.push_back(unit);
        while self.early_bytes > limits::LIVE_EARLY_BYTES
            && let Some(oldest) = self.early.pop_front()
        {
            self.early_bytes -= oldest.body.len();
        }
    }

    fn place(&mut self, mut unit: Unit) {
        let shift = self.mender.shift(unit.codec.lane() as usize, unit.dts_ns);
        unit.dts_ns = unit.dts_ns.saturating_add(shift);
        unit.pts_ns = unit.pts_ns.saturating_add(shift);
        match self.epoch {
            None => self.begin_epoch(Epoch::first(unit.dts_ns)),
            Some(epoch) if epoch.is_over(unit.dts_ns) => {
                self.lanes.end();
                while let Some(tag) = self.pop_lanes() {
                    self.due.push_back(tag);
                }
                self.begin_epoch(epoch.next(unit.dts_ns));
            }
            Some(_) => {}
        }
        self.lanes.push_unit(unit);
    }

    fn begin_epoch(&mut self, epoch: Epoch) {
        self.epoch = Some(epoch);
        self.lanes = Interleaver::live(Lead::Given(epoch.began_ns.saturating_neg()), self.skew);
        for (codec, data) in self.configs.iter().flatten() {
            self.lanes.push_config(*codec, data);
        }
        self.end_absent_lanes();
    }

    fn pop_lanes(&mut self) -> Option<Tag> {
        let base_ms = self.epoch.map_or(0, |epoch| epoch.base_ms);
        let tag = self.lanes.pop()?;
        let timestamp = MediaTime::from_millis(tag.timestamp.as_millis().wrapping_add(base_ms));
        Some(Tag { timestamp, ..tag })
    }

    fn end_absent_lanes(&mut self) {
        for (lane, there) in
            [(Lane::Video, self.announced.video.is_some()), (Lane::Audio, self.announced.audio.is_some())]
        {
            // Until the worker has settled, a lane may still show up.
            if !there && self.announced.settled {
                self.lanes.end_lane(lane);
            }
        }
    }

    /// What came before still goes out.
    fn end(&mut self, error: FeedError) {
        self.lanes.end();
        self.ended = Some(error);
    }
}

impl fmt::Debug for LiveFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveFeed").field("worker", &self.worker_id()).finish_non_exhaustive()
    }
}

impl Drop for LiveFeed {
    fn drop(&mut self) {
        self.process.end();
    }
}

/// A stretch of a source's times that is counted from its own beginning, so that milliseconds stay small: 32 bits of
/// them end after 49 days. Viewers see one timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Epoch {
    /// The source's time that counts as zero.
    began_ns: i64,
    /// The tags' time at that moment, modulo 2^32.
    base_ms: u32,
}

impl Epoch {
    /// Before the first unit of an epoch: the other lane may be this far behind, and must not be before zero.
    const MARGIN_NS: i64 = 2 * limits::INTERLEAVE_SKEW.as_nanos() as i64;

    fn first(dts_ns: i64) -> Self {
        Self { began_ns: dts_ns.saturating_sub(Self::MARGIN_NS), base_ms: 0 }
    }

    fn is_over(self, dts_ns: i64) -> bool {
        dts_ns.saturating_sub(self.began_ns) > limits::LIVE_EPOCH.as_nanos() as i64
    }

    /// The next epoch: a whole number of milliseconds later, so that nothing is rounded differently.
    fn next(self, dts_ns: i64) -> Self {
        let later_ms = dts_ns.saturating_sub(Self::MARGIN_NS).saturating_sub(self.began_ns) / NS_PER_MS;
        Self {
            began_ns: self.began_ns.saturating_add(later_ms.saturating_mul(NS_PER_MS)),
            // Modulo 2^32 is what is meant.
            base_ms: self.base_ms.wrapping_add(later_ms as u32),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A feed whose worker is `cat`: units are pushed by hand.
    fn feed() -> LiveFeed {
        let input = LiveInput::Network { url: "http://x".into(), only_port: None };
        // Any program will do: what it says is not read.
        let mut feed = LiveFeed::spawn(Path::new("/bin/cat"), &input, true).unwrap();
        feed.announced.settled = true;
        feed
    }

    fn unit(codec: Codec, ms: i64) -> Unit {
        let body = vec![0; codec.body_header_len() + 1];
        Unit { codec, keyframe: true, pts_ns: ms * NS_PER_MS, dts_ns: ms * NS_PER_MS, body }
    }

    fn times(feed: &mut LiveFeed) -> Vec<u32> {
        let due = std::mem::take(&mut feed.due);
        due.into_iter()
            .chain(std::iter::from_fn(|| feed.pop_lanes()))
            .map(|tag| tag.timestamp.as_millis())
            .collect()
    }

    #[test]
    fn two_months_of_frames_have_no_step_but_a_frames() {
        let mut feed = feed();
        feed.end_absent_lanes();
        let step = 9_000;
        let days = 60 * 24 * 3600 * 1000 / step;
        let mut last: Option<u32> = None;
        for n in 0..days {
            feed.push(unit(Codec::Aac, n * step));
            for ms in times(&mut feed) {
                assert!(last.is_none_or(|last| ms.wrapping_sub(last) == step as u32), "{last:?} {ms}");
                last = Some(ms);
            }
        }
        assert!(last.unwrap() < u32::MAX / 2, "it has wrapped once");
        assert_eq!(feed.jumps(), 0);
    }

    #[test]
    fn sound_waits_for_the_picture_that_was_promised() {
        let mut feed = feed();
        feed.announced.video = Some(super::super::streams::VideoStream {
            width: 2,
            height: 2,
            source_codec: "H.264".into(),
            passthrough: true,
            codec: Codec::H264,
        });
        // A file's sound may come seconds ahead of its picture.
        (0..100).for_each(|n| feed.push(unit(Codec::Aac, n * 20)));
        assert!(!feed.begun);
        feed.push(unit(Codec::H264, 1000));
        feed.lanes.end();
        let times = times(&mut feed);
        assert_eq!(times.len(), 1 + 52, "from 960 ms on");
        assert!(times.is_sorted());
    }
}
