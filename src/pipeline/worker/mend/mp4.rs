//! ISO 14496-12: `moov` ▸ `mvhd`, `trak` ▸ (`edts` ▸ `elst`), `mdia` ▸ (`mdhd`, `minf` ▸ `stbl` ▸ `stsz`).

use super::super::super::streams::Chapter;
use super::{Mend, Patch, Source, take};
use crate::limits;
use std::io;

#[derive(Clone, Copy, Debug)]
struct Box {
    kind: [u8; 4],
    /// Where its content begins and ends.
    content: u64,
    end: u64,
}

/// Walks boxes; counts them, so that a file of empty boxes ends.
struct Walk<'a, S> {
    source: &'a S,
    left: u32,
}

impl<S: Source> Walk<'_, S> {
    fn box_at(&mut self, at: u64, end: u64) -> Option<Box> {
        self.left = self.left.checked_sub(1)?;
        let mut head = [0; 16];
        if end.checked_sub(at)? < 8 {
            return None;
        }
        self.source.read_at(at, &mut head[..8]).ok()?;
        let (size, header) = match u32::from_be_bytes(take(&head, 0)) {
            0 => (end - at, 8),
            1 => {
                self.source.read_at(at, &mut head).ok()?;
                (u64::from_be_bytes(take(&head, 8)), 16)
            }
            size => (size.into(), 8),
        };
        if size < header {
            return None;
        }
        let box_end = at.checked_add(size)?;
        Some(Box { kind: take(&head, 4), content: at + header, end: box_end.min(end) })
    }

    fn children(&mut self, parent: Box) -> Vec<Box> {
        let (mut at, mut found) = (parent.content, Vec::new());
        while let Some(child) = self.box_at(at, parent.end) {
            at = child.end;
            found.push(child);
        }
        found
    }

    fn child(&mut self, parent: Box, kind: &[u8; 4]) -> Option<Box> {
        let mut at = parent.content;
        loop {
            let child = self.box_at(at, parent.end)?;
            if &child.kind == kind {
                return Some(child);
            }
            at = child.end;
        }
    }

    fn read<const N: usize>(&self, at: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.source.read_at(at, &mut bytes)?;
        Ok(bytes)
    }

    fn u32_at(&self, at: u64) -> Option<u32> {
        self.read(at).ok().map(u32::from_be_bytes)
    }

    /// Time scale and duration of a `mvhd` or `mdhd`, which agree so far.
    fn clock(&self, header: Box) -> Option<Clock> {
        let [version, ..] = self.read::<4>(header.content).ok()?;
        let wide = version == 1;
        let at = header.content + if wide { 20 } else { 12 };
        let scale = self.u32_at(at).filter(|&scale| scale > 0)?;
        let units =
            if wide { u64::from_be_bytes(self.read(at + 4).ok()?) } else { self.u32_at(at + 4)?.into() };
        let unknown = if wide { u64::MAX } else { u32::MAX.into() };
        Some(Clock { scale, units: if units == unknown { 0 } else { units }, at: at + 4, wide })
    }
}

#[derive(Clone, Copy, Debug)]
struct Clock {
    scale: u32,
    /// Zero when the file does not say.
    units: u64,
    /// Where the duration is written, in four or eight bytes.
    at: u64,
    wide: bool,
}

impl Clock {
    fn patch(&self, units: u64) -> Option<Patch> {
        let bytes = if self.wide {
            units.to_be_bytes().to_vec()
        } else {
            u32::try_from(units).ok().filter(|&units| units != u32::MAX)?.to_be_bytes().to_vec()
        };
        Some(Patch { offset: self.at, bytes })
    }
}

fn convert(units: u64, from: u64, to: u64) -> Option<u64> {
    u64::try_from(u128::from(units) * u128::from(to) / u128::from(from.max(1))).ok()
}

