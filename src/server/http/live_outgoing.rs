//! FLV on its way to one live viewer: the tags' bodies are the stream's, and only what goes between them is made here.
//!
//! ```text
//!  envelope │ tag header(11) │ body │ its size(4) tag header(11) │ body │ … │ its size(4) │ envelope
//!   message │     piece              │           piece                   │     │    piece    │  message
//! ```
//!
//! What belongs here: pieces, and one message of them at a time. What does not: which tags, and when.

use crate::flv::{PREVIOUS_TAG_SIZE_LEN, TAG_HEADER_LEN, Tag, write_tag_header};
use crate::limits::WRITE_BATCH_PIECES;
use crate::server::fanout::FlvFraming;
use crate::stream::Batch;
use bytes::Bytes;
use std::io::{self, IoSlice};
use tokio::net::TcpStream;

/// Some bytes of the viewer's own, and behind them a body that it shares with everybody.
#[derive(Debug, Default)]
pub(super) struct Piece {
    head: heapless::Vec<u8, { PREVIOUS_TAG_SIZE_LEN + TAG_HEADER_LEN }>,
    body: Bytes,
}

impl Piece {
    /// Bytes that are nobody else's: a file's header.
    pub(super) fn own(bytes: &[u8]) -> Self {
        Self { body: Bytes::copy_from_slice(bytes), ..Self::default() }
    }

    fn len(&self) -> usize {
        self.head.len() + self.body.len()
    }
}

/// A batch as FLV: its preface, then the records as they are.
pub(super) fn flv_of(batch: &Batch) -> Vec<Piece> {
    if batch.records.is_empty() {
        return Vec::new();
    }
    let records = batch.records.iter().map(|record| (record.tag(), record.tag().timestamp));
    let mut pieces = Vec::with_capacity(batch.preface.len() + batch.records.len() + 1);
    let mut piece = Piece::default();
    // There is always room: a piece begins with a size at the most.
    let put = |piece: &mut Piece, bytes: &[u8]| drop(piece.head.extend_from_slice(bytes));
    for (Tag { kind, body, .. }, timestamp) in batch.opening().chain(records) {
        put(&mut piece, &write_tag_header(*kind, timestamp, body.len()));
        piece.body = body.clone();
        pieces.push(std::mem::take(&mut piece));
        put(&mut piece, &((TAG_HEADER_LEN + body.len()) as u32).to_be_bytes());
    }
    pieces.push(piece);
    pieces
}

/// A message on its way to one socket.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    envelope: heapless::Vec<u8, 10>,
    pieces: Vec<Piece>,
    tail: &'static [u8],
    /// Bytes of all that, and how many of them are sent.
    len: usize,
    sent: usize,
}

impl Outgoing {
    /// One message of these.
    pub(super) fn framed(framing: FlvFraming, pieces: Vec<Piece>) -> Self {
        let flv = pieces.iter().map(Piece::len).sum();
        let (envelope, tail) = framing.envelope(flv);
        Self { len: envelope.len() + flv + tail.len(), envelope, pieces, tail, sent: 0 }
    }

    /// The same in another envelope, of which nothing is sent yet.
    pub(super) fn reframed(self, framing: FlvFraming) -> Self {
        Self::framed(framing, self.pieces)
    }

    /// These bytes without an envelope.
    pub(super) fn bare(body: Bytes) -> Self {
        Self::framed(FlvFraming::Plain, vec![Piece { body, ..Piece::default() }])
    }

    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let pieces = self.pieces.iter().flat_map(|piece| [&piece.head[..], &piece.body]);
        std::iter::once(&self.envelope[..]).chain(pieces).chain([self.tail])
    }

    /// Sends all of it. Can be dropped at any time, and called again.
    ///
    /// # Errors
    /// When the socket breaks.
    pub(super) async fn flush(&mut self, socket: &TcpStream) -> io::Result<()> {
        while self.sent < self.len {
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
        let mut slices: heapless::Vec<IoSlice<'_>, { 2 * WRITE_BATCH_PIECES }> = heapless::Vec::new();
        let mut skip = self.sent;
        for part in self.parts() {
            let (sent, rest) = part.split_at(skip.min(part.len()));
            skip -= sent.len();
            if !rest.is_empty() && slices.push(IoSlice::new(rest)).is_err() {
                break;
            }
        }
        socket.try_write_vectored(&slices)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::flv::TagKind;
    use crate::stream::Record;
    use crate::time::MediaTime;
    use bytes::BytesMut;
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::time::Instant;
    use tokio::io::AsyncReadExt;

    fn record(ms: u32, len: usize) -> Arc<Record> {
        let body = (0..len).map(|n| (n as u32 + ms) as u8).collect::<Vec<u8>>().into();
        let tag = Tag { kind: TagKind::Video, timestamp: MediaTime::from_millis(ms), body };
        Arc::new(Record::new(tag, Instant::now()))
    }

    fn batch(preface: &[usize], records: &[usize]) -> Batch {
        let each = |(n, len): (usize, &usize)| record(100 + n as u32, *len);
        Batch {
            preface: preface.iter().enumerate().map(|(n, len)| each((n + 50, len))).collect(),
            records: records.iter().enumerate().map(each).collect(),
            ..Batch::default()
        }
    }

    /// As a file has it.
    fn encoded(batch: &Batch) -> BytesMut {
        let mut out = BytesMut::new();
        for (tag, timestamp) in batch.opening() {
            Tag { timestamp, ..tag.clone() }.encode_into(&mut out);
        }
        batch.records.iter().for_each(|record| record.tag().encode_into(&mut out));
        out
    }

    #[test]
    fn bodies_are_the_streams_own() {
        let batch = batch(&[6], &[300, 20]);
        let pieces = flv_of(&batch);
        for (piece, record) in pieces.iter().zip(batch.preface.iter().chain(&batch.records)) {
            assert!(std::ptr::eq(&piece.body[..], &record.tag().body[..]), "not copied");
        }
        assert!(flv_of(&Batch::default()).is_empty());
    }

    #[tokio::test]
    async fn many_pieces_reach_a_client_that_reads_slowly_in_one_chunk() {
        let batch = batch(&[6, 4], &[70_000; 150]);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let flv = encoded(&batch);
        let expected = [format!("{:x}\r\n", flv.len()).as_bytes(), &flv, b"\r\n"].concat();
        let mut outgoing = Outgoing::framed(FlvFraming::Plain, flv_of(&batch)).reframed(FlvFraming::Chunked);
        let sending = tokio::spawn(async move { outgoing.flush(&server).await });
        let mut got = vec![0; expected.len()];
        client.read_exact(&mut got).await.unwrap();
        assert!(got == expected);
        sending.await.unwrap().unwrap();
    }

    proptest! {
        #[test]
        fn pieces_are_the_bytes_of_a_file(
            preface in prop::collection::vec(0usize..40, 0..4),
            records in prop::collection::vec(0usize..2000, 1..40),
        ) {
            let batch = batch(&preface, &records);
            let outgoing = Outgoing::framed(FlvFraming::Plain, flv_of(&batch));
            prop_assert_eq!(&outgoing.parts().collect::<Vec<_>>().concat()[..], &encoded(&batch)[..]);
            prop_assert_eq!(outgoing.len, encoded(&batch).len());
        }
    }
}
