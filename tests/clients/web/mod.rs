//! Addresses of the web: pages that lead to films, films that are read from where they are, addresses that must not be
//! reached, and real yt-dlp.

mod inside;
mod yt_dlp;

use crate::http_client::{Answer, get, get_beginning};
use crate::packets::{decodes, lane, probe, span};
use crate::program::{succeed, wait_until};
use crate::samples::{self, H264_MKV, H264_MP4, LONG_AVI, path_of};
use crate::server::Server;
use crate::site::{Says, Site};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);

fn bytes_of(sample: &str) -> Arc<Vec<u8>> {
    Arc::new(std::fs::read(path_of(sample)).unwrap())
}

/// A site with a film, and a server whose viewers may go there, and nowhere else inside.
fn site_and_server(more: &str) -> (Site, Server) {
    let site = Site::open();
    site.says("/film.mp4", Says::Body("video/mp4", bytes_of(H264_MP4)));
    let text = format!("[web]\nallow = [\"{}\"]\n{more}", site.address);
    let server = Server::configured(samples::library(), &text);
    (site, server)
}

fn encoded(url: &str) -> String {
    BASE64URL_NOPAD.encode(url.as_bytes())
}

/// What the server says of an address.
fn meaning(server: &Server, url: &str) -> Answer {
    get(server.http, &format!("/api/v1/web/{}", encoded(url)))
}

#[track_caller]
fn found(server: &Server, url: &str) -> Value {
    let answer = meaning(server, url);
    assert_eq!(answer.status, 200, "{url}: {}", answer.text());
    answer.json()
}

/// Counts who connects to what must not be reached.
fn canary() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    (address, count)
}

#[test]
fn each_kind_of_page_leads_to_its_film() {
    let (site, server) = site_and_server("");
    site.page("/video", "text/html", "<title>A film</title><video><source src=film.mp4></video>");
    site.page(
        "/card",
        "text/html; charset=iso-8859-1",
        "<meta property=og:title content='Card'><meta property=og:video content=/film.mp4>",
    );
    site.page(
        "/json",
        "text/html",
        r#"<script type="application/ld+json">{"@type":"VideoObject","name":"Object","contentUrl":"/film.mp4"}</script>"#,
    );
    site.page(
        "/feed",
        "application/rss+xml",
        "<rss><channel><title>Cast</title><item><title>New</title><enclosure url='/film.mp4' type='video/mp4'/></item>\
         <item><title>Old</title><enclosure url='/old.mp4' type='video/mp4'/></item></channel></rss>",
    );
    site.page("/list.m3u", "audio/x-mpegurl", "#EXTM3U\n#EXTINF:20,Listed\nfilm.mp4\n");
    site.page("/list.pls", "audio/x-scpls", "[playlist]\nFile1=/film.mp4\nTitle1=Pls\n");
    site.page("/to-feed", "text/html", "<link rel=alternate type=application/rss+xml href=/feed>");
    site.says("/moved", Says::SendsOn("/film.mp4".into()));
    for (path, title, by) in [
        ("/film.mp4", "film.mp4", "the address itself"),
        ("/moved", "moved", "the address itself"),
        ("/video", "A film", "its page"),
        ("/card", "Card", "its page"),
        ("/json", "Object", "its page"),
        ("/feed", "Cast", "its page"),
        ("/to-feed", "Cast", "its page"),
        ("/list.m3u", "Listed", "its page"),
        ("/list.pls", "Pls", "its page"),
    ] {
        let told = found(&server, &site.url(path));
        assert_eq!(
            (&told["kind"], &told["title"], &told["by"]),
            (&json!("film"), &json!(title), &json!(by)),
            "{path}"
        );
    }
    let feed = found(&server, &site.url("/feed"));
    assert_eq!(feed["entries"][1]["title"], "Old");
    assert_eq!(feed["entries"][1]["path"], format!("web%3A/{}", encoded(&site.url("/old.mp4"))));

    site.page("/nothing", "text/html", "<title>Nothing</title><p>to see here");
    site.says("/forbidden", Says::Status(403));
    site.says("/around", Says::SendsOn("/around".into()));
    for (path, status, said) in [
        ("/nothing", 415, "component install yt-dlp"),
        ("/missing", 502, "there is nothing at that address"),
        ("/forbidden", 502, "does not want to give that"),
        ("/around", 502, "sends on to other addresses"),
    ] {
        let answer = meaning(&server, &site.url(path));
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(answer.text().contains(said), "{path}: {}", answer.text());
    }
    for wrong in ["film", "file%3A%2F%2F%2Fetc%2Fpasswd", "rtsp%3A%2F%2Fcamera%2F1"] {
        assert_eq!(get(server.http, &format!("/api/v1/web/{wrong}")).status, 400, "{wrong}");
    }
    // Looked at once each, whoever asks how often.
    let before = site.asked().len();
    found(&server, &site.url("/video"));
    assert_eq!(site.asked().len(), before);
}

