//! The rules of the catalogue: what is looked at again, missed and forgotten.
#![allow(clippy::unwrap_used)]

use super::catalogue::Catalogue;
use super::record::{Details, Failure, Kept, Knowledge, Stamp};
use super::walk::{Found, Walk};
use crate::library::LibraryPath;
use crate::limits;
use crate::pipeline::Look;

const DAY: u64 = 24 * 3600;
const NOW: u64 = 20_000 * DAY;
const DISK: u64 = 7;

fn path(text: &str) -> LibraryPath {
    LibraryPath::from_bytes(text.as_bytes()).unwrap()
}

fn stamp(n: u64) -> Stamp {
    Stamp { inode: n, len: 1000 + n, modified_ns: n as i64 }
}

fn picture(id: &str) -> Kept {
    Kept { id: id.into(), bytes: 1000, width: 320, height: 180, columns: 1, times_ms: vec![] }
}

fn known(id: &str) -> Knowledge {
    let details = Details { duration_ms: Some(60_000), ..Details::default() };
    Knowledge { details: Some(details), poster: Some(picture(id)), pictured: true, ..Knowledge::default() }
}

fn with(files: &[(&str, u64)]) -> Catalogue {
    let mut catalogue = Catalogue::default();
    for (name, n) in files {
        catalogue.learn(path(name), DISK, stamp(*n), known(name)).unwrap();
    }
    catalogue
}

/// What a walk finds: files, and folders with their devices.
fn walk(files: &[(&str, u64)], folders: &[(&str, u64)]) -> Walk {
    let found =
        |(name, n): &(&str, u64)| Found { path: path(name), device: DISK, stamp: stamp(*n), is_fresh: false };
    Walk {
        files: files.iter().map(found).collect(),
        folders: folders.iter().map(|(name, device)| (path(name), *device)).collect(),
        ..Walk::default()
    }
}

#[test]
fn a_file_is_looked_at_until_it_is_known_and_again_when_it_changes() {
    let mut catalogue = Catalogue::default();
    let film = path("films/a.avi");
    assert!(catalogue.wants(&film, &stamp(1), Look::Contents, NOW));
    let contents = Knowledge { poster: None, pictured: false, ..known("a") };
    catalogue.learn(film.clone(), DISK, stamp(1), contents).unwrap();
    assert!(!catalogue.wants(&film, &stamp(1), Look::Contents, NOW));
    assert!(catalogue.wants(&film, &stamp(1), Look::Pictures, NOW));
    catalogue.learn(film.clone(), DISK, stamp(1), known("a")).unwrap();
    assert!(!catalogue.wants(&film, &stamp(1), Look::Pictures, NOW));
    // FAT gives it another number at each start.
    assert!(!catalogue.wants(&film, &Stamp { inode: 99, ..stamp(1) }, Look::Pictures, NOW));
    assert!(catalogue.wants(&film, &Stamp { len: 5, ..stamp(1) }, Look::Pictures, NOW));
    assert_eq!(
        catalogue.brief(&film, &Stamp { len: 5, ..stamp(1) }),
        None,
        "what was known is of another version"
    );
    let changes = catalogue.learn(film, DISK, stamp(2), known("b")).unwrap();
    assert_eq!(changes.pictures, [picture("a")]);
    assert_eq!((catalogue.len(), catalogue.counts().picture_bytes), (1, 1000));
}

#[test]
fn what_failed_rests() {
    let failure = Failure { reason: "it is no film".into(), at: NOW, times: 1 };
    let mut catalogue = Catalogue::default();
    let failed = Knowledge { failure: Some(failure.clone()), pictured: true, ..Knowledge::default() };
    catalogue.learn(path("a.avi"), DISK, stamp(1), failed).unwrap();
    for look in [Look::Contents, Look::Pictures] {
        assert!(!catalogue.wants(&path("a.avi"), &stamp(1), look, NOW + DAY - 1));
        assert!(catalogue.wants(&path("a.avi"), &stamp(1), look, NOW + DAY));
        assert!(catalogue.wants(&path("a.avi"), &stamp(2), look, NOW), "it was mended");
    }
    // Only its pictures failed: whoever lists the folder has all he wants.
    let half = Knowledge { failure: Some(failure), ..known("a") };
    catalogue.learn(path("b.avi"), DISK, stamp(3), half).unwrap();
    assert!(!catalogue.wants(&path("b.avi"), &stamp(3), Look::Contents, NOW + 99 * DAY));
    assert!(catalogue.wants(&path("b.avi"), &stamp(3), Look::Pictures, NOW + 99 * DAY));
    assert_eq!(catalogue.failures(10).len(), 2);
}

