#![allow(clippy::unwrap_used)]

use super::sheet::tests::{origin, streams};
use super::*;
use crate::flv::{Tag, TagKind};
use crate::reel::{Opening, Phase, Recorder, Start};
use crate::time::MediaTime;
use std::time::{Duration, Instant};

fn tag(ms: u32, body: &[u8]) -> Tag {
    Tag { kind: TagKind::Video, timestamp: MediaTime::from_millis(ms), body: body.to_vec().into() }
}

fn nameless(dir: &Path) -> Arc<File> {
    let flags = rustix::fs::OFlags::TMPFILE | rustix::fs::OFlags::RDWR;
    Arc::new(rustix::fs::open(dir, flags, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap().into())
}

/// Pictures from `aim` up to `end`, a keyframe each second; `K` is 100 kB of noise.
fn record(reel: &Arc<Reel>, dir: &Path, aim: u32, end: u32) {
    let start = Start { aim: MediaTime::from_millis(aim), ..Start::default() };
    let id = reel.begin(nameless(dir), start, MediaTime::MAX, Instant::now()).unwrap();
    let mut recorder = Recorder::of(reel.clone(), id, start.aim);
    recorder.open(Opening { video: true, sound: false, grid: true });
    recorder.push(&tag(aim, &[0x17, 0, 0, 0, 0, 1, 2])).unwrap();
    recorder.flush().unwrap();
    for ms in (aim..end).step_by(500) {
        let mut body = vec![if ms % 1000 == 0 { 0x17 } else { 0x27 }, 1, 0, 0, 0];
        body.extend((0..100_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8 ^ ms as u8));
        if recorder.push(&tag(ms, &body)).unwrap() == crate::reel::Pushed::Joined {
            return;
        }
    }
    recorder.flush().unwrap();
    reel.start(recorder.indexer().codecs());
    reel.end(id, recorder.indexer().end());
}

/// Twenty seconds, made in two parts that were joined.
fn reel(dir: &Path) -> Arc<Reel> {
    let reel = Arc::new(Reel::without_ranges(Arc::default()));
    record(&reel, dir, 10_000, 20_000);
    record(&reel, dir, 0, 20_000);
    assert_eq!(reel.progress().phase, Phase::Complete);
    reel
}

fn bytes(reel: &Reel) -> Vec<u8> {
    let mut all = Vec::new();
    for piece in reel.whole().unwrap().pieces {
        match piece {
            crate::reel::Piece::File { data, range } => {
                let at = all.len();
                all.resize(at + (range.end - range.start) as usize, 0);
                data.read_exact_at(&mut all[at..], range.start).unwrap();
            }
            crate::reel::Piece::Headers(headers) => all.extend(headers),
        }
    }
    all
}

fn kept(dir: &Path, path: &str) -> (Kept, String, Vec<u8>) {
    let store = Kept::open(dir).unwrap();
    let reel = reel(dir);
    let id = store.keep(&Making(origin(path)), streams(), &reel.archive().unwrap()).unwrap();
    (store, id, bytes(&reel))
}

#[test]
fn what_was_kept_is_there_after_the_next_start_and_seekable_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (store, id, expected) = kept(dir.path(), "a.avi");
    assert_eq!(store.uses(), (0, 1));
    drop(store);
    let store = Kept::open(dir.path()).unwrap();
    assert_eq!(store.find(&Making(origin("a.avi"))), Some(id.clone()));
    let (reel, found) = store.restore(&id, Arc::default()).unwrap();
    assert_eq!(bytes(&reel), expected);
    assert_eq!(found, streams());
    assert_eq!(reel.progress().available, MediaTime::from_millis(19_500));
    let crate::reel::Seek::Ready(point) = reel.seek(MediaTime::from_millis(15_700), Instant::now()) else {
        panic!("it is all there");
    };
    assert_eq!(point.time, MediaTime::from_millis(15_000));
    assert_eq!(reel.headers_at(point).len(), 1);
    assert!(store.check(&id));
    assert_eq!(store.uses(), (1, 0));
}

