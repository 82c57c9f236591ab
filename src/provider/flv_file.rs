//! A `.flv` of the library, served as it is.
//!
//! Nothing is copied: the reel reads the library's own file. What has to be made is the index, by
//! going from tag header to tag header once. That runs at the disk's speed, and a viewer can start
//! long before it is done: to the reel it looks like a conversion that is very fast.

use crate::flv::metadata::parse_on_metadata;
use crate::flv::reader::{FILE_HEADER_LEN, TagHeader, first_tag_offset};
use crate::flv::{TAG_HEADER_LEN, Tag, TagKind};
use crate::limits::{
    FLV_START_TAGS, FLV_START_TIME, MAX_CODEC_DATA, MAX_SCRIPT_TAG, ORIGIN_THRESHOLD, SCAN_WINDOW,
};
use crate::reel::{Indexer, RangeId, Reel, Role};
use crate::time::MediaTime;
use bytes::Bytes;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Bytes of a body that tell a tag's role.
const ROLE_LEN: usize = 8;

/// Tags between two times that viewers are told of the progress.
const PUBLISH_TAGS: u32 = 512;

/// True when a file's first bytes are FLV's, whatever it is called.
pub(super) fn is_flv(file: &File) -> bool {
    let mut magic = [0; 3];
    file.read_exact_at(&mut magic, 0).is_ok() && &magic == b"FLV"
}

/// Indexes the file behind `reel` to its end, or until `stop`. Blocking. Whatever is wrong with
/// the file ends up in the reel: damage in the middle ends it there, with what came before kept.
pub(super) fn scan(reel: &Reel, len: u64, name: &str, stop: &AtomicBool) {
    let Some(file) = reel.data_of(RangeId::FIRST) else { return };
    let mut scan = Scan { reel, window: Window::new(&file), indexer: Indexer::default(), started: false };
    match scan.run(len, stop) {
        Ok(()) => {}
        Err(error) if scan.indexer.has_media() => {
            tracing::warn!(file = name, %error, "flv file is damaged; it is served up to there");
        }
        Err(error) => return reel.fail(format!("\"{name}\" can't be played: {error}")),
    }
    if !scan.indexer.has_media() {
        return reel.fail(format!("\"{name}\" can't be played: there is neither picture nor sound in it"));
    }
    scan.start();
    reel.complete(scan.indexer.end());
}

struct Scan<'a> {
    reel: &'a Reel,
    window: Window<'a>,
    indexer: Indexer,
    started: bool,
}

