//! Addresses below `/hls/`.

use super::super::route::RouteError;
use crate::choice::Choice;
use crate::library::LibraryPath;
use percent_encoding::percent_decode_str;

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::server::http) enum HlsRoute {
    /// `/hls/<path>/<file>`: a file of the library.
    Film(FilmAddress),
    /// `/hls/live/<key>/<file>`: a live stream; a folder of the library called `live` when there is no such stream.
    Live { address: LiveAddress, film: Option<FilmAddress> },
}

/// A film's playlist or a part of it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::server::http) struct FilmAddress {
    pub(super) path: LibraryPath,
    pub(super) file: FilmFile,
    /// For which plan the segment was listed, `v=`.
    pub(super) version: Option<String>,
    pub(super) choice: Choice,
    /// The choice as it was written, for the addresses of segments: `&profile=small`.
    pub(super) chosen: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FilmFile {
    /// `index.m3u8`
    Index,
    /// `master.m3u8`
    Master,
    /// `init.mp4`
    Init,
    /// `segment-<n>.m4s`
    Segment(u32),
    /// `subtitles-<track>.m3u8`
    Subtitles(u32),
    /// `subtitles-<track>.<n>.vtt`
    Words {
        /// Which subtitles.
        track: u32,
        /// Which part of them.
        n: u32,
    },
}

/// A live stream's playlist or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server::http) struct LiveAddress {
    pub(super) key: String,
    pub(super) file: LiveFile,
    /// The run of the stream's segments that the part was listed in, `s=`.
    pub(super) session: Option<String>,
    /// What its addresses carry on: `&token=…`.
    pub(super) chosen: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LiveFile {
    /// `index.m3u8[?_HLS_msn=<n>[&_HLS_part=<n>]]`
    Index { wait_for: Option<(u64, Option<usize>)> },
    /// `master.m3u8`
    Master,
    /// `init-<n>.mp4`
    Init(u32),
    /// `segment-<n>.m4s`
    Segment(u64),
    /// `part-<n>.<m>.m4s`
    Part(u64, usize),
}

impl FilmAddress {
    /// The film.
    pub(in crate::server::http) fn path(&self) -> &LibraryPath {
        &self.path
    }

    /// The choice as the whole query of an address.
    pub(super) fn query(&self) -> String {
        self.chosen.strip_prefix('&').map(|chosen| format!("?{chosen}")).unwrap_or_default()
    }
}

impl HlsRoute {
    /// The film that is asked for, or may be.
    pub(in crate::server::http) fn film(&self) -> Option<&FilmAddress> {
        match self {
            Self::Film(film) => Some(film),
            Self::Live { film, .. } => film.as_ref(),
        }
    }

    /// From what follows `/hls/`, and the query.
    pub(in crate::server::http) fn decode(rest: &str, query: Option<&str>) -> Result<Self, RouteError> {
        let (path, file) = rest.rsplit_once('/').ok_or(RouteError::Unknown)?;
        let film = || -> Result<FilmAddress, RouteError> {
            let file = film_file(file).ok_or(RouteError::Unknown)?;
            let query = query.unwrap_or_default();
            Ok(FilmAddress {
                path: LibraryPath::from_percent_encoded(path)?,
                file,
                version: parameter(query, "v").map(str::to_owned),
                choice: Choice::from_query(query)?,
                chosen: chosen(query),
            })
        };
        let Some(key) = path.strip_prefix("live/") else { return Ok(Self::Film(film()?)) };
        let Some(live) = live_file(file, query.unwrap_or_default()) else { return Ok(Self::Film(film()?)) };
        let address = LiveAddress {
            key: percent_decode_str(key).decode_utf8_lossy().into_owned(),
            file: live,
            session: parameter(query.unwrap_or_default(), "s").map(str::to_owned),
            chosen: chosen(query.unwrap_or_default()),
        };
        Ok(Self::Live { address, film: film().ok() })
    }
}

/// Plain decimal numbers have one spelling, so that caches keep one copy.
fn number<N: std::str::FromStr + ToString>(text: &str) -> Option<N> {
    text.parse::<N>().ok().filter(|number| number.to_string() == text)
}

fn film_file(name: &str) -> Option<FilmFile> {
    Some(match name {
        "index.m3u8" => FilmFile::Index,
        "master.m3u8" => FilmFile::Master,
        "init.mp4" => FilmFile::Init,
        _ => match name.strip_prefix("subtitles-") {
            None => FilmFile::Segment(number(name.strip_prefix("segment-")?.strip_suffix(".m4s")?)?),
            Some(words) => match words.strip_suffix(".m3u8") {
                Some(track) => FilmFile::Subtitles(number(track)?),
                None => {
                    let (track, n) = words.strip_suffix(".vtt")?.split_once('.')?;
                    FilmFile::Words { track: number(track)?, n: number(n)? }
                }
            },
        },
    })
}

