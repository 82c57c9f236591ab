//! RTMP chunks: however the network cuts them, the same messages and the same error; no more kept than
//! allowed; what was read can be written, and reads back.
//!
//! Input: kind of limit and number of cuts (4 bits each), the distance to each cut, the chunks.

use super::{byte, bytes};
use wiidiaserver::limits::{MAX_PARTIAL_MESSAGES, MAX_RTMP_COMMAND};
use wiidiaserver::rtmp::chunk_reader::{ChunkError, ChunkReader, INITIAL_CHUNK_SIZE, Message};

struct Outcome {
    messages: Vec<Message>,
    error: Option<ChunkError>,
    position: u64,
    buffered: usize,
}

pub fn law(mut input: &[u8]) {
    let settings = byte(&mut input);
    let max = match settings >> 4 {
        0..8 => MAX_RTMP_COMMAND,
        8..12 => 300,
        _ => 8 << 20,
    };
    // Far apart as well as in the middle of a header.
    let cuts: Vec<usize> = bytes(&mut input, usize::from(settings & 15))
        .iter()
        .map(|&distance| if distance < 128 { distance.into() } else { (usize::from(distance) - 127) * 128 })
        .collect();

    let whole = read(max, [input]);
    for cut in [read(max, pieces(input, &cuts)), read(max, input.chunks(1))] {
        assert_eq!(cut.messages, whole.messages);
        assert_eq!(cut.error, whole.error);
        assert_eq!((cut.position, cut.buffered), (whole.position, whole.buffered));
    }
    reads_back(max, &whole.messages);
}

fn pieces<'a>(mut input: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces: Vec<&[u8]> = cuts.iter().map(|&cut| bytes(&mut input, cut)).collect();
    pieces.push(input);
    pieces
}

fn read<'a>(max: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut reader = ChunkReader::new(max);
    let mut messages = Vec::new();
    let mut arrived = 0;
    for mut piece in pieces {
        arrived += piece.len() as u64;
        loop {
            let before = piece.len();
            match reader.read(&mut piece) {
                Ok(Some(message)) => {
                    assert!(message.payload.len() <= max);
                    messages.push(message);
                }
                Ok(None) => {
                    assert!(piece.is_empty(), "not yet, but {} of {before} bytes are left", piece.len());
                    break;
                }
                Err(error) => {
                    let position = reader.position();
                    assert!(position <= arrived);
                    // What a reader holds behind an error depends on the cuts, and nobody looks.
                    return Outcome { messages, error: Some(error), position, buffered: 0 };
                }
            }
            assert!(reader.buffered() <= max * MAX_PARTIAL_MESSAGES);
            assert!(reader.buffered() as u64 <= arrived);
        }
        assert_eq!(reader.position(), arrived);
        assert!(reader.buffered() <= max * MAX_PARTIAL_MESSAGES);
    }
    Outcome { messages, error: None, position: reader.position(), buffered: reader.buffered() }
}

fn reads_back(max: usize, messages: &[Message]) {
    let mut wire = Vec::new();
    let mut chunk_size = INITIAL_CHUNK_SIZE;
    for (message, csid) in messages.iter().zip((2..6).cycle()) {
        wire.extend(wiidiaserver::rtmp::fuzzing::chunks(message, csid, chunk_size));
        if let (1, Some(&size)) = (message.type_id, message.payload.first_chunk()) {
            chunk_size = u32::from_be_bytes(size) as usize;
        }
    }
    let again = read(max, [&wire[..]]);
    assert_eq!(again.error, None);
    assert_eq!(again.messages, messages);
    assert_eq!(again.buffered, 0);
}
