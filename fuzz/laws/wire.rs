//! The worker's messages: whatever it sends and however the pipe cuts it, the same messages and the same
//! end; none beyond the limits; what was read can be written, and reads back. The tags made of them keep
//! the order of decoding.

use std::io::{self, Read};
use wiidiaserver::flv::TagKind;
use wiidiaserver::limits::{MAX_ACCESS_UNIT, MAX_CODEC_DATA, MAX_TAG_BODY, MAX_WORKER_TEXT};
use wiidiaserver::pipeline::fuzzing::{messages, tags};

/// Kind and length.
const HEAD: usize = 5;

pub fn law(mut input: &[u8]) {
    let step = usize::from(super::byte(&mut input)) + 1;
    let (found, end) = messages(input);
    assert_eq!(messages(Drip(input, step)), (found.clone(), end));

    let mut written = Vec::new();
    for message in &found {
        let len = message.len() - HEAD;
        let max = match message[0] {
            2 => 1 + MAX_CODEC_DATA,
            3 => 18 + MAX_ACCESS_UNIT,
            _ => MAX_WORKER_TEXT,
        };
        // JSON with fields left out is longer when they are not.
        assert!(len <= max || message[0] == 1, "kind {}, {len} bytes", message[0]);
        if len <= max {
            written.push(message.clone());
        }
    }
    assert_eq!(messages(&written.concat()[..]), (written, None));

    let mut last = [None; 2];
    let mut bytes = 0;
    for tag in tags(input) {
        assert!(tag.body.len() <= MAX_TAG_BODY);
        if tag.is_sequence_header() {
            // At the time of the frame it goes before, which may be one of the other lane.
            continue;
        }
        bytes += tag.body.len();
        let last = match tag.kind {
            TagKind::Video => &mut last[0],
            TagKind::Audio => &mut last[1],
            TagKind::Script => panic!("no message makes a script tag"),
        };
        assert!(*last <= Some(tag.timestamp), "{last:?} before {tag:?}");
        *last = Some(tag.timestamp);
    }
    assert!(bytes <= input.len());
}

/// Gives out so many bytes at a time, as a pipe may.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let piece = super::bytes(&mut self.0, self.1.min(out.len()));
        out[..piece.len()].copy_from_slice(piece);
        Ok(piece.len())
    }
}
