//! `/api/v1/system/…`: the box itself. On any other machine each part says that it is not there.

use super::Asked;
use crate::appliance::{Power, SystemError, Wish};
use crate::limits::{MAX_ACCESS_BODY, MAX_PRIVILEGED_MESSAGE, UPLOAD_PATIENCE};
use crate::server::http::changing::read_json;
use crate::server::http::reply::{Refusal, Reply, json};
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use serde::Serialize;
use serde_json::{Value, json as value};
use std::future::poll_fn;
use std::pin::Pin;

/// `GET /api/v1/system`: what there is of a box here. A part that does not answer is null, and its reason stands in `reasons`.
pub(super) async fn state(asked: &Asked<'_>) -> Reply {
    let box_ = &asked.app.appliance;
    let (host, clock, update, interfaces) =
        tokio::join!(box_.host(), box_.clock(), box_.update(), box_.interfaces());
    let mut reasons = serde_json::Map::new();
    let mut part = |name: &str, found: Result<Value, SystemError>| {
        found.unwrap_or_else(|error| {
            reasons.insert(name.to_owned(), error.to_string().into());
            Value::Null
        })
    };
    let parts = value!({
        "here": box_.is_here(),
        "host": part("host", host.map(plain)),
        "clock": part("clock", clock.map(plain)),
        "update": part("update", update.map(plain)),
        "interfaces": part("interfaces", interfaces.map(plain)),
        "trial": box_.trial().await,
    });
    let mut parts = parts;
    parts["reasons"] = Value::Object(reasons);
    json(&parts)
}

fn plain(part: impl Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}

/// `POST /api/v1/system/power` with `{"action"}`: `reboot` or `off`.
pub(super) async fn power(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        action: Power,
    }
    const EXAMPLE: &str = r#"{"action":"reboot"}"#;
    let wanted: Wanted = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, EXAMPLE).await?;
    asked.app.appliance.power(wanted.action).await?;
    Ok(accepted())
}

/// `PUT /api/v1/system/time` with `{"time"}`, in seconds since 1970: where no time server can be reached.
pub(super) async fn set_time(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        time: u64,
    }
    let wanted: Wanted =
        read_json(&asked.head.headers, body, MAX_ACCESS_BODY, r#"{"time":1795392000}"#).await?;
    asked.app.appliance.set_time(wanted.time).await?;
    Ok(state(asked).await)
}

/// `PUT /api/v1/system/network` with `{"interface","mode":"dhcp"}` or `{"interface","mode":"static","address","gateway","dns"}`: on trial.
pub(super) async fn try_network(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    const EXAMPLE: &str = r#"{"interface":"eth0","mode":"static","address":"192.168.1.20/24","gateway":"192.168.1.1","dns":["192.168.1.1"]}"#;
    let wish: Wish = read_json(&asked.head.headers, body, MAX_PRIVILEGED_MESSAGE as usize, EXAMPLE).await?;
    asked.app.appliance.try_network(wish).await?;
    Ok(state(asked).await)
}

/// `POST /api/v1/system/network` with `{"trial"}`: `keep` or `revert`.
pub(super) async fn end_trial(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum End {
        Keep,
        Revert,
    }
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        trial: End,
    }
    let wanted: Wanted = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, r#"{"trial":"keep"}"#).await?;
    match wanted.trial {
        End::Keep => asked.app.appliance.keep_network().await?,
        End::Revert => asked.app.appliance.revert_network().await?,
    }
    Ok(state(asked).await)
}

/// `POST /api/v1/system/update` with `{"url"}`, or `{"boot":"other"}` for the other version.
pub(super) async fn update(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "snake_case", deny_unknown_fields)]
    enum Wanted {
        Url(String),
        Boot(Other),
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Other {
        Other,
    }
    const EXAMPLE: &str = r#"{"url":"https://example.org/wiidia-rpi4.raucb"}"#;
    let wanted: Wanted = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, EXAMPLE).await?;
    match wanted {
        Wanted::Url(address) => asked.app.appliance.install(&address).await?,
        Wanted::Boot(Other::Other) => {
            asked.app.appliance.boot_other().await?;
            asked.app.appliance.power(Power::Reboot).await?;
        }
    }
    Ok(accepted())
}

/// `PUT /api/v1/system/update`: a bundle as it is. 202 once all of it has come and RAUC has begun.
pub(super) async fn upload(asked: &Asked<'_>, mut body: Incoming) -> Result<Reply, Refusal> {
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

/// `PUT /api/v1/system/ssh` with `{"keys"}`: public keys that may log in; none switches SSH off.
pub(super) async fn ssh(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        keys: Vec<String>,
    }
    const EXAMPLE: &str = r#"{"keys":["ssh-ed25519 AAAA… ada@laptop"]}"#;
    let wanted: Wanted =
        read_json(&asked.head.headers, body, MAX_PRIVILEGED_MESSAGE as usize, EXAMPLE).await?;
    let keys = wanted.keys.iter().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
    asked.app.appliance.set_ssh_keys(keys.collect()).await?;
    Ok(json(&value!({})))
}

fn accepted() -> Reply {
    let mut reply = json(&value!({}));
    *reply.status_mut() = StatusCode::ACCEPTED;
    reply
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