pub(super) fn find(source: &impl Source) -> Option<Mend> {
    let mut walk = Walk { source, left: limits::MAX_MP4_BOXES };
    let file = Box { kind: *b"file", content: 0, end: source.len() };
    let moov = walk.child(file, b"moov")?;
    let mvhd = walk.child(moov, b"mvhd")?;
    let movie = walk.clock(mvhd)?;
    if let Some(mvex) = walk.child(moov, b"mvex") {
        // The demuxer knows only the fragments it has read.
        let duration_ns = fragmented(&mut walk, file, moov, mvex);
        return Some(Mend { duration_ns, ..Mend::default() });
    }
    if movie.units == 0 {
        return None;
    }
    let mut skipped = 0;
    let mut tracks = Vec::new();
    for trak in walk.children(moov).into_iter().filter(|child| &child.kind == b"trak") {
        let Some(mdia) = walk.child(trak, b"mdia") else { continue };
        let Some(clock) = walk.child(mdia, b"mdhd").and_then(|mdhd| walk.clock(mdhd)) else { continue };
        let media_time = edit_start(&mut walk, trak).unwrap_or(0);
        // Rounded up, and one more for the demuxer's own rounding.
        let units = convert(media_time, clock.scale.into(), movie.scale.into())?;
        skipped = skipped.max(if media_time > 0 { units + 2 } else { 0 });
        tracks.push((clock, samples(&mut walk, mdia).unwrap_or(0)));
    }
    let mut patches = Vec::new();
    let longer = movie.units.checked_add(skipped)?;
    if skipped > 0 {
        patches.push(movie.patch(longer)?);
    }
    for (clock, samples) in tracks {
        let quarter = convert(longer / 4 + 1, movie.scale.into(), clock.scale.into())?;
        // Two pictures at most are a preview indeed, or cover art.
        if samples > 2 && clock.units < quarter && clock.units > 0 {
            patches.extend(clock.patch(quarter));
        }
    }
    let duration_ns = convert(movie.units, movie.scale.into(), 1_000_000_000);
    Some(Mend { patches, duration_ns, ..Mend::default() })
}

/// The names that Nero's `chpl` has for places in the movie: version and flags(4), reserved(4 in version 1), number(1),
/// then each start(8, in 100 ns), length(1), UTF-8.
pub(super) fn chapters(source: &impl Source) -> Option<Vec<Chapter>> {
    let mut walk = Walk { source, left: limits::MAX_MP4_BOXES };
    let file = Box { kind: *b"file", content: 0, end: source.len() };
    let moov = walk.child(file, b"moov")?;
    let udta = walk.child(moov, b"udta")?;
    let chpl = walk.child(udta, b"chpl")?;
    let [version, ..] = walk.read::<4>(chpl.content).ok()?;
    let mut at = chpl.content + if version == 1 { 8 } else { 4 };
    let [count] = walk.read::<1>(at).ok()?;
    at += 1;
    let mut found = Vec::new();
    for _ in 0..count {
        let start = u64::from_be_bytes(walk.read(at).ok()?);
        let [len] = walk.read::<1>(at + 8).ok()?;
        let mut title = vec![0; usize::from(len)];
        if at + 9 + u64::from(len) > chpl.end || source.read_at(at + 9, &mut title).is_err() {
            break;
        }
        at += 9 + u64::from(len);
        let mut title = String::from_utf8_lossy(&title).into_owned();
        title.retain(|character| !character.is_control());
        found.push(Chapter { start_ms: start / 10_000, title });
        if found.len() == limits::MAX_LISTED {
            break;
        }
    }
    Some(found)
}

/// Media time at which the first part of the edit list that shows anything begins.
fn edit_start<S: Source>(walk: &mut Walk<'_, S>, trak: Box) -> Option<u64> {
    let edts = walk.child(trak, b"edts")?;
    let elst = walk.child(edts, b"elst")?;
    let [version, ..] = walk.read::<4>(elst.content).ok()?;
    let entries = walk.u32_at(elst.content + 4)?.min(limits::MAX_MP4_EDITS);
    let (wide, mut at) = (version == 1, elst.content + 8);
    for _ in 0..entries {
        let media_time = if wide {
            i64::from_be_bytes(walk.read(at + 8).ok()?)
        } else {
            i32::from_be_bytes(walk.read(at + 4).ok()?).into()
        };
        if let Ok(media_time) = u64::try_from(media_time) {
            return Some(media_time);
        }
        at += if wide { 20 } else { 12 };
    }
    None
}

fn samples<S: Source>(walk: &mut Walk<'_, S>, mdia: Box) -> Option<u32> {
    let minf = walk.child(mdia, b"minf")?;
    let stbl = walk.child(minf, b"stbl")?;
    let stsz = walk.child(stbl, b"stsz").or_else(|| walk.child(stbl, b"stz2"))?;
    walk.u32_at(stsz.content + 8)
}

