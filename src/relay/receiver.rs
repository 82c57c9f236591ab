//! What comes from another server on one connection: for pulls of the configuration, and for sources.

use super::dial::Dialer;
use super::error::RelayError;
use super::is_own_stream;
use super::link::Link;
use crate::flv::{Tag, TagKind};
use crate::limits::RELAY_SILENCE;
use crate::rtmp::client::{ClientEvent, Purpose};
use crate::rtmp_url::RtmpUrl;
use crate::stream::UsedFourCcs;
use std::sync::Arc;
use std::time::Instant;

/// A connection to another server, which plays.
pub(crate) struct Receiver {
    link: Link,
    heard: Instant,
    has_keyframe: bool,
}

impl Receiver {
    /// Connects, and returns when the server has agreed to play. `name`: the stream of this server that what comes becomes.
    pub(super) async fn open(dialer: &Arc<Dialer>, url: &RtmpUrl, name: &str) -> Result<Self, RelayError> {
        let is_loop = |url: &RtmpUrl| is_own_stream(url, name);
        let link = Link::open(dialer, url, Purpose::Play, UsedFourCcs::default(), is_loop).await?;
        Ok(Self { link, heard: Instant::now(), has_keyframe: false })
    }

    /// The next tag. Cancel safe.
    ///
    /// # Errors
    /// When the connection, or what is played on it, has ended, or nothing came for too long.
    pub(crate) async fn next(&mut self) -> Result<Tag, RelayError> {
        loop {
            while let Some(event) = self.link.session().poll_event() {
                match event {
                    ClientEvent::Started => {}
                    ClientEvent::Ended(text) => return Err(RelayError::Ended(text)),
                    ClientEvent::Tag(tag) => {
                        self.heard = Instant::now();
                        self.has_keyframe |= tag.is_keyframe();
                        // nginx-rtmp begins in the middle of a group of pictures, which nobody can decode.
                        if tag.kind != TagKind::Video || self.has_keyframe || tag.is_sequence_header() {
                            return Ok(tag);
                        }
                    }
                }
            }
            let silent = self.heard + RELAY_SILENCE;
            tokio::select! {
                result = self.link.step() => result?,
                () = tokio::time::sleep_until(silent.into()) => return Err(RelayError::Silent),
            }
        }
    }

    /// Says goodbye, for as long as the server can be expected to listen.
    pub(crate) async fn close(self) {
        self.link.close().await;
    }
}
