//! Bytes to messages, as cheaply as measuring allows: bodies are counted, only their heads are kept.
//!
//! A thousand viewers receive 300 MB/s; copying them into whole messages would cost the client more than
//! some servers take to send them. Written apart from the server's own chunk reader, so that a misreading
//! is not shared.

use std::fmt;

/// Kept of audio and video: the codec header and a [stamp](crate::stamp) behind it.
const KEEP_MEDIA: usize = 64;
/// Kept of commands and data, `onMetaData` with a keyframe table among them.
const KEEP_OTHER: usize = 64 << 10;

/// A message that has arrived whole.
pub(crate) struct Seen<'a> {
    /// RTMP message type or FLV tag type.
    pub(crate) kind: u8,
    /// Its timestamp.
    pub(crate) ms: u32,
    /// Length of the whole body.
    pub(crate) len: usize,
    /// The body's first bytes.
    pub(crate) head: &'a [u8],
}

impl Seen<'_> {
    /// Sound or picture.
    pub(crate) fn is_media(&self) -> bool {
        matches!(self.kind, 8 | 9)
    }

    /// A picture, no sequence header or end of sequence.
    pub(crate) fn is_frame(&self) -> bool {
        self.kind == 9 && self.head.get(1) == Some(&1)
    }

    /// A picture that decoding can begin with.
    pub(crate) fn is_keyframe(&self) -> bool {
        self.is_frame() && self.head[0] >> 4 == 1
    }
}

/// Why a stream of bytes can't be read on.
#[derive(Debug)]
pub(crate) enum Garbled {
    /// No HTTP status line with 200.
    Http(String),
    /// Something that should not be in the stream.
    Unexpected(&'static str),
}

impl fmt::Display for Garbled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(line) => write!(f, "answered \"{line}\", expected status 200"),
            Self::Unexpected(what) => write!(f, "sent {what}"),
        }
    }
}

/// The message under way.
#[derive(Default)]
struct Partial {
    kind: u8,
    ms: u32,
    len: usize,
    got: usize,
    head: Vec<u8>,
}

impl Partial {
    fn begin(&mut self, kind: u8, ms: u32, len: usize) {
        self.head.clear();
        (self.kind, self.ms, self.len, self.got) = (kind, ms, len, 0);
    }

    fn take(&mut self, bytes: &[u8]) {
        let keep = if matches!(self.kind, 8 | 9) { KEEP_MEDIA } else { KEEP_OTHER };
        let room = keep.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        self.got += bytes.len();
    }

    fn seen(&self) -> Seen<'_> {
        Seen { kind: self.kind, ms: self.ms, len: self.len, head: &self.head }
    }
}

// ---- RTMP ----------------------------------------------------------------------------------------------------

/// Reads RTMP chunks (specification 5.3.1).
pub(crate) struct Chunks {
    chunk_size: usize,
    streams: Vec<ChunkStream>,
    header: heapless::Vec<u8, 18>,
    /// The chunk stream whose body comes, and how much of this chunk is left.
    current: usize,
    left: usize,
}

#[derive(Default)]
struct ChunkStream {
    csid: u32,
    ms: u32,
    delta: u32,
    extended: bool,
    open: bool,
    partial: Partial,
}

impl Chunks {
    /// At the end of the handshake.
    pub(crate) fn new() -> Self {
        Self { chunk_size: 128, streams: Vec::new(), header: heapless::Vec::new(), current: 0, left: 0 }
    }

