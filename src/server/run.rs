//! The whole server, between bound listeners and shutdown.

use super::accept::Shutdown;
use super::{http, rtmp};
use crate::limits::SHUTDOWN_GRACE;
use crate::provider::Providers;
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Serves until `stop` is ready, then tells clients, waits for them a little, and ends all work.
pub async fn run(
    http: TcpListener,
    rtmp: TcpListener,
    providers: Arc<Providers>,
    stop: impl Future<Output = ()>,
) {
    let (trigger, shutdown) = Shutdown::new();
    let tending = tokio::spawn(providers.clone().tend());
    let http = tokio::spawn(http::serve(http, providers.clone(), shutdown.clone()));
    let rtmp = tokio::spawn(rtmp::serve(rtmp, providers.clone(), shutdown));
    stop.await;
    tracing::info!("ending: clients are told");
    trigger.send_replace(true);
    // The acceptors wait for their connections to end.
    let ended = futures_util::future::join(http, rtmp);
    if tokio::time::timeout(SHUTDOWN_GRACE, ended).await.is_err() {
        tracing::info!("some clients did not listen; ending without them");
    }
    tending.abort();
    providers.stop();
}
