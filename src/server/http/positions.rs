//! `/api/v1/positions`: where viewers left off.

use super::changing::read_json;
use super::reply::{Refusal, Reply, json};
use crate::library::LibraryPath;
use crate::limits::{MAX_API_BODY, MAX_POSITION};
use crate::positions::{Position, Positions, ViewerName};
use crate::server::App;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a body looks like.
const EXAMPLE: &str = r#"{"position":1325.2,"duration":5412.3}"#;

/// A viewer's positions, the latest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Positions)]
pub(super) struct All {
    positions: Vec<Place>,
}

/// Where a viewer left a file.
#[derive(Serialize, ToSchema)]
#[schema(as = Position)]
pub(super) struct Place {
    path: String,
    /// For people.
    name: String,
    /// Seconds.
    position: f64,
    /// Seconds, as the viewer's player knew it.
    duration: Option<f64>,
    /// When it was left there: seconds since 1970.
    at: u64,
}

/// Where a viewer is now.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WantedPosition)]
pub(super) struct Wanted {
    /// Seconds.
    #[schema(minimum = 0, maximum = 4000000000.0)]
    position: f64,
    /// Seconds; null when nobody knows.
    #[schema(minimum = 0, maximum = 4000000000.0)]
    duration: Option<f64>,
}

impl Place {
    fn of(path: &LibraryPath, position: Position) -> Self {
        Self {
            path: path.percent_encoded(),
            name: path.file_name(),
            position: position.seconds,
            duration: position.duration,
            at: position.at,
        }
    }
}

/// Where a viewer left off, the latest first. Devices that say the same name share their positions.
#[utoipa::path(get, path = "/api/v1/positions/{viewer}", operation_id = "listPositions", tag = "playing",
    params(("viewer" = String, Path, min_length = 1, description = "A name that the device chooses")),
    responses((status = 200, body = All)))]
pub(super) fn list(positions: &Positions, viewer: &ViewerName) -> Reply {
    let positions =
        positions.of(viewer).into_iter().map(|(path, position)| Place::of(&path, position)).collect();
    json(&All { positions })
}

/// Forgets all that is known of a viewer.
#[utoipa::path(delete, path = "/api/v1/positions/{viewer}", operation_id = "forgetViewer", tag = "playing",
    params(("viewer" = String, Path, min_length = 1, description = "A name that the device chooses")),
    responses((status = 204)))]
pub(super) fn forget_all(positions: &Positions, viewer: &ViewerName) -> Reply {
    positions.forget_all(viewer);
    done()
}

/// Where a viewer left a file.
#[utoipa::path(get, path = "/api/v1/positions/{viewer}/{path}", operation_id = "getPosition", tag = "playing",
    params(("viewer" = String, Path, min_length = 1, description = "A name that the device chooses"),
        ("path" = String, Path, min_length = 1, description = "Of a file: names percent-encoded, with slashes between them")),
    responses((status = 200, body = Place)))]
pub(super) fn one(positions: &Positions, viewer: &ViewerName, path: &LibraryPath) -> Result<Reply, Refusal> {
    let position = positions.get(viewer, path).ok_or_else(|| unknown(path))?;
    Ok(json(&Place::of(path, position)))
}

/// Tells where a viewer is. It is on the disk within half a minute.
#[utoipa::path(put, path = "/api/v1/positions/{viewer}/{path}", operation_id = "setPosition", tag = "playing",
    params(("viewer" = String, Path, min_length = 1, description = "A name that the device chooses"),
        ("path" = String, Path, min_length = 1, description = "Of a file: names percent-encoded, with slashes between them")),
    request_body = Wanted, responses((status = 200, body = Place)))]
pub(super) async fn put(
    app: &App,
    headers: &HeaderMap,
    viewer: ViewerName,
    path: LibraryPath,
    body: Incoming,
) -> Result<Reply, Refusal> {
    let wanted: Wanted = read_json(headers, body, MAX_API_BODY, EXAMPLE).await?;
    let position = Position::now(wanted.position, wanted.duration).ok_or_else(|| {
        let detail = format!(
            "position and duration are numbers of seconds from 0 to {MAX_POSITION}; send for example {EXAMPLE}"
        );
        Refusal::new(StatusCode::BAD_REQUEST, detail)
    })?;
    let place = Place::of(&path, position);
    app.positions.put(viewer, path, position);
    Ok(json(&place))
}

/// Forgets where a viewer left a file: it was seen to its end.
#[utoipa::path(delete, path = "/api/v1/positions/{viewer}/{path}", operation_id = "forgetPosition", tag = "playing",
    params(("viewer" = String, Path, min_length = 1, description = "A name that the device chooses"),
        ("path" = String, Path, min_length = 1, description = "Of a file: names percent-encoded, with slashes between them")),
    responses((status = 204)))]
pub(super) fn forget(
    positions: &Positions,
    viewer: &ViewerName,
    path: &LibraryPath,
) -> Result<Reply, Refusal> {
    if positions.forget(viewer, path) { Ok(done()) } else { Err(unknown(path)) }
}

fn done() -> Reply {
    let mut reply = Response::new(Bytes::new().into());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply
}

fn unknown(path: &LibraryPath) -> Refusal {
    let detail =
        format!("this viewer has left \"{path}\" nowhere; list /api/v1/positions/<viewer> for what is known");
    Refusal::new(StatusCode::NOT_FOUND, detail)
}