    /// Takes all of `input` and tells each message that it makes whole.
    pub(crate) fn feed(&mut self, mut input: &[u8], on: &mut dyn FnMut(Seen<'_>)) -> Result<(), Garbled> {
        loop {
            if self.left > 0 {
                let (now, rest) = input.split_at(self.left.min(input.len()));
                input = rest;
                self.left -= now.len();
                self.streams[self.current].partial.take(now);
                if self.left > 0 {
                    return Ok(());
                }
                self.deliver(on)?;
            }
            let want = self.header_len();
            if self.header.len() < want {
                if input.is_empty() {
                    return Ok(());
                }
                let (now, rest) = input.split_at((want - self.header.len()).min(input.len()));
                input = rest;
                // Never full: 3 + 11 + 4 bytes are the longest header.
                let _ = self.header.extend_from_slice(now);
                continue;
            }
            self.begin_chunk()?;
            if self.left == 0 {
                self.deliver(on)?;
            }
        }
    }

    fn basic(&self) -> Option<(u8, u32, usize)> {
        let first = *self.header.first()?;
        let (csid, len) = match (first & 0x3f, &self.header[1..]) {
            (0, [low, ..]) => (64 + u32::from(*low), 2),
            (1, [low, high, ..]) => (64 + u32::from(*low) + 256 * u32::from(*high), 3),
            (0 | 1, _) => return None,
            (small, _) => (u32::from(small), 1),
        };
        Some((first >> 6, csid, len))
    }

    /// How long the header is, as far as its bytes so far tell.
    fn header_len(&self) -> usize {
        let Some((format, csid, basic)) = self.basic() else {
            return self.header.first().map_or(1, |first| 2 + usize::from(first & 0x3f));
        };
        let plain = basic + [11, 7, 3, 0][usize::from(format)];
        let extended = match format {
            3 => self.streams.iter().any(|s| s.csid == csid && s.extended),
            _ => self.header.get(basic..basic + 3) == Some(&[0xff; 3]),
        };
        plain + if extended { 4 } else { 0 }
    }

    fn begin_chunk(&mut self) -> Result<(), Garbled> {
        let Some((format, csid, basic)) = self.basic() else { return Ok(()) };
        let header = std::mem::take(&mut self.header);
        let fields = &header[basic..];
        self.current = match self.streams.iter().position(|s| s.csid == csid) {
            Some(at) => at,
            None if format < 2 => {
                self.streams.push(ChunkStream { csid, ..ChunkStream::default() });
                self.streams.len() - 1
            }
            None => return Err(Garbled::Unexpected("a chunk without a header before it")),
        };
        let stream = &mut self.streams[self.current];
        if format == 3 {
            if !stream.open {
                let Partial { kind, len, .. } = stream.partial;
                stream.ms = stream.ms.wrapping_add(stream.delta);
                stream.partial.begin(kind, stream.ms, len);
            }
        } else {
            let mut time = u32::from_be_bytes([0, fields[0], fields[1], fields[2]]);
            stream.extended = time == 0xff_ffff;
            if stream.extended {
                time = fields.last_chunk().map_or(time, |last| u32::from_be_bytes(*last));
            }
            let (kind, len) = match format {
                2 => (stream.partial.kind, stream.partial.len),
                _ => (fields[6], u32::from_be_bytes([0, fields[3], fields[4], fields[5]]) as usize),
            };
            stream.ms = if format == 0 { time } else { stream.ms.wrapping_add(time) };
            stream.delta = time;
            stream.partial.begin(kind, stream.ms, len);
        }
        stream.open = true;
        self.left = (stream.partial.len - stream.partial.got).min(self.chunk_size);
        Ok(())
    }

    /// A chunk has ended, and perhaps a message with it.
    fn deliver(&mut self, on: &mut dyn FnMut(Seen<'_>)) -> Result<(), Garbled> {
        let stream = &mut self.streams[self.current];
        if stream.partial.got < stream.partial.len {
            return Ok(());
        }
        stream.open = false;
        let seen = stream.partial.seen();
        if seen.kind == 1 {
            let size = seen.head.first_chunk().map_or(0, |size| u32::from_be_bytes(*size)) as usize;
            if size == 0 {
                return Err(Garbled::Unexpected("chunk size 0"));
            }
            self.chunk_size = size;
        }
        on(seen);
        Ok(())
    }
}

// ---- HTTP ----------------------------------------------------------------------------------------------------

/// Reads an HTTP answer, with or without the chunked coding.
#[derive(Default)]
pub(crate) struct HttpBody {
    head: Vec<u8>,
    in_body: bool,
    chunked: bool,
    /// Of the current piece of the chunked coding.
    left: usize,
    /// A chunk's size line, its line end included.
    line: heapless::Vec<u8, 32>,
    after_piece: bool,
    /// The piece of length 0 has come.
    ended: bool,
}

impl HttpBody {
    /// Takes all of `input` and passes on what belongs to the body.
    pub(crate) fn feed(
        &mut self,
        mut input: &[u8],
        body: &mut dyn FnMut(&[u8]) -> Result<(), Garbled>,
    ) -> Result<(), Garbled> {
        if !self.in_body {
            // Heads are short and come in one piece; byte by byte is cheap enough.
            while let Some((&byte, rest)) = input.split_first() {
                self.head.push(byte);
                input = rest;
                if self.head.ends_with(b"\r\n\r\n") {
                    self.begin_body()?;
                    break;
                }
                if self.head.len() > 16 << 10 {
                    return Err(Garbled::Unexpected("an endless HTTP head"));
                }
            }
        }
        if self.in_body && !self.chunked {
            return body(input);
        }
        while !input.is_empty() && !self.ended {
            if self.left > 0 {
                let (now, rest) = input.split_at(self.left.min(input.len()));
                (input, self.left) = (rest, self.left - now.len());
                self.after_piece = self.left == 0;
                body(now)?;
                continue;
            }
            let _ = self.line.push(input[0]);
            input = &input[1..];
            if self.line.ends_with(b"\r\n") {
                if !std::mem::take(&mut self.after_piece) {
                    let digits = std::str::from_utf8(&self.line).unwrap_or_default();
                    let digits = digits.split(';').next().unwrap_or_default().trim();
                    self.left = usize::from_str_radix(digits, 16)
                        .map_err(|_| Garbled::Unexpected("a chunk of the chunked coding without size"))?;
                    self.ended = self.left == 0;
                }
                self.line.clear();
            }
        }
        Ok(())
    }

    fn begin_body(&mut self) -> Result<(), Garbled> {
        let head = String::from_utf8_lossy(&std::mem::take(&mut self.head)).into_owned();
        let status = head.lines().next().unwrap_or_default();
        if status.split(' ').nth(1) != Some("200") {
            return Err(Garbled::Http(status.to_owned()));
        }
        self.chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        self.in_body = true;
        Ok(())
    }
}

/// Reads FLV (E.2 to E.4).
#[derive(Default)]
pub(crate) struct FlvTags {
    header: heapless::Vec<u8, 13>,
    past_file_header: bool,
    partial: Partial,
    /// Of the body and the length field behind it.
    left: usize,
}

/// Behind each tag.
const PREVIOUS_TAG_SIZE: usize = 4;

impl FlvTags {
    /// Takes all of `input` and tells each tag that it makes whole.
    pub(crate) fn feed(&mut self, mut input: &[u8], on: &mut dyn FnMut(Seen<'_>)) -> Result<(), Garbled> {
        while !input.is_empty() {
            if self.left > 0 {
                let (now, rest) = input.split_at(self.left.min(input.len()));
                (input, self.left) = (rest, self.left - now.len());
                let body = now.len().min(self.partial.len - self.partial.got);
                self.partial.take(&now[..body]);
                let whole = body > 0 && self.partial.got == self.partial.len;
                if whole {
                    on(self.partial.seen());
                }
                continue;
            }
            let want = if self.past_file_header { 11 } else { 13 };
            let (now, rest) = input.split_at((want - self.header.len()).min(input.len()));
            input = rest;
            // Never full: it is taken out when complete.
            let _ = self.header.extend_from_slice(now);
            if self.header.len() < want {
                return Ok(());
            }
            let h = std::mem::take(&mut self.header);
            if !self.past_file_header {
                if !h.starts_with(b"FLV\x01") {
                    return Err(Garbled::Unexpected("something else than FLV"));
                }
                self.past_file_header = true;
                continue;
            }
            if !matches!(h[0], 8 | 9 | 18) {
                return Err(Garbled::Unexpected("an FLV tag of unknown type"));
            }
            let len = u32::from_be_bytes([0, h[1], h[2], h[3]]) as usize;
            self.partial.begin(h[0], u32::from_be_bytes([h[7], h[4], h[5], h[6]]), len);
            self.left = len + PREVIOUS_TAG_SIZE;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the messages were, whatever the network did to the bytes.
    fn cut_everywhere(bytes: &[u8], mut feed: impl FnMut(&[&[u8]]) -> Vec<(u8, u32, usize)>) {
        let whole = feed(&[bytes]);
        for cut in 0..=bytes.len() {
            assert_eq!(feed(&[&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
        }
    }

    #[test]
    fn chunks_cut_at_every_byte_are_the_same_messages() {
        let mut bytes = vec![2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 200]; // chunk size 200
        bytes.extend([4, 0, 0, 40, 0, 0, 250, 9, 1, 0, 0, 0]);
        bytes.extend([7; 200]);
        bytes.extend([5, 0, 0, 41, 0, 0, 2, 8, 1, 0, 0, 0, 1, 2]); // interleaved
        bytes.push(0xc4);
        bytes.extend([7; 50]);
        bytes.extend([0x85, 0, 0, 23, 1, 2]); // length and type as before
        bytes.extend([0xc5, 1, 2]); // all as before
        bytes.extend([4, 0xff, 0xff, 0xff, 0, 0, 201, 9, 1, 0, 0, 0, 1, 0, 0, 0]);
        bytes.extend([7; 200]);
        bytes.extend([0xc4, 1, 0, 0, 0, 7]);
        cut_everywhere(&bytes, |parts| {
            let (mut chunks, mut all) = (Chunks::new(), Vec::new());
            for part in parts {
                assert!(chunks.feed(part, &mut |seen| all.push((seen.kind, seen.ms, seen.len))).is_ok());
            }
            let expected =
                [(1, 0, 4), (8, 41, 2), (9, 40, 250), (8, 64, 2), (8, 87, 2), (9, 0x0100_0000, 201)];
            assert_eq!(all, expected);
            all
        });
    }

    #[test]
    fn chunked_flv_cut_at_every_byte_is_the_same_tags() {
        let mut flv = b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec();
        flv.extend([9, 0, 0, 3, 0, 0, 40, 0, 0, 0, 0, 0x17, 1, 0, 0, 0, 0, 14]);
        flv.extend([8, 0, 0, 1, 0, 0, 41, 1, 0, 0, 0, 7, 0, 0, 0, 12]);
        let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n".to_vec();
        bytes.extend(&flv[..20]);
        bytes.extend(format!("\r\n{:x}\r\n", flv.len() - 20).bytes());
        bytes.extend(&flv[20..]);
        bytes.extend(b"\r\n0\r\n\r\n");
        cut_everywhere(&bytes, |parts| {
            let (mut http, mut tags, mut all) = (HttpBody::default(), FlvTags::default(), Vec::new());
            for part in parts {
                let mut on = |seen: Seen<'_>| all.push((seen.kind, seen.ms, seen.len));
                assert!(http.feed(part, &mut |body| tags.feed(body, &mut on)).is_ok());
            }
            assert_eq!(all, [(9, 40, 3), (8, 0x0100_0029, 1)]);
            all
        });
    }
}
