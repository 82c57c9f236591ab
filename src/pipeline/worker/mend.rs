//! What a file says of itself and GStreamer's demuxers stumble over, said differently on its way to them.
//!
//! A [`Mend`] is a few bytes at a few places, found by looking at the headers before the pipeline starts, and
//! laid over what the demuxer is given. The file itself is never written.
//!
//! | file says | demuxer of GStreamer 1.22 | mended |
//! |---|---|---|
//! | MP4: an edit list skips the first of the media (every cut by `-ss … -c copy`; AAC priming) | cuts each track where *media* time reaches the movie's length | the movie is as much longer |
//! | MP4: a track shorter than a fifth of the movie | takes it for a preview picture, drops it | its length is a quarter |
//! | ASF: more header objects than there are | gives up | the number that there are |
//!
//! Lengths told to people come from the file: see [`Mend::duration_ns`].

mod mp4;

use super::super::streams::Chapter;
use std::io;

/// Bytes that replace others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Patch {
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
}

/// What to change in a file, and what is known of it instead.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Mend {
    pub(super) patches: Vec<Patch>,
    /// The length by the file's own headers, where the demuxer would say another.
    pub(super) duration_ns: Option<u64>,
    /// Chapters that the demuxer does not see.
    pub(super) chapters: Vec<Chapter>,
}

impl Mend {
    /// Lays the patches over `bytes`, which are the file's from `offset` on.
    pub(super) fn lay_over(&self, offset: u64, bytes: &mut [u8]) {
        for patch in &self.patches {
            for (at, byte) in (patch.offset..).zip(&patch.bytes) {
                let place = at.checked_sub(offset).and_then(|at| usize::try_from(at).ok());
                if let Some(place) = place.and_then(|place| bytes.get_mut(place)) {
                    *place = *byte;
                }
            }
        }
    }
}

/// Reads a file's headers.
pub(super) trait Source {
    /// Fills `bytes` from `offset` on; an error when the file ends before.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
    fn len(&self) -> u64;
}

impl Source for std::fs::File {
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, bytes, offset)
    }

    fn len(&self) -> u64 {
        self.metadata().map_or(0, |data| data.len())
    }
}

impl Source for &[u8] {
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = offset.saturating_add(bytes.len());
        let found = self.get(offset..end).ok_or(io::ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(found);
        Ok(())
    }

    fn len(&self) -> u64 {
        (**self).len() as u64
    }
}

/// What to mend in `source`; nothing when its headers cannot be read, which the demuxer will say better.
pub(super) fn find(source: &impl Source) -> Mend {
    let mut head = [0; 16];
    if source.read_at(0, &mut head).is_err() {
        return Mend::default();
    }
    if head == ASF_HEADER {
        return asf(source).unwrap_or_default();
    }
    let first = &head[4..8];
    if [&b"ftyp"[..], b"moov", b"wide", b"free", b"skip", b"mdat", b"pnot", b"styp"].contains(&first) {
        let mend = mp4::find(source).unwrap_or_default();
        return Mend { chapters: mp4::chapters(source).unwrap_or_default(), ..mend };
    }
    Mend::default()
}

/// The GUID of an ASF file's header object (ASF 3.1).
const ASF_HEADER: [u8; 16] = *b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c";

/// GUID(16) size(8) number of objects(4) reserved(2), then the objects, each GUID(16) size(8).
fn asf(source: &impl Source) -> io::Result<Mend> {
    let mut head = [0; 30];
    source.read_at(0, &mut head)?;
    let end = u64::from_le_bytes(take(&head, 16));
    let claimed = u32::from_le_bytes(take(&head, 24));
    let (mut at, mut there) = (30u64, 0u32);
    while at < end && there < claimed {
        let mut size = [0; 8];
        source.read_at(at + 16, &mut size)?;
        let size = u64::from_le_bytes(size);
        if size < 24 {
            return Ok(Mend::default());
        }
        at = at.saturating_add(size);
        there += 1;
    }
    if there == claimed || at != end {
        return Ok(Mend::default());
    }
    let patch = Patch { offset: 24, bytes: there.to_le_bytes().to_vec() };
    Ok(Mend { patches: vec![patch], ..Mend::default() })
}

