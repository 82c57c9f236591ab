//! The element that demuxers pull a film from: `filesrc` for what may also be several files or behind a socket, which
//! lays the [`Mend`](super::mend::Mend) over what it reads and reads ahead.
//!
//! Demuxers of MP4 and FLV pull each sample, and each header of one, by itself: `filesrc` makes two calls of the kernel
//! for every one of them, which was a third of what a remux cost. Here a small read that begins where an earlier one
//! ended takes a whole block, and those behind it get pieces of that, without a copy.

use super::media::Media;
use crate::limits::{WORKER_AHEAD, WORKER_AHEAD_BLOCKS};
use gst::glib;
use gst::subclass::prelude::*;
use gstreamer as gst;
use gstreamer_base as gst_base;
use std::collections::VecDeque;
use std::sync::Arc;

glib::wrapper! {
    /// The element.
    pub(super) struct MediaSrc(ObjectSubclass<imp::MediaSrc>)
        @extends gst_base::BaseSrc, gst::Element, gst::Object;
}

/// An element that reads `media`.
pub(super) fn element(media: Arc<Media>) -> gst::Element {
    let element: MediaSrc = glib::Object::new();
    // A new object has none.
    let _ = element.imp().media.set(media);
    gst::prelude::Cast::upcast(element)
}

/// What was read ahead lately, the newest in front: a few, for demuxers that go back and forth between streams. Of a read that
/// was large by itself only its end is known: the demuxer has it alone, and nobody holds it longer than that.
#[derive(Debug, Default)]
struct Blocks {
    kept: VecDeque<gst::Buffer>,
    large_end: Option<u64>,
}

impl Blocks {
    /// `length` bytes from `offset` on, if they are there.
    fn piece(&mut self, offset: u64, length: usize) -> Option<gst::Buffer> {
        let (index, from) = self.kept.iter().enumerate().find_map(|(index, block)| {
            let from = usize::try_from(offset.checked_sub(block.offset())?).ok()?;
            (from.checked_add(length)? <= block.size()).then_some((index, from))
        })?;
        if let Some(block) = self.kept.remove(index) {
            self.kept.push_front(block);
        }
        let mut piece =
            self.kept.front()?.copy_region(gst::BufferCopyFlags::MEMORY, from..from + length).ok()?;
        let own = piece.get_mut()?;
        own.set_offset(offset);
        own.set_offset_end(offset + length as u64);
        Some(piece)
    }

    /// How much to read for `length` bytes from `offset` on, which are fewer than are read ahead.
    fn extent(&self, offset: u64, length: usize) -> usize {
        let goes_on = |block: &gst::Buffer| (block.offset()..=block.offset_end()).contains(&offset);
        let goes_on = self.large_end == Some(offset) || self.kept.iter().any(goes_on);
        if goes_on { WORKER_AHEAD } else { length }
    }

    fn keep(&mut self, block: gst::Buffer) {
        self.kept.truncate(WORKER_AHEAD_BLOCKS - 1);
        self.kept.push_front(block);
    }
}

mod imp {
    use super::{Arc, Blocks, Media, WORKER_AHEAD, glib, gst, gst_base};
    use gst::subclass::prelude::*;
    use gst_base::subclass::base_src::CreateSuccess;
    use gst_base::subclass::prelude::*;
    use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

    #[derive(Default)]
    pub(in super::super) struct MediaSrc {
        pub(super) media: OnceLock<Arc<Media>>,
        blocks: Mutex<Blocks>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for MediaSrc {
        const NAME: &'static str = "WiidiaMediaSrc";
        type Type = super::MediaSrc;
        type ParentType = gst_base::BaseSrc;
    }

    impl ObjectImpl for MediaSrc {}

    impl GstObjectImpl for MediaSrc {}

