//! The muxer: tags in, pieces of MP4 out.

use super::error::{Lane, MuxError};
use super::lane::{AUDIO_TRACK, Sample, Standing, Track, VIDEO_TIMESCALE, VIDEO_TRACK};
use super::lane::{Days, is_aac, is_avc, ticks_of, ticks_of_millis};
use super::{fragment, init, mime_type, silence};
use crate::flv::aac::AacConfig;
use crate::flv::avc::AvcConfig;
use crate::flv::codec::{AudioHeader, Packet, VideoHeader};
use crate::flv::{Tag, TagKind};
use crate::limits;
use crate::time::MediaTime;
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;

/// Duration of the only video frame there is, in ticks: a 25th of a second.
const ONLY_FRAME: u32 = VIDEO_TIMESCALE / 25;

/// What the stream will hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// The whole medium's duration, for players that ask for one (`mehd`).
    pub duration: Option<MediaTime>,
    /// Video is wanted and expected. Without it video tags are ignored.
    pub video: bool,
    /// Audio is wanted and expected. Without it audio tags are ignored.
    pub audio: bool,
}

/// Makes fragmented MP4 of FLV tags.
///
/// 1. [`push`](Self::push) the sequence headers of all lanes first, whatever their timestamps: the
///    init segment waits for them, at most [`FMP4_HEADER_WAIT`](limits::FMP4_HEADER_WAIT) of
///    media.
/// 2. `push` frames, in DTS order within each lane, from a video keyframe on.
/// 3. After each `push` take pieces with [`poll_output`](Self::poll_output) until it returns
///    `None`. Only pieces that are not taken occupy memory without bound.
/// 4. [`finish`](Self::finish) at the end, and take the last pieces.
///
/// An error costs one tag or one lane, never the stream: go on, or stop if the lane matters.
///
/// # Times
///
/// Video keeps the tags' times; a frame that is not later than its predecessor follows it by a
/// tick. Audio frames follow each other sample by sample. Where the tags say that sound is missing,
/// more than [`FMP4_AUDIO_TOLERANCE`](limits::FMP4_AUDIO_TOLERANCE), the hole is filled with
/// silence, because players stall when one of two tracks has nothing; frames that lie before the
/// end of what was written are dropped.
#[derive(Debug)]
pub struct Muxer {
    options: Options,
    video: Track<AvcConfig>,
    audio: Track<AacConfig>,
    days: Days,
    /// When the first picture is shown, in milliseconds. `None` until a keyframe came: frames before it are dropped.
    video_start: Option<u64>,
    /// Where the next audio frame belongs, in samples.
    audio_next: Option<u64>,
    /// A frame of silence for the current audio configuration.
    silence: Option<Bytes>,
    has_init: bool,
    finished: bool,
    /// `mfhd` numbers fragments from 1.
    sequence: u32,
    output: VecDeque<Bytes>,
}

