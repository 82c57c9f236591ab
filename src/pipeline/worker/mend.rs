//! What a file says of itself and GStreamer's demuxers stumble over, said differently on its way to them.
//!
//! A [`Mend`] is a few bytes at a few places, found by looking at the headers before the pipeline starts, and
//! laid over what `filesrc` reads. The file itself is never written.
//!
//! | file says | demuxer of GStreamer 1.22 | mended |
//! |---|---|---|
//! | MP4: an edit list skips the first of the media (every cut by `-ss … -c copy`; AAC priming) | cuts each track where *media* time reaches the movie's length | the movie is as much longer |
//! | MP4: a track shorter than a fifth of the movie | takes it for a preview picture, drops it | its length is a quarter |
//! | ASF: more header objects than there are | gives up | the number that there are |
//!
//! Lengths told to people come from the file: see [`Mend::duration_ns`].

mod mp4;

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

    /// One of the patches changes something of `len` bytes from `offset` on.
    pub(super) fn touches(&self, offset: u64, len: u64) -> bool {
        let end = offset.saturating_add(len);
        self.patches.iter().any(|patch| patch.offset < end && offset < patch.offset + patch.bytes.len() as u64)
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
        return mp4::find(source).unwrap_or_default();
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
    Ok(Mend { patches: vec![patch], duration_ns: None })
}

/// `N` bytes from `at` on; `bytes` is long enough.
fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut taken = [0; N];
    if let Some(bytes) = bytes.get(at..at + N) {
        taken.copy_from_slice(bytes);
    }
    taken
}
