//! MP4 boxes written front to back; the size of each is filled in when it is closed.
//!
//! ```text
//!  size(32) type(32) …            box
//!  size(32) type(32) version(8) flags(24) …    full box
//! ```

use bytes::{BufMut, Bytes, BytesMut};

/// Boxes under construction.
#[derive(Default)]
pub(super) struct BoxWriter {
    out: BytesMut,
}

impl BoxWriter {
    /// A box whose content `fill` writes.
    pub(super) fn plain(&mut self, kind: &[u8; 4], fill: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        self.out.put_u32(0);
        self.out.put_slice(kind);
        fill(self);
        // Only headers are built here, samples are not, so a size is far below 32 bits.
        let size = (self.out.len() - start) as u32;
        self.patch(start, size);
    }

    /// A full box: version and flags, then what `fill` writes.
    pub(super) fn full(&mut self, kind: &[u8; 4], version: u8, flags: u32, fill: impl FnOnce(&mut Self)) {
        self.plain(kind, |out| {
            out.u32(u32::from(version) << 24 | flags);
            fill(out);
        });
    }

    /// An MPEG-4 descriptor (ISO 14496-1, 7.2.2.2) with its length in the four-byte form.
    pub(super) fn descriptor(&mut self, tag: u8, fill: impl FnOnce(&mut Self)) {
        self.u8(tag);
        let start = self.out.len();
        self.u32(0);
        fill(self);
        let len = (self.out.len() - start - 4) as u32;
        let sevens =
            [len >> 21 | 0x80, len >> 14 | 0x80, len >> 7 | 0x80, len & 0x7f].map(|seven| seven as u8);
        self.out[start..start + 4].copy_from_slice(&sevens);
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.out.put_u8(value);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.out.put_u16(value);
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.out.put_u32(value);
    }

    pub(super) fn i32(&mut self, value: i32) {
        self.out.put_i32(value);
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.out.put_u64(value);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.out.put_slice(bytes);
    }

    /// Reserved and pre-defined fields.
    pub(super) fn zeros(&mut self, count: usize) {
        self.out.put_bytes(0, count);
    }

    /// How much is written; the place for [`patch`](Self::patch).
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// Writes a 32-bit field that was left open.
    pub(super) fn patch(&mut self, at: usize, value: u32) {
        self.out[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }

    pub(super) fn finish(self) -> Bytes {
        self.out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_boxes_carry_their_own_sizes() {
        let mut out = BoxWriter::default();
        out.plain(b"outr", |out| {
            out.full(b"innr", 1, 0x02_0304, |out| out.u16(0xabcd));
            out.u8(9);
        });
        assert_eq!(
            &out.finish()[..],
            b"\x00\x00\x00\x17outr\x00\x00\x00\x0einnr\x01\x02\x03\x04\xab\xcd\x09"
        );
    }

    #[test]
    fn a_descriptor_length_has_four_times_seven_bits() {
        let mut out = BoxWriter::default();
        out.descriptor(5, |out| out.zeros(300));
        assert_eq!(&out.finish()[..5], &[5, 0x80, 0x80, 0x82, 0x2c]);
    }
}
