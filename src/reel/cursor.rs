//! A viewer's place in a reel: all that a viewer costs.

use super::{Ahead, RangeId, Reel, SeekPoint};
use crate::flv::reader::{InvalidFlv, TagHeader, next_tag_len, take_tag};
use crate::flv::{PREVIOUS_TAG_SIZE_LEN, Tag, TagKind};
use crate::limits::{REEL_READ, REEL_READ_LEAST};
use crate::time::MediaTime;
use bytes::Bytes;
use rustix::io::{ReadWriteFlags, preadv2};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Reads a reel's tags from a seek point on, from one range to the next. Tags share the memory of the block they
/// were read in.
#[derive(Debug)]
pub struct Cursor {
    reel: Arc<Reel>,
    range: RangeId,
    /// `None` when the range was forgotten meanwhile: it is left at once.
    data: Option<Arc<File>>,
    block: Bytes,
    /// Where the range's data goes on behind `block`.
    offset: u64,
    /// Bytes to read next, unless a tag is larger.
    ask: usize,
    /// Bytes of tags taken since the viewer waited last.
    taken: usize,
    /// The last time in the last block read.
    position: MediaTime,
    /// The last times read of sound and of pictures, as they are in the data.
    last: Lanes,
    /// So many of the tags that come may have been read already, in the range before.
    suspects: usize,
    /// Pictures are left out up to the next keyframe: those before it refer to others than this viewer has.
    to_keyframe: bool,
    /// Sequence headers of the range just entered.
    headers: VecDeque<Tag>,
}

/// Behind the last tag that a reader had already, one lane may still be behind the other: by 10 s at the most, which
/// are fewer tags than this.
const SUSPECTS: usize = 1000;

/// The latest times of sound and of pictures.
#[derive(Debug, Clone, Copy, Default)]
struct Lanes {
    audio: Option<MediaTime>,
    video: Option<MediaTime>,
}

impl Lanes {
    fn of(&mut self, kind: TagKind) -> Option<&mut Option<MediaTime>> {
        match kind {
            TagKind::Audio => Some(&mut self.audio),
            TagKind::Video => Some(&mut self.video),
            TagKind::Script => None,
        }
    }

    fn saw(&mut self, kind: TagKind, time: MediaTime) {
        if let Some(last) = self.of(kind) {
            *last = (*last).max(Some(time));
        }
    }

    fn have(&mut self, tag: &Tag) -> bool {
        !tag.is_sequence_header() && self.of(tag.kind).is_some_and(|last| *last >= Some(tag.timestamp))
    }
}

/// What a cursor finds.
#[derive(Debug)]
pub enum Next {
    /// A tag.
    Tag(Tag),
    /// The next tag is on disk: [`Cursor::fill`] first.
    Unread,
    /// The next tag does not exist yet: wait for the reel to grow.
    NotYet,
    /// There is no next tag. `failed` when the producer broke off.
    End {
        /// The reel ends here because its producer failed.
        failed: bool,
    },
}

impl Cursor {
    /// A cursor at `point`.
    pub fn new(reel: Arc<Reel>, point: SeekPoint) -> Self {
        let data = reel.data_of(point.range);
        Self {
            reel,
            range: point.range,
            data,
            block: Bytes::new(),
            offset: point.offset,
            ask: REEL_READ,
            taken: 0,
            position: point.time,
            last: Lanes::default(),
            suspects: 0,
            to_keyframe: false,
            headers: VecDeque::new(),
        }
    }

