//! A viewer's place in a reel: all that a viewer costs.

use super::{Phase, Progress, Reel, SeekPoint};
use crate::flv::Tag;
use crate::flv::reader::{InvalidFlv, TagHeader, next_tag_len, take_tag};
use crate::limits::{REEL_READ, REEL_READ_LEAST};
use crate::time::MediaTime;
use bytes::Bytes;
use rustix::io::{ReadWriteFlags, preadv2};
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Reads a reel's tags from a seek point on. Tags share the memory of the block they were read in.
#[derive(Debug)]
pub struct Cursor {
    reel: Arc<Reel>,
    block: Bytes,
    /// Where the reel's data goes on behind `block`.
    offset: u64,
    /// Bytes to read next, unless a tag is larger.
    ask: usize,
    /// Bytes of tags taken since the viewer waited last.
    taken: usize,
    /// The last time in the last block read.
    position: MediaTime,
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
        Self {
            reel,
            block: Bytes::new(),
            offset: point.offset,
            ask: REEL_READ,
            taken: 0,
            position: point.time,
        }
    }

    /// The next tag if it is in memory, and what to do if it is not.
    ///
    /// # Errors
    /// When the data is no FLV: a file that changed under us, or a failing disk.
    pub fn next_tag(&mut self) -> Result<Next, InvalidFlv> {
        let before = self.block.len();
        if let Some(mut tag) = take_tag(&mut self.block)? {
            self.taken += before - self.block.len();
            let origin = self.reel.origin();
            tag.timestamp = MediaTime::from_millis(tag.timestamp.saturating_millis_since(origin));
            return Ok(Next::Tag(tag));
        }
        let Progress { end_offset, phase, .. } = self.reel.progress();
        Ok(match phase {
            _ if self.offset < end_offset => Next::Unread,
            Phase::Growing => Next::NotYet,
            Phase::Complete => Next::End { failed: false },
            Phase::Failed => Next::End { failed: true },
        })
    }

    /// The next stretch of whole tags as the FLV bytes they are, waiting until there is one.
    /// `None` at the end. For viewers that need no single tags.
    ///
    /// # Errors
    /// When the disk fails or the file became shorter.
    pub async fn next_block(&mut self) -> io::Result<Option<Bytes>> {
        if self.block.is_empty() {
            if !self.grown().await {
                return Ok(None);
            }
            self.fill().await?;
        }
        Ok(Some(std::mem::take(&mut self.block)))
    }

    /// The next tag, waiting until there is one. `None` at the end.
    ///
    /// # Errors
    /// When the disk fails, or what it holds is no FLV.
    pub async fn wait_for_tag(&mut self) -> io::Result<Option<Tag>> {
        loop {
            match self.next_tag().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))? {
                Next::Tag(tag) => return Ok(Some(tag)),
                Next::Unread => self.fill().await?,
                Next::NotYet => drop(self.grown().await),
                Next::End { .. } => return Ok(None),
            }
        }
    }

    /// Waits until there is more to read; false when there never will be.
    async fn grown(&self) -> bool {
        let mut progress = self.reel.subscribe();
        let offset = self.offset;
        // The sender lives in the reel that we hold.
        let _ = progress.wait_for(|p| p.end_offset > offset || p.phase != Phase::Growing).await;
        self.reel.progress().end_offset > offset
    }

    /// The time of the last tag of the block read last: about where this viewer is.
    pub fn position(&self) -> MediaTime {
        self.position
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
        let (data, there, offset, ask) = (self.reel.data.clone(), self.there(), self.offset, self.ask);
        let block = tokio::task::spawn_blocking(move || read_block(&data, there, offset, ask))
            .await
            .map_err(io::Error::other)??;
        self.take_up(block);
        Ok(())
    }

    /// Reads the next block if the page cache has it; false when [`fill`](Self::fill) must wait for the disk.
    pub fn fill_now(&mut self) -> bool {
        debug_assert!(self.block.is_empty(), "blocks hold whole tags, and all were taken");
        let block = read_cached(&self.reel.data, self.there(), self.offset, self.ask);
        let filled = block.is_some();
        if let Some(block) = block {
            self.take_up(block);
        }
        filled
    }

    /// Bytes of data that may be read from `offset` on.
    fn there(&self) -> usize {
        let end = self.reel.progress().end_offset;
        usize::try_from(end.saturating_sub(self.offset)).unwrap_or(usize::MAX)
    }

    fn take_up(&mut self, block: Block) {
        self.offset += block.bytes.len() as u64;
        if let Some(last) = block.last_time {
            self.position = MediaTime::from_millis(last.saturating_millis_since(self.reel.origin()));
        }
        self.block = block.bytes;
    }

    /// The reel read from.
    pub fn reel(&self) -> &Arc<Reel> {
        &self.reel
    }
}

