//! Addresses of the web: pages with films in them, films on web servers, and what finds them.

use std::time::Duration;

/// Length of an address of the web in bytes; browsers and servers agree on about as much.
pub const MAX_WEB_ADDRESS: usize = 2048;

/// Bytes of a page that are looked at: pages of video sites have one to two megabytes, most of it script.
pub const MAX_WEB_PAGE: usize = 4 << 20;

/// Bytes read of what is media already, to find out what kind: Matroska and transport streams show within four packets.
pub const SNIFF: usize = 4 << 10;

/// Bytes of an HLS playlist: a day of two-second segments with long names.
pub const MAX_HLS_PLAYLIST: usize = 8 << 20;

/// Media that are kept of one page, feed or playlist: more than a screen shows.
pub const MAX_LINKS: usize = 200;

/// Letters kept of a title.
pub const MAX_TITLE: usize = 300;

/// Bytes of a script with JSON-LD that are read, and how deep its objects may lie in each other.
pub const MAX_JSON_LD: usize = 512 << 10;
/// See [`MAX_JSON_LD`].
pub const MAX_JSON_LD_DEPTH: usize = 16;

/// Pages, feeds and playlists that lead on to one another: a page with a feed's address, a playlist of playlists.
pub const MAX_LEADS: usize = 3;

/// Times that a server sends on to another address: short links and CDNs together take three or four.
pub const MAX_WEB_REDIRECTS: usize = 6;

/// For finding a server and connecting to it, with TLS.
pub const WEB_CONNECT_TIMEOUT: Duration = Duration::from_secs(8);

/// For one of its addresses: a broken IPv6 must not take the time of the IPv4 behind it.
pub const WEB_ADDRESS_TIMEOUT: Duration = Duration::from_secs(3);

/// Addresses of a server that are tried.
pub const MAX_WEB_ADDRESSES: usize = 6;

/// For a server to begin its answer, and between two pieces of it.
pub const WEB_READ_TIMEOUT: Duration = Duration::from_secs(10);

/// For finding what an address of the web means, own ways and yt-dlp together.
pub const RESOLVE_TIMEOUT: Duration = Duration::from_secs(75);

/// What an address means is believed for so long: addresses that sites give out are good for minutes to hours.
pub const RESOLVED_LIFE: Duration = Duration::from_secs(600);

/// A failure is believed for so long: somebody presses the button again.
pub const UNRESOLVED_LIFE: Duration = Duration::from_secs(10);

/// Addresses whose meaning is remembered.
pub const MAX_RESOLVED: usize = 256;

/// Addresses that are looked at at a time: each costs a page's memory.
pub const MAX_RESOLVING: usize = 4;

/// Addresses that wait for that.
pub const MAX_RESOLVING_WAITING: usize = 32;

/// Streams of addresses that viewers brought, at a time; each is a worker process.
pub const MAX_WEB_STREAMS: usize = 8;

/// Such a stream is forgotten so long after its last viewer: they may come back to the same address.
pub const WEB_STREAM_KEPT: Duration = Duration::from_secs(60);

/// Connections through one door for another program: yt-dlp opens three, a player of HLS four.
pub const MAX_EGRESS_CONNECTIONS: usize = 16;

/// Head of a request to a door.
pub const MAX_EGRESS_HEAD: usize = 32 << 10;

/// Without a byte in either direction a connection through a door ends.
pub const EGRESS_IDLE: Duration = Duration::from_secs(30);

/// Bytes copied at a time through a door.
pub const EGRESS_COPY: usize = 64 << 10;

/// Places in a film on a web server that are read at a time by one conversion, each a connection: pictures and sound of
/// an MP4 that keeps them apart, and its table.
pub const MAX_FILM_PLACES: usize = 3;

/// A read so far ahead of such a place goes on there: reading over it is faster than asking anew.
pub const FILM_SKIP: u64 = 512 << 10;

/// Bytes kept behind such a place: demuxers look twice at what they have just read.
pub const FILM_KEPT: usize = 256 << 10;

/// Most bytes that a worker asks for at once. Demuxers read a frame, which may be [`MAX_TAG_BODY`](super::MAX_TAG_BODY).
pub const MAX_FILM_READ: u32 = 16 << 20;

/// A film's server that breaks off is asked again so often …
pub const FILM_TRIES: u32 = 4;

/// … after waiting this long, doubled each time. Together below [`WORKER_STALL`](super::WORKER_STALL).
pub const FILM_PAUSE: Duration = Duration::from_millis(250);

/// Bytes of what yt-dlp tells of an address: a video with all its formats has 300 KB, a list of 100 less.
pub const MAX_YT_DLP_ANSWER: usize = 8 << 20;

/// Bytes kept of what yt-dlp says on the way.
pub const MAX_YT_DLP_WORDS: usize = 16 << 10;

/// For yt-dlp to answer: it takes 2 to 4 s on a PC, and a small box is five times as slow.
pub const YT_DLP_TIMEOUT: Duration = Duration::from_secs(60);

/// Processor time of yt-dlp.
pub const YT_DLP_CPU_TIME: Duration = Duration::from_secs(90);

/// Address space of yt-dlp; it needs 80 MB of memory.
pub const YT_DLP_ADDRESS_SPACE: u64 = 1 << 30;

/// Files and sockets that yt-dlp may have open; it has a dozen.
pub const YT_DLP_DESCRIPTORS: u64 = 128;

/// For unpacking, compiling and trying a component.
pub const COMPONENT_TIMEOUT: Duration = Duration::from_secs(300);

/// Bytes of a component's archive; yt-dlp has 3 MB.
pub const MAX_COMPONENT: usize = 64 << 20;

/// Bytes of what a package index tells of a component: yt-dlp's has 400 KB.
pub const MAX_PACKAGE_INDEX: usize = 16 << 20;
