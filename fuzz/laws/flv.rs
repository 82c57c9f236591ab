//! FLV: a tag that can be read is written the same; an index of a file points to tags inside it, in order;
//! metadata is sensible or absent.

use bytes::Bytes;
use std::cell::RefCell;
use std::fs::File;
use std::io::{Seek, Write};
use std::sync::Arc;
use wiidiaserver::flv::metadata::parse_on_metadata;
use wiidiaserver::flv::reader::{
    FILE_HEADER_LEN, TagHeader, file_header, first_tag_offset, next_tag_len, take_tag,
};
use wiidiaserver::flv::{PREVIOUS_TAG_SIZE_LEN, TAG_HEADER_LEN, TagKind};
use wiidiaserver::limits::MAX_TAG_BODY;
use wiidiaserver::reel::{Phase, Reel};

pub fn law(input: &[u8]) {
    let body = match input.first_chunk::<FILE_HEADER_LEN>().map(first_tag_offset) {
        Some(Ok(first)) => input.get(first as usize..).unwrap_or_default(),
        _ => input,
    };
    tags_encode_the_same(body);
    metadata_is_sensible(body);
    index_points_to_tags(input);
    // Most mutations lose the file's head.
    index_points_to_tags(&[&file_header(true, true)[..], body].concat());
}

fn tags_encode_the_same(input: &[u8]) {
    let mut rest = Bytes::copy_from_slice(input);
    loop {
        let before = rest.clone();
        let announced = next_tag_len(&before);
        match take_tag(&mut rest) {
            Ok(Some(tag)) => {
                let taken = before.len() - rest.len();
                assert_eq!((announced, tag.encoded_len()), (Ok(Some(taken)), taken));
                assert!(tag.body.len() <= MAX_TAG_BODY);
                metadata_is_sensible(&tag.body);
                let mut written = Vec::new();
                tag.encode_into(&mut written);
                // Not kept: filter and reserved bits, the stream id, what the size behind the tag says.
                let mut expected = before[..taken - PREVIOUS_TAG_SIZE_LEN].to_vec();
                expected[0] &= 0x1f;
                expected[8..TAG_HEADER_LEN].fill(0);
                assert_eq!(written[..expected.len()], expected);
                assert_eq!(written[expected.len()..], (expected.len() as u32).to_be_bytes());
            }
            Ok(None) => {
                assert_eq!(rest, before);
                return assert!(!matches!(announced, Ok(Some(len)) if len <= before.len()));
            }
            Err(error) => {
                assert_eq!(rest, before);
                return assert_eq!(announced, Err(error));
            }
        }
    }
}

fn metadata_is_sensible(body: &[u8]) {
    let Some(metadata) = parse_on_metadata(&Bytes::copy_from_slice(body)) else { return };
    if let Some((width, height)) = metadata.picture_size {
        assert!(width <= 65_535 && height <= 65_535);
    }
}

thread_local! {
    static FILE: RefCell<File> = RefCell::new(tempfile::tempfile().unwrap());
}

fn index_points_to_tags(bytes: &[u8]) {
    FILE.with_borrow_mut(|file| {
        file.set_len(0).unwrap();
        file.rewind().unwrap();
        file.write_all(bytes).unwrap();
        let len = bytes.len() as u64;
        let reel = wiidiaserver::provider::fuzzing::scan(Arc::new(file.try_clone().unwrap()), len);
        check_index(&reel, bytes);
        // The file became shorter meanwhile: an error or an early end, no more.
        file.set_len(len / 2).unwrap();
        wiidiaserver::provider::fuzzing::scan(Arc::new(file.try_clone().unwrap()), len);
    });
}

fn check_index(reel: &Reel, bytes: &[u8]) {
    let progress = reel.progress();
    assert_ne!(progress.phase, Phase::Growing);
    assert_eq!(progress.phase == Phase::Failed, reel.failure().is_some());
    let end = progress.bytes;
    assert!(end <= bytes.len() as u64, "read up to {end} of {}", bytes.len());
    let points = reel.points();
    for pair in points.windows(2) {
        assert!(pair[0].offset < pair[1].offset && pair[0].time < pair[1].time, "{pair:?}");
    }
    if progress.phase == Phase::Complete {
        assert!(reel.codecs().is_some() && !points.is_empty() && progress.started);
    }
    for point in points {
        let at = point.offset as usize;
        let header = TagHeader::parse(bytes[at..].first_chunk().unwrap()).unwrap();
        assert_ne!(header.kind, TagKind::Script);
        assert!(point.offset + header.encoded_len() as u64 <= end);
        let headers = reel.headers_at(point);
        assert!(headers.len() <= 2);
        assert!(headers.iter().all(|tag| tag.is_sequence_header() && tag.timestamp == point.time));
    }
}
