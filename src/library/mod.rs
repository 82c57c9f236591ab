//! The library: folders and files below the library roots, and nothing outside them.
//!
//! What belongs here: turning a [`LibraryPath`] into an open file or a listing. What does not:
//! what is inside a file (see [`provider`](crate::provider)), and any protocol.
//!
//! Every access is one `openat2(RESOLVE_BENEATH)` from the root's own directory: the kernel itself
//! refuses `..`, absolute links and links that point out, with no moment between check and use.

mod kind;
mod listing;
mod order;
mod page;
mod path;
mod set;

pub use kind::Kind;
pub use listing::{Entry, Item, Listing, Outline};
pub use order::{SortKey, fold};
pub use page::{Neighbours, Order, Page, PageQuery, PageQueryError, Sort};
pub use path::{LibraryPath, PathError};
pub use set::Continuation;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The library: one folder, or several that appear as the top's folders.
#[derive(Debug)]
pub struct Library {
    roots: Vec<Root>,
}

#[derive(Debug)]
struct Root {
    /// Its name at the top of a library of several.
    name: OsString,
    dir: PathBuf,
}

/// A file of the library, open for reading.
#[derive(Debug)]
pub struct OpenFile {
    /// The file itself. Readers use positions of their own (`pread`).
    pub file: File,
    /// Which file this is, and which version of it.
    pub identity: FileIdentity,
    /// Its length in bytes when it was opened.
    pub len: u64,
}

/// Which file, whatever is written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId {
    device: u64,
    inode: u64,
}

/// Which file, in which version: what a reel was made from. A changed file is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
    len: u64,
    modified_ns: i128,
}

impl FileId {
    /// The number of the file's device; it may be another one after the next start.
    pub fn device(&self) -> u64 {
        self.device
    }

    /// The file's number on its device.
    pub fn inode(&self) -> u64 {
        self.inode
    }
}

impl FileIdentity {
    /// The file, in whichever version.
    pub fn file(&self) -> FileId {
        FileId { device: self.device, inode: self.inode }
    }

    /// Bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True for a file of no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// When it was written last: nanoseconds since 1970.
    pub fn modified_ns(&self) -> i128 {
        self.modified_ns
    }

    /// `None` when the system says nothing sensible.
    pub(crate) fn of_stat(stat: &rustix::fs::Stat) -> Option<Self> {
        // The fields' types differ from one architecture to the next.
        #[allow(clippy::useless_conversion, clippy::unnecessary_fallible_conversions)]
        Some(Self {
            device: u64::try_from(stat.st_dev).ok()?,
            inode: u64::try_from(stat.st_ino).ok()?,
            len: u64::try_from(stat.st_size).ok()?,
            modified_ns: i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec),
        })
    }

    pub(crate) fn of(metadata: &std::fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            len: metadata.len(),
            modified_ns: i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec()),
        }
    }
}

/// Why a path of the library cannot be listed or opened. The texts are shown to people.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// Nothing there, or hidden behind a link that leaves the library.
    #[error("there is no \"{0}\" in the library; look at the folder's listing for what is there")]
    NotFound(LibraryPath),
    /// A folder was named where a file is needed.
    #[error("\"{0}\" is a folder; name a file in it")]
    IsFolder(LibraryPath),
    /// A file was named where a folder is needed, or something that is neither.
    #[error("\"{0}\" is not a folder; name the folder that holds it")]
    NotFolder(LibraryPath),
    /// A device, socket or pipe.
    #[error("\"{0}\" is not an ordinary file, so it can't be played; choose another one")]
    NotRegular(LibraryPath),
    /// The file's mode forbids reading.
    #[error("\"{0}\" may not be read by the server's user; allow it with `chmod o+r` or choose another file")]
    Forbidden(LibraryPath),
    /// The disk does not answer.
    #[error("\"{path}\" can't be read: {error}; check that the disk is connected and mounted")]
    Io {
        /// What was asked for.
        path: LibraryPath,
        /// What the system said.
        error: std::io::Error,
    },
}

