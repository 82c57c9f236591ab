//! A DVD's title is one film, though it lies in several files.

use crate::http_client::get;
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
