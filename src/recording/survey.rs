//! Goes through a recording from tag to tag: to repair one whose server was killed, and to continue
//! one.

use super::head::{HEAD_LEN, KeyframeTable};
use crate::flv::reader::TagHeader;
use crate::flv::{PREVIOUS_TAG_SIZE_LEN, TAG_HEADER_LEN, Tag, TagKind};
use crate::limits::{MAX_CODEC_DATA, SCAN_WINDOW};
use crate::reel::{Indexer, Role};
use crate::time::MediaTime;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// What is in a recording.
#[derive(Debug)]
pub(super) struct Survey {
    /// Behind the last whole tag: what follows is not to be kept.
    pub(super) end_offset: u64,
    pub(super) indexer: Indexer,
    pub(super) table: KeyframeTable,
    /// The sequence headers that hold at the end, picture first.
    pub(super) headers: [Option<Tag>; 2],
}

/// Where a lane's header is kept.
pub(super) fn lane(kind: TagKind) -> Option<usize> {
    match kind {
        TagKind::Video => Some(0),
        TagKind::Audio => Some(1),
        TagKind::Script => None,
    }
}

/// Reads `file` from its first media tag on. Blocking.
///
/// It ends at the first tag that is not as we write them: cut short by the end of the server, or
/// zeros where the disk did not get everything before the power was cut. The four bytes behind each
/// tag repeat its length; with other writers they are often wrong, with us never.
///
/// # Errors
/// When the disk fails.
pub(super) fn survey(file: impl Read + Seek) -> io::Result<Survey> {
    let mut reader = BufReader::with_capacity(SCAN_WINDOW, file);
    reader.seek(SeekFrom::Start(HEAD_LEN))?;
    let mut found = Survey::default();
    loop {
        match found.next(&mut reader) {
            Ok(true) => {}
            Ok(false) => return Ok(found),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(found),
            Err(error) => return Err(error),
        }
    }
}

impl Default for Survey {
    /// Of a file that has only its head.
    fn default() -> Self {
        Self {
            end_offset: HEAD_LEN,
            indexer: Indexer::default(),
            table: KeyframeTable::default(),
            headers: [None, None],
        }
    }
}

impl Survey {
    /// False where the file is damaged.
    fn next(&mut self, reader: &mut BufReader<impl Read + Seek>) -> io::Result<bool> {
        let mut head = [0; TAG_HEADER_LEN];
        reader.read_exact(&mut head)?;
        let Ok(header) = TagHeader::parse(&head) else { return Ok(false) };
        // Enough to tell the tag's role, or all of it.
        let mut body = vec![0; header.body_len.min(8)];
        reader.read_exact(&mut body)?;
        let role = Role::of(header.kind, &body);
        let whole = role == Role::SequenceHeader && header.body_len <= MAX_CODEC_DATA;
        if whole {
            let begun = body.len();
            body.resize(header.body_len, 0);
            reader.read_exact(&mut body[begun..])?;
        } else {
            reader.seek_relative((header.body_len - body.len()) as i64)?;
        }
        let mut size = [0; PREVIOUS_TAG_SIZE_LEN];
        reader.read_exact(&mut size)?;
        if u32::from_be_bytes(size) as usize != TAG_HEADER_LEN + header.body_len {
            return Ok(false);
        }
        if whole {
            let tag = Tag { kind: header.kind, timestamp: header.timestamp, body: body.into() };
            self.note_header(tag);
        } else {
            self.note_frame(role, header.timestamp);
        }
        self.end_offset += header.encoded_len() as u64;
        Ok(true)
    }

    /// A sequence header at the end of what there is.
    pub(super) fn note_header(&mut self, tag: Tag) {
        self.indexer.sequence_header(tag.clone(), self.end_offset);
        if let Some(lane) = lane(tag.kind) {
            self.headers[lane] = Some(tag);
        }
    }

    /// Anything else there.
    pub(super) fn note_frame(&mut self, role: Role, time: MediaTime) {
        self.indexer.frame(role, time, self.end_offset);
        let seekable = match role {
            Role::Keyframe(_) => true,
            Role::AudioFrame(_) => self.indexer.codecs().video.is_none() && self.audio_point_due(time),
            _ => false,
        };
        if seekable {
            self.table.add(time, self.end_offset);
        }
    }

    /// A recording of sound alone has an entry each second.
    fn audio_point_due(&self, time: MediaTime) -> bool {
        self.table.entries().last().is_none_or(|(last, _)| time.saturating_millis_since(*last) >= 1000)
    }
}
