//! `/api/v1/system/…`: the box itself. On any other machine each part says that it is not there.

use super::{Asked, Done, accepted};
use crate::appliance::{Clock, Host, Interface, Power, SystemError, Update, Wish};
use crate::limits::{MAX_ACCESS_BODY, MAX_PRIVILEGED_MESSAGE, UPLOAD_PATIENCE};
use crate::server::http::changing::read_json;
use crate::server::http::reply::{Refusal, Reply, json};
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use utoipa::ToSchema;

/// What there is of a box here. A part that does not answer is null, and its reason stands in `reasons`.
#[derive(Serialize, ToSchema)]
pub(in crate::server::http) struct System {
    /// Whether this is a box.
    here: bool,
    host: Option<Host>,
    clock: Option<Clock>,
    update: Option<Update>,
    interfaces: Option<Vec<Interface>>,
    /// Seconds that a new address of the network is still on trial.
    trial: Option<u64>,
    /// By part, why it does not answer.
    reasons: BTreeMap<&'static str, String>,
}

/// How to start anew.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server::http) struct WantedPower {
    action: Power,
}

/// What the clock is to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server::http) struct WantedTime {
    /// Seconds since 1970.
    time: u64,
}

/// What becomes of a trial.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::server::http) enum TrialEnd {
    /// The new address stays.
    Keep,
    /// The one before comes back.
    Revert,
}

/// What becomes of a trial.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server::http) struct WantedTrialEnd {
    trial: TrialEnd,
}

/// Another version of the system.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::server::http) enum WantedUpdate {
    /// A bundle at this address of the web.
    Url(String),
    /// That of the other slot, which is started at once.
    Boot(OtherSlot),
}

/// Which slot.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::server::http) enum OtherSlot {
    /// The one that does not run.
    Other,
}

/// Who may log in by SSH.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server::http) struct WantedKeys {
    /// Public keys; none switches SSH off.
    keys: Vec<String>,
}

/// The box: what it is and how it stands.
#[utoipa::path(get, path = "/api/v1/system", operation_id = "getSystem", tag = "managing",
    responses((status = 200, body = System)))]
pub(in crate::server::http) async fn state(asked: &Asked<'_>) -> Reply {
    let box_ = &asked.app.appliance;
    let (host, clock, update, interfaces) =
        tokio::join!(box_.host(), box_.clock(), box_.update(), box_.interfaces());
    let mut reasons = BTreeMap::new();
    json(&System {
        here: box_.is_here(),
        host: part("host", host, &mut reasons),
        clock: part("clock", clock, &mut reasons),
        update: part("update", update, &mut reasons),
        interfaces: part("interfaces", interfaces, &mut reasons),
        trial: box_.trial().await,
        reasons,
    })
}

fn part<T>(
    name: &'static str,
    found: Result<T, SystemError>,
    reasons: &mut BTreeMap<&'static str, String>,
) -> Option<T> {
    found.map_err(|error| reasons.insert(name, error.to_string())).ok()
}

/// Switches the box off, or starts it anew.
#[utoipa::path(post, path = "/api/v1/system/power", operation_id = "power", tag = "managing",
    request_body = WantedPower, responses((status = 202, body = Done)))]
pub(in crate::server::http) async fn power(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    const EXAMPLE: &str = r#"{"action":"reboot"}"#;
    let wanted: WantedPower = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, EXAMPLE).await?;
    asked.app.appliance.power(wanted.action).await?;
    Ok(accepted())
}

/// Sets the box's clock, where no time server can be reached.
#[utoipa::path(put, path = "/api/v1/system/time", operation_id = "setTime", tag = "managing",
    request_body = WantedTime, responses((status = 200, body = System)))]
pub(in crate::server::http) async fn set_time(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    let wanted: WantedTime =
        read_json(&asked.head.headers, body, MAX_ACCESS_BODY, r#"{"time":1795392000}"#).await?;
    asked.app.appliance.set_time(wanted.time).await?;
    Ok(state(asked).await)
}

/// Gives a socket of the network another address, on trial: what is not kept within a minute is taken back.
#[utoipa::path(put, path = "/api/v1/system/network", operation_id = "tryNetwork", tag = "managing",
    request_body = Wish, responses((status = 200, body = System)))]
