//! The server's side of a conversion: starts the worker, reads it, yields tags.
//!
//! Blocking, for a thread of its own. No watchdog is in here: the caller knows whether it holds the
//! worker back itself, and has a [`Killer`].

use super::beside::{self, Beside};
use super::equipment::Equipment;
use super::error::ConversionError;
use super::form::Form;
use super::interleave::{Interleaver, Lead};
use super::last_words::LastWords;
use super::silence::{self, Silence};
use super::streams::{Announcement, MediaStreams};
use super::wire::{Lane, Message, Reader};
use crate::flv::Tag;
use crate::limits;
use crate::time::MediaTime;
use command_fds::{CommandFdExt, FdMapping};
use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a worker reads.
#[derive(Debug)]
pub enum Media {
    /// A regular file.
    File(File),
    /// A film that is elsewhere: a socket whose other end answers what the worker asks ([`feed_request`](super::feed_request)).
    Remote {
        /// The worker's end.
        socket: std::os::unix::net::UnixStream,
        /// Bytes of the film.
        len: u64,
    },
}

impl Media {
    /// The file, if it is one.
    fn file(&self) -> Option<&File> {
        match self {
            Self::File(file) => Some(file),
            Self::Remote { .. } => None,
        }
    }
}

impl From<File> for Media {
    fn from(file: File) -> Self {
        Self::File(file)
    }
}

/// What to convert of a file.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Begin at the keyframe at or before this time of the tags' timeline (lead included). Zero:
    /// the beginning of the file, without seeking.
    pub start: MediaTime,
    /// Nanoseconds added to every time of the file. `None`: found from the first units, such that
    /// the first decoding time is zero (or, with a `start`, not negative);
    /// [`MediaStreams::lead_ns`] tells. A conversion that shall continue the timeline of another
    /// asks for that one's lead.
    pub lead: Option<i64>,
    /// Where pictures are encoded, keyframes are put where the file's time and this many nanoseconds are together a
    /// multiple of [`KEYFRAME_INTERVAL`](limits::KEYFRAME_INTERVAL).
    pub grid_ns: u64,
    /// What shall come out.
    pub form: Form,
    /// Subtitles in files of their own, which are listed behind the file's, and can be drawn.
    pub beside: Arc<Vec<Beside>>,
    /// Files that the media goes on in behind its end, as one run of bytes.
    pub continued: Arc<Vec<File>>,
    /// What to encode with. `None`: what this machine was found to have, once that is known
    /// ([`Equipment::install`]), and any encoder at its usual preset before.
    pub equipment: Option<Equipment>,
}

/// What a conversion yields, in this order: `Streams`, then `Tag`s, then `End`.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// What the file holds. Comes once, before the first tag.
    Streams(MediaStreams),
    /// The next tag. Timestamps never step back and grow strictly within video and within audio;
    /// sequence headers come before the frames they are for, also when they change on the way.
    Tag(Tag),
    /// A better idea of the media's duration. Any time after `Streams`.
    Duration(MediaTime),
    /// The file was converted to its end. Comes again when asked again.
    End,
}

/// A worker process and what it has sent so far. Dropping it kills the process.
///
/// The kernel kills the worker when the *thread* that spawned it ends (that is how PDEATHSIG
/// works), so spawn it on the thread that reads it.
pub struct Conversion {
    process: Arc<Process>,
    reader: Reader<ChildStdout>,
    stderr: LastWords,
    lanes: Interleaver,
    /// What the worker said last about the streams, until it was passed on.
    announced: Option<Announcement>,
    /// Events that are due before the next tag.
    events: VecDeque<Event>,
    warnings: Vec<String>,
    /// What was measured, where that was asked for.
    equipment: Option<Equipment>,
    /// `Event::Streams` has been made.
    introduced: bool,
    ended: bool,
    /// Told once the tags before it are out; `Stopped` from then on.
    failed: Option<ConversionError>,
    failure_told: bool,
}

