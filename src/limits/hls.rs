//! HTTP Live Streaming.

use std::time::Duration;

/// Sound and picture of so much media lie together in a segment: a player that reads front to back need not
/// hold more of one while it waits for the other.
pub const HLS_FRAGMENT: Duration = Duration::from_secs(1);

/// Segments of films that are encoded. Their keyframes lie on multiples of half of it. Apple recommends six
/// seconds; a box that encodes at the speed of the film would keep everybody waiting for that long at each seek.
pub const HLS_GRID: Duration = Duration::from_secs(4);

/// Segments of films whose keyframes are where they are. x264 puts them at most 250 frames apart unless told
/// otherwise, and a segment without a keyframe cannot be entered.
pub const HLS_BLIND: Duration = Duration::from_secs(10);

/// Segments of sound alone: one request for each.
pub const HLS_SOUND: Duration = Duration::from_secs(10);

/// The least length of segments that are cut where keyframes are known to be.
pub const HLS_KNOWN: Duration = Duration::from_secs(6);

/// A keyframe this little behind the planned start of a segment is its start: times are rounded, and pictures
/// that are encoded meet the grid up to a frame of four a second.
pub const HLS_LATE_KEYFRAME: Duration = Duration::from_millis(300);

/// Sound that belongs to a segment is waited for this long, in media time, behind its end.
pub const HLS_SOUND_WAIT: Duration = Duration::from_secs(1);

/// Segments of subtitles: a few kilobytes of text. Whoever begins in the middle of a film waits until its words are
/// taken out up to there, so one segment for all of it would keep them waiting for its end.
pub const HLS_WORDS: Duration = Duration::from_secs(60);

/// Segments of one film: what is longer than 11 hours of [`HLS_GRID`] has longer ones. A playlist of these is
/// 1.5 MB.
pub const MAX_HLS_SEGMENTS: u32 = 10_000;

/// Frames of one segment, of picture and sound each: ten seconds of the smallest frames that sound has, ten
/// times over. What has more is no film.
pub const MAX_HLS_FRAMES: usize = 20_000;

/// The answer to a request for what is not converted yet begins after this: hls.js gives up on one that has not begun
/// after ten seconds.
pub const HLS_PATIENCE: Duration = Duration::from_secs(8);

/// An answer that has begun waits this long for what is in it, then it is broken off: hls.js gives up after two minutes.
pub const HLS_LATE: Duration = Duration::from_secs(90);

/// How soon a client is asked to come back for the playlist of a film that has no segment yet.
pub const HLS_RETRY: Duration = Duration::from_secs(2);

/// A client counts as a viewer for this long after its last segment: players that have filled their buffer say
/// nothing for that long, and what they watch must stay.
pub const HLS_LINGER: Duration = Duration::from_secs(90);

/// Clients that count as viewers between their requests.
pub const MAX_HLS_LINGERING: usize = 512;

/// Frames smaller than this are copied into the answer's memory, larger ones go from the file to the socket:
/// a call of the kernel costs as much as copying so much.
pub const HLS_COPY: usize = 4 << 10;

/// A playlist of a film may be kept this long by caches between the server and its viewers.
pub const HLS_PLAYLIST_AGE: Duration = Duration::from_secs(10);

/// The shortest segment of a live stream; it ends with the first keyframe behind it.
pub const HLS_LIVE_SEGMENT: Duration = Duration::from_secs(2);

/// A part of a live segment that can be fetched before the segment is complete: what a low-latency player is
/// behind the live edge is three of them.
pub const HLS_PART: Duration = Duration::from_millis(500);

/// Segments that the playlist of a live stream lists.
pub const HLS_LIVE_LISTED: usize = 6;

/// Segments of a live stream that are kept: the listed ones, and as many that a player may still fetch which
/// has read the playlist just before (RFC 8216, 6.2.2).
pub const HLS_LIVE_KEPT: usize = 2 * HLS_LIVE_LISTED;

/// Segments of a live stream of which the parts are listed.
pub const HLS_PARTED: usize = 3;

/// Bytes of the segments of one live stream: [`HLS_LIVE_KEPT`] of 2 s at 20 Mbit/s. When there are more, fewer are
/// kept.
pub const HLS_LIVE_BYTES: usize = 64 << 20;

/// Live streams that are made into segments at a time, each with [`HLS_LIVE_BYTES`] at the most.
pub const MAX_HLS_CHANNELS: usize = 16;

/// A live stream is made into segments for this long after the last request for one.
pub const HLS_LIVE_LINGER: Duration = Duration::from_secs(30);

/// A live stream's first segment is waited for this long: the longest group of pictures that encoders make by
/// default, and a little.
pub const HLS_LIVE_START: Duration = Duration::from_secs(15);

/// Frames of one lane of a film that is served as one MP4 file: 8 hours of sound, and 48 MB while its tables are
/// made. Longer ones are sent in fragments.
pub const MAX_MP4_SAMPLES: usize = 1_500_000;

/// The tables of a film are made within this time, or it is sent in fragments: they take a look at each frame, and a disk
/// may be slow. Players wait for the first byte not much longer.
pub const MP4_TABLES_PATIENCE: Duration = Duration::from_secs(4);

/// Tables that are kept: for films that are being watched this way.
pub const MP4_TABLES_KEPT: usize = 8;

/// Bytes of them: some two hours of film take 10 MB.
pub const MP4_TABLES_BYTES: usize = 64 << 20;

/// A live stream that is on air for longer (a little over twelve days, a quarter of what milliseconds of 32 bits hold) gets a new
/// origin at its next keyframe, behind a discontinuity: after 49 days its milliseconds begin at zero again, and nothing in a segment may.
pub const HLS_EPOCH: Duration = Duration::from_millis(1 << 30);
