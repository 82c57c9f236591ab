//! The last segments of a live stream: those that its playlist lists, and a few before for players that read the
//! playlist a moment ago. Memory is bounded, whatever is published.

use super::playlist::rounded;
use crate::limits::{HLS_LIVE_BYTES, HLS_LIVE_KEPT, HLS_LIVE_LISTED, HLS_LIVE_SEGMENT, HLS_PART, HLS_PARTED};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;

/// Part of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its bytes.
    pub bytes: Bytes,
    /// How long it lasts, in milliseconds.
    pub ms: u32,
    /// It begins with a keyframe.
    pub independent: bool,
}

/// A segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its media sequence number.
    pub number: u64,
    /// The init segment that it needs.
    pub init: u32,
    /// It does not go on where the one before ends.
    pub discontinuity: bool,
    /// Discontinuities of segments before it.
    discontinuities: u64,
    /// Its parts, in order.
    pub parts: Vec<Part>,
    /// No more parts come.
    pub complete: bool,
    /// All of it, once it is complete.
    whole: Bytes,
}

impl Segment {
    /// How long it lasts by now, in milliseconds.
    pub fn ms(&self) -> u32 {
        self.parts.iter().map(|part| part.ms).sum()
    }

    fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.bytes.len()).sum()
    }
}

/// A live stream's segments.
#[derive(Debug, Default)]
pub struct Window {
    /// Tells its addresses from those of an earlier run.
    session: String,
    /// Number of the first segment.
    first: u64,
    segments: VecDeque<Segment>,
    next: u64,
    /// Init segments that segments here need; their numbers grow.
    inits: VecDeque<(u32, Bytes)>,
    /// `EXT-X-TARGETDURATION`, in seconds. It must never change.
    target: Option<u32>,
    /// Discontinuities up to the newest segment.
    discontinuities: u64,
    /// The next segment will be a discontinuity.
    interrupted: bool,
    over: bool,
}

impl Window {
    /// An empty one, whose segments are numbered from `first` on. `session` is part of their addresses.
    pub fn new(first: u64, session: String) -> Self {
        Self { session, first, next: first, ..Self::default() }
    }

    /// What is part of its addresses.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// Segments from here on need this init segment.
    pub fn set_init(&mut self, init: Bytes) {
        let number = self.inits.back().map_or(0, |(number, _)| number + 1);
        self.inits.push_back((number, init));
    }

    /// The next segment does not go on where the last one ended.
    pub fn interrupt(&mut self) {
        self.interrupted = self.next > self.first;
    }

    /// Adds a part to the segment that is being made, beginning one if there is none.
    pub fn add_part(&mut self, part: Part) {
        if self.segments.back().is_none_or(|last| last.complete) {
            let discontinuity = std::mem::take(&mut self.interrupted);
            self.segments.push_back(Segment {
                number: self.next,
                init: self.inits.back().map_or(0, |(number, _)| *number),
                discontinuity,
                discontinuities: self.discontinuities,
                parts: Vec::new(),
                complete: false,
                whole: Bytes::new(),
            });
            self.next += 1;
            self.discontinuities += u64::from(discontinuity);
        }
        if let Some(last) = self.segments.back_mut() {
            last.parts.push(part);
        }
    }

    /// The segment that is being made is complete.
    pub fn complete(&mut self) {
        let Some(last) = self.segments.back_mut().filter(|last| !last.complete) else { return };
        last.complete = true;
        // Parts share the memory of the whole.
        let mut whole = BytesMut::with_capacity(last.bytes());
        last.parts.iter().for_each(|part| whole.extend_from_slice(&part.bytes));
        last.whole = whole.freeze();
        let mut at = 0;
        for part in &mut last.parts {
            let end = at + part.bytes.len();
            part.bytes = last.whole.slice(at..end);
            at = end;
        }
        let ms = last.ms();
        self.target.get_or_insert(rounded(ms).max(HLS_LIVE_SEGMENT.as_secs() as u32));
        self.prune();
    }

