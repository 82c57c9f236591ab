//! Message streams that watch a live stream.

use super::Connection;
use super::player::Player;
use super::resolve;
use super::starting::{Fetched, Play};
use crate::amf0::AmfString;
use crate::flv::Tag;
use crate::limits::WRITE_BATCH_BYTES;
use crate::rtmp::{Capabilities, PlayError, PlayStart, Sent, Session, SessionError, StreamId, codec_name};
use crate::server::accept::must_take;
use crate::server::fanout::{Fanout, Framing, Lease, Viewer};
use crate::stream::{Record, Subscription, UsedFourCcs, Via};
use crate::time::MediaTime;
use bytes::Bytes;
use futures_util::FutureExt;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpStream;

/// A message stream that watches a live stream.
pub(super) struct LiveViewer {
    stream: StreamId,
    subscription: Subscription,
    /// The codecs beyond Adobe's that the client says it takes.
    capabilities: Capabilities,
    /// Those that it was sent.
    seen: UsedFourCcs,
    /// Taken from the stream, but the session had no room yet.
    held: VecDeque<Arc<Record>>,
    /// Not before this: frames gather meanwhile.
    due: Option<Instant>,
    /// Has found its place in the stream.
    joined: bool,
    /// Written to together with others.
    lease: Option<Lease>,
    on_air: bool,
    paused: bool,
    over: bool,
}

impl LiveViewer {
    pub(super) fn new(stream: StreamId, subscription: Subscription, capabilities: Capabilities) -> Self {
        let on_air = subscription.edge().on_air;
        Self {
            stream,
            subscription,
            capabilities,
            seen: UsedFourCcs::default(),
            held: VecDeque::new(),
            due: None,
            joined: false,
            lease: None,
            on_air,
            paused: false,
            over: false,
        }
    }

    pub(super) fn stream(&self) -> StreamId {
        self.stream
    }

    pub(super) fn pause(&mut self) {
        self.paused = true;
    }

    /// Goes on with what is live now: what passed during a pause is past.
    pub(super) fn resume(&mut self) {
        self.paused = false;
        self.held.clear();
        self.joined = false;
        self.subscription.jump_to_live();
    }

    /// When to look again although nothing happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.due.filter(|_| self.lease.is_none())
    }

    /// Waits for news of the stream; for ever while frames gather, or nothing may be sent.
    pub(super) async fn news(&mut self) {
        if self.over || self.due.is_some() {
            return std::future::pending().await;
        }
        self.subscription.changed().await;
    }

    /// Lets the stream's writer write for this viewer, if nothing is left to be sent here. True when that
    /// begins.
    pub(super) fn hand_over(
        &mut self,
        session: &mut Session,
        fanout: &Arc<Fanout>,
        socket: &Arc<TcpStream>,
    ) -> bool {
        let ready = self.joined && self.on_air && self.held.is_empty() && !self.paused && !self.over;
        if !ready || self.lease.is_some() || !session.passes_all(self.stream) {
            return false;
        }
        self.lease = fanout.hand_over(&Viewer {
            socket,
            subscription: &self.subscription,
            framing: Framing::Rtmp(self.stream),
            takes: Some(self.seen),
        });
        let begins = self.lease.is_some();
        if begins {
            self.due = None;
            self.held = VecDeque::new();
            session.shrink_to(0);
        }
        begins
    }

    pub(super) fn is_handed_over(&self) -> bool {
        self.lease.is_some()
    }

    /// What the viewer is handed over by.
    pub(super) fn lease(&mut self) -> Option<&mut Lease> {
        self.lease.as_mut()
    }

    /// The writer has given this viewer back.
    pub(super) fn is_returned(&self) -> bool {
        self.lease.as_ref().is_some_and(Lease::is_returned)
    }

    /// Goes on by itself. What is returned comes before anything else that is written.
    pub(super) fn take_back(&mut self, session: &mut Session) -> Bytes {
        let Some(lease) = self.lease.take() else { return Bytes::new() };
        let back = lease.take_back();
        session.sent_past(self.stream, back.tag_bytes, back.wire_bytes);
        self.subscription.go_on_at(back.at);
        back.rest
    }

    /// Sends what is there and due.
    pub(super) fn advance(&mut self, session: &mut Session, now: Instant) -> Result<(), SessionError> {
        let edge = self.subscription.edge();
        if edge.on_air != self.on_air {
            self.on_air = edge.on_air;
            match edge.on_air {
                true => session.publish_notify(self.stream)?,
                false => session.unpublish_notify(self.stream, self.subscription.stream().name())?,
            }
        }
        if edge.over && !self.over {
            self.over = true;
            return session.finish_live(self.stream);
        }
        if self.due.is_some_and(|due| due > now) {
            return Ok(());
        }
        self.due = None;
        while !self.paused {
            // A peer that does not read gets nothing more; when it reads again, it may have lost some.
            while let Some(record) = self.held.front() {
                if session.send_record(self.stream, record.chunks())? == Sent::NotNow {
                    return Ok(());
                }
                self.held.pop_front();
            }
            if !self.subscription.has_more() {
                return Ok(());
            }
            if self.due.is_some() {
                return Ok(());
            }
            if !self.take_next(session)? {
                return Ok(());
            }
            // What is there already need not gather.
            if !self.subscription.has_more() {
                self.due = self.subscription.next_writing(now);
            }
        }
        Ok(())
    }

    /// Takes the next records; false when there are none, or none to begin with.
    fn take_next(&mut self, session: &mut Session) -> Result<bool, SessionError> {
        let batch = self.subscription.take(WRITE_BATCH_BYTES);
        self.joined = !batch.records.is_empty();
        if batch.records.is_empty() {
            return Ok(false);
        }
        if let Some(codec) = batch.preface.iter().chain(&batch.records).find_map(|r| self.not_taken(r)) {
            let text = format!(
                "this stream is {codec}, which this player has not said it can play; \
                 use one that speaks Enhanced RTMP, or let the encoder send H.264 and AAC"
            );
            self.over = true;
            session.stream_failed(self.stream, &text)?;
            return Ok(false);
        }
        if batch.lost > 0 {
            let name = self.subscription.stream().name();
            tracing::info!(stream = name, lost = batch.lost, "a slow viewer goes on at the last keyframe");
        }
        for (tag, timestamp) in batch.opening() {
            session.send_tag(self.stream, &Tag { timestamp, ..tag.clone() })?;
        }
        self.held.extend(batch.records);
        Ok(true)
    }
}

