//! `GET /api/v1/events` without a path: which folders of the library change.

use super::body::Body;
use super::reply::{Refusal, Reply, reply};
use crate::index::{Changed, Follower};
use crate::limits::{MAX_EVENT_LISTENERS, SSE_HEARTBEAT, SSE_INTERVAL, SSE_RETRY};
use crate::server::App;
use bytes::Bytes;
use futures_util::{Stream, stream};
use hyper::StatusCode;
use hyper::header::HeaderMap;
use serde::Serialize;
use std::io;
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::ToSchema;

/// Places for those who listen.
#[derive(Debug, Clone)]
pub(in super::super) struct Listeners {
    places: Arc<Semaphore>,
    /// Tells the numbers of this run from those of others.
    run: u64,
}

impl Default for Listeners {
    fn default() -> Self {
        let run = UNIX_EPOCH.elapsed().map_or(0, |time| time.as_millis() as u64);
        Self { places: Arc::new(Semaphore::new(MAX_EVENT_LISTENERS)), run }
    }
}

/// What has changed in the library: the data of an event `library`.
#[derive(Serialize, ToSchema)]
pub(super) struct LibraryEvent {
    /// Paths of the folders that are worth listing again; null: any may be.
    folders: Option<Vec<String>>,
}

/// One who listens.
struct Listener {
    follower: Follower,
    run: u64,
    /// The first thing that is said.
    greeting: Option<Bytes>,
    _place: OwnedSemaphorePermit,
}

/// Without a path.
pub(super) fn library(app: &App, headers: &HeaderMap) -> Result<Reply, Refusal> {
    let place = app.listeners.places.clone().try_acquire_owned().map_err(|_| {
        let detail = format!(
            "{MAX_EVENT_LISTENERS} others are told of changes already; list the folder again now and then"
        );
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    })?;
    let follower = app.index.feed().follow();
    let run = app.listeners.run;
    let id = format!("{run}-{}", follower.revision());
    let mut greeting = format!("retry: {}\nid: {id}\n\n", SSE_RETRY.as_millis());
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    if last.is_some_and(|last| last != id) {
        // It was away meanwhile.
        greeting.push_str(&event(&id, &LibraryEvent { folders: None }));
    }
    let listener = Listener { follower, run, greeting: Some(greeting.into()), _place: place };
    Ok(reply("text/event-stream", Body::pieces(changes(listener))))
}

fn changes(listener: Listener) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(listener, async |mut listener| {
        if let Some(greeting) = listener.greeting.take() {
            return Some((Ok(greeting), listener));
        }
        // What comes close together is told together.
        tokio::time::sleep(SSE_INTERVAL).await;
        let text = match tokio::time::timeout(SSE_HEARTBEAT, listener.follower.next()).await {
            Ok(Changed { revision, folders }) => {
                let folders =
                    folders.map(|folders| folders.iter().map(|path| path.percent_encoded()).collect());
                event(&format!("{}-{revision}", listener.run), &LibraryEvent { folders })
            }
            Err(_) => ": still here\n\n".to_owned(),
        };
        Some((Ok(text.into()), listener))
    })
}

fn event(id: &str, event: &LibraryEvent) -> String {
    // JSON has no line break in it.
    format!("event: library\nid: {id}\ndata: {}\n\n", serde_json::to_string(event).unwrap_or_default())
}