    impl ElementImpl for MediaSrc {
        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                let any = gst::Caps::new_any();
                let template =
                    gst::PadTemplate::new("src", gst::PadDirection::Src, gst::PadPresence::Always, &any);
                template.into_iter().collect()
            });
            &TEMPLATES
        }
    }

    impl BaseSrcImpl for MediaSrc {
        fn start(&self) -> Result<(), gst::ErrorMessage> {
            Ok(())
        }

        fn stop(&self) -> Result<(), gst::ErrorMessage> {
            Ok(())
        }

        fn is_seekable(&self) -> bool {
            true
        }

        fn size(&self) -> Option<u64> {
            self.media.get().map(|media| media.len())
        }

        fn query(&self, query: &mut gst::QueryRef) -> bool {
            if let gst::QueryViewMut::Uri(query) = query.view_mut() {
                // Demuxers make the ids of their streams of it, and parsebin sorts streams by those: without an address,
                // ids are random, and so is which sound is a film's first.
                query.set_uri(Some(glib::gstr!("wiidia:film")));
                return true;
            }
            BaseSrcImplExt::parent_query(self, query)
        }

        fn create(
            &self,
            offset: u64,
            buffer: Option<&mut gst::BufferRef>,
            length: u32,
        ) -> Result<CreateSuccess, gst::FlowError> {
            let length = length as usize;
            let Some(given) = buffer else { return self.piece(offset, length).map(CreateSuccess::NewBuffer) };
            let length = length.min(given.size());
            let piece = self.piece(offset, length)?;
            {
                let (mut to, from) =
                    given.map_writable().ok().zip(piece.map_readable().ok()).ok_or(gst::FlowError::Error)?;
                to[..from.len()].copy_from_slice(&from);
            }
            given.set_size(piece.size());
            given.set_offset(offset);
            given.set_offset_end(piece.offset_end());
            Ok(CreateSuccess::FilledBuffer)
        }
    }

    impl MediaSrc {
        /// At most `length` bytes from `offset` on: fewer at the end.
        fn piece(&self, offset: u64, length: usize) -> Result<gst::Buffer, gst::FlowError> {
            let media = self.media.get().ok_or(gst::FlowError::Error)?;
            let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
            let piece = match blocks.piece(offset, length) {
                Some(piece) => piece,
                None if length >= WORKER_AHEAD => {
                    let whole = self.read(media, offset, length)?;
                    blocks.large_end = Some(whole.offset_end());
                    whole
                }
                None => {
                    let block = self.read(media, offset, blocks.extent(offset, length))?;
                    let found = length.min(block.size());
                    blocks.keep(block);
                    blocks.piece(offset, found).ok_or(gst::FlowError::Error)?
                }
            };
            media.note_read(piece.offset_end());
            Ok(piece)
        }

        fn read(&self, media: &Media, offset: u64, length: usize) -> Result<gst::Buffer, gst::FlowError> {
            let mut block = gst::Buffer::with_size(length).map_err(|_| gst::FlowError::Error)?;
            let own = block.get_mut().ok_or(gst::FlowError::Error)?;
            let read = {
                let mut bytes = own.map_writable().map_err(|_| gst::FlowError::Error)?;
                media.read_at(offset, &mut bytes)
            };
            match read {
                Ok(0) => Err(gst::FlowError::Eos),
                Ok(read) => {
                    own.set_size(read);
                    own.set_offset(offset);
                    own.set_offset_end(offset + read as u64);
                    Ok(block)
                }
                Err(error) => {
                    gst::element_imp_error!(self, gst::ResourceError::Read, ["{error}"]);
                    eprintln!("the film at byte {offset}: {error}");
                    Err(gst::FlowError::Error)
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn block(offset: u64, bytes: &[u8]) -> gst::Buffer {
        gst::init().unwrap();
        let mut block = gst::Buffer::from_slice(bytes.to_vec());
        let own = block.get_mut().unwrap();
        own.set_offset(offset);
        own.set_offset_end(offset + bytes.len() as u64);
        block
    }

    fn bytes(piece: Option<gst::Buffer>) -> Option<(u64, Vec<u8>, u64)> {
        let piece = piece?;
        Some((piece.offset(), piece.map_readable().unwrap().to_vec(), piece.offset_end()))
    }

    #[test]
    fn a_piece_lies_in_one_block() {
        let mut blocks = Blocks::default();
        blocks.keep(block(100, b"hundred"));
        blocks.keep(block(107, b"and seven"));
        assert_eq!(bytes(blocks.piece(100, 7)), Some((100, b"hundred".to_vec(), 107)));
        assert_eq!(bytes(blocks.piece(102, 3)), Some((102, b"ndr".to_vec(), 105)));
        assert_eq!(bytes(blocks.piece(106, 2)), None, "it lies in two");
        assert_eq!(bytes(blocks.piece(99, 2)), None);
        assert_eq!(bytes(blocks.piece(u64::MAX, usize::MAX)), None);
    }

    #[test]
    fn only_what_goes_on_reads_ahead() {
        let mut blocks = Blocks::default();
        assert_eq!(blocks.extent(0, 8), 8, "nobody knows yet what comes next");
        blocks.keep(block(0, b"ftypmoov"));
        assert_eq!(blocks.extent(8, 8), WORKER_AHEAD);
        assert_eq!(blocks.extent(4, 8), WORKER_AHEAD, "it lies in part behind the block");
        assert_eq!(blocks.extent(9, 8), 8);
        blocks.large_end = Some(1000);
        assert_eq!(blocks.extent(1000, 8), WORKER_AHEAD);
        assert_eq!(blocks.extent(1001, 8), 8);
    }

    #[test]
    fn what_was_used_last_stays() {
        let mut blocks = Blocks::default();
        for offset in 0..WORKER_AHEAD_BLOCKS as u64 {
            blocks.keep(block(offset * 10, b"x"));
        }
        assert!(blocks.piece(0, 1).is_some());
        blocks.keep(block(1000, b"x"));
        assert!(blocks.piece(0, 1).is_some() && blocks.piece(10, 1).is_none());
        assert_eq!(blocks.kept.len(), WORKER_AHEAD_BLOCKS);
    }
}
