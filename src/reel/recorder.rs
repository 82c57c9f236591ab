//! Writes a conversion's tags into a reel.

use super::{Indexer, Reel, Role};
use crate::flv::Tag;
use crate::limits::REEL_WRITE;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Instant;

/// The writing end of a reel whose data file is ours. Blocking: it runs on a thread of its own.
///
/// Tags are gathered and reach the file, the index and the viewers by [`flush`](Self::flush):
/// viewers never see a tag whose bytes are not there yet.
#[derive(Debug)]
pub struct Recorder {
    reel: Arc<Reel>,
    indexer: Indexer,
    buffer: Vec<u8>,
    /// Where `buffer` goes.
    offset: u64,
}

impl Recorder {
    /// Writes from the start of the reel's data file.
    pub fn new(reel: Arc<Reel>) -> Self {
        Self { reel, indexer: Indexer::default(), buffer: Vec::with_capacity(REEL_WRITE), offset: 0 }
    }

    /// Adds a tag.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push(&mut self, tag: &Tag) -> io::Result<()> {
        let offset = self.offset + self.buffer.len() as u64;
        match Role::of(tag.kind, &tag.body) {
            Role::SequenceHeader => self.indexer.sequence_header(tag.clone(), offset),
            role => self.indexer.frame(role, tag.timestamp, offset),
        }
        tag.encode_into(&mut self.buffer);
        if self.buffer.len() >= REEL_WRITE { self.flush() } else { Ok(()) }
    }

    /// Writes what was gathered and lets viewers have it.
    ///
    /// # Errors
    /// When the file cannot be written: the disk is full or gone.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.reel.data.write_all_at(&self.buffer, self.offset)?;
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        self.reel.publish(self.indexer.take(), self.offset, self.indexer.available(), Instant::now());
        Ok(())
    }

    /// What the tags so far carry.
    pub fn indexer(&self) -> &Indexer {
        &self.indexer
    }

    /// Bytes written or gathered so far.
    pub fn len(&self) -> u64 {
        self.offset + self.buffer.len() as u64
    }

    /// True before the first tag.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
