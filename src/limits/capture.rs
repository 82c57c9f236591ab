//! Pictures of live streams, capture devices, and what viewers see while nothing comes.

use std::time::Duration;

/// A picture of a live stream is as large as the stream's, but no larger than this: Full HD.
pub const SNAPSHOT_SIZE: (u16, u16) = (1920, 1080);

/// Pictures of live streams that are made at the same time, of all streams together: as with pictures of the library,
/// more would only take turns.
pub const SNAPSHOTS_AT_ONCE: usize = 2;

/// Requests for them that wait: a page of tiles, on several screens.
pub const MAX_SNAPSHOTS_WAITING: usize = 128;

/// A picture that is younger is given again, even if there was a keyframe since: a stream with a keyframe in every
/// frame costs as much as any other.
pub const SNAPSHOT_FRESH: Duration = Duration::from_secs(1);

/// Sizes of a stream's picture that are kept: a tile, a large one, and that of somebody else.
pub const SNAPSHOT_SIZES_KEPT: usize = 3;

/// Streams whose pictures are kept in memory, the ones asked for last: some 100 KB each.
pub const SNAPSHOT_STREAMS_KEPT: usize = 64;

/// For one picture, from the start of its process: [`LOOK_PICTURE`](super::LOOK_PICTURE), and room for a busy machine.
pub const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest line that a picture's order begins with; it names a codec and three numbers.
pub const MAX_SNAPSHOT_ORDER: u64 = 1024;

/// Capture devices that are looked at: a box has one or two.
pub const MAX_DEVICES: usize = 32;

/// Formats listed of one; the kernel's own test device has 83, and real ones a handful.
pub const MAX_DEVICE_FORMATS: usize = 128;

/// Sizes listed of one of its formats; webcams have two dozen.
pub const MAX_DEVICE_SIZES: usize = 64;

/// Rates listed of one of its sizes.
pub const MAX_DEVICE_RATES: usize = 32;

/// Sockets listed of a device; television cards of old had eight.
pub const MAX_DEVICE_INPUTS: usize = 32;

/// Television standards listed of a socket: the kernel knows two dozen.
pub const MAX_DEVICE_STANDARDS: usize = 64;

/// Controls listed of a device; the kernel's test device has 73.
pub const MAX_DEVICE_CONTROLS: usize = 256;

/// What is known of devices holds for so long while nothing is plugged in or out: values of controls change by other
/// programs as well.
pub const DEVICES_FRESH: Duration = Duration::from_secs(2);

/// For devices to answer before somebody who asked is told what was known before: a stick that hangs makes the
/// kernel wait five seconds for it.
pub const DEVICES_PATIENCE: Duration = Duration::from_secs(8);

/// After a device came or went, before anybody looks: its other nodes come, and udev gives it its rights.
pub const DEVICE_SETTLE: Duration = Duration::from_millis(300);