#[test]
fn another_version_of_the_file_is_another_film() {
    let dir = tempfile::tempdir().unwrap();
    let (store, ..) = kept(dir.path(), "a.avi");
    assert_eq!(store.find(&Making(origin("b.avi"))), None);
    let mut changed = origin("a.avi");
    changed.version.modified_ns += 1;
    assert_eq!(store.find(&Making(changed)), None);
    assert_eq!(store.dropped(Dropped::Stale), 1);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left of the old one");
}

#[test]
fn damage_anywhere_is_noticed_and_the_rest_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let (store, id, _) = kept(dir.path(), "a.avi");
    let names: Vec<PathBuf> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(names.len(), 3, "two parts and a sheet: {names:?}");
    drop(store);
    let originals: Vec<Vec<u8>> = names.iter().map(|name| fs::read(name).unwrap()).collect();
    for (name, original) in names.iter().zip(&originals) {
        let restore_all =
            || names.iter().zip(&originals).for_each(|(name, bytes)| fs::write(name, bytes).unwrap());
        let spoil: [&dyn Fn(); 4] = [
            &|| fs::write(name, &original[..original.len() - 1]).unwrap(),
            &|| fs::write(name, b"").unwrap(),
            &|| fs::remove_file(name).unwrap(),
            &|| {
                let mut bytes = original.clone();
                let at = bytes.len() / 2;
                bytes[at] ^= 1;
                fs::write(name, bytes).unwrap();
            },
        ];
        for (way, spoil) in spoil.into_iter().enumerate() {
            restore_all();
            spoil();
            let store = Kept::open(dir.path()).unwrap();
            let whole = store.restore(&id, Arc::default()).is_some() && store.check(&id);
            assert!(!whole, "{} in way {way}", name.display());
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{} in way {way}", name.display());
        }
    }
}

#[test]
fn what_a_power_cut_left_is_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let (store, id, _) = kept(dir.path(), "a.avi");
    fs::write(dir.path().join("0123456789abcdef0123.0.flv"), "half").unwrap();
    fs::write(dir.path().join("0123456789abcdef0123.new"), "half").unwrap();
    fs::write(dir.path().join("ffff.reel"), "wiidia reel 1 00000000\n{}").unwrap();
    drop(store);
    let store = Kept::open(dir.path()).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    assert!(store.restore(&id, Arc::default()).is_some());
}

#[test]
fn who_plays_one_that_is_dropped_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (store, id, expected) = kept(dir.path(), "a.avi");
    let (reel, _) = store.restore(&id, Arc::default()).unwrap();
    store.drop(&id, Dropped::Asked);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    assert_eq!(bytes(&reel), expected);
    assert!(store.list().is_empty() && store.find(&Making(origin("a.avi"))).is_none());
}

#[test]
fn when_it_was_used_last_survives() {
    let dir = tempfile::tempdir().unwrap();
    let (store, id, _) = kept(dir.path(), "a.avi");
    let long_ago = SystemTime::now() - Duration::from_secs(1_000_000);
    File::open(store.sheet(&id)).unwrap().set_modified(long_ago).unwrap();
    let used = |store: &Kept| store.list()[0].used.elapsed().unwrap().as_secs();
    assert!(used(&Kept::open(dir.path()).unwrap()) > 999_000);
    store.touch(&id);
    assert!(used(&Kept::open(dir.path()).unwrap()) < 1000);
}

#[test]
fn a_sheet_that_finds_no_room_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Kept::open(dir.path()).unwrap();
    let reel = reel(dir.path());
    fs::create_dir(dir.path().join(format!("{}.new", Making(origin("a.avi")).id()))).unwrap();
    assert!(store.keep(&Making(origin("a.avi")), streams(), &reel.archive().unwrap()).is_err());
    assert!(store.list().is_empty());
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 1, "only what was there before: {left:?}");
}
