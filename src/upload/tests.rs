//! What comes, breaks off and goes on; what may not come. On real folders.
#![allow(clippy::unwrap_used)]

use super::*;
use std::fs;
use std::path::Path;
use std::time::Duration;

struct House {
    dir: tempfile::TempDir,
    uploads: Uploads,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("media");
        fs::create_dir_all(root.join("in/sub")).unwrap();
        fs::create_dir_all(root.join("films")).unwrap();
        fs::write(root.join("films/old.avi"), "old").unwrap();
        std::os::unix::fs::symlink("../films", root.join("in/link")).unwrap();
        let library = Arc::new(Library::new([root.clone()]));
        let settings = Settings { folders: vec![root.join("in")], largest: 1000, keep_free: 0 };
        Self { uploads: Uploads::new(library, settings), dir }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join("media").join(name)
    }

    fn parts(&self) -> usize {
        fs::read_dir(self.file("in/.uploads")).map_or(0, Iterator::count)
    }

    fn send(
        &self,
        name: &str,
        offset: u64,
        bytes: &[u8],
        size: u64,
        replace: Replace,
    ) -> Result<Outcome, UploadError> {
        let mut upload = self
            .uploads
            .begin(&path(name), Wanted { offset, size: Some(size), replace, names: Names::Media })?;
        for piece in bytes.chunks(3) {
            upload.write(piece)?;
        }
        upload.finish()
    }
}

fn path(text: &str) -> LibraryPath {
    LibraryPath::from_bytes(text.as_bytes()).unwrap()
}

