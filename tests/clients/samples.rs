//! The library that the servers under test serve, and a place for what an unprivileged server must reach.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The user that servers run as when root runs the tests: `nobody`, on every Linux. The server refuses root.
pub(crate) const NOBODY: u32 = 65534;

/// H.264 with B-frames and AAC, 20 seconds, a keyframe every two. Not converted, only repacked.
pub(crate) const H264_MP4: &str = "Films/Big Test (H.264).mp4";
/// The same in Matroska, which keeps no decoding times.
pub(crate) const H264_MKV: &str = "Films/Same in Matroska.mkv";
/// The same in an MPEG transport stream.
pub(crate) const H264_TS: &str = "Films/Recording.ts";
/// The same in FLV: served as it is.
pub(crate) const H264_FLV: &str = "Flash Era/H264.flv";
/// Sorenson H.263 and MP3, 12 seconds: served as it is.
pub(crate) const SORENSON_FLV: &str = "Flash Era/wii clip.flv";
/// 90 seconds that must be converted.
pub(crate) const LONG_AVI: &str = "Films/A Long Way (90 seconds).avi";
/// MPEG-2, and a name without anything special.
pub(crate) const MPEG2: &str = "Films/Broadcast.mpg";
/// Baseline H.264 and AAC, 10 seconds.
pub(crate) const JAPANESE_MP4: &str = "日本語/テスト.mp4";
/// A name that looks like a query, a fragment and a bad percent-encoding.
pub(crate) const AWKWARD_MP4: &str = "Films/100% #1 & more?.mp4";

/// What has to be decoded and encoded.
pub(crate) const CONVERTED: &[&str] = &[
    "Films/Zwölf Bären.mkv",
    "Films/Old Tape.avi",
    MPEG2,
    "Web/clip.webm",
    "Music/Ein Lied.mp3",
    "Music/Lossless.flac",
];

/// Files with nothing in them that could be played.
pub(crate) const BROKEN: &[&str] = &[
    "Broken/broken-empty.mp4",
    "Broken/broken-garbage.mp4",
    "Broken/broken-head.mp4",
    "Broken/broken-text.avi",
    "Broken/broken.flv",
];

/// The folder of the sample library. Made at the first call.
pub(crate) fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        if let Some(given) = std::env::var_os("WIIDIA_SAMPLES") {
            return given.into();
        }
        let folder = reachable_folder().join("library");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/make-samples");
        let status = Command::new(script).arg("--broken").arg(&folder).status().unwrap();
        assert!(status.success(), "{script} ended with {status}");
        folder
    })
}

/// A sample's path in the file system.
pub(crate) fn path_of(sample: &str) -> String {
    library().join(sample).to_str().unwrap().to_owned()
}

/// The server's program, where the server's user can start it.
pub(crate) fn server_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let built = Path::new(env!("CARGO_BIN_EXE_wiidiaserver"));
        if !we_are_root() || everyone_reaches(built) {
            return built.to_owned();
        }
        // Put there under another name first: an older one may still run.
        let folder = reachable_folder();
        let copy = folder.join("wiidiaserver");
        let fresh = folder.join(format!("wiidiaserver.{}", std::process::id()));
        std::fs::copy(built, &fresh).unwrap();
        std::fs::rename(&fresh, &copy).unwrap();
        copy
    })
}

/// Whether root runs the tests.
pub(crate) fn we_are_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// cargo's folder for tests' files; one in /var/tmp when the server's user could not reach that (root's
/// clone below /root).
fn reachable_folder() -> PathBuf {
    let usual = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(usual).unwrap();
    if !we_are_root() || everyone_reaches(usual) {
        return usual.to_owned();
    }
    let other = PathBuf::from("/var/tmp/wiidiaserver-test");
    std::fs::create_dir_all(&other).unwrap();
    other
}

/// Whether any user may go through every folder of this path, its end included.
fn everyone_reaches(path: &Path) -> bool {
    path.ancestors()
        .all(|part| std::fs::metadata(part).is_ok_and(|data| data.permissions().mode() & 0o1 != 0))
}