pub(in crate::server::http) async fn try_network(
    asked: &Asked<'_>,
    body: Incoming,
) -> Result<Reply, Refusal> {
    const EXAMPLE: &str = r#"{"interface":"eth0","mode":"static","address":"192.168.1.20/24","gateway":"192.168.1.1","dns":["192.168.1.1"]}"#;
    let wish: Wish = read_json(&asked.head.headers, body, MAX_PRIVILEGED_MESSAGE as usize, EXAMPLE).await?;
    asked.app.appliance.try_network(wish).await?;
    Ok(state(asked).await)
}

/// Keeps the address that is on trial, or goes back at once.
#[utoipa::path(post, path = "/api/v1/system/network", operation_id = "endNetworkTrial", tag = "managing",
    request_body = WantedTrialEnd, responses((status = 200, body = System)))]
pub(in crate::server::http) async fn end_trial(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    let wanted: WantedTrialEnd =
        read_json(&asked.head.headers, body, MAX_ACCESS_BODY, r#"{"trial":"keep"}"#).await?;
    match wanted.trial {
        TrialEnd::Keep => asked.app.appliance.keep_network().await?,
        TrialEnd::Revert => asked.app.appliance.revert_network().await?,
    }
    Ok(state(asked).await)
}

/// Installs another version of the box's system from the web, or boots the one that is there.
#[utoipa::path(post, path = "/api/v1/system/update", operation_id = "update", tag = "managing",
    request_body = WantedUpdate, responses((status = 202, body = Done)))]
pub(in crate::server::http) async fn update(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    const EXAMPLE: &str = r#"{"url":"https://example.org/wiidia-rpi4.raucb"}"#;
    let wanted: WantedUpdate = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, EXAMPLE).await?;
    match wanted {
        WantedUpdate::Url(address) => asked.app.appliance.install(&address).await?,
        WantedUpdate::Boot(OtherSlot::Other) => {
            asked.app.appliance.boot_other().await?;
            asked.app.appliance.power(Power::Reboot).await?;
        }
    }
    Ok(accepted())
}

/// Installs another version of the box's system from a bundle as it is; answered once all of it has come.
#[utoipa::path(put, path = "/api/v1/system/update", operation_id = "uploadUpdate", tag = "managing",
    request_body(content = String, content_type = "application/octet-stream"), responses((status = 202, body = Done)))]
pub(in crate::server::http) async fn upload(asked: &Asked<'_>, mut body: Incoming) -> Result<Reply, Refusal> {
    let appliance = &asked.app.appliance;
    let mut bundle = appliance.begin_bundle(body.size_hint().exact()).await?;
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
        match tokio::time::timeout(UPLOAD_PATIENCE, frame).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else { continue };
                bundle.write(&data).await?;
            }
            Ok(Some(Err(_))) | Err(_) => {
                let text = "the update broke off on its way; send it again";
                return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, text));
            }
        }
    }
    appliance.install_bundle(bundle).await?;
    Ok(accepted())
}

/// Says who may log in by SSH.
#[utoipa::path(put, path = "/api/v1/system/ssh", operation_id = "setSshKeys", tag = "managing",
    request_body = WantedKeys, responses((status = 200, body = Done)))]
pub(in crate::server::http) async fn ssh(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    const EXAMPLE: &str = r#"{"keys":["ssh-ed25519 AAAA… ada@laptop"]}"#;
    let wanted: WantedKeys =
        read_json(&asked.head.headers, body, MAX_PRIVILEGED_MESSAGE as usize, EXAMPLE).await?;
    let keys = wanted.keys.iter().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
    asked.app.appliance.set_ssh_keys(keys.collect()).await?;
    Ok(json(&Done {}))
}

impl From<SystemError> for Refusal {
    fn from(error: SystemError) -> Self {
        let status = match error {
            SystemError::NotHere(_) => StatusCode::NOT_IMPLEMENTED,
            SystemError::Refused(_) => StatusCode::SERVICE_UNAVAILABLE,
            SystemError::Failed(_) => StatusCode::BAD_GATEWAY,
            SystemError::Unfit(_) => StatusCode::BAD_REQUEST,
            SystemError::Busy(_) => StatusCode::CONFLICT,
            SystemError::NoRoom => StatusCode::INSUFFICIENT_STORAGE,
            SystemError::Wrong(crate::appliance::NetworkError::NoTrial) => StatusCode::CONFLICT,
            SystemError::Wrong(_) => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.to_string())
    }
}
