//! From an address as it was sent to a [`Route`]: one function for each part of the server, asked one after the other.

use super::{Route, RouteError};
use crate::choice::{Choice, TrackChoice};
use crate::library::{LibraryPath, PageQuery, PathError};
use crate::picture::Fit;
use crate::positions::ViewerName;
use crate::server::http::hls::HlsRoute;
use crate::server::http::manage::Manage;
use crate::server::http::{plain, playlist, share, upload};
use crate::time::MediaTime;
use crate::web_address::{WEB_FOLDER, WebAddress};
use percent_encoding::percent_decode_str;

/// How much of what a 2007 player tells is read, in characters: a line of the log.
const FEEDBACK_CHARACTERS: usize = 500;

/// What a part of the server makes of an address; `None` when it is none of its own.
type Decoded = Result<Option<Route>, RouteError>;

impl Route {
    /// From an address's path and query, both still percent-encoded.
    pub(in crate::server::http) fn decode(path: &str, query: Option<&str>) -> Result<Self, RouteError> {
        let address = Address { path, query };
        for part in [
            Address::page,
            Address::library,
            Address::film,
            Address::live,
            Address::web,
            Address::player_2007,
        ] {
            if let Some(route) = part(&address)? {
                return Ok(route);
            }
        }
        Manage::decode(path).map(Self::Manage).ok_or(RouteError::Unknown)
    }
}

