//! Many connections come and go in all the ways there are; then the server is as it was before. What it was and is, it
//! says itself, by `/metrics`.
//!
//! `WIIDIA_SOAK=20 cargo test --test clients soak -- --nocapture` makes it twenty times as long, and prints the figures.

use crate::http_client::get_beginning;
use crate::metrics::Metrics;
use crate::program::wait_until;
use crate::rtmp_client::{RtmpClient, SOON};
use crate::samples::H264_FLV;
use crate::server::Server;
use crate::stamped::{Publisher, Starvation, Watcher, ask_http};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A debug build on a machine that does something else as well.
const LIMIT: Duration = Duration::from_secs(60);

/// The memory that may be in use afterwards and was not before: what the allocator keeps for the next time. It was 1
/// to 3 MB, and no more after 30,000 connections; those of one round, never freed, would be 40.
const MEMORY_TOLERANCE: f64 = 4e6;

/// Times as long as usual.
fn times() -> usize {
    std::env::var("WIIDIA_SOAK").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// Closes so that the other side sees a reset.
fn reset(socket: &TcpStream) {
    rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO)).unwrap();
}

/// One connection and its end.
fn cycle(server: &Server, n: usize, thread: usize) {
    let handshake = |bytes: usize| {
        let mut socket = TcpStream::connect(server.rtmp).unwrap();
        let _ = socket.write_all(&[&[3][..], &[0; 1536]].concat()[..bytes]);
        socket
    };
    // Few keys: a stream is kept for half a minute after its publisher.
    let own = format!("soak{thread}");
    let keyframe = [0x17, 1, 0, 0, 0, 1, 2, 3];
    match n % 9 {
        0 => {
            let mut viewer = RtmpClient::play(server.rtmp, "live", "cam");
            viewer.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
            viewer.send_command(0, "deleteStream", 0.0, &[wiidiaserver::amf0::Value::Null, 1.0.into()]);
        }
        1 => {
            let mut viewer = RtmpClient::play(server.rtmp, "live", "cam");
            viewer.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
            reset(viewer.socket());
        }
        2 => drop(handshake(100)),
        3 => reset(&handshake(1537)),
        4 => {
            // Drops out in mid-message.
            let mut publisher = RtmpClient::connect(server.rtmp, "live");
            publisher.publish(&own);
            publisher.send_video(&keyframe);
            publisher.socket().write_all(&[4, 0, 0, 0, 0, 255, 0, 9, 1, 0, 0, 0, 0x27]).unwrap();
            reset(publisher.socket());
        }
        5 => {
            let mut publisher = RtmpClient::connect(server.rtmp, "live");
            publisher.publish(&own);
            publisher.send_video(&keyframe);
            publisher.send_command(
                0,
                "FCUnpublish",
                9.0,
                &[wiidiaserver::amf0::Value::Null, own.as_str().into()],
            );
        }
        6 => {
            get_beginning(server.http, "/live/cam.flv", 10_000);
        }
        7 => {
            let mut viewer = RtmpClient::play(server.rtmp, "vod", H264_FLV);
            viewer.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
            viewer.seek(9000);
            reset(viewer.socket());
        }
        _ => {
            let mut socket = ask_http(server.http, "cam").unwrap();
            socket.read_exact(&mut [0; 2000]).unwrap();
            reset(&socket);
        }
    }
}

/// So many cycles, eight at a time.
fn cycles(server: &Server, count: usize) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let next = &next;
            scope.spawn(move || {
                while let n @ 0.. = next.fetch_add(1, Ordering::Relaxed)
                    && n < count
                {
                    cycle(server, n, thread);
                }
            });
        }
    });
}

