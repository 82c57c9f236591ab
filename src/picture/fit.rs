//! How large a picture may come out.

use crate::limits::{MAX_FIT_SIDE, PICTURE_HEIGHT, PICTURE_WIDTH};

/// A box that a picture is made to fit into, in pixels. Pictures keep their proportions and never grow.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fit {
    width: u16,
    height: u16,
}

/// A side that no picture is made for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{key}={value} is no size of a picture; write a number of pixels from 1 to {MAX_FIT_SIDE}, for example {key}=800"
)]
pub struct FitError {
    /// `w` or `h`.
    pub key: &'static str,
    /// What was written.
    pub value: String,
}

impl Default for Fit {
    /// Full HD: what most screens have.
    fn default() -> Self {
        Self { width: PICTURE_WIDTH, height: PICTURE_HEIGHT }
    }
}

impl Fit {
    /// From what was written as `w` and `h`. A side that is not named does not limit, unless neither is.
    ///
    /// # Errors
    /// Which one is no size.
    pub fn parse(width: Option<&str>, height: Option<&str>) -> Result<Self, FitError> {
        let side = |key, value: Option<&str>| match value {
            None => Ok(None),
            Some(value) => match value.parse() {
                Ok(side) if (1..=MAX_FIT_SIDE).contains(&side) => Ok(Some(side)),
                _ => Err(FitError { key, value: value.chars().take(40).collect() }),
            },
        };
        Ok(match (side("w", width)?, side("h", height)?) {
            (None, None) => Self::default(),
            (width, height) => {
                Self { width: width.unwrap_or(MAX_FIT_SIDE), height: height.unwrap_or(MAX_FIT_SIDE) }
            }
        })
    }

    /// Width and height.
    pub fn sides(self) -> (u16, u16) {
        (self.width, self.height)
    }

    /// The same for a picture that is turned on its side afterwards.
    #[must_use]
    pub fn turned(self) -> Self {
        Self { width: self.height, height: self.width }
    }

    /// What a picture of these sides becomes.
    pub fn of(self, width: u32, height: u32) -> (u32, u32) {
        let (most_width, most_height) = (u64::from(self.width), u64::from(self.height));
        let (width, height) = (u64::from(width.max(1)), u64::from(height.max(1)));
        if width <= most_width && height <= most_height {
            return (width as u32, height as u32);
        }
        // The side that needs more shrinking decides; rounded, never to nothing.
        let (by, of) = if width * most_height > height * most_width {
            (most_width, width)
        } else {
            (most_height, height)
        };
        let side = |side: u64| ((side * by + of / 2) / of).max(1) as u32;
        (side(width), side(height))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fit(width: &str, height: &str) -> Fit {
        Fit::parse(Some(width), Some(height)).unwrap()
    }

    #[test]
    fn pictures_shrink_in_proportion_and_never_grow() {
        assert_eq!(fit("800", "448").of(4000, 3000), (597, 448));
        assert_eq!(fit("800", "448").of(3000, 4000), (336, 448));
        assert_eq!(fit("800", "448").of(320, 200), (320, 200));
        assert_eq!(fit("10", "10").of(10_000, 1), (10, 1));
        assert_eq!(Fit::parse(Some("100"), None).unwrap().of(1000, 500), (100, 50));
        assert_eq!(Fit::default().of(3840, 2160), (1920, 1080));
    }

    #[test]
    fn what_is_no_size_is_refused_by_name() {
        for wrong in ["", "0", "-1", "3841", "1e3", "99999999999999999999", "a"] {
            let error = Fit::parse(None, Some(wrong)).unwrap_err();
            assert_eq!((error.key, error.value.as_str()), ("h", wrong));
        }
    }

    proptest! {
        #[test]
        fn what_comes_out_fits(w in 1..=MAX_FIT_SIDE, h in 1..=MAX_FIT_SIDE, width in 1..=u32::MAX, height in 1..=u32::MAX) {
            let (out_width, out_height) = fit(&w.to_string(), &h.to_string()).of(width, height);
            prop_assert!(out_width >= 1 && out_height >= 1);
            prop_assert!(out_width <= u32::from(w) && out_height <= u32::from(h));
            prop_assert!(out_width <= width && out_height <= height);
        }
    }
}
