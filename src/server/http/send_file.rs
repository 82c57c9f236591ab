//! Stretches of files on their way to a socket, by `sendfile`: the kernel moves them from its cache to
//! the network, and nothing of them passes through here.
//!
//! `sendfile` waits for the disk when something is not in the kernel's memory. A USB disk that spins up
//! must not hold up a thread that serves a hundred others, so what is missing is read by a blocking
//! thread first.

use super::connection::Link;
use crate::limits::{FILE_PROBE_STEP, FILE_WARM, SENDFILE_STEP, SENDFILE_TURN};
use crate::reel::Viewer;
use bytes::Bytes;
use futures_util::{Stream, stream};
use rustix::fs::{Advice, fadvise, sendfile};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use rustix::net::{SendFlags, send};
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::num::NonZeroU64;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// Bytes of ours and stretches of files, one behind the other.
pub(super) struct FileBody {
    /// Keeps the reel that they are from, if they are.
    _viewer: Option<Viewer>,
    parts: Vec<Part>,
}

/// A part of it.
pub(super) enum Part {
    Bytes(Bytes),
    File { data: Arc<File>, range: Range<u64> },
}

impl Part {
    fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { range, .. } => range.end.saturating_sub(range.start),
        }
    }
}

impl FileBody {
    pub(super) fn new(viewer: Viewer, parts: Vec<Part>) -> Self {
        Self { _viewer: Some(viewer), parts }
    }

    /// A stretch of a file that is no reel's.
    pub(super) fn of_file(file: File, range: Range<u64>) -> Self {
        Self { _viewer: None, parts: vec![Part::File { data: Arc::new(file), range }] }
    }

    /// All its bytes.
    pub(super) fn len(&self) -> u64 {
        self.parts.iter().map(Part::len).sum()
    }

    /// The same as blocks in memory, a part at a time: for an answer whose head went out before it was known.
    pub(super) fn into_blocks(self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        stream::try_unfold((self._viewer, self.parts.into_iter()), async |(viewer, mut parts)| {
            let block = match parts.next() {
                None => return Ok(None),
                Some(Part::Bytes(bytes)) => bytes,
                Some(Part::File { data, range }) => read(&data, range).await?.into(),
            };
            Ok(Some((block, (viewer, parts))))
        })
    }

    /// Sends all of it.
    ///
    /// # Errors
    /// When the client leaves, the disk fails, or the file became shorter.
    pub(super) async fn send(&self, link: &mut Link) -> io::Result<()> {
        let Link { socket, ahead } = link;
        let pouring = async {
            for (n, part) in self.parts.iter().enumerate() {
                match part {
                    Part::Bytes(bytes) => {
                        // What follows goes into the same packets.
                        let more = self.parts[n + 1..].iter().any(|part| part.len() > 0);
                        let flags = if more { SendFlags::MORE } else { SendFlags::empty() };
                        send_all(socket, bytes, flags).await?;
                    }
                    Part::File { data, range } => pour(socket, data, range.clone()).await?,
                }
            }
            Ok(())
        };
        tokio::select! {
            result = pouring => result,
            error = ahead.gone(socket) => Err(error),
        }
    }
}

async fn send_all(socket: &TcpStream, mut bytes: &[u8], flags: SendFlags) -> io::Result<()> {
    let flags = flags | SendFlags::NOSIGNAL;
    while !bytes.is_empty() {
        let sent = socket.async_io(Interest::WRITABLE, || Ok(send(socket, bytes, flags)?)).await?;
        bytes = &bytes[sent..];
    }
    Ok(())
}

