//! `GET /m3u/<path>.m3u8`: a folder, a search or a file as a playlist for VLC, Kodi and mpv.
//!
//! A list of titles and addresses (extended M3U), not HLS. The addresses begin with the host by which the list was asked
//! for: that is one that the player can reach.

use super::library::{Item, blocking, describe, page};
use super::reply::{Refusal, Reply, reply, set};
use super::search;
use crate::choice::{Choice, ChoiceError};
use crate::library::{Entry, Kind, Library, LibraryError, LibraryPath, PageQuery};
use crate::limits::{INDEX_DEPTH, MAX_PLAYLIST};
use crate::server::App;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap};
use std::fmt::Write;

/// What the addresses of a playlist are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Target {
    /// `/hls/…`: segments. VLC goes anywhere in it at once, also where the conversion has not got yet: over `/flv/` it ends
    /// at such a seek, and over RTMP it reads on until it is there.
    #[default]
    Hls,
    /// `/flv/…`: converted where needed. FFmpeg's HLS finds nothing behind a seek among segments of MP4, so this is for
    /// players that are made of it.
    Http,
    /// `rtmp://…`: the same by RTMP.
    Rtmp,
    /// `/download/…`: the files as they are.
    File,
}

/// What is wanted of a playlist.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Wanted {
    /// What `as=` says; without it, what suits the player.
    pub(super) target: Option<Target>,
    /// Folders below folders as well.
    pub(super) recursive: bool,
    /// What goes on to the addresses: the part of the query that chooses quality and languages, as it was written.
    pub(super) choice: String,
    pub(super) page: PageQuery,
}

/// Why there is no such playlist.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum PlaylistError {
    #[error("as={0} is not possible; write hls, http, rtmp, or file for the files as they are")]
    Target(String),
    #[error(transparent)]
    Page(#[from] crate::library::PageQueryError),
    #[error(transparent)]
    Choice(#[from] ChoiceError),
}

impl Wanted {
    /// From an address's query.
    pub(super) fn from_query(query: Option<&str>) -> Result<Self, PlaylistError> {
        let mut wanted = Self { page: PageQuery::from_query(query)?, ..Self::default() };
        // Checked here, so that the player does not get a list of addresses that are refused.
        Choice::from_query(query.unwrap_or_default())?;
        let mut choice = Vec::new();
        for pair in query.unwrap_or_default().split('&') {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("as", "") => wanted.target = None,
                ("as", "hls") => wanted.target = Some(Target::Hls),
                ("as", "http") => wanted.target = Some(Target::Http),
                ("as", "rtmp") => wanted.target = Some(Target::Rtmp),
                ("as", "file") => wanted.target = Some(Target::File),
                ("as", other) => return Err(PlaylistError::Target(other.chars().take(40).collect())),
                ("recursive", value) => wanted.recursive = value != "0",
                ("profile" | "audio" | "subtitles", _) => choice.push(pair),
                _ => {}
            }
        }
        wanted.choice = choice.join("&");
        Ok(wanted)
    }
}

/// `GET /m3u/<path>.m3u8`
pub(super) async fn playlist(
    app: &App,
    path: LibraryPath,
    wanted: Wanted,
    request: &HeaderMap,
) -> Result<Reply, Refusal> {
    let host = host(request)?;
    let mut query = wanted.page.clone();
    if query.kinds.is_empty() {
        query.kinds = vec![Kind::Video, Kind::Audio];
    }
    query.kinds.retain(|kind| kind.is_playable());
    let entries = if !query.words.is_empty() {
        found_below(app, &path, query).await?
    } else if is_file(app, &path).await {
        let library = app.providers.library().clone();
        blocking(move || Ok::<_, LibraryError>(vec![(path.clone(), library.entry_at(&path)?)])).await?
    } else if wanted.recursive {
        let library = app.providers.library().clone();
        blocking(move || all_below(&library, &path, &query)).await?
    } else {
        query.limit = Some(query.limit.unwrap_or(MAX_PLAYLIST));
        let listing = page(app, path, query).await?.listing;
        listing.entries.into_iter().map(|entry| (listing.path.join(&entry.os_name), entry)).collect()
    };
    let token = app.access.link();
    let target = wanted.target.unwrap_or_else(|| Target::of_player(request));
    let items = describe(app, entries);
    let text = m3u(&items, target, &wanted.choice, (host, app.rtmp_port), token.as_deref());
    let mut reply = reply("audio/x-mpegurl; charset=utf-8", Bytes::from(text));
    set(&mut reply, header::VARY, "User-Agent");
    Ok(reply)
}

