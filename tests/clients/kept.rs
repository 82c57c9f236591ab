//! Finished conversions survive the server, and a full disk stops nothing that plays.

use crate::http_client::{get, request_with};
use crate::metrics::Metrics;
use crate::program::{command, start, succeed, wait_until};
use crate::samples::H264_MP4;
use crate::server::{Server, folder_for_server};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use wiidiaserver::limits::WINDOW_MOST;

/// A film of a few seconds must be made, or converted, by then, while other tests do the same.
const LIMIT: Duration = Duration::from_secs(120);

/// A library of our own that can be changed: two films that have to be encoded.
fn library() -> TempDir {
    let folder = folder_for_server();
    for (name, size) in [("a.avi", "320x180"), ("b.avi", "328x184")] {
        make(&folder.path().join(name), size);
    }
    folder
}

fn make(file: &Path, size: &str) {
    let picture = format!("testsrc2=s={size}:r=25:d=6");
    let arguments = [
        "-v",
        "error",
        "-y",
        "-f",
        "lavfi",
        "-i",
        &picture,
        "-f",
        "lavfi",
        "-i",
        "sine=f=440:d=6",
        "-c:v",
        "mpeg4",
        "-g",
        "25",
        "-c:a",
        "libmp3lame",
        file.to_str().unwrap(),
    ];
    succeed("ffmpeg", &arguments, LIMIT);
}

/// Frames of a film, each with its time and the sum of what it shows.
#[track_caller]
fn frames(url: &str) -> String {
    let said = succeed("ffmpeg", &["-v", "error", "-i", url, "-map", "0:v", "-f", "framemd5", "-"], LIMIT);
    assert!(said.stderr.is_empty(), "{url}: {}", said.stderr);
    String::from_utf8_lossy(&said.stdout).into_owned()
}

/// Plays a film to its end and waits until it is kept.
#[track_caller]
fn keep(server: &Server, film: &str) -> String {
    let before = Metrics::of(server).at("wiidia_cache_added_total");
    let frames = frames(&server.http_url("flv", film));
    wait_until("the conversion is kept", LIMIT, || {
        Metrics::of(server).at("wiidia_cache_added_total") > before
    });
    frames
}

fn begun(server: &Server) -> f64 {
    Metrics::of(server).at("wiidia_conversions_begun_total")
}

