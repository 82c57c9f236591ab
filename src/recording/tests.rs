//! Recordings of streams in memory, into folders on disk.

#![allow(clippy::unwrap_used)]

use super::file::inspect;
use super::head::{HEAD_LEN, Head, MARK_AT, Mark};
use super::repair::{Repaired, recordings_in, repair};
use super::*;
use crate::flv::metadata::parse_on_metadata;
use crate::flv::reader::take_tag;
use crate::flv::{Tag, TagKind};
use crate::reel::{Phase, Reel};
use crate::stream::Publisher;
use crate::time::MediaTime;
use bytes::Bytes;
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use tempfile::TempDir;

const ONE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// A server's recordings in a folder of their own.
struct House {
    folder: TempDir,
    streams: Streams,
    recordings: Recordings,
    growing: Arc<Growing>,
}

impl House {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings {
            folder: folder.path().join("Recordings"),
            streams: vec!["cam*".to_owned()],
            split_bytes: u64::MAX,
            split: Duration::from_secs(3600),
            keep_free: 0,
            limit: None,
        };
        change(&mut settings);
        let growing = Arc::new(Growing::default());
        let library = Library::new([folder.path().to_owned()]);
        let recordings = Recordings::new(settings, &library, growing.clone()).unwrap();
        Self { folder, streams: Streams::default(), recordings, growing }
    }

    fn publish(&self, name: &str) -> Publisher {
        let publisher = self.streams.publish(name, ONE, Instant::now()).unwrap();
        self.recordings.published(publisher.stream());
        publisher
    }

    /// The files, oldest first.
    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = std::fs::read_dir(self.folder.path().join("Recordings"))
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        files.sort_by_key(|path| {
            name::split(path.file_name().unwrap().to_str().unwrap()).unwrap().1.to_owned()
        });
        files
    }

    /// Ends everything, and returns the files.
    fn finished(&self) -> Vec<PathBuf> {
        self.recordings.finish();
        self.files()
    }

    /// Waits until a condition holds of the reel of the only file.
    #[track_caller]
    fn wait_for_reel(&self, until: impl Fn(&Reel) -> bool) -> Arc<Reel> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let reel = self.files().iter().find_map(|path| {
                let identity = crate::library::FileIdentity::of(&std::fs::metadata(path).ok()?);
                self.growing.find(identity.file())
            });
            match reel {
                Some(reel) if until(&reel) => return reel,
                _ => assert!(Instant::now() < deadline, "the reel does not get there"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn tag(kind: TagKind, ms: u32, body: &[u8]) -> Tag {
    Tag { kind, timestamp: MediaTime::from_millis(ms), body: Bytes::copy_from_slice(body) }
}

fn picture(ms: u32, key: bool) -> Tag {
    tag(TagKind::Video, ms, &[if key { 0x17 } else { 0x27 }, 1, 0, 0, 0, 9])
}

fn sound(ms: u32) -> Tag {
    tag(TagKind::Audio, ms, &[0xaf, 1, 9])
}

fn header(version: u8) -> Tag {
    tag(TagKind::Video, 0, &[0x17, 0, 0, 0, 0, version])
}

/// Headers, then `seconds` of `K i i i` with sound, a GOP a second.
fn send(publisher: &Publisher, from: u32, seconds: u32) {
    let now = Instant::now();
    publisher.push(header(1), now);
    publisher.push(tag(TagKind::Audio, 0, &[0xaf, 0, 0x12, 0x10]), now);
    for n in 0..seconds * 4 {
        publisher.push(picture(from + n * 250, n % 4 == 0), now);
        publisher.push(sound(from + n * 250 + 3), now);
    }
}

/// The tags behind the head.
#[track_caller]
fn tags(path: &Path) -> Vec<Tag> {
    let bytes = Bytes::from(std::fs::read(path).unwrap());
    let mut rest = bytes.slice(HEAD_LEN as usize..);
    let mut tags = Vec::new();
    while let Some(tag) = take_tag(&mut rest).unwrap() {
        tags.push(tag);
    }
    assert!(rest.is_empty(), "a tag cut short is left");
    tags
}

#[track_caller]
fn times(path: &Path, kind: TagKind) -> Vec<u32> {
    let frames = tags(path).into_iter().filter(|tag| tag.kind == kind && !tag.is_sequence_header());
    frames.map(|tag| tag.timestamp.as_millis()).collect()
}

#[track_caller]
fn mark(path: &Path) -> Option<Mark> {
    inspect(&File::open(path).unwrap())
}

#[test]
fn a_stream_that_is_meant_becomes_a_whole_file_with_a_table_that_leads_to_its_keyframes() {
    let house = House::new();
    let other = house.publish("other");
    send(&other, 0, 1);
    let publisher = house.publish("cam 1");
    send(&publisher, 7000, 5);
    let files = house.finished();
    assert_eq!(files.len(), 1);
    let name = files[0].file_name().unwrap().to_str().unwrap();
    assert_eq!(name::split(name).unwrap().0, "cam 1");
    assert_eq!(mark(&files[0]), Some(Mark::Finished));
    let pictures = times(&files[0], TagKind::Video);
    assert_eq!(pictures, (0..20).map(|n| n * 250).collect::<Vec<_>>());
    let tags = tags(&files[0]);
    assert!(tags[0].is_sequence_header() && tags[1].is_sequence_header() && tags[2].is_keyframe());

    let bytes = Bytes::from(std::fs::read(&files[0]).unwrap());
    assert_eq!(Head::stream_of(&bytes).as_deref(), Some("cam 1"));
    let metadata = take_tag(&mut bytes.slice(13..)).unwrap().unwrap();
    assert_eq!(parse_on_metadata(&metadata.body).unwrap().duration, Some(MediaTime::from_millis(4753)));
    let (values, _) = crate::amf0::decode_prefix(&metadata.body);
    let table = values[1].get("keyframes").unwrap();
    let numbers = |key: &str| -> Vec<f64> {
        let list = table.get(key).unwrap();
        list.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
    };
    assert_eq!(numbers("times"), [0.0, 1.0, 2.0, 3.0, 4.0]);
    for (at, ms) in numbers("filepositions").into_iter().zip([0, 1000, 2000, 3000, 4000]) {
        let tag = take_tag(&mut bytes.slice(at as usize..)).unwrap().unwrap();
        assert!(tag.is_keyframe() && tag.timestamp.as_millis() == ms);
    }
    assert_eq!(values[1].get("filesize").unwrap().as_f64(), Some(bytes.len() as f64));
}

#[test]
fn while_it_grows_it_is_a_reel_that_can_be_watched_and_sought_in_and_then_ends() {
    let house = House::new();
    let publisher = house.publish("cam");
    send(&publisher, 0, 3);
    let reel = house.wait_for_reel(|reel| reel.progress().available.as_millis() >= 2750);
    assert!(reel.codecs().unwrap().are_avc_and_aac());
    assert_eq!(reel.progress().phase, Phase::Growing);
    assert_eq!(reel.duration(), Some(MediaTime::from_millis(2750)), "as long as it is by now");
    let sought = reel.seek(MediaTime::from_millis(1500), Instant::now());
    assert!(
        matches!(sought, crate::reel::Seek::Ready(point) if point.time.as_millis() == 1000),
        "{sought:?}"
    );
    send(&publisher, 3000, 1);
    house.wait_for_reel(|reel| reel.progress().available.as_millis() >= 3750);
    let report = &house.recordings.reports()[0];
    assert_eq!((report.state, report.by, report.lost), (State::Recording, By::Config, 0));
    assert!(report.path.as_ref().unwrap().starts_with("Recordings/cam%20"), "{report:?}");
    house.finished();
    assert_eq!(reel.progress().phase, Phase::Complete);
    assert_eq!(house.recordings.reports()[0].state, State::Ended);
}

#[test]
fn a_publisher_that_comes_back_goes_on_in_the_same_file_without_a_hole_or_half_a_gop() {
    let house = House::new();
    let publisher = house.publish("cam");
    send(&publisher, 0, 2);
    drop(publisher);
    let back = house.publish("cam");
    back.push(header(2), Instant::now());
    back.push(picture(500, false), Instant::now());
    send(&back, 600, 1);
    let files = house.finished();
    assert_eq!(files.len(), 1, "{files:?}");
    let pictures = times(&files[0], TagKind::Video);
    assert_eq!(pictures.len(), 12, "the picture without its keyframe is left out");
    assert!(pictures.windows(2).all(|two| two[0] < two[1] && two[1] - two[0] <= 700), "{pictures:?}");
    let headers = tags(&files[0]).into_iter().filter(|tag| tag.is_sequence_header()).count();
    assert_eq!(headers, 2 + 2, "the new pictures' headers are in band, the sound's is the same");
}

#[test]
fn another_codec_is_another_file_and_the_same_header_again_is_nothing() {
    let house = House::new();
    let publisher = house.publish("cam");
    send(&publisher, 0, 1);
    send(&publisher, 1000, 1);
    let now = Instant::now();
    // Enhanced RTMP: HEVC, its header, a keyframe, another picture.
    publisher.push(tag(TagKind::Video, 2000, &[0x90, b'h', b'v', b'c', b'1', 1]), now);
    publisher.push(tag(TagKind::Video, 2000, &[0xa1, b'h', b'v', b'c', b'1', 0, 0, 0, 9]), now);
    publisher.push(tag(TagKind::Video, 2040, &[0x91, b'h', b'v', b'c', b'1', 0, 0, 0, 9]), now);
    publisher.push(tag(TagKind::Video, 2080, &[0xa1, b'h', b'v', b'c', b'1', 0, 0, 0, 9]), now);
    let files = house.finished();
    assert_eq!(files.len(), 2, "{files:?}");
    assert_eq!(tags(&files[0]).iter().filter(|tag| tag.is_sequence_header()).count(), 2);
    assert_eq!(times(&files[1], TagKind::Video), [0, 40]);
    assert!(tags(&files[1])[0].is_sequence_header());
    assert!(files.iter().all(|file| mark(file) == Some(Mark::Finished)));
}

#[test]
fn a_long_recording_is_split_at_a_keyframe_and_nothing_is_lost() {
    let house = House::with(|settings| settings.split = Duration::from_secs(2));
    let publisher = house.publish("cam");
    send(&publisher, 0, 7);
    let files = house.finished();
    let all: Vec<Vec<u32>> = files.iter().map(|file| times(file, TagKind::Video)).collect();
    assert_eq!(all.iter().map(Vec::len).sum::<usize>(), 28, "{all:?}");
    assert!(files.len() == 3 && all.iter().all(|times| times[0] == 0), "{all:?}");
    for file in &files {
        let tags = tags(file);
        assert!(tags[0].is_sequence_header() && tags[1].is_sequence_header() && tags[2].is_keyframe());
    }
}

#[test]
fn what_a_killed_server_leaves_is_finished_at_whatever_byte_it_ended() {
    let house = House::new();
    let publisher = house.publish("cam");
    send(&publisher, 0, 3);
    let whole = house.finished().remove(0);
    let mut bytes = std::fs::read(&whole).unwrap();
    bytes[MARK_AT as usize] = Mark::Unfinished.byte();
    let all = tags(&whole).len();
    for cut in (HEAD_LEN as usize..=bytes.len()).step_by(3) {
        let file = whole.with_file_name("cam 2026-01-01 00-00-00.flv");
        std::fs::write(&file, &bytes[..cut]).unwrap();
        match repair(&file).unwrap() {
            Repaired::Finished { .. } => {
                assert_eq!(mark(&file), Some(Mark::Finished), "cut at {cut}");
                let kept = tags(&file);
                assert!(kept.len() <= all && kept[..] == tags(&whole)[..kept.len()], "cut at {cut}");
                assert_eq!(repair(&file).unwrap(), Repaired::WasWhole);
            }
            Repaired::Deleted => assert!(!file.exists() && cut < HEAD_LEN as usize + 80, "cut at {cut}"),
            Repaired::WasWhole => panic!("cut at {cut}: nothing was done"),
        }
    }
}

#[test]
fn zeros_that_a_power_cut_leaves_are_cut_off() {
    let house = House::new();
    let publisher = house.publish("cam");
    send(&publisher, 0, 2);
    let file = house.finished().remove(0);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[MARK_AT as usize] = Mark::Unfinished.byte();
    let keep = bytes.len() - 30;
    bytes[keep..].fill(0);
    bytes.extend([0; 4096]);
    std::fs::write(&file, &bytes).unwrap();
    assert!(matches!(repair(&file).unwrap(), Repaired::Finished { cut: 4096.., .. }));
    assert_eq!(times(&file, TagKind::Video).len(), 7);
    assert_eq!(times(&file, TagKind::Audio).len(), 7);
}

#[test]
fn files_that_are_not_ours_and_files_that_are_being_recorded_are_left_alone() {
    let house = House::with(|settings| settings.limit = Some(0));
    let folder = house.folder.path().join("Recordings");
    let foreign = folder.join("cam 2020-01-01 00-00-00.flv");
    std::fs::write(&foreign, b"FLV\x01\x05\0\0\0\x09\0\0\0\0").unwrap();
    let publisher = house.publish("cam");
    send(&publisher, 0, 2);
    house.wait_for_reel(|reel| reel.progress().available.as_millis() > 0);
    for (path, _) in recordings_in(&folder).unwrap() {
        assert_eq!(repair(&path).unwrap(), Repaired::WasWhole, "{path:?}");
    }
    let room = Room { folder, keep_free: 0, limit: Some(0) };
    room.make(&house.growing).unwrap();
    assert_eq!(house.finished().len(), 2, "neither was deleted");
    room.make(&house.growing).unwrap();
    assert_eq!(house.files(), [foreign], "the finished one was");
}

#[test]
fn the_oldest_go_first() {
    let house = House::with(|settings| settings.split = Duration::from_secs(1));
    let publisher = house.publish("cam");
    send(&publisher, 0, 6);
    let files = house.finished();
    let len = |path: &PathBuf| std::fs::metadata(path).unwrap().len();
    let keep = files[files.len() - 2..].iter().map(len).sum();
    Room { folder: house.folder.path().join("Recordings"), keep_free: 0, limit: Some(keep) }
        .make(&house.growing)
        .unwrap();
    assert_eq!(house.files(), files[files.len() - 2..]);
}

#[test]
fn a_disk_below_its_floor_ends_the_recording_and_says_so_and_the_stream_goes_on() {
    let house = House::with(|settings| settings.keep_free = u64::MAX);
    let publisher = house.publish("cam");
    send(&publisher, 0, 1);
    assert!(house.finished().is_empty());
    let report = &house.recordings.reports()[0];
    assert_eq!(report.state, State::Failed);
    assert!(report.error.as_ref().unwrap().contains("lower keep_free_mb"), "{report:?}");
    assert!(publisher.push(picture(1000, true), Instant::now()));
}

#[test]
fn append_goes_on_behind_the_newest_recording_of_that_stream_and_of_no_other() {
    let house = House::with(|settings| settings.streams.clear());
    for (name, other) in [("a/b", "a-b"), ("a-b", "a/b")] {
        let publisher = house.streams.publish(name, ONE, Instant::now()).unwrap();
        send(&publisher, 0, 2);
        let before = house.files().len();
        let recording = house.recordings.start(publisher.stream(), Mode::Append, By::Publisher).unwrap();
        send(&publisher, 2000, 1);
        recording.stop();
        house.recordings.finish();
        assert_eq!(
            house.files().len(),
            before + 1,
            "\"{other}\" has the same file name, but is another stream"
        );
    }
    let files = house.files();
    let last = files.last().unwrap();
    let first_part = times(last, TagKind::Video);
    let publisher = house.streams.publish("a-b", ONE, Instant::now()).unwrap();
    // It has been live for a while: what is recorded begins with the keyframe at 7000.
    send(&publisher, 0, 8);
    let recording = house.recordings.start(publisher.stream(), Mode::Append, By::Publisher).unwrap();
    recording.stop();
    house.recordings.finish();
    assert_eq!(house.files(), files, "no new file");
    let both = times(last, TagKind::Video);
    assert_eq!(both.len(), first_part.len() + 4);
    assert!(both.windows(2).all(|two| two[0] < two[1] && two[1] - two[0] <= 300), "{both:?}");
    assert_eq!(mark(last), Some(Mark::Finished));
}

#[test]
fn without_a_folder_nothing_is_recorded() {
    let streams = Streams::default();
    let publisher = streams.publish("cam", ONE, Instant::now()).unwrap();
    let recordings = Recordings::off();
    recordings.published(publisher.stream());
    let refused = recordings.start(publisher.stream(), Mode::New, By::Api).unwrap_err();
    assert_eq!(refused, RecordRefused::NotAllowed);
    assert!(recordings.reports().is_empty());
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_with_the_next_step() {
    let outside = tempfile::tempdir().unwrap();
    let library = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), library.path().join("link")).unwrap();
    std::fs::write(library.path().join("file"), "").unwrap();
    let open = |folder: &str| {
        let settings = Settings {
            folder: library.path().join(folder),
            streams: vec![],
            split_bytes: 1,
            split: Duration::from_secs(1),
            keep_free: 0,
            limit: None,
        };
        let library = Library::new([library.path().to_owned()]);
        Recordings::new(settings, &library, Arc::default()).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(open("a/b"), Ok(()));
    assert!(open("link").unwrap_err().contains("which is not in the library"));
    assert!(open("file/x").unwrap_err().contains("sudo install -d -o"));
}

#[test]
fn streams_that_come_by_other_ways_are_found_and_one_that_was_stopped_stays_stopped_until_it_is_published_again()
 {
    let house = House::new();
    let publisher = house.streams.publish("cam", ONE, Instant::now()).unwrap();
    let other = house.streams.publish("other", ONE, Instant::now()).unwrap();
    send(&publisher, 0, 1);
    send(&other, 0, 1);
    let streams = || house.recordings.reports().into_iter().map(|report| (report.stream, report.state));
    house.recordings.tend(&house.streams);
    house.recordings.tend(&house.streams);
    assert_eq!(streams().collect::<Vec<_>>(), [("cam".to_owned(), State::Recording)]);
    house.recordings.stop("cam").unwrap();
    house.recordings.finish();
    house.recordings.tend(&house.streams);
    assert_eq!(streams().collect::<Vec<_>>(), [("cam".to_owned(), State::Ended)]);
    let _again = house.streams.publish("cam", ONE, Instant::now()).unwrap();
    house.recordings.tend(&house.streams);
    assert!(streams().any(|report| report == ("cam".to_owned(), State::Recording)));
    house.finished();
}

#[test]
fn a_stream_that_is_over_ends_its_recording() {
    let house = House::new();
    let publisher = house.publish("cam");
    send(&publisher, 0, 2);
    drop(publisher);
    let reel = house.wait_for_reel(|reel| reel.progress().available.as_millis() == 1750);
    house.streams.tend(Instant::now());
    assert_eq!(reel.progress().phase, Phase::Growing, "the publisher may come back");
    house.streams.tend(Instant::now() + crate::limits::PUBLISHER_GRACE + Duration::from_secs(1));
    let deadline = Instant::now() + Duration::from_secs(10);
    while reel.progress().phase == Phase::Growing {
        assert!(Instant::now() < deadline, "nobody ends it");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(reel.progress().phase, Phase::Complete);
}
