//! The index: what listings know of files, their pictures, and what becomes of them when files and servers come and go.

use crate::http_client::{get, get_with};
use crate::program::{succeed, wait_until};
use crate::server::{Server, folder_for_server};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

/// Looking at a handful of small files on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(240);

const BACKGROUND: &str = "[index]\nbackground = true\n[cache]\nkeep_free_mb = 1\n";

/// A library of small films, written long ago.
struct Films(TempDir);

impl Films {
    fn new() -> Self {
        Self(folder_for_server())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// One with sound, tags and two chapters, whose picture changes every second.
    #[track_caller]
    fn film(&self, name: &str, seconds: u32) -> PathBuf {
        let chapters = self.path().join("chapters.txt");
        std::fs::write(
            &chapters,
            ";FFMETADATA1\ntitle=A Title\nartist=Somebody\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=One\n\
             [CHAPTER]\nTIMEBASE=1/1000\nSTART=2000\nEND=4000\ntitle=Two\n",
        )
        .unwrap();
        let path = self.path().join(name);
        let picture = format!("testsrc2=s=320x180:r=25:d={seconds}");
        let tone = format!("sine=d={seconds}");
        let arguments = [
            "-v",
            "error",
            "-nostdin",
            "-y",
            "-f",
            "lavfi",
            "-i",
            &picture,
            "-f",
            "lavfi",
            "-i",
            &tone,
            "-i",
            chapters.to_str().unwrap(),
            "-map_metadata",
            "2",
            "-map",
            "0",
            "-map",
            "1",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "25",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
            path.to_str().unwrap(),
        ];
        succeed("ffmpeg", &arguments, LIMIT);
        std::fs::remove_file(chapters).unwrap();
        self.age(name);
        path
    }

    #[track_caller]
    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path().join(name), bytes).unwrap();
        self.age(name);
    }

    /// Files written just now are left for later.
    #[track_caller]
    fn age(&self, name: &str) {
        let file = std::fs::File::options().write(true).open(self.path().join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    }
}

#[track_caller]
fn entries(server: &Server) -> Vec<Value> {
    get(server.http, "/api/v1/library/").json()["entries"].as_array().unwrap().clone()
}

#[track_caller]
fn progress(server: &Server) -> Value {
    get(server.http, "/api/v1/index").json()
}

/// All is known that can be: so many files.
#[track_caller]
fn settled(server: &Server, known: u64, failed: u64) {
    wait_until(&format!("{known} files are known and {failed} failed"), LIMIT, || {
        let now = progress(server);
        now["state"] == "idle" && now["known"] == known && now["failed"] == failed && now["asked"] == 0
    });
}

fn pictures(server: &Server) -> usize {
    let folders = std::fs::read_dir(server.data().join("index/pictures")).unwrap();
    folders.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count()).sum()
}

