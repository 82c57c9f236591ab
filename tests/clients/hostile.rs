//! Clients that want to hurt, by the hundred, while others watch: nobody else sees a stall, and each attacker is ended in
//! time with a reason that the log and `/metrics` tell.

use crate::metrics::Metrics;
use crate::program::wait_until;
use crate::rtmp_client::{RtmpClient, SOON};
use crate::server::Server;
use crate::stamped::{Publisher, Starvation, Watcher, ask_http};
use rustix::net::sockopt::{set_socket_recv_buffer_size, set_tcp_nodelay};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use wiidiaserver::limits::{
    HANDSHAKE_TIMEOUT, HTTP_HEADER_TIMEOUT, LIVE_UNREAD_TIMEOUT, MAX_RTMP_CONNECTIONS_PER_ADDRESS,
};

/// Attackers of each kind.
const MANY: usize = 100;

/// What others may notice at the very most: the word for a stall.
const STALL: Duration = Duration::from_millis(500);

fn connect(server: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(server).unwrap();
    set_tcp_nodelay(&socket, true).unwrap();
    socket
}

/// Sends a byte a second of what its kind says first, until the server has had enough. Returns how long that took.
fn trickle(mut sockets: Vec<TcpStream>, bytes: &[u8], limit: Duration) -> Duration {
    let begun = Instant::now();
    for socket in &sockets {
        socket.set_nonblocking(true).unwrap();
    }
    for byte in bytes {
        sockets.retain_mut(|socket| {
            let closed = matches!(socket.read(&mut [0; 4096]), Ok(0))
                || socket.read(&mut [0; 16]).is_err_and(|e| e.kind() != std::io::ErrorKind::WouldBlock);
            !closed && socket.write(&[*byte]).is_ok()
        });
        if sockets.is_empty() {
            break;
        }
        assert!(begun.elapsed() < limit, "{} are still there after {limit:?}", sockets.len());
        std::thread::sleep(Duration::from_secs(1));
    }
    assert!(sockets.is_empty(), "{} said all they had to say", sockets.len());
    begun.elapsed()
}

/// A viewer that asks for the stream over RTMP and reads no more. Its own buffer is small.
fn never_reads_rtmp(server: &Server) -> TcpStream {
    let viewer = RtmpClient::play(server.rtmp, "live", "cam");
    set_socket_recv_buffer_size(viewer.socket(), 4096).unwrap();
    viewer.socket().try_clone().unwrap()
}

fn never_reads_http(server: &Server) -> TcpStream {
    let viewer = ask_http(server.http, "cam").unwrap();
    set_socket_recv_buffer_size(&viewer, 4096).unwrap();
    viewer
}

/// Reads all, and never says that it has: RTMP's window (5.4.3) is overrun again and again.
fn never_acknowledges(server: &Server) -> TcpStream {
    let viewer = RtmpClient::play(server.rtmp, "live", "cam").socket().try_clone().unwrap();
    let mut reader = viewer.try_clone().unwrap();
    reader.set_read_timeout(None).unwrap();
    std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
    viewer
}

