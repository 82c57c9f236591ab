//! What the internet says leads to nothing at home: a server between a home and an internet of the test's own, whose names, pages,
//! playlists and redirects lead inside in every way we know.
//!
//! ```text
//!  home                        │ the internet, behind a router
//!  server, viewers, names      │ 93.184.216.34, 2606:4700::1111   a site
//!  192.168.1.2, 2a02:1:2:3::2  │ 192.168.1.1, 2a02:1:2:3::1, 10.0.0.1, fd00::1, …   what nobody may reach
//! ```

use crate::apart::run_apart;
use crate::http_client::{get, get_beginning, request};
use crate::program::wait_until;
use crate::samples::{H264_MP4, H264_TS, path_of};
use crate::server::{Server, folder_for_server};
use crate::site::{Says, Site};
use data_encoding::BASE64URL_NOPAD;
use serde_json::json;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

const SITE: &str = "93.184.216.34";

/// Names, and what each question after an address of them is answered with, one after the other and over again.
const NAMES: [(&str, &[&[&str]]); 17] = [
    ("site.example", &[&[SITE]]),
    ("six.example", &[&["2606:4700::1111"]]),
    // One of the two is out of the question, the other will do.
    ("both.example", &[&["127.0.0.1", SITE]]),
    // Public when it is looked at, private when it would be connected to; and the other way round.
    ("rebinds.example", &[&[SITE], &["127.0.0.1"]]),
    ("binds.example", &[&["192.168.1.1"], &[SITE]]),
    ("loop.example", &[&["127.0.0.1"]]),
    ("router.example", &[&["192.168.1.1"]]),
    ("ten.example", &[&["10.0.0.1"]]),
    ("cloud.example", &[&["169.254.169.254"]]),
    ("loop6.example", &[&["::1"]]),
    ("mapped.example", &[&["::ffff:127.0.0.1"]]),
    ("nat64.example", &[&["64:ff9b::7f00:1"]]),
    ("sixtofour.example", &[&["2002:7f00:1::1"]]),
    ("unique.example", &[&["fd00::1"]]),
    // Public, and of this home all the same.
    ("own6.example", &[&["2a02:1:2:3::2"]]),
    ("router6.example", &[&["2a02:1:2:3::1"]]),
    ("other-room6.example", &[&["2a02:1:2:ff::1"]]),
];

/// What nobody may reach, as it may be written into an address. Each listens on port 80.
const INSIDE: [&str; 22] = [
    "127.0.0.1",
    "192.168.1.2",
    "192.168.1.1",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "[::1]",
    "[fd00::1]",
    "[::ffff:192.168.1.1]",
    "[64:ff9b::a00:1]",
    "[2002:c0a8:101::1]",
    "[2a02:1:2:3::1]",
    "loop.example",
    "router.example",
    "ten.example",
    "mapped.example",
    "nat64.example",
    "sixtofour.example",
    "unique.example",
    "own6.example",
    "other-room6.example",
];

#[test]
fn what_comes_from_the_internet_reaches_nothing_at_home() {
    for part in ["egress::pages_and_names", "egress::streams"] {
        let folder = folder_for_server();
        let folder = folder.path().to_str().unwrap();
        if !run_apart("egress/two-networks", &[folder], &[part], Duration::from_secs(900)) {
            return;
        }
    }
}

/// Does something in the internet: sockets made there stay there.
fn in_the_internet<T: Send>(does: impl FnOnce() -> T + Send) -> T {
    let internet = std::fs::File::open(std::env::var_os("WIIDIA_INTERNET").unwrap()).unwrap();
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            rustix::thread::move_into_link_name_space(internet.as_fd(), None).unwrap();
            does()
        });
        thread.join().unwrap()
    })
}

