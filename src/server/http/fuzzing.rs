//! What `fuzz/` needs of this module's inside. No part of the program uses it.

use super::route::{ByteRange, Route};
use crate::library::LibraryPath;

/// The path in the library that an address leads to; `Ok(None)` for addresses without one.
pub fn path_of(path: &str, query: Option<&str>) -> Result<Option<LibraryPath>, String> {
    Ok(match Route::decode(path, query).map_err(|error| error.to_string())? {
        Route::Library { path, .. }
        | Route::Neighbours { path, .. }
        | Route::Plain { path, .. }
        | Route::Download(path)
        | Route::Playlist { path, .. }
        | Route::Share(path)
        | Route::Position { path, .. }
        | Route::Upload { path, .. }
        | Route::File(path)
        | Route::Info(path)
        | Route::Poster { path, .. }
        | Route::Bar { path, .. }
        | Route::Media { path, .. }
        | Route::Events { path, .. }
        | Route::Flv { path, .. }
        | Route::Fmp4 { path, .. }
        | Route::Mp4 { path, .. }
        | Route::Picture { path, .. }
        | Route::Subtitles { path, .. }
        | Route::Quarantine(path)
        | Route::GetInfo { path, .. }
        | Route::Web(path)
        | Route::GetDir(path) => Some(path),
        Route::Hls(route) => route.film().map(|address| address.path().clone()),
        Route::Page
        | Route::PlainStyle
        | Route::Description
        | Route::Licences(_)
        | Route::Uploads
        | Route::Search(_)
        | Route::LibraryEvents
        | Route::Positions(_)
        | Route::About
        | Route::OpenApi
        | Route::ProblemType(_)
        | Route::Asset(_)
        | Route::Index
        | Route::Cache
        | Route::Live { .. }
        | Route::LiveMp4(_)
        | Route::Snapshot { .. }
        | Route::Streams
        | Route::Relays
        | Route::Recordings
        | Route::Recording(_)
        | Route::Sources
        | Route::Source(_)
        | Route::Components
        | Route::Component(_)
        | Route::ComponentRollback(_)
        | Route::Devices
        | Route::DeviceControls(_)
        | Route::Metrics
        | Route::Feedback(_)
        | Route::WiidiaPage { .. }
        | Route::WiidiaSwf
        | Route::CrossDomain
        | Route::Manage(_) => None,
    })
}

/// The bytes of a file of `len` bytes that a `Range` header asks for.
pub fn range_of(header: &str, len: u64) -> Option<std::ops::Range<u64>> {
    ByteRange::parse(header)?.within(len)
}