#[test]
fn slow_deaf_and_mute_clients_by_the_hundred_are_ended_and_others_see_no_stall() {
    let mut server = Server::start();
    let starvation = Starvation::watch();
    // 2.5 Mbit/s.
    let _publisher = Publisher::start(&server, "cam", 12_500);
    let watchers = [
        (Watcher::over_rtmp(&server, "cam"), "a viewer over RTMP"),
        (Watcher::over_http(&server, "cam"), "a viewer over HTTP"),
    ];
    let before = Metrics::of(&server);
    let many =
        |attack: fn(&Server) -> TcpStream| -> Vec<TcpStream> { (0..MANY).map(|_| attack(&server)).collect() };

    let deaf = [many(never_reads_rtmp), many(never_reads_http)];
    let unacknowledged = many(never_acknowledges);
    let half_open = [many(|server| connect(server.rtmp)), many(|server| connect(server.http))];
    std::thread::scope(|scope| {
        let rtmp = many(|server| connect(server.rtmp));
        let c0c1 = [&[3][..], &[0; 1536]].concat();
        scope.spawn(move || trickle(rtmp, &c0c1, 2 * HANDSHAKE_TIMEOUT));
        let http = many(|server| connect(server.http));
        scope.spawn(move || {
            trickle(http, b"GET /live/cam.flv HTTP/1.1\r\nHost: box\r\n", 2 * HTTP_HEADER_TIMEOUT)
        });
    });

    // The half-open ones have had their time by now.
    let ended = |metrics: &Metrics, protocol, reason| {
        metrics.ended(protocol, reason) - before.ended(protocol, reason)
    };
    let many = MANY as f64;
    wait_until("the slow ones are gone", SOON, || {
        let metrics = Metrics::of(&server);
        ended(&metrics, "rtmp", "slow_handshake") == 2.0 * many
            && ended(&metrics, "http", "slow_handshake") == 2.0 * many
    });
    drop(half_open);
    wait_until("the deaf ones are gone", 3 * LIVE_UNREAD_TIMEOUT, || {
        let metrics = Metrics::of(&server);
        ["rtmp", "http"].iter().all(|protocol| ended(&metrics, protocol, "not_reading") == many)
    });
    let metrics = Metrics::of(&server);
    assert_eq!(
        metrics.at("wiidia_stream_viewers{stream=\"cam\",protocol=\"rtmp\"}"),
        1.0 + many,
        "who reads stays"
    );
    let log = server.log();
    for reason in
        ["no connect within 10 s", "the peer takes nothing any more", "read header from client timeout"]
    {
        assert!(log.matches(reason).count() >= MANY, "{reason}: {}", log.matches(reason).count());
    }
    drop(deaf);
    for viewer in unacknowledged {
        viewer.shutdown(std::net::Shutdown::Both).unwrap();
    }
    let most = starvation.allows(STALL);
    for (watcher, who) in watchers {
        watcher.saw_everything_within(who, most);
    }
    wait_until("all are gone", SOON, || Metrics::of(&server).connections("rtmp") <= 2.0);
    server.must_be_well();
}

#[test]
fn a_viewer_that_sleeps_loses_whole_gops_and_that_is_counted_and_logged() {
    let server = Server::start();
    let starvation = Starvation::watch();
    // 4 Mbit/s, a keyframe every two seconds; the server keeps two to four seconds of them.
    let _publisher = Publisher::start(&server, "cam", 20_000);
    let watcher = Watcher::over_rtmp(&server, "cam");
    let mut sleeper = RtmpClient::play(server.rtmp, "live", "cam");
    sleeper.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
    let lag = |viewer: &str| {
        Metrics::of(&server).at(&format!("wiidia_stream_lag_seconds{{stream=\"cam\",viewer=\"{viewer}\"}}"))
    };
    // Until it is behind by more than is kept.
    wait_until("it is behind", 6 * SOON, || lag("slowest") > 6.0);
    assert!(lag("median") < 1.0, "the other one is not");
    let lost = || Metrics::of(&server).at("wiidia_stream_lost_gops_total{stream=\"cam\"}");
    assert_eq!(lost(), 0.0, "it might still have got them");
    // Awake: what was on its way, then a gap, then the headers and a keyframe again.
    let mut last = None;
    let (gap, first) = sleeper.wait_for("a jump", 3 * SOON, |message| {
        let ms = message.media_ms()?;
        let before = last.replace(ms)?;
        (ms > before + 100).then_some((ms - before, message.is_keyframe()))
    });
    assert!(first, "goes on with a keyframe, {gap} ms later");
    assert!(gap > 500, "{gap}");
    wait_until("it is counted", SOON, || lost() >= (f64::from(gap) / 2000.0).floor());
    let records = Metrics::of(&server).at("wiidia_stream_lost_records_total{stream=\"cam\"}");
    assert_eq!(records, f64::from(gap / 40 - 1), "{gap} ms");
    assert!(server.log().contains("a slow viewer goes on at the last keyframe"), "{}", server.log());
    wait_until("it keeps up again", SOON, || {
        sleeper.collect_for(Duration::from_millis(100));
        lag("slowest") < 0.5
    });
    watcher.saw_everything_within("the other viewer", starvation.allows(STALL));
}

