//! One conversion: a worker process makes FLV of any other media file, from some time on, into a range of its reel.

use super::cache::Cache;
use super::discs::Disc;
use super::film::{Film, Outcome};
use super::job::Job;
use super::pace::Pace;
use super::quarantine::Quarantine;
use super::transcodes::{Place, Transcodes};
use crate::limits::{
    CONVERT_START_SKEW, PACE_HOPELESS, PACE_REST, REMUX_LEAD, RESUME_LEAD, TRANSCODE_PLACE_PATIENCE,
    WINDOW_BEHIND, WINDOW_BYTES, WINDOW_LEAST, WINDOW_MOST, WINDOW_PATIENCE, WINDOW_STEP,
};
use crate::pipeline::{Conversion, ConversionError, Equipment, Event, Media, MediaStreams, Request};
use crate::reel::{Opening, Pushed, RangeId, Recorder, Seeks};
use crate::time::MediaTime;
use rustix::fs::FallocateFlags;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::{Duration, Instant};

/// Bytes recorded between two looks at the free space.
const SPACE_CHECK_BYTES: u64 = 16 << 20;

/// How long the producer sleeps at a time while it is held back: a viewer's wish wakes it at once,
/// a stop within this.
const HOLD_BACK_STEP: Duration = Duration::from_millis(500);

/// What ends a conversion before its time.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Conversion(#[from] ConversionError),
    #[error("its conversion can't be started: {0}; the machine may be out of memory or processes")]
    Start(io::Error),
    #[error("its conversion can't be kept: {0}; make room on the disk that holds the data folder")]
    Cache(#[from] io::Error),
    #[error("{0} films are being encoded already, as many as this machine is set to; stop one and try again")]
    Busy(usize),
    #[error(
        "the disk is full, and its keyframes are too far apart for it to be played from memory; make room on the disk that \
         holds the data folder"
    )]
    Sparse,
    /// To be gone on with in a lighter way.
    #[error("it goes at {0:.2} of the speed of the film")]
    Behind(f64),
}

/// What conversions share.
#[derive(Debug)]
pub(super) struct Means {
    /// Our own program.
    pub(super) program: PathBuf,
    pub(super) cache: Arc<Cache>,
    pub(super) quarantine: Quarantine,
    pub(super) transcodes: Arc<Transcodes>,
    /// Places for conversions in memory.
    pub(super) windows: Arc<Transcodes>,
    /// Conversions at work.
    pub(super) running: Arc<AtomicUsize>,
    /// Conversions that were begun since the start.
    pub(super) begun: AtomicU64,
    pub(super) seeks: Arc<Seeks>,
}

/// Something is encoded: it is not hundreds of times faster than anyone watches.
pub(super) fn encodes(streams: &MediaStreams) -> bool {
    streams.video.as_ref().is_some_and(|v| !v.passthrough)
        || streams.audio.as_ref().is_some_and(|a| !a.passthrough)
}

/// Converts `media` from `aim` on into the range `id` of the film's reel: to its end, or to where another range goes
/// on, or until the job is stopped. With a `window`, its data are in memory, and only what is near its viewers stays. Blocking. The worker is gone when it returns.
pub(super) fn run(
    film: &Film,
    job: &Job,
    media: Media,
    id: RangeId,
    aim: MediaTime,
    window: Option<Place>,
) -> Outcome {
    let recorder = Recorder::of(film.reel.clone(), id, aim);
    let mut converter = Converter {
        film,
        job,
        id,
        aim,
        recorder,
        streams: None,
        length: None,
        place: None,
        pace: None,
        behind: None,
        checked: 0,
        window: window.map(|place| Window { _place: place, begin: 0 }),
    };
    let result = converter.run(media);
    let flushed = converter.recorder.flush();
    let something = converter.recorder.indexer().has_media();
    let end = converter.recorder.indexer().end();
    if converter.pace.is_some_and(|pace| pace.was_easy(Instant::now(), end)) {
        Equipment::had_time();
    }
    match (result, flushed) {
        (Ok(Pushed::Joined), _) => Outcome::Joined,
        (Ok(Pushed::Astray), _) => Outcome::Stopped,
        (Err(_), _) if job.is_stopped() => Outcome::Stopped,
        (Err(Failure::Cache(error)), _) | (_, Err(error)) if is_full(&error) => {
            Outcome::NoRoom(error.to_string())
        }
        (_, Err(error)) => Outcome::Failed(Failure::Cache(error).to_string()),
        (Ok(Pushed::Taken), Ok(())) if something => {
            converter.announce_start(true);
            Outcome::Ended(end)
        }
        (Ok(Pushed::Taken), Ok(())) => Outcome::Nothing,
        (Err(Failure::Behind(speed)), Ok(())) => Outcome::Behind(speed),
        // The server of a film has gone, and may come back.
        (Err(Failure::Conversion(error @ ConversionError::Unreadable { .. })), Ok(()))
            if something && film.is_remote() =>
        {
            Outcome::Died(error.to_string())
        }
        // Trying again would end at the same place, so this is all there is of the file.
        (Err(Failure::Conversion(error @ ConversionError::Unreadable { .. })), Ok(())) if something => {
            tracing::warn!(file = film.name, %error, "the file is damaged; it is served up to there");
            converter.announce_start(true);
            Outcome::Ended(end)
        }
        (Err(Failure::Conversion(error @ ConversionError::Killed { .. })), Ok(())) => {
            Outcome::Killed(error.to_string())
        }
        (Err(Failure::Conversion(error)), Ok(())) if error.is_of_the_worker() => {
            Outcome::Died(error.to_string())
        }
        (Err(error), Ok(())) => Outcome::Failed(error.to_string()),
    }
}

