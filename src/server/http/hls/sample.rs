//! A film's frames where they are: large ones in their file, small ones in memory.

use super::super::send_file::Part;
use crate::flv::Tag;
use crate::fmp4::segment::{Payload, Piece};
use crate::limits::HLS_COPY;
use bytes::{Bytes, BytesMut};
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a frame.
#[derive(Debug, Clone)]
pub(super) enum Sample {
    Copied(Bytes),
    File { data: Arc<File>, range: Range<u64> },
}

impl Sample {
    /// What is behind `skip` bytes of a tag's body, which is at `place` of a file.
    pub(super) fn new(tag: &Tag, skip: usize, place: Option<(Arc<File>, u64)>) -> Self {
        let body = &tag.body[skip.min(tag.body.len())..];
        match place.filter(|_| body.len() >= HLS_COPY) {
            Some((data, at)) => {
                let start = at + skip as u64;
                Self::File { data, range: start..start + body.len() as u64 }
            }
            // A slice would keep the block that was read alive.
            None => Self::Copied(Bytes::copy_from_slice(body)),
        }
    }
}

impl Payload for Sample {
    fn size(&self) -> u32 {
        match self {
            Self::Copied(bytes) => bytes.size(),
            // A tag's body has 24 bits of length.
            Self::File { range, .. } => (range.end - range.start) as u32,
        }
    }
}

/// What is sent for these pieces, of all the bytes those in `wanted`. Small ones are joined.
pub(super) fn parts(pieces: Vec<Piece<Sample>>, wanted: Range<u64>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut joined = BytesMut::new();
    let mut at = 0u64;
    for piece in pieces {
        let len = u64::from(piece.size());
        let (skip, end) = (wanted.start.saturating_sub(at).min(len), wanted.end.saturating_sub(at).min(len));
        at += len;
        if skip >= end {
            continue;
        }
        match piece {
            Piece::Bytes(bytes) | Piece::Data(Sample::Copied(bytes)) => {
                joined.extend_from_slice(&bytes[skip as usize..end as usize]);
            }
            Piece::Data(Sample::File { data, range }) => {
                if !joined.is_empty() {
                    parts.push(Part::Bytes(joined.split().freeze()));
                }
                parts.push(Part::File { data, range: range.start + skip..range.start + end });
            }
        }
    }
    if !joined.is_empty() {
        parts.push(Part::Bytes(joined.freeze()));
    }
    parts
}
