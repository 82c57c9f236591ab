//! What a file is, by its name. Only listings use it: what really is in a file is found out when
//! it is played.

use serde::Serialize;
use utoipa::ToSchema;

/// What a listing says of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A folder.
    Folder,
    /// A film.
    Video,
    /// Sound only.
    Audio,
    /// A picture.
    Picture,
}

const VIDEO: &[&str] = &[
    "264", "265", "3g2", "3gp", "amv", "asf", "avc", "avi", "bik", "divx", "dv", "f4v", "flv", "h264",
    "hevc", "ivf", "m1v", "m2p", "m2t", "m2ts", "m2v", "m4v", "mkv", "mod", "mov", "mp4", "mpe", "mpeg",
    "mpg", "mpv", "mts", "mxf", "nsv", "nut", "ogm", "ogv", "qt", "rm", "rmvb", "roq", "swf", "tod", "trp",
    "ts", "tts", "vob", "vro", "webm", "wmv", "wtv", "xvid", "y4m",
];
const AUDIO: &[&str] = &[
    "aac", "ac3", "aif", "aifc", "aiff", "amr", "ape", "au", "awb", "caf", "dts", "eac3", "flac", "m4a",
    "m4b", "mka", "mp1", "mp2", "mp3", "mpa", "mpc", "oga", "ogg", "opus", "ra", "snd", "spx", "tta", "voc",
    "wav", "wma", "wv",
];
const PICTURE: &[&str] =
    &["avif", "bmp", "gif", "heic", "heif", "jpe", "jpeg", "jpg", "png", "tif", "tiff", "webp"];

impl Kind {
    /// By a file name's extension; `None` for what nobody would try to play (text, subtitles,
    /// archives).
    pub fn of_file_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        let extension = extension.to_ascii_lowercase();
        let has = |list: &[&str]| list.binary_search(&extension.as_str()).is_ok();
        match () {
            () if has(VIDEO) => Some(Self::Video),
            () if has(AUDIO) => Some(Self::Audio),
            () if has(PICTURE) => Some(Self::Picture),
            () => None,
        }
    }

    /// True for what the players play.
    pub fn is_playable(self) -> bool {
        matches!(self, Self::Video | Self::Audio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_sorted_for_the_binary_search() {
        for list in [VIDEO, AUDIO, PICTURE] {
            assert!(list.is_sorted(), "{list:?}");
        }
    }

    #[test]
    fn names_tell_kinds() {
        assert_eq!(Kind::of_file_name("A b.AVI"), Some(Kind::Video));
        assert_eq!(Kind::of_file_name("x.tar.flac"), Some(Kind::Audio));
        assert_eq!(Kind::of_file_name("x.jpg"), Some(Kind::Picture));
        assert_eq!(Kind::of_file_name("readme.txt"), None);
        assert_eq!(Kind::of_file_name("noextension"), None);
    }
}
