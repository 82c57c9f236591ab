use super::*;
use proptest::prelude::*;

const MAX: usize = 1000;

fn read(input: &[u8]) -> Result<Vec<Message>, ChunkError> {
    let mut reader = ChunkReader::new(MAX);
    read_with(&mut reader, input)
}

fn read_with(reader: &mut ChunkReader, mut input: &[u8]) -> Result<Vec<Message>, ChunkError> {
    let mut messages = Vec::new();
    while let Some(message) = reader.read(&mut input)? {
        messages.push(message);
    }
    assert!(input.is_empty());
    Ok(messages)
}

/// fmt 0 header on a one-byte csid.
fn full(csid: u8, time: u32, length: u32, type_id: u8, stream_id: u32) -> Vec<u8> {
    let mut head = vec![csid];
    head.extend(&time.min(EXTENDED).to_be_bytes()[1..]);
    head.extend(&length.to_be_bytes()[1..]);
    head.push(type_id);
    head.extend(stream_id.to_le_bytes());
    if time >= EXTENDED {
        head.extend(time.to_be_bytes());
    }
    head
}

fn times(messages: &[Message]) -> Vec<u32> {
    messages.iter().map(|message| message.timestamp.as_millis()).collect()
}

#[test]
fn deltas_add_up_over_all_four_formats() {
    let mut input = [full(6, 1000, 2, 20, 1), vec![1, 1]].concat();
    input.extend([0x46, 0, 0, 10, 0, 0, 3, 18, 2, 2, 2]); // fmt 1
    input.extend([0x86, 0, 0, 5, 3, 3, 3]); // fmt 2
    input.extend([0xc6, 4, 4, 4]); // fmt 3: a new message, same delta
    let messages = read(&input).unwrap();
    assert_eq!(times(&messages), [1000, 1010, 1015, 1020]);
    assert_eq!(messages[3].type_id, 18);
    assert_eq!(messages[3].stream_id, 1);
    assert_eq!(&messages[3].payload[..], [4, 4, 4]);
}

#[test]
fn interleaved_chunk_streams_keep_their_messages_apart() {
    // Two chunk streams in turn: rml_rtmp panicked here (fault P3).
    let mut input = [full(4, 0, 200, 9, 1), vec![4; 128]].concat();
    input.extend([full(5, 0, 130, 8, 1), vec![5; 128]].concat());
    input.extend([vec![0xc4], vec![4; 72], vec![0xc5], vec![5; 2]].concat());
    let messages = read(&input).unwrap();
    assert_eq!(&messages[0].payload[..], [4; 200]);
    assert_eq!(&messages[1].payload[..], [5; 130]);
}

#[test]
fn a_header_that_shrinks_a_message_midway_starts_a_new_one() {
    // Fault P3 again: the length underflowed.
    let mut input = [full(4, 0, 200, 9, 1), vec![4; 128]].concat();
    input.extend([full(4, 7, 1, 9, 1), vec![9]].concat());
    let messages = read(&input).unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(&messages[0].payload[..], [9]);
}

#[test]
fn a_full_header_repeated_midway_goes_on_with_the_message() {
    // Peers built on rml_rtmp (fault B6).
    let mut input = [full(3, 5, 130, 20, 0), vec![1; 128]].concat();
    input.extend([full(3, 5, 130, 20, 0), vec![1; 2]].concat());
    assert_eq!(read(&input).unwrap()[0].payload.len(), 130);
}

#[test]
fn a_pong_of_librtmp_on_a_fresh_chunk_stream_is_taken() {
    // fmt 1 without a header before it (fault B2).
    let messages = read(&[0x42, 0, 0, 1, 0, 0, 6, 4, 0, 7, 0, 0, 0, 9]).unwrap();
    assert_eq!((messages[0].type_id, messages[0].stream_id), (4, 0));
    for format in [2, 3] {
        let error = read(&[format << 6 | 2, 0, 0, 0]).unwrap_err();
        assert_eq!(error, ChunkError::NoPreviousHeader { format, csid: 2 });
    }
}

#[test]
fn an_extended_timestamp_may_be_repeated_or_not() {
    let time = 0x0123_4567;
    let repeated = [full(4, time, 130, 9, 1), vec![9; 128], vec![0xc4, 1, 0x23, 0x45, 0x67, 9, 9]].concat();
    let bare = [full(4, time, 130, 9, 1), vec![9; 128], vec![0xc4, 9, 9]].concat();
    // The body begins like the timestamp, then differs.
    let alike = [full(4, time, 131, 9, 1), vec![9; 128], vec![0xc4, 1, 0x23, 9]].concat();
    for (input, len) in [(repeated, 130), (bare, 130), (alike, 131)] {
        let next = [full(4, time + 1, 1, 9, 1), vec![1]].concat();
        let messages = read(&[input, next].concat()).unwrap();
        assert_eq!(times(&messages), [time, time + 1]);
        assert_eq!(messages[0].payload.len(), len);
    }
}

#[test]
fn an_extended_delta_below_the_24_bit_limit_is_a_delta() {
    // Fault P4: the subtraction underflowed.
    let mut input = [full(4, 100, 1, 9, 1), vec![0]].concat();
    input.extend([0x84, 0xff, 0xff, 0xff, 0, 0, 0, 5, 0]);
    assert_eq!(times(&read(&input).unwrap()), [100, 105]);
}

