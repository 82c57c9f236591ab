//! `/api/v1/recordings`: what is being recorded; starting and stopping it.

use super::changing::read_json;
use super::reply::{Refusal, Reply, json};
use crate::limits::{MAX_API_BODY, MAX_STREAM_NAME};
use crate::recording::{By, Mode, RecordRefused, Recordings, Report};
use crate::server::App;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a body looks like.
const EXAMPLE: &str = r#"{"stream":"<name of a live stream>"}"#;

/// Recordings at work, and those that ended lately.
#[derive(Serialize, ToSchema)]
#[schema(as = Recordings)]
pub(super) struct All {
    /// Where recordings are; null when nothing is recorded.
    folder: Option<String>,
    recordings: Vec<Report>,
}

/// What is wanted to be recorded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WantedRecording)]
pub(super) struct Wanted {
    /// A live stream's name.
    stream: String,
}

/// Recordings at work, and those that ended lately.
#[utoipa::path(get, path = "/api/v1/recordings", operation_id = "listRecordings", tag = "live",
    responses((status = 200, body = All)))]
pub(super) fn list(recordings: &Recordings) -> Reply {
    let folder = recordings.folder().map(|folder| folder.percent_encoded());
    json(&All { folder, recordings: recordings.reports() })
}

/// The recording of a stream: the one at work, or the last one that ended.
#[utoipa::path(get, path = "/api/v1/recordings/{key}", operation_id = "getRecording", tag = "live",
    params(("key" = String, Path, description = "The stream's name, a slash as %2F")),
    responses((status = 200, body = Report)))]
pub(super) fn one(recordings: &Recordings, key: &str) -> Result<Reply, Refusal> {
    let report = recordings.reports().into_iter().find(|report| report.stream == key);
    report.map(|report| json(&report)).ok_or_else(|| nothing(key))
}

/// Records a live stream from its last keyframe on.
#[utoipa::path(post, path = "/api/v1/recordings", operation_id = "startRecording", tag = "live",
    request_body = Wanted, responses((status = 201, body = Report)))]
pub(super) async fn start(app: &App, headers: &HeaderMap, body: Incoming) -> Result<Reply, Refusal> {
    let wanted: Wanted = read_json(headers, body, MAX_API_BODY, EXAMPLE).await?;
    let stream = app.streams.find(&wanted.stream).filter(|stream| stream.is_on_air());
    let stream = stream.ok_or_else(|| {
        let name: String = wanted.stream.chars().take(MAX_STREAM_NAME).collect();
        let text = format!("nobody publishes \"{name}\"; start the encoder, or look at /api/v1/streams");
        Refusal::new(StatusCode::NOT_FOUND, text)
    })?;
    let recording = app.recordings.start(&stream, Mode::New, By::Api).map_err(|error| {
        let status = match error {
            RecordRefused::NotAllowed => StatusCode::FORBIDDEN,
            RecordRefused::NoThread(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Refusal::new(status, error.to_string())
    })?;
    let mut reply = json(&recording.report());
    *reply.status_mut() = StatusCode::CREATED;
    Ok(reply)
}

/// Stops a recording. Its file is whole when its state is `ended`.
#[utoipa::path(delete, path = "/api/v1/recordings/{key}", operation_id = "stopRecording", tag = "live",
    params(("key" = String, Path, description = "The stream's name, a slash as %2F")),
    responses((status = 200, body = Report)))]
pub(super) fn stop(app: &App, key: &str) -> Result<Reply, Refusal> {
    let recording = app.recordings.stop(key).ok_or_else(|| nothing(key))?;
    Ok(json(&recording.report()))
}

fn nothing(key: &str) -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        format!("\"{key}\" is not being recorded; look at /api/v1/recordings"),
    )
}
