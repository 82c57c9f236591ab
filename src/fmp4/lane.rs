//! One lane on its way into fragments: its configuration, the sample that waits for its successor,
//! and the samples that are ready.

use super::fragment::Entry;
use crate::flv::codec::{AudioCodec, VideoCodec};
use crate::time::MediaTime;
use bytes::Bytes;
use std::time::Duration;

/// `track_ID` of the picture.
pub(super) const VIDEO_TRACK: u32 = 1;
/// `track_ID` of the sound.
pub(super) const AUDIO_TRACK: u32 = 2;
/// Ticks a second of the video track: finer than the tags' milliseconds, so that two frames with
/// the same timestamp can follow each other by less than a millisecond.
pub(super) const VIDEO_TIMESCALE: u32 = 90_000;

/// Bytes that a sample costs beside its data, here and in `trun`; many tiny samples are bounded by
/// this.
const SAMPLE_OVERHEAD: usize = 64;

/// A frame as MP4 sees it. Times are in ticks of its track.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) dts: u64,
    /// Zero until the next sample's DTS is known.
    pub(super) duration: u32,
    /// PTS − DTS.
    pub(super) composition: i32,
    /// A decoder can start here.
    pub(super) sync: bool,
    pub(super) data: Bytes,
}

impl Sample {
    pub(super) fn entry(&self) -> Entry {
        let Self { dts, duration, composition, sync, .. } = *self;
        // A tag's body has 24 bits of length.
        Entry { dts, duration, composition, sync, size: self.data.len() as u32 }
    }
}

/// Whether a lane is part of the output.
#[derive(Debug)]
pub(super) enum Standing<C> {
    /// Announced; its sequence header has not come.
    Expected,
    /// Its sequence header came.
    Joined(C),
    /// The init segment went out without it.
    Late,
    /// Not asked for, or with a codec that cannot be played.
    LeftOut,
}

/// A lane with configurations of type `C`.
#[derive(Debug)]
pub(super) struct Track<C> {
    pub(super) standing: Standing<C>,
    /// A configuration that applies from the next frame on.
    pub(super) next_config: Option<C>,
    pub(super) queue: Queue,
}

impl<C: PartialEq> Track<C> {
    pub(super) fn new(wanted: bool) -> Self {
        let standing = if wanted { Standing::Expected } else { Standing::LeftOut };
        Self { standing, next_config: None, queue: Queue::default() }
    }

    pub(super) const fn config(&self) -> Option<&C> {
        match &self.standing {
            Standing::Joined(config) => Some(config),
            _ => None,
        }
    }

    pub(super) const fn is_expected(&self) -> bool {
        matches!(self.standing, Standing::Expected)
    }

    /// Takes a sequence header. False when the lane can no longer join.
    pub(super) fn join(&mut self, config: C) -> bool {
        match &self.standing {
            Standing::Expected => self.standing = Standing::Joined(config),
            Standing::Joined(current) if *current == config => self.next_config = None,
            Standing::Joined(_) => self.next_config = Some(config),
            Standing::LeftOut => {}
            Standing::Late => return false,
        }
        true
    }
}

/// Samples of one lane in DTS order.
#[derive(Default, Debug)]
pub(super) struct Queue {
    /// Its duration is known when the next one comes.
    waiting: Option<Sample>,
    ready: Vec<Sample>,
    ready_bytes: usize,
    last_duration: Option<u32>,
}

impl Queue {
    /// The DTS behind which the next sample must lie.
    pub(super) fn last_dts(&self) -> Option<u64> {
        self.waiting.as_ref().or(self.ready.last()).map(|sample| sample.dts)
    }

    /// The next sample begins at `dts`: the waiting one lasts until then and is ready.
    pub(super) fn advance_to(&mut self, dts: u64) {
        if let Some(mut sample) = self.waiting.take() {
            // A hole beyond 32 bits of ticks (13 hours of video) ends the fragment as well, see
            // `span`, so the next `tfdt` is right again.
            sample.duration = u32::try_from(dts.saturating_sub(sample.dts)).unwrap_or(u32::MAX);
            self.last_duration = Some(sample.duration);
            self.make_ready(sample);
        }
    }

