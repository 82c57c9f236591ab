//! `/api/v1/devices`: the capture devices of this machine, what they can do, and turning their controls.

use super::changing::read_json;
use super::reply::{Refusal, Reply, json};
use crate::device::{Device, Devices, Settings, Value, set};
use crate::limits::MAX_SOURCE_BODY;
use crate::server::App;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What a body looks like.
const EXAMPLE: &str = r#"{"brightness":128,"white_balance_automatic":true,"power_line_frequency":"50 Hz"}"#;

/// Capture devices.
#[derive(Serialize, ToSchema)]
#[schema(as = Devices)]
pub(super) struct All {
    devices: Vec<Device>,
}

/// The capture devices that are plugged in now.
#[utoipa::path(get, path = "/api/v1/devices", operation_id = "listDevices", tag = "live",
    responses((status = 200, body = All)))]
pub(super) async fn list(devices: &Devices) -> Reply {
    json(&All { devices: devices.list_soon().await })
}

/// Turns a device's controls.
///
/// Takes effect at once, also on pictures that are on their way. The device forgets it when it is unplugged; a source's
/// settings stay.
#[utoipa::path(put, path = "/api/v1/devices/{id}/controls", operation_id = "setDeviceControls", tag = "live",
    params(("id" = String, Path, description = "As the list of devices has it")),
    request_body = BTreeMap<String, Value>, responses((status = 200, body = Device)))]
pub(super) async fn control(
    app: &App,
    headers: &HeaderMap,
    id: String,
    body: Incoming,
) -> Result<Reply, Refusal> {
    let controls: BTreeMap<String, Value> = read_json(headers, body, MAX_SOURCE_BODY, EXAMPLE).await?;
    let devices = app.devices.clone();
    let setting = tokio::task::spawn_blocking(move || -> Result<Device, Refusal> {
        let device = devices.find(&id)?;
        set(&device, &Settings { controls, ..Settings::default() })?;
        devices.forget();
        Ok(devices.find(&device.id)?)
    });
    let set = setting.await.map_err(|_| {
        let text = "the device was not set by a mistake of the server's; see its log";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    })?;
    Ok(json(&set?))
}
