//! Why a file can't come, or be changed. The texts are shown to people.

use crate::library::{LibraryError, LibraryPath};

/// Why a file can't come, or be changed.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The owner has named no folder.
    #[error("this server takes no files; its owner can name folders for them: [upload] folders")]
    Off,
    /// No folder that takes files.
    #[error("\"{0}\" is not in a folder that takes files; GET /api/v1/uploads lists those that do")]
    Outside(LibraryPath),
    /// A name that would only make trouble.
    #[error("a file can't be called so: {0}; choose another name")]
    Name(&'static str),
    /// Neither a film nor a sound, a picture or subtitles.
    #[error("\"{0}\" is neither film, sound, picture nor subtitles by its name; only these are taken")]
    NoMedia(String),
    /// The folder for it is not there.
    #[error("there is no folder \"{0}\"; make it first")]
    NoFolder(LibraryPath),
    /// Something is there.
    #[error(
        "there is a \"{0}\" already; choose another name, or send its ETag as If-Match, or replace=1, to replace a file"
    )]
    Exists(LibraryPath),
    /// What was to be replaced is another one by now.
    #[error("\"{0}\" is no longer the one that was to be replaced; look at it again")]
    Changed(LibraryPath),
    /// A folder with something in it.
    #[error("the folder \"{0}\" is not empty; delete what is in it first")]
    NotEmpty(LibraryPath),
    /// More than one request may do.
    #[error("there is more in this folder than can be done at once; take its folders one by one")]
    TooMuch,
    /// It would have to be copied.
    #[error("\"{0}\" is on another disk; send the file there instead")]
    OtherDisk(LibraryPath),
    /// A folder below itself.
    #[error("a folder can't be moved to \"{0}\", into itself; choose another place")]
    IntoItself(LibraryPath),
    /// Nothing of it has come.
    #[error("nothing of \"{0}\" has come; begin at offset=0")]
    Nothing(LibraryPath),
    /// Somebody sends it now.
    #[error("somebody sends this file at this moment; wait until that is over")]
    Busy,
    /// Too many at once.
    #[error("too many files are on their way; try again when some of them have come")]
    TooMany,
    /// Larger than the owner wants.
    #[error(
        "the file is {size} bytes long, at most {most} are taken; the owner can raise [upload] largest_mb"
    )]
    TooLarge {
        /// As told.
        size: u64,
        /// As configured.
        most: u64,
    },
    /// More or fewer bytes than were told.
    #[error("so far {received} bytes have come; go on with offset={received}, or begin at offset=0")]
    Offset {
        /// What is there.
        received: u64,
    },
    /// The disk is as full as it may be.
    #[error("the disk has no room for this file; delete something, then go on where it broke off")]
    NoRoom,
    /// Our user may not.
    #[error(
        "the server's user may not write at \"{0}\"; allow it with `chown` or `chmod`, or choose another folder"
    )]
    NotWritable(LibraryPath),
    /// The disk or the path.
    #[error(transparent)]
    Library(#[from] LibraryError),
}
