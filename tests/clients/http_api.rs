//! The JSON API, the events, and the 2007 player's `/getdir/`.

use crate::http_client::{self, Answer, get};
use crate::samples::{AWKWARD_MP4, BROKEN, CONVERTED, H264_MP4, JAPANESE_MP4, LONG_AVI, library};
use crate::server::{Server, encoded};
use serde_json::Value;
use std::time::Duration;

/// A refusal must be RFC 9457's problem+json with a sentence that helps.
#[track_caller]
fn is_problem(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(answer.header("content-type").starts_with("application/problem+json"), "{answer:?}");
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    assert!(problem["type"].as_str().is_some_and(|kind| kind.starts_with("/problems/")), "{problem}");
    assert!(problem["instance"].as_str().is_some_and(|address| address.starts_with('/')), "{problem}");
    for key in ["title", "detail"] {
        assert!(problem[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {problem}");
    }
}

/// The entries of a listing.
#[track_caller]
fn entries(server: &Server, path: &str) -> Vec<Value> {
    let answer = get(server.http, &format!("/api/v1/library/{path}"));
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    assert!(answer.header("content-type").starts_with("application/json"), "{answer:?}");
    answer.json()["entries"].as_array().unwrap().clone()
}

#[test]
fn the_library_lists_every_file_that_can_be_played_and_its_paths_work() {
    let server = Server::start();
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let listing = entries(&server, &folder);
        let kinds: Vec<bool> = listing.iter().map(|entry| entry["kind"] != "folder").collect();
        assert!(kinds.is_sorted(), "{folder}: folders come first");
        for entry in listing {
            let (path, name) = (entry["path"].as_str().unwrap(), entry["name"].as_str().unwrap());
            assert!(path.is_ascii() && !path.contains([' ', '?', '#']), "{path} can stand in a URL");
            assert!(!name.starts_with('.'), "{name} is hidden");
            match entry["kind"].as_str().unwrap() {
                "folder" => {
                    assert!(entry["size"].is_null());
                    folders.push(path.to_owned());
                }
                kind => {
                    let decoded =
                        percent_encoding::percent_decode_str(path).decode_utf8().unwrap().into_owned();
                    let size = std::fs::metadata(library().join(&decoded)).unwrap().len();
                    assert_eq!(entry["size"].as_u64(), Some(size), "{decoded}");
                    files.push((decoded, kind.to_owned()));
                }
            }
        }
    }
    let kind_of = |wanted: &str| files.iter().find(|(path, _)| path == wanted).map(|(_, kind)| kind.as_str());
    for film in [H264_MP4, AWKWARD_MP4, JAPANESE_MP4, LONG_AVI, "Flash Era/wii clip.flv"] {
        assert_eq!(kind_of(film), Some("video"), "{film}");
    }
    assert_eq!(kind_of("Music/Ein Lied.mp3"), Some("audio"));
    assert_eq!(kind_of("Pictures/Test Card.jpg"), Some("picture"));
}

#[test]
fn a_media_answer_names_codecs_size_and_length() {
    let server = Server::start();
    let media = |path: &str| {
        let answer = get(server.http, &format!("/api/v1/media/{}", encoded(path)));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    };
    for path in [H264_MP4, AWKWARD_MP4, JAPANESE_MP4].iter().chain(CONVERTED) {
        let answer = media(path);
        let mime = answer["mime"].as_str().unwrap();
        assert!(mime.contains("codecs=\"") && mime.contains("mp4a.40.2"), "{path}: {mime}");
        let music = path.starts_with("Music/");
        assert_eq!(answer["video"].is_null(), music, "{path}: {answer}");
        assert_eq!(mime.contains("avc1."), !music, "{path}: {mime}");
        assert!(!answer["audio"].is_null(), "{path}: {answer}");
        assert!(answer["available"].is_number() && answer["complete"].is_boolean(), "{path}: {answer}");
        assert_eq!(answer["name"], path.rsplit('/').next().unwrap());
        assert_eq!(
            answer["path"].as_str().unwrap().contains('%'),
            encoded(path).contains('%'),
            "{path}: {answer}"
        );
    }
    let film = media(H264_MP4);
    assert!((film["duration"].as_f64().unwrap() - 20.0).abs() < 0.3, "{film}");
    assert_eq!((&film["video"]["width"], &film["video"]["height"]), (&640.into(), &360.into()));
}

#[test]
fn a_length_is_listed_once_it_is_known() {
    let server = Server::start();
    get(server.http, &format!("/api/v1/media/{}", encoded(H264_MP4)));
    let mut found = None;
    crate::program::wait_until("the listing has the film's length", Duration::from_secs(20), || {
        let films = entries(&server, "Films");
        let film = films.iter().find(|entry| entry["name"] == "Big Test (H.264).mp4").unwrap();
        found = film["duration"].as_f64();
        found.is_some()
    });
    assert!((found.unwrap() - 20.0).abs() < 0.3, "{found:?}");
}

#[test]
fn what_is_not_there_or_no_media_is_a_problem_with_an_advice() {
    let mut server = Server::start();
    for base in ["/api/v1/library/", "/api/v1/media/", "/fmp4/", "/flv/"] {
        is_problem(&get(server.http, &format!("{base}nothing/like%20this.mp4")), 404);
    }
    is_problem(&get(server.http, "/api/v1/nothing"), 404);
    for broken in BROKEN {
        let answer = get(server.http, &format!("/api/v1/media/{}", encoded(broken)));
        assert!((400..500).contains(&answer.status), "{broken}: {} {}", answer.status, answer.text());
        is_problem(&answer, answer.status);
    }
    server.must_be_well();
}

#[test]
fn other_methods_are_refused_and_head_has_no_body() {
    let server = Server::start();
    for method in ["POST", "PUT", "DELETE"] {
        let request = format!(
            "{method} /api/v1/library/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let answer = http_client::send(server.http, request.as_bytes(), usize::MAX).unwrap();
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
    }
    let options = http_client::request(server.http, "OPTIONS", "/api/v1/sources", "");
    assert_eq!((options.status, options.header("allow")), (204, "GET, HEAD, POST, OPTIONS"));
    for address in
        ["/api/v1/library/", "/api/v1/index", "/plain/", "/m3u/.m3u8", "/download/Flash%20Era/wii%20clip.flv"]
    {
        let request =
            format!("HEAD {address} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.http);
        let head = http_client::send(server.http, request.as_bytes(), 0).unwrap();
        let got = get(server.http, address);
        assert_eq!((head.status, head.body.len()), (200, 0), "{address}");
        assert_eq!(head.header("content-length"), got.body.len().to_string(), "{address}");
        assert_eq!(head.header("etag"), got.header("etag"), "{address}");
    }
}

#[test]
fn what_did_not_change_is_not_sent_again() {
    let server = Server::start();
    let first = get(server.http, "/api/v1/library/Films?limit=3");
    let tag = first.header("etag").to_owned();
    assert!(tag.len() > 2, "{first:?}");
    for (known, status) in [(tag.as_str(), 304), ("*", 304), ("\"other\"", 200)] {
        let again = http_client::get_with(
            server.http,
            "/api/v1/library/Films?limit=3",
            &format!("If-None-Match: {known}\r\n"),
        );
        assert_eq!(again.status, status, "{known}");
        assert_eq!(again.header("etag"), tag, "{known}");
        assert_eq!(again.body.is_empty(), status == 304, "{known}");
    }
}

#[test]
fn a_person_gets_words_and_a_program_gets_a_problem() {
    let server = Server::start();
    let browser =
        |address: &str| http_client::get_with(server.http, address, "Accept: text/html,*/*;q=0.8\r\n");
    is_problem(&browser("/api/v1/library/nothing"), 404);
    is_problem(&get(server.http, "/flv/nothing.avi"), 404);
    let words = browser("/flv/nothing.avi");
    assert_eq!((words.status, words.header("content-type")), (404, "text/plain; charset=utf-8"));
    assert!(words.text().contains("nothing.avi") && !words.text().contains('{'), "{}", words.text());
    let kind = get(server.http, "/api/v1/nothing").json()["type"].as_str().unwrap().to_owned();
    assert_eq!(get(server.http, &kind).status, 200, "the type of a problem can be looked up");
}

#[test]
fn the_page_and_what_it_needs_come_with_a_strict_policy() {
    let server = Server::start();
    let page = get(server.http, "/");
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    let policy = page.header("content-security-policy");
    for rule in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(rule), "no {rule} in {policy:?}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let text = page.text();
    let loaded = ["src=\"http", "href=\"http", "src=\"//", "href=\"//"];
    assert!(!loaded.iter().any(|other| text.contains(other)), "the page loads from another host");
    let assets: Vec<&str> = text.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(!assets.is_empty(), "{text}");
    for asset in assets {
        let answer = get(server.http, asset);
        assert_eq!(answer.status, 200, "{asset}");
        assert!(!answer.body.is_empty(), "{asset}");
    }
}

#[test]
fn events_tell_how_far_a_conversion_is() {
    let server = Server::start();
    let path = encoded(LONG_AVI);
    let target = format!("/api/v1/events?path={path}&target=80");
    let answer = http_client::get_beginning(server.http, &target, 300);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("content-type").starts_with("text/event-stream"), "{answer:?}");
    let text = answer.text();
    let event =
        text.split("\n\n").find(|event| event.contains("event: media") || event.contains("event:media"));
    let data =
        event.and_then(|event| event.lines().find_map(|line| line.strip_prefix("data:"))).expect(&text);
    let data: Value = serde_json::from_str(data.trim()).expect(data);
    for key in ["duration", "available", "complete", "target", "eta", "error"] {
        assert!(data.get(key).is_some(), "no {key} in {data}");
    }
    assert_eq!(data["target"].as_f64(), Some(80.0));
    assert!(data["error"].is_null(), "{data}");
}

#[test]
fn the_2007_player_gets_its_listing() {
    let server = Server::start();
    let listing = |path: &str| {
        let answer = get(server.http, path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let text = answer.text();
        let encoded = text.strip_prefix("result=").unwrap_or_else(|| panic!("{path}: {text}"));
        // LoadVars splits at these.
        assert!(!encoded.contains(['&', '=', ' ', '"']), "{path}: {text}");
        let json = percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap().into_owned();
        let value: Value = serde_json::from_str(&json).unwrap();
        let names = |key: &str| -> Vec<String> {
            value[key].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        (names("aDir"), names("aFile"))
    };
    for top in ["/getdir/", "/getdir//", "/getdir"] {
        let (folders, files) = listing(top);
        assert_eq!(
            folders,
            ["Broken", "Films", "Flash Era", "Für die Kinder", "Music", "Pictures", "Web", "日本語"],
            "{top}"
        );
        assert!(files.is_empty(), "{top}: {files:?}");
    }
    for path in
        ["/getdir/Flash%20Era", "/getdir//Flash%20Era/", "/getdir/Flash Era".replace(' ', "%20").as_str()]
    {
        assert_eq!(listing(path), (vec![], vec!["H264.flv".to_owned(), "wii clip.flv".to_owned()]), "{path}");
    }
    assert_eq!(listing(&format!("/getdir/{}", encoded("日本語"))).1, ["テスト.mp4"]);
}

#[test]
fn the_2007_player_may_read_from_another_port_and_give_feedback() {
    let server = Server::start();
    let policy = get(server.http, "/crossdomain.xml");
    assert_eq!(policy.status, 200);
    assert!(policy.text().contains("cross-domain-policy"), "{}", policy.text());
    assert_eq!(get(server.http, "/feedback/hello%20there").status, 200);
}
