//! A connection to another server: the socket, and the session that it feeds.

use super::dial::{Dialed, Dialer};
use super::error::RelayError;
use crate::limits::{
    MAX_REDIRECTS, RELAY_GOODBYE, RELAY_READ, RELAY_SILENCE, WRITE_BATCH_BYTES, WRITE_BATCH_PIECES,
};
use crate::rtmp::Transmit;
use crate::rtmp::client::{ClientError, ClientEvent, ClientSession, Purpose};
use crate::rtmp_url::RtmpUrl;
use crate::server::socket::Socket;
use crate::stream::UsedFourCcs;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// A connection on which a stream is played or published.
pub(super) struct Link {
    socket: Socket,
    peer: Option<IpAddr>,
    session: ClientSession,
    /// Taken from the session, the first piece perhaps sent in part.
    outgoing: VecDeque<Transmit>,
    outgoing_bytes: usize,
    sent_of_first: usize,
    /// When something was last written, or there was nothing to write.
    moved: Instant,
    buffer: Vec<u8>,
}

impl Link {
    /// Connects, and returns when the server has agreed to play or to be published to. Follows it to
    /// another address a few times. `codecs`: of what is published, when the server must have announced
    /// them. `is_loop`: whether an address on this very server must not be used.
    pub(super) async fn open(
        dialer: &Arc<Dialer>,
        url: &RtmpUrl,
        purpose: Purpose,
        codecs: UsedFourCcs,
        is_loop: impl Fn(&RtmpUrl) -> bool,
    ) -> Result<Self, RelayError> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let dialed = dialer.connect(&url).await?;
            if dialed.is_self && is_loop(&url) {
                return Err(RelayError::Loop);
            }
            let mut link = Self::new(dialed, url.clone(), purpose, codecs)?;
            match link.start().await {
                Err(RelayError::Session(ClientError::Redirect { to })) => {
                    let next = url.redirected(&to).map_err(RelayError::BadRedirect)?;
                    if url.tls && !next.tls {
                        return Err(RelayError::Downgrade);
                    }
                    tracing::info!(from = %url, to = %next, "the server sends us on");
                    url = next;
                }
                result => return result.map(|()| link),
            }
        }
        Err(RelayError::Redirects)
    }

    fn new(dialed: Dialed, url: RtmpUrl, purpose: Purpose, codecs: UsedFourCcs) -> Result<Self, RelayError> {
        let now = Instant::now();
        Ok(Self {
            socket: dialed.socket,
            peer: dialed.peer,
            session: ClientSession::new(url, purpose, now)?.with_codecs(codecs.video, codecs.audio),
            outgoing: VecDeque::new(),
            outgoing_bytes: 0,
            sent_of_first: 0,
            moved: now,
            buffer: vec![0; RELAY_READ],
        })
    }

    async fn start(&mut self) -> Result<(), RelayError> {
        loop {
            self.step().await?;
            match self.session.poll_event() {
                Some(ClientEvent::Started) => return Ok(()),
                Some(ClientEvent::Ended(text)) => return Err(RelayError::Ended(text)),
                // None come before.
                Some(ClientEvent::Tag(_)) | None => {}
            }
        }
    }

    /// The other server's address.
    pub(super) fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// The session, to be fed with media and asked for events.
    pub(super) fn session(&mut self) -> &mut ClientSession {
        &mut self.session
    }

    /// The server has read nothing for long, although there was something to read.
    pub(super) fn is_stalled(&self) -> bool {
        !self.outgoing.is_empty() && self.moved.elapsed() >= RELAY_SILENCE
    }

    /// Waits for the socket or for the session's time, and moves bytes. Cancel safe.
    pub(super) async fn step(&mut self) -> Result<(), RelayError> {
        self.gather();
        let Self { socket, session, outgoing, buffer, .. } = self;
        let deadline = session.next_deadline();
        tokio::select! {
            readable = socket.readable() => {
                readable?;
                match socket.try_read(buffer) {
                    Ok(0) => return Err(RelayError::Closed),
                    Ok(len) => session.handle_input(&buffer[..len], Instant::now())?,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error.into()),
                }
            }
            writable = socket.writable(), if !outgoing.is_empty() => {
                writable?;
                self.write()?;
            }
            () = sleep_until(deadline) => session.handle_timeout(Instant::now())?,
        }
        Ok(())
    }

    fn gather(&mut self) {
        if self.outgoing.is_empty() {
            self.moved = Instant::now();
        }
        while self.outgoing.len() < WRITE_BATCH_PIECES && self.outgoing_bytes < WRITE_BATCH_BYTES {
            let Some(piece) = self.session.poll_transmit() else { break };
            if !piece.is_empty() {
                self.outgoing_bytes += piece.len();
                self.outgoing.push_back(piece);
            }
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let mut slices: heapless::Vec<IoSlice<'_>, { 2 * WRITE_BATCH_PIECES }> = heapless::Vec::new();
        let mut skip = self.sent_of_first;
        for part in self.outgoing.iter().flat_map(Transmit::parts) {
            let (sent, rest) = part.split_at(skip.min(part.len()));
            skip -= sent.len();
            if !rest.is_empty() {
                // Two parts a piece, so there is room for all.
                let _ = slices.push(IoSlice::new(rest));
            }
        }
        let result = self.socket.try_write_vectored(&slices);
        drop(slices);
        match result {
            Ok(written) => self.written(written),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn written(&mut self, written: usize) {
        self.moved = Instant::now();
        self.outgoing_bytes -= written;
        self.sent_of_first += written;
        while let Some(first) = self.outgoing.front().filter(|first| self.sent_of_first >= first.len()) {
            self.sent_of_first -= first.len();
            self.outgoing.pop_front();
        }
    }

    /// Says goodbye, for as long as the server can be expected to listen.
    pub(super) async fn close(mut self) {
        let goodbye = async {
            self.session.close()?;
            loop {
                self.gather();
                if self.outgoing.is_empty() {
                    return Ok::<_, RelayError>(self.socket.finish().await?);
                }
                self.socket.writable().await?;
                self.write()?;
            }
        };
        // Whoever does not listen finds out by the connection's end.
        let _ = tokio::time::timeout(RELAY_GOODBYE, goodbye).await;
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
