//! Fragments: `moof` and the header of `mdat`. The samples follow as they are.

use super::boxes::BoxWriter;
use bytes::Bytes;

/// Sample flags: depends on no other, a decoder can start here (ISO 14496-12, 8.8.3.1).
pub(super) const SYNC_SAMPLE: u32 = 0x0200_0000;
/// Sample flags: depends on others, no sync sample.
pub(super) const NON_SYNC_SAMPLE: u32 = 0x0101_0000;

/// `tfhd`: data offsets count from the `moof`, so fragments need not know where they are.
const DEFAULT_BASE_IS_MOOF: u32 = 0x02_0000;

const DATA_OFFSET: u32 = 0x001;
const SAMPLE_DURATION: u32 = 0x100;
const SAMPLE_SIZE: u32 = 0x200;
const SAMPLE_FLAGS: u32 = 0x400;
const SAMPLE_COMPOSITION: u32 = 0x800;

/// A sample as a fragment's head tells of it. Times are in ticks of its track.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) dts: u64,
    pub(super) duration: u32,
    /// PTS − DTS.
    pub(super) composition: i32,
    /// A decoder can start here.
    pub(super) sync: bool,
    /// Bytes.
    pub(super) size: u32,
}

/// One track's part of a fragment.
pub(super) struct Run<'a> {
    pub(super) track: u32,
    /// At least one.
    pub(super) samples: &'a [Entry],
    /// Whether the samples differ in flags and composition; sound has neither.
    pub(super) video: bool,
}

/// Builds `moof` and the header of the `mdat` that holds the samples of all runs, run after run.
pub(super) fn header(sequence: u32, runs: &[Run<'_>]) -> Bytes {
    let mut out = BoxWriter::default();
    let mut offsets = Vec::with_capacity(runs.len());
    out.plain(b"moof", |out| {
        out.full(b"mfhd", 0, 0, |out| out.u32(sequence));
        for run in runs {
            offsets.push(track_fragment(out, run));
        }
    });
    // Data begins behind the mdat header; each run is one piece of it.
    let mut position = out.len() + 8;
    for (offset, run) in offsets.into_iter().zip(runs) {
        // A fragment is a few megabytes at most (FMP4_FRAGMENT_BYTES and one more sample).
        out.patch(offset, position as u32);
        position += run.samples.iter().map(|sample| sample.size as usize).sum::<usize>();
    }
    let mdat = position - out.len();
    out.u32(mdat as u32);
    out.bytes(b"mdat");
    out.finish()
}

/// Writes a `traf` and returns where its data offset is to be filled in.
fn track_fragment(out: &mut BoxWriter, run: &Run<'_>) -> usize {
    let mut offset = 0;
    out.plain(b"traf", |out| {
        out.full(b"tfhd", 0, DEFAULT_BASE_IS_MOOF, |out| out.u32(run.track));
        let start = run.samples.first().map_or(0, |sample| sample.dts);
        out.full(b"tfdt", 1, 0, |out| out.u64(start));
        let mut flags = DATA_OFFSET | SAMPLE_DURATION | SAMPLE_SIZE;
        if run.video {
            flags |= SAMPLE_FLAGS | SAMPLE_COMPOSITION;
        }
        // Version 1: composition offsets are signed.
        out.full(b"trun", 1, flags, |out| {
            out.u32(run.samples.len() as u32);
            offset = out.len();
            out.u32(0);
            for sample in run.samples {
                out.u32(sample.duration);
                out.u32(sample.size);
                if run.video {
                    out.u32(if sample.sync { SYNC_SAMPLE } else { NON_SYNC_SAMPLE });
                    out.i32(sample.composition);
                }
            }
        });
    });
    offset
}
