//! Bits of codec headers, most significant first. Running out of bits is a value, never a panic.

/// Reads single bits and small fields from a byte slice.
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    /// Bits read so far.
    position: usize,
}

impl<'a> BitReader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Bits not read yet.
    pub(crate) const fn left(&self) -> usize {
        self.bytes.len() * 8 - self.position
    }

    pub(crate) fn bit(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.position / 8)?;
        let bit = byte >> (7 - self.position % 8) & 1;
        self.position += 1;
        Some(bit == 1)
    }

    /// An unsigned field of at most 32 bits. What is missing at the end is not guessed: `None`.
    pub(crate) fn bits(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count <= 32, "a field has at most 32 bits");
        if self.left() < count as usize {
            return None;
        }
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u32::from(self.bit()?);
        }
        Some(value)
    }

    /// A field of at most 8 bits.
    pub(crate) fn byte(&mut self, count: u32) -> Option<u8> {
        debug_assert!(count <= 8, "the field fits a byte");
        self.bits(count).map(|value| value as u8)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        if self.left() < count {
            return None;
        }
        self.position += count;
        Some(())
    }

    /// On to the next whole byte, as `byte_alignment()` asks.
    pub(crate) const fn align(&mut self) {
        self.position = self.position.next_multiple_of(8);
    }

    /// Unsigned Exp-Golomb, `ue(v)` (H.264, 9.1). More than 31 leading zeros is no valid value.
    pub(crate) fn unsigned_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        // zeros ≤ 31: at most 2^31 − 1 + 2^31 − 1, which 32 bits hold.
        Some((1 << zeros) - 1 + self.bits(zeros)?)
    }

    /// Signed Exp-Golomb, `se(v)` (H.264, 9.1.1).
    pub(crate) fn signed_golomb(&mut self) -> Option<i32> {
        let code = self.unsigned_golomb()?;
        let half = (code / 2) as i32;
        Some(if code % 2 == 1 { half + 1 } else { -half })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_read_as_the_table_of_the_specification() {
        // 1, 010, 011, 00100, 00101 = 0, 1, 2, 3, 4 (H.264, table 9-2)
        let bytes = [0b1010_0110, 0b0100_0010, 0b1000_0000];
        let mut bits = BitReader::new(&bytes);
        let unsigned: Vec<_> = (0..5).map(|_| bits.unsigned_golomb().unwrap()).collect();
        assert_eq!(unsigned, [0, 1, 2, 3, 4]);
        let mut bits = BitReader::new(&bytes);
        let signed: Vec<_> = (0..5).map(|_| bits.signed_golomb().unwrap()).collect();
        assert_eq!(signed, [0, 1, -1, 2, -2]);
    }

    #[test]
    fn the_longest_codes_neither_overflow_nor_loop() {
        let mut longest = vec![0, 0, 0, 1];
        longest.extend([0xff; 5]);
        assert_eq!(BitReader::new(&longest).unsigned_golomb(), Some(u32::MAX - 1));
        let signed = BitReader::new(&longest).signed_golomb().unwrap();
        assert_eq!(signed, -(i32::MAX));
        assert_eq!(BitReader::new(&[0; 64]).unsigned_golomb(), None);
        assert_eq!(BitReader::new(&[]).unsigned_golomb(), None);
    }

    #[test]
    fn alignment_at_the_end_leaves_nothing_and_does_not_pass_it() {
        let mut bits = BitReader::new(&[0x80]);
        assert_eq!(bits.bit(), Some(true));
        bits.align();
        assert_eq!((bits.left(), bits.bit(), bits.bits(0)), (0, None, Some(0)));
    }
}
