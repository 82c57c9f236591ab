//! What is on standard input, a file or a socket behind which is a film on a web server: what is known of it before
//! GStreamer reads it, and how far that has read.

use super::super::conversion::PARTS_FD;
use super::super::streams::Chapter;
use super::lane::{BuildError, make};
use super::mend::{self, Mend, Source};
use super::remote_src::{self, Feed, Headers};
use gst::prelude::*;
use gstreamer as gst;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The file that the server opened. filesrc can seek in it, which fdsrc cannot promise.
pub(super) const PATH: &str = "/proc/self/fd/0";

/// Each of so many files that are one run of bytes, by descriptors of our own.
pub(super) fn parts(count: usize) -> io::Result<Vec<File>> {
    (PARTS_FD..).take(count).map(|number| File::open(format!("/proc/self/fd/{number}"))).collect()
}

/// What reads them; the file on standard input when there are none.
fn file_source(parts: usize) -> Result<gst::Element, BuildError> {
    let (element, location) = match parts {
        0 => ("filesrc", PATH.to_owned()),
        // 100 to 109, by their names.
        _ => ("splitfilesrc", format!("/proc/self/fd/{}?", PARTS_FD / 10)),
    };
    let source = make(element)?;
    source.set_property("location", location);
    Ok(source)
}

#[derive(Debug)]
pub(super) struct Media {
    /// `None`: a file.
    feed: Option<Arc<Feed>>,
    len: u64,
    mend: Mend,
    /// Behind the last byte that was read so far.
    read: AtomicU64,
}

/// Looks over what a filesrc reads.
#[derive(Debug)]
pub(super) struct Watch {
    pad: gst::Pad,
    probe: Option<gst::PadProbeId>,
}

impl Watch {
    /// Looks away: a demuxer may read forty times for each millisecond that it needs.
    pub(super) fn end(self) {
        if let Some(probe) = self.probe {
            self.pad.remove_probe(probe);
        }
    }
}

impl Media {
    /// Looks at what is on standard input: a film of so many bytes behind a socket, or a file, which is the first of
    /// `parts`, if there are any.
    pub(super) fn look(remote_len: Option<u64>, parts: &[File]) -> io::Result<Self> {
        if let Some(len) = remote_len {
            let feed = Arc::new(Feed::on_stdin(len)?);
            let mend = mend::find(&Headers::of(&feed));
            return Ok(Self { feed: Some(feed), len, mend, read: AtomicU64::new(0) });
        }
        let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not an ordinary file"));
        }
        let len = if parts.is_empty() { Source::len(&file) } else { parts.iter().map(Source::len).sum() };
        Ok(Self { feed: None, len, mend: mend::find(&file), read: AtomicU64::new(0) })
    }

    /// An element that reads it; a film of so many parts from those.
    pub(super) fn source(&self, parts: usize) -> Result<gst::Element, BuildError> {
        if let Some(feed) = &self.feed {
            return Ok(remote_src::element(Arc::clone(feed)));
        }
        file_source(parts)
    }

    /// Lays the mend over what `source`, one of [`source`](Self::source), reads, and notes how far it has come.
    pub(super) fn watch(self: &Arc<Self>, source: &gst::Element) -> Result<Watch, BuildError> {
        let pad =
            source.static_pad("src").ok_or_else(|| BuildError::Refused("a source without a pad".into()))?;
        let media = Arc::clone(self);
        let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::PUSH | gst::PadProbeType::PULL;
        let probe = pad.add_probe(kinds, move |_, info| {
            if let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data {
                media.pass(buffer);
            }
            gst::PadProbeReturn::Ok
        });
        Ok(Watch { pad, probe })
    }

    /// Its headers are read as they are.
    pub(super) fn is_sound(&self) -> bool {
        self.mend.patches.is_empty()
    }

    fn pass(&self, buffer: &mut gst::Buffer) {
        let (offset, len) = (buffer.offset(), buffer.size() as u64);
        // GST_BUFFER_OFFSET_NONE.
        if offset == u64::MAX {
            return;
        }
        self.read.fetch_max(offset.saturating_add(len), Ordering::Relaxed);
        if self.mend.touches(offset, len)
            && let Ok(mut bytes) = buffer.make_mut().map_writable()
        {
            self.mend.lay_over(offset, &mut bytes);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The last byte was read at some time.
    pub(super) fn was_read_to_end(&self) -> bool {
        self.read.load(Ordering::Relaxed) >= self.len
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
