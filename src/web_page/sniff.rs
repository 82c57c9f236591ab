//! Media by their type, their name and their first bytes.

use url::Url;

/// Ends of names that say "media" where a server says nothing better.
const NAMES: [&str; 34] = [
    "mp4", "m4v", "mov", "mkv", "webm", "avi", "flv", "f4v", "wmv", "asf", "mpg", "mpeg", "m2v", "vob", "ts",
    "m2ts", "mts", "ogv", "3gp", "divx", "rmvb", "mp3", "m4a", "m4b", "aac", "ogg", "oga", "opus", "flac",
    "wav", "wma", "mka", "weba", "ac3",
];

/// The address ends like a media file's.
pub fn is_media_name(url: &Url) -> bool {
    let name = url.path().rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').is_some_and(|(_, end)| NAMES.iter().any(|known| end.eq_ignore_ascii_case(known)))
}

/// It is media: by its first bytes where they leave no doubt, else by its type, else by its name.
pub(super) fn is_media(url: &Url, content_type: &str, bytes: &[u8]) -> bool {
    if has_magic(bytes) {
        return true;
    }
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (class, of_class) = kind.split_once('/').unwrap_or((&kind, ""));
    match class {
        "video" | "audio" => {
            !["mpegurl", "x-mpegurl", "scpls", "x-scpls", "x-pn-realaudio"].contains(&of_class)
        }
        "application" if of_class == "ogg" || of_class == "mp4" => true,
        "application" if of_class == "octet-stream" => is_media_name(url) || is_mp3(bytes),
        "" => is_media_name(url) && std::str::from_utf8(bytes).is_err() || is_mp3(bytes),
        _ => false,
    }
}

fn has_magic(bytes: &[u8]) -> bool {
    let at = |offset: usize, magic: &[u8]| bytes.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    let packets = |len: usize| bytes.len() > 3 * len && (0..4).all(|n| bytes.get(n * len) == Some(&0x47));
    at(4, b"ftyp")
        || at(0, b"\x1a\x45\xdf\xa3")
        || at(0, b"FLV\x01")
        || (at(0, b"RIFF") && (at(8, b"AVI ") || at(8, b"WAVE")))
        || at(0, b"OggS")
        || at(0, b"fLaC")
        || at(0, b"ID3")
        || at(0, b"\0\0\x01\xba")
        || at(0, b"\0\0\x01\xb3")
        || at(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11")
        || packets(188)
        || at(4, b"\x47") && bytes.len() > 3 * 192 && (0..4).all(|n| bytes.get(4 + n * 192) == Some(&0x47))
}

/// A frame of MPEG audio or ADTS, and another byte of the same sort where the first one is whole would be too much to ask
/// of four kilobytes: only where nothing else speaks against it.
fn is_mp3(bytes: &[u8]) -> bool {
    // FF FE is the mark of UTF-16 as well.
    matches!(bytes, [0xff, second, third, ..] if *second != 0xfe && second & 0xe0 == 0xe0 && second & 0x18 != 0x08 && third >> 4 != 0xf)
}