impl Conversion {
    /// Starts `program worker convert` on `media`. `program` is this program itself, or what stands in for it in a test.
    pub fn spawn(program: &Path, media: impl Into<Media>, request: &Request) -> io::Result<Self> {
        // Seeking happens on the file's own timeline.
        // A tag's time is rounded down, so the time meant is up to a millisecond later.
        let start_ns = i64::from(request.start.as_millis()) * 1_000_000 + 999_999 - request.lead.unwrap_or(0);
        let start_ns = if request.start == MediaTime::ZERO { 0 } else { start_ns.max(0) };
        let lead = match request.lead {
            Some(ns) => Lead::Given(ns),
            None if start_ns == 0 => Lead::ToZero,
            None => Lead::ToPositive,
        };
        Self::start(program, media.into(), "convert", start_ns, lead, request)
    }

    fn start(
        program: &Path,
        media: Media,
        verb: &str,
        start_ns: i64,
        lead: Lead,
        request: &Request,
    ) -> io::Result<Self> {
        let installed = Equipment::installed().unwrap_or_default();
        let equipment = request.equipment.as_ref().unwrap_or(&installed);
        let mut command = Command::new(program);
        command
            .args(["worker", verb, "--start-ns", &start_ns.to_string()])
            .args(["--parent", &std::process::id().to_string()])
            .args(["--form", &serde_json::to_string(&request.form)?])
            .args(["--equipment", &serde_json::to_string(equipment)?]);
        if let Some(lead) = request.lead {
            command.args(["--origin-ns", &origin_ns(lead).to_string()]);
        }
        if request.grid_ns > 0 {
            command.args(["--grid-ns", &request.grid_ns.to_string()]);
        }
        let mut given = Vec::new();
        if !request.beside.is_empty() {
            let parent_fd = beside::write(&request.beside)?.into();
            given.push(FdMapping { parent_fd, child_fd: beside::CHILD_FD });
            command.args(["--beside", "yes"]);
        }
        if let Some(first) = media.file() {
            given.extend(give_parts(&mut command, first, &request.continued)?);
        }
        let stdin = match media {
            Media::File(file) => Stdio::from(file),
            Media::Remote { socket, len } => {
                command.args(["--remote-len", &len.to_string()]);
                Stdio::from(OwnedFd::from(socket))
            }
        };
        if !given.is_empty() {
            command.fd_mappings(given).map_err(io::Error::other)?;
        }
        let mut child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let pipes = child.stdout.take().zip(child.stderr.take());
        // From here on an early return must not leave the child behind.
        let process = Arc::new(Process::new(child));
        let started =
            pipes.ok_or_else(|| io::Error::other("no pipes to the worker")).and_then(|(out, err)| {
                // A smaller pipe works as well: the kernel may refuse beyond the user's share.
                let _ = rustix::pipe::fcntl_setpipe_size(&out, limits::WORKER_PIPE);
                Ok((Reader::new(out), LastWords::listen(err)?))
            });
        let (reader, stderr) = started.inspect_err(|_| process.end())?;
        Ok(Self {
            process,
            reader,
            stderr,
            lanes: Interleaver::new(lead),
            announced: None,
            events: VecDeque::new(),
            warnings: Vec::new(),
            equipment: None,
            introduced: false,
            ended: false,
            failed: None,
            failure_told: false,
        })
    }

    /// See [`Equipment::measure`].
    pub(super) fn equip(program: &Path) -> Result<Equipment, ConversionError> {
        let nothing = File::open("/dev/null").map_err(ConversionError::Spawn)?;
        let mut worker =
            Self::start(program, nothing.into(), "equip", 0, Lead::Given(0), &Request::default())
                .map_err(ConversionError::Spawn)?;
        loop {
            let ended = matches!(worker.next_event()?, Event::End);
            if let Some(equipment) = worker.equipment.take() {
                return Ok(equipment);
            }
            if ended {
                let detail = "it said nothing of its encoders".into();
                return Err(ConversionError::Nonsense { detail });
            }
        }
    }

    /// The next event. Blocks until the worker has sent enough for one.
    ///
    /// After an error: what came before it is valid; further calls return an error as well.
    pub fn next_event(&mut self) -> Result<Event, ConversionError> {
        loop {
            if let Some(error) = self.process.verdict() {
                return Err(error);
            }
            if let Some(event) = self.buffered_event() {
                return Ok(event);
            }
            if let Some(error) = self.failed.take() {
                self.failure_told = true;
                return Err(error);
            }
            if self.ended {
                return if self.failure_told { Err(ConversionError::Stopped) } else { Ok(Event::End) };
            }
            self.read()?;
            // What has arrived together is taken together: then `has_buffered` is exact.
            while !self.ended && self.reader.has_message() {
                self.read()?;
            }
        }
    }

