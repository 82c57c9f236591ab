//! Response bodies: a few bytes, a stream that is made while it is sent, or bytes that go to the
//! socket past hyper.

use super::handover::SocketBody;
use bytes::Bytes;
use futures_util::Stream;
use hyper::body::{Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A response's body.
pub(super) enum Body {
    /// All of it.
    Whole(Bytes),
    /// Pieces as they come; hyper asks for the next one when the socket has taken the last, so a
    /// viewer that does not read costs no memory.
    Pieces(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>),
    /// Bytes that go to the socket without hyper; see [`handover`](super::handover). `None` once they
    /// are on their way.
    Socket(Option<SocketBody>),
}

impl Body {
    pub(super) fn pieces(stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self::Pieces(Box::pin(stream))
    }
}

impl From<SocketBody> for Body {
    fn from(body: SocketBody) -> Self {
        Self::Socket(Some(body))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Pieces(stream) => {
                stream.as_mut().poll_next(cx).map(|piece| piece.map(|p| p.map(Frame::data)))
            }
            // Whoever has the socket sends them.
            Self::Socket(_) => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Pieces(_) => SizeHint::default(),
            Self::Socket(body) => match body.as_ref().and_then(SocketBody::len) {
                Some(len) => SizeHint::with_exact(len),
                None => SizeHint::default(),
            },
        }
    }
}