#[test]
fn a_film_of_the_web_plays_like_a_file_and_is_read_where_it_is_watched() {
    let (site, server) = site_and_server("");
    let address = encoded(&site.url("/film.mp4"));
    let original = probe(&path_of(H264_MP4));
    for url in [
        format!("rtmp://{}/web/{address}", server.rtmp),
        format!(
            "rtmp://{}/web/{}",
            server.rtmp,
            crate::server::encoded(&site.url("/film.mp4")).replace('/', "%2F")
        ),
        format!("http://{}/web/flv/{address}", server.http),
        format!("http://{}/web/fmp4/{address}", server.http),
    ] {
        let packets = probe(&url);
        assert_eq!(lane(&packets, true).len(), lane(&original, true).len(), "{url}");
        assert!((span(&packets) - span(&original)).abs() < 0.3, "{url}");
        decodes(&[], &url);
    }
    let media = get(server.http, &format!("/web/media/{address}")).json();
    assert_eq!(media["video"]["passes"], true, "{media}");
    assert_eq!(media["name"], "film.mp4");
    assert!((media["duration"].as_f64().unwrap() - 20.0).abs() < 0.5, "{media}");
    // Eight times watched, one conversion: the film was read once, at a handful of places.
    let asked = site.asked();
    assert!(asked.len() < 12, "{asked:?}");
}

#[test]
fn seeking_in_a_film_of_the_web_reads_that_part() {
    let (site, server) = site_and_server("");
    let film = bytes_of(LONG_AVI);
    site.says("/long.avi", Says::Body("video/x-msvideo", film.clone()));
    let address = encoded(&site.url("/long.avi"));
    let url = format!("http://{}/web/fmp4/{address}?start=80", server.http);
    let packets = probe(&url);
    assert!(span(&packets) < 20.0, "{}", span(&packets));
    let ranges: Vec<u64> = site
        .asked()
        .iter()
        .filter_map(|line| line.split("bytes=").nth(1)?.split('-').next()?.parse().ok())
        .collect();
    assert!(ranges.iter().any(|from| *from > film.len() as u64 / 2), "read in the second half: {ranges:?}");
}

#[test]
fn a_server_that_breaks_off_is_asked_again_and_one_that_changes_the_film_is_not() {
    let (site, server) = site_and_server("");
    let film = bytes_of(H264_MKV);
    site.says("/film.mkv", Says::BreaksOff("video/x-matroska", film.clone(), film.len() / 5));
    decodes(&[], &format!("http://{}/web/flv/{}", server.http, encoded(&site.url("/film.mkv"))));
    let asked =
        site.asked().iter().filter(|line| line.contains("/film.mkv") && line.contains("bytes=")).count();
    assert!((5..40).contains(&asked), "{asked}");

    // An address that expires is found again through its page.
    site.says("/token-1.mkv", Says::Body("video/x-matroska", film.clone()));
    site.page("/page", "text/html", "<video src=/token-1.mkv></video>");
    assert_eq!(found(&server, &site.url("/page"))["kind"], "film");
    site.says("/token-1.mkv", Says::Status(403));
    site.says("/token-2.mkv", Says::Body("video/x-matroska", film.clone()));
    site.page("/page", "text/html", "<video src=/token-2.mkv></video>");
    decodes(&[], &format!("http://{}/web/flv/{}", server.http, encoded(&site.url("/page"))));

    // What is not there any more is told, and costs nothing else.
    site.says("/gone.mkv", Says::Body("video/x-matroska", film));
    assert_eq!(found(&server, &site.url("/gone.mkv"))["kind"], "film");
    site.says("/gone.mkv", Says::Body("video/x-matroska", Arc::new(vec![0; 1000])));
    let answer = get(server.http, &format!("/web/media/{}", encoded(&site.url("/gone.mkv"))));
    assert_eq!(answer.status, 415, "{}", answer.text());
    wait_until("no worker is left", LIMIT, || server.workers().is_empty());
}

#[test]
fn viewers_may_bring_no_addresses_where_the_owner_says_so_but_names_work() {
    let site = Site::open();
    site.says("/film.mp4", Says::Body("video/mp4", bytes_of(H264_MP4)));
    let text = format!(
        "[web]\nopen = false\n[[source]]\nname = \"house/trailer\"\nurl = \"{}\"\n",
        site.url("/film.mp4")
    );
    let server = Server::configured(samples::library(), &text);
    let refused = meaning(&server, "https://example.org/film.mp4");
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("open = true"), "{}", refused.text());
    // The owner's own may be anywhere, and is found beside the folders of the disk.
    let top = get(server.http, "/api/v1/library/").json();
    assert_eq!(
        (&top["entries"][0]["kind"], &top["entries"][0]["path"]),
        (&json!("folder"), &json!("web%3A"))
    );
    let listed = get(server.http, "/api/v1/library/web:").json();
    assert_eq!(listed["entries"][0]["name"], "house/trailer", "{listed}");
    let path = listed["entries"][0]["path"].as_str().unwrap();
    decodes(&[], &format!("http://{}/fmp4/{path}?start=10", server.http));
    decodes(&[], &format!("rtmp://{}/web/house/trailer", server.rtmp));
    // As a channel as well, as before.
    let seen = get_beginning(server.http, "/live/house/trailer.flv", 20_000);
    assert!(seen.body.len() >= 20_000, "{} {} bytes: {:.300}", seen.status, seen.body.len(), seen.text());
}