impl Target {
    /// What suits the player that asks. A browser asks for VLC, which opens what was saved.
    fn of_player(request: &HeaderMap) -> Self {
        let agent = request.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let is_ffmpeg = ["Lavf/", "mpv", "Kodi", "XBMC"].iter().any(|name| agent.contains(name));
        if is_ffmpeg { Self::Http } else { Self::Hls }
    }
}

async fn is_file(app: &App, path: &LibraryPath) -> bool {
    let (library, path) = (app.providers.library().clone(), path.clone());
    tokio::task::spawn_blocking(move || library.is_file(&path)).await.unwrap_or(false)
}

async fn found_below(
    app: &App,
    path: &LibraryPath,
    query: PageQuery,
) -> Result<Vec<(LibraryPath, Entry)>, Refusal> {
    let (_, _, mut found) = search::find(app, query).await?;
    found.retain(|(found, _)| found.names().starts_with(path.names()));
    Ok(found)
}

/// All of a folder and those below it, a folder's own files first. Links in circles end at a depth.
fn all_below(
    library: &Library,
    path: &LibraryPath,
    query: &PageQuery,
) -> Result<Vec<(LibraryPath, Entry)>, LibraryError> {
    let mut found = Vec::new();
    let mut ahead = vec![(path.clone(), 0)];
    let with_folders = PageQuery { kinds: Vec::new(), offset: 0, limit: None, ..query.clone() };
    while let Some((folder, depth)) = ahead.pop() {
        let listing = match library.page(&folder, &with_folders, |files| vec![None; files.len()]) {
            Ok(page) => page.listing,
            // The one that was asked for has to be there.
            Err(error) if depth == 0 => return Err(error),
            Err(_) => continue,
        };
        for entry in listing.entries.iter().rev().filter(|entry| entry.kind == Kind::Folder) {
            if depth < INDEX_DEPTH {
                ahead.push((folder.join(&entry.os_name), depth + 1));
            }
        }
        for entry in listing.entries.into_iter().filter(|entry| query.takes(entry.kind)) {
            if found.len() >= MAX_PLAYLIST {
                return Ok(found);
            }
            found.push((folder.join(&entry.os_name), entry));
        }
    }
    Ok(found)
}

/// The host by which this server was called, with its port.
fn host(request: &HeaderMap) -> Result<&str, Refusal> {
    let host = request.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_host) {
        let detail = "the request does not say by which host it came; send the header Host";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, detail));
    }
    Ok(host)
}