/// So many viewers over both protocols, who then are killed in random order: some in the middle of being written to,
/// some while they are asleep.
fn killed_viewers(server: &Server, count: usize, seed: u64) {
    let mut viewers: Vec<TcpStream> = (0..count)
        .map(|n| if n % 3 == 0 { ask_http(server.http, "cam").unwrap() } else { ask_rtmp(server.rtmp) })
        .collect();
    let watching = |metrics: &Metrics, protocol: &str| {
        metrics.at(&format!("wiidia_stream_viewers{{stream=\"cam\",protocol=\"{protocol}\"}}"))
    };
    wait_until("all are there", LIMIT, || {
        let metrics = Metrics::of(server);
        watching(&metrics, "rtmp") + watching(&metrics, "http-flv") > count as f64
    });
    let mut random = seed | 1;
    let mut pick = |below: usize| {
        // xorshift64.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random as usize % below
    };
    while !viewers.is_empty() {
        let mut viewer = viewers.swap_remove(pick(viewers.len()));
        if pick(2) == 0 {
            let _ = viewer.read(&mut [0; 4096]);
        }
        if pick(2) == 0 {
            reset(&viewer);
        }
        drop(viewer);
        if pick(8) == 0 {
            std::thread::sleep(Duration::from_millis(pick(20) as u64));
        }
    }
}

/// Asks for the stream and leaves it in the socket.
fn ask_rtmp(server: SocketAddr) -> TcpStream {
    RtmpClient::play(server, "live", "cam").socket().try_clone().unwrap()
}

/// What must be as it was before.
#[derive(Debug)]
struct State {
    connections: f64,
    viewers: f64,
    tasks: f64,
    descriptors: f64,
    memory: f64,
}

impl State {
    fn of(server: &Server) -> Self {
        let metrics = Metrics::of(server);
        let viewers = ["rtmp", "http-flv"].map(|protocol| {
            metrics.at(&format!("wiidia_stream_viewers{{stream=\"cam\",protocol=\"{protocol}\"}}"))
        });
        Self {
            // Its own, by which this is asked, is one of them.
            connections: metrics.connections("rtmp") + metrics.connections("http"),
            viewers: viewers.iter().sum::<f64>() + metrics.at("wiidia_recorded_viewers"),
            tasks: metrics.at("wiidia_tasks"),
            descriptors: metrics.at("process_open_fds"),
            memory: metrics.at("process_resident_memory_bytes"),
        }
    }

    fn is_as(&self, before: &Self) -> bool {
        self.connections <= before.connections
            && self.viewers <= before.viewers
            && self.tasks <= before.tasks
            && self.descriptors <= before.descriptors
            && self.memory <= before.memory + MEMORY_TOLERANCE
    }
}

#[test]
fn a_thousand_connections_and_five_hundred_killed_viewers_leave_nothing_behind() {
    let mut server = Server::start();
    let starvation = Starvation::watch();
    let _publisher = Publisher::start(&server, "cam", 2000);
    let watcher = Watcher::over_rtmp(&server, "cam");
    // What is made at first use and stays: threads, tables, the index of the film, the allocator's arenas at their
    // largest.
    cycles(&server, 1000);
    killed_viewers(&server, 500, 1);
    wait_until("the first ones are gone", LIMIT, || State::of(&server).connections <= 3.0);
    std::thread::sleep(Duration::from_secs(1));
    let before = State::of(&server);
    for round in 0..times() {
        cycles(&server, 1000);
        killed_viewers(&server, 500, std::process::id() as u64 + round as u64);
    }
    let mut after = State::of(&server);
    wait_until(&format!("the server is as it was: {before:?}"), LIMIT, || {
        after = State::of(&server);
        after.is_as(&before)
    });
    eprintln!("before {before:?}\nafter  {after:?}");
    let metrics = Metrics::of(&server);
    assert_eq!(metrics.ended("rtmp", "internal") + metrics.ended("http", "internal"), 0.0);
    assert_eq!(metrics.at("wiidia_stream_lost_records_total{stream=\"cam\"}"), 0.0);
    watcher.saw_everything_within("the viewer that stayed", starvation.allows(Duration::from_millis(500)));
    server.must_be_well();
}
