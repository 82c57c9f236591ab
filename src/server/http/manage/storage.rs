//! `/api/v1/system/storage` and below: disks that are plugged in, folders of a NAS.

use super::{Asked, apart};
use crate::appliance::{AddedFolder, Disk, DiskDeed, NetworkFolder, SystemError};
use crate::limits::MAX_ACCESS_BODY;
use crate::server::http::changing::read_json;
use crate::server::http::reply::{Refusal, Reply, json};
use hyper::StatusCode;
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where media are, on the box.
#[derive(Serialize, ToSchema)]
pub(in crate::server::http) struct Storage {
    /// Whether this is a box.
    here: bool,
    disks: Vec<Disk>,
    folders: Vec<AddedFolder>,
}

/// Disks that are plugged in, and folders of a NAS.
#[utoipa::path(get, path = "/api/v1/system/storage", operation_id = "getStorage", tag = "managing",
    responses((status = 200, body = Storage)))]
pub(in crate::server::http) async fn state(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let appliance = asked.app.appliance.clone();
    if !appliance.is_here() {
        return Ok(json(&Storage { here: false, disks: Vec::new(), folders: Vec::new() }));
    }
    let found = apart(move || {
        Ok::<_, SystemError>(Storage {
            here: true,
            disks: appliance.disks()?,
            folders: appliance.network_folders()?,
        })
    });
    Ok(json(&found.await??))
}

/// Connects a folder of a NAS.
#[utoipa::path(post, path = "/api/v1/system/storage", operation_id = "addNetworkFolder", tag = "managing",
    request_body = NetworkFolder, responses((status = 201, body = Storage)))]
pub(in crate::server::http) async fn add_folder(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    const EXAMPLE: &str =
        r#"{"name":"films","kind":"smb","host":"nas.local","path":"films","user":"ada","password":"…"}"#;
    let folder: NetworkFolder = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, EXAMPLE).await?;
    if asked.app.appliance.is_here() {
        folder.check().map_err(|text| Refusal::new(StatusCode::BAD_REQUEST, text))?;
    }
    let name = folder.name.clone();
    asked.app.appliance.add_network_folder(folder).await?;
    tracing::info!(name, "a folder of a NAS is there");
    let mut reply = state(asked).await?;
    *reply.status_mut() = StatusCode::CREATED;
    Ok(reply)
}

/// What to do with a disk.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server::http) struct WantedDisk {
    r#do: DiskDeed,
}

/// Lets a disk be pulled, checked, written to.
#[utoipa::path(post, path = "/api/v1/system/disks/{device}", operation_id = "changeDisk", tag = "managing",
    params(("device" = String, Path)), request_body = WantedDisk, responses((status = 200, body = Storage)))]
pub(in crate::server::http) async fn disk(
    asked: &Asked<'_>,
    device: String,
    body: Incoming,
) -> Result<Reply, Refusal> {
    let wanted: WantedDisk =
        read_json(&asked.head.headers, body, MAX_ACCESS_BODY, r#"{"do":"release"}"#).await?;
    asked.app.appliance.disk(&device, wanted.r#do).await?;
    state(asked).await
}

/// Disconnects a folder of a NAS.
#[utoipa::path(delete, path = "/api/v1/system/folders/{name}", operation_id = "removeNetworkFolder", tag = "managing",
    params(("name" = String, Path)), responses((status = 200, body = Storage)))]
pub(in crate::server::http) async fn remove_folder(
    asked: &Asked<'_>,
    name: String,
) -> Result<Reply, Refusal> {
    asked.app.appliance.remove_network_folder(&name).await?;
    state(asked).await
}