/// What a movie in fragments says of a track.
struct Track {
    id: u32,
    scale: u32,
    /// Duration of a sample that does not tell its own (`trex`).
    sample: u32,
}

/// The length of a movie in fragments: where the last ones end.
fn fragmented<S: Source>(walk: &mut Walk<'_, S>, file: Box, moov: Box, mvex: Box) -> Option<u64> {
    let mut tracks = Vec::new();
    for trak in walk.children(moov).into_iter().filter(|child| &child.kind == b"trak") {
        let tkhd = walk.child(trak, b"tkhd")?;
        let [version, ..] = walk.read::<4>(tkhd.content).ok()?;
        let id = walk.u32_at(tkhd.content + if version == 1 { 20 } else { 12 })?;
        let mdia = walk.child(trak, b"mdia")?;
        let mdhd = walk.child(mdia, b"mdhd")?;
        let scale = walk.clock(mdhd)?.scale;
        tracks.push(Track { id, scale, sample: 0 });
    }
    for trex in walk.children(mvex).into_iter().filter(|child| &child.kind == b"trex") {
        let id = walk.u32_at(trex.content + 4)?;
        let sample = walk.u32_at(trex.content + 12)?;
        tracks.iter_mut().filter(|track| track.id == id).for_each(|track| track.sample = sample);
    }
    let mut last = std::collections::VecDeque::new();
    let mut at = moov.end;
    while let Some(top) = walk.box_at(at, file.end) {
        at = top.end;
        if &top.kind == b"moof" {
            last.truncate(LAST_FRAGMENTS - 1);
            last.push_front(top);
        }
    }
    last.into_iter().filter_map(|moof| fragment_end(walk, moof, &tracks)).max()
}

/// Each track may have fragments of its own, so the very last one is not enough.
const LAST_FRAGMENTS: usize = 4;

/// When the last sample of a `moof` ends, in nanoseconds.
fn fragment_end<S: Source>(walk: &mut Walk<'_, S>, moof: Box, tracks: &[Track]) -> Option<u64> {
    let mut end = None;
    for traf in walk.children(moof).into_iter().filter(|child| &child.kind == b"traf") {
        let tfhd = walk.child(traf, b"tfhd")?;
        let flags = walk.u32_at(tfhd.content)?;
        let id = walk.u32_at(tfhd.content + 4)?;
        let track = tracks.iter().find(|track| track.id == id)?;
        // base-data-offset and sample-description-index come before default-sample-duration.
        let before = if flags & 1 != 0 { 8 } else { 0 } + if flags & 2 != 0 { 4 } else { 0 };
        let sample = if flags & 8 != 0 { walk.u32_at(tfhd.content + 8 + before)? } else { track.sample };
        let tfdt = walk.child(traf, b"tfdt")?;
        let [version, ..] = walk.read::<4>(tfdt.content).ok()?;
        let mut units = if version == 1 {
            u64::from_be_bytes(walk.read(tfdt.content + 4).ok()?)
        } else {
            walk.u32_at(tfdt.content + 4)?.into()
        };
        for trun in walk.children(traf).into_iter().filter(|child| &child.kind == b"trun") {
            units = units.checked_add(run_length(walk, trun, sample)?)?;
        }
        end = end.max(convert(units, track.scale.into(), 1_000_000_000));
    }
    end
}

/// Sum of the durations of a `trun`.
fn run_length<S: Source>(walk: &mut Walk<'_, S>, trun: Box, sample: u32) -> Option<u64> {
    let flags = walk.u32_at(trun.content)?;
    let count = walk.u32_at(trun.content + 4)?;
    if flags & 0x100 == 0 {
        return Some(u64::from(count) * u64::from(sample));
    }
    // data-offset and first-sample-flags, then for each sample the fields that the flags name.
    let first = trun.content + 8 + 4 * u64::from((flags & 1).count_ones() + (flags & 4).count_ones());
    let each = 4 * u64::from((flags & 0xf00).count_ones());
    let count = count.min(limits::MAX_FRAGMENT_SAMPLES);
    let mut table = vec![0; usize::try_from(each * u64::from(count)).ok()?];
    if first + table.len() as u64 > trun.end {
        return None;
    }
    walk.source.read_at(first, &mut table).ok()?;
    let durations = table.chunks_exact(usize::try_from(each).ok()?);
    Some(durations.map(|fields| u64::from(u32::from_be_bytes(take(fields, 0)))).sum())
}
