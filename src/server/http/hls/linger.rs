//! Viewers between two requests.
//!
//! A player that has filled its buffer asks for nothing for a minute. To the reel it has to be a viewer all the same:
//! conversions end, and what they made is forgotten, when nobody watches.

use crate::limits::{HLS_LINGER, MAX_HLS_LINGERING};
use crate::reel::Viewer;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::AbortHandle;

/// Who is between two requests: a client and the reel that it watches.
#[derive(Default)]
pub(super) struct Lingering {
    viewers: Mutex<HashMap<(IpAddr, usize), AbortHandle>>,
}

impl Lingering {
    /// A client was given something, and wants more of it soon: what follows where `viewer` is.
    pub(super) fn keep(&self, client: IpAddr, viewer: Viewer) {
        let mut viewers = self.viewers.lock().unwrap_or_else(PoisonError::into_inner);
        viewers.retain(|_, viewer| !viewer.is_finished());
        let reel = Arc::as_ptr(viewer.reel()).addr();
        if viewers.len() >= MAX_HLS_LINGERING && !viewers.contains_key(&(client, reel)) {
            return;
        }
        let lingering = tokio::spawn(async move {
            tokio::time::sleep(HLS_LINGER).await;
            drop(viewer);
        });
        if let Some(before) = viewers.insert((client, reel), lingering.abort_handle()) {
            before.abort();
        }
    }
}
