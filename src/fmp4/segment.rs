//! A media segment: the frames between two times, as fragments.
//!
//! Unlike the [`Muxer`](super::Muxer), which sees a stream tag by tag and knows no end, this is told where its
//! neighbours begin. A segment made by itself therefore ends exactly where the next one starts, whoever makes
//! that, and when. Where the bytes of a frame are is the caller's business: they are only told apart by their
//! number.

use super::boxes::BoxWriter;
use super::fragment::{self, Entry, Run};
use super::lane::{AUDIO_TRACK, VIDEO_TIMESCALE, VIDEO_TRACK, ticks, ticks_of};
use super::{init, silence};
use crate::flv::aac::AacConfig;
use crate::flv::avc::AvcConfig;
use crate::limits::{FMP4_AUDIO_TOLERANCE, FMP4_MAX_SILENCE, HLS_FRAGMENT};
use crate::time::MediaTime;
use bytes::{BufMut, Bytes, BytesMut};

/// Lasts as long as a frame whose end nobody knows: a 25th of a second.
const ONLY_FRAME: u32 = VIDEO_TIMESCALE / 25;

/// Where the bytes of frames are.
pub trait Payload {
    /// How many they are.
    fn size(&self) -> u32;
}

impl Payload for Bytes {
    fn size(&self) -> u32 {
        // A tag's body has 24 bits of length.
        self.len() as u32
    }
}

/// A frame of picture or sound.
#[derive(Clone, Debug)]
pub struct Frame<D> {
    /// When it is decoded.
    pub at: MediaTime,
    /// How much later it is shown; of pictures alone.
    pub composition_ms: i32,
    /// A decoder can start here.
    pub keyframe: bool,
    /// Parameter sets that go before it: see [`in_band`].
    pub sets: Bytes,
    /// Its bytes.
    pub data: D,
}

/// Where a segment begins or ends: the first time of each lane that is behind the boundary.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Boundary {
    /// Of the picture.
    pub video: MediaTime,
    /// Of the sound.
    pub audio: MediaTime,
}

/// The codec configurations of an init segment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Configs {
    /// Of the picture, if there is one.
    pub video: Option<AvcConfig>,
    /// Of the sound, if there is some.
    pub audio: Option<AacConfig>,
}

impl Configs {
    /// The init segment.
    pub fn init(&self) -> Bytes {
        init::segment(self.video.as_ref(), self.audio.as_ref(), None)
    }
}

/// A piece of a segment, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece<D> {
    /// Bytes made here.
    Bytes(Bytes),
    /// A frame's.
    Data(D),
}

impl<D: Payload> Piece<D> {
    /// Bytes in it.
    pub fn size(&self) -> u32 {
        match self {
            Self::Bytes(bytes) => bytes.size(),
            Self::Data(data) => data.size(),
        }
    }
}

/// Parameter sets as they stand before a keyframe, for a decoder that was set up with others: a stream's
/// encoder may have been started anew, and an init segment is sent once.
pub fn in_band(config: &AvcConfig) -> Bytes {
    let mut out = BytesMut::new();
    for set in config.sps.iter().chain(&config.pps) {
        let len = (set.len() as u32).to_be_bytes();
        out.put_slice(&len[len.len() - usize::from(config.nal_length_size).min(len.len())..]);
        out.put_slice(set);
    }
    out.freeze()
}

/// The first box of a segment (ISO 14496-12, 8.16.2). By itself it is a segment in which nothing happens.
pub fn head() -> Bytes {
    let mut out = BoxWriter::default();
    out.plain(b"styp", |out| {
        out.bytes(b"msdh");
        out.u32(0);
        out.bytes(b"msdhiso6");
    });
    out.finish()
}

