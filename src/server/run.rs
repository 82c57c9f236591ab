//! The whole server, between bound listeners and shutdown.

use super::accept::Shutdown;
use super::{App, http, rtmp};
use crate::limits::{SHUTDOWN_GRACE, TEND_INTERVAL};
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Serves until `stop` is ready, then tells clients, waits for them a little, and ends all work.
pub async fn run(http: TcpListener, rtmp: TcpListener, app: App, stop: impl Future<Output = ()>) {
    let (trigger, shutdown) = Shutdown::new();
    let app = Arc::new(app);
    let tending = tokio::spawn(tend(app.clone()));
    let http = tokio::spawn(http::serve(http, app.clone(), shutdown.clone()));
    let rtmp = tokio::spawn(rtmp::serve(rtmp, app.clone(), shutdown));
    stop.await;
    tracing::info!("ending: clients are told");
    trigger.send_replace(true);
    // The acceptors wait for their connections to end.
    let ended = futures_util::future::join(http, rtmp);
    if tokio::time::timeout(SHUTDOWN_GRACE, ended).await.is_err() {
        tracing::info!("some clients did not listen; ending without them");
    }
    tending.abort();
    let recordings = app.recordings.clone();
    let _ = tokio::task::spawn_blocking(move || recordings.finish()).await;
    app.providers.stop();
}

/// Looks after conversions, live streams and recordings until the server ends.
async fn tend(app: Arc<App>) {
    let streams_end = async {
        let mut tick = tokio::time::interval(TEND_INTERVAL);
        loop {
            tick.tick().await;
            app.streams.tend(std::time::Instant::now());
            app.recordings.tend(&app.streams);
        }
    };
    futures_util::future::join(app.providers.clone().tend(), streams_end).await;
}
