//! A complete reel taken apart, to be put together again after the next start.

use super::index::{Codecs, HeaderChange, SeekPoint};
use super::plan::Start;
use super::ranges::{Fate, Opening, RangeId, Ranges};
use super::{Phase, Reel, Seeks};
use crate::flv::Tag;
use crate::time::MediaTime;
use std::fs::File;
use std::sync::Arc;
use std::time::Instant;

/// All that a complete reel is made of.
#[derive(Debug, Clone)]
pub struct Archive<D = Arc<File>> {
    /// What it carries.
    pub codecs: Codecs,
    /// The length that its source says it has.
    pub duration: Option<MediaTime>,
    /// Width and height in pixels.
    pub picture_size: Option<(u32, u32)>,
    /// Its parts from the first to the last.
    pub parts: Vec<Part<D>>,
}

/// One range of it.
#[derive(Debug, Clone)]
pub struct Part<D = Arc<File>> {
    /// Where its bytes are.
    pub data: D,
    /// They end here.
    pub len: u64,
    /// The time that follows its last frame, or the next part's first.
    pub available: MediaTime,
    /// Its pictures are encoded: keyframes are where any conversion would have them.
    pub grid: bool,
    /// Where a viewer can start.
    pub points: Vec<(MediaTime, u64)>,
    /// Sequence headers, and where they begin to hold.
    pub headers: Vec<(u64, Tag)>,
    /// Where the next part goes on. `None`: this is the last.
    pub next: Option<u64>,
}

impl Reel {
    /// What this reel is made of, once it is complete.
    pub fn archive(&self) -> Option<Archive> {
        if self.progress().phase != Phase::Complete {
            return None;
        }
        let state = self.state();
        let chain = state.ranges.whole()?;
        let parts = chain.into_iter().map(|(range, _)| Part {
            data: range.data.clone(),
            len: range.end_offset,
            available: range.available,
            grid: range.opening.grid,
            points: range.points.iter().map(|point| (point.time, point.offset)).collect(),
            headers: range.headers.iter().map(|header| (header.offset, header.tag.clone())).collect(),
            next: match range.fate {
                Fate::Joined { offset, .. } => Some(offset),
                _ => None,
            },
        });
        Some(Archive {
            codecs: state.codecs?,
            duration: state.duration,
            picture_size: state.picture_size,
            parts: parts.collect(),
        })
    }

    /// A complete reel of these parts. `None` when they are none, or do not hang together.
    pub fn of_archive(archive: Archive, seeks: Arc<Seeks>) -> Option<Self> {
        let reel = Self::without_ranges(seeks);
        {
            let mut state = reel.state();
            state.duration = archive.duration;
            state.picture_size = archive.picture_size;
            state.ranges = ranges(archive.parts)?;
            state.ranges.whole()?;
            reel.tell(&state);
        }
        reel.start(archive.codecs);
        (reel.progress().phase == Phase::Complete).then_some(reel)
    }
}

fn ranges(parts: Vec<Part>) -> Option<Ranges<Arc<File>>> {
    let mut ranges = Ranges::default();
    let count = parts.len();
    for (at, part) in parts.into_iter().enumerate() {
        let first = part.points.first()?.0;
        let aim = if at == 0 { MediaTime::ZERO } else { first };
        let id = ranges.begin(part.data, Start { aim, ..Start::default() }, MediaTime::MAX, Instant::now());
        let last = at + 1 == count;
        let fate = match part.next {
            None if last => Fate::Ended,
            Some(offset) if !last => Fate::Joined { next: RangeId::after(id), offset },
            _ => return None,
        };
        let range = ranges.get_mut(id)?;
        range.opening = Opening { video: true, sound: true, grid: part.grid };
        range.points =
            part.points.into_iter().map(|(time, offset)| SeekPoint { time, offset, range: id }).collect();
        range.headers = part.headers.into_iter().map(|(offset, tag)| HeaderChange { offset, tag }).collect();
        (range.end_offset, range.available, range.clean_end) = (part.len, part.available, true);
        range.fate = fate;
    }
    Some(ranges)
}
