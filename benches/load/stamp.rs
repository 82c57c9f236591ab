//! When a frame was published, inside the frame: 47 bytes that any server passes on.
//!
//! ```text
//!  SEI NAL unit before the picture: length(4) = 43, 06, type 05 (user data), size 39,
//!  UUID(16)  CLOCK_MONOTONIC in ns(10)  frame number(10)  filler(3)  80
//! ```
//!
//! Numbers are written seven bits a byte with the highest bit set, so that no emulation prevention is needed.

use rustix::time::{ClockId, clock_gettime};

/// Bytes that a stamp adds to a frame.
pub(crate) const LEN: usize = 47;

/// Where it stands in a video tag's body: behind frame type, packet type and composition time.
const AT: usize = 5;

const UUID: &[u8; 16] = b"wiidia-load-2026";

/// A frame's stamp.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp {
    /// When it was given to the socket.
    pub(crate) ns: u64,
    /// Counted from the first frame published.
    pub(crate) number: u64,
}

/// CLOCK_MONOTONIC, the same for all processes of a machine.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    // Neither is ever negative on this clock.
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

fn put(out: &mut Vec<u8>, number: u64) {
    out.extend((0..10).map(|n| 0x80 | (number >> (7 * n)) as u8));
}

fn take(bytes: &[u8]) -> u64 {
    // The tenth byte has one bit that fits.
    (0..10).zip(bytes).fold(0, |sum, (n, byte)| sum | u64::from(byte & 0x7f) << (7 * n))
}

impl Stamp {
    /// The body of an AVC video tag with the stamp in it. Bodies that hold no picture stay as they are.
    pub(crate) fn put_into(self, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(body.len() + LEN);
        let (codec_head, picture) = body.split_at(AT.min(body.len()));
        out.extend(codec_head);
        out.extend((LEN as u32 - 4).to_be_bytes());
        out.extend([6, 5, 39]);
        out.extend(UUID);
        put(&mut out, self.ns);
        put(&mut out, self.number);
        out.extend([0xff; 3]);
        out.push(0x80);
        out.extend(picture);
        out
    }

    /// The stamp of a video tag's body, if it has one.
    pub(crate) fn find(body: &[u8]) -> Option<Self> {
        let at = AT + 4 + 3;
        let stamp = body.get(at..AT + LEN)?.strip_prefix(UUID)?;
        Some(Self { ns: take(&stamp[..10]), number: take(&stamp[10..20]) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stamped_is_found_and_nothing_looks_like_a_start_code() {
        for stamp in [Stamp { ns: 0, number: 0 }, Stamp { ns: u64::MAX, number: 12_345_678 }] {
            let body = stamp.put_into(&[0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65]);
            assert_eq!(body.len(), 10 + LEN);
            assert_eq!(Stamp::find(&body), Some(stamp));
            assert!(!body[AT + 4..AT + LEN].contains(&0));
        }
        assert_eq!(Stamp::find(&[0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65]), None);
    }
}
