//! Which of the places where a film is being read serves a request: pure.
//!
//! ```text
//!            kept          read to           skipped over
//!  ─────────├───────────────┤╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤───────────── film
//!           └ a request from here … to here goes on at this place
//! ```

use crate::limits::FILM_SKIP;
use std::ops::Range;

/// The place, of those whose bytes are kept in `places`, at which to go on for `offset`: that which has to skip least.
/// `None`: the server is to be asked anew.
pub(super) fn choose(places: impl IntoIterator<Item = Range<u64>>, offset: u64) -> Option<usize> {
    let near = places.into_iter().enumerate().filter_map(|(index, kept)| {
        let reaches = kept.start <= offset && offset <= kept.end.saturating_add(FILM_SKIP);
        reaches.then(|| (offset.saturating_sub(kept.end), index))
    });
    near.min().map(|(_, index)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_on_where_least_is_skipped_and_never_backwards() {
        let places = [0..1000, 5000..6000, 90_000_000..90_001_000];
        for (offset, expected) in [
            (0, Some(0)),
            (999, Some(0)),
            (1000, Some(0)),
            (4999, Some(0)),
            (5000, Some(1)),
            (6000 + FILM_SKIP, Some(1)),
            (6001 + FILM_SKIP, None),
            (89_999_999, None),
            (90_000_500, Some(2)),
            (u64::MAX, None),
        ] {
            assert_eq!(choose(places.clone(), offset), expected, "{offset}");
        }
        assert_eq!(choose([], 0), None);
    }
}
