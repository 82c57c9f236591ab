//! Fragmented MP4: whatever the tags, boxes that nest, fragments that describe their samples, times that
//! go on; and no more output than the input explains.
//!
//! Input: options, then tags: kind (2 bits), what the time does (2), how often the body is repeated (3);
//! time (2 bytes); length of the body; body.

use super::{byte, bytes};
use bytes::Bytes;
use wiidiaserver::flv::{Tag, TagKind};
use wiidiaserver::fmp4::{Muxer, Options};
use wiidiaserver::limits::{
    FMP4_AUDIO_LAG, FMP4_FRAGMENT_BYTES, FMP4_MAX_SILENCE, MAX_CODEC_DATA, MAX_SAMPLE_RATE,
};
use wiidiaserver::time::MediaTime;

/// What a run of silence may cost for one tag: a frame has at least 480 samples, and takes 14 bytes at most
/// and 24 of headers; beside it a new init segment, which repeats the codecs' configurations.
const TAG_COSTS: usize = 4 * MAX_CODEC_DATA
    + (FMP4_MAX_SILENCE.as_secs() + FMP4_AUDIO_LAG.as_secs()) as usize * MAX_SAMPLE_RATE as usize / 480 * 40;

pub fn law(mut input: &[u8]) {
    let options = byte(&mut input);
    let mut muxer = Muxer::new(Options {
        duration: (options & 4 != 0).then_some(MediaTime::from_millis(1 << (options >> 3))),
        video: options & 1 == 0,
        audio: options & 2 == 0,
    });
    let mut output = Output::default();
    let mut time = 0u32;
    let mut largest = 0;
    while !input.is_empty() {
        let tag = next_tag(&mut input, &mut time);
        largest = largest.max(tag.body.len());
        // An error costs one tag or one lane.
        let _ = muxer.push(&tag);
        let size = output.gather(&mut muxer);
        let most = FMP4_FRAGMENT_BYTES * 2 + 3 * largest + TAG_COSTS;
        assert!(size <= most, "{size} bytes for one tag of {}", tag.body.len());
    }
    muxer.finish();
    let held = output.gather(&mut muxer);
    assert!(held <= FMP4_FRAGMENT_BYTES * 2 + 3 * largest + TAG_COSTS, "{held} bytes held back");
    assert_eq!(muxer.mime().is_some(), !output.bytes.is_empty());
    check(&output.bytes);
}

fn next_tag(input: &mut &[u8], time: &mut u32) -> Tag {
    let head = byte(input);
    let kind = match head & 3 {
        0 | 3 => TagKind::Video,
        1 => TagKind::Audio,
        _ => TagKind::Script,
    };
    let step = u32::from(byte(input)) << 8 | u32::from(byte(input));
    *time = match head >> 2 & 3 {
        0 | 1 => time.wrapping_add(step),
        2 => time.wrapping_sub(step),
        _ => step << 16,
    };
    let length = byte(input).into();
    let body = bytes(input, length);
    // Up to 2 MB of it, without two megabytes of input.
    let times = [1, 1, 1, 1, 1, 2, 128, 8192][usize::from(head >> 4 & 7)];
    let body = if times == 1 { body.to_vec() } else { body.repeat(times) };
    Tag { kind, timestamp: MediaTime::from_millis(*time), body: Bytes::from(body) }
}

#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
}

impl Output {
    /// Takes what there is; returns how much that was.
    fn gather(&mut self, muxer: &mut Muxer) -> usize {
        let before = self.bytes.len();
        while let Some(piece) = muxer.poll_output() {
            assert!(!piece.is_empty());
            self.bytes.extend_from_slice(&piece);
        }
        self.bytes.len() - before
    }
}

/// A box: its type and what is in it.
type Atom<'a> = (&'a [u8], &'a [u8]);

/// The boxes that fill `data` exactly.
fn atoms(mut data: &[u8]) -> Vec<Atom<'_>> {
    let mut found = Vec::new();
    while !data.is_empty() {
        let size = number(data, 0) as usize;
        assert!((8..=data.len()).contains(&size), "box of {size} bytes in {}", data.len());
        let (this, rest) = data.split_at(size);
        found.push((&this[4..8], &this[8..]));
        data = rest;
    }
    found
}

fn one<'a>(atoms: &[Atom<'a>], kind: &[u8]) -> &'a [u8] {
    let mut fitting = atoms.iter().filter(|atom| atom.0 == kind);
    let found = fitting.next().unwrap_or_else(|| panic!("no {}", kind.escape_ascii()));
    assert!(fitting.next().is_none(), "two {}", kind.escape_ascii());
    found.1
}

