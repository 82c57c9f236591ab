//! Wiidiaserver: the media server of a home's TV network.
//!
//! # The data's way
//!
//! ```text
//!   library          provider             reel                session            socket
//!   (a path) ──────▶ flv_file  ─ Tag ──▶ FLV bytes,   ─ Tag ─▶ rtmp::Session ───▶ TCP 1935
//!                    convert   ─ Tag ──▶ index,       ─ Tag ─▶ flv::preamble ───▶ HTTP /flv
//!                       ▲                what exists  ─ Tag ─▶ fmp4::Muxer ─────▶ HTTP /fmp4
//!                       │ access units
//!                    pipeline: GStreamer in a worker process of this same binary
//!
//!   publisher ──▶ rtmp::Session ─ Tag ─▶ stream: a ring of records ─▶ sessions, HTTP and WebSocket /live
//!   address ────▶ source (pipeline) ─ Tag ─┘
//!   other server ◀─▶ rtmp::client ◀─ relay ─▶ └─ Tag ─▶ recording: a file of the library, a reel that grows
//! ```
//!
//! Everything between a source and a viewer is an FLV [`Tag`](flv::Tag), cloned by reference
//! count. A *provider* yields tags; a *reel* keeps them with an index and knows which times exist
//! already; RTMP, HTTP-FLV and fMP4 all read the same reel.
//!
//! # Modules, in the order the data flows
//!
//! | module | what it knows | what it must not know |
//! |---|---|---|
//! | [`limits`], [`time`], [`flv`], [`amf0`], [`rtmp_url`], [`source_url`], [`choice`], [`subtitles`] | bytes and numbers | sockets, clocks, tokio, GStreamer |
//! | [`ledger`] | lines with sums, appended to files: bytes and records | the same |
//! | [`library`] | the file system below the library roots | protocols |
//! | [`pipeline`] | GStreamer (alone), and how a worker process talks | everything that serves |
//! | [`device`] | capture devices of this machine: what they can do, how they are set | who uses them, GStreamer |
//! | [`index`] | what is in the library's files, and pictures of them, found out in the background | HTTP, how files are played |
//! | [`provider`] | which way a file becomes tags | HTTP, RTMP sessions |
//! | [`picture`] | pictures in the size of a screen, made in processes of their own | HTTP, GStreamer |
//! | [`positions`] | where each viewer left off; kept in a file | HTTP, how files are played |
//! | [`reel`] | tags, index, ranges that exist | sockets, protocols, GStreamer |
//! | [`stream`] | live streams: a ring of records, viewers as numbers | sockets, sessions |
//! | [`snapshot`] | JPEGs of live streams: which are kept, how many are made at a time | sockets, GStreamer |
//! | [`recording`] | from a stream to files of the library that grow | sockets, protocols |
//! | [`rtmp`], [`fmp4`], [`hls`], [`websocket`] | the wire formats, sans-IO: `now` is an argument | tokio, sockets, clocks |
//! | `egress`, `web_page`, `web_media` | addresses of the web: where connections may lead, what pages hold, what is fetched | reels, streams, who watches |
//! | `retry` | what fails and is tried again | what that is |
//! | [`source`] | addresses on the network: when to receive them, what when they fail | who watches, HTTP |
//! | [`relay`] | other RTMP servers: when to connect, and to what | GStreamer, who watches |
//! | [`server`] | tokio, hyper, reels and sessions; who writes to live viewers when | GStreamer |
//! | [`upload`] | files that come into folders of the library; renaming and deleting there | HTTP, who may |
//! | [`health`] | how the machine is, and was within the hour | HTTP, who watches |
//! | [`document`] | files that must not be lost when the power goes | what is in them |
//! | [`access`] | passwords, sessions, tokens: who may do what | HTTP, RTMP, what there is to do |
//! | [`settings`] | what the owner changes on the page, over the configuration | HTTP, who may |
//! | [`appliance`] | the box: name, clock, power, network, updates, by the system's services | media, HTTP |
//! | [`authority`] | certificates for HTTPS, signed by a root of the house | sockets, files |
//! | [`backup`], [`reset`] | all that was set, sealed; forgetting it | HTTP |
//! | [`ctl`] | the command line of a running server | all of the above |
//! | [`service`] | the service manager: sockets it gives, what it wants to hear | all of the above |
//! | [`config`] | the TOML file and the command line | all of the above |

pub mod access;
pub mod amf0;
pub mod appliance;
pub mod authority;
pub mod backup;
pub mod card;
pub mod choice;
pub mod config;
pub mod ctl;
pub mod device;
pub mod discovery;
pub mod document;
pub mod egress;
pub mod flv;
pub mod fmp4;
pub mod health;
pub mod hls;
pub mod index;
pub mod ledger;
pub mod library;
pub mod limits;
pub mod picture;
pub mod pipeline;
pub mod positions;
pub mod provider;
pub mod recording;
pub mod reel;
pub mod relay;
pub mod reset;
pub mod restore;
mod retry;
pub mod rtmp;
pub mod rtmp_url;
pub mod server;
pub mod service;
pub mod settings;
pub mod snapshot;
pub mod source;
pub mod source_url;
pub mod stream;
pub mod subtitles;
pub mod time;
pub mod upload;
pub mod web_address;
pub mod web_media;
pub mod web_page;
pub mod websocket;