#[test]
fn films_are_looked_at_before_anybody_asks_and_never_again() {
    let films = Films::new();
    films.film("a film.mp4", 6);
    films.film("other.mkv", 4);
    films.write("broken.avi", &b"no film at all ".repeat(100));
    films.write("empty.mp3", b"");
    let mut server = Server::configured(films.path(), BACKGROUND);
    settled(&server, 2, 2);
    let listing = entries(&server);
    let film = listing.iter().find(|entry| entry["name"] == "a film.mp4").unwrap();
    assert!((film["duration"].as_f64().unwrap() - 6.0).abs() < 0.3, "{film}");
    assert_eq!((film["video"].as_str(), film["audio"].as_str()), (Some("H.264"), Some("AAC")));
    let broken = listing.iter().find(|entry| entry["name"] == "broken.avi").unwrap();
    assert!(broken["poster"].is_null() && broken["duration"].is_null());

    let address = film["poster"].as_str().unwrap();
    let poster = get(server.http, address);
    assert_eq!((poster.status, poster.header("content-type")), (200, "image/jpeg"));
    assert!(poster.body.starts_with(&[0xFF, 0xD8]) && poster.body.len() < 60_000);
    assert!(poster.header("cache-control").contains("immutable"), "{poster:?}");
    let tag = poster.header("etag").to_owned();
    let again = get_with(server.http, address, &format!("If-None-Match: {tag}\r\n"));
    assert_eq!((again.status, again.body.len()), (304, 0));
    let unversioned = get(server.http, "/api/v1/poster/a%20film.mp4");
    assert_eq!((unversioned.status, unversioned.header("cache-control")), (200, "no-cache"));

    let info = get(server.http, "/api/v1/info/a%20film.mp4").json();
    assert_eq!(info["state"], "known", "{info}");
    assert_eq!(
        (info["tags"]["title"].as_str(), info["tags"]["artist"].as_str()),
        (Some("A Title"), Some("Somebody"))
    );
    assert_eq!(info["chapters"][1]["title"], "Two");
    assert_eq!((info["video"]["width"].as_u64(), info["video"]["height"].as_u64()), (Some(320), Some(180)));
    let times: Vec<f64> =
        info["bar"]["times"].as_array().unwrap().iter().map(|time| time.as_f64().unwrap()).collect();
    assert!(times.len() >= 3 && times.is_sorted(), "{times:?}");
    let bar = get(server.http, info["bar"]["address"].as_str().unwrap());
    assert_eq!((bar.status, bar.header("content-type")), (200, "image/jpeg"));
    let broken = get(server.http, "/api/v1/info/broken.avi").json();
    assert_eq!(broken["state"], "failed");
    assert!(broken["error"].as_str().unwrap().contains("choose another file"), "{broken}");
    let failures = progress(&server)["failures"].clone();
    assert_eq!(failures.as_array().unwrap().len(), 2, "{failures}");
    for (path, status) in
        [("/api/v1/info/none.mp4", 404), ("/api/v1/poster/broken.avi", 404), ("/api/v1/info/", 404)]
    {
        assert_eq!(get(server.http, path).status, status, "{path}");
    }
    let metrics = get(server.http, "/metrics").text();
    assert!(metrics.contains("wiidia_index_files{state=\"known\"} 2"), "{metrics}");

    server.restart();
    settled(&server, 2, 2);
    assert_eq!(progress(&server)["looked"], 0, "nothing is looked at twice");
    assert_eq!(get(server.http, address).status, 200);

    // Moved, it is the same film; deleted, it is none; a new one is noticed.
    std::fs::rename(films.path().join("a film.mp4"), films.path().join("renamed.mp4")).unwrap();
    std::fs::remove_file(films.path().join("broken.avi")).unwrap();
    wait_until("the move is noticed", LIMIT, || {
        let listing = entries(&server);
        progress(&server)["failed"] == 1
            && listing.iter().any(|entry| entry["name"] == "renamed.mp4" && entry["poster"].is_string())
    });
    std::fs::remove_file(films.path().join("other.mkv")).unwrap();
    wait_until("its pictures are gone", LIMIT, || pictures(&server) == 2);
    films.film("new.mp4", 4);
    settled(&server, 2, 1);
    server.must_be_well();
}

#[test]
fn a_damaged_index_is_made_anew_and_a_killed_server_loses_little() {
    let films = Films::new();
    let first = films.film("film 0.mp4", 3);
    for n in 1..12 {
        std::fs::copy(&first, films.path().join(format!("film {n}.mp4"))).unwrap();
        films.age(&format!("film {n}.mp4"));
    }
    let mut server = Server::configured(films.path(), BACKGROUND);
    // In the middle of the work.
    wait_until("some films are known", LIMIT, || progress(&server)["known"].as_u64() > Some(3));
    server.restart_after_kill();
    settled(&server, 12, 0);
    assert_eq!(pictures(&server), 24);
    let index = server.data().join("index/index");
    let damage = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = std::fs::read(&index).unwrap();
        change(&mut bytes);
        std::fs::write(&index, bytes).unwrap();
    };
    server.restart_after(|| damage(&|bytes| bytes.truncate(bytes.len() - 100)));
    settled(&server, 12, 0);
    // Once for who asked for the listing, once for the pictures.
    let looked = |server: &Server| progress(server)["looked"].as_u64().unwrap();
    assert!((1..=2).contains(&looked(&server)), "one line was cut");
    server
        .restart_after(|| damage(&|bytes| bytes.iter_mut().skip(40).step_by(50).for_each(|byte| *byte ^= 1)));
    settled(&server, 12, 0);
    assert!((12..=24).contains(&looked(&server)));
    assert_eq!(pictures(&server), 24, "what nothing names is deleted");
    server.restart_after(|| damage(&|bytes| bytes.clear()));
    settled(&server, 12, 0);

    // A picture that a power cut left half written is made again.
    let poster = entries(&server)[0]["poster"].as_str().unwrap().to_owned();
    let id = poster.rsplit_once("v=").unwrap().1.to_owned();
    let file = server.data().join("index/pictures").join(&id[..2]).join(format!("{id}.jpg"));
    let half = std::fs::read(&file).unwrap()[..500].to_vec();
    std::fs::write(&file, half).unwrap();
    assert_eq!(get(server.http, &poster).status, 404);
    wait_until("the picture is made again", LIMIT, || get(server.http, &poster).status == 200);
}