impl LiveViewer {
    /// The codec of a record that the client does not take.
    fn not_taken(&mut self, record: &Record) -> Option<String> {
        let codecs = record.four_ccs();
        let not_taken = self.capabilities.lacks(codecs.video, codecs.audio);
        if not_taken.is_none() {
            // The newer one where there are two of a kind.
            self.seen = self.seen.joined(codecs).unwrap_or(codecs);
        }
        not_taken.map(codec_name)
    }
}

impl Connection {
    /// Starts watching the live stream of that key.
    pub(super) fn watch(
        &mut self,
        stream: StreamId,
        key: &str,
        name: AmfString,
        reset: bool,
    ) -> Result<(), SessionError> {
        let play = Play { stream, name, reset, start: MediaTime::ZERO };
        match self.server.live_now(key) {
            Some(live) => self.fetched(play, Ok(Fetched::Live(live))),
            None => {
                // Other events of this connection do not wait for it.
                self.starting.ask(self.server.clone(), key.to_owned(), play);
                Ok(())
            }
        }
    }

    /// The live stream that somebody wants to watch is there, or does not come.
    pub(super) fn fetched(
        &mut self,
        play: Play,
        fetched: Result<Fetched, String>,
    ) -> Result<(), SessionError> {
        let Play { stream, name, reset, start } = play;
        let live = match fetched {
            Ok(Fetched::Live(live)) => live,
            Ok(Fetched::Film(asked)) => {
                let opening = resolve::open(self.server.clone(), asked).boxed();
                self.players.push(Player::new(stream, name.as_str().into_owned(), start, reset, opening));
                return Ok(());
            }
            Err(text) => {
                self.server.connections.refusal("rtmp", "play_not_on_air");
                return self.session.play_failed(stream, PlayError::NotFound, &text);
            }
        };
        tracing::info!(peer = %self.peer, stream = live.name(), "watching");
        must_take(self.socket.tcp(), true);
        self.session.play_started(stream, PlayStart { details: name, metadata: None, reset, live: true })?;
        self.viewers.reserve_exact(1);
        self.viewers.push(LiveViewer::new(stream, live.subscribe(Via::Rtmp), self.capabilities.clone()));
        Ok(())
    }

    pub(super) fn with_viewer(&mut self, stream: StreamId, act: impl FnOnce(&mut LiveViewer)) {
        if let Some(viewer) = self.viewers.iter_mut().find(|viewer| viewer.stream() == stream) {
            act(viewer);
        }
    }
}

/// Waits until one of the streams watched has news.
pub(super) async fn news(viewers: &mut [LiveViewer]) {
    match viewers {
        [] => std::future::pending().await,
        [viewer] => viewer.news().await,
        viewers => {
            let all = viewers.iter_mut().map(|viewer| Box::pin(viewer.news()));
            drop(futures_util::future::select_all(all).await);
        }
    }
}