    /// [`next_event`](Self::next_event) can answer without waiting for the worker: go on before
    /// writing out what was gathered.
    pub fn has_buffered(&self) -> bool {
        !self.events.is_empty()
            || self.lanes.is_ready()
            || self.announced_event_due()
            || self.ended
            || self.process.verdict().is_some()
    }

    /// A handle with which another thread can end this conversion.
    pub fn killer(&self) -> Killer {
        Killer(Arc::clone(&self.process))
    }

    /// The worker's process id, for logs and for measuring it.
    pub fn worker_id(&self) -> u32 {
        self.process.child().id()
    }

    /// The next event from what has been read.
    fn buffered_event(&mut self) -> Option<Event> {
        if self.announced_event_due() {
            let streams = self.introduction()?;
            self.introduced = true;
            return Some(Event::Streams(streams));
        }
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        self.lanes.pop().map(Event::Tag)
    }

    /// `Streams` waits for the lead, which takes the first units of both lanes; by then a
    /// transcode's true size is known as well.
    fn announced_event_due(&self) -> bool {
        let Some(announced) = self.announced.as_ref().filter(|_| !self.introduced) else {
            return false;
        };
        let fruitless = self.failed.is_some() || self.failure_told;
        self.lanes.is_ready()
            || (announced.settled && self.lanes.lead_ns().is_some())
            || (self.ended && !fruitless)
    }

    fn introduction(&self) -> Option<MediaStreams> {
        let announced = self.announced.clone()?;
        Some(MediaStreams {
            duration: announced.duration_ns.map(MediaTime::from_nanos),
            video: announced.video,
            audio: announced.audio,
            contents: announced.contents,
            seekable: announced.seekable,
            lead_ns: self.lanes.lead_ns().unwrap_or(0),
            spare: announced.spare,
            warnings: self.warnings.clone(),
        })
    }

    fn read(&mut self) -> Result<(), ConversionError> {
        match self.reader.read_message() {
            Ok(Some(message)) => self.handle_message(message),
            Ok(None) => {
                // It closed the pipe without a last message.
                let status = self.process.reap();
                let error = ConversionError::crashed(status, self.stderr.take());
                self.fail(error);
            }
            Err(error) => {
                self.process.end();
                self.fail(ConversionError::from_wire(error));
            }
        }
        Ok(())
    }

    fn handle_message(&mut self, message: Message) {
        match message {
            Message::Streams(announced) => {
                for (lane, present) in
                    [(Lane::Video, announced.video.is_some()), (Lane::Audio, announced.audio.is_some())]
                {
                    if !present {
                        self.lanes.end_lane(lane);
                    }
                }
                self.announced = Some(announced);
            }
            Message::Config { codec, data } => self.lanes.push_config(codec, &data),
            Message::Unit(unit) => self.lanes.push_unit(unit),
            Message::Progress { lane, time_ns } => self.lanes.push_progress(lane, time_ns),
            Message::LaneEnd(lane) => self.lanes.end_lane(lane),
            Message::Duration(ns) => match &mut self.announced {
                Some(announced) if !self.introduced => announced.duration_ns = Some(ns),
                _ => self.events.push_back(Event::Duration(MediaTime::from_nanos(ns))),
            },
            Message::Warning(text) => {
                tracing::warn!(worker = self.worker_id(), "{text}");
                self.warnings.push(text);
            }
            Message::Equipment(equipment) => self.equipment = Some(equipment),
            // Nobody asked for one.
            Message::Picture(_) | Message::Cue(_) => {}
            Message::Failed { failure, text } => self.fail(ConversionError::from_failure(failure, text)),
            Message::End => {
                self.ended = true;
                self.lanes.end();
            }
        }
    }