struct Converter<'a> {
    film: &'a Film,
    job: &'a Job,
    id: RangeId,
    aim: MediaTime,
    recorder: Recorder,
    /// Known once the worker has found out.
    streams: Option<MediaStreams>,
    /// Of a film in several files: that of all.
    length: Option<MediaTime>,
    /// Held while something is encoded.
    place: Option<Place>,
    /// How fast it goes, from the first frame on, when pictures are encoded.
    pace: Option<Pace>,
    /// It was too slow, and ends before its next keyframe.
    behind: Option<f64>,
    /// Where the free space was last looked at.
    checked: u64,
    /// The data are in memory.
    window: Option<Window>,
}

/// Data of which only what is near the viewers stays.
struct Window {
    _place: Place,
    /// What comes before is gone.
    begin: u64,
}

/// Whether a conversion in memory may go on.
#[derive(Debug, PartialEq, Eq)]
enum Hold {
    No,
    /// Its viewers have to come nearer first.
    Yes,
    /// It will never be able to: nothing of what it has can be let go.
    Never,
}

impl Hold {
    /// With so many bytes in memory. `watched`: whether the first, and the last, of its viewers have seen everything.
    fn of(bytes: u64, watched: Option<(bool, bool)>) -> Self {
        let (all, some) = watched.unwrap_or((true, true));
        match bytes {
            ..WINDOW_BYTES => Self::No,
            // Keyframes may be further apart than all that is kept: whoever has seen everything is given more.
            ..WINDOW_MOST if some => Self::No,
            WINDOW_MOST.. if all => Self::Never,
            _ => Self::Yes,
        }
    }
}

/// There is no room on a disk.
fn is_full(error: &io::Error) -> bool {
    let kinds = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::FileTooLarge];
    kinds.contains(&error.kind())
}