/// `N` bytes from `at` on; `bytes` is long enough.
fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut taken = [0; N];
    if let Some(bytes) = bytes.get(at..at + N) {
        taken.copy_from_slice(bytes);
    }
    taken
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn full_box(kind: &[u8; 4], content: &[Vec<u8>]) -> Vec<u8> {
        let content = content.concat();
        [&(content.len() as u32 + 8).to_be_bytes()[..], kind, &content].concat()
    }

    fn numbers(numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
    }

    /// A track of so many samples; times in its own scale.
    fn track(scale: u32, units: u32, media_time: Option<u32>, samples: u32) -> Vec<u8> {
        let edits = media_time.map_or(Vec::new(), |time| {
            full_box(b"edts", &[full_box(b"elst", &[numbers(&[0, 1, 6000, time, 0x1_0000])])])
        });
        let stbl = full_box(b"stbl", &[full_box(b"stsz", &[numbers(&[0, 0, samples])])]);
        let mdhd = full_box(b"mdhd", &[numbers(&[0, 0, 0, scale, units, 0])]);
        full_box(b"trak", &[edits, full_box(b"mdia", &[mdhd, full_box(b"minf", &[stbl])])])
    }

    /// Six seconds.
    fn movie(tracks: &[Vec<u8>]) -> Vec<u8> {
        let mvhd = full_box(b"mvhd", &[numbers(&[0, 0, 0, 1000, 6000])]);
        let chapter = [&0u64.to_be_bytes()[..], &[3], b"One"].concat();
        let chpl = full_box(b"chpl", &[numbers(&[0x0100_0000, 0]), vec![1], chapter]);
        let moov =
            full_box(b"moov", &[vec![mvhd], tracks.to_vec(), vec![full_box(b"udta", &[chpl])]].concat());
        [full_box(b"ftyp", &[b"isom".to_vec()]), full_box(b"mdat", &[vec![0; 100]]), moov].concat()
    }

    fn number_at(bytes: &[u8], mend: &Mend, index: usize) -> u32 {
        let patch = &mend.patches[index];
        let mut mended = bytes.to_vec();
        mend.lay_over(0, &mut mended);
        let at = patch.offset as usize;
        u32::from_be_bytes(mended[at..at + 4].try_into().unwrap())
    }

    #[test]
    fn a_movie_is_as_much_longer_as_its_edit_lists_skip() {
        let file =
            movie(&[track(12_800, 76_800, Some(1024), 150), track(48_000, 289_000, Some(33_600), 283)]);
        let mend = find(&file.as_slice());
        assert_eq!(mend.patches.len(), 1);
        assert_eq!(number_at(&file, &mend, 0), 6000 + 700 + 2);
        assert_eq!(mend.duration_ns, Some(6_000_000_000), "people are told the true length");
        assert_eq!(mend.chapters, [Chapter { start_ms: 0, title: "One".into() }]);
    }

    #[test]
    fn a_short_track_is_made_a_quarter_and_cover_art_is_left_alone() {
        let file =
            movie(&[track(1000, 1000, None, 25), track(1000, 40, None, 1), track(1000, 6000, None, 280)]);
        let mend = find(&file.as_slice());
        assert_eq!(mend.patches.len(), 1);
        assert_eq!(number_at(&file, &mend, 0), 1501);
        assert_eq!(find(&movie(&[track(1000, 6000, None, 280)]).as_slice()).patches, []);
    }

    #[test]
    fn patches_are_laid_over_whatever_piece_is_read() {
        let mend = Mend { patches: vec![Patch { offset: 10, bytes: vec![1, 2, 3, 4] }], ..Mend::default() };
        let whole: Vec<u8> = (0..20).map(|at| if (10..14).contains(&at) { at - 9 } else { 0 }).collect();
        for begin in 0..20 {
            for end in begin + 1..=20 {
                let mut piece = vec![0; end - begin];
                mend.lay_over(begin as u64, &mut piece);
                assert_eq!(piece, whole[begin..end]);
            }
        }
    }

    #[test]
    fn a_movie_cut_at_every_byte_never_panics() {
        let file = movie(&[track(48_000, 289_000, Some(33_600), 283)]);
        for cut in 0..file.len() {
            let _ = find(&&file[..cut]);
        }
    }

    proptest! {
        #[test]
        fn flipped_bytes_never_panic(flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
            let mut file = movie(&[track(48_000, 289_000, Some(33_600), 283), track(1000, 1000, None, 25)]);
            for (at, byte) in flips {
                let at = at.index(file.len());
                file[at] = byte;
            }
            let mend = find(&file.as_slice());
            prop_assert!(mend.patches.len() <= 3);
        }
    }
}
