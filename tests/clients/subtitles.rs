//! Subtitles of text: in files beside a film and in the film, listed, as WebVTT, and drawn into the picture.

use crate::http_client::get;
use crate::program::succeed;
use crate::server::{Server, folder_for_server};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;

/// A film of a few seconds must be made, or converted, by then, while other tests do the same.
const LIMIT: Duration = Duration::from_secs(120);

/// Black H.264 with B-frames, so that it is sent a little later than it is in the file; in it English SubRip and German
/// ASS, beside it three files.
pub(crate) const FILM: &str = "film.mkv";
/// The same picture in a transport stream whose times begin at five hours.
pub(crate) const LATE: &str = "late.ts";
/// The same as FLV.
pub(crate) const FLV: &str = "plain.flv";
/// A film without any.
pub(crate) const BARE: &str = "bare.mp4";

pub(crate) fn library() -> &'static Path {
    static LIBRARY: OnceLock<TempDir> = OnceLock::new();
    LIBRARY
        .get_or_init(|| {
            let folder = folder_for_server();
            let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
            let make = |arguments: &str, name: &str| {
                let output = at(name);
                let arguments = arguments.replace("@", &format!("{}/", folder.path().display()));
                let mut arguments: Vec<&str> = arguments.split_whitespace().collect();
                arguments.splice(0..0, ["-v", "error", "-y"]);
                arguments.push(&output);
                succeed("ffmpeg", &arguments, LIMIT);
            };
            let write = |name: &str, bytes: &[u8]| std::fs::write(at(name), bytes).unwrap();
            let srt = |text: &str| format!("1\r\n00:00:01,000 --> 00:00:05,000\r\n{text}\r\n\r\n2\r\n00:00:05,000 --> 00:00:06,000\r\nend\r\n");
            write("in.srt", srt("<i>Inside</i> & out").as_bytes());
            write(
                "in.ass",
                b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\nStyle: Default,Arial,20\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\nDialogue: 0,0:00:01.00,0:00:05.00,Default,,0,0,0,,{\\i1}Innen{\\i0}, ja\\Nzwei\n",
            );
            let picture = "-f lavfi -i color=black:s=640x360:r=25:d=8 -f lavfi -i sine=f=440:d=8";
            let h264 = "-c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p -c:a aac";
            make(
                &format!(
                    "{picture} -i @in.srt -i @in.ass -map 0 -map 1 -map 2 -map 3 {h264} -c:s:0 srt -c:s:1 ass \
                     -metadata:s:s:0 language=eng -metadata:s:s:1 language=ger"
                ),
                FILM,
            );
            make(&format!("{picture} {h264} -output_ts_offset 18000"), LATE);
            make(&format!("{picture} {h264}"), FLV);
            make(&format!("{picture} {h264}"), BARE);
            // Windows-1252, as half of the world's files are.
            write("film.de.srt", b"1\n00:00:01,000 --> 00:00:05,000\nMMMMMMMM Stra\xdfe \xfcber\n");
            write("film.en.forced.vtt", b"WEBVTT\n\n00:01.000 --> 00:05.000\nSIGN\n");
            let french: Vec<u8> = format!("\u{feff}{}", srt("Ça & là")).encode_utf16().flat_map(u16::to_le_bytes).collect();
            write("film.fr.srt", &french);
            write("film 2.srt", srt("of another film").as_bytes());
            write("late.srt", srt("MMMMMMMM").as_bytes());
            write("plain.de.srt", srt("MMMMMMMM").as_bytes());
            for name in ["in.srt", "in.ass"] {
                std::fs::remove_file(at(name)).unwrap();
            }
            folder
        })
        .path()
}

/// The text of a track, and when it is shown first, in milliseconds.
#[track_caller]
fn webvtt(server: &Server, address: &str) -> (String, u32) {
    let answer = get(server.http, address);
    assert_eq!(answer.status, 200, "{address}: {}", answer.text());
    assert_eq!(answer.header("content-type"), "text/vtt; charset=utf-8", "{address}");
    let text = answer.text();
    assert!(text.starts_with("WEBVTT\n\n"), "{address}: {text}");
    let first = text.lines().find_map(|line| line.split_once(" --> ")).map(|(start, _)| start.to_owned());
    let parts: Vec<f64> =
        first.unwrap_or_default().split(':').map(|part| part.parse().unwrap_or(0.0)).collect();
    (text, parts.iter().fold(0.0, |total, part| total * 60.0 + part * 1000.0).round() as u32)
}

#[test]
fn files_beside_a_film_are_listed_behind_its_own_and_all_are_webvtt() {
    let server = Server::over(library());
    let media = get(server.http, &format!("/api/v1/media/{FILM}")).json();
    let tracks = media["contents"]["subtitles"].as_array().unwrap().clone();
    let told: Vec<_> = tracks
        .iter()
        .map(|track| {
            (
                track["language"].as_str(),
                track["external"].as_bool(),
                track["forced"].as_bool(),
                track["chosen"].as_bool(),
            )
        })
        .collect();
    let expected = [
        (Some("en"), Some(false), Some(false), Some(false)),
        (Some("de"), Some(false), Some(false), Some(false)),
        (Some("de"), Some(true), Some(false), Some(false)),
        (Some("en"), Some(true), Some(true), Some(false)),
        (Some("fr"), Some(true), Some(false), Some(false)),
    ];
    assert_eq!(told, expected, "{media}");
    assert!(media["video"]["passes"].as_bool().unwrap(), "nobody asked for them: {media}");
    for (track, said) in tracks.iter().zip([
        "<i>Inside</i> &amp; out",
        "<i>Innen</i>, ja\nzwei",
        "MMMMMMMM Straße über",
        "SIGN",
        "Ça &amp; là",
    ]) {
        let address = track["address"].as_str().unwrap();
        let (text, _) = webvtt(&server, address);
        assert!(text.contains(said), "{address}: {text}");
    }
    assert_eq!(server.log().matches("conversion starts").count(), 1, "to show text nothing is converted");
    for (language, said) in [("de", "<i>Innen</i>"), ("fr", "Ça"), ("it,en", "<i>Inside</i>")] {
        let (text, _) = webvtt(&server, &format!("/subtitles/{FILM}?track={language}"));
        assert!(text.contains(said), "{language}: {text}");
    }
    let info = get(server.http, &format!("/api/v1/info/{FILM}")).json();
    let external = |info: &serde_json::Value| {
        info["subtitles"].as_array().unwrap().iter().filter(|track| track["external"] == true).count()
    };
    assert_eq!(external(&info), 3, "{info}");
}