    fn prune(&mut self) {
        let bytes = |segments: &VecDeque<Segment>| segments.iter().map(Segment::bytes).sum::<usize>();
        while self.segments.len() > HLS_LIVE_KEPT
            || (self.segments.len() > 1 && bytes(&self.segments) > HLS_LIVE_BYTES)
        {
            self.segments.pop_front();
        }
        let needed = self.segments.front().map_or(0, |first| first.init);
        self.inits.retain(|(number, _)| *number >= needed);
    }

    /// Nothing will follow.
    pub fn end(&mut self) {
        self.complete();
        self.over = true;
    }

    /// Nothing will follow.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// There is something to be listed.
    pub fn has_begun(&self) -> bool {
        self.target.is_some()
    }

    /// The longest that a segment may be, in milliseconds; none has been complete when there is none.
    pub fn longest_ms(&self) -> Option<u32> {
        // What rounds to the target.
        self.target.map(|target| target * 1000 + 499)
    }

    pub(super) fn target_seconds(&self) -> u32 {
        self.target.unwrap_or(1)
    }

    pub(super) fn part_target_ms(&self) -> u32 {
        u32::try_from(HLS_PART.as_millis()).unwrap_or(u32::MAX)
    }

    fn complete_ones(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(|segment| segment.complete)
    }

    pub(super) fn first_listed(&self) -> u64 {
        let skip = self.complete_ones().count().saturating_sub(HLS_LIVE_LISTED);
        self.segments.get(skip).map_or(self.next, |segment| segment.number)
    }

    pub(super) fn discontinuities(&self) -> u64 {
        let first = self.first_listed();
        self.segments
            .iter()
            .find(|segment| segment.number == first)
            .map_or(0, |segment| segment.discontinuities)
    }

    pub(super) fn listed(&self) -> impl Iterator<Item = &Segment> {
        let (first, parts) = (self.first_listed(), self.parts_may_be_listed());
        self.segments.iter().filter(move |segment| segment.number >= first && (segment.complete || parts))
    }

    pub(super) fn lists_parts_of(&self, number: u64) -> bool {
        number + HLS_PARTED as u64 >= self.next
    }

    /// A picture that stands still for long makes a part longer than parts may be. Players without low latency
    /// need none.
    pub(super) fn parts_may_be_listed(&self) -> bool {
        let longest = self.part_target_ms();
        self.segments.iter().flat_map(|segment| &segment.parts).all(|part| part.ms <= longest)
    }

    /// The part that comes next: of which segment, and which one.
    pub(super) fn next_part(&self) -> (u64, usize) {
        match self.segments.back().filter(|last| !last.complete) {
            Some(last) => (last.number, last.parts.len()),
            None => (self.next, 0),
        }
    }

    /// Whether a player that asks for the playlist with this segment (and part) in it can have it.
    pub fn has(&self, segment: u64, part: Option<usize>) -> bool {
        let (number, parts) = self.next_part();
        number > segment || (number == segment && part.is_some_and(|part| part < parts))
    }

    /// Nobody who has read the playlist would ask for this segment yet (RFC 8216bis, 6.2.5.2).
    pub fn is_too_far(&self, segment: u64) -> bool {
        segment > self.next_part().0 + 1
    }

    /// A segment that is complete.
    pub fn segment(&self, number: u64) -> Option<Bytes> {
        self.find(number).filter(|segment| segment.complete).map(|segment| segment.whole.clone())
    }

    /// A part.
    pub fn part(&self, segment: u64, part: usize) -> Option<Bytes> {
        self.find(segment)?.parts.get(part).map(|part| part.bytes.clone())
    }

    /// The part is the next one, which is announced.
    pub fn is_hinted(&self, segment: u64, part: usize) -> bool {
        !self.over && self.next_part() == (segment, part)
    }