/// Answers every question after a name's addresses (RFC 1035, 4.1), until the test ends.
fn answer_names() {
    let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
    std::thread::spawn(move || {
        let mut asked: HashMap<String, usize> = HashMap::new();
        let mut question = [0; 512];
        while let Ok((len, from)) = socket.recv_from(&mut question) {
            let question = &question[..len];
            let mut labels = Vec::new();
            let mut at = 12;
            while question[at] > 0 {
                let end = at + 1 + usize::from(question[at]);
                labels.push(String::from_utf8_lossy(&question[at + 1..end]).into_owned());
                at = end;
            }
            let (name, kind) = (labels.join(".").to_lowercase(), question[at + 2]);
            let known = NAMES.iter().find(|(known, _)| *known == name);
            let mut data: Vec<Vec<u8>> = Vec::new();
            if let Some((_, rounds)) = known {
                // A look-up asks for both kinds, the one after the other.
                let count = asked.entry(format!("{name} {kind}")).or_default();
                let round = rounds[*count % rounds.len()];
                *count += 1;
                data.extend(round.iter().filter_map(|address| match (address.parse().unwrap(), kind) {
                    (IpAddr::V4(address), 1) => Some(address.octets().to_vec()),
                    (IpAddr::V6(address), 28) => Some(address.octets().to_vec()),
                    _ => None,
                }));
            }
            let code = if known.is_some() { 0 } else { 3 };
            let mut answer =
                vec![question[0], question[1], 0x81, 0x80 | code, 0, 1, 0, data.len() as u8, 0, 0, 0, 0];
            answer.extend(&question[12..at + 5]);
            for data in data {
                answer.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 0, 0, data.len() as u8]);
                answer.extend(data);
            }
            let _ = socket.send_to(&answer, from);
        }
    });
}

/// Counts who comes to what must not be reached.
fn guard_the_home() -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let here = TcpListener::bind("[::]:80").unwrap();
    let there = [
        "192.168.1.1",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "fd00::1",
        "2a02:1:2:3::1",
        "2a02:1:2:ff::1",
    ];
    let there = there.map(|address| {
        let address = SocketAddr::new(address.parse().unwrap(), 80);
        in_the_internet(move || TcpListener::bind(address).unwrap())
    });
    for listener in std::iter::once(here).chain(there) {
        let count = count.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                eprintln!("{:?} reached {:?}", socket.peer_addr(), socket.local_addr());
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    count
}

struct Internet {
    site: Site,
    six: Site,
    reached: Arc<AtomicUsize>,
}

impl Internet {
    fn open() -> Self {
        answer_names();
        let at = |address: &str| {
            let address = SocketAddr::new(address.parse().unwrap(), 80);
            Site::on(in_the_internet(move || TcpListener::bind(address).unwrap()))
        };
        let (site, six) = (at(SITE), at("2606:4700::1111"));
        let film = Arc::new(std::fs::read(path_of(H264_MP4)).unwrap());
        for site in [&site, &six] {
            site.says("/film.mp4", Says::Body("video/mp4", film.clone()));
        }
        Self { site, six, reached: guard_the_home() }
    }

    #[track_caller]
    fn nothing_was_reached(&self, by: &str) {
        assert_eq!(self.reached.load(Ordering::Relaxed), 0, "{by}");
    }
}

fn encoded(url: &str) -> String {
    BASE64URL_NOPAD.encode(url.as_bytes())
}

