//! `/api/v1/system/storage` and below: disks that are plugged in, folders of a NAS.

use super::{Asked, apart};
use crate::appliance::{AddedFolder, Disk, DiskDeed, NetworkFolder, SystemError};
use crate::limits::MAX_ACCESS_BODY;
use crate::server::http::changing::read_json;
use crate::server::http::reply::{Refusal, Reply, json};
use hyper::StatusCode;
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};

/// What there is.
#[derive(Serialize)]
struct Storage {
    /// Whether this is a box.
    here: bool,
    disks: Vec<Disk>,
    folders: Vec<AddedFolder>,
}

/// `GET /api/v1/system/storage`
pub(super) async fn state(asked: &Asked<'_>) -> Result<Reply, Refusal> {
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

/// `POST /api/v1/system/storage` with `{"name","kind":"smb","host","path","user","password","writable"}`: a folder of a NAS.
pub(super) async fn add_folder(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
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

/// `POST /api/v1/system/disks/<device>` with `{"do"}`: `release`, `repair`, `allow_writing`, `forbid_writing`.
pub(super) async fn disk(asked: &Asked<'_>, device: String, body: Incoming) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        r#do: DiskDeed,
    }
    let wanted: Wanted = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, r#"{"do":"release"}"#).await?;
    asked.app.appliance.disk(&device, wanted.r#do).await?;
    state(asked).await
}

/// `DELETE /api/v1/system/folders/<name>`
pub(super) async fn remove_folder(asked: &Asked<'_>, name: String) -> Result<Reply, Refusal> {
    asked.app.appliance.remove_network_folder(&name).await?;
    state(asked).await
}
