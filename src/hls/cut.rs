//! One segment's frames out of a film's tags.

use super::timetable::Cell;
use crate::flv::aac::AacConfig;
use crate::flv::avc::AvcConfig;
use crate::flv::codec::{AudioCodec, AudioHeader, Packet, VideoCodec, VideoHeader};
use crate::flv::{Tag, TagKind};
use crate::fmp4::segment::{Boundary, Configs, Frame, in_band};
use crate::limits::{FMP4_AUDIO_TOLERANCE, HLS_SOUND_WAIT, MAX_HLS_FRAMES};
use crate::time::MediaTime;
use bytes::Bytes;
use std::time::Duration;

/// Takes tags, from the seek point for the segment's planned start on, until it has seen enough.
///
/// 1. [`push`](Self::push) the sequence headers that hold there, then tags in order, until it says that it is done
///    or there are no more.
/// 2. [`finish`](Self::finish).
#[derive(Debug)]
pub struct Cutter<D> {
    cell: Cell,
    /// How late a keyframe may be that begins a segment.
    late: u32,
    lane: Lead,
    configs: Configs,
    /// The parameter sets that the client's decoder was set up with.
    client: Option<Bytes>,
    video: Vec<Frame<D>>,
    audio: Vec<Frame<D>>,
    /// Frames before the segment's own are gone.
    begun: bool,
    /// Where the next segment begins, once that is known.
    end: Option<MediaTime>,
}

/// Which lane decides where segments begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lead {
    /// Pictures.
    Video,
    /// Sound, where there are none.
    Audio,
}

/// A segment's frames.
#[derive(Debug)]
pub struct Cut<D> {
    /// The configurations that they are made for.
    pub configs: Configs,
    /// Its limits; without an end it goes to that of the film.
    pub limits: (Boundary, Option<Boundary>),
    /// Pictures and sounds.
    pub frames: (Vec<Frame<D>>, Vec<Frame<D>>),
}

/// More frames than any film has in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are more than {MAX_HLS_FRAMES} frames in one segment; the file is damaged there")]
pub struct TooManyFrames;

impl<D> Cutter<D> {
    /// For the segment of `cell`. `client` is the AVC configuration of the init segment that the client has, if
    /// that is known: a keyframe of another one gets its parameter sets.
    pub fn new(cell: Cell, late: Duration, lane: Lead, client: Option<Bytes>) -> Self {
        let late = u32::try_from(late.as_millis()).unwrap_or(u32::MAX);
        let begun = cell.before.is_none();
        let configs = Configs::default();
        Self { cell, late, lane, configs, client, video: Vec::new(), audio: Vec::new(), begun, end: None }
    }

    /// Takes a tag; `data` says where a body's bytes behind that offset are. True when nothing more is needed.
    ///
    /// # Errors
    /// When there are too many frames to keep.
    pub fn push(&mut self, tag: &Tag, data: impl FnOnce(usize) -> D) -> Result<bool, TooManyFrames> {
        match tag.kind {
            TagKind::Video => self.picture(tag, data),
            TagKind::Audio => self.sound(tag, data),
            TagKind::Script => {}
        }
        if self.video.len().max(self.audio.len()) > MAX_HLS_FRAMES {
            return Err(TooManyFrames);
        }
        Ok(self.is_done(tag))
    }

    fn picture(&mut self, tag: &Tag, data: impl FnOnce(usize) -> D) {
        let Some(header) = VideoHeader::parse(&tag.body).filter(|header| is_avc(header.codec)) else {
            return;
        };
        match header.packet {
            Packet::SequenceHeader => {
                if let Ok(config) = AvcConfig::parse(&tag.body.slice(header.data_offset..)) {
                    self.configs.video = Some(config);
                }
            }
            Packet::Frame if tag.body.len() > header.data_offset => {
                let Some(config) = &self.configs.video else { return };
                if self.video.is_empty() && !header.keyframe {
                    // Nothing that a decoder could start with came before.
                    return;
                }
                let other = header.keyframe && self.client.as_ref() != Some(&config.record);
                let sets = if other { in_band(config) } else { Bytes::new() };
                self.video.push(Frame {
                    at: tag.timestamp,
                    composition_ms: header.composition_ms,
                    keyframe: header.keyframe,
                    sets,
                    data: data(header.data_offset),
                });
            }
            Packet::Frame | Packet::Other => {}
        }
    }

