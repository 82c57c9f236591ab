//! Real clients against the real server: ffmpeg, rtmpdump, GStreamer, raw HTTP and raw RTMP.
//!
//! Every test starts its own server on ports of its own, over a library of sample media that
//! `scripts/make-samples` makes once, and ends it. Every wait has an end; a failing test prints
//! what its server said last. The programs come by `scripts/install-deps test`.

// A test that cannot go on should panic where it stands.
#![allow(clippy::unwrap_used)]

mod apart;
mod flashes;
mod hls_listed;
mod http_client;
mod metrics;
mod mpv;
mod nginx;
mod packets;
mod program;
mod rtmp_client;
mod rtmp_message;
mod rtmp_stub;
mod samples;
mod server;
mod site;
mod stamped;
mod tls;

mod access;
mod appliance;
mod broken;
mod capture;
mod command_line;
mod covers;
mod days;
mod described;
mod discovery;
mod egress;
mod ffmpeg;
mod forms;
mod gstreamer;
mod hls;
mod hls_live;
mod hls_subtitles;
mod hostile;
mod http_api;
mod http_connection;
mod http_media;
mod https;
mod index;
mod joins;
mod kept;
mod library_pages;
mod live;
mod live_mp4;
mod live_together;
mod matrix;
mod mp4;
mod multicast;
mod obs;
mod operations;
mod path_forms;
mod paths_that_lead_out;
mod pictures;
mod plain_page;
mod player_2007;
mod playlists;
mod recording;
mod refusals;
mod relay;
mod rtmp_calls;
mod rtmp_play;
mod rtmp_seek;
mod rtmpdump;
mod rtmps;
mod seek_ahead;
mod service;
mod sets;
mod share;
mod snapshots;
mod soak;
mod sources;
mod strange_files;
mod strangers;
mod subtitles;
mod unseekable;
mod uploads;
mod vlc;
mod web;
mod web_socket;
mod wifi;
mod worker_dies;