#[test]
fn text_is_there_without_the_film_being_played() {
    let server = Server::over(library());
    let (text, start) = webvtt(&server, &format!("/subtitles/{FILM}?track=0"));
    assert!(text.contains("<i>Inside</i>") && text.contains("\nend\n"), "{text}");
    // ffmpeg moves all of a film by the first frame of its sound.
    assert!(start.abs_diff(1000) < 40, "{start}");
    assert!(webvtt(&server, &format!("/subtitles/{FILM}?track=4")).0.contains("Ça"));
    assert!(webvtt(&server, &format!("/subtitles/{FLV}")).0.contains("MMMM"));
    assert_eq!(server.log().matches("conversion starts").count(), 0);
}

#[test]
fn times_are_those_of_what_is_sent() {
    let server = Server::over(library());
    // B-frames: the first picture is shown a little after its decoding, and all is sent that much later.
    get(server.http, &format!("/api/v1/media/{FILM}"));
    let sent = succeed(
        "ffprobe",
        &[
            "-v",
            "error",
            "-select_streams",
            "v",
            "-show_entries",
            "packet=pts_time",
            "-of",
            "csv=p=0",
            "-read_intervals",
            "%+#20",
            &server.http_url("flv", FILM),
        ],
        LIMIT,
    );
    let sent = String::from_utf8_lossy(&sent.stdout).into_owned();
    let first = sent
        .lines()
        .filter_map(|line| line.trim_end_matches(',').parse::<f64>().ok())
        .fold(f64::MAX, f64::min);
    let lead = (first * 1000.0).round() as u32;
    for track in [0, 2] {
        let (text, start) = webvtt(&server, &format!("/subtitles/{FILM}?track={track}"));
        assert!(start.abs_diff(1000 + lead) < 40, "{start}, the first picture is at {lead}: {text}");
    }
    // A recording that begins at five hours is sent from zero, and its subtitles count from there.
    get(server.http, &format!("/api/v1/media/{LATE}"));
    assert_eq!(webvtt(&server, &format!("/subtitles/{LATE}")).1, 1000);
}

#[test]
fn files_beside_a_film_are_drawn_when_asked_for() {
    let server = Server::over(library());
    // The brightest sample of the lowest third of a picture.
    let brightest = |film: &str, choice: &str, at: &str| {
        let url = format!("http://{}/flv/{film}?{choice}", server.http);
        let filter = "crop=iw:ih/3:0:2*ih/3,format=gray";
        let arguments =
            ["-v", "error", "-i", &url, "-ss", at, "-frames:v", "1", "-vf", filter, "-f", "rawvideo", "-"];
        succeed("ffmpeg", &arguments, LIMIT).stdout.into_iter().max().unwrap()
    };
    for (film, choice, at, bright) in [
        (FILM, "subtitles=2", "3", true),
        (FILM, "subtitles=2", "7", false),
        (FILM, "subtitles=none", "3", false),
        (LATE, "subtitles=0", "3", true),
        (LATE, "subtitles=0", "0.2", false),
        (FLV, "subtitles=de", "3", true),
        (FLV, "subtitles=fr", "3", false),
    ] {
        let found = brightest(film, choice, at);
        assert_eq!(found > 120, bright, "{film} {choice} at {at}: {found}");
    }
    let media = get(server.http, &format!("/api/v1/media/{FILM}?subtitles=2")).json();
    assert_eq!(media["form"]["subtitles"], 2, "{media}");
    // From the middle as well.
    let url = format!("http://{}/flv/{LATE}?subtitles=0&profile=small&start=4", server.http);
    let filter = "crop=iw:ih/3:0:2*ih/3,format=gray";
    let arguments = ["-v", "error", "-i", &url, "-frames:v", "1", "-vf", filter, "-f", "rawvideo", "-"];
    let found = succeed("ffmpeg", &arguments, LIMIT).stdout.into_iter().max().unwrap();
    assert!(found > 120, "from the middle: {found}");
}

#[test]
fn what_is_not_there_is_refused_with_what_is() {
    let mut server = Server::over(library());
    for (address, status, said) in [
        (format!("/subtitles/{FILM}?track=5"), 404, "has no subtitles 5; it has 0 (en)"),
        (format!("/subtitles/{FILM}?track=it"), 404, "has no subtitles in it; it has 0 (en)"),
        (format!("/subtitles/{FILM}?track=-1"), 400, "neither a track's number nor a language"),
        (format!("/subtitles/{BARE}"), 404, "it has none"),
        ("/subtitles/none.mkv".to_owned(), 404, "there is no"),
        ("/subtitles/film.txt".to_owned(), 404, "there is no"),
        ("/subtitles/..%2fx".to_owned(), 400, ".."),
    ] {
        let answer = get(server.http, &address);
        assert_eq!(answer.status, status, "{address}: {}", answer.text());
        assert!(answer.text().contains(said), "{address}: {}", answer.text());
    }
    server.must_be_well();
}
