//! A DVD's title is one film, though it lies in several files, and so are the discs of a film.

use crate::flashes::{FPS, make, watch};
use crate::http_client::get;
use crate::packets::{lane, never_backwards, probe};
use crate::program::{succeed, wait_until};
use crate::server::{Server, folder_for_server};
use std::time::{Duration, SystemTime};

/// A film must be made, or converted, by then, while other tests do the same.
const LIMIT: Duration = Duration::from_secs(120);

/// Times of the pictures, and the last of the sound.
#[track_caller]
fn pictures(url: &str) -> Vec<String> {
    let said = succeed("ffmpeg", &["-v", "error", "-i", url, "-map", "0:v", "-f", "framemd5", "-"], LIMIT);
    String::from_utf8_lossy(&said.stdout)
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_title_in_three_files_plays_as_the_one_that_was_cut() {
    let folder = folder_for_server();
    let disc = folder.path().join("Film/VIDEO_TS");
    std::fs::create_dir_all(&disc).unwrap();
    let whole = folder.path().join("whole.vob");
    let arguments = [
        "-v",
        "error",
        "-y",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=720x576:r=25:d=24",
        "-f",
        "lavfi",
        "-i",
        "sine=f=440:d=24",
        "-target",
        "pal-dvd",
        "-f",
        "vob",
        whole.to_str().unwrap(),
    ];
    succeed("ffmpeg", &arguments, LIMIT);
    let bytes = std::fs::read(&whole).unwrap();
    let cut = bytes.len() / 3 / 2048 * 2048;
    for (number, part) in [&bytes[..cut], &bytes[cut..2 * cut], &bytes[2 * cut..]].into_iter().enumerate() {
        std::fs::write(disc.join(format!("VTS_01_{}.VOB", number + 1)), part).unwrap();
    }
    let server = Server::over(folder.path());
    let listing = || get(server.http, "/api/v1/library/Film/VIDEO_TS").json();
    let listed = listing();
    assert_eq!(listed["entries"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["entries"][0]["size"].as_u64(), Some(bytes.len() as u64), "{listed}");
    // Files written just now are looked at later.
    for number in 1..=3 {
        let part =
            std::fs::File::options().write(true).open(disc.join(format!("VTS_01_{number}.VOB"))).unwrap();
        part.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    }
    wait_until("the length of all three is listed", LIMIT, || {
        let duration = listing()["entries"][0]["duration"].as_f64();
        assert!(duration.is_none_or(|duration| (duration - 24.0).abs() < 0.5), "{duration:?}");
        duration.is_some()
    });
    let (whole, set) = ("whole.vob", "Film/VIDEO_TS/VTS_01_1.VOB");
    let expected = pictures(&server.http_url("flv", whole));
    assert!(expected.len() > 590, "{}", expected.len());
    assert_eq!(pictures(&server.http_url("flv", set)), expected);
    let length =
        |film: &str| get(server.http, &format!("/api/v1/media/{film}")).json()["duration"].as_f64().unwrap();
    assert!((length(set) - length(whole)).abs() < 0.1, "{} {}", length(set), length(whole));
    // Into the last of the files, with nothing converted yet.
    let server = Server::over(folder.path());
    let last = pictures(&format!("{}?start=20", server.http_url("flv", set)));
    assert!((90..=150).contains(&last.len()), "{}", last.len());
    assert!(!server.log().contains("conversion died"), "{}", server.log());
}

/// Makes a film of `seconds` in three files by ffmpeg's `arguments`, each of which begins with its first picture, and
/// plays it as one. `tolerance`: seconds by which sound may be off. Where a disc ends there may be a gap of as much as its
/// pictures are reordered.
#[track_caller]
fn discs_play_as_one(arguments: &str, extension: &str, seconds: u32, tolerance: f64) {
    let folder = folder_for_server();
    let base = "F -c:v libx264 -preset ultrafast -bf 0 -g 25 -pix_fmt yuv420p -c:a pcm_s16le";
    make(folder.path(), "base.mov", seconds, base);
    let each = seconds / 3;
    for number in 1..=3 {
        let from = each * (number - 1);
        let name = format!("film.cd{number}.{extension}");
        make(folder.path(), &name, seconds, &format!("-ss {from} -t {each} -i @base.mov {arguments}"));
    }
    std::fs::remove_file(folder.path().join("base.mov")).unwrap();
    let sizes: u64 = (1..=3)
        .map(|n| folder.path().join(format!("film.cd{n}.{extension}")).metadata().unwrap().len())
        .sum();
    let server = Server::over(folder.path());
    let listed = get(server.http, "/api/v1/library/").json();
    assert_eq!(listed["entries"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["entries"][0]["size"].as_u64(), Some(sizes), "{listed}");
    let film = format!("film.cd1.{extension}");
    // Into the second and the third of the files, with nothing converted yet; then from the beginning.
    for start in [each + 3, 2 * each + 4, 0] {
        for url in [
            format!("{}?start={start}", server.http_url("flv", &film)),
            format!("{}?start={start}", server.http_url("fmp4", &film)),
        ] {
            let seen = watch(&[], &url, seconds + 2);
            let (numbers, wanted) = (seen.pictures.iter().map(|(_, number)| *number), start * FPS);
            let first = numbers.clone().next().unwrap();
            assert!((wanted.saturating_sub(3 * FPS)..=wanted).contains(&first), "{url}: picture {first}");
            let numbers: Vec<u32> = numbers.collect();
            let expected: Vec<u32> = (first..seconds * FPS).collect();
            let missing = expected.iter().filter(|number| !numbers.contains(number)).count();
            assert!(
                missing <= 3 && numbers.is_sorted(),
                "{url}: {missing} of {} are missing",
                expected.len()
            );
            let (_, unsteady) = seen.clock(&url);
            assert!(unsteady <= 0.25, "{url}: pictures are up to {unsteady:.3} s early or late");
            let (apart, furthest) = seen.sound_after_picture(&url);
            assert!(apart.abs() + furthest <= tolerance, "{url}: sound is {apart:+.3} s off, ±{furthest:.3}");
        }
    }
    let length = get(server.http, &format!("/api/v1/media/{film}")).json()["duration"].as_f64().unwrap();
    assert!((length - f64::from(seconds)).abs() < 0.6, "{length}");
    for url in [server.rtmp_url(&film), format!("http://{}/hls/{film}/index.m3u8", server.http)] {
        let packets = probe(&url);
        for video in [true, false] {
            never_backwards(&url, &lane(&packets, video));
        }
        let pictures = lane(&packets, true).len() as u32;
        assert!((seconds * FPS - 3..=seconds * FPS).contains(&pictures), "{url}: {pictures}");
    }
    // Another start of the server finds it anew, or kept.
    let mut server = server;
    server.restart();
    let seen = watch(&[], &server.http_url("flv", &film), seconds + 2);
    assert!(seen.pictures.len() as u32 >= seconds * FPS - 3, "{}", seen.pictures.len());
    assert!(!server.log().contains("conversion died"), "{}", server.log());
}

#[test]
fn discs_that_pass_play_as_one_film() {
    discs_play_as_one("-c:v copy -c:a aac", "mkv", 36, 0.08);
}

#[test]
fn discs_that_are_encoded_play_as_one_film() {
    // AVI tells times of decoding only.
    discs_play_as_one("-c:v mpeg4 -q:v 3 -g 25 -c:a libmp3lame", "avi", 27, 0.16);
}

#[test]
fn a_disc_that_cannot_be_played_ends_the_film_before_it() {
    let folder = folder_for_server();
    make(folder.path(), "film.cd1.avi", 6, "F -c:v mpeg4 -q:v 3 -g 25 -c:a libmp3lame");
    std::fs::write(folder.path().join("film.cd2.avi"), "no film at all").unwrap();
    let server = Server::over(folder.path());
    let seen = watch(&[], &server.http_url("flv", "film.cd1.avi"), 6);
    assert!(seen.pictures.len() >= 148, "{}", seen.pictures.len());
    let length = get(server.http, "/api/v1/media/film.cd1.avi").json()["duration"].as_f64().unwrap();
    assert!((length - 6.0).abs() < 0.5, "{length}");
}
