//! Which file of the library a client may mean by its app and stream name.
//!
//! Clients cut one URL in different ways and take file name extensions off, so that one name stands for
//! several possible paths. Best first, they are:
//!
//! ```text
//!  folder   the app without its first component (rtmp://box/vod/films/a.avi: app "vod/films", "a.avi"),
//!           the whole app (rtmp://box/films/a.avi), none; none first when the name begins with a slash
//!  name     as sent, without "?query", percent-decoded, Latin-1 made UTF-8
//!  file     that very name; with the extension its prefix stands for ("mp4:movie"); any file with that stem
//! ```
//!
//! Behind a question mark, in the name or in the app, stands what is chosen of the film ([`choice`]); and the
//! app's first component may be a profile's name ([`profile`]), unless it is a folder's.
//!
//! What exists is the library's business; so is keeping paths inside it, although ".." never gets past
//! here.

use crate::choice::{Choice, ChoiceError, Profile};
use crate::limits::MAX_PATH_CANDIDATES;
use percent_encoding::percent_decode;
use std::borrow::Cow;

/// One path to try, relative to the library.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// Components joined by single slashes, none in front; never empty, never with `..`.
    pub path: Vec<u8>,
    /// The last component lacks its extension: `.flv` is to be tried first, then any playable file of
    /// that stem. Otherwise the path is the file's own.
    pub stem: bool,
    /// The app's first component is the path's: a folder, and no application.
    pub app_is_folder: bool,
}

impl std::fmt::Debug for Candidate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", String::from_utf8_lossy(&self.path), if self.stem { ".*" } else { "" })
    }
}

/// The paths that `play(name)` on the application `app` may mean, best first, at most
/// [`MAX_PATH_CANDIDATES`].
pub fn candidates(app: &[u8], name: &[u8]) -> Vec<Candidate> {
    let mut found = Vec::new();
    let (extension, rest) = split_prefix(name);
    let absolute = name.starts_with(b"/") && extension.is_none();
    for (folder, app_is_folder) in folders(app, absolute) {
        for name in spellings(rest) {
            let Some(path) = join(&folder, &name) else { continue };
            let mut add = |path: Vec<u8>, stem| {
                let candidate = Candidate { path, stem, app_is_folder };
                if found.len() < MAX_PATH_CANDIDATES && !found.contains(&candidate) {
                    found.push(candidate);
                }
            };
            add(path.clone(), false);
            if let Some(extension) = extension {
                // "mp4:movie.mp4" has it already, and "mp4:a.avi" then finds nothing: no harm.
                add([&path[..], b".", extension].concat(), false);
            }
            add(path, true);
        }
    }
    found
}

/// The extension that a prefix such as `mp4:` stands for, and the name behind it. FMS needs these
/// prefixes to tell formats apart; ffmpeg and librtmp add them.
fn split_prefix(name: &[u8]) -> (Option<&'static [u8]>, &[u8]) {
    const PREFIXES: [(&[u8], &[u8]); 4] =
        [(b"mp4:", b"mp4"), (b"flv:", b"flv"), (b"mp3:", b"mp3"), (b"f4v:", b"f4v")];
    let start = name.iter().position(|&byte| byte != b'/').unwrap_or(name.len());
    for (prefix, extension) in PREFIXES {
        let head = name[start..].get(..prefix.len());
        if head.is_some_and(|head| head.eq_ignore_ascii_case(prefix)) {
            return (Some(extension), &name[start + prefix.len()..]);
        }
    }
    (None, name)
}

/// What the query of a name, or of an app, chooses of the film. The name's counts more; what it leaves open may stand
/// in `tcUrl`, of which some clients send only a part as the app.
///
/// ```
/// use wiidiaserver::rtmp::play_path::choice;
/// let choice = choice(b"vod?audio=de", b"rtmp://box/vod?profile=tv", b"a.mkv?profile=small").unwrap();
/// assert_eq!(choice.profile.map(|profile| profile.name()), Some("small"));
/// assert!(choice.audio.is_some());
/// ```
///
/// # Errors
/// What cannot be chosen, with what can.
pub fn choice(app: &[u8], tc_url: &[u8], name: &[u8]) -> Result<Choice, ChoiceError> {
    let read = |query: &[u8]| Choice::from_query(&String::from_utf8_lossy(query));
    // What is behind a slash is a folder again: ffmpeg and librtmp cut "vod?profile=small/films/a.avi" there.
    let of_app = |text| {
        let query = split_query(text).1;
        &query[..query.iter().position(|&byte| byte == b'/').unwrap_or(query.len())]
    };
    Ok(read(split_query(name).1)?.or(read(of_app(app))?).or(read(of_app(tc_url))?))
}