    fn find(&self, number: u64) -> Option<&Segment> {
        let first = self.segments.front()?.number;
        self.segments.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// An init segment.
    pub fn init(&self, number: u32) -> Option<Bytes> {
        self.inits.iter().find(|(known, _)| *known == number).map(|(_, bytes)| bytes.clone())
    }

    /// Bits a second of the largest segment there is.
    pub fn bandwidth(&self) -> u64 {
        let rate = |segment: &Segment| segment.bytes() as u64 * 8000 / u64::from(segment.ms().max(1));
        self.complete_ones().map(rate).max().unwrap_or(0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn part(ms: u32, independent: bool) -> Part {
        Part { bytes: Bytes::from(vec![ms as u8; 10]), ms, independent }
    }

    /// A segment of four parts.
    fn add(window: &mut Window) {
        for n in 0..4 {
            window.add_part(part(500, n == 0));
        }
        window.complete();
    }

    fn numbers(playlist: &str, tag: &str) -> Vec<u64> {
        playlist.lines().filter_map(|line| line.strip_prefix(tag)?.parse().ok()).collect()
    }

    #[test]
    fn the_window_slides_and_its_numbers_go_on() {
        let mut window = Window::default();
        window.set_init(Bytes::from_static(b"init"));
        let mut last = 0;
        for n in 0..40u64 {
            add(&mut window);
            let playlist = window.render("");
            let first = numbers(&playlist, "#EXT-X-MEDIA-SEQUENCE:")[0];
            assert!(first == last || first == last + 1, "{first} after {last}");
            last = first;
            assert_eq!(playlist.matches("#EXTINF").count() as u64, (n + 1).min(HLS_LIVE_LISTED as u64));
            assert!(window.segment(n).is_some() && window.segment(n + 1).is_none());
            // What was listed last time is still there.
            assert!(window.segment(first.saturating_sub(1)).is_some());
        }
        assert!(window.segment(0).is_none());
        assert_eq!(window.init(0).unwrap(), "init");
    }

    #[test]
    fn a_new_init_segment_is_told_and_discontinuities_are_counted_when_they_leave() {
        let mut window = Window::default();
        window.set_init(Bytes::from_static(b"0"));
        add(&mut window);
        window.interrupt();
        window.set_init(Bytes::from_static(b"1"));
        add(&mut window);
        let playlist = window.render("");
        assert!(playlist.contains("#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init-1.mp4\"\n"), "{playlist}");
        assert!(!playlist.contains("DISCONTINUITY-SEQUENCE"));
        for _ in 0..HLS_LIVE_LISTED {
            add(&mut window);
        }
        let playlist = window.render("");
        assert_eq!(numbers(&playlist, "#EXT-X-DISCONTINUITY-SEQUENCE:"), [1]);
        assert!(
            playlist.contains("#EXT-X-MAP:URI=\"init-1.mp4\"\n")
                && !playlist.contains("#EXT-X-DISCONTINUITY\n")
        );
        for _ in 0..HLS_LIVE_KEPT {
            add(&mut window);
        }
        assert_eq!(window.init(0), None);
    }

    #[test]
    fn parts_are_listed_near_the_edge_and_the_next_one_is_announced() {
        let mut window = Window::default();
        window.set_init(Bytes::new());
        for _ in 0..5 {
            add(&mut window);
        }
        window.add_part(part(480, true));
        let playlist = window.render("");
        assert!(
            playlist.contains("#EXT-X-PART:DURATION=0.480,URI=\"part-5.0.m4s\",INDEPENDENT=YES\n"),
            "{playlist}"
        );
        assert!(playlist.ends_with("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part-5.1.m4s\"\n"), "{playlist}");
        assert!(!playlist.contains("part-1."), "{playlist}");
        assert!(
            window.has(4, None) && window.has(5, Some(0)) && !window.has(5, Some(1)) && !window.has(5, None)
        );
        assert!(window.is_hinted(5, 1) && window.is_too_far(7) && !window.is_too_far(6));
        window.add_part(part(900, false));
        assert!(!window.render("").contains("PART"), "a part is longer than parts may be");
    }

    #[test]
    fn memory_is_bounded_and_the_end_is_told() {
        let mut window = Window::default();
        let large = Part { bytes: Bytes::from(vec![0; HLS_LIVE_BYTES / 3]), ms: 2000, independent: true };
        for _ in 0..5 {
            window.add_part(large.clone());
            window.complete();
        }
        assert!(window.segments.iter().map(Segment::bytes).sum::<usize>() <= HLS_LIVE_BYTES);
        window.add_part(part(100, true));
        window.end();
        assert!(window.render("").ends_with("#EXT-X-ENDLIST\n"));
    }
}