#[test]
#[ignore = "in namespaces of its own: what_comes_from_the_internet_reaches_nothing_at_home runs it"]
fn pages_and_names() {
    let internet = Internet::open();
    let site = &internet.site;
    let mut server = Server::start();
    let meaning = |url: &str| get(server.http, &format!("/api/v1/web/{}", encoded(url)));
    // The way out is open.
    for host in ["site.example", SITE, "six.example", "[2606:4700::1111]", "both.example"] {
        let answer = meaning(&format!("http://{host}/film.mp4"));
        assert_eq!(
            (answer.status, &answer.json()["kind"]),
            (200, &json!("film")),
            "{host}: {}",
            answer.text()
        );
    }
    assert!(!internet.six.asked().is_empty());

    let mut all: Vec<String> = INSIDE.iter().map(|host| format!("http://{host}/film.mp4")).collect();
    for (index, host) in INSIDE.iter().enumerate() {
        let inside = format!("http://{host}/film.mp4");
        site.says(&format!("/sends-{index}"), Says::SendsOn(inside.clone()));
        site.says(&format!("/sends-on-{index}"), Says::SendsOn(format!("/sends-{index}")));
        site.page(&format!("/page-{index}"), "text/html", &format!("<video src='{inside}'></video>"));
        site.page(
            &format!("/page-that-sends-{index}"),
            "text/html",
            &format!("<meta property=og:video content=/sends-{index}>"),
        );
        site.page(
            &format!("/feed-{index}"),
            "application/rss+xml",
            &format!("<rss><channel><title>C</title><item><enclosure url='{inside}' type='video/mp4'/></item></channel></rss>"),
        );
        site.page(&format!("/list-{index}.m3u"), "audio/x-mpegurl", &format!("#EXTM3U\n{inside}\n"));
        site.page(&format!("/list-{index}.pls"), "audio/x-scpls", &format!("[playlist]\nFile1={inside}\n"));
        for path in ["sends-", "sends-on-", "page-", "page-that-sends-", "feed-"] {
            all.push(format!("http://site.example/{path}{index}"));
        }
        all.extend(["m3u", "pls"].map(|kind| format!("http://site.example/list-{index}.{kind}")));
    }
    for url in &all {
        let answer = meaning(url);
        // Whoever has no connection to it at all has not reached it either: NAT64 and 6to4 lead nowhere here.
        assert_eq!(answer.status, 403, "{url}: {}", answer.text());
        internet.nothing_was_reached(url);
    }
    // Other spellings of a zone are no addresses.
    for odd in ["http://[fe80::1%25cable]/", "http://[fe80::1%cable]/", "http://127.0.0.1:99999/"] {
        assert!((400..500).contains(&meaning(odd).status), "{odd}");
    }

    // The connection goes to the address that was checked, however often names change: nothing, or the site.
    for (host, round) in
        ["rebinds.example", "binds.example"].into_iter().flat_map(|host| (0..6).map(move |n| (host, n)))
    {
        let film = format!("http://{host}/film.mp4?{round}");
        site.says(
            &format!("/film.mp4?{round}"),
            Says::Body("video/mp4", Arc::new(std::fs::read(path_of(H264_MP4)).unwrap())),
        );
        let answer = meaning(&film);
        assert!(matches!(answer.status, 200 | 403), "{film}: {}", answer.text());
        let seen = get_beginning(server.http, &format!("/web/flv/{}", encoded(&film)), 50_000);
        assert!(seen.body.starts_with(b"FLV") || seen.status >= 400, "{film}: {}", seen.status);
        internet.nothing_was_reached(&film);
    }
    let asked = site.asked();
    assert!(asked.iter().any(|line| line.contains("/film.mp4?0")), "{asked:?}");
    server.must_be_well();
}