    /// What came before the failure still goes out.
    fn fail(&mut self, error: ConversionError) {
        tracing::debug!(worker = self.worker_id(), last_words = ?self.stderr, "conversion failed: {error}");
        self.ended = true;
        self.lanes.end();
        self.failed = Some(error);
    }
}

impl fmt::Debug for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversion").field("worker", &self.worker_id()).finish_non_exhaustive()
    }
}

impl Drop for Conversion {
    fn drop(&mut self) {
        self.process.end();
    }
}

/// Where a worker finds the first part of media in several files; the others follow. Above what it is started with and
/// opens by itself before it looks for them.
pub(super) const PARTS_FD: i32 = 100;

/// Hands a worker the files that its media goes on in, together with the first of them.
pub(super) fn give_parts(
    command: &mut Command,
    first: &File,
    continued: &[File],
) -> io::Result<Vec<FdMapping>> {
    if continued.is_empty() {
        return Ok(Vec::new());
    }
    command.args(["--parts", &(1 + continued.len()).to_string()]);
    let files = (PARTS_FD..).zip(std::iter::once(first).chain(continued));
    files.map(|(child_fd, file)| Ok(FdMapping { parent_fd: file.try_clone()?.into(), child_fd })).collect()
}

/// The time of the file at which a film begins whose times are moved by this lead.
fn origin_ns(lead_ns: i64) -> u64 {
    u64::try_from(lead_ns.saturating_neg()).unwrap_or(0)
}

/// Ends a [`Conversion`] from another thread: SIGKILL, which also wakes a reader that blocks.
#[derive(Clone, Debug)]
pub struct Killer(pub(super) Arc<Process>);

impl Killer {
    /// Nobody wants it any more: `next_event` returns [`ConversionError::Stopped`].
    pub fn kill(&self) {
        self.0.kill(STOPPED);
    }

    /// How long the worker's threads had to wait for a processor so far: see [`Silence`].
    pub fn waited_for_processor(&self) -> Option<Duration> {
        let id = self.0.child().id();
        silence::waited_for_processor(Path::new(&format!("/proc/{id}")))
    }

    /// Whether a worker that was heard of at `heard` is silent for longer than `most`; `silence` is what is known of it
    /// since the last look.
    pub fn is_stalled(
        &self,
        silence: &mut Option<Silence>,
        heard: Instant,
        now: Instant,
        most: Duration,
    ) -> bool {
        if now.saturating_duration_since(heard) < silence::WORTH_ASKING {
            return false;
        }
        let known = silence.take().filter(|silence| silence.began() == heard);
        let silence = silence.insert(known.unwrap_or(Silence::since(heard)));
        silence.look(now, self.waited_for_processor());
        silence.exceeds(most)
    }

    /// The caller's watchdog fired: `next_event` returns [`ConversionError::Stalled`].
    pub fn kill_stalled(&self) {
        self.0.kill(STALLED);
    }
}

const ALIVE: u8 = 0;
const STOPPED: u8 = 1;
const STALLED: u8 = 2;

/// The child, shared with its killers. The lock keeps the process id from being used after the
/// child was reaped, when it may belong to somebody else.
#[derive(Debug)]
pub(super) struct Process {
    child: Mutex<Child>,
    verdict: AtomicU8,
}

impl Process {
    pub(super) fn new(child: Child) -> Self {
        Self { child: Mutex::new(child), verdict: AtomicU8::new(ALIVE) }
    }

    pub(super) fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kill(&self, verdict: u8) {
        // The first verdict stays.
        let _ = self.verdict.compare_exchange(ALIVE, verdict, Ordering::AcqRel, Ordering::Acquire);
        // Fails only when it is dead already.
        let _ = self.child().kill();
    }

    pub(super) fn verdict(&self) -> Option<ConversionError> {
        match self.verdict.load(Ordering::Acquire) {
            ALIVE => None,
            STOPPED => Some(ConversionError::Stopped),
            _ => Some(ConversionError::Stalled { detail: "the converter did not answer".into() }),
        }
    }

    /// Waits for a worker that has closed its pipe; kills it when it goes on nevertheless.
    pub(super) fn reap(&self) -> Option<ExitStatus> {
        let deadline = Instant::now() + Duration::from_secs(1);
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child().try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.end();
        None
    }

    pub(super) fn end(&self) {
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }
}
