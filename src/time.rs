//! Times on a media timeline. Wall-clock time never appears here: it is passed in as `Instant`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A point on a media timeline: milliseconds since the start of the media.
///
/// FLV and RTMP carry 32 bits of milliseconds (FLV spec E.4.1: 24 + 8 bits), enough for 49 days;
/// a recorded reel never comes near it, so this type does not wrap: arithmetic saturates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaTime(u32);

impl MediaTime {
    /// The start of the media.
    pub const ZERO: Self = Self(0);
    /// The last time that FLV can carry.
    pub const MAX: Self = Self(u32::MAX);

    /// From whole milliseconds.
    pub const fn from_millis(ms: u32) -> Self {
        Self(ms)
    }

    /// From seconds as JSON, AMF and query strings carry them. Negative and NaN become zero, too
    /// large becomes [`MediaTime::MAX`]: such values come from clients and only ever mean a
    /// position to clamp.
    pub fn from_secs_f64_clamped(seconds: f64) -> Self {
        Self::from_millis_f64_clamped(seconds * 1000.0)
    }

    /// From milliseconds as AMF numbers carry them, clamped like
    /// [`from_secs_f64_clamped`](Self::from_secs_f64_clamped).
    pub fn from_millis_f64_clamped(ms: f64) -> Self {
        // `as` saturates and maps NaN to 0.
        Self(ms as u32)
    }

    /// From nanoseconds (GStreamer's unit), rounded down, saturating.
    pub fn from_nanos(ns: u64) -> Self {
        Self(u32::try_from(ns / 1_000_000).unwrap_or(u32::MAX))
    }

    /// Whole milliseconds.
    pub const fn as_millis(self) -> u32 {
        self.0
    }

    /// Seconds, for JSON and AMF.
    pub fn as_secs_f64(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// `self + ms`, stopping at [`MediaTime::MAX`].
    pub const fn saturating_add_millis(self, ms: u32) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to `self`; zero when `earlier` is later.
    pub const fn saturating_millis_since(self, earlier: Self) -> u32 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Debug for MediaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0 / 1000, self.0 % 1000)
    }
}

impl fmt::Display for MediaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_from_clients_are_clamped_not_wrapped() {
        assert_eq!(MediaTime::from_secs_f64_clamped(-2.0), MediaTime::ZERO);
        assert_eq!(MediaTime::from_secs_f64_clamped(f64::NAN), MediaTime::ZERO);
        assert_eq!(MediaTime::from_secs_f64_clamped(1e12), MediaTime::MAX);
        assert_eq!(MediaTime::from_secs_f64_clamped(1.5).as_millis(), 1500);
        assert_eq!(MediaTime::from_nanos(u64::MAX), MediaTime::MAX);
        assert_eq!(MediaTime::from_nanos(1_999_999).as_millis(), 1);
    }
}
