//! Pictures of the library in the size of a screen.

use std::time::Duration;

/// The size that a picture comes in unless another one is asked for: Full HD, what most screens show.
pub const PICTURE_WIDTH: u16 = 1920;
/// See [`PICTURE_WIDTH`].
pub const PICTURE_HEIGHT: u16 = 1080;

/// The largest side that can be asked for: that of a 4K screen.
pub const MAX_FIT_SIDE: u16 = 3840;

/// JPEG quality: nothing to be seen on a television, at a sixth of the size of 100.
pub const PICTURE_QUALITY: u8 = 85;

/// Bytes that a decoded picture may take: 100 million pixels of colour, more than any camera of a home takes, and less
/// than a third of what a box of 1 GB has. The process may map three times that.
pub const MAX_PICTURE_ALLOCATION: u64 = 300_000_000;

/// Address space of the process that reads a picture: the decoder's input and output, and the small picture.
pub const PICTURE_ADDRESS_SPACE: u64 = 3 * MAX_PICTURE_ALLOCATION;

/// Bytes of a colour profile that is kept. Those of cameras and telephones have some hundred, those of printers 2 MB.
pub const MAX_PICTURE_PROFILE: usize = 256 << 10;

/// Bytes of a finished picture: four times what a 4K JPEG of noise has at our quality.
pub const MAX_PICTURE_BYTES: u64 = 32 << 20;

/// Pictures that are read at the same time. More would only take turns on a small box, and memory with them.
pub const PICTURES_AT_ONCE: usize = 2;

/// Requests for pictures that wait or are worked at: several screens full of them.
pub const MAX_PICTURE_WAITING: usize = 256;

/// For one picture, from the start of its process: a hundred times what a telephone's takes on a small box.
pub const PICTURE_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of finished pictures kept in memory: some hundred of Full HD.
pub const PICTURES_KEPT: usize = 24 << 20;
