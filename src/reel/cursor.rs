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
mod tests {
    use super::super::{Recorder, Seek};
    use super::*;
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

    /// A viewer has read into a group of pictures of a conversion that ended there; another one has made the whole of it.
    async fn crossing_in_the_middle(settings: [u8; 2]) -> Vec<(u32, bool)> {
        let header = |byte| Tag {
            kind: TagKind::Video,
            timestamp: MediaTime::ZERO,
            body: vec![0x17, 0, 0, 0, 0, byte].into(),
        };
        let reel = reel();
        let mut recorder = Recorder::new(reel.clone());
        recorder.push(&header(settings[0])).unwrap();
        for n in 0..5 {
            recorder.push(&video(n * 40, n == 0, 10)).unwrap();
        }
        recorder.flush().unwrap();
        let mut cursor = Cursor::new(reel.clone(), reel.first_point().unwrap());
        cursor.fill().await.unwrap();
        while let Next::Tag(_) = cursor.next_tag().unwrap() {}
        reel.park(RangeId::FIRST);

        let data = Arc::new(tempfile::tempfile().unwrap());
        let id = reel.begin(data, crate::reel::Start::default(), MediaTime::MAX, Instant::now()).unwrap();
        let mut recorder = Recorder::of(reel.clone(), id, MediaTime::ZERO);
        recorder.push(&header(settings[1])).unwrap();
        for n in 0..30 {
            recorder.push(&video(n * 40, n % 25 == 0, 10)).unwrap();
        }
        recorder.flush().unwrap();
        reel.end(id, recorder.indexer().end());
        let mut seen = Vec::new();
        loop {
            match cursor.next_tag().unwrap() {
                Next::Tag(tag) => seen.push((tag.timestamp.as_millis(), tag.is_sequence_header())),
                Next::Unread => cursor.fill().await.unwrap(),
                Next::NotYet | Next::End { .. } => return seen,
            }
        }
    }

    #[tokio::test]
    async fn a_group_of_pictures_is_gone_on_with_where_it_is_the_same_and_left_out_where_it_is_not() {
        let same = crossing_in_the_middle([1, 1]).await;
        assert_eq!(same, (5..30).map(|n| (n * 40, false)).collect::<Vec<_>>());
        let other = crossing_in_the_middle([1, 2]).await;
        assert!(other[0].1, "the headers first: {other:?}");
        assert_eq!(other[1..], (25..30).map(|n| (n * 40, false)).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_seek_waits_until_the_reel_has_passed_the_target() {
        let reel = reel();
        let mut recorder = Recorder::new(reel.clone());
        let at = MediaTime::from_millis;
        let now = Instant::now();
        assert!(matches!(reel.seek(at(0), now), Seek::Pending { available, .. } if available == at(0)));
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
    fn the_producer_is_held_back_only_while_it_is_beyond_its_goal() {
        use std::time::Duration;
        let reel = reel();
        let mut recorder = Recorder::new(reel.clone());
        recorder.push(&video(10_000, true, 10)).unwrap();
        recorder.flush().unwrap();
        let wanted = [(RangeId::FIRST, MediaTime::from_millis(2000))];
        reel.set_goals(&wanted, Duration::from_secs(8));
        assert!(!reel.hold_back(RangeId::FIRST, Duration::from_millis(1)));
        reel.set_goals(&wanted, Duration::from_secs(7));
        assert!(reel.hold_back(RangeId::FIRST, Duration::from_millis(1)));
    }
}