impl Scan<'_> {
    fn run(&mut self, len: u64, stop: &AtomicBool) -> io::Result<()> {
        let damaged = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let head: [u8; FILE_HEADER_LEN] = self.window.array(0)?;
        let mut offset = first_tag_offset(&head).map_err(damaged)?;
        let mut origin = None;
        let mut unpublished = 0;
        while offset + (TAG_HEADER_LEN as u64) <= len && !stop.load(Ordering::Relaxed) {
            let head: [u8; TAG_HEADER_LEN] = self.window.array(offset)?;
            let header = match TagHeader::parse(&head) {
                Ok(header) => header,
                Err(error) => {
                    self.publish(offset);
                    return Err(damaged(error));
                }
            };
            let next = offset + header.encoded_len() as u64;
            if next > len {
                // The writer was cut off in the middle of a tag.
                break;
            }
            if header.kind != TagKind::Script && origin.is_none() {
                origin = Some(self.set_origin(header.timestamp));
            }
            self.observe(header, offset, origin.unwrap_or_default())?;
            offset = next;
            unpublished += 1;
            // Until viewers can start, they are waiting for every tag.
            if unpublished >= PUBLISH_TAGS || !self.started {
                self.publish(offset);
                unpublished = 0;
            }
        }
        self.publish(offset.min(len));
        Ok(())
    }

    fn set_origin(&self, first: MediaTime) -> MediaTime {
        let late = u128::from(first.as_millis()) >= ORIGIN_THRESHOLD.as_millis();
        let origin = if late { first } else { MediaTime::ZERO };
        self.reel.set_origin(origin);
        origin
    }

    fn observe(&mut self, header: TagHeader, offset: u64, origin: MediaTime) -> io::Result<()> {
        let body_at = offset + TAG_HEADER_LEN as u64;
        let time = MediaTime::from_millis(header.timestamp.saturating_millis_since(origin));
        if header.kind == TagKind::Script {
            if self.reel.source_metadata().is_none() && header.body_len <= MAX_SCRIPT_TAG {
                self.read_metadata(body_at, header.body_len)?;
            }
            return Ok(());
        }
        let mut head = [0; ROLE_LEN];
        let head = &mut head[..header.body_len.min(ROLE_LEN)];
        self.window.read(head, body_at)?;
        match Role::of(header.kind, head) {
            Role::SequenceHeader if header.body_len <= MAX_CODEC_DATA => {
                let mut body = vec![0; header.body_len];
                self.window.read(&mut body, body_at)?;
                self.indexer
                    .sequence_header(Tag { kind: header.kind, timestamp: time, body: body.into() }, offset);
            }
            role => self.indexer.frame(role, time, offset),
        }
        Ok(())
    }

    fn read_metadata(&mut self, at: u64, len: usize) -> io::Result<()> {
        let mut body = vec![0; len];
        self.window.read(&mut body, at)?;
        let body = Bytes::from(body);
        if let Some(source) = parse_on_metadata(&body) {
            if let Some(duration) = source.duration {
                self.reel.set_duration(duration);
            }
            if let Some((width, height)) = source.picture_size {
                self.reel.set_picture_size(width, height);
            }
            self.reel.set_source_metadata(body);
        }
        Ok(())
    }

    fn publish(&mut self, end_offset: u64) {
        let available = self.indexer.available();
        self.reel.publish(self.indexer.take(), end_offset, available, Instant::now());
        let codecs = self.indexer.codecs();
        let both = codecs.video.is_some() && codecs.audio.is_some();
        let waited = u128::from(self.indexer.end().as_millis()) >= FLV_START_TIME.as_millis();
        if self.indexer.has_media() && (both || waited || self.indexer.frames() >= FLV_START_TAGS) {
            self.start();
        }
    }

    fn start(&mut self) {
        if !std::mem::replace(&mut self.started, true) {
            self.reel.start(self.indexer.codecs());
        }
    }
}

