//! What a song carries on its sleeve is shown while it plays.

use crate::http_client::get;
use crate::program::succeed;
use crate::server::{Server, folder_for_server};
use std::time::Duration;
use tempfile::TempDir;

/// A song must be made, or converted, by then, while other tests do the same.
const LIMIT: Duration = Duration::from_secs(120);

/// Songs of twelve seconds with a red picture of an odd size, and one without.
fn library() -> TempDir {
    let folder = folder_for_server();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let picture = at("cover.jpg");
    succeed(
        "ffmpeg",
        &["-v", "error", "-f", "lavfi", "-i", "color=red:s=301x299", "-frames:v", "1", &picture],
        LIMIT,
    );
    for (name, codec, cover) in [
        ("song.mp3", "libmp3lame", true),
        ("song.m4a", "aac", true),
        ("song.flac", "flac", true),
        ("bare.mp3", "libmp3lame", false),
    ] {
        let output = at(name);
        let mut arguments = vec!["-v", "error", "-y", "-f", "lavfi", "-i", "sine=f=440:d=12"];
        if cover {
            arguments.extend([
                "-i",
                &picture,
                "-map",
                "0",
                "-map",
                "1",
                "-c:v",
                "copy",
                "-disposition:v",
                "attached_pic",
            ]);
        }
        arguments.extend(["-c:a", codec, &output]);
        succeed("ffmpeg", &arguments, LIMIT);
    }
    // Matroska carries it as an attachment.
    let (output, type_of_it) = (at("song.mka"), "mimetype=image/jpeg");
    let sine = "sine=f=440:d=12";
    let arguments =
        ["-v", "error", "-y", "-f", "lavfi", "-i", sine, "-attach", &picture, "-metadata:s:t", type_of_it];
    succeed("ffmpeg", &[&arguments[..], &["-c:a", "libvorbis", &output]].concat(), LIMIT);
    std::fs::remove_file(picture).unwrap();
    folder
}

/// The average colour of the first picture, and how many pictures and seconds of sound there are.
#[track_caller]
fn seen(url: &str) -> ([u8; 3], usize, f64) {
    let arguments =
        ["-v", "error", "-i", url, "-frames:v", "1", "-vf", "scale=1:1,format=rgb24", "-f", "rawvideo", "-"];
    let colour = succeed("ffmpeg", &arguments, LIMIT).stdout;
    let packets = |streams: &str| {
        let arguments = [
            "-v",
            "error",
            "-select_streams",
            streams,
            "-show_entries",
            "packet=pts_time",
            "-of",
            "csv=p=0",
            url,
        ];
        let said = succeed("ffprobe", &arguments, LIMIT);
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        text.lines().filter_map(|line| line.trim_end_matches(',').parse::<f64>().ok()).collect::<Vec<f64>>()
    };
    let pictures = packets("v");
    assert!(pictures.is_sorted_by(|a, b| a < b), "{url}: {pictures:?}");
    let sounds = packets("a");
    let length = sounds.last().copied().unwrap_or(0.0) - sounds.first().copied().unwrap_or(0.0);
    (colour.try_into().unwrap_or_default(), pictures.len(), length)
}

#[test]
fn a_song_is_played_with_its_picture_by_every_protocol() {
    let library = library();
    let server = Server::over(library.path());
    for song in ["song.mp3", "song.m4a", "song.flac", "song.mka"] {
        for url in [server.http_url("flv", song), server.http_url("fmp4", song), server.rtmp_url(song)] {
            let (colour, pictures, length) = seen(&url);
            assert!(colour[0] > 200 && colour[1] < 60 && colour[2] < 60, "{url}: {colour:?}");
            assert!((6..=7).contains(&pictures), "{url}: {pictures}");
            assert!((11.8..12.2).contains(&length), "{url}: {length}");
        }
        let (colour, pictures, length) = seen(&format!("{}?start=7", server.http_url("flv", song)));
        assert!(
            colour[0] > 200 && pictures >= 2 && length > 3.0,
            "{song} from the middle: {pictures} {length}"
        );
        let (colour, pictures, _) = seen(&format!("{}?profile=flash", server.http_url("flv", song)));
        assert!(colour[0] > 180 && pictures >= 6, "{song} for Flash: {colour:?} {pictures}");
        let media = get(server.http, &format!("/api/v1/media/{song}?profile=audio")).json();
        assert_eq!(media["video"], serde_json::Value::Null, "{media}");
    }
    let media = get(server.http, "/api/v1/media/bare.mp3").json();
    assert_eq!(media["video"], serde_json::Value::Null, "{media}");
    let media = get(server.http, "/api/v1/media/song.mp3").json();
    assert_eq!(media["video"]["source"], "a still picture", "{media}");
    // As large as it is, with sides that an encoder takes.
    let width = media["video"]["width"].as_u64().unwrap();
    assert!((300..=302).contains(&width) && width.is_multiple_of(2), "{media}");
    // That of the song's own, nobody's else: it takes no place among the films that are encoded.
    assert!(!server.log().contains("conversion died"), "{}", server.log());
}
