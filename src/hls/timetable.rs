//! When a film's segments are planned to begin, and where they then do.
//!
//! ```text
//!  plan        0 ───────── t1 ───────── t2 ───────── t3
//!  keyframes   K      K    |K   K   K   K| K         |     (none)
//!  segments    └───────────▲└───────────▲└───────────▲ a picture that is none
//! ```
//!
//! Segment *n* begins at the last keyframe at or before its planned start, or a little
//! ([`HLS_LATE_KEYFRAME`]) behind; where there is none since the start of the one before, with the first picture
//! at or behind it. That takes nothing but the frames around it, so a segment can be made when nothing else of the
//! film is known, and its neighbours agree.

use crate::limits::{HLS_BLIND, HLS_GRID, HLS_KNOWN, HLS_LATE_KEYFRAME, HLS_SOUND, MAX_HLS_SEGMENTS};
use crate::time::MediaTime;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How segments are planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Pictures are encoded, with keyframes at even seconds.
    Grid,
    /// Pictures pass, and where their keyframes are is not known before they do.
    Blind,
    /// Sound alone: every frame is a beginning.
    Sound,
    /// The keyframes are known: of a FLV file that was indexed, or a recording as far as it goes.
    Known,
}

impl Rule {
    const ALL: [Self; 4] = [Self::Grid, Self::Blind, Self::Sound, Self::Known];

    /// As it stands in addresses.
    const fn letter(self) -> char {
        match self {
            Self::Grid => 'g',
            Self::Blind => 'b',
            Self::Sound => 's',
            Self::Known => 'k',
        }
    }

    /// Every segment begins with a keyframe, whatever the film is.
    pub const fn begins_with_keyframes(self) -> bool {
        !matches!(self, Self::Blind)
    }

    /// How late a keyframe may be that begins a segment.
    pub const fn late(self) -> Duration {
        match self {
            Self::Grid | Self::Blind => HLS_LATE_KEYFRAME,
            Self::Sound | Self::Known => Duration::ZERO,
        }
    }

    const fn length(self) -> Duration {
        match self {
            Self::Grid => HLS_GRID,
            Self::Blind => HLS_BLIND,
            Self::Sound => HLS_SOUND,
            Self::Known => HLS_KNOWN,
        }
    }
}

/// Planned times of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Where the one before begins; `None` of the first.
    pub before: Option<MediaTime>,
    /// Where it begins.
    pub start: MediaTime,
    /// Where the next one begins; `None` of the last.
    pub next: Option<MediaTime>,
}

/// The plan of all segments of a film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timetable {
    rule: Rule,
    end: MediaTime,
    /// Of [`Rule::Known`] alone: where segments begin.
    starts: Vec<MediaTime>,
}

impl Timetable {
    /// For a film of this length; by a rule that needs to know nothing more.
    pub fn planned(rule: Rule, end: MediaTime) -> Self {
        debug_assert!(rule != Rule::Known, "a rule for keyframes that are known needs the keyframes");
        Self { rule, end, starts: Vec::new() }
    }

    /// For a film with these keyframes, and other places where a segment has to begin because the codec's
    /// configuration changes. What was planned once stays when more of the film becomes known.
    pub fn known(
        keyframes: impl IntoIterator<Item = MediaTime>,
        changes: &[MediaTime],
        end: MediaTime,
    ) -> Self {
        let least = ms(Rule::Known.length());
        let mut starts = vec![MediaTime::ZERO];
        for keyframe in keyframes {
            let last = starts.last().copied().unwrap_or_default();
            let changed = changes.iter().any(|change| last < *change && *change <= keyframe);
            let far = keyframe.saturating_millis_since(last) >= least;
            if keyframe > last && (far || changed) && starts.len() < MAX_HLS_SEGMENTS as usize {
                starts.push(keyframe);
            }
        }
        Self { rule: Rule::Known, end, starts }
    }

    /// By which rule it was made.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// Where the film ends, as far as it is known.
    pub fn end(&self) -> MediaTime {
        self.end
    }

    /// How many segments there are: at least one.
    pub fn count(&self) -> u32 {
        if self.rule == Rule::Known {
            return self.starts.len() as u32;
        }
        let step = self.step();
        let whole = self.end.as_millis().div_ceil(step).max(1);
        // The grid's first two are half as long.
        whole + u32::from(self.rule == Rule::Grid && self.end.as_millis() > step / 2)
    }

    /// Milliseconds between planned starts.
    fn step(&self) -> u32 {
        let least = ms(self.rule.length());
        // A multiple, so that a long film's keyframes are met as well.
        let times = self.end.as_millis().div_ceil(least.saturating_mul(MAX_HLS_SEGMENTS - 1)).max(1);
        least.saturating_mul(times)
    }

    fn start(&self, n: u32) -> Option<MediaTime> {
        if n >= self.count() {
            return None;
        }
        let step = self.step();
        Some(match self.rule {
            Rule::Known => return self.starts.get(n as usize).copied(),
            // Short ones at the beginning: whoever waits for a film waits for its first segment.
            Rule::Grid if n < 2 => MediaTime::from_millis(n * (step / 2)),
            Rule::Grid => MediaTime::from_millis((n - 1).saturating_mul(step)),
            Rule::Blind | Rule::Sound => MediaTime::from_millis(n.saturating_mul(step)),
        })
    }

