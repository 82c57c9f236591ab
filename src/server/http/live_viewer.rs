//! A viewer of a live stream over HTTP or WebSocket: it owns its socket, and what it writes are the
//! stream's records, which it shares with all other viewers.

use super::connection::Link;
use super::handover::Framing;
use crate::flv::reader::file_header;
use crate::flv::{Tag, TagKind};
use crate::limits::{CLOSING_PATIENCE, MAX_AFTER_CLOSE, WRITE_BATCH_BYTES, WRITE_BATCH_PIECES};
use crate::server::accept::Shutdown;
use crate::stream::{Batch, Record, Subscription};
use crate::websocket::{CloseCode, FrameHead, Heard, Incoming, Opcode, close_frame, frame_head, pong_frame};
use bytes::{Bytes, BytesMut};
use std::fmt::Write;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Instant;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// A viewer's place in a stream, and what is on its way to it.
pub(super) struct LiveViewer {
    subscription: Subscription,
    framing: Framing,
    outgoing: Outgoing,
    /// An answer to a ping, to go out between two messages.
    pong: Option<Bytes>,
    /// When records were taken last.
    taken: Instant,
}

impl LiveViewer {
    /// A viewer that begins with this.
    pub(super) fn new(subscription: Subscription, first: Batch) -> Self {
        let has = |kind| first.preface.iter().chain(&first.records).any(|r| r.tag().kind == kind);
        let mut pieces = vec![Bytes::copy_from_slice(&file_header(has(TagKind::Video), has(TagKind::Audio)))];
        pieces.extend(flv_of(first));
        let outgoing = Outgoing { pieces, ..Outgoing::default() };
        Self { subscription, framing: Framing::Plain, outgoing, pong: None, taken: Instant::now() }
    }

    /// Sends what comes until the stream, the client or the server ends.
    ///
    /// # Errors
    /// When the client leaves.
    pub(super) async fn send(
        &mut self,
        link: &mut Link,
        framing: Framing,
        shutdown: &mut Shutdown,
    ) -> io::Result<()> {
        self.framing = framing;
        let pieces = std::mem::take(&mut self.outgoing.pieces);
        self.outgoing = Outgoing::framed(framing, pieces);
        if framing == Framing::WebSocket {
            return self.send_messages(link, shutdown).await;
        }
        tokio::select! {
            result = self.advance(&link.socket) => result?,
            error = link.ahead.gone(&link.socket) => return Err(error),
            () = shutdown.wait() => {}
        }
        let end = if framing == Framing::Chunked { Bytes::from_static(b"0\r\n\r\n") } else { Bytes::new() };
        self.end(&link.socket, end).await
    }

