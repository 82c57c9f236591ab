//! Looking at files: what is in them, pictures of them.

use std::time::Duration;

/// A poster fits into this: a third of a TV's width, and some 10 KB.
pub const POSTER_SIZE: (usize, usize) = (320, 180);

/// A picture of the seek bar fits into this: what a thumb covers, and a kilobyte or two.
pub const TILE_SIZE: (usize, usize) = (160, 90);

/// Pictures of a seek bar at most: one for every 72 s of two hours, 120 KB. More would be finer than a hand
/// on a slider.
pub const LOOK_TILES: usize = 100;

/// … and at least this many, however slow the machine is.
pub const LOOK_TILES_LEAST: usize = 10;

/// Tiles in a row: the sheet is at most 1600 x 900, which every decoder takes.
pub const BAR_COLUMNS: usize = 10;

/// Pictures of a seek bar are at least this far apart: films have a keyframe every two seconds or so.
pub const LOOK_STEP_LEAST: Duration = Duration::from_secs(2);

/// What the pictures of a seek bar may take: as many are made as this is enough for.
pub const LOOK_BAR_TIME: Duration = Duration::from_secs(20);

/// Pictures are made for so long; what there is by then is kept.
pub const LOOK_TIME: Duration = Duration::from_secs(45);

/// One picture, from the seek to its pixels: a disk that has to spin up is waited for.
pub const LOOK_PICTURE: Duration = Duration::from_secs(8);

/// Keyframes that are tried at a place, until one can be decoded whole.
pub const LOOK_ATTEMPTS: usize = 4;

/// Between two looks for a picture.
pub const LOOK_TICK: Duration = Duration::from_millis(50);

/// From the start of a worker that looks to its end: [`WORKER_STREAMS_TIMEOUT`](super::WORKER_STREAMS_TIMEOUT), [`LOOK_TIME`], and room for a
/// machine that is busy.
pub const LOOK_TIMEOUT: Duration = Duration::from_secs(120);

/// Processor time of such a worker: more than [`LOOK_TIME`] on two processors is a loop without end.
pub const LOOK_CPU_TIME: Duration = Duration::from_secs(90);

/// Its address space: one 8K picture, the plug-ins and stacks. Less than a conversion has, for nobody waits for it.
pub const LOOK_ADDRESS_SPACE: u64 = 2 << 30;

/// Nobody waits for what is looked at in the background: the last to get the processor and, since that follows
/// from it, the disk.
pub const LOOK_NICE: i32 = 19;

/// JPEG quality, 0 to 100: at this size nobody sees a difference above.
pub const LOOK_PICTURE_QUALITY: i32 = 75;

/// Largest JPEG that is kept; a sheet of noise is half of that.
pub const MAX_LOOK_PICTURE: usize = 1 << 20;

/// Largest cover picture that is looked at; they are a few hundred KB mostly.
pub const MAX_COVER_BYTES: usize = 16 << 20;

/// A film's cover picture is its poster if both sides have so many pixels: Matroska's small cover has 120, which is an icon.
pub const COVER_LEAST_SIDE: f64 = 150.0;
