//! Addresses: every one the server knows, and who may look at it. `decode` reads them, one pure function for each part of
//! the server; `address` says how they are written down and what may be done with them, `range` reads `Range`.

mod address;
mod decode;
#[cfg(test)]
mod examples;
mod range;
#[cfg(test)]
mod tests;

pub(super) use decode::parameter;
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
    /// `/share/<path>`: the library as a network folder.
    Share(LibraryPath),
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
            Self::DeviceControls(_) | Self::Manage(_) | Self::Share(_) => Need::Own,
        }
    }
}
