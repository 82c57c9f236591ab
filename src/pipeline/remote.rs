//! A film that is not a file here: how its worker asks the server for bytes, over the socket that is its standard input.
//! Pure.
//!
//! ```text
//!  worker ─▶ server   offset (8 bytes)  length (4)
//!  server ─▶ worker   length (4)  so many bytes; fewer than asked for only at the film's end
//!                     0xffffffff  length (4)  why not, in words
//! ```
//!
//! All numbers are little-endian. One request is answered before the next one is made. So the worker of a film on a web
//! server has the network as little as that of a file: it asks for bytes, and the server decides where they come from.

use crate::limits::MAX_WORKER_TEXT;
use std::io::{self, Read, Write};

/// Bytes of a request.
pub const FEED_REQUEST: usize = 12;

/// In place of a length: there is no such part, and a text says why.
pub const FEED_FAILED: u32 = u32::MAX;

/// Which bytes are asked for.
///
/// ```
/// use wiidiaserver::pipeline::{feed_request, read_feed_request};
/// assert_eq!(read_feed_request(feed_request(1 << 40, 5)), (1 << 40, 5));
/// ```
pub fn feed_request(offset: u64, length: u32) -> [u8; FEED_REQUEST] {
    let mut request = [0; FEED_REQUEST];
    request[..8].copy_from_slice(&offset.to_le_bytes());
    request[8..].copy_from_slice(&length.to_le_bytes());
    request
}

/// What a request asks for: offset and length.
pub fn read_feed_request(request: [u8; FEED_REQUEST]) -> (u64, u32) {
    let [o0, o1, o2, o3, o4, o5, o6, o7, l0, l1, l2, l3] = request;
    (u64::from_le_bytes([o0, o1, o2, o3, o4, o5, o6, o7]), u32::from_le_bytes([l0, l1, l2, l3]))
}

/// The worker's side: asks, and waits for the answer. Returns how many of `bytes` were filled.
pub(super) fn ask(mut socket: impl Read + Write, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    socket.write_all(&feed_request(offset, length))?;
    let mut number = [0; 4];
    socket.read_exact(&mut number)?;
    match u32::from_le_bytes(number) {
        FEED_FAILED => {
            socket.read_exact(&mut number)?;
            let length = (u32::from_le_bytes(number) as usize).min(MAX_WORKER_TEXT);
            let mut text = vec![0; length];
            socket.read_exact(&mut text)?;
            Err(io::Error::other(String::from_utf8_lossy(&text).into_owned()))
        }
        found if found <= length => {
            let found = found as usize;
            socket.read_exact(&mut bytes[..found])?;
            Ok(found)
        }
        more => Err(io::Error::other(format!("{more} bytes for {length} that were asked for"))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// Takes what is written and has this to read.
    struct Wire(Vec<u8>, Cursor<Vec<u8>>);

    impl Read for Wire {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1.read(buffer)
        }
    }

    impl Write for Wire {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn answered(answer: &[u8]) -> io::Result<Vec<u8>> {
        let mut wire = Wire(Vec::new(), Cursor::new(answer.to_vec()));
        let mut bytes = [0; 4];
        let found = ask(&mut wire, 7, &mut bytes)?;
        assert_eq!(wire.0, feed_request(7, 4));
        Ok(bytes[..found].to_vec())
    }

    #[test]
    fn answers_are_read_whole_or_refused_at_every_cut() {
        let answer = [&3u32.to_le_bytes()[..], b"abc"].concat();
        assert_eq!(answered(&answer).unwrap(), b"abc");
        assert_eq!(answered(&0u32.to_le_bytes()).unwrap(), b"");
        let refused = [&FEED_FAILED.to_le_bytes()[..], &2u32.to_le_bytes(), b"no"].concat();
        assert_eq!(answered(&refused).unwrap_err().to_string(), "no");
        for whole in [&answer, &refused] {
            for cut in 0..whole.len() {
                assert_eq!(answered(&whole[..cut]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
            }
        }
        assert!(answered(&5u32.to_le_bytes()).unwrap_err().to_string().contains("5 bytes for 4"));
    }
}
