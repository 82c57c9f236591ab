//! The library as a network folder, by the clients that people have: curl, cadaver, and litmus, which tries what RFC 4918 asks for.

use crate::http_client::{Answer, get, request, request_with};
use crate::server::{Server, folder_for_server};
use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const PASSWORD: &str = "a password of tests";

/// A server whose library, one folder that takes files, is shared unless `off`; with the owner's session and the `Authorization`
/// of a file manager.
struct House {
    folder: TempDir,
    server: Server,
    basic: String,
}

fn house(share: bool) -> House {
    let folder = folder_for_server();
    std::fs::create_dir(folder.path().join("Films")).unwrap();
    if crate::samples::we_are_root() {
        let nobody = Some(crate::samples::NOBODY);
        for path in [folder.path().to_owned(), folder.path().join("Films")] {
            std::os::unix::fs::chown(path, nobody, nobody).unwrap();
        }
    }
    let configuration = format!(
        "[access]\nmode = \"owner\"\n[upload]\nfolders = [\"{}\"]\nkeep_free_mb = 1\n",
        folder.path().display()
    );
    let server = Server::configured(folder.path(), &configuration);
    let claimed = request(server.http, "POST", "/api/v1/claim", &json!({ "password": PASSWORD }).to_string());
    let cookie = claimed.header("set-cookie").split(';').next().unwrap().to_owned();
    if share {
        let cookie = format!("Cookie: {cookie}\r\n");
        let section = crate::http_client::get_with(server.http, "/api/v1/settings/library", &cookie);
        let headers =
            format!("{cookie}Content-Type: application/json\r\nIf-Match: {}\r\n", section.header("etag"));
        let body = json!({ "share": true }).to_string();
        let set = request_with(server.http, "PATCH", "/api/v1/settings/library", &headers, &body);
        assert_eq!(set.status, 200, "{}", set.text());
    }
    let basic = data_encoding::BASE64.encode(format!("ada:{PASSWORD}").as_bytes());
    House { folder, server, basic: format!("Authorization: Basic {basic}\r\n") }
}

impl House {
    fn ask(&self, method: &str, target: &str, headers: &str, body: &str) -> Answer {
        request_with(self.server.http, method, target, &format!("{}{headers}", self.basic), body)
    }

    fn path(&self, below: &str) -> std::path::PathBuf {
        self.folder.path().join(below)
    }

    fn url(&self, below: &str) -> String {
        format!("http://{}/share/{below}", self.server.http)
    }
}

#[test]
fn the_network_folder_does_what_its_standard_asks_for() {
    let mut house = house(true);
    // Locks hold nobody off, and properties of others are not kept: those two suites ask for more than is promised.
    for suite in ["basic", "copymove", "http"] {
        let folder = tempfile::tempdir().unwrap();
        let done = Command::new("litmus")
            .args(["--keep-going", &house.url("Films/"), "ada", PASSWORD])
            .env("TESTS", suite)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("litmus; scripts/install-deps test brings it");
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(text.contains("0 failed"), "{suite}: {text}");
    }
    house.server.must_be_well();
}