impl Library {
    /// A library of these folders. Two of the same name get a number behind it.
    pub fn new(dirs: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut roots: Vec<Root> = Vec::new();
        for dir in dirs {
            let base = dir.file_name().unwrap_or(OsStr::new("library")).to_owned();
            let mut name = base.clone();
            let mut number = 2;
            while roots.iter().any(|r| r.name == name) {
                name = base.clone();
                name.push(format!(" ({number})"));
                number += 1;
            }
            roots.push(Root { name, dir });
        }
        Self { roots }
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// When it is not there, is no ordinary file, or cannot be read.
    pub fn open(&self, path: &LibraryPath) -> Result<OpenFile, LibraryError> {
        // NONBLOCK: opening a FIFO must not wait for a writer.
        let fd = self.open_at(path, OFlags::RDONLY | OFlags::NONBLOCK)?;
        let file = File::from(fd);
        let metadata = file.metadata().map_err(|error| LibraryError::Io { path: path.clone(), error })?;
        if metadata.is_dir() {
            return Err(LibraryError::IsFolder(path.clone()));
        }
        if !metadata.is_file() {
            return Err(LibraryError::NotRegular(path.clone()));
        }
        Ok(OpenFile { file, identity: FileIdentity::of(&metadata), len: metadata.len() })
    }

    /// The path by which a folder of the file system is in the library, if it is.
    pub fn path_of(&self, dir: &Path) -> Option<LibraryPath> {
        let root = self.roots.iter().find(|root| dir.starts_with(&root.dir))?;
        let below = dir.strip_prefix(&root.dir).ok()?;
        let mut path = LibraryPath::from_bytes(below.as_os_str().as_bytes()).ok()?;
        if self.roots.len() > 1 {
            path = path.names().iter().fold(LibraryPath::default().join(&root.name), |p, name| p.join(name));
        }
        Some(path)
    }

    /// Checks that every root is there: a disk may have gone away.
    ///
    /// # Errors
    /// The first root that cannot be opened.
    pub fn check_roots(&self) -> Result<(), LibraryError> {
        self.roots.iter().try_for_each(|root| open_root(&root.dir, &LibraryPath::default()).map(drop))
    }

    /// True when the path is a folder of the library.
    pub fn is_folder(&self, path: &LibraryPath) -> bool {
        if self.roots.len() > 1 && path.is_top() {
            return true;
        }
        self.open_at(path, OFlags::PATH | OFlags::DIRECTORY).is_ok()
    }

    /// True when the path is there and is an ordinary file.
    pub fn is_file(&self, path: &LibraryPath) -> bool {
        self.open_at(path, OFlags::PATH)
            .and_then(|fd| {
                File::from(fd).metadata().map_err(|error| LibraryError::Io { path: path.clone(), error })
            })
            .is_ok_and(|m| m.is_file())
    }

    /// The file that `path` names with `.flv` behind its own name, unless there is one that is called just so. Playlists
    /// write it: VLC goes by the end of an address, and looks for bare MPEG frames behind `.mp3`, whatever it is told.
    pub fn behind_flv(&self, path: &LibraryPath) -> Option<LibraryPath> {
        let (folder, name) = path.split_last()?;
        let file = folder.join(OsStr::from_bytes(name.as_bytes().strip_suffix(b".flv")?));
        (!self.is_file(path) && self.is_file(&file)).then_some(file)
    }

    /// The playable file in `path`'s folder whose name without extension is `path`'s last name:
    /// RTMP clients strip `.flv` and `.mp4` from what the user typed. `.flv` wins, because it
    /// plays as it is; then the first in natural order. Only names are read, and only those that match are
    /// looked at: a folder may hold 20,000 films.
    pub fn find_by_stem(&self, path: &LibraryPath) -> Option<LibraryPath> {
        let (folder, stem) = path.split_last()?;
        let stem = stem.as_bytes();
        let mut candidates = self.names_with(&folder, |name| extension_behind(name, stem).is_some()).ok()?;
        candidates.sort_by_cached_key(|name| {
            let extension = extension_behind(name.as_bytes(), stem).unwrap_or_default();
            (!extension.eq_ignore_ascii_case(b"flv"), name.to_string_lossy().to_lowercase())
        });
        candidates.iter().map(|name| folder.join(name)).find(|path| self.is_file(path))
    }

    /// The first playable file of a folder.
    pub fn first_playable(&self, folder: &LibraryPath) -> Option<LibraryPath> {
        let outline = self.outline(folder).ok()?;
        outline.items.iter().find(|item| item.kind.is_playable()).map(|item| folder.join(&item.os_name))
    }

    /// The device that a folder is on, and the folder's number there: a disk that went away leaves an empty
    /// folder of another device in its place.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn folder_id(&self, path: &LibraryPath) -> Result<FileId, LibraryError> {
        let io = |error| LibraryError::Io { path: path.clone(), error };
        let fd = self.open_at(path, OFlags::PATH | OFlags::DIRECTORY)?;
        let metadata = File::from(fd).metadata().map_err(io)?;
        Ok(FileId { device: metadata.dev(), inode: metadata.ino() })
    }

