use super::super::streams::{AudioStream, VideoStream};
use super::*;
use proptest::prelude::*;

/// Gives out `step` bytes at a time, as a pipe may.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.1.min(self.0.len()).min(out.len());
        let (now, later) = self.0.split_at(n);
        out[..n].copy_from_slice(now);
        self.0 = later;
        Ok(n)
    }
}

fn read_all(bytes: &[u8], step: usize) -> Result<Vec<Message>, WireError> {
    let mut reader = Reader::new(Drip(bytes, step));
    let mut messages = Vec::new();
    while let Some(message) = reader.read_message()? {
        messages.push(message);
    }
    Ok(messages)
}

fn samples() -> Vec<Message> {
    let video = VideoStream {
        width: 320,
        height: 180,
        source_codec: "VP9".into(),
        passthrough: false,
        codec: Codec::H264,
    };
    let audio = AudioStream {
        source_codec: "AAC".into(),
        passthrough: true,
        rate: 48000,
        channels: 2,
        codec: Codec::Aac,
    };
    vec![
        Message::Streams(Announcement {
            settled: true,
            duration_ns: Some(4_000_000_000),
            seekable: true,
            spare: Some(140),
            video: Some(video),
            audio: Some(audio),
            ..Announcement::default()
        }),
        Message::Config { codec: Codec::H264, data: vec![1, 0x64, 0, 12] },
        Message::Unit(Unit {
            codec: Codec::H264,
            keyframe: true,
            pts_ns: 0,
            dts_ns: -80_000_000,
            body: vec![0, 0, 0, 0, 0, 7, 8, 9],
        }),
        Message::Progress { lane: Lane::Audio, time_ns: i64::MIN },
        Message::LaneEnd(Lane::Audio),
        Message::Duration(u64::MAX),
        Message::Equipment(Equipment::default()),
        Message::Picture(Picture {
            purpose: picture::Purpose::Poster,
            width: 320,
            height: 180,
            columns: 1,
            times_ms: vec![7],
            jpeg: vec![0xFF, 0xD8, 0xFF, 0, 0xFF, 0xD9],
        }),
        Message::Cue(TextCue { track: 1, start_ms: 1000, end_ms: 2000, text: "<i>ä</i>".into() }),
        Message::Warning("no sound: “x”".into()),
        Message::Failed { failure: Failure::NoDecoder, text: "HEVC".into() },
        Message::End,
    ]
}

#[test]
fn every_message_reads_back_however_the_pipe_cuts_it() {
    let bytes: Vec<u8> = samples().iter().flat_map(Message::encode).collect();
    for step in 1..=bytes.len() {
        assert_eq!(read_all(&bytes, step).unwrap(), samples(), "{step} bytes at a time");
    }
}

#[test]
fn a_pipe_that_ends_at_any_byte_yields_the_whole_messages_before_it() {
    let bytes: Vec<u8> = samples().iter().flat_map(Message::encode).collect();
    let ends: Vec<usize> = samples()
        .iter()
        .scan(0, |at, message| {
            *at += message.encode().len();
            Some(*at)
        })
        .collect();
    for cut in 0..=bytes.len() {
        let mut reader = Reader::new(&bytes[..cut]);
        let whole = ends.iter().filter(|&&end| end <= cut).count();
        for _ in 0..whole {
            assert!(reader.read_message().unwrap().is_some(), "cut at {cut}");
        }
        match reader.read_message() {
            Ok(None) => assert!(cut == 0 || ends.contains(&cut), "cut at {cut}"),
            Err(WireError::Cut) => assert!(!ends.contains(&cut), "cut at {cut}"),
            other => panic!("cut at {cut}: {other:?}"),
        }
    }
}

#[test]
fn lengths_that_lie_are_refused_before_memory_is_taken() {
    for (kind, len) in [(3, u32::MAX), (3, 17), (2, 1 << 20), (1, 1 << 20), (5, 2), (9, 1), (6, 7)] {
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&u32::to_be_bytes(len));
        bytes.extend_from_slice(&[0; 32]);
        let error = Reader::new(&bytes[..]).read_message().unwrap_err();
        assert!(matches!(error, WireError::Length { .. }), "kind {kind}, {len} bytes: {error}");
    }
    assert!(matches!(Reader::new(&[77, 0, 0, 0, 0][..]).read_message(), Err(WireError::UnknownKind(77))));
    assert!(matches!(Reader::new(&[5, 0, 0, 0, 1, 9][..]).read_message(), Err(WireError::Content(5))));
}

#[test]
fn a_text_too_long_is_cut_between_characters() {
    let long = Message::Warning("ä".repeat(limits::MAX_WORKER_TEXT)).encode();
    let Some(Message::Warning(text)) = Reader::new(&long[..]).read_message().unwrap() else {
        panic!("a warning was sent");
    };
    assert!(text.len() < limits::MAX_WORKER_TEXT && text.chars().all(|c| c == 'ä'));
}

#[test]
fn has_message_is_true_exactly_when_a_whole_one_has_arrived() {
    let bytes = [Message::LaneEnd(Lane::Video).encode(), Message::Duration(5).encode()].concat();
    let mut reader = Reader::new(&bytes[..bytes.len() - 1]);
    assert!(!reader.has_message(), "nothing was read from the pipe yet");
    reader.read_message().unwrap();
    assert!(!reader.has_message(), "the last byte is missing");
    let mut reader = Reader::new(&bytes[..]);
    reader.read_message().unwrap();
    assert!(reader.has_message());
}

fn unit() -> impl Strategy<Value = Unit> {
    let codec = proptest::sample::select(Codec::ALL.map(|(_, codec)| codec).to_vec());
    let data = proptest::collection::vec(any::<u8>(), 0..200_000);
    (codec, any::<bool>(), any::<i64>(), any::<i64>(), data).prop_map(
        |(codec, keyframe, pts_ns, dts_ns, data)| {
            let body = [vec![0; codec.body_header_len()], data].concat();
            Unit { codec, keyframe, pts_ns, dts_ns, body }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn units_of_any_size_read_back(units in proptest::collection::vec(unit(), 1..5), step in 1usize..100_000) {
        let messages: Vec<_> = units.into_iter().map(Message::Unit).collect();
        let bytes: Vec<u8> = messages.iter().flat_map(Message::encode).collect();
        prop_assert_eq!(read_all(&bytes, step).unwrap(), messages);
    }

    #[test]
    fn bytes_from_a_worker_gone_mad_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read_all(&bytes, 7);
    }
}