#[test]
fn chunk_streams_above_63_have_longer_headers() {
    for (basic, csid) in [(vec![0, 0], 64), (vec![0, 255], 319), (vec![1, 0, 1], 320)] {
        let input = [basic, full(9, 0, 1, 20, 0)[1..].to_vec(), vec![1]].concat();
        let mut reader = ChunkReader::new(MAX);
        assert_eq!(read_with(&mut reader, &input).unwrap().len(), 1);
        assert_eq!(reader.streams[0].csid, csid);
    }
}

#[test]
fn messages_above_the_limit_are_refused_by_their_header() {
    let error = read(&full(3, 0, 0xff_ffff, 20, 0)).unwrap_err();
    assert_eq!(error, ChunkError::MessageTooLong { length: 0xff_ffff, csid: 3, max: MAX });
}

#[test]
fn unfinished_messages_share_one_budget() {
    let mut input = [full(2, 0, 4, 1, 0), 999u32.to_be_bytes().to_vec()].concat();
    for csid in 3..3 + MAX_PARTIAL_MESSAGES as u8 + 1 {
        input.extend([full(csid, 0, 1000, 9, 1), vec![0; 999]].concat());
    }
    assert!(matches!(read(&input), Err(ChunkError::TooManyPartialMessages { .. })));
}

#[test]
fn chunk_streams_are_counted() {
    let input: Vec<u8> = (2..60).flat_map(|csid| full(csid, 0, 0, 20, 0)).collect();
    let csid = 2 + MAX_CHUNK_STREAMS as u32;
    assert_eq!(read(&input), Err(ChunkError::TooManyChunkStreams { csid }));
}

#[test]
fn chunk_sizes_of_zero_and_above_the_limit_are_refused() {
    for size in [0, MAX_RTMP_CHUNK_SIZE as u32 + 1, 0xffff_ffff] {
        let input = [full(2, 0, 4, 1, 0), size.to_be_bytes().to_vec()].concat();
        assert_eq!(read(&input), Err(ChunkError::BadChunkSize { size }));
    }
    assert_eq!(read(&full(2, 0, 0, 1, 0)), Err(ChunkError::BadChunkSize { size: 0 }));
}

#[test]
fn an_abort_drops_the_unfinished_message() {
    let mut reader = ChunkReader::new(MAX);
    let input = [full(4, 0, 200, 9, 1), vec![4; 128], full(2, 0, 4, 2, 0), vec![0, 0, 0, 4]].concat();
    assert_eq!(read_with(&mut reader, &input).unwrap().len(), 1);
    assert_eq!(reader.buffered(), 0);
    let next = [full(4, 0, 1, 9, 1), vec![7]].concat();
    assert_eq!(&read_with(&mut reader, &next).unwrap()[0].payload[..], [7]);
}

#[test]
fn input_cut_at_every_byte_reads_the_same() {
    let mut input = [full(2, 0, 4, 1, 0), vec![0, 0, 0, 50], full(3, 9, 0, 20, 0)].concat();
    input.extend([full(4, 0x0123_4567, 60, 9, 1), vec![9; 50], full(5, 3, 2, 8, 1), vec![5; 2]].concat());
    input.extend([vec![0xc4, 1, 0x23], vec![9; 8]].concat());
    input.extend([0x45, 0xff, 0xff, 0xff, 0, 0, 1, 18, 0, 0, 1, 0, 1]);
    let expected = read(&input).unwrap();
    assert_eq!(expected.len(), 5);
    for cut in 0..=input.len() {
        let mut reader = ChunkReader::new(MAX);
        let mut messages = read_with(&mut reader, &input[..cut]).unwrap();
        messages.extend(read_with(&mut reader, &input[cut..]).unwrap());
        assert_eq!(messages, expected, "cut at {cut}");
        assert_eq!(reader.position(), input.len() as u64);
    }
}

/// All messages up to the first error, and whether there was one.
fn read_pieces(pieces: &[&[u8]]) -> (Vec<Message>, Option<ChunkError>) {
    let mut reader = ChunkReader::new(MAX);
    let mut messages = Vec::new();
    for mut input in pieces.iter().copied() {
        loop {
            match reader.read(&mut input) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

proptest! {
    #[test]
    fn any_bytes_cut_anywhere_read_the_same(
        // Few csids, short lengths, extended timestamps and tiny chunks are likely.
        head in 1..5u8,
        input in proptest::collection::vec(
            prop_oneof![Just(0u8), Just(3), Just(0xff), Just(0xc3), Just(0x43), 0..8u8, any::<u8>()], 0..200),
        cut in any::<proptest::sample::Index>(),
    ) {
        let input = [full(2, 0, 4, 1, 0), vec![0, 0, 0, head], full(3, EXTENDED, 9, 20, 0), input].concat();
        let (front, back) = input.split_at(cut.index(input.len()));
        prop_assert_eq!(read_pieces(&[&input]), read_pieces(&[front, back]));
    }

    #[test]
    fn random_bytes_never_panic_and_never_gather(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..20)
    ) {
        let mut reader = ChunkReader::new(MAX);
        for piece in pieces {
            let mut input = &piece[..];
            loop {
                match reader.read(&mut input) {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => return Ok(()),
                }
                prop_assert!(reader.buffered() <= MAX * MAX_PARTIAL_MESSAGES);
            }
            let held: usize = reader.streams.iter().map(|stream| stream.payload.len()).sum();
            prop_assert_eq!(held, reader.buffered());
        }
    }
}
