//! Two lanes of access units become one run of FLV tags, in the order of decoding.
//!
//! ```text
//!  video  … 40 ─ 80 ─ 120 ─ 160        the smaller head goes first; a lane that has
//!  audio  … 43 ─ 64 ─ (nothing yet)    nothing holds the other back, up to a bound
//! ```
//!
//! Rules, by number in the code:
//! 1. A unit goes out when the other lane has one that is not earlier, or has said that nothing
//!    earlier will come, or has ended.
//! 2. It also goes out when waiting longer would hold more than
//!    [`INTERLEAVE_SKEW`](limits::INTERLEAVE_SKEW) or
//!    [`INTERLEAVE_BYTES`](limits::INTERLEAVE_BYTES): sound that starts late or stops early.
//! 3. A constant *lead* is added to all times: see [`Lead`]. It is fixed when the first unit goes
//!    out.
//! 4. Nanoseconds become milliseconds once per value, rounded down; the composition time is the
//!    difference of the two results.
//! 5. Within a lane a DTS is larger than the one before it. A unit that would break this is moved,
//!    never dropped. It keeps its presentation time. A unit that was not waited for (rule 2) keeps
//!    its own times although the other lane is further on: players sort lanes by their times.
//!    Of a live source it may be [`LIVE_LATE`](limits::LIVE_LATE) earlier than that at most, and
//!    from then on its lane is waited for as long as it was late.
//! 6. A codec's configuration becomes a tag before the next unit of its lane; the first ones of
//!    both lanes go before everything else.

use super::form::Codec;
use super::wire::{Lane, Unit};
use crate::flv::{Tag, TagKind, codec};
use crate::limits;
use crate::time::MediaTime;
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;

const NS_PER_MS: i64 = 1_000_000;

/// What is added to the file's times (rule 3). B-frames and encoder priming begin before zero,
/// MPEG-TS begins somewhere after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lead {
    /// These nanoseconds.
    Given(i64),
    /// Such that the first unit's DTS is zero: the file from its beginning.
    ToZero,
    /// As little as leaves no DTS negative: the file from somewhere else.
    ToPositive,
}

/// Merges two lanes. Push what arrives, pop what is due.
#[derive(Debug)]
pub(super) struct Interleaver {
    lanes: [LaneQueue; 2],
    lead: Lead,
    /// Most that one lane waits for the other (rule 2).
    skew_ns: i64,
    /// It is a live source, whose lanes may come late (rule 5).
    live: bool,
    queued_bytes: usize,
}

#[derive(Debug, Default)]
struct LaneQueue {
    units: VecDeque<Queued>,
    /// A configuration that came after the last queued unit.
    config: Option<Bytes>,
    /// The configuration queued last: an encoder repeats it at every keyframe.
    last_config: Option<Bytes>,
    /// Nothing earlier than this will come (rule 1).
    floor_ns: Option<i64>,
    /// Largest DTS that was pushed (rule 2).
    newest_ns: i64,
    ended: bool,
    /// Timestamp of this lane's last unit (rule 5).
    last_ms: Option<u32>,
    /// The largest DTS that has gone out.
    gone_ns: Option<i64>,
}

#[derive(Debug)]
struct Queued {
    /// Sequence header body to send before it.
    config: Option<Bytes>,
    unit: Unit,
}

impl Interleaver {
    /// Both lanes are expected until [`end_lane`](Self::end_lane).
    pub(super) fn new(lead: Lead) -> Self {
        Self {
            lanes: Default::default(),
            lead,
            skew_ns: ns(limits::INTERLEAVE_SKEW),
            live: false,
            queued_bytes: 0,
        }
    }

    /// As [`new`](Self::new), for a live source: one lane waits for the other no longer than `skew` at first.
    pub(super) fn live(lead: Lead, skew: Duration) -> Self {
        Self { skew_ns: ns(skew), live: true, ..Self::new(lead) }
    }

    /// The lead, once it is known (rule 3).
    pub(super) fn lead_ns(&self) -> Option<i64> {
        match self.lead {
            Lead::Given(ns) => Some(ns),
            _ => self.next_lane().map(|_| self.found_lead()),
        }
    }