#[test]
fn a_disk_that_goes_away_and_comes_back_is_not_looked_at_again() {
    let place = Films::new();
    let disk = place.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let film = place.film("film.mp4", 3);
    std::fs::rename(film, disk.join("film.mp4")).unwrap();
    let mut server = Server::configured(&disk, BACKGROUND);
    settled(&server, 1, 0);
    let looked = progress(&server)["looked"].clone();
    let away = place.path().join("away");
    std::fs::rename(&disk, &away).unwrap();
    wait_until("it is missed", LIMIT, || progress(&server)["missing"] == 1);
    server.must_be_well_without_library();
    std::fs::rename(&away, &disk).unwrap();
    wait_until("it is back", LIMIT, || progress(&server)["missing"] == 0);
    assert_eq!(progress(&server)["looked"], looked);
    assert!(entries(&server)[0]["poster"].is_string());
}

#[test]
fn without_a_place_to_write_posters_stay_in_memory() {
    let films = Films::new();
    films.film("film.mp4", 3);
    let mut server = Server::configured(films.path(), BACKGROUND);
    settled(&server, 1, 0);
    let index = server.data().join("index");
    // Root's server runs as nobody, who owns the folder; a file in its place helps in all cases.
    server.restart_after(|| {
        std::fs::remove_dir_all(&index).unwrap();
        std::fs::write(&index, "in the way").unwrap();
    });
    settled(&server, 1, 0);
    let poster = entries(&server)[0]["poster"].as_str().unwrap().to_owned();
    assert_eq!(get(server.http, &poster).status, 200);
    assert!(server.log().contains("is kept in memory"));
}

#[test]
fn twenty_thousand_files_are_listed_at_once_while_they_are_looked_at() {
    let films = Films::new();
    for n in 0..20_000 {
        films.write(&format!("song {n}.mp3"), b"ID3");
    }
    films.film("the film.mp4", 3);
    let mut server = Server::configured(films.path(), BACKGROUND);
    wait_until("it is at work", LIMIT, || progress(&server)["waiting"].as_u64() > Some(10_000));
    let begun = Instant::now();
    assert_eq!(entries(&server).len(), 20_001);
    let listed = begun.elapsed();
    let (mut most, mut looks) = (Duration::ZERO, 0);
    for _ in 0..20 {
        let begun = Instant::now();
        assert_eq!(get(server.http, "/api/v1/index").status, 200);
        most = most.max(begun.elapsed());
        looks += 1;
    }
    eprintln!("20,000 files: listed in {listed:?}; {looks} small answers meanwhile, the slowest in {most:?}");
    // Generous: a debug build on a busy machine.
    assert!(listed < Duration::from_secs(10) && most < Duration::from_secs(3), "{listed:?} {most:?}");
    // Who looks at a film comes first.
    wait_until("the film is known", LIMIT, || {
        get(server.http, "/api/v1/info/the%20film.mp4").json()["bar"].is_object()
    });
    assert!(progress(&server)["waiting"].as_u64() > Some(5_000));
    server.must_be_well();
}