async fn pour(socket: &TcpStream, file: &Arc<File>, data: Range<u64>) -> io::Result<()> {
    let (mut at, end) = (data.start, data.end);
    let mut turn = 0;
    while at < end {
        // Anew after each wait: what was in memory may be gone when a player goes on after a pause.
        socket.writable().await?;
        let step = at..end.min(at + SENDFILE_STEP);
        match presence(file, &step) {
            Presence::InMemory => {}
            Presence::Missing => warm(file, at..end.min(at + FILE_WARM)).await?,
            Presence::Unknown => warm(file, step.clone()).await?,
        }
        let count = (step.end - at) as usize;
        let sent = socket.try_io(Interest::WRITABLE, || Ok(sendfile(socket, file, Some(&mut at), count)?));
        match sent {
            Ok(sent) if sent > 0 => {
                turn += sent as u64;
                // A reader that is as fast as we are would have a thread of the server to itself.
                if turn >= SENDFILE_TURN {
                    turn = 0;
                    tokio::task::yield_now().await;
                }
            }
            Ok(_) => return Err(cut()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // File systems that have no pages to give.
            Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => {
                copy(socket, file, step.clone()).await?;
                at = step.end;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Where a stretch of a file is.
enum Presence {
    InMemory,
    /// Some of it is on the disk.
    Missing,
    /// The file system does not say.
    Unknown,
}

/// Asks for a byte here and there, which the kernel gives when it need not wait for the disk. It reads
/// and forgets files by many pages at a time, so those between are there as well, nearly always.
fn presence(file: &File, stretch: &Range<u64>) -> Presence {
    let last = stretch.end.saturating_sub(1);
    for at in stretch.clone().step_by(FILE_PROBE_STEP).chain([last]) {
        let mut byte = [0];
        match preadv2(file, &mut [IoSliceMut::new(&mut byte)], at, ReadWriteFlags::NOWAIT) {
            Ok(_) => {}
            Err(Errno::AGAIN) => return Presence::Missing,
            // What is wrong with the file is found out where one can wait.
            Err(_) => return Presence::Unknown,
        }
    }
    Presence::InMemory
}

/// Brings a stretch into the kernel's memory.
async fn warm(file: &Arc<File>, stretch: Range<u64>) -> io::Result<()> {
    let file = file.clone();
    let read = move || {
        // All of it is asked for before the first part is waited for; a hint, so errors are nothing.
        let len = NonZeroU64::new(stretch.end - stretch.start);
        let _ = fadvise(&file, stretch.start, len, Advice::WillNeed);
        let mut block = vec![0; FILE_PROBE_STEP];
        let mut at = stretch.start;
        while at < stretch.end {
            let wanted = block.len().min((stretch.end - at) as usize);
            match file.read_at(&mut block[..wanted], at) {
                Ok(0) => return Err(cut()),
                Ok(len) => at += len as u64,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    };
    tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
}

/// The long way, for file systems without the short one.
async fn copy(socket: &TcpStream, file: &Arc<File>, stretch: Range<u64>) -> io::Result<()> {
    send_all(socket, &read(file, stretch).await?, SendFlags::empty()).await
}

async fn read(file: &Arc<File>, stretch: Range<u64>) -> io::Result<Vec<u8>> {
    let file = file.clone();
    let read = move || {
        let mut block = vec![0; (stretch.end - stretch.start) as usize];
        file.read_exact_at(&mut block, stretch.start).map(|()| block)
    };
    tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file was cut while it was sent")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use tokio::net::TcpListener;

    /// Several steps, and an odd rest. On the disk that the tests are built on: one in memory forgets nothing.
    fn file(len: usize) -> (Arc<File>, Vec<u8>) {
        let bytes: Vec<u8> = (0..len).map(|at| (at / 251) as u8 ^ at as u8).collect();
        let mut file = tempfile::tempfile_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        file.write_all(&bytes).unwrap();
        file.sync_all().unwrap();
        (Arc::new(file), bytes)
    }

    /// Throws a file out of the kernel's memory, as memory that is short does.
    fn forget(file: &File) {
        fadvise(file, 0, None, Advice::DontNeed).unwrap();
    }

    /// A socket, and what arrives at its other end until it closes.
    async fn socket() -> (TcpStream, std::thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut reader = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let received = std::thread::spawn(move || {
            let mut received = Vec::new();
            reader.read_to_end(&mut received).unwrap();
            received
        });
        (listener.accept().await.unwrap().0, received)
    }

    #[tokio::test]
    async fn what_is_on_the_disk_alone_is_sent_like_what_is_in_memory() {
        let (file, bytes) = file(5 * FILE_WARM as usize / 2 + 77);
        for cold in [true, false] {
            if cold {
                forget(&file);
            }
            let (socket, received) = socket().await;
            pour(&socket, &file, 3..bytes.len() as u64 - 5).await.unwrap();
            drop(socket);
            assert!(received.join().unwrap() == bytes[3..bytes.len() - 5], "cold: {cold}");
        }
    }

    #[tokio::test]
    async fn what_was_warmed_is_in_memory() {
        let (file, bytes) = file(2 * FILE_WARM as usize);
        let all = 0..bytes.len() as u64;
        forget(&file);
        warm(&file, all.clone()).await.unwrap();
        // File systems that do not say are asked for everything by a blocking thread.
        assert!(matches!(presence(&file, &all), Presence::InMemory | Presence::Unknown));
    }

    #[tokio::test]
    async fn file_systems_without_sendfile_are_copied_from() {
        let (file, bytes) = file(SENDFILE_STEP as usize);
        let (socket, received) = socket().await;
        copy(&socket, &file, 10..bytes.len() as u64).await.unwrap();
        drop(socket);
        assert!(received.join().unwrap() == bytes[10..]);
    }

    #[tokio::test]
    async fn a_file_that_is_too_short_is_an_error_and_not_an_end() {
        let (file, bytes) = file(1000);
        let (socket, received) = socket().await;
        let error = pour(&socket, &file, 0..bytes.len() as u64 + 1).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        drop(socket);
        assert!(received.join().unwrap() == bytes);
    }
}