    /// A folder of the library, open: for whoever wants to be told of its changes.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn open_folder(&self, path: &LibraryPath) -> Result<OwnedFd, LibraryError> {
        self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// The top's folders: each root by itself.
    pub fn tops(&self) -> Vec<LibraryPath> {
        match self.roots.as_slice() {
            [_] => vec![LibraryPath::default()],
            several => several.iter().map(|root| LibraryPath::default().join(&root.name)).collect(),
        }
    }

    fn root_of<'a>(&'a self, path: &LibraryPath) -> Result<(&'a Path, LibraryPath), LibraryError> {
        if let [root] = self.roots.as_slice() {
            return Ok((&root.dir, path.clone()));
        }
        let not_found = || LibraryError::NotFound(path.clone());
        let (first, rest) = path.split_first().ok_or_else(not_found)?;
        let root = self.roots.iter().find(|r| r.name == first).ok_or_else(not_found)?;
        Ok((&root.dir, rest))
    }

    fn open_at(&self, path: &LibraryPath, flags: OFlags) -> Result<OwnedFd, LibraryError> {
        let (root, relative) = self.root_of(path)?;
        let refuse = |errno: Errno| match errno {
            // XDEV and LOOP: a link out of the library. It is not ours to say what it points at.
            Errno::NOENT | Errno::XDEV | Errno::LOOP | Errno::NAMETOOLONG | Errno::NOTDIR => {
                LibraryError::NotFound(path.clone())
            }
            Errno::ACCESS | Errno::PERM => LibraryError::Forbidden(path.clone()),
            // A socket, or a device that is not there.
            Errno::NXIO => LibraryError::NotRegular(path.clone()),
            errno => LibraryError::Io { path: path.clone(), error: errno.into() },
        };
        let root = open_root(root, path)?;
        // NOCTTY because a library may hold device files; PATH allows nothing beside itself.
        let extra =
            if flags.contains(OFlags::PATH) { OFlags::CLOEXEC } else { OFlags::CLOEXEC | OFlags::NOCTTY };
        let flags = flags | extra;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        match rustix::fs::openat2(&root, relative.to_relative(), flags, Mode::empty(), resolve) {
            Err(Errno::NOSYS) => open_without_links(root, &relative, flags).map_err(refuse),
            other => other.map_err(refuse),
        }
    }
}

/// The extension of `name` when all that is before it is `stem`, and a player plays it.
fn extension_behind<'a>(name: &'a [u8], stem: &[u8]) -> Option<&'a [u8]> {
    let extension = name.strip_prefix(stem)?.strip_prefix(b".")?;
    let playable = || Kind::of_file_name(&String::from_utf8_lossy(name)).is_some_and(Kind::is_playable);
    (!extension.is_empty() && !extension.contains(&b'.') && playable()).then_some(extension)
}

/// Opens a root's directory. One that is not there is a disk that went away, not a wrong `path`.
fn open_root(dir: &Path, path: &LibraryPath) -> Result<OwnedFd, LibraryError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(dir, flags, Mode::empty())
        .map_err(|errno| LibraryError::Io { path: path.clone(), error: errno.into() })
}

