//! `GET /live/<key>.flv`: a live stream as endless FLV.

use super::handover::SocketBody;
use super::live_viewer::LiveViewer;
use super::reply::{Refusal, Reply, reply, set};
use super::upgrade::Opening;
use crate::limits::{LIVE_START_TIMEOUT, WRITE_BATCH_BYTES};
use crate::server::App;
use crate::stream::{Batch, Subscription, Via};
use hyper::{StatusCode, header};

/// `GET /live/<key>.flv`
pub(super) async fn flv(app: &App, key: &str) -> Result<Reply, Refusal> {
    let mut reply = reply("video/x-flv", SocketBody::Live(viewer(app, key, Via::HttpFlv).await?));
    // There is no end after which the client could say anything.
    set(&mut reply, header::CONNECTION, "close");
    Ok(reply)
}

/// The same over WebSocket.
pub(super) async fn web_socket(app: &App, key: &str, opening: Opening) -> Result<Reply, Refusal> {
    Ok(opening.accepted(SocketBody::Live(viewer(app, key, Via::WebSocketFlv).await?)))
}

async fn viewer(app: &App, key: &str, via: Via) -> Result<Box<LiveViewer>, Refusal> {
    let missing = |text| Refusal::new(StatusCode::NOT_FOUND, text);
    let stream = app.live_stream(key).await.map_err(missing)?;
    let mut subscription = stream.subscribe(via);
    let first = tokio::time::timeout(LIVE_START_TIMEOUT, first_batch(&mut subscription)).await;
    let Ok(Some(first)) = first else {
        let text = format!("\"{key}\" has no picture or sound yet; check the encoder, then try again");
        return Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, text));
    };
    Ok(Box::new(LiveViewer::new(subscription, first)))
}

async fn first_batch(subscription: &mut Subscription) -> Option<Batch> {
    loop {
        let batch = subscription.take(WRITE_BATCH_BYTES);
        if !batch.records.is_empty() {
            return Some(batch);
        }
        if subscription.edge().over {
            return None;
        }
        subscription.changed().await;
    }
}