    /// The next tag if it is in memory, and what to do if it is not.
    ///
    /// # Errors
    /// When the data is no FLV: a file that changed under us, or a failing disk.
    pub fn next_tag(&mut self) -> Result<Next, InvalidFlv> {
        loop {
            if let Some(header) = self.headers.pop_front() {
                return Ok(Next::Tag(header));
            }
            loop {
                let before = self.block.len();
                let Some(mut tag) = take_tag(&mut self.block)? else { break };
                self.taken += before - self.block.len();
                if self.suspects > 0 {
                    self.suspects -= 1;
                    if self.last.have(&tag) {
                        self.suspects = SUSPECTS;
                        continue;
                    }
                }
                if self.to_keyframe && tag.kind == TagKind::Video && !tag.is_sequence_header() {
                    if !tag.is_keyframe() {
                        continue;
                    }
                    self.to_keyframe = false;
                }
                self.last.saw(tag.kind, tag.timestamp);
                let origin = self.reel.origin();
                tag.timestamp = MediaTime::from_millis(tag.timestamp.saturating_millis_since(origin));
                return Ok(Next::Tag(tag));
            }
            match self.reel.ahead(self.range, self.offset, self.position) {
                Ahead::Data(_) => return Ok(Next::Unread),
                Ahead::NotYet => return Ok(Next::NotYet),
                Ahead::End { failed } => return Ok(Next::End { failed }),
                Ahead::Cross { data, point, headers, known } => {
                    (self.range, self.offset, self.data) = (point.range, point.offset, Some(data));
                    self.suspects = if known { SUSPECTS } else { self.suspects };
                    // In the middle of a group of pictures that was encoded in another way.
                    self.to_keyframe |= known && headers.iter().any(|tag| tag.kind == TagKind::Video);
                    self.headers.extend(headers);
                }
            }
        }
    }

    /// The next stretch of whole tags as the FLV bytes they are, waiting until there is one.
    /// `None` at the end. For viewers that need no single tags.
    ///
    /// # Errors
    /// When the disk fails or the file became shorter.
    pub async fn next_block(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let whole = self.block.is_empty() || self.suspects > 0 || self.to_keyframe;
            if whole {
                // Only what is missing of what is known already, tag by tag; headers of a range just entered.
                let mut tags = Vec::new();
                while !self.block.is_empty() || !self.headers.is_empty() {
                    match self.next_tag().map_err(invalid)? {
                        Next::Tag(tag) => tag.encode_into(&mut tags),
                        _ => break,
                    }
                }
                if !tags.is_empty() {
                    return Ok(Some(tags.into()));
                }
            } else {
                let block = std::mem::take(&mut self.block);
                let (_, last) = whole_tags(&block);
                self.last =
                    Lanes { audio: last.audio.or(self.last.audio), video: last.video.or(self.last.video) };
                return Ok(Some(block));
            }
            match self.next_tag().map_err(invalid)? {
                Next::Tag(tag) => self.headers.push_front(tag),
                Next::Unread => self.fill().await?,
                Next::NotYet => self.grown().await,
                Next::End { .. } => return Ok(None),
            }
        }
    }

    /// The next tag, waiting until there is one. `None` at the end.
    ///
    /// # Errors
    /// When the disk fails, or what it holds is no FLV.
    pub async fn wait_for_tag(&mut self) -> io::Result<Option<Tag>> {
        loop {
            match self.next_tag().map_err(invalid)? {
                Next::Tag(tag) => return Ok(Some(tag)),
                Next::Unread => self.fill().await?,
                Next::NotYet => self.grown().await,
                Next::End { .. } => return Ok(None),
            }
        }
    }

    /// Waits until there is something else ahead than nothing yet.
    async fn grown(&self) {
        let mut progress = self.reel.subscribe();
        loop {
            progress.mark_unchanged();
            if !matches!(self.reel.ahead(self.range, self.offset, self.position), Ahead::NotYet) {
                return;
            }
            // The sender lives in the reel that we hold.
            let _ = progress.changed().await;
        }
    }

    /// The time of the last tag of the block read last: about where this viewer is.
    pub fn position(&self) -> MediaTime {
        self.position
    }

    /// The range that this viewer reads.
    pub(super) fn range(&self) -> RangeId {
        self.range
    }

    /// Lets go of the block while the viewer waits: two hundred viewers of 128 KB are 25 MB, and what is read
    /// again is in the page cache. About as much as was taken since the last wait is read next time.
    pub fn let_go(&mut self) {
        self.offset -= self.block.len() as u64;
        self.block = Bytes::new();
        self.ask = (self.taken + self.taken / 8).clamp(REEL_READ_LEAST, REEL_READ);
        self.taken = 0;
    }

    /// Reads the next block. Call after [`Next::Unread`].
    ///
    /// # Errors
    /// When the disk fails or the file became shorter.
    pub async fn fill(&mut self) -> io::Result<()> {
        if self.fill_now() {
            return Ok(());
        }
        let Some((data, there)) = self.there() else { return Ok(()) };
        let (data, offset, ask) = (data.clone(), self.offset, self.ask);
        let block = tokio::task::spawn_blocking(move || read_block(&data, there, offset, ask))
            .await
            .map_err(io::Error::other)??;
        self.take_up(block);
        Ok(())
    }

    /// Reads the next block if the page cache has it; false when [`fill`](Self::fill) must wait for the disk.
    pub fn fill_now(&mut self) -> bool {
        debug_assert!(self.block.is_empty(), "blocks hold whole tags, and all were taken");
        let block = self.there().and_then(|(data, there)| read_cached(data, there, self.offset, self.ask));
        let filled = block.is_some();
        if let Some(block) = block {
            self.take_up(block);
        }
        filled
    }

    /// The range's data, and how many bytes of it may be read from `offset` on; `None` when there are none.
    fn there(&self) -> Option<(&Arc<File>, usize)> {
        let Ahead::Data(end) = self.reel.ahead(self.range, self.offset, self.position) else { return None };
        let there = usize::try_from(end.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        Some((self.data.as_ref()?, there))
    }

    fn take_up(&mut self, block: Block) {
        self.offset += block.bytes.len() as u64;
        if let Some(last) = block.last.audio.max(block.last.video) {
            self.position = MediaTime::from_millis(last.saturating_millis_since(self.reel.origin()));
        }
        self.block = block.bytes;
    }

    /// Where the body of the tag that was returned last is: in which file, from which byte on. `None` of headers,
    /// which belong to no place.
    pub fn place_of(&self, tag: &Tag) -> Option<(Arc<File>, u64)> {
        if tag.is_sequence_header() {
            return None;
        }
        let end = self.offset - self.block.len() as u64 - PREVIOUS_TAG_SIZE_LEN as u64;
        Some((self.data.clone()?, end.checked_sub(tag.body.len() as u64)?))
    }

    /// The reel read from.
    pub fn reel(&self) -> &Arc<Reel> {
        &self.reel
    }
}

