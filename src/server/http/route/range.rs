//! `Range` headers.

use crate::flv::VIRTUAL_POSITION_BASE;
use crate::time::MediaTime;

/// The bytes that a `Range` header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum ByteRange {
    /// From here to the end or to the second position, inclusive.
    From(u64, Option<u64>),
    /// So many at the end.
    Last(u64),
    /// The time that a virtual position of ours stands for.
    Virtual(MediaTime),
}

impl ByteRange {
    /// Reads `bytes=…`. Several ranges and other units are ignored, as RFC 9110 14.2 allows.
    pub(in super::super) fn parse(header: &str) -> Option<Self> {
        let (first, last) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
        let (first, last) = (first.trim(), last.trim());
        if first.is_empty() {
            return Some(Self::Last(last.parse().ok()?));
        }
        let first: u64 = first.parse().ok()?;
        if let Some(ms) = first.checked_sub(VIRTUAL_POSITION_BASE) {
            return Some(Self::Virtual(MediaTime::from_millis(u32::try_from(ms).unwrap_or(u32::MAX))));
        }
        let last = if last.is_empty() { None } else { Some(last.parse().ok()?) };
        if last.is_some_and(|last| last < first) {
            return None;
        }
        Some(Self::From(first, last))
    }

    /// The half-open range within `len` bytes; `None` when there are no such bytes.
    pub(in super::super) fn within(self, len: u64) -> Option<std::ops::Range<u64>> {
        let range = match self {
            Self::From(first, last) => first..last.map_or(len, |last| last.saturating_add(1)).min(len),
            Self::Last(count) => len.saturating_sub(count)..len,
            Self::Virtual(_) => return None,
        };
        (!range.is_empty()).then_some(range)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_cut_to_what_there_is() {
        for (header, len, expected) in [
            ("bytes=0-", 10, Some(0..10)),
            ("bytes=3-5", 10, Some(3..6)),
            ("bytes=3-500", 10, Some(3..10)),
            ("bytes=-4", 10, Some(6..10)),
            ("bytes=-40", 10, Some(0..10)),
            ("bytes=10-", 10, None),
            ("bytes=-0", 10, None),
        ] {
            assert_eq!(ByteRange::parse(header).unwrap().within(len), expected, "{header}");
        }
        for ignored in ["bytes=5-3", "items=0-1", "bytes=a-", "bytes=0-1,3-4", "bytes"] {
            assert_eq!(ByteRange::parse(ignored), None, "{ignored}");
        }
        let at = VIRTUAL_POSITION_BASE + 44_000;
        assert_eq!(
            ByteRange::parse(&format!("bytes={at}-")),
            Some(ByteRange::Virtual(MediaTime::from_millis(44_000)))
        );
    }
}