fn files(server: &Server) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(server.data().join("cache")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn what_was_converted_before_the_restart_is_played_without_a_worker() {
    let library = library();
    let mut server = Server::over(library.path());
    let expected = keep(&server, "a.avi");
    for kill in [false, true] {
        if kill {
            server.restart_after_kill()
        } else {
            server.restart()
        }
        let media = get(server.http, "/api/v1/media/a.avi").json();
        assert_eq!(
            (&media["complete"], &media["video"]["source"]),
            (&true.into(), &"MPEG-4 part 2".into()),
            "{media}"
        );
        assert_eq!(frames(&server.http_url("flv", "a.avi")), expected);
        // What is complete has a length, and any part of it.
        let part = request_with(server.http, "GET", "/flv/a.avi", "Range: bytes=1000-1999\r\n", "");
        assert_eq!((part.status, part.body.len()), (206, 1000));
        let last = frames(&format!("{}?start=5", server.http_url("flv", "a.avi")));
        assert!(last.lines().count() >= 25, "{last}");
        assert!(!frames(&server.http_url("fmp4", "a.avi")).is_empty());
        let rtmp = ["-v", "error", "-i", &server.rtmp_url("a.avi"), "-c", "copy", "-f", "null", "-"];
        succeed("ffmpeg", &rtmp, LIMIT);
        let metrics = Metrics::of(&server);
        assert_eq!(metrics.at("wiidia_conversions_begun_total"), 0.0, "{}", server.log());
        assert_eq!(metrics.at("wiidia_cache_restored_total"), 1.0);
        assert_eq!(server.workers(), [] as [u32; 0]);
    }
    // A choice that makes no difference is the same one; another profile is not.
    frames(&format!("{}?audio=0", server.http_url("flv", "a.avi")));
    assert_eq!(begun(&server), 0.0);
    frames(&format!("{}?profile=flash", server.http_url("flv", "a.avi")));
    assert_eq!(begun(&server), 1.0);
}

#[test]
fn a_film_that_only_passes_is_not_kept_unless_the_owner_says_so() {
    let mut server = Server::start();
    frames(&server.http_url("flv", H264_MP4));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(files(&server), [] as [PathBuf; 0]);
    server.restart();
    frames(&server.http_url("flv", H264_MP4));
    assert_eq!(begun(&server), 1.0);
    let mut server = Server::configured(crate::samples::library(), "[cache]\nkeep = \"all\"\n");
    let expected = keep(&server, H264_MP4);
    server.restart();
    assert_eq!(frames(&server.http_url("flv", H264_MP4)), expected);
    assert_eq!(begun(&server), 0.0);
    let library = library();
    let server = Server::configured(library.path(), "[cache]\nkeep = \"nothing\"\n");
    frames(&server.http_url("flv", "a.avi"));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(files(&server), [] as [PathBuf; 0]);
}

#[test]
fn a_film_that_has_changed_is_converted_again_and_the_old_one_deleted() {
    let library = library();
    let mut server = Server::over(library.path());
    let old = keep(&server, "a.avi");
    let kept = files(&server);
    server.restart();
    make(&library.path().join("a.avi"), "400x224");
    let new = frames(&server.http_url("flv", "a.avi"));
    assert_ne!(new, old);
    assert_eq!(begun(&server), 1.0);
    assert_eq!(Metrics::of(&server).at("wiidia_cache_dropped_total{reason=\"stale\"}"), 1.0);
    wait_until("only the new one is there", LIMIT, || {
        let now = files(&server);
        now.len() == kept.len() && kept.iter().all(|file| !now.contains(file))
    });
}

#[test]
fn the_limit_holds_and_what_was_used_longest_ago_goes() {
    let library = library();
    let mut server = Server::over(library.path());
    keep(&server, "a.avi");
    let one: u64 = files(&server).iter().map(|file| file.metadata().unwrap().len()).sum();
    keep(&server, "b.avi");
    // The first one is used again, after the second.
    wait_until("both are left alone", LIMIT, || server.log().matches("conversion is kept").count() == 2);
    std::thread::sleep(Duration::from_millis(1100));
    server.restart();
    frames(&server.http_url("flv", "a.avi"));
    let mut server = Server::configured(
        library.path(),
        &format!("[cache]\nlimit_mb = {}\n", (one * 3 / 2).div_ceil(1_000_000)),
    );
    let limit = (one * 3 / 2).div_ceil(1_000_000) * 1_000_000;
    if one * 2 <= limit {
        // Such small films: the limit is whole megabytes. More of them, then.
        for n in 0..(2 * limit / one) {
            let name = format!("c{n}.avi");
            std::fs::copy(library.path().join("a.avi"), library.path().join(&name)).unwrap();
            keep(&server, &name);
        }
        let bytes = |cache: &serde_json::Value| {
            cache["kept"]["bytes"].as_u64().unwrap() + cache["passing"]["bytes"].as_u64().unwrap()
        };
        wait_until("the limit holds", LIMIT, || bytes(&get(server.http, "/api/v1/cache").json()) <= limit);
        assert!(Metrics::of(&server).at("wiidia_cache_dropped_total{reason=\"limit\"}") > 0.0);
        let cache = get(server.http, "/api/v1/cache").json();
        let paths: Vec<_> = cache["conversions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["path"].as_str().unwrap().to_owned())
            .collect();
        assert!(!paths.contains(&"c0.avi".to_owned()), "the oldest went: {paths:?}");
        assert_eq!(paths[0], format!("c{}.avi", 2 * limit / one - 1), "the newest stays: {paths:?}");
    }
    server.must_be_well();
}

#[test]
fn the_cache_is_shown_and_emptied_and_who_plays_goes_on() {
    let library = library();
    let mut server = Server::over(library.path());
    keep(&server, "a.avi");
    server.restart();
    let url = server.rtmp_url("a.avi");
    let player =
        start(command("ffmpeg", &["-v", "error", "-re", "-i", &url, "-c", "copy", "-f", "null", "-"]));
    wait_until("it plays", LIMIT, || {
        get(server.http, "/api/v1/cache").json()["conversions"][0]["playing"] == true
    });
    let cache = get(server.http, "/api/v1/cache").json();
    assert_eq!(
        (&cache["keep"], &cache["kept"]["count"], &cache["conversions"][0]["path"]),
        (&"encoded".into(), &1.into(), &"a.avi".into()),
        "{cache}"
    );
    let refused = request_with(server.http, "DELETE", "/api/v1/cache", "Origin: http://evil.example\r\n", "");
    assert_eq!(refused.status, 403);
    assert_eq!(request_with(server.http, "DELETE", "/api/v1/cache", "", "").status, 204);
    assert_eq!(files(&server), [] as [PathBuf; 0]);
    let played = player.finish(LIMIT);
    assert!(played.status.success() && played.stderr.is_empty(), "{}", played.stderr);
    assert_eq!(get(server.http, "/api/v1/cache").json()["kept"]["count"], 0);
    assert_eq!(request_with(server.http, "PUT", "/api/v1/cache", "", "").status, 405);
}

#[test]
fn damage_on_the_disk_costs_a_conversion_and_nothing_else() {
    let library = library();
    let mut server = Server::over(library.path());
    let expected = keep(&server, "a.avi");
    let spoil: [fn(&mut Vec<u8>); 3] = [
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| {
            let at = bytes.len() / 3;
            bytes[at] ^= 0x40;
        },
        |bytes| bytes.iter_mut().skip(100).take(4096).for_each(|byte| *byte = 0),
    ];
    for (way, spoil) in spoil.into_iter().enumerate() {
        for extension in ["flv", "reel"] {
            let file = files(&server)
                .into_iter()
                .find(|file| file.extension().is_some_and(|e| e == extension))
                .unwrap();
            server.restart_after(|| {
                let mut bytes = std::fs::read(&file).unwrap();
                spoil(&mut bytes);
                std::fs::write(&file, bytes).unwrap();
            });
            assert_eq!(frames(&server.http_url("flv", "a.avi")), expected, "way {way}, {extension}");
            assert_eq!(begun(&server), 1.0, "way {way}, {extension}");
            wait_until("it is kept again", LIMIT, || {
                Metrics::of(&server).at("wiidia_cache_added_total") > 0.0
            });
        }
    }
    let leftover = server.data().join("cache/0011223344.0.flv");
    server.restart_after(|| std::fs::write(&leftover, "half a film").unwrap());
    assert!(!leftover.exists());
    assert_eq!(begun(&server), 0.0);
}

/// Half a minute that passes, of 16 Mbit/s: several times what is kept in memory.
fn large(folder: &Path) -> &'static str {
    let picture = "testsrc2=s=640x360:r=25:d=30,noise=alls=60:allf=t";
    let file = folder.join("large.mkv");
    let arguments = [
        "-v",
        "error",
        "-y",
        "-f",
        "lavfi",
        "-i",
        picture,
        "-f",
        "lavfi",
        "-i",
        "sine=f=440:d=30",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv420p",
        "-b:v",
        "16M",
        "-g",
        "50",
        "-c:a",
        "aac",
        file.to_str().unwrap(),
    ];
    succeed("ffmpeg", &arguments, LIMIT);
    "large.mkv"
}

/// Bytes of the server's files in memory.
pub(crate) fn in_memory(server: &Server) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap();
    let of = |path: PathBuf| {
        let is_window =
            std::fs::read_link(&path).is_ok_and(|to| to.to_string_lossy().contains("memfd:conversion"));
        is_window.then(|| std::fs::metadata(path).map_or(0, |data| data.blocks() * 512))
    };
    // The same file may be open more than once.
    descriptors.filter_map(|entry| of(entry.ok()?.path())).max().unwrap_or(0)
}

