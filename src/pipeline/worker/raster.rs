//! Single pictures in memory: red, green, blue and a byte that means nothing. Pure.

/// A picture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Still {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Four bytes a pixel, row by row.
    pub(super) pixels: Vec<u8>,
}

/// How a film is to be turned to be seen upright.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Turn {
    /// Mirrored left to right, before it is turned.
    mirrored: bool,
    /// Quarters, clockwise.
    quarters: u8,
}

impl Turn {
    /// From the `image-orientation` tag: "rotate-90", "flip-rotate-180".
    pub(super) fn of_tag(tag: &str) -> Self {
        let (mirrored, rest) = match tag.strip_prefix("flip-") {
            Some(rest) => (true, rest),
            None => (false, tag),
        };
        let quarters = match rest {
            "rotate-90" => 1,
            "rotate-180" => 2,
            "rotate-270" => 3,
            _ => 0,
        };
        Self { mirrored, quarters }
    }

    /// Width becomes height.
    pub(super) fn swaps(self) -> bool {
        self.quarters % 2 == 1
    }
}

/// How much is to be seen in a picture.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Light {
    /// Brightness on average, 0 to 255.
    mean: f64,
    /// How far pixels are from it, mostly.
    pub(super) spread: f64,
}

impl Light {
    /// Neither black nor of one colour.
    pub(super) fn shows_something(self) -> bool {
        self.mean > 24.0 && self.spread > 16.0
    }
}

impl Still {
    /// All black.
    pub(super) fn black(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![0; 4 * width * height] }
    }

    fn pixel(&self, x: usize, y: usize) -> [u8; 4] {
        let at = 4 * (y * self.width + x);
        self.pixels.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default()
    }

    /// Upright.
    pub(super) fn turned(self, turn: Turn) -> Self {
        if turn == Turn::default() {
            return self;
        }
        let (width, height) =
            if turn.swaps() { (self.height, self.width) } else { (self.width, self.height) };
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for y in 0..height {
            for x in 0..width {
                // Where this pixel was before the turn.
                let (from_x, from_y) = match turn.quarters {
                    1 => (y, self.height - 1 - x),
                    2 => (self.width - 1 - x, self.height - 1 - y),
                    3 => (self.width - 1 - y, x),
                    _ => (x, y),
                };
                let from_x = if turn.mirrored { self.width - 1 - from_x } else { from_x };
                pixels.extend(self.pixel(from_x, from_y));
            }
        }
        Self { width, height, pixels }
    }

    pub(super) fn light(&self) -> Light {
        let count = (self.width * self.height).max(1) as f64;
        let (mut sum, mut squares) = (0.0, 0.0);
        for pixel in self.pixels.chunks_exact(4) {
            let luma =
                0.299 * f64::from(pixel[0]) + 0.587 * f64::from(pixel[1]) + 0.114 * f64::from(pixel[2]);
            sum += luma;
            squares += luma * luma;
        }
        let mean = sum / count;
        Light { mean, spread: (squares / count - mean * mean).max(0.0).sqrt() }
    }

    /// Puts `tile` where its upper left corner is at `x`, `y`; what does not fit is left out.
    pub(super) fn paste(&mut self, tile: &Self, x: usize, y: usize) {
        let width = 4 * tile.width.min(self.width.saturating_sub(x));
        for row in 0..tile.height.min(self.height.saturating_sub(y)) {
            let (from, to) = (4 * row * tile.width, 4 * ((y + row) * self.width + x));
            if let (Some(source), Some(target)) =
                (tile.pixels.get(from..from + width), self.pixels.get_mut(to..to + width))
            {
                target.copy_from_slice(source);
            }
        }
    }
}

/// The largest size of that shape within `most`, in even numbers. `shape` is width and height in square pixels.
pub(super) fn fit(shape: (f64, f64), most: (usize, usize)) -> (usize, usize) {
    let scale = (most.0 as f64 / shape.0.max(1.0)).min(most.1 as f64 / shape.1.max(1.0));
    let side = |length: f64, most: usize| ((length * scale / 2.0).round() as usize * 2).clamp(2, most.max(2));
    (side(shape.0, most.0), side(shape.1, most.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels by letter: "ab/cd" is two rows of two.
    fn still(rows: &str) -> Still {
        let rows: Vec<&str> = rows.split('/').collect();
        let pixels = rows.concat().bytes().flat_map(|byte| [byte, byte, byte, 0]).collect();
        Still { width: rows[0].len(), height: rows.len(), pixels }
    }

    #[test]
    fn pictures_turn_as_their_tag_says() {
        for (tag, expected) in [
            ("rotate-0", "abc/def"),
            ("rotate-90", "da/eb/fc"),
            ("rotate-180", "fed/cba"),
            ("rotate-270", "cf/be/ad"),
            ("flip-rotate-0", "cba/fed"),
            ("flip-rotate-90", "fc/eb/da"),
            ("flip-rotate-180", "def/abc"),
            ("flip-rotate-270", "ad/be/cf"),
            ("nonsense", "abc/def"),
        ] {
            assert_eq!(still("abc/def").turned(Turn::of_tag(tag)), still(expected), "{tag}");
        }
    }

    #[test]
    fn tiles_are_put_side_by_side_and_never_beyond_the_edge() {
        let mut sheet = still("....../....../......");
        sheet.paste(&still("ab/cd"), 2, 1);
        sheet.paste(&still("xy/zw"), 5, 2);
        sheet.paste(&still("xy/zw"), 9, 9);
        assert_eq!(sheet, still("....../..ab../..cd.x"));
    }

    #[test]
    fn black_and_grey_show_nothing() {
        assert!(!Still::black(8, 8).light().shows_something());
        let grey = Still { pixels: vec![128; 256], ..Still::black(8, 8) };
        assert!(!grey.light().shows_something());
        let pixels = (0..64).flat_map(|n| if n % 2 == 0 { [250; 4] } else { [10; 4] }).collect();
        assert!(Still { pixels, ..Still::black(8, 8) }.light().shows_something());
    }

    #[test]
    fn shapes_are_kept_within_bounds() {
        let within = (320, 180);
        assert_eq!(fit((1920.0, 1080.0), within), (320, 180));
        assert_eq!(fit((720.0, 1280.0), within), (102, 180));
        assert_eq!(fit((4000.0, 10.0), within), (320, 2));
        assert_eq!(fit((768.0, 576.0), within), (240, 180));
        assert_eq!(fit((0.0, 0.0), within), (2, 2));
    }
}