/// Makes fragments of frames, which lie in `from..until`, in order of their times. Without `until` the last
/// frames last as long as frames do. `sequence` numbers the first fragment; how many there are is bounded by
/// the segment's length over [`HLS_FRAGMENT`].
pub fn fragments<D: Payload>(
    sequence: &mut u32,
    configs: &Configs,
    (from, until): (Boundary, Option<Boundary>),
    (video, audio): (Vec<Frame<D>>, Vec<Frame<D>>),
) -> Vec<Piece<D>> {
    let video =
        if configs.video.is_some() { pictures(video, until.map(|until| until.video)) } else { Vec::new() };
    let audio = configs
        .audio
        .as_ref()
        .map(|config| sounds(config, from.audio, until.map(|until| until.audio), audio));
    let rate = configs.audio.as_ref().map_or(1, |config| config.sample_rate);
    let (mut video, mut audio) =
        (video.into_iter().peekable(), audio.unwrap_or_default().into_iter().peekable());
    let mut out = Vec::new();
    let mut step = 0u32;
    let start = if configs.video.is_some() { from.video.min(from.audio) } else { from.audio };
    while video.peek().is_some() || audio.peek().is_some() {
        // Sound and picture of the same second lie together.
        step += 1;
        let fragment = u32::try_from(HLS_FRAGMENT.as_millis()).unwrap_or(u32::MAX);
        let end = start.saturating_add_millis(fragment.saturating_mul(step));
        let (video_end, audio_end) = match step {
            MAX_FRAGMENTS => (u64::MAX, u64::MAX),
            _ => (ticks(end, VIDEO_TIMESCALE), ticks(end, rate)),
        };
        let pictures: Vec<Placed<D>> =
            std::iter::from_fn(|| video.next_if(|placed| placed.entry.dts < video_end)).collect();
        let sounds: Vec<Placed<D>> =
            std::iter::from_fn(|| audio.next_if(|placed| placed.entry.dts < audio_end)).collect();
        let entries = |placed: &[Placed<D>]| placed.iter().map(|placed| placed.entry).collect::<Vec<_>>();
        let lanes = [(VIDEO_TRACK, entries(&pictures), true), (AUDIO_TRACK, entries(&sounds), false)];
        let runs: Vec<Run<'_>> = lanes
            .iter()
            .filter(|(_, samples, _)| !samples.is_empty())
            .map(|(track, samples, video)| Run { track: *track, samples, video: *video })
            .collect();
        if runs.is_empty() {
            continue;
        }
        out.push(Piece::Bytes(fragment::header(*sequence, &runs)));
        *sequence = sequence.wrapping_add(1);
        out.extend(pictures.into_iter().chain(sounds).flat_map(|placed| placed.pieces));
    }
    out
}

/// Fragments of one segment at the very most: one with times far apart ends with a long one.
const MAX_FRAGMENTS: u32 = 1000;

/// A frame at its place.
struct Placed<D> {
    entry: Entry,
    pieces: heapless::Vec<Piece<D>, 2>,
}

impl<D: Payload> Placed<D> {
    fn new(dts: u64, composition: i32, sync: bool, pieces: impl IntoIterator<Item = Piece<D>>) -> Self {
        let pieces: heapless::Vec<_, 2> = pieces.into_iter().filter(|piece| piece.size() > 0).collect();
        let size = pieces.iter().map(Piece::size).sum();
        Self { entry: Entry { dts, duration: 0, composition, sync, size }, pieces }
    }
}

/// Each lasts until the next one, the last one until `end`, or as long as the one before it.
fn stretch<D>(placed: &mut [Placed<D>], end: Option<u64>, otherwise: u32) {
    let duration = |from: u64, to: u64| u32::try_from(to.saturating_sub(from)).unwrap_or(u32::MAX);
    for at in 1..placed.len() {
        placed[at - 1].entry.duration = duration(placed[at - 1].entry.dts, placed[at].entry.dts);
    }
    let before = placed.len().checked_sub(2).map(|at| placed[at].entry.duration);
    if let Some(last) = placed.last_mut() {
        last.entry.duration = end.map_or(before.unwrap_or(otherwise), |end| duration(last.entry.dts, end));
    }
}

fn pictures<D: Payload>(frames: Vec<Frame<D>>, until: Option<MediaTime>) -> Vec<Placed<D>> {
    let mut placed: Vec<Placed<D>> = Vec::with_capacity(frames.len());
    for frame in frames {
        let wanted = ticks(frame.at, VIDEO_TIMESCALE);
        let dts = placed.last().map_or(wanted, |last| wanted.max(last.entry.dts + 1));
        // The picture is shown when the tag says, whatever became of its DTS.
        let composition =
            i64::from(frame.composition_ms) * i64::from(VIDEO_TIMESCALE / 1000) - (dts - wanted) as i64;
        let composition = composition.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        placed.push(Placed::new(
            dts,
            composition,
            frame.keyframe,
            [Piece::Bytes(frame.sets), Piece::Data(frame.data)],
        ));
    }
    stretch(&mut placed, until.map(|until| ticks(until, VIDEO_TIMESCALE)), ONLY_FRAME);
    placed
}

