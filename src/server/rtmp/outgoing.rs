//! What goes to the socket next: many small pieces, few system calls.

use crate::limits::{WRITE_BATCH_BYTES, WRITE_BATCH_PIECES};
use crate::rtmp::{Session, Transmit};
use crate::server::socket::Socket;
use std::collections::VecDeque;
use std::io::{self, IoSlice};

/// Pieces taken from the session, the first of them perhaps sent in part.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pieces: VecDeque<Transmit>,
    bytes: usize,
    /// Bytes of the first piece that are sent already.
    sent_of_first: usize,
}

impl Outgoing {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Takes from the session what fits one write.
    pub(super) fn gather(&mut self, session: &mut Session) {
        while self.pieces.len() < WRITE_BATCH_PIECES && self.bytes < WRITE_BATCH_BYTES {
            let Some(piece) = session.poll_transmit() else { break };
            if !piece.is_empty() {
                self.bytes += piece.len();
                self.pieces.push_back(piece);
            }
        }
    }

    /// Writes as much as the socket takes now. Returns the number of bytes.
    pub(super) fn write(&mut self, socket: &Socket) -> io::Result<usize> {
        let mut slices: heapless::Vec<IoSlice<'_>, { 2 * WRITE_BATCH_PIECES }> = heapless::Vec::new();
        let mut skip = self.sent_of_first;
        for part in self.pieces.iter().flat_map(Transmit::parts) {
            let (sent, rest) = part.split_at(skip.min(part.len()));
            skip -= sent.len();
            let part = rest;
            if !part.is_empty() {
                // Two parts a piece, so there is room for all.
                let _ = slices.push(IoSlice::new(part));
            }
        }
        let written = socket.try_write_vectored(&slices)?;
        drop(slices);
        self.advance(written);
        Ok(written)
    }

    fn advance(&mut self, written: usize) {
        self.bytes -= written;
        self.sent_of_first += written;
        while let Some(first) = self.pieces.front() {
            if self.sent_of_first < first.len() {
                break;
            }
            self.sent_of_first -= first.len();
            self.pieces.pop_front();
        }
    }
}