/// For kernels before 5.6, which have no `openat2`: name by name, following no link at all.
fn open_without_links(root: OwnedFd, path: &LibraryPath, flags: OFlags) -> Result<OwnedFd, Errno> {
    let Some((folder, last)) = path.split_last() else {
        return rustix::fs::openat(&root, ".", flags, Mode::empty());
    };
    let mut dir = root;
    for name in folder.names() {
        let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        dir = rustix::fs::openat(&dir, name, step, Mode::empty())?;
    }
    rustix::fs::openat(&dir, last, flags | OFlags::NOFOLLOW, Mode::empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn path(p: &str) -> LibraryPath {
        LibraryPath::from_bytes(p.as_bytes()).unwrap()
    }

    fn sample() -> (tempfile::TempDir, Library) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("media");
        std::fs::create_dir_all(root.join("films")).unwrap();
        std::fs::write(dir.path().join("secret.mp4"), "secret").unwrap();
        for name in [
            "films/a b.avi",
            "films/movie.mp4",
            "films/movie.flv",
            "films/movie.x.mkv",
            "films/10.mp3",
            "films/9.mp3",
        ] {
            std::fs::write(root.join(name), name).unwrap();
        }
        std::fs::write(root.join("films/notes.txt"), "").unwrap();
        std::fs::write(root.join("films/.hidden.mp4"), "").unwrap();
        symlink("../../secret.mp4", root.join("films/out.mp4")).unwrap();
        symlink(dir.path().join("secret.mp4"), root.join("films/absolute.mp4")).unwrap();
        symlink("/", root.join("rootdir")).unwrap();
        symlink("films/movie.mp4", root.join("inside.mp4")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            root.join("pipe.mp4"),
            rustix::fs::FileType::Fifo,
            Mode::RUSR,
            0,
        )
        .unwrap();
        let library = Library::new([root]);
        (dir, library)
    }

    #[test]
    fn files_open_and_links_that_leave_do_not() {
        let (_dir, library) = sample();
        assert_eq!(library.open(&path("films/a b.avi")).unwrap().len, 13);
        assert!(library.open(&path("inside.mp4")).is_ok());
        for gone in
            ["films/out.mp4", "films/absolute.mp4", "rootdir/etc/passwd", "films/none.mp4", "films/a b.avi/x"]
        {
            assert!(matches!(library.open(&path(gone)), Err(LibraryError::NotFound(_))), "{gone}");
        }
        assert!(matches!(library.open(&path("films")), Err(LibraryError::IsFolder(_))));
        assert!(matches!(
            library.open(&path("pipe.mp4")),
            Err(LibraryError::NotRegular(_) | LibraryError::Forbidden(_))
        ));
    }

    #[test]
    fn a_listing_has_folders_first_then_playable_files_in_natural_order() {
        let (_dir, library) = sample();
        let names = |p: &str| -> Vec<String> {
            library.list(&path(p)).unwrap().entries.into_iter().map(|e| e.name).collect()
        };
        assert_eq!(names(""), ["films", "inside.mp4"]);
        assert_eq!(names("films"), ["9.mp3", "10.mp3", "a b.avi", "movie.flv", "movie.mp4", "movie.x.mkv"]);
        assert!(matches!(library.list(&path("films/a b.avi")), Err(LibraryError::NotFolder(_))));
    }

    #[test]
    fn a_name_without_extension_finds_its_file() {
        let (_dir, library) = sample();
        assert_eq!(library.find_by_stem(&path("films/movie")), Some(path("films/movie.flv")));
        assert_eq!(library.find_by_stem(&path("films/a b")), Some(path("films/a b.avi")));
        assert_eq!(library.find_by_stem(&path("films/mov")), None);
    }

    #[test]
    fn a_name_with_flv_behind_it_is_that_of_the_file_unless_there_is_one_called_so() {
        let (_dir, library) = sample();
        assert_eq!(library.behind_flv(&path("films/9.mp3.flv")), Some(path("films/9.mp3")));
        for other in
            ["films/movie.flv", "films/9.mp3", "films/11.mp3.flv", "films.flv", ".flv", "films/.flv", ""]
        {
            assert_eq!(library.behind_flv(&path(other)), None, "{other}");
        }
    }

    #[test]
    fn several_roots_are_the_tops_folders() {
        let (dir, _) = sample();
        let other = dir.path().join("x/media");
        std::fs::create_dir_all(&other).unwrap();
        std::fs::write(other.join("z.mp4"), "").unwrap();
        let library = Library::new([dir.path().join("media"), other]);
        let top: Vec<String> = library.list(&path("")).unwrap().entries.into_iter().map(|e| e.name).collect();
        assert_eq!(top, ["media", "media (2)"]);
        assert!(library.open(&path("media (2)/z.mp4")).is_ok());
        assert_eq!(library.path_of(&dir.path().join("x/media/a/b")), Some(path("media (2)/a/b")));
        assert_eq!(library.path_of(&dir.path().join("x")), None);
        assert_eq!(Library::new([dir.path().to_owned()]).path_of(&dir.path().join("x")), Some(path("x")));
        assert!(matches!(library.open(&path("z.mp4")), Err(LibraryError::NotFound(_))));
    }

    #[test]
    fn a_root_that_went_away_says_so() {
        let (dir, library) = sample();
        std::fs::remove_dir_all(dir.path().join("media")).unwrap();
        let error = library.list(&path("")).unwrap_err().to_string();
        assert!(error.contains("check that the disk is connected"), "{error}");
    }
}