    /// Puts a sample behind the last one; its predecessor must have been advanced.
    pub(super) fn place(&mut self, sample: Sample) {
        debug_assert!(self.waiting.is_none(), "advance_to comes before place");
        self.waiting = Some(sample);
    }

    /// No sample follows: the waiting one lasts as long as the one before it, or `otherwise`.
    pub(super) fn finish(&mut self, otherwise: u32) {
        if let Some(mut sample) = self.waiting.take() {
            sample.duration = self.last_duration.unwrap_or(otherwise);
            self.make_ready(sample);
        }
    }

    fn make_ready(&mut self, sample: Sample) {
        self.ready_bytes += sample.data.len() + SAMPLE_OVERHEAD;
        self.ready.push(sample);
    }

    /// Ticks from the first to the end of the last ready sample.
    pub(super) fn span(&self) -> u64 {
        match (self.ready.first(), self.ready.last()) {
            (Some(first), Some(last)) => last.dts + u64::from(last.duration) - first.dts,
            _ => 0,
        }
    }

    /// What the ready samples take, overhead included.
    pub(super) const fn bytes(&self) -> usize {
        self.ready_bytes
    }

    pub(super) fn take_ready(&mut self) -> Vec<Sample> {
        self.ready_bytes = 0;
        std::mem::take(&mut self.ready)
    }
}

/// A tag's time in ticks, rounded to the nearest.
pub(super) fn ticks(time: MediaTime, timescale: u32) -> u64 {
    ticks_of_millis(time.as_millis().into(), timescale)
}

/// The same of milliseconds that go on after 32 bits of them.
pub(super) fn ticks_of_millis(ms: u64, timescale: u32) -> u64 {
    (ms * u64::from(timescale) + 500) / 1000
}

/// Milliseconds of a live stream that go on where its tags' 32 bits start over, after 49 days.
#[derive(Debug, Default)]
pub(super) struct Days {
    /// The newest tag's time.
    last: u64,
}

impl Days {
    /// Twelve days: the two lanes are never that far apart, and no stream is silent for as long.
    const NEAR: u32 = 1 << 30;

    /// When a tag is, whose lane may be a little behind the other one's.
    pub(super) fn place(&mut self, time: MediaTime) -> u64 {
        let (ms, before, round) = (time.as_millis(), self.last as u32, self.last >> 32);
        let has_wrapped = before >= u32::MAX - Self::NEAR && ms <= Self::NEAR;
        let comes_late = before <= Self::NEAR && ms >= u32::MAX - Self::NEAR && round > 0;
        let round = round + u64::from(has_wrapped) - u64::from(comes_late);
        let placed = round << 32 | u64::from(ms);
        self.last = self.last.max(placed);
        placed
    }
}

/// A limit in ticks.
pub(super) fn ticks_of(duration: Duration, timescale: u32) -> u64 {
    duration.as_millis() as u64 * u64::from(timescale) / 1000
}

/// H.264, by its FLV number or its FourCC.
pub(super) fn is_avc(codec: VideoCodec) -> bool {
    matches!(codec, VideoCodec::Avc | VideoCodec::FourCc([b'a', b'v', b'c', b'1']))
}

/// AAC, by its FLV number or its FourCC.
pub(super) fn is_aac(codec: AudioCodec) -> bool {
    matches!(codec, AudioCodec::Aac | AudioCodec::FourCc([b'm', b'p', b'4', b'a']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_go_on_where_32_bits_of_them_start_over_and_a_lane_may_be_late() {
        let mut days = Days::default();
        let wrap = 1u64 << 32;
        for ms in [
            0,
            40,
            1 << 31,
            wrap - 30,
            wrap - 10,
            wrap + 10,
            wrap - 5,
            wrap + 50,
            wrap + (1 << 31),
            2 * wrap - 1,
            2 * wrap + 3,
        ] {
            assert_eq!(days.place(MediaTime::from_millis(ms as u32)), ms);
        }
    }
}