struct Block {
    bytes: Bytes,
    last_time: Option<MediaTime>,
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
        let (whole, last_time) = whole_tags(&scratch[..len]);
        (whole > 0).then(|| Block { bytes: Bytes::copy_from_slice(&scratch[..whole]), last_time })
    })
}

/// Reads whole tags from `offset` on, up to `wanted` bytes, or one tag if it is larger.
fn read_block(data: &File, there: usize, offset: u64, mut wanted: usize) -> io::Result<Block> {
    loop {
        let mut bytes = vec![0; wanted.min(there)];
        data.read_exact_at(&mut bytes, offset)?;
        let (whole, last_time) = whole_tags(&bytes);
        if whole > 0 {
            bytes.truncate(whole);
            return Ok(Block { bytes: bytes.into(), last_time });
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
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }
}

/// The length of the whole tags at the head of `block`, and the last one's time.
fn whole_tags(block: &[u8]) -> (usize, Option<MediaTime>) {
    let (mut at, mut last) = (0, None);
    while let Some(Ok(header)) = block[at..].first_chunk().map(TagHeader::parse) {
        let end = at + header.encoded_len();
        if end > block.len() {
            break;
        }
        (at, last) = (end, Some(header.timestamp));
    }
    (at, last)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{Recorder, Seek};
    use super::*;
    use crate::flv::TagKind;
    use std::time::Instant;

    fn video(ms: u32, key: bool, len: usize) -> Tag {
        let mut body = vec![if key { 0x17 } else { 0x27 }, 1, 0, 0, 0];
        body.resize(len.max(5), ms as u8);
        Tag { kind: TagKind::Video, timestamp: MediaTime::from_millis(ms), body: body.into() }
    }

    fn reel() -> Arc<Reel> {
        Arc::new(Reel::new(Arc::new(tempfile::tempfile().unwrap())))
    }

    async fn read_all(reel: &Arc<Reel>, point: SeekPoint) -> Vec<Tag> {
        let mut cursor = Cursor::new(reel.clone(), point);
        let mut tags = Vec::new();
        loop {
            match cursor.next_tag().unwrap() {
                Next::Tag(tag) => tags.push(tag),
                Next::Unread => cursor.fill().await.unwrap(),
                Next::NotYet | Next::End { .. } => return tags,
            }
        }
    }

    #[tokio::test]
    async fn what_is_recorded_is_read_back_from_every_point() {
        let reel = reel();
        let mut recorder = Recorder::new(reel.clone());
        // K i i i  K i i i … with a frame larger than a block in the middle
        let tags: Vec<Tag> = (0..200)
            .map(|n| video(n * 40, n % 25 == 0, if n == 60 { REEL_READ * 2 } else { 3000 }))
            .collect();
        for tag in &tags {
            recorder.push(tag).unwrap();
        }
        recorder.flush().unwrap();
        reel.complete(recorder.indexer().end());
        let points = reel.points();
        assert_eq!(points.len(), 8);
        for (n, point) in points.into_iter().enumerate() {
            assert_eq!(read_all(&reel, point).await, tags[n * 25..]);
        }
    }

    #[tokio::test]
    async fn a_cursor_that_lets_go_of_its_block_goes_on_with_the_same_tag() {
        let reel = reel();
        let mut recorder = Recorder::new(reel.clone());
        let len = |n: u32| if n == 60 { REEL_READ * 2 } else { (n as usize * 997) % 9000 };
        let tags: Vec<Tag> = (0..200).map(|n| video(n * 40, n % 25 == 0, len(n))).collect();
        for tag in &tags {
            recorder.push(tag).unwrap();
        }
        recorder.flush().unwrap();
        reel.complete(recorder.indexer().end());
        for step in [1, 2, 7, 50, 1000] {
            let mut cursor = Cursor::new(reel.clone(), reel.first_point().unwrap());
            let mut read = Vec::new();
            loop {
                match cursor.next_tag().unwrap() {
                    Next::Tag(tag) => read.push(tag),
                    // From the page cache or from the disk: both are the same to the reader.
                    Next::Unread if read.len() % 2 == 0 && cursor.fill_now() => {}
                    Next::Unread => cursor.fill().await.unwrap(),
                    Next::NotYet | Next::End { .. } => break,
                }
                if read.len() % step == 0 {
                    cursor.let_go();
                    assert!(cursor.block.is_empty());
                    // Otherwise nothing but letting go would happen.
                    if let Next::Unread = cursor.next_tag().unwrap() {
                        cursor.fill().await.unwrap();
                    }
                    if let Next::Tag(tag) = cursor.next_tag().unwrap() {
                        read.push(tag);
                    }
                }
            }
            assert_eq!(read, tags, "letting go after every {step}");
        }
    }

    #[tokio::test]
    async fn a_seek_waits_until_the_reel_has_passed_the_target() {
        let reel = reel();
        let mut recorder = Recorder::new(reel.clone());
        let at = MediaTime::from_millis;
        let now = Instant::now();
        assert_eq!(reel.seek(at(0), now), Seek::Pending { available: at(0), eta: None });
        recorder.push(&video(0, true, 10)).unwrap();
        recorder.push(&video(900, false, 10)).unwrap();
        recorder.flush().unwrap();
        assert!(matches!(reel.seek(at(0), now), Seek::Ready(p) if p.time == at(0)));
        assert!(matches!(reel.seek(at(899), now), Seek::Ready(p) if p.time == at(0)));
        assert_eq!(reel.seek(at(1500), now), Seek::Pending { available: at(900), eta: None });
        recorder.push(&video(1000, true, 10)).unwrap();
        recorder.push(&video(1600, false, 10)).unwrap();
        recorder.flush().unwrap();
        assert!(matches!(reel.seek(at(1500), now), Seek::Ready(p) if p.time == at(1000)));
        reel.complete(recorder.indexer().end());
        assert!(
            matches!(reel.seek(at(99_000), now), Seek::Ready(p) if p.time == at(1000)),
            "past the end is clamped"
        );
        assert_eq!(reel.duration(), Some(at(1600)));
    }

    #[tokio::test]
    async fn a_reel_that_failed_keeps_what_it_has() {
        let reel = reel();
        let mut recorder = Recorder::new(reel.clone());
        recorder.push(&video(0, true, 10)).unwrap();
        recorder.flush().unwrap();
        reel.fail("the worker ended".into());
        let point = reel.first_point().unwrap();
        let mut cursor = Cursor::new(reel.clone(), point);
        assert!(matches!(cursor.next_tag().unwrap(), Next::Unread));
        cursor.fill().await.unwrap();
        assert!(matches!(cursor.next_tag().unwrap(), Next::Tag(_)));
        assert!(matches!(cursor.next_tag().unwrap(), Next::End { failed: true }));
    }

    #[test]
    fn the_producer_is_held_back_only_while_it_is_far_ahead() {
        use std::time::Duration;
        let reel = reel();
        let mut recorder = Recorder::new(reel.clone());
        let viewer = reel.join();
        recorder.push(&video(10_000, true, 10)).unwrap();
        recorder.flush().unwrap();
        assert!(!reel.hold_back(Duration::from_secs(10), Duration::from_millis(1)));
        assert!(reel.hold_back(Duration::from_secs(9), Duration::from_millis(1)));
        viewer.wants(MediaTime::from_millis(2000));
        assert!(!reel.hold_back(Duration::from_secs(9), Duration::from_millis(1)));
        drop(viewer);
        assert_eq!(reel.audience().0, 0);
    }
}
