//! Addresses of the home and of this machine, in every spelling: none is reached. What names and servers of the internet do is in `egress`.

use super::{LIMIT, canary, encoded, meaning, site_and_server};
use crate::http_client::get;
use crate::program::run;
use crate::site::Says;
use std::sync::atomic::Ordering;

#[test]
fn nothing_inside_is_reached_by_an_address_from_outside() {
    let (site, mut server) = site_and_server("");
    let (inside, reached) = canary();
    let port = inside.port();
    site.says("/to-inside", Says::SendsOn(format!("http://127.0.0.1:{port}/film.mp4")));
    site.says("/to-inside-by-name", Says::SendsOn(format!("http://localhost:{port}/film.mp4")));
    site.says("/to-private", Says::SendsOn("http://10.0.0.1/film.mp4".into()));
    site.page(
        "/page-inside",
        "text/html",
        &format!("<video src='http://127.0.0.1:{port}/film.mp4'></video>"),
    );
    site.page("/list.m3u", "audio/x-mpegurl", &format!("#EXTM3U\nhttp://127.1:{port}/x\n"));
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://127.1:{port}/"),
        format!("http://0x7f000001:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://[::127.0.0.1]:{port}/"),
        format!("http://[64:ff9b::127.0.0.1]:{port}/"),
        format!("http://[2002:7f00:1::]:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        "http://10.0.0.1/".to_owned(),
        "http://192.168.1.1/".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[fe80::1]/".to_owned(),
        "http://[fd00::1]/".to_owned(),
        format!("http://{}/", server.http),
        site.url("/to-inside"),
        site.url("/to-inside-by-name"),
        site.url("/to-private"),
        site.url("/page-inside"),
        site.url("/list.m3u"),
    ] {
        let answer = meaning(&server, &url);
        assert_eq!(answer.status, 403, "{url}: {}", answer.text());
        assert!(answer.text().contains("[web]"), "{url}: {}", answer.text());
    }
    // The other ways to the same.
    let address = encoded(&format!("http://127.0.0.1:{port}/film.mp4"));
    for path in ["/web/flv/", "/web/fmp4/", "/web/media/", "/flv/web:/", "/api/v1/media/web:/"] {
        assert_eq!(get(server.http, &format!("{path}{address}")).status, 403, "{path}");
    }
    let url = format!("rtmp://{}/web/{address}", server.rtmp);
    assert!(!run("ffprobe", &["-v", "error", &url], LIMIT).status.success());
    assert_eq!(reached.load(Ordering::Relaxed), 0);
    server.must_be_well();
}
