//! A film that is no file here: the worker asks for its bytes through the socket on standard input.

use super::super::remote;
use super::mend;
use std::cell::Cell;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};

/// Reads of a film's headers before it is played. Each may be a question to another continent; a film whose boxes lie
/// apart (fragmented MP4) has thousands.
const HEADER_READS: u32 = 64;

/// The socket on standard input, behind which the server has the film.
#[derive(Debug)]
pub(super) struct Feed {
    socket: Mutex<UnixStream>,
    len: u64,
}

impl Feed {
    /// The film of `len` bytes behind standard input.
    pub(super) fn on_stdin(len: u64) -> io::Result<Self> {
        let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        Ok(Self { socket: Mutex::new(socket), len })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Fills as much of `bytes` as the film has from `offset` on.
    pub(super) fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        remote::ask(&*socket, offset, bytes)
    }
}

/// A film's headers, of which not too many are read.
#[derive(Debug)]
pub(super) struct Headers<'a> {
    feed: &'a Feed,
    left: Cell<u32>,
}

impl<'a> Headers<'a> {
    pub(super) fn of(feed: &'a Feed) -> Self {
        Self { feed, left: Cell::new(HEADER_READS) }
    }
}

impl mend::Source for Headers<'_> {
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let left = self.left.get().checked_sub(1).ok_or(io::ErrorKind::QuotaExceeded)?;
        self.left.set(left);
        match self.feed.read_at(offset, bytes)? {
            read if read == bytes.len() => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn len(&self) -> u64 {
        self.feed.len
    }
}
