//! Folders in pages, searches, neighbours, changes as they happen, and where viewers left off.

use crate::http_client::{Answer, get, get_with, request};
use crate::program::wait_until;
use crate::server::{Server, folder_for_server};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Until a change in the library is known everywhere, on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(60);

/// A library of empty files.
fn library(names: &[&str]) -> TempDir {
    let folder = folder_for_server();
    for name in names {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    folder
}

#[track_caller]
fn names(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let entries = answer.json()["entries"].as_array().unwrap().clone();
    entries.iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_folder_of_thousands_comes_in_pages_that_fit_together() {
    let all: Vec<String> = (0..3000).map(|n| format!("Film {n}.avi")).collect();
    let folder = library(&all.iter().map(String::as_str).collect::<Vec<_>>());
    let server = Server::over(folder.path());
    let mut seen = Vec::new();
    while seen.len() < all.len() {
        let answer = get(server.http, &format!("/api/v1/library/?offset={}&limit=700", seen.len()));
        let folder = answer.json();
        assert_eq!((&folder["total"], &folder["offset"]), (&3000.into(), &seen.len().into()));
        seen.extend(names(&answer));
    }
    assert_eq!(seen, all, "in the order of their numbers");
    let last = get(server.http, "/api/v1/library/?sort=name&order=desc&limit=1");
    assert_eq!(names(&last), ["Film 2999.avi"]);
    assert_eq!(names(&get(server.http, "/api/v1/library/?q=film+2998")), ["Film 2998.avi"]);
    for wrong in ["limit=0", "limit=-1", "offset=x", "sort=colour", "order=1", "kind=films"] {
        let answer = get(server.http, &format!("/api/v1/library/?{wrong}"));
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().contains("write"), "{}", answer.text());
    }
}

#[test]
fn searches_find_names_anywhere_and_follow_the_library() {
    let folder = library(&[
        "Serien/Größe/Folge 10.mkv",
        "Serien/Größe/Folge 2.mkv",
        "Musik/Große Freiheit.mp3",
        "b.jpg",
    ]);
    let server = Server::over(folder.path());
    let search = |query: &str| names(&get(server.http, &format!("/api/v1/search?{query}")));
    assert_eq!(search("q=GROSSE"), ["Größe", "Große Freiheit.mp3"]);
    assert_eq!(search("q=gr%C3%B6%C3%9Fe+folge"), ["Folge 2.mkv", "Folge 10.mkv"]);
    assert_eq!(search("q=folge&kind=video&limit=1&offset=1"), ["Folge 10.mkv"]);
    assert!(search("q=folge+freiheit").is_empty());
    let found = get(server.http, "/api/v1/search?q=freiheit").json();
    assert_eq!(found["entries"][0]["path"], "Musik/Gro%C3%9Fe%20Freiheit.mp3");
    std::fs::write(folder.path().join("Musik/Freiheit 2.mp3"), "x").unwrap();
    wait_until("the new file is found", LIMIT, || search("q=freiheit").len() == 2);
    std::fs::remove_file(folder.path().join("Musik/Große Freiheit.mp3")).unwrap();
    assert_eq!(search("q=freiheit"), ["Freiheit 2.mp3"], "what is gone is not shown");
}

#[test]
fn a_file_knows_its_neighbours() {
    let folder = library(&["f/2.avi", "f/10.avi", "f/1.mp3", "f/p.jpg", "f/sub/x.avi"]);
    let server = Server::over(folder.path());
    let beside = |path: &str| get(server.http, &format!("/api/v1/neighbours/{path}")).json();
    let middle = beside("f/2.avi");
    assert_eq!(
        (&middle["previous"]["path"], &middle["next"]["path"]),
        (&"f/1.mp3".into(), &"f/10.avi".into())
    );
    assert_eq!((&middle["place"], &middle["total"]), (&1.into(), &3.into()));
    let picture = beside("f/p.jpg");
    assert!(picture["previous"].is_null() && picture["next"].is_null(), "{picture}");
    assert_eq!(beside("f/2.avi?order=desc")["next"]["path"], "f/1.mp3");
    assert_eq!(get(server.http, "/api/v1/neighbours/f/none.avi").status, 404);
}

/// Reads an event stream line by line.
struct Events(BufReader<TcpStream>);

impl Events {
    fn open(server: &Server, headers: &str) -> Self {
        let mut socket = TcpStream::connect(server.http).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        write!(socket, "GET /api/v1/events HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", server.http).unwrap();
        Self(BufReader::new(socket))
    }

    /// The rest of the first line that begins like this.
    #[track_caller]
    fn next(&mut self, start: &str) -> String {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < LIMIT, "nothing that begins with {start}");
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream has ended");
            if let Some(rest) = line.strip_prefix(start) {
                return rest.trim().to_owned();
            }
        }
    }
}

