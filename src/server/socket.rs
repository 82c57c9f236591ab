//! The socket of one RTMP connection, with or without TLS: readiness and attempts, as tokio's
//! `TcpStream` has them.
//!
//! ```text
//!  loop ── try_write_vectored ─▶ plaintext ─ rustls ─▶ ciphertext ──▶ TCP
//!       ◀─ try_read ──────────── plaintext ◀─ rustls ── ciphertext ◀── TCP
//! ```
//!
//! rustls buffers one record inwards, and outwards no more than [`TLS_OUTPUT`]: nothing is taken from the
//! loop while ciphertext waits for the network.

use crate::limits::{HANDSHAKE_TIMEOUT, TLS_OUTPUT};
use rustix::net::RecvFlags;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};
use std::io::{self, IoSlice, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// A connected socket.
pub(crate) enum Socket {
    /// As it is. Shared with the writer of the live stream that is watched.
    Plain(Arc<TcpStream>),
    /// Behind a completed TLS handshake.
    Tls(Box<TlsSocket>),
}

impl Socket {
    /// Waits for a client's TLS handshake, for [`HANDSHAKE_TIMEOUT`] at most.
    ///
    /// # Errors
    /// What went wrong, in words for the log: the client may not speak TLS at all.
    pub(crate) async fn accept_tls(tcp: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        let connection = ServerConnection::new(config).map_err(io::Error::other)?;
        Self::shake_hands(tcp, connection.into()).await
    }

    /// Shakes hands with a server that must prove to be `name`, for [`HANDSHAKE_TIMEOUT`] at most.
    ///
    /// # Errors
    /// What went wrong: no TLS, or a certificate that does not prove it.
    pub(crate) async fn connect_tls(
        tcp: TcpStream,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> io::Result<Self> {
        let connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
        Self::shake_hands(tcp, connection.into()).await
    }

    async fn shake_hands(tcp: TcpStream, connection: Connection) -> io::Result<Self> {
        let socket = TlsSocket::new(tcp, connection);
        match tokio::time::timeout(HANDSHAKE_TIMEOUT, socket.handshake()).await {
            Ok(result) => result.map(|()| Self::Tls(Box::new(socket))),
            Err(_) => {
                let text = format!("no TLS handshake within {} s", HANDSHAKE_TIMEOUT.as_secs());
                Err(io::Error::new(io::ErrorKind::TimedOut, text))
            }
        }
    }

    /// What carries it, for the kernel's options.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &tls.tcp,
        }
    }

    /// Waits until [`try_read`](Self::try_read) has something to say. Cancel safe.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.readable().await,
            Self::Tls(tls) => tls.readable().await,
        }
    }

    /// Reads what is there: 0 at the peer's end, `WouldBlock` when there is nothing now.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => read_once(tcp, buffer),
            Self::Tls(tls) => tls.try_read(buffer),
        }
    }

    /// Waits until [`try_write_vectored`](Self::try_write_vectored) may take something. Cancel safe.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.writable().await,
            Self::Tls(tls) => tls.writable().await,
        }
    }

    /// Writes as much as is taken now; `WouldBlock` when that is nothing.
    pub(crate) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.try_write_vectored(slices),
            Self::Tls(tls) => tls.try_write_vectored(slices),
        }
    }

    /// Says that nothing more will come, and waits until everything is with the kernel.
    pub(crate) async fn finish(&self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.finish().await,
        }
    }
}

/// As `TcpStream::try_read`, but what fills only a part of the buffer was all there is: tokio need not be told so by
/// another read that finds nothing. A peer's end stays ready, whatever was read before it.
fn read_once(tcp: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let room = buffer.len();
    let mut part = None;
    let result = tcp.try_io(Interest::READABLE, || {
        let (len, _) = rustix::net::recv(tcp, &mut *buffer, RecvFlags::DONTWAIT)?;
        if len == 0 || len == room {
            return Ok(len);
        }
        part = Some(len);
        // What makes tokio wait for the kernel's next word of this socket.
        Err(io::ErrorKind::WouldBlock.into())
    });
    part.map_or(result, Ok)
}

/// TLS over a non-blocking socket.
pub(crate) struct TlsSocket {
    tcp: TcpStream,
    /// Only ever locked between two awaits of the one task that has the connection.
    state: Mutex<State>,
}

struct State {
    connection: Connection,
    /// Bytes decrypted and not yet taken.
    plaintext: usize,
    /// The peer sends nothing more.
    ended: bool,
    /// What the peer began with: tells what it speaks when that is not TLS.
    first_byte: Option<u8>,
}

impl TlsSocket {
    fn new(tcp: TcpStream, mut connection: Connection) -> Self {
        connection.set_buffer_limit(Some(TLS_OUTPUT));
        let state = State { connection, plaintext: 0, ended: false, first_byte: None };
        Self { tcp, state: Mutex::new(state) }
    }