#[test]
fn what_hurts_ends_its_connection_with_a_reason_and_nothing_else() {
    let mut server = Server::start();
    let starvation = Starvation::watch();
    let _publisher = Publisher::start(&server, "cam", 1000);
    let watcher = Watcher::over_rtmp(&server, "cam");
    let message = |csid: u8, length: [u8; 3], kind: u8, body: &[u8]| {
        [&[csid, 0, 0, 0][..], &length, &[kind, 0, 0, 0, 0], body].concat()
    };
    let long = message(3, [0xff, 0xff, 0xff], 20, &[2]);
    let no_chunks = message(2, [0, 0, 4], 1, &[0, 0, 0, 0]);
    let streams: Vec<u8> = (3..60).flat_map(|csid| message(csid, [0, 0, 200], 20, &[2; 100])).collect();
    // Commands that do not wait for the answer to connect.
    let command = |name: &str, transaction: u8| {
        let name = [&[2, 0, name.len() as u8], name.as_bytes()].concat();
        let body = [&name[..], &[0, 0x40, transaction, 0, 0, 0, 0, 0, 0], &[3, 0, 0, 9]].concat();
        message(3, [0, 0, body.len() as u8], 20, &body)
    };
    // 64 KB of requests for listings, in one piece.
    let flood = [command("connect", 0), command("getDir", 0x14).repeat(2000)].concat();
    for (bytes, instead, reason) in [
        (b"GET / HTTP/1.1\r\nHost: box\r\n\r\n".repeat(60), true, "malformed"),
        (vec![6; 1537], true, "malformed"),
        (long, false, "malformed"),
        (no_chunks, false, "malformed"),
        (streams, false, "malformed"),
        (flood, false, "flood"),
    ] {
        let before = Metrics::of(&server);
        let mut socket = connect(server.rtmp);
        socket.set_read_timeout(Some(SOON)).unwrap();
        if !instead {
            socket.write_all(&[&[3][..], &[0; 1536]].concat()).unwrap();
            socket.read_exact(&mut [0; 3073]).unwrap();
            socket.write_all(&[0; 1536]).unwrap();
        }
        let _ = socket.write_all(&bytes);
        // An error as well: a reset.
        let _ = std::io::copy(&mut socket, &mut std::io::sink());
        wait_until("it is counted", SOON, || {
            Metrics::of(&server).ended("rtmp", reason) == before.ended("rtmp", reason) + 1.0
        });
        assert!(server.log().contains("rtmp connection closed"), "{reason}");
    }
    assert!(server.log().matches("rtmp connection closed").count() == 6, "{}", server.log());
    // HTTP that is none.
    let before = Metrics::of(&server).ended("http", "malformed");
    let mut socket = connect(server.http);
    socket.write_all(&[0xff; 300]).unwrap();
    let _ = std::io::copy(&mut socket, &mut std::io::sink());
    wait_until("it is counted", SOON, || Metrics::of(&server).ended("http", "malformed") == before + 1.0);
    watcher.saw_everything_within("the viewer", starvation.allows(STALL));
    server.must_be_well();
}

#[test]
fn one_address_has_its_share_and_no_more() {
    let mut server = Server::start();
    let before = Metrics::of(&server).at("wiidia_connections_accepted_total{protocol=\"rtmp\"}");
    let sockets: Vec<TcpStream> =
        (0..MAX_RTMP_CONNECTIONS_PER_ADDRESS + 20).map(|_| connect(server.rtmp)).collect();
    wait_until("they are counted", SOON, || {
        let metrics = Metrics::of(&server);
        metrics.at("wiidia_connections_refused_total{protocol=\"rtmp\"}") >= 20.0
            && metrics.at("wiidia_connections_accepted_total{protocol=\"rtmp\"}") - before
                >= MAX_RTMP_CONNECTIONS_PER_ADDRESS as f64
    });
    assert!(server.log().contains("too many connections from one address"));
    drop(sockets);
    wait_until("all are gone", SOON, || Metrics::of(&server).connections("rtmp") == 0.0);
    RtmpClient::connect(server.rtmp, "live");
    server.must_be_well();
}

#[test]
fn a_server_started_with_few_descriptors_asks_for_more() {
    let mut server = Server::with_descriptors(1024);
    let most = Metrics::of(&server).at("process_max_fds");
    assert!(most > 2048.0, "{most}");
    server.must_be_well();
}
