//! What is on standard input, a file, the first of several, or a socket behind which is a film on a web server: what is
//! known of it before GStreamer reads it, its bytes, and how far GStreamer has read them.

use super::super::conversion::PARTS_FD;
use super::super::streams::Chapter;
use super::feed::{Feed, Headers};
use super::media_src;
use super::mend::{self, Mend, Source};
use gstreamer as gst;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Each of so many files that are one run of bytes, by descriptors of our own.
pub(super) fn parts(count: usize) -> io::Result<Vec<File>> {
    (PARTS_FD..).take(count).map(|number| File::open(format!("/proc/self/fd/{number}"))).collect()
}

/// Where the bytes are.
#[derive(Debug)]
enum Origin {
    File(File),
    /// One behind the other, with the place at which each begins.
    Parts(Vec<(u64, File)>),
    Feed(Feed),
}

#[derive(Debug)]
pub(super) struct Media {
    origin: Origin,
    mend: Mend,
    /// Behind the last byte that was read so far.
    read: AtomicU64,
}

impl Media {
    /// Looks at what is on standard input: a film of so many bytes behind a socket, or a file, which is the first of
    /// `parts`, if there are any.
    pub(super) fn look(remote_len: Option<u64>, parts: Vec<File>) -> io::Result<Self> {
        if let Some(len) = remote_len {
            let feed = Feed::on_stdin(len)?;
            let mend = mend::find(&Headers::of(&feed));
            return Ok(Self { origin: Origin::Feed(feed), mend, read: AtomicU64::new(0) });
        }
        let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not an ordinary file"));
        }
        let mend = mend::find(&file);
        let origin = if parts.is_empty() { Origin::File(file) } else { Origin::Parts(in_a_row(parts)) };
        Ok(Self { origin, mend, read: AtomicU64::new(0) })
    }

    /// An element that reads it.
    pub(super) fn source(self: &Arc<Self>) -> gst::Element {
        media_src::element(Arc::clone(self))
    }

    /// Bytes that there are by now: a file may still be growing.
    pub(super) fn len(&self) -> u64 {
        match &self.origin {
            Origin::File(file) => Source::len(file),
            Origin::Parts(parts) => parts.last().map_or(0, |(begin, last)| begin + Source::len(last)),
            Origin::Feed(feed) => feed.len(),
        }
    }

    /// Fills as much of `bytes` as there is from `offset` on, mended; 0 at the end.
    pub(super) fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let read = match &self.origin {
            Origin::File(file) => fill(file, offset, bytes)?,
            Origin::Parts(parts) => fill_from_parts(parts, offset, bytes)?,
            Origin::Feed(feed) => feed.read_at(offset, bytes)?,
        };
        self.mend.lay_over(offset, &mut bytes[..read]);
        Ok(read)
    }

    /// A demuxer was given what is before `end`.
    pub(super) fn note_read(&self, end: u64) {
        self.read.fetch_max(end, Ordering::Relaxed);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The last byte was read at some time.
    pub(super) fn was_read_to_end(&self) -> bool {
        self.read.load(Ordering::Relaxed) >= self.len()
    }

    /// Chapters that the demuxer does not see.
    pub(super) fn chapters(&self) -> &[Chapter] {
        &self.mend.chapters
    }

    /// The file's length by its own headers, where the demuxer's word does not count.
    pub(super) fn duration_ns(&self) -> Option<u64> {
        self.mend.duration_ns
    }
}

/// Files, each with the place at which it begins in the run of them all.
fn in_a_row(parts: Vec<File>) -> Vec<(u64, File)> {
    let begins = parts.iter().scan(0, |end, part| {
        let begin = *end;
        *end += Source::len(part);
        Some(begin)
    });
    let begins = begins.collect::<Vec<u64>>();
    begins.into_iter().zip(parts).collect()
}

fn fill(file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match FileExt::read_at(file, &mut bytes[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // What is in front of a bad place can be shown.
            Err(_) if filled > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Goes on in the next part where one ends.
fn fill_from_parts(parts: &[(u64, File)], offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        let place = offset + filled as u64;
        let index = parts.partition_point(|(begin, _)| *begin <= place);
        let Some((begin, part)) = index.checked_sub(1).and_then(|index| parts.get(index)) else { break };
        // Up to where the next begins, whatever this one has become since.
        let room = parts.get(index).map_or(u64::MAX, |(next, _)| next - place);
        let end = bytes.len().min(filled.saturating_add(usize::try_from(room).unwrap_or(usize::MAX)));
        match fill(part, place - begin, &mut bytes[filled..end]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(_) if filled > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    proptest! {
        #[test]
        fn parts_read_as_one_run(
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..10),
            offset in 0usize..450,
            length in 0usize..450,
        ) {
            let whole = parts.concat();
            let row = in_a_row(parts.iter().map(|part| file(part)).collect());
            let mut bytes = vec![0; length];
            let read = fill_from_parts(&row, offset as u64, &mut bytes).unwrap();
            let from = offset.min(whole.len());
            let expected = &whole[from..(from + length).min(whole.len())];
            prop_assert_eq!(&bytes[..read], expected);
        }
    }
}