#[test]
fn hls_and_what_cannot_be_sought_in_are_streams() {
    let (site, server) = site_and_server("");
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("film.m3u8");
    let arguments =
        ["-v", "error", "-i", &path_of(H264_MP4), "-c", "copy", "-hls_time", "2", "-hls_list_size", "0"];
    succeed("ffmpeg", &[&arguments[..], &["-f", "hls", list.to_str().unwrap()]].concat(), LIMIT);
    for file in folder.path().read_dir().unwrap().map(Result::unwrap) {
        let kind = if file.path().extension().unwrap() == "ts" {
            "video/mp2t"
        } else {
            "application/vnd.apple.mpegurl"
        };
        let body = Arc::new(std::fs::read(file.path()).unwrap());
        site.says(&format!("/hls/{}", file.file_name().to_str().unwrap()), Says::Whole(kind, body));
    }
    site.says("/tv.ts", Says::Whole("video/mp2t", bytes_of(samples::H264_TS)));
    for path in ["/hls/film.m3u8", "/tv.ts"] {
        let told = found(&server, &site.url(path));
        assert_eq!(told["kind"], "stream", "{told}");
        let name = told["live"].as_str().unwrap();
        let seen = get_beginning(server.http, &format!("/live/{name}.flv"), 100_000);
        assert!(seen.body.starts_with(b"FLV"), "{path}: {}", seen.text());
        let figures = get(server.http, &format!("/api/v1/sources/{name}")).json();
        assert_eq!(figures["origin"], "viewer", "{figures}");
        // The other addresses of the same.
        let address = encoded(&site.url(path));
        assert!(get_beginning(server.http, &format!("/web/flv/{address}"), 20_000).body.starts_with(b"FLV"));
        let file = folder.path().join("seen.flv");
        let url = format!("rtmp://{}/web/{address}", server.rtmp);
        let arguments = ["-v", "error", "-i", &url, "-t", "3", "-c", "copy", "-y", file.to_str().unwrap()];
        succeed("ffmpeg", &arguments, LIMIT);
        assert!(span(&probe(file.to_str().unwrap())) > 2.0, "{path}");
    }
    // A playlist that names what must not be reached.
    let (inside, reached) = canary();
    let list = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"http://{inside}/init\"\n#EXTINF:2,\nhttp://{inside}/a.ts\n#EXT-X-ENDLIST\n"
    );
    site.page("/evil.m3u8", "application/vnd.apple.mpegurl", &list);
    let told = found(&server, &site.url("/evil.m3u8"));
    let name = told["live"].as_str().unwrap();
    let mut bytes = get_beginning(server.http, &format!("/live/{name}.flv"), 1000).status;
    assert!(bytes == 404 || bytes == 504, "{bytes}");
    bytes = u16::try_from(reached.load(Ordering::Relaxed)).unwrap();
    assert_eq!(bytes, 0, "nothing inside was reached");
}

#[test]
fn a_radios_playlist_is_a_source() {
    let site = Site::open();
    let song = samples::library().join("Music/Ein Lied.mp3");
    site.says("/radio", Says::Whole("audio/mpeg", Arc::new(std::fs::read(song).unwrap())));
    site.page("/radio.pls", "audio/x-scpls", &format!("[playlist]\nFile1={}\n", site.url("/radio")));
    site.page("/page", "text/html", "<audio src=/radio></audio>");
    let text = ["pls", "page"].map(|name| {
        let path = if name == "pls" { "/radio.pls" } else { "/page" };
        format!("[[source]]\nname = \"{name}\"\nurl = \"{}\"\n", site.url(path))
    });
    let server = Server::configured(samples::library(), &text.concat());
    for name in ["pls", "page"] {
        let heard = get_beginning(server.http, &format!("/live/{name}.flv"), 10_000);
        assert!(heard.body.starts_with(b"FLV"), "{name}: {}", heard.text());
    }
}

#[test]
fn what_hangs_and_what_never_ends_costs_its_own_request_alone() {
    let (site, mut server) = site_and_server("");
    site.says("/hangs", Says::Hangs("Content-Type: text/html\r\nContent-Length: 100000\r\n\r\n<html>"));
    let big = Arc::new([b"<p>".repeat(4 << 20), b"<video src=film.mp4></video>".to_vec()].concat());
    site.says("/big", Says::Whole("text/html", big));
    let began = Instant::now();
    assert_eq!(meaning(&server, &site.url("/big")).status, 415, "only so much of a page is looked at");
    let hung = meaning(&server, &site.url("/hangs"));
    assert_eq!(hung.status, 502, "{}", hung.text());
    assert!(began.elapsed() < Duration::from_secs(50), "{:?}", began.elapsed());
    server.must_be_well();
}
