//! The whole server, between bound listeners and shutdown.

use super::accept::Shutdown;
use super::health::{self, Probe};
use super::{App, Certificates, Control, Https, discovery, http, https, monitor, own_certificate, rtmp};
use crate::limits::{SHUTDOWN_GRACE, TEND_INTERVAL, UPLOAD_SWEEP};
use crate::service::notice;
use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The sockets that a server listens on.
pub struct Listeners {
    /// The page, the interfaces, media over HTTP.
    pub http: TcpListener,
    /// RTMP.
    pub rtmp: TcpListener,
    /// RTMP over TLS, if wanted.
    pub rtmps: Option<(TcpListener, Certificates)>,
    /// HTTP over TLS, if wanted.
    pub https: Option<Https>,
    /// For programs of this machine; `None` where it could not be made.
    pub control: Option<Control>,
}

/// Why a server has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was told to.
    Stopped,
    /// It is to begin anew.
    Restart,
}

/// Serves until `stop` is ready or somebody wants it to begin anew, then tells clients, waits for them a little, and
/// ends all work.
pub async fn run(listeners: Listeners, mut app: App, stop: impl Future<Output = ()>) -> Ending {
    let (trigger, shutdown) = Shutdown::new();
    app.rtmp_port = listeners.rtmp.local_addr().map_or(app.rtmp_port, |address| address.port());
    let app = Arc::new(app);
    let watching = watch_health(&listeners, &app);
    let tending = tokio::spawn(tend(app.clone()));
    let monitoring = tokio::spawn(monitor::watch(app.clone()));
    let renewing = tokio::spawn(own_certificate::keep_fresh(app.clone()));
    let Listeners { http, https, rtmp, rtmps, control } = listeners;
    if let (Some(https), Ok(inside)) = (https, http.local_addr()) {
        tokio::spawn(https::serve(https, inside, app.clone(), shutdown.clone()));
    }
    if let Some(control) = control {
        tokio::spawn(control.serve(app.clone(), shutdown.clone()));
    }
    let announcing = match http.local_addr() {
        Ok(page) if app.settings.config().discovery.ssdp => {
            Some(tokio::spawn(discovery::serve(page, shutdown.clone())))
        }
        _ => None,
    };
    let http = tokio::spawn(http::serve(http, app.clone(), shutdown.clone()));
    let rtmp = tokio::spawn(rtmp::serve(rtmp, None, app.clone(), shutdown.clone()));
    let rtmps = tokio::spawn({
        let app = app.clone();
        async move {
            if let Some((listener, certificates)) = rtmps {
                rtmp::serve(listener, Some(Arc::new(certificates)), app, shutdown).await;
            }
        }
    });
    let relaying = tokio::spawn({
        let relays = app.relays.clone();
        async move { relays.run().await }
    });
    notice::ready();
    tokio::select! {
        () = stop => {}
        () = app.restart.asked() => tracing::info!("starting anew"),
    }
    notice::stopping();
    tracing::info!("ending: clients are told");
    relaying.abort();
    if let Some(watching) = watching {
        watching.abort();
    }
    app.sources.stop();
    trigger.send_replace(true);
    // The acceptors wait for their connections to end.
    let announced = async {
        if let Some(announcing) = announcing {
            let _ = announcing.await;
        }
    };
    let ended = futures_util::future::join4(http, rtmp, rtmps, announced);
    if tokio::time::timeout(SHUTDOWN_GRACE, ended).await.is_err() {
        tracing::info!("some clients did not listen; ending without them");
    }
    tending.abort();
    monitoring.abort();
    renewing.abort();
    let (recordings, index, positions) = (app.recordings.clone(), app.index.clone(), app.positions.clone());
    let _ = tokio::task::spawn_blocking(move || recordings.finish()).await;
    let _ = tokio::task::spawn_blocking(move || index.stop()).await;
    let _ = tokio::task::spawn_blocking(move || positions.write()).await;
    app.providers.stop();
    if app.restart.is_asked() { Ending::Restart } else { Ending::Stopped }
}

/// Tells the service manager that the server serves, if it wants to hear it.
fn watch_health(listeners: &Listeners, app: &App) -> Option<JoinHandle<()>> {
    let watchdog = notice::watchdog()?;
    let (http, rtmp) = (listeners.http.local_addr().ok()?, listeners.rtmp.local_addr().ok()?);
    let probes = vec![
        Probe::http(http, app.connections.http.clone(), app.access.own_token()),
        Probe::rtmp(rtmp, app.connections.rtmp.clone()),
    ];
    Some(tokio::spawn(health::watch(probes, watchdog)))
}

/// Looks after conversions, live streams, recordings and positions until the server ends.
async fn tend(app: Arc<App>) {
    let streams_end = async {
        let mut tick = tokio::time::interval(TEND_INTERVAL);
        loop {
            tick.tick().await;
            app.streams.tend(std::time::Instant::now());
            app.recordings.tend(&app.streams);
            if app.positions.is_due(std::time::Instant::now()) {
                let positions = app.positions.clone();
                drop(tokio::task::spawn_blocking(move || positions.write()));
            }
            let access = app.access.clone();
            let _ = tokio::task::spawn_blocking(move || access.tend()).await;
            app.appliance.tend().await;
        }
    };
    let parts_end = async {
        let mut tick = tokio::time::interval(UPLOAD_SWEEP);
        loop {
            tick.tick().await;
            let uploads = app.uploads.clone();
            let _ = tokio::task::spawn_blocking(move || uploads.sweep(SystemTime::now())).await;
        }
    };
    let tended = futures_util::future::join3(app.providers.clone().tend(), streams_end, parts_end);
    futures_util::future::join(tended, app.tell_system_of_backup()).await;
}