fn number(data: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(data[at..at + 4].try_into().unwrap())
}

fn check(stream: &[u8]) {
    let top = atoms(stream);
    let mut sequence = 0;
    let mut tracks: Vec<(u32, u64)> = Vec::new();
    let mut at = 0;
    for (index, (kind, content)) in top.iter().enumerate() {
        match *kind {
            b"ftyp" => assert!(content.len() >= 8),
            b"moov" => {
                assert_eq!(top[index - 1].0, b"ftyp");
                tracks = init(content);
            }
            b"moof" => {
                let (next, data) = top[index + 1];
                assert_eq!(next, b"mdat");
                sequence += 1;
                fragment(content, data, sequence, &mut tracks);
            }
            b"mdat" => assert_eq!(top[index - 1].0, b"moof"),
            other => panic!("{} at {at}", other.escape_ascii()),
        }
        at += 8 + content.len();
    }
}

/// The tracks of an init segment, each with where it has come to.
fn init(moov: &[u8]) -> Vec<(u32, u64)> {
    let boxes = atoms(moov);
    one(&boxes, b"mvhd");
    let mut extends: Vec<u32> = Vec::new();
    for (kind, content) in atoms(one(&boxes, b"mvex")) {
        if kind == b"trex" {
            extends.push(number(content, 4));
        }
    }
    let mut tracks = Vec::new();
    for (_, track) in boxes.iter().filter(|atom| atom.0 == b"trak") {
        let track = atoms(track);
        tracks.push((number(one(&track, b"tkhd"), 12), 0));
        let media = atoms(one(&track, b"mdia"));
        assert!(number(one(&media, b"mdhd"), 12) > 0, "a track without a timescale");
        one(&media, b"hdlr");
        let info = atoms(one(&media, b"minf"));
        one(&atoms(one(&info, b"dinf")), b"dref");
        let table = atoms(one(&info, b"stbl"));
        let entries = atoms(&one(&table, b"stsd")[8..]);
        assert_eq!(entries.len(), 1);
        // A picture's entry has 78 bytes of fields before its boxes, a sound's has 28.
        match entries[0] {
            (b"avc1", entry) => assert!(!one(&atoms(&entry[78..]), b"avcC").is_empty()),
            (b"mp4a", entry) => assert!(!one(&atoms(&entry[28..]), b"esds").is_empty()),
            (other, _) => panic!("sample entry {}", other.escape_ascii()),
        }
    }
    assert!(!tracks.is_empty());
    assert_eq!(tracks.iter().map(|track| track.0).collect::<Vec<_>>(), extends);
    tracks
}

fn fragment(moof: &[u8], data: &[u8], sequence: u32, tracks: &mut [(u32, u64)]) {
    let boxes = atoms(moof);
    assert_eq!(number(one(&boxes, b"mfhd"), 4), sequence);
    // Offsets count from the moof's first byte, samples begin behind the mdat's header.
    let mut position = 8 + moof.len() + 8;
    for (_, part) in boxes.iter().filter(|atom| atom.0 == b"traf") {
        let part = atoms(part);
        let id = number(one(&part, b"tfhd"), 4);
        let track = tracks.iter_mut().find(|track| track.0 == id).expect("a track of the init segment");
        let time = one(&part, b"tfdt");
        let start = u64::from(number(time, 4)) << 32 | u64::from(number(time, 8));
        assert!(start >= track.1, "track {id} goes back from {} to {start}", track.1);
        let (bytes, ticks) = run(one(&part, b"trun"), position);
        position += bytes;
        track.1 = start + ticks;
    }
    assert_eq!(position, 8 + moof.len() + 8 + data.len());
}

/// Bytes and ticks of a run whose samples begin at `position`.
fn run(run: &[u8], position: usize) -> (usize, u64) {
    let (flags, count) = (number(run, 0) & 0xff_ffff, number(run, 4) as usize);
    assert!(count > 0);
    assert_eq!(number(run, 8) as usize, position);
    let fields = (flags >> 8 & 0xf).count_ones() as usize;
    assert_eq!(run.len(), 12 + count * fields * 4);
    let samples = run[12..].chunks(fields * 4);
    samples.fold((0, 0), |(bytes, ticks), sample| {
        assert!(number(sample, 4) > 0, "an empty sample");
        (bytes + number(sample, 4) as usize, ticks + u64::from(number(sample, 0)))
    })
}