/// The profile that the app's first component names, if it is one.
pub fn profile(app: &[u8]) -> Option<Profile> {
    let app = split_query(app).0;
    let first = app.split(|&byte| byte == b'/').find(|part| !part.is_empty())?;
    Profile::named(std::str::from_utf8(first).ok()?)
}

/// What stands before the first question mark, and behind it.
fn split_query(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|&byte| byte == b'?') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[]),
    }
}

/// The folders that an app may stand for, and whether the app's first component is one of them.
fn folders(app: &[u8], name_is_absolute: bool) -> Vec<(Vec<u8>, bool)> {
    let (app, query) = split_query(app);
    let behind = query.iter().position(|&byte| byte == b'/').map_or(&[][..], |at| &query[at..]);
    let app: Cow<'_, [u8]> = percent_decode(app).into();
    let behind: Cow<'_, [u8]> = percent_decode(behind).into();
    // "_definst_" is FMS's and Wowza's name for the default instance, not a folder.
    let parts = |of: &[u8]| -> Vec<Vec<u8>> {
        let parts = of.split(|&byte| byte == b'/');
        parts.filter(|part| !part.is_empty() && part != b"_definst_").map(<[u8]>::to_vec).collect()
    };
    let (mut components, behind) = (parts(&app), parts(&behind));
    let first_is_app = usize::from(!components.is_empty());
    components.extend(behind);
    let mut folders =
        vec![(components[first_is_app..].join(&b'/'), false), (components.join(&b'/'), first_is_app == 1)];
    // Behind a slash the whole path is given: the 2007 player's way.
    folders.insert(if name_is_absolute { 0 } else { 2 }, (Vec::new(), false));
    folders
}

/// The ways in which the same name may have been written.
fn spellings(name: &[u8]) -> Vec<Vec<u8>> {
    // "Who?.avi" may be a file's name: as sent comes first.
    let bare = split_query(name).0;
    let mut spellings = vec![name.to_vec(), bare.to_vec(), percent_decode(bare).collect()];
    if std::str::from_utf8(bare).is_err() {
        spellings.push(bare.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes());
    }
    spellings.dedup();
    spellings
}