    fn sound(&mut self, tag: &Tag, data: impl FnOnce(usize) -> D) {
        let Some(header) = AudioHeader::parse(&tag.body).filter(|header| is_aac(header.codec)) else {
            return;
        };
        match header.packet {
            Packet::SequenceHeader => {
                // Another configuration needs another init segment; up to where that begins there is silence.
                if let (None, Ok(config)) =
                    (&self.configs.audio, AacConfig::parse(&tag.body.slice(header.data_offset..)))
                {
                    self.configs.audio = Some(config);
                }
            }
            Packet::Frame if tag.body.len() > header.data_offset && self.configs.audio.is_some() => {
                self.audio.push(Frame {
                    at: tag.timestamp,
                    composition_ms: 0,
                    keyframe: true,
                    sets: Bytes::new(),
                    data: data(header.data_offset),
                });
            }
            Packet::Frame | Packet::Other => {}
        }
    }

    /// The frames that decide.
    fn leading(&self) -> &Vec<Frame<D>> {
        match self.lane {
            Lead::Video => &self.video,
            Lead::Audio => &self.audio,
        }
    }

    fn is_done(&mut self, tag: &Tag) -> bool {
        let Some(last) = self.leading().last().map(|frame| frame.at) else { return false };
        if !self.begun && last > self.limit(self.cell.start) {
            self.begin();
        }
        let Some(next) = self.cell.next.filter(|_| self.begun) else { return false };
        if self.end.is_none() && last > self.limit(next) {
            let at = self.boundary(self.cell.start, next);
            self.end = self.leading().get(at).map(|frame| frame.at);
        }
        let Some(end) = self.end else { return false };
        let wait = u32::try_from(HLS_SOUND_WAIT.as_millis()).unwrap_or(u32::MAX);
        let heard = self.configs.audio.is_none() || self.audio.last().is_some_and(|sound| sound.at >= end);
        heard || self.lane == Lead::Audio || tag.timestamp > end.saturating_add_millis(wait)
    }

    /// Beyond this it is certain which frame begins the segment that is planned for `start`.
    fn limit(&self, start: MediaTime) -> MediaTime {
        start.saturating_add_millis(self.late)
    }

    /// The frame that begins the segment planned for `start`, where the one before is planned for `before`.
    fn boundary(&self, before: MediaTime, start: MediaTime) -> usize {
        let (floor, limit) = (self.limit(before), self.limit(start));
        let frames = self.leading();
        let keyframe =
            frames.iter().rposition(|frame| frame.keyframe && floor < frame.at && frame.at <= limit);
        let behind = || frames.iter().position(|frame| frame.at >= start);
        keyframe.or_else(behind).unwrap_or(frames.len())
    }

    /// Leaves out what is before the segment.
    fn begin(&mut self) {
        let Some(before) = self.cell.before else { return };
        let at = self.boundary(before, self.cell.start);
        match self.lane {
            Lead::Video => drop(self.video.drain(..at)),
            Lead::Audio => drop(self.audio.drain(..at)),
        }
        self.begun = true;
    }

    /// The segment, from what there was. `None` when there is nothing of it.
    pub fn finish(mut self) -> Option<Cut<D>> {
        if !self.begun {
            self.begin();
        }
        // The film may end before it is certain where the next segment begins; then that is where it does by now.
        if let (None, Some(next)) = (self.end, self.cell.next) {
            let at = self.boundary(self.cell.start, next);
            self.end = self.leading().get(at).map(|frame| frame.at);
        }
        let from = match self.cell.before {
            Some(_) => boundary_at(self.leading().first()?.at, &self.audio),
            None => self.very_beginning()?,
        };
        let until = self.end.map(|end| boundary_at(end, &self.audio));
        let inside = |at: MediaTime, from: MediaTime, until: Option<MediaTime>| {
            from <= at && until.is_none_or(|until| at < until)
        };
        let (mut video, mut audio) = (self.video, self.audio);
        // What comes behind its time, as some recordings have it, belongs where it is written.
        if let Some(end) = until {
            let behind = video.iter().position(|frame| frame.at >= end.video).unwrap_or(video.len());
            video.truncate(behind);
        }
        audio.retain(|frame| inside(frame.at, from.audio, until.map(|until| until.audio)));
        let has_any = !video.is_empty() || !audio.is_empty();
        has_any.then_some(Cut { configs: self.configs, limits: (from, until), frames: (video, audio) })
    }

