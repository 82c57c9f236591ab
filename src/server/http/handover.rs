//! Taking the socket out of hyper: bodies that are nothing but bytes on their way from a file, or
//! from a live stream's ring, to a socket.
//!
//! ```text
//!   hyper: request ──▶ answer ──▶ response head ──▶ socket, flushed ┐
//!                         └─ body: "give me the socket" ────────────┴▶ the body owns the socket
//!   hyper again, on the same socket ◀── keep-alive ◀── all sent ◀─────────┘
//! ```
//!
//! hyper reads requests and writes heads. A [`SocketBody`] has no frames for it: when hyper asks for
//! the first one, the body goes into the [`Handover`] instead, and as soon as hyper has nothing left to
//! write, the connection's loop takes the socket back.

use super::body::Body;
use super::live_viewer::LiveViewer;
use super::reply::{Reply, set};
use super::send_file::FileBody;
use super::upgrade::has_word;
use crate::server::fanout::FlvFraming;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::header::CONNECTION;
use hyper::{Request, Response, StatusCode, Version};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A body that writes to the socket itself.
pub(super) enum SocketBody {
    File(FileBody),
    /// Boxed, because it is moved often.
    Live(Box<LiveViewer>),
}

impl SocketBody {
    /// The exact length, when it is known.
    pub(super) fn len(&self) -> Option<u64> {
        match self {
            Self::File(file) => Some(file.len()),
            Self::Live(_) => None,
        }
    }
}

/// What a request leaves to a body that owns the socket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// How a body of unknown length says where it ends.
    pub(super) framing: FlvFraming,
    /// Another request may follow on this connection.
    pub(super) keep_alive: bool,
}

impl Terms {
    pub(super) fn of(request: &Request<Incoming>) -> Self {
        let (framing, keep_alive) = match request.version() {
            Version::HTTP_11 => (FlvFraming::Chunked, !has_word(request.headers(), CONNECTION, "close")),
            _ => (FlvFraming::Plain, has_word(request.headers(), CONNECTION, "keep-alive")),
        };
        // What follows the head would be taken for the next request.
        Self { framing, keep_alive: keep_alive && request.body().is_end_stream() }
    }
}

/// Where a body that wants the socket meets the loop that has it. One for each stretch of a connection
/// that hyper serves.
#[derive(Default)]
pub(super) struct Handover {
    offer: Mutex<Option<Offer>>,
    /// hyper has nothing left to write.
    flushed: AtomicBool,
}

/// A body, and what it has to know.
pub(super) struct Offer {
    pub(super) body: SocketBody,
    pub(super) terms: Terms,
}

impl Handover {
    fn offer(&self, body: SocketBody, terms: Terms) {
        // The answer's head is about to go into hyper's buffer.
        self.flushed.store(false, Ordering::Relaxed);
        *self.offer.lock().unwrap_or_else(PoisonError::into_inner) = Some(Offer { body, terms });
    }

    /// Whether a body waits for the socket, and hyper has written all that it has.
    pub(super) fn is_due(&self) -> bool {
        self.flushed.load(Ordering::Relaxed)
            && self.offer.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The body, once it is due.
    pub(super) fn take(&self) -> Option<Offer> {
        if !self.flushed.load(Ordering::Relaxed) {
            return None;
        }
        self.offer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// An answer as hyper gets it.
    pub(super) fn attach(self: Arc<Self>, mut reply: Reply, mut terms: Terms) -> Response<Attached> {
        let Body::Socket(Some(body)) = reply.body() else {
            return reply.map(|body| Attached { body, terms, handover: self });
        };
        let endless = body.len().is_none();
        if reply.status() == StatusCode::SWITCHING_PROTOCOLS {
            // hyper asks for no body here: it is done when the head is out.
            terms = Terms { framing: FlvFraming::WebSocket, keep_alive: false };
            if let Body::Socket(Some(body)) = std::mem::replace(reply.body_mut(), Bytes::new().into()) {
                self.offer(body, terms);
            }
            return reply.map(|body| Attached { body, terms, handover: self });
        }
        terms.keep_alive &= !(endless && terms.framing == FlvFraming::Plain);
        terms.keep_alive &= !has_word(reply.headers(), CONNECTION, "close");
        if !terms.keep_alive {
            set(&mut reply, CONNECTION, "close");
        }
        reply.map(|body| Attached { body, terms, handover: self })
    }
}

/// A body on its connection.
pub(super) struct Attached {
    body: Body,
    terms: Terms,
    handover: Arc<Handover>,
}

impl HttpBody for Attached {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let Body::Socket(body) = &mut this.body else { return Pin::new(&mut this.body).poll_frame(cx) };
        if let Some(body) = body.take() {
            this.handover.offer(body, this.terms);
        }
        // Nobody has to be woken: the loop looks at the handover whenever hyper has nothing to do.
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A socket as hyper sees it: with what was already read from it, and watched for what is written.
pub(super) struct Watched {
    socket: TcpStream,
    /// Read before hyper had the socket.
    ahead: Bytes,
    handover: Arc<Handover>,
}

impl Watched {
    pub(super) fn new(socket: TcpStream, ahead: Bytes, handover: Arc<Handover>) -> Self {
        Self { socket, ahead, handover }
    }

    pub(super) fn into_socket(self) -> TcpStream {
        self.socket
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.socket).poll_read(cx, buf);
        }
        let len = self.ahead.len().min(buf.remaining());
        buf.put_slice(&self.ahead.split_to(len));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.handover.flushed.store(false, Ordering::Relaxed);
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.handover.flushed.store(false, Ordering::Relaxed);
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    /// hyper calls this when all that it had is written, never before.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.handover.flushed.store(true, Ordering::Relaxed);
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