impl Converter<'_> {
    fn run(&mut self, media: Media) -> Result<Pushed, Failure> {
        let (form, beside) = (self.film.form.clone(), self.film.beside.clone());
        let Some(discs) = self.film.discs(self.job)? else {
            let (lead, continued) = (self.film.lead_ns(), self.film.continued.clone());
            let request = Request { start: self.aim, lead, form, beside, continued, ..Request::default() };
            return self.convert(media, &request, None);
        };
        self.length = discs.length();
        let here = discs.from(self.aim);
        for (number, disc) in here.iter().enumerate() {
            let start = MediaTime::from_millis(self.aim.saturating_millis_since(disc.begins));
            let request = Request {
                start,
                lead: Some(disc.lead_ns),
                grid_ns: disc.grid_ns,
                form: form.clone(),
                // Subtitles beside it are those of its first file.
                beside: if disc.begins == MediaTime::ZERO { beside.clone() } else { Arc::default() },
                ..Request::default()
            };
            match self.convert(disc.open()?, &request, Some(disc)) {
                Ok(Pushed::Taken) => {}
                // What is behind the damage in one file is no reason to leave out the others.
                Err(Failure::Conversion(error @ ConversionError::Unreadable { .. }))
                    if number + 1 < here.len() && !self.job.is_stopped() =>
                {
                    tracing::warn!(file = self.film.name, %error, "one of its files is damaged; it goes on with the next");
                }
                other => return other,
            }
        }
        Ok(Pushed::Taken)
    }

    /// Converts one file, the only one or one of several.
    fn convert(&mut self, media: Media, request: &Request, disc: Option<&Disc>) -> Result<Pushed, Failure> {
        let mut conversion =
            Conversion::spawn(&self.film.means.program, media, request).map_err(Failure::Start)?;
        self.job.began(conversion.killer());
        loop {
            // Whoever waits for these tags gets them before we wait for the worker.
            if !conversion.has_buffered() {
                self.recorder.flush()?;
                self.announce_start(false);
                self.keep_up()?;
            }
            self.job.heard();
            match conversion.next_event()? {
                Event::Streams(streams) => self.streams_known(streams)?,
                // Parsers that begin in the middle guess.
                Event::Duration(_) if self.aim > MediaTime::ZERO || disc.is_some() => {}
                Event::Duration(duration) => self.tell_length(duration),
                Event::Tag(mut tag) => {
                    if let Some(disc) = disc {
                        tag.timestamp = tag.timestamp.saturating_add_millis(disc.begins.as_millis());
                        // It has more than it says. Where the next file begins was decided by that.
                        if tag.timestamp >= disc.ends {
                            continue;
                        }
                    }
                    if let Some(speed) = self.behind.filter(|_| tag.is_keyframe()) {
                        return Err(Failure::Behind(speed));
                    }
                    let pushed = self.recorder.push(&tag)?;
                    if pushed != Pushed::Taken {
                        return Ok(pushed);
                    }
                    self.pace()?;
                }
                Event::End => return Ok(Pushed::Taken),
            }
        }
    }

    fn streams_known(&mut self, mut streams: MediaStreams) -> Result<(), Failure> {
        // Of several files the first one says what there is; the others may have to be encoded where that passes.
        if let Some(known) = &mut self.streams {
            let encodes = encodes(&streams);
            *known = MediaStreams { duration: known.duration, ..streams };
            return if encodes { self.take_place() } else { Ok(()) };
        }
        if self.length.is_some() {
            streams.duration = self.length;
        }
        let reel = &self.film.reel;
        if let Some(video) = &streams.video {
            reel.set_picture_size(video.width, video.height);
        }
        self.recorder.open(Opening {
            video: streams.video.is_some(),
            sound: streams.audio.is_some(),
            grid: streams.video.as_ref().is_some_and(|video| !video.passthrough),
        });
        self.film.found(self.aim, &streams);
        let encodes = encodes(&streams);
        let length = streams.duration.filter(|_| self.aim == MediaTime::ZERO);
        self.streams = Some(streams);
        length.into_iter().for_each(|length| self.tell_length(length));
        if encodes { self.take_place() } else { Ok(()) }
    }

    /// One of the places for conversions that encode.
    fn take_place(&mut self) -> Result<(), Failure> {
        if self.place.is_none() {
            let transcodes = &self.film.means.transcodes;
            let place = transcodes.enter(TRANSCODE_PLACE_PATIENCE);
            self.place = Some(place.ok_or_else(|| Failure::Busy(transcodes.most()))?);
        }
        Ok(())
    }

    /// The file is so long. On the viewers' timeline it begins with the first picture that is decoded, also with those
    /// that an edit list hides, and so ends later by as much.
    fn tell_length(&self, length: MediaTime) {
        if let Some(length) = self.length {
            return self.film.reel.set_duration(length);
        }
        let lead_ns = self.streams.as_ref().map_or(0, |streams| streams.lead_ns.max(0));
        let lead_ms = u32::try_from(lead_ns / 1_000_000).unwrap_or(u32::MAX);
        self.film.reel.set_duration(length.saturating_add_millis(lead_ms));
    }

    /// Viewers can start once both codecs are known, or one has come alone for long enough; or it is the end.
    fn announce_start(&mut self, at_end: bool) {
        let indexer = self.recorder.indexer();
        if self.film.reel.progress().started || !indexer.has_media() {
            return;
        }
        let codecs = indexer.codecs();
        let complete = self.streams.as_ref().is_some_and(|streams| {
            streams.video.is_some() == codecs.video.is_some()
                && streams.audio.is_some() == codecs.audio.is_some()
        });
        let waited = u128::from(indexer.end().as_millis()) >= CONVERT_START_SKEW.as_millis();
        if complete || waited || at_end {
            self.film.reel.start(codecs);
        }
    }

    /// A conversion that those who watch it will overtake is ended, and gone on with in a lighter way, if there is one.
    fn keep_up(&mut self) -> Result<(), Failure> {
        let Some(spare) = self.streams.as_ref().and_then(|streams| streams.spare) else { return Ok(()) };
        let (now, reached) = (Instant::now(), self.recorder.indexer().available());
        if !self.recorder.indexer().has_media() || self.behind.is_some() {
            return Ok(());
        }
        let pace = self.pace.get_or_insert(Pace::begin(now, reached));
        let Some(speed) = pace.look(now, reached) else { return Ok(()) };
        let reel = &self.film.reel;
        let rest = reel.duration().map_or(u32::MAX, |length| length.saturating_millis_since(reached));
        let watched_closely = reel.lead_of(self.id, REMUX_LEAD).is_some_and(|lead| lead < RESUME_LEAD);
        if watched_closely && u128::from(rest) > PACE_REST.as_millis() && Equipment::fell_behind(spare) {
            // Who watches goes on with a whole group of pictures, if that does not take for ever.
            if speed < PACE_HOPELESS {
                return Err(Failure::Behind(speed));
            }
            self.behind = Some(speed);
        }
        Ok(())
    }

    /// Lets go of what is not needed any more, and waits while the window is full.
    fn move_window(&mut self) -> Result<(), Failure> {
        let len = self.recorder.len();
        if len < self.checked + WINDOW_STEP {
            return Ok(());
        }
        self.checked = len;
        self.recorder.flush()?;
        let reel = &self.film.reel;
        let (Some(window), Some(data)) = (&mut self.window, reel.data_of(self.id)) else { return Ok(()) };
        loop {
            let begin = reel.forget_behind(self.id, WINDOW_BEHIND).unwrap_or(0);
            if begin > window.begin {
                let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                rustix::fs::fallocate(&data, hole, window.begin, begin - window.begin)
                    .map_err(io::Error::from)?;
                window.begin = begin;
            }
            let available = reel.available_in(self.id).unwrap_or_default();
            let has_all = |place: MediaTime| {
                u128::from(available.saturating_millis_since(place)) < WINDOW_LEAST.as_millis()
            };
            match Hold::of(
                len - window.begin,
                reel.watchers(self.id).map(|(first, last)| (has_all(first), has_all(last))),
            ) {
                _ if self.job.is_stopped() => return Ok(()),
                Hold::No => return Ok(()),
                Hold::Never => return Err(Failure::Sparse),
                Hold::Yes => {}
            }
            reel.settle_beyond(self.id, WINDOW_PATIENCE, Instant::now());
            self.job.held_back();
            std::thread::sleep(HOLD_BACK_STEP / 5);
        }
    }

    /// Keeps a fast conversion near its viewers, and the disk from filling up.
    fn pace(&mut self) -> Result<(), Failure> {
        if self.window.is_some() {
            return self.move_window();
        }
        if self.recorder.len() >= self.checked + SPACE_CHECK_BYTES {
            self.checked = self.recorder.len();
            // Those who watch go on in memory meanwhile, if no room is made.
            self.film.means.cache.wait_for_space()?;
        }
        if self.streams.as_ref().is_none_or(encodes) {
            return Ok(());
        }
        // `hold_back` looks at what viewers can read, so nothing may wait in the recorder.
        let made = self.recorder.indexer().available().saturating_millis_since(self.aim);
        if u128::from(made) < REMUX_LEAD.as_millis() {
            return Ok(());
        }
        let mut held = false;
        while self.film.reel.hold_back(self.id, HOLD_BACK_STEP) {
            if !held {
                self.recorder.flush()?;
                held = true;
            }
            self.job.held_back();
            if self.job.is_stopped() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversion_in_memory_is_held_by_whoever_is_behind_and_never_grows_without_end() {
        let (nobody, behind, at_its_end, both) =
            (None, Some((false, false)), Some((true, true)), Some((false, true)));
        for (bytes, watched, hold) in [
            (WINDOW_BYTES - 1, behind, Hold::No),
            (WINDOW_BYTES, behind, Hold::Yes),
            (WINDOW_BYTES, nobody, Hold::No),
            (WINDOW_BYTES, at_its_end, Hold::No),
            (WINDOW_BYTES, both, Hold::No),
            (WINDOW_MOST, behind, Hold::Yes),
            (WINDOW_MOST, both, Hold::Yes),
            (WINDOW_MOST, at_its_end, Hold::Never),
            (WINDOW_MOST, nobody, Hold::Never),
        ] {
            assert_eq!(Hold::of(bytes, watched), hold, "{bytes} bytes, {watched:?}");
        }
    }
}