    /// A panic between two statements would have ended the task that has this.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn handshake(&self) -> io::Result<()> {
        loop {
            let interest = {
                let mut state = self.state();
                state.flush(&self.tcp)?;
                if !state.connection.is_handshaking() {
                    return Ok(());
                }
                state.take_in(&self.tcp).map_err(|error| state.explain(error))?;
                if state.ended {
                    let text = "the peer left during the TLS handshake";
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
                }
                if !state.connection.is_handshaking() {
                    // A client that has spoken already waits for an answer, and sends nothing more.
                    continue;
                }
                state.interest()
            };
            self.tcp.ready(interest).await?;
        }
    }

    async fn readable(&self) -> io::Result<()> {
        loop {
            let interest = {
                let mut state = self.state();
                if state.has_news() {
                    return Ok(());
                }
                // What a write left over goes out here, when the loop has nothing more to write itself.
                state.flush(&self.tcp)?;
                state.take_in(&self.tcp)?;
                if state.has_news() {
                    return Ok(());
                }
                state.interest()
            };
            self.tcp.ready(interest).await?;
        }
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        if state.plaintext == 0 {
            // Without close_notify as well: RTMP clients just leave, and a cut says nothing false.
            return if state.ended { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        }
        let len = state.connection.reader().read(buffer)?;
        state.plaintext = state.plaintext.saturating_sub(len);
        Ok(len)
    }

    async fn writable(&self) -> io::Result<()> {
        loop {
            {
                let mut state = self.state();
                state.flush(&self.tcp)?;
                if !state.connection.wants_write() {
                    return Ok(());
                }
            }
            self.tcp.writable().await?;
        }
    }

    fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.state();
        state.flush(&self.tcp)?;
        if state.connection.wants_write() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let len = state.connection.writer().write_vectored(slices)?;
        state.flush(&self.tcp)?;
        Ok(len)
    }

    async fn finish(&self) -> io::Result<()> {
        self.state().connection.send_close_notify();
        self.writable().await
    }
}

impl Drop for TlsSocket {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.connection.send_close_notify();
        // As much as the kernel takes at once: nobody waits for more.
        let _ = state.flush(&self.tcp);
    }
}

impl State {
    fn has_news(&self) -> bool {
        self.plaintext > 0 || self.ended
    }

    fn interest(&self) -> Interest {
        match self.connection.wants_write() {
            true => Interest::READABLE | Interest::WRITABLE,
            false => Interest::READABLE,
        }
    }

    /// Reads once from the network, and decrypts. Only while no plaintext waits: so there is never more
    /// than what one reading brings.
    fn take_in(&mut self, tcp: &TcpStream) -> io::Result<()> {
        let mut raw = Raw { tcp, first_byte: &mut self.first_byte };
        match self.connection.read_tls(&mut raw) {
            Ok(0) => self.ended = true,
            Ok(_) => match self.connection.process_new_packets() {
                Ok(state) => {
                    self.plaintext = state.plaintext_bytes_to_read();
                    self.ended |= state.peer_has_closed();
                }
                Err(error) => {
                    // The alert that tells the peer why.
                    let _ = self.flush(tcp);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
            },
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Writes ciphertext until there is none, or the network takes no more.
    fn flush(&mut self, tcp: &TcpStream) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut Raw { tcp, first_byte: &mut self.first_byte }) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A failed handshake's error, in words that name what the peer speaks instead of TLS.
    fn explain(&self, error: io::Error) -> io::Error {
        const RTMP_VERSION: u8 = 3;
        let is_server = matches!(self.connection, Connection::Server(_));
        let text = match self.first_byte {
            Some(RTMP_VERSION) if is_server => {
                "the client speaks RTMP without TLS; this port takes rtmps:// only"
            }
            Some(b'G' | b'P' | b'H') if is_server => "the client speaks HTTP; this port takes rtmps:// only",
            // handshake, alert
            Some(0x16 | 0x15) | None => return error,
            Some(_) if is_server => "what the client sends is no TLS; this port takes rtmps:// only",
            Some(_) => "the server does not speak TLS on this port; try rtmp:// or another port",
        };
        io::Error::new(error.kind(), text)
    }
}

/// tokio's socket as rustls reads and writes: without ever waiting.
struct Raw<'a> {
    tcp: &'a TcpStream,
    first_byte: &'a mut Option<u8>,
}

impl Read for Raw<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = read_once(self.tcp, buffer)?;
        if self.first_byte.is_none() {
            *self.first_byte = buffer[..len].first().copied();
        }
        Ok(len)
    }
}

impl Write for Raw<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.tcp.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