    async fn send_messages(&mut self, link: &mut Link, shutdown: &mut Shutdown) -> io::Result<()> {
        let mut client = Client { incoming: Incoming::new(Instant::now()), unread: link.ahead.take() };
        let (code, why) = loop {
            tokio::select! {
                result = self.advance(&link.socket) => {
                    result?;
                    break (CloseCode::Normal, "the stream has ended".to_owned());
                }
                said = client.next(&link.socket) => match said? {
                    Said::Ping(pong) => self.pong = Some(pong),
                    Said::Close(code, why) => break (code, why),
                },
                () = shutdown.wait() => break (CloseCode::GoingAway, "the server ends".to_owned()),
            }
        };
        self.end(&link.socket, close_frame(code, &why)).await?;
        // What still comes must be read, or the kernel tells the client of a reset instead of this.
        link.socket.shutdown().await?;
        let linger = async {
            let mut left = MAX_AFTER_CLOSE;
            while left > 0 {
                link.socket.readable().await?;
                let mut block = [0; 1024];
                match link.socket.try_read(&mut block) {
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
        let ending = async {
            self.outgoing.flush(socket).await?;
            self.outgoing = Outgoing { pieces: vec![last], ..Outgoing::default() };
            self.outgoing.flush(socket).await
        };
        let late = Err(io::Error::new(io::ErrorKind::TimedOut, "the client has stopped reading"));
        tokio::time::timeout(CLOSING_PATIENCE, ending).await.unwrap_or(late)
    }

    /// Sends until the stream is over. Can be dropped at any time, and called again.
    async fn advance(&mut self, socket: &TcpStream) -> io::Result<()> {
        loop {
            self.outgoing.flush(socket).await?;
            if let Some(pong) = self.pong.take() {
                self.outgoing = Outgoing { pieces: vec![pong], ..Outgoing::default() };
                continue;
            }
            if self.subscription.edge().over {
                return Ok(());
            }
            if let Some(due) = self.subscription.next_writing(self.taken) {
                tokio::time::sleep_until(due.into()).await;
            }
            if !self.subscription.has_more() {
                self.subscription.changed().await;
            }
            self.taken = Instant::now();
            let batch = self.subscription.take(WRITE_BATCH_BYTES);
            if batch.lost > 0 {
                let name = self.subscription.stream().name();
                tracing::info!(
                    stream = name,
                    lost = batch.lost,
                    "a slow viewer goes on at the last keyframe"
                );
            }
            self.outgoing = Outgoing::framed(self.framing, flv_of(batch).collect());
        }
    }
}

/// A batch's bytes: its preface with the time of the first record, then the records as they are.
fn flv_of(batch: Batch) -> impl Iterator<Item = Bytes> {
    let mut preface = BytesMut::new();
    if let Some(first) = batch.records.first() {
        let timestamp = first.tag().timestamp;
        let tags = batch.preface.iter().map(|record| Tag { timestamp, ..record.tag().clone() });
        tags.for_each(|tag| tag.encode_into(&mut preface));
    }
    let preface = (!preface.is_empty()).then(|| preface.freeze());
    preface.into_iter().chain(batch.records.into_iter().map(|record: Arc<Record>| record.flv()))
}

/// A message on its way to one socket.
#[derive(Default)]
struct Outgoing {
    head: heapless::Vec<u8, 10>,
    pieces: Vec<Bytes>,
    tail: &'static [u8],
    /// Bytes of all that, sent.
    sent: usize,
}

impl Outgoing {
    fn framed(framing: Framing, pieces: Vec<Bytes>) -> Self {
        let len: usize = pieces.iter().map(Bytes::len).sum();
        let (head, tail) = match framing {
            // Nothing would be the end of a chunked body.
            _ if len == 0 => (FrameHead::new(), &b""[..]),
            Framing::Plain => (FrameHead::new(), &b""[..]),
            Framing::Chunked => (chunk_head(len), &b"\r\n"[..]),
            Framing::WebSocket => (frame_head(Opcode::Binary, len), &b""[..]),
        };
        Self { head, pieces, tail, sent: 0 }
    }

    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let pieces = self.pieces.iter().map(|piece| &piece[..]);
        std::iter::once(&self.head[..]).chain(pieces).chain([self.tail])
    }

    /// Sends all of it. Can be dropped at any time, and called again.
    async fn flush(&mut self, socket: &TcpStream) -> io::Result<()> {
        let len: usize = self.parts().map(<[u8]>::len).sum();
        while self.sent < len {
            match self.write(socket) {
                Ok(sent) => self.sent += sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => socket.writable().await?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        *self = Self::default();
        Ok(())
    }

    fn write(&self, socket: &TcpStream) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); WRITE_BATCH_PIECES];
        let (mut used, mut skip) = (0, self.sent);
        for part in self.parts() {
            if skip >= part.len() {
                skip -= part.len();
            } else if used < slices.len() {
                slices[used] = IoSlice::new(&part[skip..]);
                (used, skip) = (used + 1, 0);
            }
        }
        socket.try_write_vectored(&slices[..used])
    }
}

/// RFC 9112 7.1; a length of 64 bits would not fit, one of records does.
fn chunk_head(len: usize) -> FrameHead {
    let mut head = heapless::String::<10>::new();
    let _ = write!(head, "{len:x}\r\n");
    head.into_bytes()
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
