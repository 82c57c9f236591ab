//! Addresses: every one the server knows, decoded by one pure function. `address` says how they are written down and
//! what may be done with them, `range` reads `Range`.

mod address;
mod range;

pub(super) use range::ByteRange;

use super::hls::HlsRoute;
use super::manage::Manage;
use super::plain;
use super::playlist::{self, PlaylistError};
use super::upload::{self, AskedError};
use crate::access::Need;
use crate::choice::{Choice, ChoiceError, TrackChoice};
use crate::library::{LibraryPath, PageQuery, PageQueryError, PathError};
use crate::picture::{Fit, FitError};
use crate::positions::{NoViewerName, ViewerName};
use crate::time::MediaTime;
use crate::web_address::{WEB_FOLDER, WebAddress};
use percent_encoding::percent_decode_str;

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Route {
    /// `/`
    Page,
    /// `/plain/<path>[?q=…]`: the library without JavaScript.
    Plain { path: LibraryPath, page: PageQuery, asked: plain::Asked },
    /// `/plain.css`
    PlainStyle,
    /// `/device.xml`
    Description,
    /// `/licences`, or `/licences/<name>@<version>`
    Licences(Option<String>),
    /// `/assets/<name>`
    Asset(String),
    /// `/api/v1/library/<path>`, like the next two with a [`PageQuery`] in the query.
    Library { path: LibraryPath, page: PageQuery },
    /// `/api/v1/neighbours/<path>`: what comes before and after a file.
    Neighbours { path: LibraryPath, page: PageQuery },
    /// `/api/v1/search?q=<words>`
    Search(PageQuery),
    /// `/api/v1/info/<path>`: what the index knows of a file.
    Info(LibraryPath),
    /// `/api/v1/poster/<path>[?v=<version>]`: the picture that stands for a file.
    Poster { path: LibraryPath, version: Option<String> },
    /// `/api/v1/bar/<path>[?v=<version>]`: its pictures for the seek bar.
    Bar { path: LibraryPath, version: Option<String> },
    /// `/api/v1/index`: how far the index is.
    Index,
    /// `/api/v1/quarantine[/<path>]`: files that kill their converters; the top for all of them.
    Quarantine(LibraryPath),
    /// `/api/v1/cache`: finished conversions.
    Cache,
    /// `/api/v1/media/<path>`; like the next three with a [`Choice`] in the query.
    Media { path: LibraryPath, choice: Choice },
    /// `/api/v1/events?path=<path>[&target=<seconds>]`
    Events { path: LibraryPath, target: Option<MediaTime>, choice: Choice },
    /// `/api/v1/about`: which program this is.
    About,
    /// `/api/v1/openapi.json`: the interface's description.
    OpenApi,
    /// `/api/v1/events` without a path: changes in the library.
    LibraryEvents,
    /// `/api/v1/uploads`: where files may come to.
    Uploads,
    /// `/api/v1/upload/<path>[?offset=…&size=…&replace=…]`: a file that comes.
    Upload { path: LibraryPath, asked: upload::Asked },
    /// `/api/v1/files/<path>`: a file or folder that is changed.
    File(LibraryPath),
    /// `/api/v1/positions/<viewer>`: where a viewer left off.
    Positions(ViewerName),
    /// `/api/v1/positions/<viewer>/<path>`: where a viewer left a file.
    Position { viewer: ViewerName, path: LibraryPath },
    /// `/flv/<path>[?start=<seconds>]`
    Flv { path: LibraryPath, start: Option<MediaTime>, choice: Choice },
    /// `/fmp4/<path>[?start=<seconds>]`
    Fmp4 { path: LibraryPath, start: MediaTime, choice: Choice },
    /// `/subtitles/<path>[?track=<number or languages>]`, with the [`Choice`] by which the film is played
    Subtitles { path: LibraryPath, track: TrackChoice, choice: Choice },
    /// `/mp4/<path>`: one MP4 file, for players that know nothing else.
    Mp4 { path: LibraryPath, choice: Choice },
    /// `/hls/…`: playlists and segments.
    Hls(HlsRoute),
    /// `/picture/<path>[?w=<pixels>][&h=<pixels>]`
    Picture { path: LibraryPath, fit: Fit },
    /// `/download/<path>`: a file as it is.
    Download(LibraryPath),
    /// `/m3u/<path>.m3u8[?as=…]`: a folder, a search or a file as a playlist.
    Playlist { path: LibraryPath, wanted: playlist::Wanted },
    /// `/live/<key>.flv`: a live stream; WebSocket clients may leave the suffix out.
    Live { key: String, suffix: bool },
    /// `/live/<key>.mp4`: the same as fragmented MP4.
    LiveMp4(String),
    /// `/live/<key>.jpg[?w=<pixels>][&h=<pixels>]`: a live stream's picture, no larger than that.
    Snapshot { key: String, fit: Option<Fit> },
    /// `/api/v1/streams`
    Streams,
    /// `/api/v1/relays`
    Relays,
    /// `/api/v1/recordings`
    Recordings,
    /// `/api/v1/recordings/<key>`: the recording of a live stream.
    Recording(String),
    /// `/api/v1/sources`
    Sources,
    /// `/api/v1/sources/<name>`: one live source.
    Source(String),
    /// `/api/v1/web/<address>`: what an address of the web means. `/web/media/<address>`, `/web/flv/<address>` and
    /// `/web/fmp4/<address>` are the routes of these names for it.
    Web(LibraryPath),
    /// `/api/v1/components`
    Components,
    /// `/api/v1/components/<name>`
    Component(String),
    /// `/api/v1/components/<name>/rollback`
    ComponentRollback(String),
    /// `/api/v1/devices`: the capture devices of this machine.
    Devices,
    /// `/api/v1/devices/<id>/controls`
    DeviceControls(String),
    /// `/metrics`
    Metrics,
    /// `/getdir/<path>`: the 2007 player's listing.
    GetDir(LibraryPath),
    /// `/getinfo/<path>[?target=<seconds>]`: how much of a film there is, for our own SWF.
    GetInfo { path: LibraryPath, target: Option<MediaTime> },
    /// `/wiidiaplayer.html[?via=rtmp|http]`: the page with the SWF.
    WiidiaPage { via: Option<&'static str> },
    /// `/wiidiaplayer.swf`
    WiidiaSwf,
    /// `/feedback/<text>`: the 2007 player's log.
    Feedback(String),
    /// `/crossdomain.xml`
    CrossDomain,
    /// `/problems/<kind>`: what the `type` of a problem means.
    ProblemType(String),
    /// Looking after the server.
    Manage(Manage),
}

/// Why an address leads nowhere.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum RouteError {
    #[error(
        "there is nothing at this address; the page is at /, the interfaces are listed in docs/http-api.md"
    )]
    Unknown,
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("{key}={value} is no number of seconds; write for example {key}=90.5")]
    Seconds { key: &'static str, value: String },
    #[error(transparent)]
    Fit(#[from] FitError),
    #[error(transparent)]
    Choice(#[from] ChoiceError),
    #[error(transparent)]
    Upload(#[from] AskedError),
    #[error(transparent)]
    Viewer(#[from] NoViewerName),
    #[error(transparent)]
    Playlist(#[from] PlaylistError),
    #[error(transparent)]
    Page(#[from] PageQueryError),
}

impl Route {
    /// From an address's path and query, both still percent-encoded.
    pub(super) fn decode(path: &str, query: Option<&str>) -> Result<Self, RouteError> {
        if let Some(address) = path.strip_prefix("/api/v1/web/") {
            return Ok(Self::Web(web_path(address)?));
        }
        if let Some((what, address)) = path.strip_prefix("/web/").and_then(|rest| rest.split_once('/')) {
            let what = match what {
                "media" => "api/v1/media",
                "flv" | "fmp4" => what,
                _ => return Err(RouteError::Unknown),
            };
            return Self::decode(&format!("/{what}/{}", web_path(address)?.percent_encoded()), query);
        }
        let below = |prefix: &str| {
            let rest = path.strip_prefix(prefix)?;
            (rest.is_empty() || rest.starts_with('/')).then_some(rest)
        };
        let choice = || Choice::from_query(query.unwrap_or_default());
        let page = || PageQuery::from_query(query);
        if let Some(name) = path.strip_prefix("/assets/") {
            return Ok(Self::Asset(percent_decode_str(name).decode_utf8_lossy().into_owned()));
        }
        if let Some(rest) = below("/api/v1/library") {
            return Ok(Self::Library { path: LibraryPath::from_percent_encoded(rest)?, page: page()? });
        }
        if let Some(rest) = below("/api/v1/neighbours") {
            return Ok(Self::Neighbours { path: LibraryPath::from_percent_encoded(rest)?, page: page()? });
        }
        if let Some(rest) = below("/api/v1/info") {
            return Ok(Self::Info(LibraryPath::from_percent_encoded(rest)?));
        }
        let version = || parameter(query, "v").map(str::to_owned);
        if let Some(rest) = below("/api/v1/poster") {
            return Ok(Self::Poster { path: LibraryPath::from_percent_encoded(rest)?, version: version() });
        }
        if let Some(rest) = below("/api/v1/bar") {
            return Ok(Self::Bar { path: LibraryPath::from_percent_encoded(rest)?, version: version() });
        }
        if let Some(rest) = below("/api/v1/media") {
            return Ok(Self::Media { path: LibraryPath::from_percent_encoded(rest)?, choice: choice()? });
        }
        if let Some(rest) = below("/flv") {
            let path = LibraryPath::from_percent_encoded(rest)?;
            return Ok(Self::Flv { path, start: seconds(query, "start")?, choice: choice()? });
        }
        if let Some(rest) = below("/fmp4") {
            let path = LibraryPath::from_percent_encoded(rest)?;
            let start = seconds(query, "start")?.unwrap_or_default();
            return Ok(Self::Fmp4 { path, start, choice: choice()? });
        }
        if let Some(rest) = below("/api/v1/quarantine") {
            return Ok(Self::Quarantine(LibraryPath::from_percent_encoded(rest)?));
        }
        if let Some(rest) = below("/subtitles") {
            let path = LibraryPath::from_percent_encoded(rest)?;
            let track = TrackChoice::from_query(query.unwrap_or_default(), "track")?.unwrap_or_default();
            return Ok(Self::Subtitles { path, track, choice: choice()? });
        }
        if let Some(rest) = below("/mp4") {
            return Ok(Self::Mp4 { path: LibraryPath::from_percent_encoded(rest)?, choice: choice()? });
        }
        if let Some(rest) = path.strip_prefix("/hls/") {
            return Ok(Self::Hls(HlsRoute::decode(rest, query)?));
        }
        if let Some(rest) = below("/picture") {
            let path = LibraryPath::from_percent_encoded(rest)?;
            return Ok(Self::Picture {
                path,
                fit: Fit::parse(parameter(query, "w"), parameter(query, "h"))?,
            });
        }
        if let Some(rest) = below("/api/v1/upload") {
            let path = LibraryPath::from_percent_encoded(rest)?;
            return Ok(Self::Upload { path, asked: upload::Asked::from_query(query)? });
        }
        if let Some(rest) = below("/api/v1/files") {
            return Ok(Self::File(LibraryPath::from_percent_encoded(rest)?));
        }
        if let Some(rest) = below("/plain") {
            let path = LibraryPath::from_percent_encoded(rest)?;
            return Ok(Self::Plain { path, page: page()?, asked: plain::Asked::from_query(query) });
        }
        if let Some(rest) = below("/download") {
            return Ok(Self::Download(LibraryPath::from_percent_encoded(rest)?));
        }
        // The top of the library is /m3u.m3u8 or /m3u/.m3u8.
        if let Some(rest) = path.strip_suffix(".m3u8").and_then(|path| path.strip_prefix("/m3u"))
            && (rest.is_empty() || rest.starts_with('/'))
        {
            let path = LibraryPath::from_percent_encoded(rest)?;
            return Ok(Self::Playlist { path, wanted: playlist::Wanted::from_query(query)? });
        }
        if let Some(rest) = below("/getdir") {
            return Ok(Self::GetDir(LibraryPath::from_percent_encoded(rest)?));
        }
        if let Some(rest) = below("/getinfo") {
            let path = LibraryPath::from_percent_encoded(rest)?;
            return Ok(Self::GetInfo { path, target: seconds(query, "target")? });
        }
        if let Some(rest) = below("/feedback") {
            let text = percent_decode_str(rest.trim_start_matches('/')).decode_utf8_lossy();
            return Ok(Self::Feedback(
                text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect(),
            ));
        }
        if let Some(key) = path.strip_prefix("/live/").and_then(|rest| rest.strip_suffix(".jpg")) {
            let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
            let (width, height) = (parameter(query, "w"), parameter(query, "h"));
            let fit = (width.is_some() || height.is_some()).then(|| Fit::parse(width, height)).transpose()?;
            return Ok(Self::Snapshot { key, fit });
        }
        if let Some(rest) = path.strip_prefix("/live/") {
            if let Some(key) = rest.strip_suffix(".mp4") {
                return Ok(Self::LiveMp4(percent_decode_str(key).decode_utf8_lossy().into_owned()));
            }
            let (key, suffix) = rest.strip_suffix(".flv").map_or((rest, false), |key| (key, true));
            let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
            return Ok(Self::Live { key, suffix });
        }
        if let Some(rest) = path.strip_prefix("/api/v1/positions/") {
            let (viewer, file) = rest.split_once('/').unwrap_or((rest, ""));
            let viewer = ViewerName::try_from(percent_decode_str(viewer).decode_utf8_lossy().into_owned())?;
            let path = LibraryPath::from_percent_encoded(file)?;
            return Ok(if path.is_top() { Self::Positions(viewer) } else { Self::Position { viewer, path } });
        }
        if let Some(key) = path.strip_prefix("/api/v1/recordings/") {
            return Ok(Self::Recording(percent_decode_str(key).decode_utf8_lossy().into_owned()));
        }
        if let Some(name) = path.strip_prefix("/api/v1/sources/") {
            return Ok(Self::Source(percent_decode_str(name).decode_utf8_lossy().into_owned()));
        }
        if let Some(name) = path.strip_prefix("/api/v1/components/") {
            let decoded = |name: &str| percent_decode_str(name).decode_utf8_lossy().into_owned();
            return Ok(match name.strip_suffix("/rollback") {
                Some(name) => Self::ComponentRollback(decoded(name)),
                None => Self::Component(decoded(name)),
            });
        }
        if let Some(name) = path.strip_prefix("/licences/") {
            return Ok(Self::Licences(Some(percent_decode_str(name).decode_utf8_lossy().into_owned())));
        }
        if let Some(kind) = path.strip_prefix("/problems/") {
            return Ok(Self::ProblemType(percent_decode_str(kind).decode_utf8_lossy().into_owned()));
        }
        if let Some(id) =
            path.strip_prefix("/api/v1/devices/").and_then(|rest| rest.strip_suffix("/controls"))
        {
            return Ok(Self::DeviceControls(percent_decode_str(id).decode_utf8_lossy().into_owned()));
        }
        match path {
            "/api/v1/about" => Ok(Self::About),
            "/api/v1/openapi.json" => Ok(Self::OpenApi),
            "/api/v1/uploads" => Ok(Self::Uploads),
            "/api/v1/search" => Ok(Self::Search(page()?)),
            "/api/v1/devices" => Ok(Self::Devices),
            "/api/v1/components" => Ok(Self::Components),
            "/api/v1/index" => Ok(Self::Index),
            "/api/v1/cache" => Ok(Self::Cache),
            "/api/v1/recordings" => Ok(Self::Recordings),
            "/api/v1/sources" => Ok(Self::Sources),
            "/api/v1/streams" => Ok(Self::Streams),
            "/api/v1/relays" => Ok(Self::Relays),
            "/metrics" => Ok(Self::Metrics),
            "/" | "/index.html" => Ok(Self::Page),
            "/plain.css" => Ok(Self::PlainStyle),
            "/device.xml" => Ok(Self::Description),
            "/licences" => Ok(Self::Licences(None)),
            "/crossdomain.xml" => Ok(Self::CrossDomain),
            "/wiidiaplayer.html" => {
                let via = parameter(query, "via");
                Ok(Self::WiidiaPage { via: ["rtmp", "http"].into_iter().find(|way| via == Some(way)) })
            }
            "/wiidiaplayer.swf" => Ok(Self::WiidiaSwf),
            "/api/v1/events" => {
                let Some(path) = parameter(query, "path") else { return Ok(Self::LibraryEvents) };
                // A query's plus sign is a space, unlike a path's.
                let path = LibraryPath::from_percent_encoded(&path.replace('+', "%20"))?;
                Ok(Self::Events { path, target: seconds(query, "target")?, choice: choice()? })
            }
            _ => Manage::decode(path).map(Self::Manage).ok_or(RouteError::Unknown),
        }
    }

    /// Who may look at this. What may be changed is the owner's to change, wherever it is.
    pub(super) fn audience(&self) -> Need {
        match self {
            // The page itself, which asks for the password.
            Self::Page
            | Self::Asset(_)
            | Self::PlainStyle
            | Self::Description
            | Self::Licences(_)
            | Self::CrossDomain
            | Self::OpenApi
            | Self::ProblemType(_)
            // A player that asks for everything else.
            | Self::WiidiaPage { .. }
            | Self::WiidiaSwf => Need::Nothing,
            Self::Library { .. }
            | Self::Neighbours { .. }
            | Self::Search(_)
            | Self::Plain { .. }
            | Self::Download(_)
            | Self::Playlist { .. }
            | Self::About
            | Self::LibraryEvents
            | Self::Uploads
            | Self::Upload { .. }
            | Self::File(_)
            | Self::Positions(_)
            | Self::Position { .. }
            | Self::Info(_)
            | Self::Poster { .. }
            | Self::Bar { .. }
            | Self::Index
            | Self::Cache
            | Self::Quarantine(_)
            | Self::Subtitles { .. }
            | Self::Media { .. }
            | Self::Events { .. }
            | Self::Flv { .. }
            | Self::Fmp4 { .. }
            | Self::Mp4 { .. }
            | Self::Hls(_)
            | Self::GetInfo { .. }
            | Self::Picture { .. }
            | Self::Live { .. }
            | Self::LiveMp4(_)
            | Self::Snapshot { .. }
            | Self::Devices
            | Self::Streams
            | Self::Relays
            | Self::Recordings
            | Self::Recording(_)
            | Self::Sources
            | Self::Source(_)
            | Self::Web(_)
            | Self::Components
            | Self::Component(_)
            | Self::ComponentRollback(_)
            | Self::Metrics
            | Self::GetDir(_)
            | Self::Feedback(_) => Need::Watch,
            // They say themselves, for each method.
            Self::DeviceControls(_) | Self::Manage(_) => Need::Own,
        }
    }
}

/// The path that stands for what follows: an address in any form, or a source's name. A question mark of the address has
/// to be encoded, as behind it stands what is chosen.
fn web_path(encoded: &str) -> Result<LibraryPath, RouteError> {
    let path = LibraryPath::from_percent_encoded(&format!("{WEB_FOLDER}/{encoded}"))?;
    let text = percent_decode_str(encoded).decode_utf8_lossy();
    // Slashes of an address are no folders: what is inside stays as it is.
    Ok(WebAddress::parse(&text).map_or(path, |address| LibraryPath::of_web(&address)))
}

pub(super) fn parameter<'a>(query: Option<&'a str>, key: &str) -> Option<&'a str> {
    query?.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}

fn seconds(query: Option<&str>, key: &'static str) -> Result<Option<MediaTime>, RouteError> {
    let Some(value) = parameter(query, key).filter(|v| !v.is_empty()) else { return Ok(None) };
    match value.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => {
            Ok(Some(MediaTime::from_secs_f64_clamped(seconds)))
        }
        _ => Err(RouteError::Seconds { key, value: value.chars().take(40).collect() }),
    }
}

#[cfg(test)]
impl Route {
    /// An address of every kind there is: what has to hold for all of them is tested with these.
    pub(super) const EXAMPLES: &[&str] = &[
        "/",
        "/assets/x-1.js",
        "/crossdomain.xml",
        "/plain/films",
        "/plain.css",
        "/device.xml",
        "/licences",
        "/licences/serde@1.0.0",
        "/problems/not-found",
        "/download/films/a.avi",
        "/m3u/films.m3u8",
        "/api/v1/about",
        "/api/v1/openapi.json",
        "/api/v1/events",
        "/api/v1/search?q=a",
        "/api/v1/neighbours/films/a.avi",
        "/api/v1/uploads",
        "/api/v1/upload/films/a.avi",
        "/api/v1/files/films/a.avi",
        "/api/v1/positions/anna",
        "/api/v1/positions/anna/films/a.avi",
        "/api/v1/library/films",
        "/api/v1/info/films/a.avi",
        "/api/v1/poster/films/a.avi",
        "/api/v1/bar/films/a.avi",
        "/api/v1/index",
        "/api/v1/media/films/a.avi",
        "/api/v1/events?path=films/a.avi",
        "/flv/films/a.avi",
        "/fmp4/films/a.avi",
        "/mp4/films/a.avi",
        "/hls/films/a.avi/index.m3u8",
        "/hls/live/cam/index.m3u8",
        "/getinfo/films/a.avi",
        "/wiidiaplayer.html",
        "/wiidiaplayer.swf",
        "/picture/films/a.jpg",
        "/subtitles/films/a.avi?track=0",
        "/api/v1/cache",
        "/api/v1/quarantine",
        "/api/v1/quarantine/films/a.avi",
        "/live/cam.flv",
        "/live/cam.mp4",
        "/live/cam.jpg",
        "/api/v1/devices",
        "/api/v1/devices/usb-1/controls",
        "/api/v1/streams",
        "/api/v1/relays",
        "/api/v1/recordings",
        "/api/v1/recordings/cam",
        "/api/v1/sources",
        "/api/v1/sources/door",
        "/api/v1/web/https%3A%2F%2Fexample.org%2Fa.mp4",
        "/web/flv/https%3A%2F%2Fexample.org%2Fa.mp4",
        "/api/v1/components",
        "/api/v1/components/yt-dlp",
        "/api/v1/components/yt-dlp/rollback",
        "/metrics",
        "/getdir/films",
        "/feedback/hello",
        "/api/v1/setup",
        "/api/v1/claim",
        "/api/v1/session",
        "/api/v1/sessions",
        "/api/v1/sessions/0123456789abcdef",
        "/api/v1/tokens",
        "/api/v1/tokens/0123456789abcdef",
        "/api/v1/password",
        "/api/v1/viewers",
        "/api/v1/settings",
        "/api/v1/settings/playback",
        "/api/v1/restart",
        "/api/v1/health",
        "/api/v1/log",
        "/api/v1/support",
        "/api/v1/backup",
        "/api/v1/restore",
        "/api/v1/reset",
        "/api/v1/system",
        "/api/v1/system/power",
        "/api/v1/system/time",
        "/api/v1/system/network",
        "/api/v1/system/update",
        "/api/v1/system/ssh",
        "/setup/network",
        "/api/v1/https",
        "/api/v1/https/root",
    ];

    /// Those that everybody may look at, whatever the house's rules are.
    pub(super) const PUBLIC: &[&str] = &[
        "/",
        "/assets/x-1.js",
        "/crossdomain.xml",
        "/wiidiaplayer.html",
        "/wiidiaplayer.swf",
        "/plain.css",
        "/device.xml",
        "/licences",
        "/licences/serde@1.0.0",
        "/problems/not-found",
        "/api/v1/openapi.json",
        "/api/v1/setup",
        "/api/v1/session",
        "/setup/network",
        "/api/v1/https/root",
    ];
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The names of an enum's variants, as its source has them.
    fn variants(source: &str, of: &str) -> Vec<String> {
        let body = source.split_once(&format!("enum {of} {{\n")).unwrap().1.split_once("\n}").unwrap().0;
        let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
        let names = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
        names.map(|line| line.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned()).collect()
    }

    #[test]
    fn there_is_an_example_of_every_route() {
        let decoded = Route::EXAMPLES.iter().map(|target| {
            let (path, query) = target.split_once('?').map_or((*target, None), |(path, q)| (path, Some(q)));
            format!("{:?}", Route::decode(path, query).unwrap())
        });
        let decoded: Vec<String> = decoded.collect();
        for (source, of, before) in
            [(include_str!("mod.rs"), "Route", ""), (include_str!("../manage/mod.rs"), "Manage", "Manage(")]
        {
            for name in variants(source, of) {
                let found = decoded.iter().any(|debug| {
                    let rest = debug.strip_prefix(before).and_then(|debug| debug.strip_prefix(&name));
                    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
                });
                assert!(
                    found,
                    "Route::EXAMPLES lacks {of}::{name}: what holds for all routes is not tested with it"
                );
            }
        }
    }

    fn path(p: &str) -> LibraryPath {
        LibraryPath::from_bytes(p.as_bytes()).unwrap()
    }

    fn web(address: &str) -> LibraryPath {
        LibraryPath::of_web(&WebAddress::parse(address).unwrap())
    }

    #[test]
    fn addresses_lead_where_they_say() {
        let ms = |n| MediaTime::from_millis(n);
        let films = || path("films/a b.avi");
        let none = Choice::default;
        let all = PageQuery::default;
        let list = playlist::Wanted::default;
        let joerg = || ViewerName::try_from("Jörg".to_owned()).unwrap();
        let small = || Choice::from_query("profile=small&audio=de").unwrap();
        for (address, query, expected) in [
            ("/", None, Route::Page),
            ("/assets/x-1.js", None, Route::Asset("x-1.js".into())),
            ("/api/v1/library", None, Route::Library { path: path(""), page: all() }),
            ("/api/v1/library/", None, Route::Library { path: path(""), page: all() }),
            (
                "/api/v1/library/films/",
                Some("offset=10&limit=5"),
                Route::Library {
                    path: path("films"),
                    page: PageQuery { offset: 10, limit: Some(5), ..all() },
                },
            ),
            ("/api/v1/neighbours/films/a%20b.avi", None, Route::Neighbours { path: films(), page: all() }),
            (
                "/api/v1/search",
                Some("q=A+b"),
                Route::Search(PageQuery { words: vec!["a".into(), "b".into()], ..all() }),
            ),
            ("/api/v1/index", None, Route::Index),
            ("/api/v1/cache", None, Route::Cache),
            ("/api/v1/quarantine", None, Route::Quarantine(path(""))),
            ("/api/v1/quarantine/films/a%20b.avi", None, Route::Quarantine(films())),
            ("/api/v1/info/films/a%20b.avi", None, Route::Info(films())),
            ("/api/v1/poster/films/a%20b.avi", None, Route::Poster { path: films(), version: None }),
            (
                "/api/v1/bar/films/a%20b.avi",
                Some("v=x"),
                Route::Bar { path: films(), version: Some("x".into()) },
            ),
            ("/api/v1/media/films/a%20b.avi", None, Route::Media { path: films(), choice: none() }),
            (
                "/flv/films/a%20b.avi",
                Some("start=1.5"),
                Route::Flv { path: films(), start: Some(ms(1500)), choice: none() },
            ),
            (
                "/flv/films/a%20b.avi",
                Some("start="),
                Route::Flv { path: films(), start: None, choice: none() },
            ),
            (
                "/fmp4/films/a%20b.avi",
                Some("x=1&start=3&audio=de&profile=small"),
                Route::Fmp4 { path: films(), start: ms(3000), choice: small() },
            ),
            (
                "/api/v1/media/films/a%20b.avi",
                Some("profile=small&audio=deu"),
                Route::Media { path: films(), choice: small() },
            ),
            (
                "/subtitles/films/a%20b.avi",
                Some("track=2&profile=small&audio=de"),
                Route::Subtitles { path: films(), track: TrackChoice::Index(2), choice: small() },
            ),
            (
                "/subtitles/films/a%20b.avi",
                None,
                Route::Subtitles { path: films(), track: TrackChoice::Default, choice: none() },
            ),
            (
                "/mp4/films/a%20b.avi",
                Some("audio=de&profile=small"),
                Route::Mp4 { path: films(), choice: small() },
            ),
            ("/api/v1/recordings", None, Route::Recordings),
            ("/api/v1/recordings/house%2Fcam%201", None, Route::Recording("house/cam 1".into())),
            ("/picture/films/a%20b.avi", None, Route::Picture { path: films(), fit: Fit::default() }),
            (
                "/picture/films/a%20b.avi",
                Some("h=448&w=800"),
                Route::Picture { path: films(), fit: Fit::parse(Some("800"), Some("448")).unwrap() },
            ),
            ("/plain", None, Route::Plain { path: path(""), page: all(), asked: Default::default() }),
            (
                "/plain/films/",
                None,
                Route::Plain { path: path("films"), page: all(), asked: Default::default() },
            ),
            ("/plain.css", None, Route::PlainStyle),
            ("/device.xml", None, Route::Description),
            ("/licences", None, Route::Licences(None)),
            ("/licences/a@1", None, Route::Licences(Some("a@1".into()))),
            ("/api/v1/uploads", None, Route::Uploads),
            (
                "/api/v1/upload/films/a%20b.avi",
                Some("offset=5&size=10&replace=1"),
                Route::Upload {
                    path: films(),
                    asked: upload::Asked { offset: 5, size: Some(10), replace: true },
                },
            ),
            ("/api/v1/files/films/a%20b.avi", None, Route::File(films())),
            ("/download/films/a%20b.avi", None, Route::Download(films())),
            ("/m3u.m3u8", None, Route::Playlist { path: path(""), wanted: list() }),
            ("/m3u/.m3u8", None, Route::Playlist { path: path(""), wanted: list() }),
            ("/m3u/films/a%20b.avi.m3u8", None, Route::Playlist { path: films(), wanted: list() }),
            (
                "/m3u/films.m3u8",
                Some("as=rtmp&recursive"),
                Route::Playlist {
                    path: path("films"),
                    wanted: playlist::Wanted { target: playlist::Target::Rtmp, recursive: true, ..list() },
                },
            ),
            ("/getdir//", None, Route::GetDir(path(""))),
            ("/getdir/films", None, Route::GetDir(path("films"))),
            ("/feedback/a%0Ab", None, Route::Feedback("a b".into())),
            ("/api/v1/sources", None, Route::Sources),
            ("/api/v1/sources/house/cam%201", None, Route::Source("house/cam 1".into())),
            ("/api/v1/web/https%3A%2F%2Fe.org%2Fa%20b%3Fc", None, Route::Web(web("https://e.org/a%20b?c"))),
            ("/api/v1/web/aHR0cDovL2UvYQ", None, Route::Web(web("http://e/a"))),
            ("/api/v1/web/house/trailer", None, Route::Web(path("web:/house/trailer"))),
            (
                "/web/fmp4/https://e.org/a.mp4",
                Some("start=3&profile=small&audio=de"),
                Route::Fmp4 { path: web("https://e.org/a.mp4"), start: ms(3000), choice: small() },
            ),
            ("/web/media/e.org/a", None, Route::Media { path: web("https://e.org/a"), choice: none() }),
            (
                "/web/flv/trailer",
                None,
                Route::Flv { path: path("web:/trailer"), start: None, choice: none() },
            ),
            ("/api/v1/components", None, Route::Components),
            ("/api/v1/components/yt-dlp", None, Route::Component("yt-dlp".into())),
            ("/api/v1/components/yt-dlp/rollback", None, Route::ComponentRollback("yt-dlp".into())),
            ("/api/v1/devices", None, Route::Devices),
            (
                "/api/v1/devices/usb-a%20b-video-index0/controls",
                None,
                Route::DeviceControls("usb-a b-video-index0".into()),
            ),
            ("/crossdomain.xml", None, Route::CrossDomain),
            (
                "/getinfo/films/a%20b.avi",
                Some("target=9"),
                Route::GetInfo { path: films(), target: Some(ms(9000)) },
            ),
            ("/wiidiaplayer.html", Some("via=http"), Route::WiidiaPage { via: Some("http") }),
            ("/wiidiaplayer.html", Some("via=x"), Route::WiidiaPage { via: None }),
            ("/wiidiaplayer.swf", None, Route::WiidiaSwf),
            ("/api/v1/about", None, Route::About),
            ("/api/v1/openapi.json", None, Route::OpenApi),
            ("/problems/not-found", None, Route::ProblemType("not-found".into())),
            ("/api/v1/positions/J%C3%B6rg", None, Route::Positions(joerg())),
            ("/api/v1/positions/J%C3%B6rg/", None, Route::Positions(joerg())),
            (
                "/api/v1/positions/J%C3%B6rg/films/a%20b.avi",
                None,
                Route::Position { viewer: joerg(), path: films() },
            ),
            ("/api/v1/events", None, Route::LibraryEvents),
            ("/api/v1/relays", None, Route::Relays),
            ("/live/a%20b/c.flv", None, Route::Live { key: "a b/c".into(), suffix: true }),
            ("/live/a%20b/c.jpg", None, Route::Snapshot { key: "a b/c".into(), fit: None }),
            (
                "/live/cam.jpg",
                Some("w=320"),
                Route::Snapshot { key: "cam".into(), fit: Fit::parse(Some("320"), None).ok() },
            ),
            ("/live/cam", None, Route::Live { key: "cam".into(), suffix: false }),
            ("/live/a%20b/c.mp4", None, Route::LiveMp4("a b/c".into())),
            (
                "/api/v1/events",
                Some("path=films%2Fa+b.avi&target=9&audio=ger&profile=small"),
                Route::Events { path: films(), target: Some(ms(9000)), choice: small() },
            ),
        ] {
            assert_eq!(Route::decode(address, query), Ok(expected), "{address} {query:?}");
        }
    }

    #[test]
    fn wrong_addresses_are_refused() {
        for address in ["/nothing", "/web/page/x", "/api/v1/libraryx", "/flvx/a", "/API/v1/library", "//", ""]
        {
            assert_eq!(Route::decode(address, None), Err(RouteError::Unknown), "{address}");
        }
        assert_eq!(Route::decode("/flv/..%2fx", None), Err(RouteError::Path(PathError::Parent)));
        for bad in ["x", "-1", "NaN", "inf", "1e999"] {
            let refused = Route::decode("/flv/a", Some(&format!("start={bad}")));
            assert!(matches!(refused, Err(RouteError::Seconds { .. })), "{bad}");
        }
        for address in ["/flv/a", "/fmp4/a", "/api/v1/media/a", "/api/v1/events"] {
            for bad in ["profile=best", "audio=german", "subtitles=-1"] {
                let refused = Route::decode(address, Some(&format!("path=a&{bad}")));
                assert!(matches!(refused, Err(RouteError::Choice(_))), "{address} {bad}");
            }
        }
    }
}