/// A window over a file that is read mostly forwards: tag headers are small, and one read per
/// header would be a system call for every few milliseconds of media.
struct Window<'a> {
    file: &'a File,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    fn new(file: &'a File) -> Self {
        Self { file, start: 0, bytes: Vec::new() }
    }

    fn array<const N: usize>(&mut self, at: u64) -> io::Result<[u8; N]> {
        let mut out = [0; N];
        self.read(&mut out, at)?;
        Ok(out)
    }

    fn read(&mut self, out: &mut [u8], at: u64) -> io::Result<()> {
        if out.len() > SCAN_WINDOW {
            return self.file.read_exact_at(out, at);
        }
        let covered = |w: &Self| at >= w.start && at + out.len() as u64 <= w.start + w.bytes.len() as u64;
        if !covered(self) {
            self.load(at)?;
        }
        if !covered(self) {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file ends in the middle of its header",
            ));
        }
        let from = (at - self.start) as usize;
        out.copy_from_slice(&self.bytes[from..from + out.len()]);
        Ok(())
    }

    fn load(&mut self, at: u64) -> io::Result<()> {
        self.bytes.resize(SCAN_WINDOW, 0);
        self.start = at;
        let mut filled = 0;
        while filled < SCAN_WINDOW {
            match self.file.read_at(&mut self.bytes[filled..], at + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.bytes.truncate(filled);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::flv::metadata::Metadata;
    use crate::flv::reader::file_header;
    use crate::reel::Phase;
    use std::io::Write;
    use std::sync::Arc;

    fn tag(kind: TagKind, ms: u32, body: &[u8]) -> Tag {
        Tag { kind, timestamp: MediaTime::from_millis(ms), body: Bytes::copy_from_slice(body) }
    }

    /// Header, metadata, both sequence headers, then ten seconds of `K i i i` with sound, the
    /// first frame at `start` ms.
    fn sample(start: u32) -> Vec<u8> {
        let mut out = file_header(true, true).to_vec();
        let metadata = Metadata { duration: Some(MediaTime::from_millis(10_000)), ..Metadata::default() };
        metadata.to_tag().encode_into(&mut out);
        tag(TagKind::Video, start, &[0x17, 0, 0, 0, 0, 1, 2]).encode_into(&mut out);
        tag(TagKind::Audio, start, &[0xaf, 0, 0x12]).encode_into(&mut out);
        for n in 0..100u32 {
            let key = if n % 10 == 0 { 0x17 } else { 0x27 };
            tag(TagKind::Video, start + n * 100, &[key, 1, 0, 0, 0, 9]).encode_into(&mut out);
            tag(TagKind::Audio, start + n * 100 + 3, &[0xaf, 1, 9]).encode_into(&mut out);
        }
        out
    }

    fn scanned(bytes: &[u8]) -> Arc<Reel> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let reel = Arc::new(Reel::new(Arc::new(file)));
        scan(&reel, bytes.len() as u64, "x.flv", &AtomicBool::new(false));
        reel
    }

    #[test]
    fn a_whole_file_is_indexed_by_keyframe() {
        let bytes = sample(0);
        let reel = scanned(&bytes);
        let times: Vec<u32> = reel.points().iter().map(|p| p.time.as_millis()).collect();
        assert_eq!(times, (0..10).map(|n| n * 1000).collect::<Vec<_>>());
        assert_eq!(reel.progress().phase, Phase::Complete);
        assert_eq!(reel.progress().bytes, bytes.len() as u64);
        assert_eq!(reel.duration(), Some(MediaTime::from_millis(10_000)));
        assert!(reel.codecs().unwrap().are_avc_and_aac());
        let headers = reel.headers_at(reel.points()[3]);
        assert_eq!(headers.len(), 2);
        assert!(headers.iter().all(|h| h.timestamp.as_millis() == 3000 && h.is_sequence_header()));
    }

    #[test]
    fn a_file_cut_from_a_longer_recording_begins_at_zero() {
        let reel = scanned(&sample(5 * 3600 * 1000));
        assert_eq!(reel.first_point().unwrap().time, MediaTime::ZERO);
        assert_eq!(reel.progress().available, MediaTime::from_millis(9903));
    }

    #[test]
    fn files_cut_at_every_byte_end_there_or_are_refused() {
        let bytes = sample(0);
        let first_media = scanned(&bytes).first_point().unwrap().offset;
        for cut in (0..600).chain(bytes.len() - 60..bytes.len()) {
            let reel = scanned(&bytes[..cut]);
            let progress = reel.progress();
            assert!(progress.bytes <= cut as u64, "cut at {cut}");
            if cut as u64 > first_media + 40 {
                assert_eq!(progress.phase, Phase::Complete, "cut at {cut}");
            } else if (cut as u64) < first_media {
                assert_eq!(progress.phase, Phase::Failed, "cut at {cut}");
                assert!(reel.failure().unwrap().starts_with("\"x.flv\" can't be played: "));
            }
        }
    }

    #[test]
    fn damage_in_the_middle_ends_the_reel_there() {
        let mut bytes = sample(0);
        let at = scanned(&bytes).points()[5].offset;
        bytes[at as usize] = 0x1e;
        let reel = scanned(&bytes);
        assert_eq!(reel.progress().phase, Phase::Complete);
        assert_eq!(reel.progress().bytes, at);
        assert_eq!(reel.points().len(), 5);
    }
}