#[test]
fn a_film_is_copied_by_a_client_with_a_prompt_and_plays() {
    let mut house = house(true);
    let film = crate::samples::path_of(crate::samples::SORENSON_FLV);
    let home = tempfile::tempdir().unwrap();
    let address = house.server.http;
    let login = format!("machine {}\nlogin ada\npassword {PASSWORD}\n", address.ip());
    let login = login.replace(PASSWORD, &format!("\"{PASSWORD}\""));
    std::fs::write(home.path().join(".netrc"), login).unwrap();
    let mut child = Command::new("cadaver")
        .arg(house.url("Films/"))
        .env("HOME", home.path())
        .current_dir(home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("cadaver; scripts/install-deps test brings it");
    let commands =
        format!("mkcol New\ncd New\nput \"{}\" film.flv\nmove film.flv other.flv\nls\nquit\n", film);
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), commands.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let there = house.path("Films/New/other.flv");
    assert!(there.exists(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read(&there).unwrap(), std::fs::read(&film).unwrap());
    assert!(text.contains("other.flv"), "{text}");
    let media = get(house.server.http, "/api/v1/media/Films/New/other.flv");
    assert_eq!(media.status, 200, "{}", media.text());
    house.server.must_be_well();
}

#[test]
fn only_the_owner_comes_in_and_only_when_it_is_on() {
    let house = house(true);
    let http = house.server.http;
    let nobody = request_with(http, "PROPFIND", "/share/", "Depth: 1\r\n", "");
    assert_eq!((nobody.status, nobody.header("www-authenticate").starts_with("Basic ")), (401, true));
    assert_eq!(house.ask("PROPFIND", "/share/", "Depth: 1\r\n", "").status, 207);
    let wrong = data_encoding::BASE64.encode(b"ada:not the password");
    let wrong = format!("Authorization: Basic {wrong}\r\nDepth: 1\r\n");
    let tried: Vec<u16> =
        (0..7).map(|_| request_with(http, "PROPFIND", "/share/", &wrong, "").status).collect();
    assert_eq!((tried[0], tried[6]), (401, 429), "guesses are counted: {tried:?}");
    // Whoever was right before is not held up by who guesses.
    assert_eq!(house.ask("PROPFIND", "/share/", "Depth: 1\r\n", "").status, 207);
    let foreign = "Depth: 1\r\nOrigin: http://evil.example\r\n";
    assert_eq!(house.ask("DELETE", "/share/Films", foreign, "").status, 403);
    assert!(house.path("Films").exists());
    let off = self::house(false);
    let refused = off.ask("PROPFIND", "/share/", "Depth: 1\r\n", "");
    assert!(refused.status == 403 && refused.text().contains("switch it on"), "{}", refused.text());
    // The password opens nothing but the folder.
    assert_eq!(off.ask("POST", "/api/v1/restart", "", "").status, 401);
}

#[test]
fn nothing_leads_out_of_the_library_and_half_files_are_not_seen() {
    let mut house = house(true);
    std::os::unix::fs::symlink("/etc", house.path("Films/out")).unwrap();
    std::fs::write(house.path("Films/.hidden"), "x").unwrap();
    for target in
        ["/share/Films/out/hostname", "/share/Films/.hidden", "/share/.uploads/x", "/share/Films/out"]
    {
        let seen = house.ask("GET", target, "", "");
        assert_eq!(seen.status, 404, "{target}");
        assert_ne!(house.ask("PUT", target, "", "x").status, 201, "{target}");
        if !target.ends_with("/out") {
            assert_ne!(house.ask("DELETE", target, "", "").status, 204, "{target}");
        }
    }
    assert!(Path::new("/etc").exists() && house.path("Films/.hidden").exists());
    let listed = house.ask("PROPFIND", "/share/Films", "Depth: 1\r\n", "").text();
    assert!(!listed.contains("out") && !listed.contains("hidden"), "{listed}");
    for destination in ["/share/../x.avi", "http://evil.example/share/x", "/api/v1/x"] {
        std::fs::write(house.path("Films/a.srt"), "x").unwrap();
        let moved = house.ask("MOVE", "/share/Films/a.srt", &format!("Destination: {destination}\r\n"), "");
        assert!((400..600).contains(&moved.status), "{destination}");
    }
    let part = house.ask("PUT", "/share/Films/b.avi", "Content-Range: bytes 0-3/10\r\n", "abcd");
    assert_eq!(part.status, 400);
    assert!(!house.path("Films/b.avi").exists());
    for body in ["<a>".repeat(20_000), "<".to_owned(), "x".repeat(100_000)] {
        let refused = house.ask("PROPFIND", "/share/Films", "Depth: 0\r\n", &body);
        assert!((400..500).contains(&refused.status), "{}", refused.status);
    }
    // What macOS puts beside a file is taken and not kept.
    assert_eq!(house.ask("PUT", "/share/Films/._a.avi", "", "x").status, 201);
    assert!(!house.path("Films/._a.avi").exists());
    house.server.must_be_well();
}