#[test]
fn changes_in_the_library_are_told_as_they_happen() {
    let folder = library(&["films/a.avi"]);
    let server = Server::over(folder.path());
    let mut events = Events::open(&server, "");
    assert!(events.next("HTTP/1.1 ").starts_with("200"));
    let first_id = events.next("id:");
    // The first walk is over.
    assert_eq!(events.next("data:"), r#"{"folders":null}"#);
    std::fs::write(folder.path().join("films/b.avi"), "x").unwrap();
    loop {
        let id = events.next("id:");
        let event: Value = serde_json::from_str(&events.next("data:")).unwrap();
        assert_ne!(id, first_id);
        if event["folders"].as_array().is_some_and(|folders| folders.contains(&"films".into())) {
            break;
        }
    }
    // Who was away meanwhile is told at once.
    let mut again = Events::open(&server, &format!("Last-Event-ID: {first_id}\r\n"));
    assert_eq!(again.next("event:"), "library");
    assert_eq!(again.next("data:"), r#"{"folders":null}"#);
}

#[test]
fn where_somebody_left_off_is_known_after_a_restart_and_to_all_of_the_name() {
    let folder = library(&["films/a b.avi"]);
    let mut server = Server::over(folder.path());
    let address = "/api/v1/positions/J%C3%B6rg/films/a%20b.avi";
    assert_eq!(get(server.http, address).status, 404);
    let put = request(server.http, "PUT", address, r#"{"position":61.5,"duration":100}"#);
    assert_eq!(put.status, 200, "{}", put.text());
    request(server.http, "PUT", "/api/v1/positions/anna/x.avi", r#"{"position":1}"#);
    server.restart();
    let own = get(server.http, "/api/v1/positions/J%C3%B6rg").json();
    assert_eq!(own["positions"].as_array().unwrap().len(), 1, "{own}");
    let one = &own["positions"][0];
    assert_eq!((&one["path"], &one["name"]), (&"films/a%20b.avi".into(), &"a b.avi".into()));
    assert_eq!((&one["position"], &one["duration"]), (&61.5.into(), &100.0.into()));
    for (body, status) in [
        (r#"{"position":-1}"#, 400),
        (r#"{"position":1e400}"#, 400),
        (r#"{"position":"x"}"#, 400),
        (r#"{"position":1,"more":2}"#, 400),
        ("", 400),
    ] {
        assert_eq!(request(server.http, "PUT", address, body).status, status, "{body}");
    }
    assert_eq!(request(server.http, "DELETE", address, "").status, 204);
    assert_eq!(request(server.http, "DELETE", address, "").status, 404);
    assert_eq!(request(server.http, "DELETE", "/api/v1/positions/anna", "").status, 204);
    assert_eq!(get(server.http, "/api/v1/positions/anna").json()["positions"].as_array().unwrap().len(), 0);
    let foreign = get_with(server.http, address, "Origin: http://evil.example\r\n");
    assert_eq!(foreign.header("access-control-allow-origin"), "");
    for bad in ["/api/v1/positions/", "/api/v1/positions//x", "/api/v1/positions/a%0Ab"] {
        assert_eq!(get(server.http, bad).status, 400, "{bad}");
    }
}
