//! A viewer of a live stream over HTTP or WebSocket: it owns its socket, and what it writes are the
//! stream's records, which it shares with all other viewers.

use super::connection::Link;
use super::live_outgoing::{Outgoing, Piece, flv_of};
use crate::flv::TagKind;
use crate::flv::reader::file_header;
use crate::limits::{CLOSING_PATIENCE, MAX_AFTER_CLOSE, WRITE_BATCH_BYTES};
use crate::server::accept::Shutdown;
use crate::server::fanout::{self, Fanout, FlvFraming, Framing, Lease};
use crate::stream::{Batch, Subscription};
use crate::websocket::{CloseCode, Heard, Incoming, close_frame, pong_frame};
use bytes::Bytes;
use rustix::net;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpStream;

/// A viewer's place in a stream, and what is on its way to it.
pub(super) struct LiveViewer {
    subscription: Subscription,
    framing: FlvFraming,
    outgoing: Outgoing,
    /// Written to together with others, once it has caught up with the stream.
    lease: Option<Lease>,
    caught_up: bool,
    /// An answer to a ping, to go out between two messages.
    pong: Option<Bytes>,
    /// When records were taken last.
    taken: Instant,
}

impl LiveViewer {
    /// A viewer that begins with this.
    pub(super) fn new(subscription: Subscription, first: Batch) -> Self {
        let has = |kind| first.preface.iter().chain(&first.records).any(|r| r.tag().kind == kind);
        let mut pieces = vec![Piece::own(&file_header(has(TagKind::Video), has(TagKind::Audio)))];
        pieces.extend(flv_of(&first));
        let outgoing = Outgoing::framed(FlvFraming::Plain, pieces);
        Self {
            caught_up: !subscription.has_more(),
            subscription,
            framing: FlvFraming::Plain,
            outgoing,
            lease: None,
            pong: None,
            taken: Instant::now(),
        }
    }

    /// Sends what comes until the stream, the client or the server ends.
    ///
    /// # Errors
    /// When the client leaves.
    pub(super) async fn send(
        mut self: Box<Self>,
        link: Link,
        framing: FlvFraming,
        fanout: &Arc<Fanout>,
        shutdown: &mut Shutdown,
    ) -> io::Result<()> {
        let Link { socket, mut ahead } = link;
        let socket = Arc::new(socket);
        self.framing = framing;
        self.outgoing = std::mem::take(&mut self.outgoing).reframed(framing);
        if framing == FlvFraming::WebSocket {
            return self.send_messages(&socket, ahead.take(), fanout, shutdown).await;
        }
        tokio::select! {
            result = self.advance(&socket, fanout) => result?,
            error = ahead.gone(&socket) => return Err(error),
            () = shutdown.wait() => {}
        }
        let chunked = framing == FlvFraming::Chunked;
        let end = if chunked { Bytes::from_static(b"0\r\n\r\n") } else { Bytes::new() };
        self.end(&socket, end).await
    }