    /// Where the first segment begins: with whatever is first.
    fn very_beginning(&self) -> Option<Boundary> {
        let video = self.video.first().map(|frame| frame.at);
        let shown = self.video.first().map(|frame| {
            let shown = i64::from(frame.at.as_millis()) + i64::from(frame.composition_ms);
            MediaTime::from_millis(shown.clamp(0, u32::MAX.into()) as u32)
        });
        let audio = self.audio.first().map(|frame| frame.at);
        let audio = match (shown, audio) {
            (Some(shown), Some(audio)) if audio > shown && !is_near(shown, audio) => shown,
            (shown, audio) => audio.or(shown)?,
        };
        Some(Boundary { video: video.unwrap_or(audio), audio })
    }
}

/// The boundary where pictures go on at `video`: sound goes on with its next frame, or is silent from there.
fn boundary_at<D>(video: MediaTime, audio: &[Frame<D>]) -> Boundary {
    let next = audio.iter().map(|frame| frame.at).find(|at| *at >= video);
    Boundary { video, audio: next.filter(|next| is_near(video, *next)).unwrap_or(video) }
}

fn is_near(earlier: MediaTime, later: MediaTime) -> bool {
    u128::from(later.saturating_millis_since(earlier)) <= FMP4_AUDIO_TOLERANCE.as_millis()
}

pub(super) fn is_avc(codec: VideoCodec) -> bool {
    matches!(codec, VideoCodec::Avc | VideoCodec::FourCc([b'a', b'v', b'c', b'1']))
}