    /// A configuration for the units of `codec` that follow. Repetitions are dropped.
    pub(super) fn push_config(&mut self, codec: Codec, data: &[u8]) {
        let body = match codec {
            Codec::H264 => codec::avc_sequence_header(data),
            Codec::Aac => codec::aac_sequence_header(data),
            Codec::Hevc => codec::enhanced_video_sequence_header(codec::HVC1, data),
            Codec::Av1 => codec::enhanced_video_sequence_header(codec::AV01, data),
            Codec::Vp9 => codec::enhanced_video_sequence_header(codec::VP09, data),
            Codec::Opus => codec::enhanced_audio_sequence_header(codec::OPUS, data),
            // These have none.
            Codec::Flv1 | Codec::Mp3 => return,
        };
        let queue = &mut self.lanes[codec.lane() as usize];
        if queue.last_config.as_ref() != Some(&body) {
            queue.last_config = Some(body.clone());
            queue.config = Some(body);
        }
    }

    /// The next unit of its lane.
    pub(super) fn push_unit(&mut self, unit: Unit) {
        self.queued_bytes += unit.body.len();
        let queue = &mut self.lanes[unit.codec.lane() as usize];
        // A first unit may well have the lowest time there is.
        queue.newest_ns = queue.floor_ns.map_or(unit.dts_ns, |_| queue.newest_ns.max(unit.dts_ns));
        queue.raise_floor(unit.dts_ns);
        queue.units.push_back(Queued { config: queue.config.take(), unit });
    }

    /// Nothing earlier than `time_ns` will come in `lane`.
    pub(super) fn push_progress(&mut self, lane: Lane, time_ns: i64) {
        let queue = &mut self.lanes[lane as usize];
        queue.newest_ns = queue.floor_ns.map_or(time_ns, |_| queue.newest_ns.max(time_ns));
        queue.raise_floor(time_ns);
    }

    /// Nothing more will come in `lane`; or nothing at all, when the file does not have it.
    pub(super) fn end_lane(&mut self, lane: Lane) {
        self.lanes[lane as usize].ended = true;
    }

    /// Nothing more will come: everything held goes out.
    pub(super) fn end(&mut self) {
        self.end_lane(Lane::Video);
        self.end_lane(Lane::Audio);
    }

    /// A tag is due.
    pub(super) fn is_ready(&self) -> bool {
        self.next_lane().is_some()
    }

    /// The next tag that is due. Several may be: pop until `None`.
    pub(super) fn pop(&mut self) -> Option<Tag> {
        let lane = self.next_lane()?;
        let lead_ns = self.found_lead();
        self.lead = Lead::Given(lead_ns);
        // Rules 4 and 5.
        let queue = &self.lanes[lane as usize];
        let head = &queue.units.front()?.unit;
        let at_least = queue.last_ms.map_or(0, |ms| ms.saturating_add(1));
        let own_ms = to_ms(head.dts_ns.saturating_add(lead_ns));
        let later_ms = self.earliest_ms(lane).saturating_sub(own_ms);
        let dts_ms = (own_ms + later_ms).max(at_least);
        let pts_ms = to_ms(head.pts_ns.saturating_add(lead_ns)).saturating_add(later_ms);
        // Rule 6. Video first: players that decide by the first tag expect it.
        for other in Lane::BOTH {
            let queue = &mut self.lanes[other as usize];
            if (other == lane || queue.last_ms.is_none())
                && let Some(body) = queue.units.front_mut().and_then(|head| head.config.take())
            {
                return Some(Tag { kind: kind(other), timestamp: MediaTime::from_millis(dts_ms), body });
            }
        }
        let queue = &mut self.lanes[lane as usize];
        let Queued { unit, .. } = queue.units.pop_front()?;
        self.queued_bytes -= unit.body.len();
        queue.last_ms = Some(dts_ms);
        self.wait_for_what_is_late(lane, unit.dts_ns);
        Some(tag(unit, dts_ms, pts_ms))
    }

    /// Rule 5: how early a unit of this lane may be.
    fn earliest_ms(&self, lane: Lane) -> u32 {
        let other = self.lanes[lane.other() as usize].last_ms.filter(|_| self.live);
        other.map_or(0, |ms| ms.saturating_sub(limits::LIVE_LATE.as_millis() as u32))
    }