#[test]
#[ignore = "in namespaces of its own: what_comes_from_the_internet_reaches_nothing_at_home runs it"]
fn streams() {
    let internet = Internet::open();
    let site = &internet.site;
    site.says("/good.ts", Says::Whole("video/mp2t", Arc::new(std::fs::read(path_of(H264_TS)).unwrap())));
    site.says("/to-router.ts", Says::SendsOn("http://192.168.1.1/film.mp4".into()));
    site.says("/to-router.m3u8", Says::SendsOn("http://router.example/live.m3u8".into()));
    let list = |head: &str, segment: &str| {
        format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:20\n{head}#EXTINF:20,\n/good.ts\n#EXTINF:20,\n{segment}\n#EXTINF:20,\n/good.ts\n#EXT-X-ENDLIST\n"
        )
    };
    let key = |uri: &str| format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{uri}\"\n");
    let variants = |uri: &str| {
        format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2000000,CODECS=\"avc1.64001f,mp4a.40.2\"\n{uri}\n")
    };
    let renditions = |uri: &str| {
        format!(
            "#EXTM3U\n#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"x\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,URI=\"{uri}\"\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",DEFAULT=YES,AUTOSELECT=YES,URI=\"{uri}\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=2000000,SUBTITLES=\"s\",AUDIO=\"a\"\n/plain.m3u8\n"
        )
    };
    let hls = "application/vnd.apple.mpegurl";
    let mut paths = vec!["/to-router.ts".to_owned(), "/to-router.m3u8".to_owned()];
    let mut add = |path: String, kind: &'static str, text: String| {
        site.page(&path, kind, &text);
        paths.push(path);
    };
    site.page("/plain.m3u8", hls, &list("", "/good.ts"));
    for (index, host) in ["127.0.0.1", "router.example", "[fd00::1]", "[2a02:1:2:3::1]"].iter().enumerate() {
        let inside = format!("http://{host}/x.m3u8");
        add(format!("/segment-{index}.m3u8"), hls, list("", &inside));
        add(format!("/key-{index}.m3u8"), hls, list(&key(&inside), "/good.ts"));
        add(format!("/map-{index}.m3u8"), hls, list(&format!("#EXT-X-MAP:URI=\"{inside}\"\n"), "/good.ts"));
        add(format!("/variant-{index}.m3u8"), hls, variants(&inside));
        add(format!("/rendition-{index}.m3u8"), hls, renditions(&inside));
        add(
            format!("/film-{index}.mpd"),
            "application/dash+xml",
            format!(
                "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT20S\" \
                 minBufferTime=\"PT2S\" profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\"><Period><BaseURL>http://{host}/</BaseURL>\
                 <AdaptationSet mimeType=\"video/mp4\" codecs=\"avc1.64001f\"><Representation id=\"1\" bandwidth=\"1\" width=\"320\" height=\"180\">\
                 <BaseURL>film.mp4</BaseURL><SegmentBase indexRange=\"0-100\"/></Representation></AdaptationSet></Period></MPD>"
            ),
        );
    }
    add("/segment-sends.m3u8".into(), hls, list("", "/to-router.ts"));
    add("/variant-sends.m3u8".into(), hls, variants("/to-router.m3u8"));
    add("/rebinds.m3u8".into(), hls, list("", "http://rebinds.example/good.ts"));
    // Brought by viewers, and written by the owner: who wrote the address did not write what is at it.
    let named = |path: &str| path.trim_start_matches('/').replace('.', "-");
    let mut server = Server::start();
    let good = get_beginning(
        server.http,
        &format!("/web/flv/{}", encoded("http://site.example/plain.m3u8")),
        50_000,
    );
    assert!(good.body.starts_with(b"FLV"), "{}", good.text());
    for path in &paths {
        let body = json!({
            "name": named(path), "url": format!("http://site.example{path}"),
            "start_timeout_seconds": 30, "stop_delay_seconds": 0, "slate": false,
        });
        assert_eq!(request(server.http, "POST", "/api/v1/sources", &body.to_string()).status, 201, "{path}");
    }
    // Four at a time: most wait for what does not come.
    for some in paths.chunks(4) {
        std::thread::scope(|scope| {
            for path in some {
                let http = server.http;
                scope.spawn(move || {
                    for target in [
                        format!("/live/{}.flv", path.trim_start_matches('/').replace('.', "-")),
                        format!("/web/flv/{}", encoded(&format!("http://site.example{path}"))),
                    ] {
                        // Past the first segment, where there is one: what comes of it is not what is asked here.
                        let _ = get_beginning(http, &target, 400_000);
                    }
                });
            }
        });
        internet.nothing_was_reached(&format!("{some:?}"));
    }
    let asked = site.asked();
    for path in paths.iter().filter(|path| !path.ends_with(".mpd")) {
        let count = asked.iter().filter(|line| line.contains(&format!(" {path} "))).count();
        assert!(count >= 2, "{path} was looked at {count} times");
    }
    wait_until("all rest", LIMIT, || server.workers().is_empty());
    internet.nothing_was_reached("in the end");
    server.must_be_well();
}