    /// The planned times of segment `n`.
    pub fn cell(&self, n: u32) -> Option<Cell> {
        let before = n.checked_sub(1).and_then(|before| self.start(before));
        Some(Cell { before, start: self.start(n)?, next: self.start(n + 1) })
    }

    /// Planned lengths of all segments, in milliseconds, which together are the film's.
    pub fn lengths(&self) -> impl Iterator<Item = u32> {
        (0..self.count()).filter_map(|n| {
            let cell = self.cell(n)?;
            Some(cell.next.unwrap_or(self.end).saturating_millis_since(cell.start))
        })
    }

    /// The segment that a time is in.
    pub fn at(&self, time: MediaTime) -> u32 {
        let (mut low, mut high) = (0, self.count());
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            if self.start(middle).is_some_and(|start| start <= time) { low = middle } else { high = middle }
        }
        low
    }
}

/// What the addresses of a film's segments say of them, so that the same address is the same segment however much
/// more is known of the film by now: the plan, and the file and init segment that it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The plan's rule.
    pub rule: Rule,
    /// The film's length in that plan.
    pub end: MediaTime,
    /// Which file.
    pub file: u32,
    /// Which init segment.
    pub init: u32,
}

/// A version that no playlist of ours has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("v= is not as the playlist has it; load index.m3u8 anew and use its addresses")]
pub struct WrongVersion;

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, end, file, init } = self;
        write!(f, "{}.{:x}.{file:08x}.{init:08x}", rule.letter(), end.as_millis())
    }
}

impl FromStr for Version {
    type Err = WrongVersion;

    fn from_str(text: &str) -> Result<Self, WrongVersion> {
        let mut parts = text.split('.');
        let mut part = || parts.next().ok_or(WrongVersion);
        let letter = part()?;
        let hex = |text: &str| u32::from_str_radix(text, 16).map_err(|_| WrongVersion);
        let rule =
            Rule::ALL.into_iter().find(|rule| letter == rule.letter().to_string()).ok_or(WrongVersion)?;
        let version = Self {
            rule,
            end: MediaTime::from_millis(hex(part()?)?),
            file: hex(part()?)?,
            init: hex(part()?)?,
        };
        // One spelling for one version, or caches keep a segment many times over.
        if version.to_string() == text { Ok(version) } else { Err(WrongVersion) }
    }
}

fn ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: u32) -> MediaTime {
        MediaTime::from_millis(ms)
    }

    #[test]
    fn an_encoded_film_begins_with_short_segments_on_its_grid() {
        let lengths = |end| Timetable::planned(Rule::Grid, at(end)).lengths().collect::<Vec<_>>();
        assert_eq!(lengths(11_000), [2000, 2000, 4000, 3000]);
        assert_eq!(lengths(4000), [2000, 2000]);
        assert_eq!(lengths(4001), [2000, 2000, 1]);
        assert_eq!(lengths(1500), [1500]);
        assert_eq!(lengths(0), [0]);
    }

    #[test]
    fn known_keyframes_are_joined_into_segments_and_a_change_begins_one() {
        let keyframes = [0, 2000, 4000, 6000, 8000, 10_000, 19_000].map(at);
        let plan = Timetable::known(keyframes, &[], at(20_000));
        assert_eq!(plan.lengths().collect::<Vec<_>>(), [6000, 13_000, 1000]);
        let changed = Timetable::known(keyframes, &[at(7500)], at(20_000));
        assert_eq!(changed.lengths().collect::<Vec<_>>(), [6000, 2000, 11_000, 1000]);
        // … and a film that grows keeps what was planned.
        let grown = Timetable::known(keyframes.into_iter().take(5), &[], at(8500));
        assert_eq!(grown.lengths().collect::<Vec<_>>(), [6000, 2500]);
    }

    #[test]
    fn a_version_is_read_as_it_was_written_and_in_no_other_way() {
        let version = Version { rule: Rule::Grid, end: at(5_412_300), file: 0x1f2e, init: 7 };
        assert_eq!(version.to_string(), "g.5295cc.00001f2e.00000007");
        assert_eq!(version.to_string().parse(), Ok(version));
        for wrong in [
            "",
            "g",
            "g.1.2",
            "x.1.00000002.00000003",
            "g.1.2.3",
            "g.1.00000002.00000003.4",
            "g.+1.00000002.00000003",
        ] {
            assert_eq!(wrong.parse::<Version>(), Err(WrongVersion), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn segments_tile_the_film(end in 0u32.., rule in 0usize..3, time in 0u32..) {
            let plan = Timetable::planned(Rule::ALL[rule], at(end));
            prop_assert!(plan.count() <= MAX_HLS_SEGMENTS);
            let mut next = 0u64;
            for n in [0, 1, 2, plan.count() / 2, plan.count() - 1] {
                if let Some(cell) = plan.cell(n) {
                    prop_assert!(cell.before < Some(cell.start) && cell.next.is_none_or(|next| next > cell.start));
                    prop_assert!(cell.start <= at(end));
                    prop_assert_eq!(cell.next.is_none(), n + 1 == plan.count());
                }
            }
            for length in plan.lengths() {
                next += u64::from(length);
            }
            prop_assert_eq!(next, u64::from(end));
            let cell = plan.cell(plan.at(at(time))).unwrap();
            prop_assert!(cell.start <= at(time) && cell.next.is_none_or(|next| next > at(time)));
        }
    }
}