    /// Rule 5: the other lane went ahead of a unit that came after all.
    fn wait_for_what_is_late(&mut self, lane: Lane, dts_ns: i64) {
        let other = &self.lanes[lane.other() as usize];
        let went_ahead = other.gone_ns.is_some_and(|gone| gone > dts_ns);
        if self.live && went_ahead {
            let late_ns = other.newest_ns.saturating_sub(dts_ns);
            self.skew_ns =
                self.skew_ns.max(late_ns.saturating_add(late_ns / 8).min(ns(limits::LIVE_SKEW_MOST)));
        }
        let gone = &mut self.lanes[lane as usize].gone_ns;
        *gone = (*gone).max(Some(dts_ns));
    }

    /// The lane whose head is due, by rules 1 and 2.
    fn next_lane(&self) -> Option<Lane> {
        let head = |lane: Lane| self.lanes[lane as usize].units.front().map(|queued| queued.unit.dts_ns);
        match (head(Lane::Video), head(Lane::Audio)) {
            (Some(video), Some(audio)) => Some(if video <= audio { Lane::Video } else { Lane::Audio }),
            (Some(video), None) => self.may_pass(Lane::Video, video, Lane::Audio).then_some(Lane::Video),
            (None, Some(audio)) => self.may_pass(Lane::Audio, audio, Lane::Video).then_some(Lane::Audio),
            (None, None) => None,
        }
    }

    fn may_pass(&self, lane: Lane, head_ns: i64, empty: Lane) -> bool {
        let empty = &self.lanes[empty as usize];
        empty.ended
            || empty.floor_ns.is_some_and(|floor| head_ns <= floor)
            || self.lanes[lane as usize].newest_ns.saturating_sub(head_ns) > self.skew_ns
            || self.queued_bytes > limits::INTERLEAVE_BYTES
    }

    /// Rule 3, with the units at hand.
    fn found_lead(&self) -> i64 {
        let heads = self.lanes.iter().filter_map(|queue| queue.units.front());
        let first = heads.map(|queued| queued.unit.dts_ns).min().unwrap_or(0);
        match self.lead {
            Lead::Given(ns) => ns,
            Lead::ToZero => first.saturating_neg(),
            Lead::ToPositive => first.min(0).saturating_neg(),
        }
    }
}

impl LaneQueue {
    fn raise_floor(&mut self, ns: i64) {
        self.floor_ns = Some(self.floor_ns.map_or(ns, |floor| floor.max(ns)));
    }
}

fn kind(lane: Lane) -> TagKind {
    match lane {
        Lane::Video => TagKind::Video,
        Lane::Audio => TagKind::Audio,
    }
}

fn ns(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// Rounded down; what FLV cannot carry is clamped.
fn to_ms(ns: i64) -> u32 {
    u32::try_from(ns.div_euclid(NS_PER_MS).max(0)).unwrap_or(u32::MAX)
}

/// Fills the room before the access unit: no copy.
fn tag(mut unit: Unit, dts_ms: u32, pts_ms: u32) -> Tag {
    let composition = i64::from(pts_ms) - i64::from(dts_ms);
    let composition = composition.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
    let key = unit.keyframe;
    let fill = |body: &mut [u8], header: &[u8]| body[..header.len()].copy_from_slice(header);
    match unit.codec {
        Codec::H264 => fill(&mut unit.body, &codec::avc_frame_header(key, composition)),
        Codec::Hevc => fill(&mut unit.body, &codec::hevc_frame_header(key, composition)),
        Codec::Av1 => fill(&mut unit.body, &codec::enhanced_frame_header(codec::AV01, key)),
        Codec::Vp9 => fill(&mut unit.body, &codec::enhanced_frame_header(codec::VP09, key)),
        Codec::Flv1 => fill(&mut unit.body, &codec::sorenson_frame_header(key)),
        Codec::Aac => fill(&mut unit.body, &codec::aac_frame_header()),
        Codec::Opus => fill(&mut unit.body, &codec::enhanced_audio_frame_header(codec::OPUS)),
        Codec::Mp3 => fill(&mut unit.body, &codec::mp3_frame_header()),
    }
    Tag {
        kind: kind(unit.codec.lane()),
        timestamp: MediaTime::from_millis(dts_ms),
        body: Bytes::from(unit.body),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