#[test]
fn deleted_files_are_forgotten_with_their_pictures() {
    let mut catalogue = with(&[("films/a.avi", 1), ("films/b.avi", 2), ("old/c.avi", 3)]);
    let changes = catalogue.compare(&walk(&[("films/a.avi", 1)], &[("", DISK), ("films", DISK)]), NOW);
    assert_eq!(catalogue.len(), 1);
    assert_eq!(changes.pictures.len(), 2, "of a file, and of one whose folder went with it");
    assert!(changes.records.iter().all(|record| record.known.is_none()));
    // A walk that did not see everything proves nothing.
    let cut = Walk { is_cut: true, ..walk(&[], &[("", DISK), ("films", DISK)]) };
    catalogue.compare(&cut, NOW);
    assert_eq!(catalogue.len(), 1);
}

#[test]
fn a_disk_that_was_unplugged_is_missed_for_a_while() {
    // Its folder cannot be opened; it is there, of another disk and empty; the folder in it cannot be read.
    let mut unreadable = walk(&[], &[("", DISK)]);
    unreadable.unreadable.insert(path("usb"));
    for gone in [walk(&[], &[]), walk(&[], &[("", 1), ("usb", 1)]), unreadable] {
        let mut catalogue = with(&[("usb/a.avi", 1)]);
        let changes = catalogue.compare(&gone, NOW);
        assert_eq!((catalogue.counts().missing, changes.records.len()), (1, 1), "{gone:?}");
        assert_eq!(catalogue.compare(&gone, NOW + DAY), Default::default(), "said once: SD cards wear");
        // It comes back after the next start.
        let mut catalogue = Catalogue::of(catalogue.records().collect());
        assert_eq!(catalogue.counts().missing, 1);
        let back = walk(&[("usb/a.avi", 1)], &[("usb", DISK)]);
        assert_eq!(catalogue.compare(&back, NOW + DAY).records.len(), 1);
        assert_eq!(catalogue.counts().missing, 0);
        assert!(!catalogue.wants(&path("usb/a.avi"), &stamp(1), Look::Pictures, NOW));
        // It does not come back.
        catalogue.compare(&gone, NOW);
        let changes = catalogue.compare(&gone, NOW + limits::INDEX_MISSING.as_secs() + 1);
        assert_eq!((catalogue.len(), changes.pictures.len()), (0, 1));
    }
}

#[test]
fn a_file_that_was_moved_stays_known() {
    let mut catalogue = with(&[("films/a.avi", 1)]);
    let changes =
        catalogue.compare(&walk(&[("other/b.avi", 1)], &[("", DISK), ("films", DISK), ("other", DISK)]), NOW);
    assert!(changes.pictures.is_empty());
    assert!(!catalogue.wants(&path("other/b.avi"), &stamp(1), Look::Pictures, NOW));
    assert_eq!(catalogue.len(), 1);
    // Somebody listed the folder before the walk came.
    let mut faster = with(&[("films/a.avi", 1)]);
    let contents = Knowledge { poster: None, pictured: false, ..known("b") };
    faster.learn(path("other/b.avi"), DISK, stamp(1), contents).unwrap();
    let found = walk(&[("other/b.avi", 1)], &[("", DISK), ("films", DISK), ("other", DISK)]);
    assert!(faster.compare(&found, NOW).pictures.is_empty());
    assert!(!faster.wants(&path("other/b.avi"), &stamp(1), Look::Pictures, NOW));
    assert_eq!((faster.len(), faster.counts().picture_bytes), (1, 1000));
    let again = Catalogue::of(changes.records);
    assert_eq!(again.brief(&path("other/b.avi"), &stamp(1)).unwrap().duration_ms, Some(60_000));
}

#[test]
fn room_is_made_by_what_is_not_there() {
    let mut catalogue = with(&[("usb/a.avi", 1), ("usb/b.avi", 2), ("films/c.avi", 3)]);
    catalogue.compare(&walk(&[("films/c.avi", 3)], &[("", 1), ("usb", 1), ("films", DISK)]), NOW);
    assert!(!catalogue.has_picture_room(500, 3000));
    let changes = catalogue.make_room(500, 3000);
    assert_eq!((changes.pictures.len(), catalogue.counts().picture_bytes), (1, 2000));
    catalogue.make_room(5000, 3000);
    assert_eq!(catalogue.counts().picture_bytes, 1000, "what is there stays");
}