fn invalid(error: InvalidFlv) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

struct Block {
    bytes: Bytes,
    last: Lanes,
}

/// As [`read_block`], from the page cache alone. `None` when that has not one whole tag of it, or the file
/// system can't say.
fn read_cached(data: &File, there: usize, offset: u64, ask: usize) -> Option<Block> {
    thread_local! {
        // A new block of this size is a mapping of its own for the allocator, zeroed and given back each time.
        static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; REEL_READ]);
    }
    SCRATCH.with_borrow_mut(|scratch| {
        let wanted = ask.min(there).min(scratch.len());
        let slices = &mut [IoSliceMut::new(&mut scratch[..wanted])];
        let len = preadv2(data, slices, offset, ReadWriteFlags::NOWAIT).ok()?;
        let (whole, last) = whole_tags(&scratch[..len]);
        (whole > 0).then(|| Block { bytes: Bytes::copy_from_slice(&scratch[..whole]), last })
    })
}

/// Reads whole tags from `offset` on, up to `wanted` bytes, or one tag if it is larger.
fn read_block(data: &File, there: usize, offset: u64, mut wanted: usize) -> io::Result<Block> {
    loop {
        let mut bytes = vec![0; wanted.min(there)];
        data.read_exact_at(&mut bytes, offset)?;
        let (whole, last) = whole_tags(&bytes);
        if whole > 0 {
            bytes.truncate(whole);
            return Ok(Block { bytes: bytes.into(), last });
        }
        match next_tag_len(&bytes) {
            // One tag larger than a block.
            Ok(Some(len)) if len > wanted && len <= there => wanted = len,
            // Readers are only let up to the end of a whole tag, so the file changed under us.
            Ok(_) => {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the file was cut while it was read",
                ));
            }
            Err(error) => return Err(invalid(error)),
        }
    }
}

/// The length of the whole tags at the head of `block`, and the last times in them.
fn whole_tags(block: &[u8]) -> (usize, Lanes) {
    let (mut at, mut last) = (0, Lanes::default());
    while let Some(Ok(header)) = block[at..].first_chunk().map(TagHeader::parse) {
        let end = at + header.encoded_len();
        if end > block.len() {
            break;
        }
        at = end;
        last.saw(header.kind, header.timestamp);
    }
    (at, last)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
