//! Real yt-dlp, as `scripts/yt-dlp-wheel` brings it.

use super::{LIMIT, bytes_of, canary, encoded, found, meaning};
use crate::http_client::{get, request};
use crate::packets::decodes;
use crate::program::succeed;
use crate::samples::{self, H264_MP4, server_program};
use crate::server::{Server, folder_for_server, server_command};
use crate::site::{Says, Site};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The wheel that scripts/yt-dlp-wheel brings, and its version.
fn wheel() -> (PathBuf, String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/yt-dlp-wheel");
    let output = std::process::Command::new(script).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{script}: {said}");
    let path = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    let name = path.file_name().unwrap().to_str().unwrap();
    let version = name.split('-').nth(1).unwrap().to_owned();
    (path, version)
}

/// A package index with one version of yt-dlp.
fn index(site: &Site, version: &str, wheel: &[u8], sha256: &str) {
    let name = format!("yt_dlp-{version}-py3-none-any.whl");
    let about = json!({
        "info": {"version": version},
        "urls": [
            {"filename": format!("yt_dlp-{version}.tar.gz"), "url": "/x", "digests": {"sha256": ""}},
            {"filename": name, "url": format!("/files/{name}"), "digests": {"sha256": sha256}},
        ],
    });
    site.page("/pypi/yt-dlp/json", "application/json", &about.to_string());
    site.page(&format!("/pypi/yt-dlp/{version}/json"), "application/json", &about.to_string());
    site.says(&format!("/files/{name}"), Says::Whole("application/octet-stream", Arc::new(wheel.to_vec())));
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

/// A wheel that unpacks and does not work.
fn bad_wheel(folder: &Path) -> Vec<u8> {
    let (code, file) = (folder.join("yt_dlp"), folder.join("bad.whl"));
    std::fs::create_dir_all(&code).unwrap();
    std::fs::write(code.join("__main__.py"), "raise SystemExit('this version is broken')\n").unwrap();
    std::fs::write(code.join("__init__.py"), "").unwrap();
    let arguments = ["-m", "zipfile", "-c", file.to_str().unwrap(), code.to_str().unwrap()];
    succeed("/usr/bin/python3", &arguments, LIMIT);
    std::fs::read(file).unwrap()
}

#[test]
fn real_yt_dlp_is_installed_tried_used_and_rolled_back() {
    const PATIENCE: Duration = Duration::from_secs(300);
    let (path, version) = wheel();
    let wheel = std::fs::read(path).unwrap();
    let packages = Site::open();
    let site = Site::open();
    site.says("/film.mp4", Says::Body("video/mp4", bytes_of(H264_MP4)));
    let text =
        format!("[web]\nallow = [\"{}\"]\npackage_index = \"http://{}\"\n", site.address, packages.address);
    let server = Server::configured(samples::library(), &text);
    let install = |body: Value| {
        let body = body.to_string();
        let head = format!(
            "POST /api/v1/components/yt-dlp HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            server.http,
            body.len()
        );
        crate::http_client::send_within(server.http, head.as_bytes(), PATIENCE).unwrap()
    };
    let components = || get(server.http, "/api/v1/components").json()["components"][0].clone();
    assert_eq!(components()["version"], Value::Null);

    // What is not what the index promised is not used.
    index(&packages, &version, &wheel, &sha256(b"something else"));
    let answer = install(json!({}));
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(answer.text().contains("SHA-256"), "{}", answer.text());

    index(&packages, &version, &wheel, &sha256(&wheel));
    let answer = install(json!({ "version": version }));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["version"], version);
    assert!(answer.json()["notice"].as_str().unwrap().contains("terms"));

    // A page that only yt-dlp understands: a player that a script sets up.
    let player = |film: &str| {
        format!("<title>Player</title><script>jwplayer('a').setup({{\"file\": \"{film}\"}});</script>")
    };
    site.page("/player", "text/html", &player(&site.url("/film.mp4")));
    let told = found(&server, &site.url("/player"));
    assert_eq!((&told["kind"], &told["by"]), (&json!("film"), &json!("yt-dlp")), "{told}");
    assert!(told["notice"].as_str().unwrap().contains("terms"));
    decodes(&[], &format!("rtmp://{}/web/{}", server.rtmp, encoded(&site.url("/player"))));

    // What it finds, and where it is sent, passes the same door.
    let (inside, reached) = canary();
    site.page("/inside", "text/html", &player(&format!("http://{inside}/film.mp4")));
    site.says("/hop", Says::SendsOn(format!("http://{inside}/film.m3u8")));
    site.page("/inside-hls", "text/html", &player(&site.url("/hop?.m3u8")));
    for path in ["/inside", "/inside-hls"] {
        let answer = meaning(&server, &site.url(path));
        assert!(answer.status >= 400, "{path}: {}", answer.text());
    }
    assert_eq!(reached.load(Ordering::Relaxed), 0);
    site.page("/nothing", "text/html", "<title>x</title><p>y");
    let answer = meaning(&server, &site.url("/nothing"));
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("yt-dlp says: "), "{}", answer.text());

    // A version that does not work is not used; the one before stays.
    let folder = folder_for_server();
    let bad = bad_wheel(folder.path());
    index(&packages, "2099.1.1", &bad, &sha256(&bad));
    let answer = install(json!({}));
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(answer.text().contains("2099.1.1 does not find the film"), "{}", answer.text());
    assert_eq!(components()["version"], version);

    // The same from the command line, for another data folder; and one more step back and forth.
    let config = folder.path().join("c.toml");
    std::fs::write(&config, format!("[web]\npackage_index = \"http://{}\"\n", packages.address)).unwrap();
    index(&packages, &version, &wheel, &sha256(&wheel));
    let component = |words: &[&str]| {
        let mut command = server_command(server_program());
        command.arg("component").args(words).args(["--config", config.to_str().unwrap()]);
        let output = command.arg("--data").arg(folder.path().join("data")).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    assert!(component(&["status"]).contains("is not installed"), "{}", component(&["status"]));
    let said = component(&["install", "yt-dlp", &version]);
    assert!(said.contains(&format!("yt-dlp {version} is installed")), "{said}");
    assert!(component(&["status"]).contains(&version));
    assert!(component(&["rollback", "yt-dlp"]).contains("no version before"));
    assert!(component(&["remove", "yt-dlp"]).contains("removed"));

    let answer = request(server.http, "POST", "/api/v1/components/yt-dlp/rollback", "{}");
    assert_eq!(answer.status, 409, "{}", answer.text());
    assert_eq!(request(server.http, "DELETE", "/api/v1/components/yt-dlp", "").status, 200);
    assert_eq!(components()["version"], Value::Null);
    assert!(server.workers().is_empty(), "nothing of it is left");
}