/// An address, percent-encoded.
#[derive(Clone, Copy)]
struct Address<'a> {
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Address<'a> {
    /// The page, and what describes the server.
    fn page(&self) -> Decoded {
        Ok(Some(match self.path {
            "/" | "/index.html" => Route::Page,
            "/plain.css" => Route::PlainStyle,
            "/device.xml" => Route::Description,
            "/licences" => Route::Licences(None),
            "/api/v1/about" => Route::About,
            "/api/v1/openapi.json" => Route::OpenApi,
            "/metrics" => Route::Metrics,
            _ => {
                if let Some(name) = self.name_after("/assets/") {
                    Route::Asset(name)
                } else if let Some(name) = self.name_after("/licences/") {
                    Route::Licences(Some(name))
                } else if let Some(kind) = self.name_after("/problems/") {
                    Route::ProblemType(kind)
                } else if let Some(path) = self.below("/plain")? {
                    Route::Plain {
                        path,
                        page: self.page_query()?,
                        asked: plain::Asked::from_query(self.query),
                    }
                } else {
                    return Ok(None);
                }
            }
        }))
    }

    /// Folders and files, and what is known of them.
    fn library(&self) -> Decoded {
        let version = || parameter(self.query, "v").map(str::to_owned);
        Ok(Some(match self.path {
            "/api/v1/search" => Route::Search(self.page_query()?),
            "/api/v1/index" => Route::Index,
            "/api/v1/cache" => Route::Cache,
            "/api/v1/uploads" => Route::Uploads,
            _ => {
                if let Some(path) = self.below("/api/v1/library")? {
                    Route::Library { path, page: self.page_query()? }
                } else if let Some(path) = self.below("/api/v1/neighbours")? {
                    Route::Neighbours { path, page: self.page_query()? }
                } else if let Some(path) = self.below("/api/v1/info")? {
                    Route::Info(path)
                } else if let Some(path) = self.below("/api/v1/poster")? {
                    Route::Poster { path, version: version() }
                } else if let Some(path) = self.below("/api/v1/bar")? {
                    Route::Bar { path, version: version() }
                } else if let Some(path) = self.below("/api/v1/quarantine")? {
                    Route::Quarantine(path)
                } else if let Some(path) = self.below("/api/v1/upload")? {
                    Route::Upload { path, asked: upload::Asked::from_query(self.query)? }
                } else if let Some(path) = self.below("/api/v1/files")? {
                    Route::File(path)
                } else if let Some(path) = self.below("/download")? {
                    Route::Download(path)
                } else if let Some(path) = self.below(share::ADDRESS)? {
                    Route::Share(path)
                } else if let Some(rest) = self.path.strip_prefix("/api/v1/positions/") {
                    let (viewer, file) = rest.split_once('/').unwrap_or((rest, ""));
                    let viewer = ViewerName::try_from(decoded(viewer))?;
                    let path = LibraryPath::from_percent_encoded(file)?;
                    if path.is_top() { Route::Positions(viewer) } else { Route::Position { viewer, path } }
                } else if let Some(path) = self.playlist()? {
                    Route::Playlist { path, wanted: playlist::Wanted::from_query(self.query)? }
                } else {
                    return Ok(None);
                }
            }
        }))
    }

    /// What a file is played by.
    fn film(&self) -> Decoded {
        Ok(Some(if let Some(path) = self.below("/api/v1/media")? {
            Route::Media { path, choice: self.choice()? }
        } else if self.path == "/api/v1/events" {
            let Some(path) = parameter(self.query, "path") else { return Ok(Some(Route::LibraryEvents)) };
            // A query's plus sign is a space, unlike a path's.
            let path = LibraryPath::from_percent_encoded(&path.replace('+', "%20"))?;
            Route::Events { path, target: self.seconds("target")?, choice: self.choice()? }
        } else if let Some(path) = self.below("/flv")? {
            Route::Flv { path, start: self.seconds("start")?, choice: self.choice()? }
        } else if let Some(path) = self.below("/fmp4")? {
            Route::Fmp4 { path, start: self.seconds("start")?.unwrap_or_default(), choice: self.choice()? }
        } else if let Some(path) = self.below("/mp4")? {
            Route::Mp4 { path, choice: self.choice()? }
        } else if let Some(path) = self.below("/subtitles")? {
            let track = TrackChoice::from_query(self.query.unwrap_or_default(), "track")?.unwrap_or_default();
            Route::Subtitles { path, track, choice: self.choice()? }
        } else if let Some(rest) = self.path.strip_prefix("/hls/") {
            Route::Hls(HlsRoute::decode(rest, self.query)?)
        } else if let Some(path) = self.below("/picture")? {
            Route::Picture { path, fit: Fit::parse(parameter(self.query, "w"), parameter(self.query, "h"))? }
        } else {
            return Ok(None);
        }))
    }

    /// Live streams, and where they come from.
    fn live(&self) -> Decoded {
        Ok(Some(match self.path {
            "/api/v1/streams" => Route::Streams,
            "/api/v1/relays" => Route::Relays,
            "/api/v1/recordings" => Route::Recordings,
            "/api/v1/sources" => Route::Sources,
            "/api/v1/devices" => Route::Devices,
            _ => {
                if let Some(key) = self.path.strip_prefix("/live/") {
                    if let Some(key) = key.strip_suffix(".jpg") {
                        let (width, height) = (parameter(self.query, "w"), parameter(self.query, "h"));
                        let fits = width.is_some() || height.is_some();
                        let fit = fits.then(|| Fit::parse(width, height)).transpose()?;
                        Route::Snapshot { key: decoded(key), fit }
                    } else if let Some(key) = key.strip_suffix(".mp4") {
                        Route::LiveMp4(decoded(key))
                    } else {
                        let (key, suffix) = key.strip_suffix(".flv").map_or((key, false), |key| (key, true));
                        Route::Live { key: decoded(key), suffix }
                    }
                } else if let Some(key) = self.name_after("/api/v1/recordings/") {
                    Route::Recording(key)
                } else if let Some(name) = self.name_after("/api/v1/sources/") {
                    Route::Source(name)
                } else if let Some(id) =
                    self.path.strip_prefix("/api/v1/devices/").and_then(|rest| rest.strip_suffix("/controls"))
                {
                    Route::DeviceControls(decoded(id))
                } else {
                    return Ok(None);
                }
            }
        }))
    }

    /// Addresses of the web, and what reads them.
    fn web(&self) -> Decoded {
        if let Some(address) = self.path.strip_prefix("/api/v1/web/") {
            return Ok(Some(Route::Web(web_path(address)?)));
        }
        if let Some((what, address)) = self.path.strip_prefix("/web/").and_then(|rest| rest.split_once('/')) {
            let what = match what {
                "media" => "/api/v1/media",
                "flv" => "/flv",
                "fmp4" => "/fmp4",
                _ => return Err(RouteError::Unknown),
            };
            let path = format!("{what}/{}", web_path(address)?.percent_encoded());
            return Address { path: &path, query: self.query }.film();
        }
        if self.path == "/api/v1/components" {
            return Ok(Some(Route::Components));
        }
        let Some(name) = self.path.strip_prefix("/api/v1/components/") else { return Ok(None) };
        Ok(Some(match name.strip_suffix("/rollback") {
            Some(name) => Route::ComponentRollback(decoded(name)),
            None => Route::Component(decoded(name)),
        }))
    }

    /// What the player of 2007 asks for, and our own SWF.
    fn player_2007(&self) -> Decoded {
        Ok(Some(match self.path {
            "/crossdomain.xml" => Route::CrossDomain,
            "/wiidiaplayer.swf" => Route::WiidiaSwf,
            "/wiidiaplayer.html" => {
                let via = parameter(self.query, "via");
                Route::WiidiaPage { via: ["rtmp", "http"].into_iter().find(|way| via == Some(way)) }
            }
            _ => {
                if let Some(path) = self.below("/getdir")? {
                    Route::GetDir(path)
                } else if let Some(path) = self.below("/getinfo")? {
                    Route::GetInfo { path, target: self.seconds("target")? }
                } else if let Some(rest) = self.rest_below("/feedback") {
                    let text = decoded(rest.trim_start_matches('/'));
                    let text = text.chars().map(|c| if c.is_control() { ' ' } else { c });
                    Route::Feedback(text.take(FEEDBACK_CHARACTERS).collect())
                } else {
                    return Ok(None);
                }
            }
        }))
    }

    /// What follows a prefix that is a whole folder: nothing, or a slash and more.
    fn rest_below(&self, prefix: &str) -> Option<&'a str> {
        self.path.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The path in the library that follows a prefix.
    fn below(&self, prefix: &str) -> Result<Option<LibraryPath>, PathError> {
        self.rest_below(prefix).map(LibraryPath::from_percent_encoded).transpose()
    }

    /// The name that follows a prefix, slashes and all.
    fn name_after(&self, prefix: &str) -> Option<String> {
        self.path.strip_prefix(prefix).map(decoded)
    }

    /// What `/m3u/<path>.m3u8` lists. The top of the library is `/m3u.m3u8` or `/m3u/.m3u8`.
    fn playlist(&self) -> Result<Option<LibraryPath>, PathError> {
        let Some(path) = self.path.strip_suffix(".m3u8") else { return Ok(None) };
        Address { path, query: None }.below("/m3u")
    }

    fn choice(&self) -> Result<Choice, RouteError> {
        Ok(Choice::from_query(self.query.unwrap_or_default())?)
    }

    fn page_query(&self) -> Result<PageQuery, RouteError> {
        Ok(PageQuery::from_query(self.query)?)
    }

    fn seconds(&self, key: &'static str) -> Result<Option<MediaTime>, RouteError> {
        let Some(value) = parameter(self.query, key).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        match value.parse::<f64>() {
            Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => {
                Ok(Some(MediaTime::from_secs_f64_clamped(seconds)))
            }
            _ => Err(RouteError::Seconds { key, value: value.chars().take(40).collect() }),
        }
    }
}

/// A part of a path without its percent-encoding. What is no UTF-8 has no name here, and is not found.
fn decoded(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

/// The path that stands for what follows: an address in any form, or a source's name. A question mark of the address has
/// to be encoded, as behind it stands what is chosen.
fn web_path(encoded: &str) -> Result<LibraryPath, RouteError> {
    let path = LibraryPath::from_percent_encoded(&format!("{WEB_FOLDER}/{encoded}"))?;
    let text = percent_decode_str(encoded).decode_utf8_lossy();
    // Slashes of an address are no folders: what is inside stays as it is.
    Ok(WebAddress::parse(&text).map_or(path, |address| LibraryPath::of_web(&address)))
}

/// The value of a parameter of a query, still percent-encoded.
pub(in crate::server::http) fn parameter<'a>(query: Option<&'a str>, key: &str) -> Option<&'a str> {
    query?.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}