/// The text of a playlist. Players sign in nowhere, so a `token` goes behind their addresses while one is needed. Pure.
fn m3u(
    items: &[Item],
    target: Target,
    choice: &str,
    (host, rtmp_port): (&str, u16),
    token: Option<&str>,
) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let mut text = "#EXTM3U\n".to_owned();
    for item in items {
        // A whole number, because some players read no other; -1 is "unknown".
        let seconds = item.duration.map_or(-1, |seconds| seconds.round() as i64);
        let title: String = item.name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let path = &item.path;
        let _ = writeln!(text, "#EXTINF:{seconds},{title}");
        // Players that go by the end of an address would take FLV for the bare sound that this name stands for.
        let flv = if item.kind == Kind::Audio { ".flv" } else { "" };
        let _ = match target {
            Target::Http => write!(text, "http://{host}/flv/{path}{flv}"),
            Target::Hls => write!(text, "http://{host}/hls/{path}/index.m3u8"),
            Target::File => write!(text, "http://{host}/download/{path}"),
            Target::Rtmp => write!(text, "rtmp://{name}:{rtmp_port}/vod/{path}{flv}"),
        };
        let choice = Some(choice).filter(|choice| target != Target::File && !choice.is_empty());
        let choice = choice.map(str::to_owned);
        let token = token.map(|token| format!("token={token}"));
        for (n, parameter) in choice.into_iter().chain(token).enumerate() {
            let _ = write!(text, "{}{parameter}", if n == 0 { '?' } else { '&' });
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item(name: &str, duration: Option<f64>) -> Item {
        let path = LibraryPath::from_bytes(name.as_bytes()).unwrap().percent_encoded();
        Item {
            name: name.to_owned(),
            path,
            kind: Kind::of_file_name(name).unwrap_or(Kind::Video),
            size: None,
            modified: None,
            duration,
            video: None,
            audio: None,
            poster: None,
        }
    }

    #[test]
    fn addresses_are_those_that_the_player_can_reach() {
        let items = [item("a b.avi", Some(61.5)), item("Zwölf\n#x.mp3", None)];
        let list = |query: &str, host: &str| {
            let wanted = Wanted::from_query(Some(query)).unwrap();
            m3u(&items, wanted.target.unwrap_or_default(), &wanted.choice, (host, 1936), None)
        };
        assert_eq!(
            list("as=http", "box.lan:8080"),
            "#EXTM3U\n#EXTINF:62,a b.avi\nhttp://box.lan:8080/flv/a%20b.avi\n\
             #EXTINF:-1,Zwölf #x.mp3\nhttp://box.lan:8080/flv/Zw%C3%B6lf%0A%23x.mp3.flv\n"
        );
        for (query, host, address) in [
            ("as=rtmp", "[fe80::1]:8080", "rtmp://[fe80::1]:1936/vod/a%20b.avi"),
            ("as=rtmp&audio=de", "box", "rtmp://box:1936/vod/a%20b.avi?audio=de"),
            ("as=hls", "box", "http://box/hls/a%20b.avi/index.m3u8"),
            ("as=file&profile=small", "box", "http://box/download/a%20b.avi"),
            ("", "box", "http://box/hls/a%20b.avi/index.m3u8"),
            (
                "profile=small&x=1&audio=de",
                "box",
                "http://box/hls/a%20b.avi/index.m3u8?profile=small&audio=de",
            ),
        ] {
            assert_eq!(list(query, host).lines().nth(2), Some(address), "{query}");
        }
    }

    #[test]
    fn a_token_goes_along_while_viewers_need_one() {
        let of = |query: &str| {
            let wanted = Wanted::from_query(Some(query)).unwrap();
            let target = wanted.target.unwrap_or_default();
            m3u(&[item("a.avi", None)], target, &wanted.choice, ("box", 1935), Some("abc"))
        };
        for (query, address) in [
            ("", "http://box/hls/a.avi/index.m3u8?token=abc"),
            ("as=http", "http://box/flv/a.avi?token=abc"),
            ("as=http&profile=small", "http://box/flv/a.avi?profile=small&token=abc"),
            ("as=file&profile=small", "http://box/download/a.avi?token=abc"),
        ] {
            assert_eq!(of(query).lines().nth(2), Some(address), "{query}");
        }
    }

    #[test]
    fn a_player_made_of_ffmpeg_gets_what_it_can_do() {
        for (agent, target) in [
            ("VLC/3.0.20 LibVLC/3.0.20", Target::Hls),
            ("Mozilla/5.0 (X11; Linux x86_64)", Target::Hls),
            ("", Target::Hls),
            ("Lavf/59.27.100", Target::Http),
            ("libmpv", Target::Http),
            ("Kodi/20.2 (X11; Linux x86_64) App_Bitness/64 Version/20.2", Target::Http),
        ] {
            let headers = [(header::USER_AGENT, agent.parse().unwrap())].into_iter().collect();
            assert_eq!(Target::of_player(&headers), target, "{agent}");
        }
    }

    #[test]
    fn what_cannot_be_had_is_refused() {
        for query in ["as=hsl", "profile=best", "limit=0"] {
            assert!(Wanted::from_query(Some(query)).is_err(), "{query}");
        }
        for (host_header, expected) in
            [("box:80", true), ("[::1]:80", true), ("a/b", false), ("a b", false), ("", false)]
        {
            let headers: HeaderMap = [(header::HOST, host_header.parse().unwrap())].into_iter().collect();
            assert_eq!(host(&headers).is_ok(), expected, "{host_header}");
        }
    }

    proptest! {
        #[test]
        fn every_file_is_two_lines_whatever_it_is_called(name in "[^/\0]{1,40}") {
            prop_assume!(name != "." && name != "..");
            let text = m3u(&[item(&name, None)], Target::Hls, "", ("box", 1935), None);
            prop_assert_eq!(text.lines().count(), 3);
            prop_assert!(text.lines().nth(2).unwrap().starts_with("http://box/hls/"));
        }
    }
}