/// A clean path, unless there is none.
fn join(folder: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    if name.iter().all(|&byte| byte == b'/') {
        return None;
    }
    let mut parts = Vec::new();
    for part in folder.split(|&byte| byte == b'/').chain(name.split(|&byte| byte == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => return None,
            part if part.contains(&0) => return None,
            part => parts.push(part),
        }
    }
    Some(parts.join(&b'/')).filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tried(app: &str, name: &[u8]) -> String {
        let all: Vec<String> = candidates(app.as_bytes(), name).iter().map(|c| format!("{c:?}")).collect();
        all.join(" | ")
    }

    #[test]
    fn the_forms_in_which_clients_send_paths() {
        let table: [(&str, &str, &[u8], &str); 16] = [
            (
                "ffmpeg, any file",
                "vod/films",
                b"a.avi",
                "films/a.avi | films/a.avi.* | vod/films/a.avi | vod/films/a.avi.* | a.avi | a.avi.*",
            ),
            ("ffmpeg took .flv off", "vod", b"movie", "movie | movie.* | vod/movie | vod/movie.*"),
            (
                "ffmpeg adds mp4: and keeps the extension",
                "vod",
                b"mp4:movie.mp4",
                "movie.mp4 | movie.mp4.mp4 | movie.mp4.* | vod/movie.mp4 | vod/movie.mp4.mp4 | vod/movie.mp4.*",
            ),
            (
                "librtmp adds mp4: and takes the extension off",
                "",
                b"mp4:films/movie",
                "films/movie | films/movie.mp4 | films/movie.*",
            ),
            ("librtmp with an empty app", "", b"movie", "movie | movie.*"),
            ("FMS's prefix for FLV", "", b"flv:movie", "movie | movie.flv | movie.*"),
            ("prefixes in capitals, behind a slash", "", b"/MP3:song", "song | song.mp3 | song.*"),
            (
                "rtmp2src, percent-encoded",
                "vod",
                b"a%20b.avi",
                "a%20b.avi | a%20b.avi.* | a b.avi | a b.avi.* | \
                 vod/a%20b.avi | vod/a%20b.avi.* | vod/a b.avi | vod/a b.avi.*",
            ),
            (
                "a token behind the name",
                "",
                b"a.avi?token=1",
                "a.avi?token=1 | a.avi?token=1.* | a.avi | a.avi.*",
            ),
            ("2007 player", "", b"/films/a b.avi", "films/a b.avi | films/a b.avi.*"),
            (
                "2007 player with an app",
                "wii/x",
                b"/films/a.avi",
                "films/a.avi | films/a.avi.* | x/films/a.avi | x/films/a.avi.* | \
                 wii/x/films/a.avi | wii/x/films/a.avi.*",
            ),
            ("default instance", "vod/_definst_", b"a", "a | a.* | vod/a | vod/a.*"),
            (
                "app with a query, which librtmp and ffmpeg cut behind the next folder",
                "vod?profile=small/films",
                b"a",
                "films/a | films/a.* | vod/films/a | vod/films/a.* | a | a.*",
            ),
            ("app with a query", "vod?x=1", b"a", "a | a.* | vod/a | vod/a.*"),
            ("a Latin-1 name", "", b"caf\xe9", "caf\u{fffd} | caf\u{fffd}.* | café | café.*"),
            ("slashes and dots that mean nothing", "", b"//films/.//a", "films/a | films/a.*"),
        ];
        for (client, app, name, expected) in table {
            assert_eq!(tried(app, name), expected, "{client}");
        }
    }

    #[test]
    fn what_is_chosen_stands_behind_the_name_the_app_or_in_its_url() {
        let small = Choice { profile: Some(Profile::Small), ..Choice::default() };
        for (app, tc_url, name) in [
            ("vod", "rtmp://box/vod", "films/a.mkv?profile=small"),
            ("vod", "rtmp://box/vod", "mp4:films/a?token=1&profile=small"),
            ("vod?profile=small", "rtmp://box/vod?profile=small", "films/a.mkv"),
            ("vod?profile=small/films", "rtmp://box/vod?profile=small/films", "a.mkv"),
            ("vod", "rtmp://box/vod?profile=small", "a.mkv"),
            ("vod?profile=tv", "", "a.mkv?profile=small"),
        ] {
            let chosen = choice(app.as_bytes(), tc_url.as_bytes(), name.as_bytes());
            assert_eq!(chosen, Ok(small.clone()), "{app} {tc_url} {name}");
        }
        assert_eq!(choice(b"vod", b"", b"Who?.avi"), Ok(Choice::default()));
        assert_eq!(choice(b"vod", b"", b"a?\xff=\xfe&profile"), Ok(Choice::default()));
        assert!(choice(b"vod", b"", b"a?profile=\xff").is_err());
    }

    #[test]
    fn an_app_may_be_a_profile_but_a_folder_stays_a_folder() {
        for (app, expected) in [
            ("small", Some(Profile::Small)),
            ("/flash/films", Some(Profile::Flash)),
            ("audio?x", Some(Profile::Audio)),
            ("vod/small", None),
            ("Small", None),
            ("", None),
        ] {
            assert_eq!(profile(app.as_bytes()), expected, "{app}");
        }
        let found = candidates(b"audio/live", b"a.mp3");
        let folders: Vec<_> =
            found.iter().filter(|c| !c.stem).map(|c| (&c.path[..], c.app_is_folder)).collect();
        let expected: [(&[u8], bool); 3] =
            [(b"live/a.mp3", false), (b"audio/live/a.mp3", true), (b"a.mp3", false)];
        assert_eq!(folders, expected);
    }

    #[test]
    fn paths_that_lead_out_or_nowhere_have_no_candidates() {
        for name in
            [&b""[..], b"/", b"//", b"?x", b"..", b"a/../../b", b"%2e%2e/a", b"a\0b", b"mp4:", b"a%00"]
        {
            for found in candidates(b"", name) {
                let path = String::from_utf8_lossy(&found.path).into_owned();
                // What is left may only be the name taken literally.
                assert!(path == "?x" || path == "%2e%2e/a" || path == "a%00", "{path}");
            }
        }
        assert!(candidates(b"x/..", b"a").iter().all(|found| found.path == b"a"));
    }

    proptest! {
        #[test]
        fn candidates_are_clean_and_few(
            app in proptest::collection::vec(any::<u8>(), 0..30),
            name in proptest::collection::vec(prop_oneof![Just(b'/'), Just(b'.'), Just(b'%'), any::<u8>()], 0..60),
        ) {
            let found = candidates(&app, &name);
            prop_assert!(found.len() <= MAX_PATH_CANDIDATES);
            for candidate in found {
                prop_assert!(!candidate.path.is_empty() && !candidate.path.starts_with(b"/"));
                prop_assert!(candidate.path.split(|&b| b == b'/').all(|part| part != b".." && !part.is_empty()));
            }
        }
    }
}