fn live_file(name: &str, query: &str) -> Option<LiveFile> {
    let segment = |name: &str, prefix: &str| -> Option<String> {
        Some(name.strip_prefix(prefix)?.strip_suffix(".m4s")?.to_owned())
    };
    Some(match name {
        "index.m3u8" => {
            let asked = |key: &str| parameter(query, key)?.parse().ok();
            let part = asked("_HLS_part").and_then(|part: u64| usize::try_from(part).ok());
            LiveFile::Index { wait_for: asked("_HLS_msn").map(|segment| (segment, part)) }
        }
        "master.m3u8" => LiveFile::Master,
        _ if name.starts_with("init-") => {
            LiveFile::Init(number(name.strip_prefix("init-")?.strip_suffix(".mp4")?)?)
        }
        _ if name.starts_with("segment-") => LiveFile::Segment(number(&segment(name, "segment-")?)?),
        _ => {
            let numbers = segment(name, "part-")?;
            let (segment, part) = numbers.split_once('.')?;
            LiveFile::Part(number(segment)?, number(part)?)
        }
    })
}

fn parameter<'a>(query: &'a str, key: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}

/// What was chosen, to be put behind other parameters. Whatever a playlist or a quoted attribute could not carry
/// is no choice either.
fn chosen(query: &str) -> String {
    let plain = |value: &str| value.bytes().all(|b| b.is_ascii_alphanumeric() || b"%,-_.".contains(&b));
    // Who watches by a link has its token in every address.
    ["profile", "audio", "subtitles", "token"]
        .into_iter()
        .filter_map(|key| {
            Some((key, parameter(query, key).filter(|value| !value.is_empty() && plain(value))?))
        })
        .map(|(key, value)| format!("&{key}={value}"))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn films_and_streams_are_told_apart_by_the_file_that_is_asked_for() {
        let film = |rest: &str, query: &str| match HlsRoute::decode(rest, Some(query)).unwrap() {
            HlsRoute::Film(address) => (address.path.percent_encoded(), address.file, address.chosen),
            other => panic!("{rest}: {other:?}"),
        };
        let path = "a%20b.avi".to_owned();
        assert_eq!(film("a%20b.avi/index.m3u8", ""), (path.clone(), FilmFile::Index, String::new()));
        assert_eq!(
            film("a%20b.avi/segment-12.m4s", "v=x&audio=de%2Cen&profile=small&x=1"),
            (path.clone(), FilmFile::Segment(12), "&profile=small&audio=de%2Cen".to_owned())
        );
        assert_eq!(film("a%20b.avi/init.mp4", "").1, FilmFile::Init);
        assert_eq!(film("a%20b.avi/subtitles-3.m3u8", "").1, FilmFile::Subtitles(3));
        assert_eq!(film("a%20b.avi/subtitles-3.12.vtt", "").1, FilmFile::Words { track: 3, n: 12 });
        assert_eq!(film("live/init.mp4", "").0, "live", "a film called live");
        let live = |rest: &str, query: &str| match HlsRoute::decode(rest, Some(query)).unwrap() {
            HlsRoute::Live { address, .. } => (address.key, address.file),
            other => panic!("{rest}: {other:?}"),
        };
        let key = "house/cam 1".to_owned();
        assert_eq!(
            live("live/house/cam%201/index.m3u8", ""),
            (key.clone(), LiveFile::Index { wait_for: None })
        );
        assert_eq!(
            live("live/house/cam%201/index.m3u8", "_HLS_msn=7&_HLS_part=2"),
            (key.clone(), LiveFile::Index { wait_for: Some((7, Some(2))) })
        );
        assert_eq!(live("live/house/cam%201/part-7.2.m4s", "s=x"), (key.clone(), LiveFile::Part(7, 2)));
        assert_eq!(live("live/house/cam%201/init-3.mp4", ""), (key.clone(), LiveFile::Init(3)));
        assert_eq!(live("live/house/cam%201/segment-9.m4s", ""), (key, LiveFile::Segment(9)));
    }

    #[test]
    fn wrong_addresses_are_refused() {
        for rest in [
            "",
            "a",
            "a/",
            "a/x.m4s",
            "a/segment-.m4s",
            "a/segment-01.m4s",
            "a/segment-+1.m4s",
            "a/part-1.1.m4s",
            "a/subtitles-1.vtt",
            "a/subtitles-1.2.m3u8",
            "a/subtitles-01.m3u8",
            "a/segment-4294967296.m4s",
        ] {
            assert_eq!(HlsRoute::decode(rest, None), Err(RouteError::Unknown), "{rest}");
        }
        assert!(matches!(HlsRoute::decode("..%2fa/index.m3u8", None), Err(RouteError::Path(_))));
        assert!(matches!(HlsRoute::decode("a/index.m3u8", Some("profile=best")), Err(RouteError::Choice(_))));
    }
}