pub(super) fn is_aac(codec: AudioCodec) -> bool {
    matches!(codec, AudioCodec::Aac | AudioCodec::FourCc([b'm', b'p', b'4', b'a']))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::timetable::{Rule, Timetable};
    use super::*;
    use crate::flv::codec::{aac_frame_header, aac_sequence_header, avc_frame_header, avc_sequence_header};
    use proptest::prelude::*;

    const AVC: [u8; 40] = [
        1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 25, 0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27,
        0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x60, 1, 0, 4,
        0x68, 0xeb, 0xe3, 0xcb,
    ];

    fn tag(kind: TagKind, ms: u32, body: Bytes) -> Tag {
        Tag { kind, timestamp: MediaTime::from_millis(ms), body }
    }

    fn picture(ms: u32, key: bool) -> Tag {
        tag(TagKind::Video, ms, [&avc_frame_header(key, 0)[..], b"v"].concat().into())
    }

    fn sound(ms: u32) -> Tag {
        tag(TagKind::Audio, ms, [&aac_frame_header()[..], b"a"].concat().into())
    }

    fn headers() -> [Tag; 2] {
        [
            tag(TagKind::Video, 0, avc_sequence_header(&AVC)),
            tag(TagKind::Audio, 0, aac_sequence_header(&[0x11, 0x90])),
        ]
    }

    /// A film: pictures every 40 ms with these keyframes, and sound every 21 ms, in order.
    fn film(length: u32, keyframes: &[u32], sounds: bool) -> Vec<Tag> {
        let mut tags: Vec<Tag> =
            (0..length).step_by(40).map(|ms| picture(ms, ms == 0 || keyframes.contains(&ms))).collect();
        if sounds {
            tags.extend((0..length).step_by(21).map(sound));
        }
        tags.sort_by_key(|tag| tag.timestamp);
        tags
    }

    /// Cuts segment `n` as the server does: from the last keyframe at or before its planned start, and a little.
    fn cut(film: &[Tag], plan: &Timetable, lane: Lead, n: u32) -> Option<Cut<u32>> {
        let cell = plan.cell(n).unwrap();
        let late = plan.rule().late();
        let late_ms = if n == 0 { 0 } else { late.as_millis() as u32 };
        let target = cell.start.saturating_add_millis(late_ms);
        let entry = |tag: &Tag| tag.timestamp <= target && (tag.is_keyframe() || lane == Lead::Audio);
        let from = film.iter().rposition(entry).unwrap_or(0);
        let mut cutter = Cutter::new(cell, late, lane, Some(Bytes::from_static(&AVC)));
        for tag in headers().iter().chain(&film[from..]) {
            if cutter.push(tag, |_| tag.timestamp.as_millis()).unwrap() {
                break;
            }
        }
        cutter.finish()
    }

    fn tiles(film: &[Tag], plan: &Timetable, lane: Lead) {
        let (mut pictures, mut sounds) = (Vec::new(), Vec::new());
        let mut end: Option<Boundary> = None;
        for n in 0..plan.count() {
            let Some(cut) = cut(film, plan, lane, n) else { continue };
            if let Some(end) = end {
                assert_eq!(cut.limits.0, end, "segment {n} begins where the one before ends");
            }
            end = cut.limits.1;
            pictures.extend(cut.frames.0.iter().map(|frame| frame.data));
            sounds.extend(cut.frames.1.iter().map(|frame| frame.data));
        }
        let times = |kind: TagKind| {
            film.iter()
                .filter(|tag| tag.kind == kind)
                .map(|tag| tag.timestamp.as_millis())
                .collect::<Vec<_>>()
        };
        assert_eq!(pictures, times(TagKind::Video));
        assert_eq!(sounds, times(TagKind::Audio));
    }

    #[test]
    fn an_encoded_film_is_cut_at_the_keyframes_of_its_grid() {
        let keyframes: Vec<u32> = (0..30_000).step_by(2000).collect();
        let film = film(30_000, &keyframes, true);
        let plan = Timetable::planned(Rule::Grid, MediaTime::from_millis(30_000));
        tiles(&film, &plan, Lead::Video);
        for n in 0..plan.count() {
            let cut = cut(&film, &plan, Lead::Video, n).unwrap();
            assert!(cut.frames.0[0].keyframe);
            assert_eq!(cut.frames.0[0].at, plan.cell(n).unwrap().start);
        }
    }

    #[test]
    fn keyframes_that_are_not_where_they_were_planned_begin_their_segments_all_the_same() {
        let film = film(60_000, &[4000, 9840, 10_120, 10_240, 14_000, 19_960, 29_000], true);
        let plan = Timetable::planned(Rule::Blind, MediaTime::from_millis(60_000));
        let starts: Vec<_> = (0..plan.count())
            .map(|n| cut(&film, &plan, Lead::Video, n).unwrap().frames.0[0].clone())
            .collect();
        let starts: Vec<_> = starts.iter().map(|frame| (frame.data, frame.keyframe)).collect();
        // The last one at or a little behind the plan; and where there is none, a picture at it.
        assert_eq!(
            starts,
            [(0, true), (10_240, true), (19_960, true), (29_000, true), (40_000, false), (50_000, false)]
        );
        tiles(&film, &plan, Lead::Video);
    }

    #[test]
    fn a_keyframe_of_another_encoder_has_its_parameter_sets_before_it() {
        let film = film(30_000, &[10_000, 12_000, 20_000], false);
        let plan = Timetable::planned(Rule::Blind, MediaTime::from_millis(30_000));
        let cell = plan.cell(1).unwrap();
        let mut cutter = Cutter::new(cell, plan.rule().late(), Lead::Video, None);
        for tag in headers().iter().chain(film.iter().filter(|tag| tag.timestamp.as_millis() >= 10_000)) {
            if cutter.push(tag, |_| 0).unwrap() {
                break;
            }
        }
        let cut = cutter.finish().unwrap();
        let with_sets: Vec<_> = cut
            .frames
            .0
            .iter()
            .filter(|frame| !frame.sets.is_empty())
            .map(|frame| frame.at.as_millis())
            .collect();
        assert_eq!(with_sets, [10_000, 12_000]);
    }

    #[test]
    fn a_film_that_ends_before_its_plan_has_nothing_there() {
        let film = film(12_000, &[2000], true);
        let plan = Timetable::planned(Rule::Blind, MediaTime::from_millis(60_000));
        assert!(cut(&film, &plan, Lead::Video, 3).is_none());
        let last = cut(&film, &plan, Lead::Video, 1).unwrap();
        assert_eq!(last.limits.1, None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        /// Every frame of the film is in exactly one segment, in order, whatever the keyframes are and in whatever
        /// order segments are asked for.
        #[test]
        fn segments_tile_whatever_film(
            keyframes in prop::collection::vec(0u32..1000, 0..60),
            length in 1u32..40_000,
            claimed in 0u32..5000,
            rule in prop::sample::select(vec![Rule::Grid, Rule::Blind]),
        ) {
            let keyframes: Vec<u32> = keyframes.into_iter().map(|n| n * 40).collect();
            let film = film(length, &keyframes, true);
            let plan = Timetable::planned(rule, MediaTime::from_millis(length + claimed));
            tiles(&film, &plan, Lead::Video);
        }

        #[test]
        fn sound_alone_tiles(length in 1u32..60_000) {
            let film: Vec<Tag> = (0..length).step_by(21).map(sound).collect();
            let plan = Timetable::planned(Rule::Sound, MediaTime::from_millis(length));
            tiles(&film, &plan, Lead::Audio);
        }
    }
}