fn contents(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn a_file_that_breaks_off_anywhere_goes_on_and_is_whole() {
    let text = b"0123456789";
    for cut in 0..=text.len() {
        let house = House::new();
        let first = house.send("in/sub/a b.avi", 0, &text[..cut], 10, Replace::No).unwrap();
        if cut < text.len() {
            assert_eq!(first, Outcome::Unfinished(cut as u64));
            assert!(!house.file("in/sub/a b.avi").exists(), "nobody sees half a film");
            // Of nothing, nothing is kept.
            let received = house.uploads.received(&path("in/sub/a b.avi")).ok();
            assert_eq!(received, (cut > 0).then_some(cut as u64));
            let rest = house.send("in/sub/a b.avi", cut as u64, &text[cut..], 10, Replace::No);
            assert_eq!(rest.unwrap(), Outcome::Created, "cut at {cut}");
        }
        assert_eq!(contents(&house.file("in/sub/a b.avi")), "0123456789", "cut at {cut}");
        assert_eq!(house.parts(), 0);
    }
}

#[test]
fn what_is_there_is_never_lost_unless_it_was_meant() {
    let house = House::new();
    house.send("in/a.avi", 0, b"first", 5, Replace::No).unwrap();
    let exists = |result| matches!(result, Err(UploadError::Exists(_)));
    assert!(exists(house.send("in/a.avi", 0, b"second", 6, Replace::No)));
    let version = house.uploads.library.open(&path("in/a.avi")).unwrap().identity;
    let outcome = house.send("in/a.avi", 0, b"second", 6, Replace::Only(version)).unwrap();
    assert_eq!((outcome, contents(&house.file("in/a.avi")).as_str()), (Outcome::Replaced, "second"));
    let again = house.send("in/a.avi", 0, b"third", 5, Replace::Only(version));
    assert!(matches!(again, Err(UploadError::Changed(_))), "{again:?}");
    house.send("in/a.avi", 0, b"fourth", 6, Replace::Yes).unwrap();
    assert_eq!(contents(&house.file("in/a.avi")), "fourth");
    // Something comes to the place while the file is on its way.
    let wanted = Wanted { offset: 0, size: Some(1), replace: Replace::No, names: Names::Media };
    let mut upload = house.uploads.begin(&path("in/b.avi"), wanted).unwrap();
    upload.write(b"x").unwrap();
    fs::write(house.file("in/b.avi"), "faster").unwrap();
    assert!(exists(upload.finish()));
    assert_eq!(contents(&house.file("in/b.avi")), "faster");
}

#[test]
fn nothing_comes_where_it_may_not() {
    let house = House::new();
    let mut refused = 0;
    for (name, expected) in [
        ("films/a.avi", "not in a folder"),
        ("a.avi", "not in a folder"),
        ("in", "not in a folder"),
        ("in/notes.exe", "neither film"),
        ("in/.hidden.avi", "begins with a dot"),
        ("in/.uploads/x.avi", "begins with a dot"),
        ("in/none/a.avi", "make it first"),
        ("in/link/a.avi", "make it first"),
        ("in/a\n.avi", "control characters"),
        ("in/ a.avi", "begins or ends with a space"),
    ] {
        let error = house.send(name, 0, b"x", 1, Replace::Yes).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
        refused += 1;
    }
    assert_eq!((refused, house.parts()), (10, 0));
    let error = house.send("in/a.avi", 0, b"", 1001, Replace::No).unwrap_err();
    assert!(matches!(error, UploadError::TooLarge { size: 1001, most: 1000 }), "{error}");
    let error = house.send("in/a.avi", 5, b"x", 10, Replace::No).unwrap_err();
    assert!(matches!(error, UploadError::Offset { received: 0 }), "{error}");
    let error = house.send("in/a.avi", 0, b"xx", 1, Replace::No).unwrap_err();
    assert!(matches!(error, UploadError::Offset { received: 0 }), "{error}");
    let off = Uploads::off(Arc::new(Library::new([house.file("")])));
    assert!(matches!(off.received(&path("in/a.avi")), Err(UploadError::Off)));
}

#[test]
fn one_sends_a_file_at_a_time_and_what_broke_off_long_ago_is_thrown_away() {
    let house = House::new();
    let wanted = Wanted { offset: 0, size: Some(9), replace: Replace::No, names: Names::Media };
    let mut upload = house.uploads.begin(&path("in/a.avi"), wanted).unwrap();
    assert!(matches!(house.uploads.begin(&path("in/a.avi"), wanted), Err(UploadError::Busy)));
    assert!(matches!(house.uploads.abandon(&path("in/a.avi")), Err(UploadError::Busy)));
    upload.write(b"x").unwrap();
    let later = SystemTime::now() + UPLOAD_PART_AGE + Duration::from_secs(60);
    house.uploads.sweep(later);
    assert_eq!(house.parts(), 1, "it is on its way");
    drop(upload);
    house.uploads.sweep(SystemTime::now());
    assert_eq!(house.uploads.received(&path("in/a.avi")).unwrap(), 1);
    house.uploads.sweep(later);
    assert!(matches!(house.uploads.received(&path("in/a.avi")), Err(UploadError::Nothing(_))));
    let many: Vec<Upload> = (0..MAX_UPLOADS)
        .map(|n| house.uploads.begin(&path(&format!("in/{n}.avi")), wanted).unwrap())
        .collect();
    assert!(matches!(house.uploads.begin(&path("in/more.avi"), wanted), Err(UploadError::TooMany)));
    for mut upload in many {
        upload.write(b"x").unwrap();
    }
    house.uploads.abandon(&path("in/0.avi")).unwrap();
    assert_eq!(house.parts(), MAX_UPLOADS - 1);
}

#[test]
fn a_disk_that_is_full_takes_nothing() {
    let mut house = House::new();
    house.uploads.settings.keep_free = u64::MAX / 2;
    assert!(matches!(house.send("in/a.avi", 0, b"x", 1, Replace::No), Err(UploadError::NoRoom)));
}

#[test]
fn files_and_folders_are_made_renamed_and_deleted_and_nothing_is_lost() {
    let house = House::new();
    let uploads = &house.uploads;
    uploads.make_folder(&path("in/new")).unwrap();
    assert!(matches!(uploads.make_folder(&path("in/new")), Err(UploadError::Exists(_))));
    house.send("in/new/a.avi", 0, b"a", 1, Replace::No).unwrap();
    house.send("in/b.avi", 0, b"b", 1, Replace::No).unwrap();
    assert!(matches!(
        uploads.rename(&path("in/b.avi"), &path("in/new/a.avi"), Names::Media),
        Err(UploadError::Exists(_))
    ));
    uploads.rename(&path("in/b.avi"), &path("in/new/c.mkv"), Names::Media).unwrap();
    assert!(matches!(
        uploads.rename(&path("in/new/c.mkv"), &path("in/new/c.exe"), Names::Media),
        Err(UploadError::NoMedia(_))
    ));
    assert!(matches!(
        uploads.rename(&path("in/new"), &path("in/new/new"), Names::Media),
        Err(UploadError::IntoItself(_))
    ));
    assert!(matches!(uploads.remove(&path("in/new"), Names::Media), Err(UploadError::NotEmpty(_))));
    assert!(matches!(uploads.remove(&path("films/old.avi"), Names::Media), Err(UploadError::Outside(_))));
    assert!(matches!(uploads.remove(&path("in"), Names::Media), Err(UploadError::Outside(_))));
    for gone in ["in/new/a.avi", "in/new/c.mkv", "in/new"] {
        uploads.remove(&path(gone), Names::Media).unwrap();
    }
    assert!(matches!(
        uploads.remove(&path("in/new"), Names::Media),
        Err(UploadError::Library(LibraryError::NotFound(_)))
    ));
    assert_eq!(contents(&house.file("films/old.avi")), "old");
}
