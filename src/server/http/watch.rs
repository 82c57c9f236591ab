//! What every way of watching a reel over HTTP has in common: opening it, and waiting for a time.

use super::reply::Refusal;
use crate::library::LibraryPath;
use crate::limits::MEDIA_INFO_TIMEOUT;
use crate::provider::{Providers, Wanted};
use crate::reel::{Codecs, Seek, SeekPoint, Viewer};
use crate::time::MediaTime;
use hyper::StatusCode;
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// Opens a file's reel and waits until its codecs are known.
pub(super) async fn open_started(
    providers: &Arc<Providers>,
    path: &LibraryPath,
    wanted: &Wanted,
) -> Result<(Viewer, Codecs), Refusal> {
    providers.prepare(path).await?;
    match tokio::time::timeout(MEDIA_INFO_TIMEOUT, providers.open_started(path, wanted)).await {
        Ok(opened) => Ok(opened?),
        Err(_) => Err(Refusal::new(
            StatusCode::GATEWAY_TIMEOUT,
            format!(
                "\"{}\" has not said what is in it after {} s; its disk may be slow, try again",
                path.file_name(),
                MEDIA_INFO_TIMEOUT.as_secs()
            ),
        )),
    }
}

/// Waits until the reel has `target` and returns where to start for it.
pub(super) async fn wait_for_point(viewer: &Viewer, target: MediaTime) -> io::Result<SeekPoint> {
    let reel = viewer.reel();
    // Past the end there is never anything: the last keyframe is what a player can be shown.
    let target = reel.duration().map_or(target, |end| target.min(end));
    match target {
        MediaTime::ZERO => viewer.wants(target),
        target => viewer.seek(target, Instant::now()),
    }
    let mut progress = reel.subscribe();
    loop {
        progress.mark_unchanged();
        match viewer.find(target, Instant::now()) {
            Seek::Ready(point) => {
                viewer.arrived(Instant::now());
                return Ok(point);
            }
            Seek::Empty => {
                let reason = reel.failure().unwrap_or_else(|| "there is nothing to play".to_owned());
                return Err(io::Error::other(reason));
            }
            // The sender lives in the reel that the viewer holds.
            Seek::Pending { .. } => drop(progress.changed().await),
        }
    }
}
