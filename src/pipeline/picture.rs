//! Pictures that a worker makes of a film, as both sides speak of them. Pure.

use crate::limits;

/// What a picture is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The one that stands for the file in a listing.
    Poster,
    /// Many small ones in rows, for the seek bar.
    Bar,
}

/// A JPEG.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    /// What it is for.
    pub purpose: Purpose,
    /// Pixels of one tile; a poster is one.
    pub width: u16,
    /// Likewise.
    pub height: u16,
    /// Tiles in a row; 1 for a poster.
    pub columns: u16,
    /// What each tile shows, row by row: milliseconds of the file's timeline, growing. Of a poster, where it was
    /// found; empty for a cover picture.
    pub times_ms: Vec<u32>,
    /// The file.
    pub jpeg: Vec<u8>,
}

/// purpose(1) width(2) height(2) columns(2) count(2), then the times, four bytes each.
const HEAD_LEN: usize = 9;

/// Most bytes of [`Picture::encode`].
pub(super) const MAX_LEN: usize = HEAD_LEN + 4 * limits::LOOK_TILES + limits::MAX_LOOK_PICTURE;

impl Picture {
    /// As the pipe carries it.
    pub(super) fn encode(&self) -> Vec<u8> {
        let times = &self.times_ms[..self.times_ms.len().min(limits::LOOK_TILES)];
        let mut out = vec![u8::from(self.purpose == Purpose::Bar)];
        for number in [self.width, self.height, self.columns, times.len() as u16] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend(times.iter().flat_map(|time| time.to_be_bytes()));
        out.extend_from_slice(&self.jpeg);
        out
    }

    /// `None` for what no worker of ours sends: no JPEG, no tiles, times that do not grow.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_LEN>()?;
        let number = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let purpose = match head[0] {
            0 => Purpose::Poster,
            1 => Purpose::Bar,
            _ => return None,
        };
        let (width, height, columns, count) = (number(1), number(3), number(5), usize::from(number(7)));
        let (times, jpeg) = rest.split_at_checked(4 * count)?;
        let times_ms: Vec<u32> = times
            .chunks_exact(4)
            .map(|time| u32::from_be_bytes([time[0], time[1], time[2], time[3]]))
            .collect();
        let sensible = width > 0
            && height > 0
            && columns > 0
            && count <= limits::LOOK_TILES
            && jpeg.len() <= limits::MAX_LOOK_PICTURE
            && times_ms.is_sorted_by(|a, b| a < b)
            && (purpose == Purpose::Poster || count > 0)
            && is_whole_jpeg(jpeg);
        sensible.then(|| Self { purpose, width, height, columns, times_ms, jpeg: jpeg.to_vec() })
    }
}

/// It begins as a JPEG does and ends as one: a power cut may have left half of it.
pub fn is_whole_jpeg(bytes: &[u8]) -> bool {
    bytes.len() > 4 && bytes.starts_with(&[0xFF, 0xD8, 0xFF]) && bytes.ends_with(&[0xFF, 0xD9])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bar() -> Picture {
        let jpeg = vec![0xFF, 0xD8, 0xFF, 1, 2, 3, 0xFF, 0xD9];
        Picture {
            purpose: Purpose::Bar,
            width: 160,
            height: 90,
            columns: 10,
            times_ms: vec![0, 2000, 4000],
            jpeg,
        }
    }

    #[test]
    fn what_is_sent_arrives_and_what_is_cut_does_not() {
        let bytes = bar().encode();
        assert_eq!(Picture::decode(&bytes), Some(bar()));
        for end in 0..bytes.len() {
            assert_eq!(Picture::decode(&bytes[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn times_grow_and_pictures_have_a_size() {
        for wrong in [
            Picture { times_ms: vec![0, 0], ..bar() },
            Picture { times_ms: Vec::new(), ..bar() },
            Picture { width: 0, ..bar() },
            Picture { columns: 0, ..bar() },
            Picture { jpeg: b"GIF89a".to_vec(), ..bar() },
        ] {
            assert_eq!(Picture::decode(&wrong.encode()), None, "{wrong:?}");
        }
        assert!(bar().encode().len() <= MAX_LEN);
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(picture) = Picture::decode(&bytes) {
                prop_assert_eq!(picture.encode(), bytes);
            }
        }
    }
}
