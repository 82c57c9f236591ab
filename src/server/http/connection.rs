//! One connection: hyper and the bodies that own the socket take turns at it.

use super::answer;
use super::handover::{Handover, Offer, SocketBody, Terms, Watched};
use crate::limits::{HTTP_HEADER_TIMEOUT, MAX_HTTP_READ_AHEAD};
use crate::server::App;
use crate::server::accept::{Place, Shutdown, must_take};
use crate::server::connections::Ended;
use bytes::{Bytes, BytesMut};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::net::TcpStream;

/// A socket that hyper does not have, and what its client has sent meanwhile.
pub(super) struct Link {
    pub(super) socket: TcpStream,
    pub(super) ahead: ReadAhead,
}

/// What a client sends while its answer goes out: the next request, most likely.
#[derive(Default)]
pub(super) struct ReadAhead(BytesMut);

impl ReadAhead {
    /// All of it, for a reader that goes on.
    pub(super) fn take(&mut self) -> Bytes {
        self.0.split().freeze()
    }

    /// Waits until the client is gone, or behaves as if it need not stay: it sends more than anybody
    /// sends while a film comes in. Can be dropped and called again.
    pub(super) async fn gone(&mut self, socket: &TcpStream) -> io::Error {
        loop {
            if let Err(error) = socket.readable().await {
                return error;
            }
            let mut block = [0; 1024];
            match socket.try_read(&mut block) {
                Ok(0) => return io::ErrorKind::UnexpectedEof.into(),
                Ok(len) if self.0.len() + len > MAX_HTTP_READ_AHEAD => {
                    return io::Error::other("the client sends too much beside its request");
                }
                Ok(len) => self.0.extend_from_slice(&block[..len]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return error,
            }
        }
    }
}

/// What ends a connection before its time.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error(transparent)]
    Request(#[from] hyper::Error),
    #[error(transparent)]
    Socket(#[from] io::Error),
}

impl End {
    /// What it is called in figures. `asked`: the client has sent a request before.
    fn class(&self, asked: bool) -> Ended {
        let how = match self {
            Self::Request(error) => error.into(),
            Self::Socket(error) => error.into(),
        };
        // The time for a request runs between requests as well.
        if how == Ended::SlowHandshake && asked { Ended::Idle } else { how }
    }
}

/// Serves a connection until it ends.
pub(super) async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    app: Arc<App>,
    shutdown: Shutdown,
    place: Place,
) {
    let peer = app.proxied.caller(peer);
    if let Err(error) = take_turns(socket, peer, app, shutdown, &place).await {
        let how = error.class(place.is_connected());
        place.ended(how);
        match how {
            // Players drop their connections at every seek, browsers keep theirs: nothing for the journal.
            Ended::Lost | Ended::Idle => tracing::debug!(%peer, %error, "http connection ended"),
            _ => tracing::info!(%peer, %error, "http connection closed"),
        }
    }
}

async fn take_turns(
    socket: TcpStream,
    peer: SocketAddr,
    app: Arc<App>,
    mut shutdown: Shutdown,
    place: &Place,
) -> Result<(), End> {
    let mut link = Link { socket, ahead: ReadAhead::default() };
    loop {
        // Boxed, like what is inside: a viewer of a live stream does not carry hyper's state along.
        let serving = Box::pin(hyper_serves(link, peer, app.clone(), &mut shutdown, place));
        let Some((taken, offer)) = serving.await? else { return Ok(()) };
        match Box::pin(send(taken, offer, &app, &mut shutdown)).await? {
            Some(back) => link = back,
            None => return Ok(()),
        }
    }
}

/// Sends a body past hyper. Gives back what another request may follow on.
async fn send(mut link: Link, offer: Offer, app: &App, shutdown: &mut Shutdown) -> io::Result<Option<Link>> {
    let Offer { body, terms } = offer;
    match body {
        SocketBody::File(file) => file.send(&mut link).await?,
        // It has no end that a request could follow.
        SocketBody::Live(viewer) => {
            must_take(&link.socket, true);
            return viewer.send(link, terms.framing, &app.fanout, shutdown).await.map(|()| None);
        }
    }
    Ok(Some(link).filter(|_| terms.keep_alive && !shutdown.has_begun()))
}

/// Lets hyper answer requests until a body wants the socket; `None` when the connection has ended before.
async fn hyper_serves(
    mut link: Link,
    peer: SocketAddr,
    app: Arc<App>,
    shutdown: &mut Shutdown,
    place: &Place,
) -> hyper::Result<Option<(Link, Offer)>> {
    let handover = Arc::new(Handover::default());
    let service = service_fn(|request: Request<Incoming>| {
        place.connected();
        let (app, handover) = (app.clone(), handover.clone());
        Box::pin(async move {
            let terms = Terms::of(&request);
            Ok::<_, Infallible>(handover.attach(answer(&app, request, peer).await, terms))
        })
    });
    let watched = Watched::new(link.socket, link.ahead.take(), handover.clone());
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HTTP_HEADER_TIMEOUT);
    let mut connection = http.serve_connection(TokioIo::new(watched), service);
    let mut ending = false;
    loop {
        // It is ready when the connection has ended or was switched to another protocol.
        let served = poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
            Poll::Pending if handover.is_due() => Poll::Ready(Ok(())),
            polled => polled,
        });
        tokio::select! {
            result = served => break result?,
            () = shutdown.wait(), if !ending => ending = true,
        }
        Pin::new(&mut connection).graceful_shutdown();
    }
    let Some(offer) = handover.take() else { return Ok(None) };
    let parts = connection.into_parts();
    let ahead = ReadAhead(BytesMut::from(parts.read_buf.as_ref()));
    Ok(Some((Link { socket: parts.io.into_inner().into_socket(), ahead }, offer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_hyper_does_not_serve_stays_small() {
        // Five hundred viewers of a live stream have five hundred of these.
        fn size<A, B, C, D, E, F>(_: impl Fn(A, B, C, D, E) -> F) -> usize {
            size_of::<F>()
        }
        let task = size(serve);
        let inside =
            size(|link: Link, offer: Offer, app: &'static App, shutdown: &'static mut Shutdown, ()| {
                send(link, offer, app, shutdown)
            });
        assert!(task + inside < 2048, "{task} and {inside} bytes");
    }
}