    async fn send_messages(
        &mut self,
        socket: &Arc<TcpStream>,
        unread: Bytes,
        fanout: &Arc<Fanout>,
        shutdown: &mut Shutdown,
    ) -> io::Result<()> {
        let mut client = Client { incoming: Incoming::new(Instant::now()), unread };
        let (code, why) = loop {
            tokio::select! {
                result = self.advance(socket, fanout) => {
                    result?;
                    break (CloseCode::Normal, "the stream has ended".to_owned());
                }
                said = client.next(socket) => match said? {
                    Said::Ping(pong) => self.pong = Some(pong),
                    Said::Close(code, why) => break (code, why),
                },
                () = shutdown.wait() => break (CloseCode::GoingAway, "the server ends".to_owned()),
            }
        };
        self.end(socket, close_frame(code, &why)).await?;
        // What still comes must be read, or the kernel tells the client of a reset instead of this.
        net::shutdown(socket, net::Shutdown::Write)?;
        let linger = async {
            let mut left = MAX_AFTER_CLOSE;
            while left > 0 {
                socket.readable().await?;
                let mut block = [0; 1024];
                match socket.try_read(&mut block) {
                    Ok(0) => break,
                    Ok(len) => left = left.saturating_sub(len),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        };
        tokio::time::timeout(CLOSING_PATIENCE, linger).await.unwrap_or(Ok(()))
    }

    /// Sends the rest of the message that is on its way, then these last bytes, to a client that
    /// still reads.
    async fn end(&mut self, socket: &TcpStream, last: Bytes) -> io::Result<()> {
        self.take_back();
        let ending = async {
            self.outgoing.flush(socket).await?;
            self.outgoing = Outgoing::bare(last);
            self.outgoing.flush(socket).await
        };
        let late = Err(io::Error::new(io::ErrorKind::TimedOut, "the client has stopped reading"));
        tokio::time::timeout(CLOSING_PATIENCE, ending).await.unwrap_or(late)
    }

    /// Sends until the stream is over. Can be dropped at any time, and called again.
    async fn advance(&mut self, socket: &Arc<TcpStream>, fanout: &Arc<Fanout>) -> io::Result<()> {
        loop {
            if let Some(lease) = &mut self.lease {
                if self.pong.is_none() {
                    poll_fn(|cx| lease.poll_returned(cx)).await;
                }
                self.take_back();
            }
            self.outgoing.flush(socket).await?;
            if let Some(pong) = self.pong.take() {
                self.outgoing = Outgoing::bare(pong);
                continue;
            }
            if self.subscription.edge().over {
                return Ok(());
            }
            if self.caught_up {
                self.lease = fanout.hand_over(&fanout::Viewer {
                    socket,
                    subscription: &self.subscription,
                    framing: Framing::Flv(self.framing),
                    takes: None,
                });
                if self.lease.is_some() {
                    continue;
                }
                if let Some(due) = self.subscription.next_writing(self.taken) {
                    tokio::time::sleep_until(due.into()).await;
                }
            }
            if !self.subscription.has_more() {
                self.subscription.changed().await;
            }
            self.taken = Instant::now();
            let batch = self.subscription.take(WRITE_BATCH_BYTES);
            if batch.records.is_empty() {
                // Its place is gone, and there is no keyframe to go on from: there may be one next.
                self.caught_up = false;
                self.subscription.changed().await;
                continue;
            }
            self.caught_up = !self.subscription.has_more();
            if batch.lost > 0 {
                let name = self.subscription.stream().name();
                tracing::info!(
                    stream = name,
                    lost = batch.lost,
                    "a slow viewer goes on at the last keyframe"
                );
            }
            self.outgoing = Outgoing::framed(self.framing, flv_of(&batch));
        }
    }

    /// Goes on by itself, with the rest of the message that is on its way.
    fn take_back(&mut self) {
        let Some(lease) = self.lease.take() else { return };
        let back = lease.take_back();
        self.subscription.go_on_at(back.at);
        self.caught_up = false;
        self.outgoing = Outgoing::bare(back.rest);
    }
}

/// The client's side of a WebSocket.
struct Client {
    incoming: Incoming,
    /// Came with the request.
    unread: Bytes,
}

/// What a client says that changes something.
enum Said {
    /// A ping; this is the answer.
    Ping(Bytes),
    /// The end, or something that must be one.
    Close(CloseCode, String),
}

impl Client {
    /// Waits until the client says something. Can be dropped at any time, and called again.
    async fn next(&mut self, socket: &TcpStream) -> io::Result<Said> {
        loop {
            if let Some(said) = self.understand() {
                return Ok(said);
            }
            socket.readable().await?;
            let mut block = [0; 512];
            match socket.try_read(&mut block) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(len) => self.unread = Bytes::copy_from_slice(&block[..len]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn understand(&mut self) -> Option<Said> {
        let mut input = &self.unread[..];
        let heard = self.incoming.receive(&mut input, Instant::now());
        let left = input.len();
        self.unread = self.unread.split_off(self.unread.len() - left);
        match heard {
            Ok(None) => None,
            Ok(Some(Heard::Ping(payload))) => Some(Said::Ping(pong_frame(&payload))),
            Ok(Some(Heard::Close(code))) => {
                Some(Said::Close(code.unwrap_or(CloseCode::Normal), String::new()))
            }
            Err(violation) => Some(Said::Close(violation.code(), violation.to_string())),
        }
    }
}
