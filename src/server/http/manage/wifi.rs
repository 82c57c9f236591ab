//! `/api/v1/system/wifi`: the box's radio.

use super::{Asked, Done, accepted};
use crate::appliance::{Wifi, WifiNetwork};
use crate::limits::MAX_ACCESS_BODY;
use crate::server::http::changing::read_json;
use crate::server::http::reply::{Refusal, Reply, json};
use hyper::body::Incoming;

/// What the box's radio does, and which networks it hears.
#[utoipa::path(get, path = "/api/v1/system/wifi", operation_id = "getWifi", tag = "managing",
    responses((status = 200, body = Wifi)))]
pub(in crate::server::http) async fn state(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    Ok(json(&asked.app.appliance.wifi().await?))
}

/// Lets the radio search for networks; what it hears is there some seconds later.
#[utoipa::path(post, path = "/api/v1/system/wifi", operation_id = "searchWifi", tag = "managing",
    responses((status = 202, body = Done)))]
pub(in crate::server::http) async fn search(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    asked.app.appliance.search_wifi().await?;
    Ok(accepted())
}

/// Joins a Wi-Fi.
///
/// Answered when the box is in it, after half a minute at most; if it was not let in, everything is as before.
#[utoipa::path(put, path = "/api/v1/system/wifi", operation_id = "joinWifi", tag = "managing",
    request_body = WifiNetwork, responses((status = 200, body = Wifi)))]
pub(in crate::server::http) async fn join(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    const EXAMPLE: &str = r#"{"name":"Home","password":"…","country":"DE"}"#;
    let wanted: WifiNetwork = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, EXAMPLE).await?;
    let appliance = asked.app.appliance.clone();
    // Whoever asks may lose the way to the box by it; it is brought to an end all the same.
    let joining = tokio::spawn(async move { appliance.join_wifi(wanted).await });
    match joining.await {
        Ok(joined) => joined?,
        Err(_) => return Err(super::broken()),
    }
    state(asked).await
}

/// Joins no Wi-Fi any more.
#[utoipa::path(delete, path = "/api/v1/system/wifi", operation_id = "forgetWifi", tag = "managing",
    responses((status = 200, body = Done)))]
pub(in crate::server::http) async fn forget(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    asked.app.appliance.forget_wifi().await?;
    Ok(json(&Done {}))
}
