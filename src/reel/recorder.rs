//! Writes a conversion's tags into a range of a reel.

use super::ranges::{Junction, is_beyond};
use super::{Indexer, Opening, RangeId, Reel, Role};
use crate::flv::{Tag, TagKind};
use crate::limits::{INTERLEAVE_SKEW, REEL_WRITE};
use crate::time::MediaTime;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Instant;

/// The writing end of a range whose data file is ours. Blocking: it runs on a thread of its own.
///
/// Tags are gathered and reach the file, the index and the viewers by [`flush`](Self::flush):
/// viewers never see a tag whose bytes are not there yet.
///
/// A range that begins in the middle begins with a picture: sound before it is left out. One that reaches
/// another range ends where that can be entered, and exactly there: nothing twice, nothing missing.
#[derive(Debug)]
pub struct Recorder {
    reel: Arc<Reel>,
    id: RangeId,
    data: Arc<File>,
    indexer: Indexer,
    buffer: Vec<u8>,
    /// Where `buffer` goes.
    offset: u64,
    opening: Opening,
    /// Nothing is left out.
    begun: bool,
    /// There was sound, left out or not.
    heard: bool,
    ahead: Option<Ahead>,
}

/// The place where another range takes over.
#[derive(Debug)]
struct Ahead {
    junction: Junction,
    /// Pictures and sound have come to it.
    video: Option<MediaTime>,
    audio: bool,
}

/// What became of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It is recorded, or left out.
    Taken,
    /// It and all that follow are in another range already, which the reel goes on with.
    Joined,
    /// So they were, but that range has been forgotten meanwhile: this one ends before it.
    Astray,
}

impl Recorder {
    /// Writes the first range of a reel, from the start of its data file.
    pub fn new(reel: Arc<Reel>) -> Self {
        Self::of(reel, RangeId::FIRST, MediaTime::ZERO)
    }

    /// Writes a range that the reel has [begun](Reel::begin) for `aim`.
    ///
    /// # Panics
    /// Never in this program: a range that was just begun has a file.
    pub fn of(reel: Arc<Reel>, id: RangeId, aim: MediaTime) -> Self {
        let data = reel.data_of(id).unwrap_or_else(|| unreachable!("the range was begun"));
        Self {
            reel,
            id,
            data,
            indexer: Indexer::default(),
            buffer: Vec::with_capacity(REEL_WRITE),
            offset: 0,
            opening: Opening::default(),
            begun: aim == MediaTime::ZERO,
            heard: false,
            ahead: None,
        }
    }

    /// What will come, once that is known.
    pub fn open(&mut self, opening: Opening) {
        self.opening = opening;
        self.reel.open(self.id, opening);
    }

    /// Adds a tag.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push(&mut self, tag: &Tag) -> io::Result<Pushed> {
        let role = Role::of(tag.kind, &tag.body);
        if matches!(role, Role::AudioFrame(_)) && !std::mem::replace(&mut self.heard, true) {
            self.reel.heard(self.id, tag.timestamp);
        }
        if !self.begun && !matches!(role, Role::SequenceHeader) {
            self.begun = matches!(role, Role::Keyframe(_)) || !self.opening.video;
            if !self.begun {
                return Ok(Pushed::Taken);
            }
        }
        if let Some(ahead) = &mut self.ahead {
            let reached = ahead.passes(tag, role, self.opening.video);
            if ahead.is_complete(tag, self.opening) {
                let junction = ahead.junction;
                self.flush()?;
                let joined = self.reel.hand_over(self.id, junction);
                return Ok(if joined { Pushed::Joined } else { Pushed::Astray });
            }
            if reached {
                return Ok(Pushed::Taken);
            }
        }
        let offset = self.offset + self.buffer.len() as u64;
        match role {
            Role::SequenceHeader => self.indexer.sequence_header(tag.clone(), offset),
            role => self.indexer.frame(role, tag.timestamp, offset),
        }
        tag.encode_into(&mut self.buffer);
        if self.buffer.len() >= REEL_WRITE {
            self.flush()?;
        }
        Ok(Pushed::Taken)
    }

    /// Writes what was gathered and lets viewers have it.
    ///
    /// # Errors
    /// When the file cannot be written: the disk is full or gone.
    pub fn flush(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            self.data.write_all_at(&self.buffer, self.offset)?;
            self.offset += self.buffer.len() as u64;
            self.buffer.clear();
            let findings = self.indexer.take();
            self.reel.publish_in(self.id, findings, self.offset, self.indexer.available(), Instant::now());
        }
        // One that is being reached stays.
        if self.indexer.has_media() && self.ahead.as_ref().is_none_or(Ahead::is_untouched) {
            let junction = self.reel.junction(self.id, self.indexer.end());
            self.ahead = junction.map(|junction| Ahead { junction, video: None, audio: false });
        }
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

impl Ahead {
    /// Whether the tag is beyond the junction, and so in the other range.
    fn passes(&mut self, tag: &Tag, role: Role, pictures: bool) -> bool {
        let beyond = is_beyond(&self.junction, tag.kind, tag.timestamp, pictures);
        match role {
            Role::Keyframe(_) | Role::VideoFrame(_) if beyond => self.video = Some(tag.timestamp),
            Role::AudioFrame(_) if beyond => self.audio = true,
            Role::SequenceHeader => {
                return if tag.kind == TagKind::Video { self.video.is_some() } else { self.audio };
            }
            _ => return beyond,
        }
        true
    }

    /// Both pictures and sound have come to the junction, as far as there are any.
    fn is_complete(&self, tag: &Tag, opening: Opening) -> bool {
        let skew = u32::try_from(INTERLEAVE_SKEW.as_millis()).unwrap_or(u32::MAX);
        let late = tag.timestamp > self.junction.point.time.saturating_add_millis(skew);
        let video = self.video.is_some() || !opening.video;
        let audio = self.audio || !opening.sound;
        (video && audio) || (late && (self.video.is_some() || self.audio))
    }

    fn is_untouched(&self) -> bool {
        self.video.is_none() && !self.audio
    }
}