#[test]
fn without_room_on_the_disk_films_play_from_a_little_memory() {
    let library = library();
    let film = large(library.path());
    let expected = frames(&Server::over(library.path()).http_url("flv", film));
    // No disk has so much.
    let mut server = Server::configured(library.path(), "[cache]\nkeep_free_mb = 1000000000\n");
    let url = server.http_url("flv", film);
    let player = start(command("ffmpeg", &["-v", "error", "-i", &url, "-map", "0:v", "-f", "framemd5", "-"]));
    let mut most = 0;
    wait_until("it plays", LIMIT, || {
        most = most.max(in_memory(&server));
        most > 0
    });
    for _ in 0..20 {
        most = most.max(in_memory(&server));
        std::thread::sleep(Duration::from_millis(100));
    }
    let played = player.finish(LIMIT);
    assert!(played.status.success() && played.stderr.is_empty(), "{}", played.stderr);
    assert_eq!(String::from_utf8_lossy(&played.stdout), expected);
    // The film has a keyframe in ten seconds, of which there have to be some: more than WINDOW_BYTES.
    assert!(most <= WINDOW_MOST, "{most} bytes in memory");
    // To the middle, and back to the beginning: both are somewhere else.
    for start in ["20", "0.1"] {
        let there = frames(&format!("{url}?start={start}"));
        assert!(there.lines().count() > 200, "{start}: {there}");
    }
    assert!(server.log().contains("the disk is full"), "{}", server.log());
    // One that fits is complete in memory, and stays so for whoever comes next.
    for way in ["fmp4", "flv", "fmp4", "flv", "flv"] {
        assert!(frames(&server.http_url(way, "a.avi")).lines().count() > 140, "{way}");
    }
    server.must_be_well();
}

#[test]
fn a_disk_that_fills_up_in_the_middle_stops_nothing_that_plays() {
    if !crate::samples::we_are_root() {
        eprintln!("not shown: only root can mount a small disk");
        return;
    }
    let library = library();
    let film = large(library.path());
    let expected = frames(&Server::over(library.path()).http_url("flv", film));
    let mut server = Server::configured(library.path(), "[cache]\nkeep_free_mb = 0\n");
    let folder = server.data().join("cache");
    let folder = folder.to_str().unwrap().to_owned();
    server.restart_after(|| {
        drop(succeed("mount", &["-t", "tmpfs", "-o", "size=12m,mode=777", "none", &folder], LIMIT));
    });
    let _mounted = Mounted(folder);
    let url = server.http_url("flv", film);
    let played = succeed("ffmpeg", &["-v", "error", "-i", &url, "-map", "0:v", "-f", "framemd5", "-"], LIMIT);
    assert!(played.stderr.is_empty(), "{}", played.stderr);
    assert_eq!(String::from_utf8_lossy(&played.stdout), expected);
    assert!(server.log().contains("conversion goes on in memory"), "{}", server.log());
    server.must_be_well();
}

/// A mounted folder, until dropped.
struct Mounted(String);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").args(["-l", &self.0]).status();
    }
}
