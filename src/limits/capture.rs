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

/// Length in bytes of a name that settings give of a device, a socket, a control.
pub const MAX_DEVICE_WORD: usize = 256;

/// Sides of pictures that can be asked of a device.
pub const CAPTURE_SIDES: std::ops::RangeInclusive<u32> = 16..=4096;

/// Pictures a second that can be asked of it.
pub const CAPTURE_RATES: std::ops::RangeInclusive<u32> = 1..=240;

/// What a sound card may hold before samples are lost: a busy machine comes late.
pub const CAPTURE_SOUND_BUFFER: Duration = Duration::from_millis(400);

/// Samples are taken out of it in such pieces.
pub const CAPTURE_SOUND_PERIOD: Duration = Duration::from_millis(20);

/// Inside the worker, for a device's first picture: some sticks need seconds to find out what is on their socket.
pub const CAPTURE_FIRST_UNIT: Duration = Duration::from_secs(12);

/// Inside it, without another one: it is unplugged, or nothing is plugged into it.
pub const CAPTURE_NO_UNIT: Duration = Duration::from_secs(4);

/// A slate is a film of this length, shown over and over: two keyframes, which decoders want to tell apart.
pub const SLATE_LENGTH: Duration = Duration::from_secs(2 * super::KEYFRAME_INTERVAL.as_secs());

/// For a slate to be made; it takes a second on a small box that does nothing else.
pub const SLATE_TIMEOUT: Duration = Duration::from_secs(30);

/// Without pictures from a device for so long while somebody watches, they see a slate. Most sticks begin sooner.
pub const CAPTURE_SLATE_AFTER: Duration = Duration::from_millis(2000);

/// Without pictures from the network for so long after a source was started: most cameras begin sooner, and a
/// picture that changes its size after a moment is worse than a moment's wait.
pub const NETWORK_SLATE_AFTER: Duration = Duration::from_millis(3000);

/// Pictures a second of a slate for a source of which nothing is known: nothing moves in it.
pub const SLATE_RATE: (u32, u32) = (10, 1);

/// Size of a slate for a source of which nothing is known: what most sources have.
pub const SLATE_SIZE: (u32, u32) = (1280, 720);

/// Between two looks at whether a slate is wanted.
pub const SLATE_TICK: Duration = Duration::from_millis(250);

/// After a slate could not be made, before it is tried again.
pub const SLATE_RETRY: Duration = Duration::from_secs(30);