impl Muxer {
    /// A muxer that has seen nothing.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            video: Track::new(options.video),
            audio: Track::new(options.audio),
            days: Days::default(),
            video_start: None,
            audio_next: None,
            silence: None,
            has_init: false,
            finished: false,
            sequence: 0,
            output: VecDeque::new(),
        }
    }

    /// Takes a tag. Script tags, tags of lanes that are left out, and tags after
    /// [`finish`](Self::finish) are ignored.
    pub fn push(&mut self, tag: &Tag) -> Result<(), MuxError> {
        match tag.kind {
            _ if self.finished => Ok(()),
            TagKind::Video => self.push_video(tag),
            TagKind::Audio => self.push_audio(tag),
            TagKind::Script => Ok(()),
        }
    }

    /// The next piece of the stream, in order: init segment, then for each fragment its head and
    /// the bodies of its samples.
    pub fn poll_output(&mut self) -> Option<Bytes> {
        self.output.pop_front()
    }

    /// The medium ends here: what is held back becomes output.
    pub fn finish(&mut self) {
        self.video.queue.finish(ONLY_FRAME);
        let frame = self.audio.config().map_or(0, |config| config.frame_samples);
        self.audio.queue.finish(frame.into());
        self.emit_init();
        self.cut();
        self.finished = true;
    }

    /// The MIME type of the stream; `None` until the init segment was made.
    pub fn mime(&self) -> Option<String> {
        self.has_init.then(|| mime_type(self.video.config(), self.audio.config()))
    }

    fn push_video(&mut self, tag: &Tag) -> Result<(), MuxError> {
        if matches!(self.video.standing, Standing::LeftOut) {
            return Ok(());
        }
        let header = VideoHeader::parse(&tag.body).ok_or_else(|| truncated(Lane::Video, tag))?;
        if !is_avc(header.codec) {
            return Err(self.leave_out(Lane::Video, MuxError::VideoCodec(header.codec)));
        }
        let data = tag.body.slice(header.data_offset..);
        match header.packet {
            Packet::SequenceHeader => {
                let config =
                    AvcConfig::parse(&data).map_err(|error| self.leave_out(Lane::Video, error.into()))?;
                if !self.video.join(config) {
                    return Err(MuxError::HeaderTooLate { lane: Lane::Video, at: tag.timestamp });
                }
                self.emit_init_if_complete();
            }
            Packet::Frame if !data.is_empty() => {
                let at = self.millis(tag.timestamp);
                self.video_frame(at, header, data);
            }
            Packet::Frame | Packet::Other => {}
        }
        Ok(())
    }

    fn push_audio(&mut self, tag: &Tag) -> Result<(), MuxError> {
        if matches!(self.audio.standing, Standing::LeftOut) {
            return Ok(());
        }
        let header = AudioHeader::parse(&tag.body).ok_or_else(|| truncated(Lane::Audio, tag))?;
        if !is_aac(header.codec) {
            return Err(self.leave_out(Lane::Audio, MuxError::AudioCodec(header.codec)));
        }
        let data = tag.body.slice(header.data_offset..);
        match header.packet {
            Packet::SequenceHeader => {
                let config =
                    AacConfig::parse(&data).map_err(|error| self.leave_out(Lane::Audio, error.into()))?;
                if !matches!((config.object_type, config.core_object_type), (2 | 5 | 29, 2)) {
                    let error = MuxError::AacObjectType(config.core_object_type);
                    return Err(self.leave_out(Lane::Audio, error));
                }
                if !self.audio.join(config) {
                    return Err(MuxError::HeaderTooLate { lane: Lane::Audio, at: tag.timestamp });
                }
                self.silence = self.audio.config().and_then(silence::frame);
                self.emit_init_if_complete();
            }
            Packet::Frame if !data.is_empty() => {
                let at = self.millis(tag.timestamp);
                self.audio_frame(at, data);
            }
            Packet::Frame | Packet::Other => {}
        }
        Ok(())
    }

    /// A tag's time. What has a length is no stream of days.
    fn millis(&mut self, time: MediaTime) -> u64 {
        if self.options.duration.is_some() { time.as_millis().into() } else { self.days.place(time) }
    }

    fn video_frame(&mut self, at: u64, header: VideoHeader, data: Bytes) {
        if self.video.config().is_none() {
            return; // nothing can decode it
        }
        let composition = i64::from(header.composition_ms) * i64::from(VIDEO_TIMESCALE / 1000);
        if self.video_start.is_none() {
            if !header.keyframe {
                return;
            }
            self.video_start = Some(at.saturating_add_signed(header.composition_ms.into()));
        }
        let wanted = ticks_of_millis(at, VIDEO_TIMESCALE);
        let dts = self.video.queue.last_dts().map_or(wanted, |last| wanted.max(last + 1));
        // The picture is shown when the tag says, whatever became of its DTS.
        let moved = (dts - wanted) as i64;
        let composition = (composition - moved).clamp(i32::MIN.into(), i32::MAX.into()) as i32;

        self.video.queue.advance_to(dts);
        if let Some(config) = self.video.next_config.take() {
            self.emit_init();
            self.cut();
            self.video.standing = Standing::Joined(config);
            self.write_init();
        } else if header.keyframe {
            self.cut();
        }
        self.video.queue.place(Sample { dts, duration: 0, composition, sync: header.keyframe, data });
        self.cut_if_due();
        self.fill_absent_audio(at);
    }

    fn audio_frame(&mut self, at: u64, data: Bytes) {
        let Some(config) = self.audio.config() else { return };
        let old_rate = config.sample_rate;
        if let Some(config) = self.audio.next_config.take() {
            let at = ticks_of_millis(at, old_rate);
            let end = self.audio.queue.last_dts().map_or(at, |last| at.max(last + 1));
            self.audio.queue.advance_to(end);
            self.emit_init();
            self.cut();
            // Where the old configuration's frames ended, in samples of the new one.
            self.audio_next = Some((end * u64::from(config.sample_rate)).div_ceil(u64::from(old_rate)));
            self.silence = silence::frame(&config);
            self.audio.standing = Standing::Joined(config);
            self.write_init();
        }
        let Some(rate) = self.audio.config().map(|config| config.sample_rate) else { return };
        let wanted = ticks_of_millis(at, rate);
        let tolerance = ticks_of(limits::FMP4_AUDIO_TOLERANCE, rate);
        let next = self.audio_next.unwrap_or_else(|| self.audio_start(wanted));
        let dts = if wanted > next + tolerance {
            self.silence_until(next, wanted);
            wanted
        } else if wanted + tolerance < next {
            return;
        } else {
            next
        };
        self.place_audio(dts, data);
    }

    /// Where sound begins: at its first frame, unless the picture begins audibly earlier.
    fn audio_start(&self, first_frame: u64) -> u64 {
        let picture = self.video_start.zip(self.audio.config()).map(|(start, config)| {
            let rate = config.sample_rate;
            (ticks_of_millis(start, rate), ticks_of(limits::FMP4_AUDIO_TOLERANCE, rate))
        });
        match picture {
            Some((start, tolerance)) if start + tolerance < first_frame => start,
            _ => first_frame,
        }
    }

    /// Fills with silence what lies far behind the picture, see [`limits::FMP4_AUDIO_LAG`].
    fn fill_absent_audio(&mut self, video: u64) {
        let Some(rate) = self.audio.config().map(|config| config.sample_rate) else { return };
        let video = ticks_of_millis(video, rate);
        let end = video.saturating_sub(ticks_of(limits::FMP4_AUDIO_LAG, rate));
        let next = self.audio_next.unwrap_or_else(|| self.audio_start(video));
        if end > next {
            self.silence_until(next, end);
        }
    }

    /// Places whole frames of silence from `start` on, as many as fit before `end`. A hole that is
    /// too long stays one, up to `end`: the frame before it is stretched.
    fn silence_until(&mut self, start: u64, end: u64) {
        let Some(config) = self.audio.config() else { return };
        let (rate, step) = (config.sample_rate, u64::from(config.frame_samples));
        let Some(frame) = self.silence.clone() else { return };
        if end - start > ticks_of(limits::FMP4_MAX_SILENCE, rate) {
            self.audio_next = Some(end);
            return;
        }
        let mut dts = start;
        while dts + step <= end {
            self.place_audio(dts, frame.clone());
            dts += step;
        }
    }

    fn place_audio(&mut self, dts: u64, data: Bytes) {
        let Some(step) = self.audio.config().map(|config| config.frame_samples) else { return };
        self.audio.queue.advance_to(dts);
        self.audio.queue.place(Sample { dts, duration: 0, composition: 0, sync: true, data });
        self.audio_next = Some(dts + u64::from(step));
        self.cut_if_due();
    }

    /// The lane will bring nothing more.
    fn leave_out(&mut self, lane: Lane, error: MuxError) -> MuxError {
        // A lane of an init segment that is out stays part of the MIME type; its frames end.
        match lane {
            Lane::Video if self.video.is_expected() => self.video.standing = Standing::LeftOut,
            Lane::Audio if self.audio.is_expected() => self.audio.standing = Standing::LeftOut,
            _ => {}
        }
        self.emit_init_if_complete();
        error
    }

    fn emit_init_if_complete(&mut self) {
        if !self.video.is_expected() && !self.audio.is_expected() {
            self.emit_init();
        }
    }

    /// Writes the init segment if it was not written; lanes that have not come are late from here.
    fn emit_init(&mut self) {
        if self.has_init || (self.video.config().is_none() && self.audio.config().is_none()) {
            return;
        }
        if self.video.is_expected() {
            self.video.standing = Standing::Late;
        }
        if self.audio.is_expected() {
            self.audio.standing = Standing::Late;
        }
        self.has_init = true;
        self.write_init();
    }

    fn write_init(&mut self) {
        self.output.push_back(init::segment(self.video.config(), self.audio.config(), self.options.duration));
    }

    /// Whether a lane has this much ready.
    fn is_ready(&self, span: Duration) -> bool {
        self.video.queue.span() >= ticks_of(span, VIDEO_TIMESCALE)
            || self
                .audio
                .config()
                .is_some_and(|config| self.audio.queue.span() >= ticks_of(span, config.sample_rate))
    }

    fn cut_if_due(&mut self) {
        let is_large = self.video.queue.bytes() + self.audio.queue.bytes() >= limits::FMP4_FRAGMENT_BYTES;
        if is_large || self.is_ready(limits::FMP4_HEADER_WAIT) {
            self.emit_init(); // the other lane has had its time
        }
        if is_large || self.is_ready(limits::FMP4_FRAGMENT) {
            self.cut();
        }
    }

    /// Writes the ready samples of both lanes as one fragment; nothing while the init segment waits.
    fn cut(&mut self) {
        if !self.has_init {
            return;
        }
        let video = self.video.queue.take_ready();
        let audio = self.audio.queue.take_ready();
        let entries = |samples: &[Sample]| samples.iter().map(Sample::entry).collect::<Vec<_>>();
        let lanes = [(VIDEO_TRACK, entries(&video), true), (AUDIO_TRACK, entries(&audio), false)];
        let runs: Vec<_> = lanes
            .iter()
            .filter(|(_, samples, _)| !samples.is_empty())
            .map(|(track, samples, video)| fragment::Run { track: *track, samples, video: *video })
            .collect();
        if runs.is_empty() {
            return;
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.output.push_back(fragment::header(self.sequence, &runs));
        self.output.extend(video.into_iter().chain(audio).map(|sample| sample.data));
    }
}

fn truncated(lane: Lane, tag: &Tag) -> MuxError {
    MuxError::Truncated { lane, at: tag.timestamp, len: tag.body.len() }
}

#[cfg(test)]
mod tests;