/// Frames of sound follow each other sample by sample from `from` on; holes are filled with silence, as the
/// [`Muxer`](super::Muxer) does it.
fn sounds<D: Payload>(
    config: &AacConfig,
    from: MediaTime,
    until: Option<MediaTime>,
    frames: Vec<Frame<D>>,
) -> Vec<Placed<D>> {
    let (rate, step) = (config.sample_rate, u64::from(config.frame_samples));
    let tolerance = ticks_of(FMP4_AUDIO_TOLERANCE, rate);
    let nothing = silence::frame(config);
    let mut placed = Vec::with_capacity(frames.len());
    let mut next = ticks(from, rate);
    // Whole frames of silence up to `end`, unless that is too far away.
    let fill = |placed: &mut Vec<Placed<D>>, next: u64, end: u64| {
        let Some(nothing) = nothing.as_ref().filter(|_| end - next <= ticks_of(FMP4_MAX_SILENCE, rate))
        else {
            return;
        };
        let starts = (next..).step_by(step.max(1) as usize).take_while(|start| start + step <= end);
        placed.extend(starts.map(|start| Placed::new(start, 0, true, [Piece::Bytes(nothing.clone())])));
    };
    for frame in frames {
        let wanted = ticks(frame.at, rate);
        if wanted + tolerance < next {
            continue;
        }
        if wanted > next + tolerance {
            fill(&mut placed, next, wanted);
            next = wanted;
        }
        placed.push(Placed::new(next, 0, true, [Piece::Data(frame.data)]));
        next += step;
    }
    let end = until.map(|until| ticks(until, rate));
    if let Some(end) = end {
        if end > next + tolerance {
            fill(&mut placed, next, end);
        }
        placed.retain(|placed| placed.entry.dts < end);
    }
    stretch(&mut placed, end, config.frame_samples.into());
    placed
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(ms: u32, keyframe: bool, composition_ms: i32) -> Frame<Bytes> {
        let data = Bytes::copy_from_slice(&ms.to_be_bytes());
        Frame { at: MediaTime::from_millis(ms), composition_ms, keyframe, sets: Bytes::new(), data }
    }

    fn aac() -> AacConfig {
        AacConfig::parse(&Bytes::from_static(&[0x11, 0x90])).unwrap() // LC, 48 kHz, stereo
    }

    fn at(ms: u32) -> MediaTime {
        MediaTime::from_millis(ms)
    }

    #[test]
    fn pictures_last_until_the_next_segment_begins() {
        let placed =
            pictures(vec![frame(0, true, 80), frame(40, false, 0), frame(80, false, 0)], Some(at(120)));
        let times: Vec<_> =
            placed.iter().map(|p| (p.entry.dts, p.entry.duration, p.entry.composition)).collect();
        assert_eq!(times, [(0, 3600, 7200), (3600, 3600, 0), (7200, 3600, 0)]);
        let last = pictures(vec![frame(0, true, 0)], None);
        assert_eq!(last[0].entry.duration, ONLY_FRAME);
    }

    #[test]
    fn frames_of_one_time_follow_each_other_and_are_shown_when_they_say() {
        let placed = pictures(vec![frame(10, true, 0), frame(10, false, 40), frame(5, false, 0)], None);
        let times: Vec<_> = placed.iter().map(|p| (p.entry.dts, p.entry.composition)).collect();
        assert_eq!(times, [(900, 0), (901, 3599), (902, -452)]);
    }

    #[test]
    fn holes_of_the_sound_are_silence_and_sound_that_comes_twice_comes_once() {
        let placed = sounds(
            &aac(),
            at(1000),
            Some(at(2000)),
            vec![frame(1000, true, 0), frame(1005, true, 0), frame(1500, true, 0), frame(900, true, 0)],
        );
        let real: Vec<_> = placed.iter().filter(|p| p.entry.size == 4).map(|p| p.entry.dts).collect();
        assert_eq!(real, [48_000, 49_024, 72_000]);
        let end = placed.iter().map(|p| p.entry.dts + u64::from(p.entry.duration)).next_back().unwrap();
        assert_eq!(end, 96_000);
        assert!(
            placed
                .windows(2)
                .all(|pair| pair[0].entry.dts + u64::from(pair[0].entry.duration) == pair[1].entry.dts)
        );
    }

    #[test]
    fn parameter_sets_in_the_stream_have_their_length_before_them() {
        let record: [u8; 40] = [
            1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 25, 0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27,
            0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x60, 1, 0,
            4, 0x68, 0xeb, 0xe3, 0xcb,
        ];
        let config = AvcConfig::parse(&Bytes::copy_from_slice(&record)).unwrap();
        let sets = in_band(&config);
        assert_eq!(&sets[..5], &[0, 0, 0, 25, 0x67]);
        assert_eq!(&sets[29..], &[0, 0, 0, 4, 0x68, 0xeb, 0xe3, 0xcb]);
    }

    proptest! {
        /// Whatever the times, each lane goes from its start to its end without hole or overlap.
        #[test]
        fn sound_fills_its_segment(
            mut times in prop::collection::vec(0u32..8000, 0..200),
            from in 0u32..2000,
            length in 100u32..8000,
        ) {
            times.sort_unstable();
            let until = from + length;
            let frames = times.iter().filter(|ms| (from..until).contains(*ms)).map(|ms| frame(*ms, true, 0)).collect();
            let placed = sounds(&aac(), at(from), Some(at(until)), frames);
            let mut next = ticks(at(from), 48_000);
            for placed in &placed {
                prop_assert_eq!(placed.entry.dts, next);
                next += u64::from(placed.entry.duration);
            }
            prop_assert_eq!(next, ticks(at(until), 48_000));
        }
    }
}
