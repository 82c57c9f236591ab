//! `/api/v1/cache`: finished conversions, and how to be rid of them.

use super::exposition::{Exposition, Kind};
use super::reply::{Refusal, Reply, json, reply};
use crate::limits::MAX_LISTED;
use crate::provider::{CacheFigures, Dropped, KeptReel, Providers};
use bytes::Bytes;
use hyper::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use std::time::SystemTime;
use utoipa::ToSchema;

/// Finished conversions.
#[derive(Serialize, ToSchema)]
struct Cache {
    /// `encoded`, `all` or `nothing`.
    keep: &'static str,
    /// Bytes.
    limit: u64,
    keep_free: u64,
    free: Option<u64>,
    kept: Sum,
    passing: Sum,
    /// Since the server began.
    restored: u64,
    added: u64,
    /// The one used last comes first; at most [`MAX_LISTED`].
    conversions: Vec<Conversion>,
}

/// How many, and their bytes.
#[derive(Serialize, ToSchema)]
#[schema(as = CacheSum)]
struct Sum {
    count: usize,
    bytes: u64,
}

/// A finished conversion that is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = KeptConversion)]
struct Conversion {
    path: String,
    profile: &'static str,
    bytes: u64,
    /// Seconds since 1970.
    used: u64,
    playing: bool,
}

impl From<(KeptReel, bool)> for Conversion {
    fn from((kept, playing): (KeptReel, bool)) -> Self {
        let used = kept.used.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { path: kept.path, profile: kept.form.profile.name(), bytes: kept.bytes, used, playing }
    }
}

/// Finished conversions that are kept.
#[utoipa::path(get, path = "/api/v1/cache", operation_id = "getCache", tag = "server",
    responses((status = 200, body = Cache)))]
pub(super) async fn show(providers: &Arc<Providers>) -> Result<Reply, Refusal> {
    let figures = figures(providers).await?;
    Ok(json(&Cache {
        keep: figures.policy.name(),
        limit: figures.limit,
        keep_free: figures.keep_free,
        free: figures.free,
        kept: Sum { count: figures.kept.len(), bytes: figures.kept.iter().map(|(kept, _)| kept.bytes).sum() },
        passing: Sum { count: figures.passing.0, bytes: figures.passing.1 },
        restored: figures.restored,
        added: figures.added,
        conversions: figures.kept.into_iter().take(MAX_LISTED).map(Conversion::from).collect(),
    }))
}

/// Drops all finished conversions; who plays one goes on.
#[utoipa::path(delete, path = "/api/v1/cache", operation_id = "emptyCache", tag = "server",
    responses((status = 204, description = "It is done")))]
pub(super) async fn empty(providers: &Arc<Providers>) -> Result<Reply, Refusal> {
    let to_empty = providers.clone();
    tokio::task::spawn_blocking(move || to_empty.empty_cache()).await.map_err(failed)?;
    let mut done = reply("text/plain; charset=utf-8", Bytes::new());
    *done.status_mut() = StatusCode::NO_CONTENT;
    Ok(done)
}

async fn figures(providers: &Arc<Providers>) -> Result<CacheFigures, Refusal> {
    let providers = providers.clone();
    tokio::task::spawn_blocking(move || providers.cache_figures()).await.map_err(failed)
}

fn failed(error: tokio::task::JoinError) -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

/// The same for Prometheus.
pub(super) fn metrics(text: &mut Exposition, providers: &Providers) {
    let figures = providers.cache_figures();
    let kept_bytes = figures.kept.iter().map(|(kept, _)| kept.bytes).sum::<u64>() as f64;
    let count = figures.kept.len() as f64;
    text.single("wiidia_cache_conversions", Kind::Gauge, "finished conversions that are kept", count);
    text.single("wiidia_cache_bytes", Kind::Gauge, "bytes of finished conversions that are kept", kept_bytes);
    text.single(
        "wiidia_cache_passing_bytes",
        Kind::Gauge,
        "bytes of finished conversions that end with the server",
        figures.passing.1 as f64,
    );
    text.single("wiidia_cache_limit_bytes", Kind::Gauge, "bytes that both may take", figures.limit as f64);
    text.single(
        "wiidia_cache_restored_total",
        Kind::Counter,
        "kept conversions that were played without being made again",
        figures.restored as f64,
    );
    text.single(
        "wiidia_cache_added_total",
        Kind::Counter,
        "conversions that were kept",
        figures.added as f64,
    );
    let help = "kept conversions that were dropped, by reason";
    let mut dropped = text.family("wiidia_cache_dropped_total", Kind::Counter, help);
    for why in Dropped::ALL {
        dropped.sample(&[("reason", why.as_str())], providers.dropped(why) as f64);
    }
    let quarantined = providers.quarantined().len() as f64;
    text.single("wiidia_quarantined_files", Kind::Gauge, "files that are left alone", quarantined);
    let begun = providers.conversions_begun() as f64;
    text.single("wiidia_conversions_begun_total", Kind::Counter, "conversions that were begun", begun);
}
