//! What viewers choose: profile, sound, subtitles, by address, application, configuration and capability.

use crate::http_client::get;
use crate::program::{command, run, succeed, wait_until};
use crate::rtmp_client::{RtmpClient, SOON};
use crate::rtmp_message::Message;
use crate::server::{Server, folder_for_server};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;

/// A film of a few seconds must be made, or converted, by then, while other tests do the same.
const LIMIT: Duration = Duration::from_secs(120);

/// 720p of H.264, an English sound of 440 Hz, a German one of 880 Hz, German subtitles; black below.
const FILM: &str = "film.mkv";
/// The same picture and the English sound, as FLV.
const FLV: &str = "film.flv";
/// HEVC and AAC.
const HEVC: &str = "hevc.mkv";
/// Sorenson H.263 and MP3.
const SORENSON: &str = "sorenson.flv";
/// A film in a folder that is called like a profile.
const IN_FOLDER: &str = "audio/clip.mkv";

/// Files with something to choose. Made at the first call.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<TempDir> = OnceLock::new();
    LIBRARY
        .get_or_init(|| {
            let folder = folder_for_server();
            let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
            let make = |arguments: &str, name: &str| {
                let (output, subtitles) = (at(name), at("s.srt"));
                let arguments = arguments.replace("@", &subtitles);
                let mut arguments: Vec<&str> = arguments.split_whitespace().collect();
                arguments.splice(0..0, ["-v", "error", "-y"]);
                arguments.push(&output);
                succeed("ffmpeg", &arguments, LIMIT);
            };
            std::fs::create_dir(folder.path().join("audio")).unwrap();
            std::fs::write(at("s.srt"), "1\n00:00:00,000 --> 00:00:06,000\nMMMMMMMMMMMM\n").unwrap();
            let inputs = "-f lavfi -i color=black:s=1280x720:r=25:d=6 -f lavfi -i sine=f=440:d=6 -f lavfi -i sine=f=880:d=6";
            let h264 = "-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p";
            make(
                &format!(
                    "{inputs} -i @ -map 0 -map 1 -map 2 -map 3 {h264} -c:a aac -c:s srt -metadata:s:a:0 language=eng \
                     -metadata:s:a:1 language=ger -metadata:s:a:1 title=Dub -metadata:s:s:0 language=ger"
                ),
                FILM,
            );
            make(&format!("{inputs} -map 0 -map 1 {h264} -c:a aac"), FLV);
            make(&format!("{inputs} -map 0 -map 1 {h264} -c:a aac"), IN_FOLDER);
            make(
                "-f lavfi -i testsrc2=s=320x180:r=25:d=6 -f lavfi -i sine=f=440:d=6 -c:v libx265 -preset ultrafast \
                 -x265-params log-level=none:keyint=25 -c:a aac",
                HEVC,
            );
            make(
                "-f lavfi -i testsrc2=s=400x224:r=25:d=6 -f lavfi -i sine=f=440:r=44100:d=6 -c:v flv1 -g 25 -c:a libmp3lame",
                SORENSON,
            );
            std::fs::remove_file(at("s.srt")).unwrap();
            folder
        })
        .path()
}

/// Codec and size of the picture, and codec of the sound.
#[derive(PartialEq, Debug)]
struct Made {
    video: Option<(String, i64, i64)>,
    audio: Option<String>,
}

#[track_caller]
fn made(url: &str) -> Made {
    let arguments = ["-v", "error", "-of", "json", "-show_streams", url];
    let said = succeed("ffprobe", &arguments, LIMIT);
    let json: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    let streams = json["streams"].as_array().unwrap();
    let of = |kind: &str| streams.iter().find(|stream| stream["codec_type"] == kind);
    let codec = |stream: &serde_json::Value| stream["codec_name"].as_str().unwrap().to_owned();
    Made {
        video: of("video").map(|s| {
            (codec(s), s["width"].as_i64().unwrap_or_default(), s["height"].as_i64().unwrap_or_default())
        }),
        audio: of("audio").map(codec),
    }
}

/// The frequency of the sound at a URL, from how often it goes through zero in its third second.
#[track_caller]
fn tone(url: &str) -> f64 {
    let arguments =
        ["-v", "error", "-i", url, "-vn", "-ac", "1", "-ar", "48000", "-t", "3", "-f", "s16le", "-"];
    let said = succeed("ffmpeg", &arguments, LIMIT);
    let samples: Vec<i16> = said.stdout.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    assert!(samples.len() >= 3 * 48_000 - 4096, "{url}: only {} samples: {}", samples.len(), said.stderr);
    let second = &samples[48_000..96_000];
    second.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count() as f64 / 2.0
}

#[track_caller]
fn has_tone(url: &str, hertz: f64) {
    let found = tone(url);
    assert!((found - hertz).abs() < 10.0, "{url} sounds with {found} Hz, {hertz} expected");
}

/// Conversions that have begun so far.
fn conversions(server: &Server) -> usize {
    server.log().matches("conversion starts").count()
}

#[test]
fn each_profile_is_what_it_says_by_every_address() {
    let server = Server::over(library());
    let (rtmp, http) = (server.rtmp, server.http);
    for (profile, video, sizes, audio) in [
        ("tv", Some("h264"), (1280, 720), "aac"),
        ("small", Some("h264"), (854, 480), "aac"),
        ("flash", Some("flv1"), (400, 224), "mp3"),
        ("audio", None, (0, 0), "aac"),
    ] {
        for file in [FILM, FLV] {
            let mut urls = vec![
                format!("rtmp://{rtmp}/vod/{file}?profile={profile}"),
                format!("rtmp://{rtmp}/vod?profile={profile}/{file}"),
                format!("rtmp://{rtmp}/{profile}/{file}"),
                format!("http://{http}/flv/{file}?profile={profile}"),
            ];
            if profile != "flash" {
                urls.push(format!("http://{http}/fmp4/{file}?profile={profile}"));
            }
            for url in urls {
                let made = made(&url);
                assert_eq!(made.audio.as_deref(), Some(audio), "{url}");
                assert_eq!(made.video.as_ref().map(|(codec, ..)| codec.as_str()), video, "{url}");
                if let Some((_, width, height)) = made.video {
                    assert!(width <= sizes.0 && height <= sizes.1, "{url}: {width}x{height}");
                    assert!(width + 8 >= sizes.0 && height + 8 >= sizes.1, "{url}: {width}x{height}");
                }
            }
        }
    }
    // Five ways to ask for the same thing are one conversion; the FLV is one already.
    assert_eq!(conversions(&server), 4 + 3, "{}", server.log());
}

#[test]
fn the_sound_is_the_one_that_was_chosen() {
    let server = Server::over(library());
    let (rtmp, http) = (server.rtmp, server.http);
    for (choice, hertz) in [
        ("", 440.0),
        ("audio=0", 440.0),
        ("audio=1", 880.0),
        ("audio=deu", 880.0),
        ("audio=fr,de", 880.0),
        ("audio=fr", 440.0),
    ] {
        has_tone(&format!("http://{http}/flv/{FILM}?{choice}"), hertz);
        has_tone(&format!("http://{http}/fmp4/{FILM}?{choice}&profile=audio"), hertz);
        has_tone(&format!("rtmp://{rtmp}/vod/{FILM}?{choice}"), hertz);
    }
    // English, German, and both without the picture.
    assert_eq!(conversions(&server), 4, "{}", server.log());
}

#[test]
fn the_house_has_its_languages() {
    let server = Server::configured(library(), "[playback]\naudio_languages = [\"nl\", \"de\", \"en\"]\n");
    has_tone(&format!("rtmp://{}/vod/{FILM}", server.rtmp), 880.0);
    has_tone(&format!("http://{}/flv/{FILM}?audio=en", server.http), 440.0);
    let german = get(server.http, &format!("/api/v1/media/{FILM}")).json();
    assert_eq!(german["form"]["audio"], 1, "{german}");
    let server = Server::configured(library(), "[playback]\nprofile = \"flash\"\n");
    let made_of = |url: &str| made(url).video.map(|(codec, ..)| codec);
    assert_eq!(made_of(&format!("rtmp://{}/vod/{FLV}", server.rtmp)).as_deref(), Some("flv1"));
    assert_eq!(made_of(&format!("rtmp://{}/vod/{FLV}?profile=tv", server.rtmp)).as_deref(), Some("h264"));
    assert_eq!(made_of(&format!("http://{}/fmp4/{FLV}", server.http)).as_deref(), Some("h264"));
}

#[test]
fn librtmp_chooses_as_the_others_do() {
    let server = Server::over(library());
    let folder = tempfile::tempdir().unwrap();
    for (n, address) in [
        format!("vod/{FILM}?profile=small&audio=de"),
        format!("vod?profile=small&audio=de/{FILM}"),
        format!("small/{FILM}?audio=de"),
    ]
    .into_iter()
    .enumerate()
    {
        let file = folder.path().join(format!("{n}.flv")).to_str().unwrap().to_owned();
        let url = format!("rtmp://{}/{address}", server.rtmp);
        let dumped = run("rtmpdump", &["-r", &url, "-o", &file], LIMIT);
        // 2 is "incomplete": it compares the last time with a length that counts the last frame's own.
        assert!(matches!(dumped.status.code(), Some(0 | 2)), "{url}: {}", dumped.stderr);
        let (_, width, _) = made(&file).video.unwrap();
        assert!(width <= 854, "{url}: {width}");
        has_tone(&file, 880.0);
    }
    assert_eq!(conversions(&server), 1, "{}", server.log());
}

#[test]
fn subtitles_are_drawn_into_the_picture_when_asked_for() {
    let server = Server::over(library());
    // The brightest sample of the lowest third of a picture in the middle.
    let brightest = |choice: &str| {
        let url = format!("http://{}/flv/{FILM}?{choice}", server.http);
        let filter = "crop=iw:ih/3:0:2*ih/3,format=gray";
        let arguments =
            ["-v", "error", "-i", &url, "-ss", "2", "-frames:v", "1", "-vf", filter, "-f", "rawvideo", "-"];
        succeed("ffmpeg", &arguments, LIMIT).stdout.into_iter().max().unwrap()
    };
    for (choice, bright) in [
        ("", false),
        ("subtitles=0", true),
        ("subtitles=de", true),
        ("subtitles=fr", false),
        ("subtitles=none", false),
    ] {
        let found = brightest(choice);
        assert_eq!(found > 180, bright, "{choice}: {found}");
    }
    assert_eq!(conversions(&server), 2, "{}", server.log());
    let server = Server::configured(library(), "[playback]\nsubtitle_languages = [\"de\"]\n");
    let media = get(server.http, &format!("/api/v1/media/{FILM}")).json();
    assert_eq!(
        (&media["form"]["subtitles"], &media["video"]["passes"]),
        (&0.into(), &false.into()),
        "{media}"
    );
    let media = get(server.http, &format!("/api/v1/media/{FILM}?subtitles=none")).json();
    assert_eq!(
        (&media["form"]["subtitles"], &media["video"]["passes"]),
        (&().into(), &true.into()),
        "{media}"
    );
}

/// The first picture that a client gets which says that it takes these codecs.
#[track_caller]
fn first_picture(server: &Server, app: &str, name: &str, four_ccs: &[&str], video_codecs: u32) -> Vec<u8> {
    let mut client = RtmpClient::connect_as(server.rtmp, app, four_ccs, video_codecs);
    client.create_stream();
    client.send_play(name);
    client.wait_for(&format!("a picture of {name}"), LIMIT, |message| match message {
        Message::Video(media) if message.is_keyframe() => Some(media.body[..5].to_vec()),
        _ => None,
    })
}

/// ffmpeg's `videoCodecs`, and those of Flash 7 and 8.
const TODAY: u32 = 252;
const FLASH_7: u32 = 76;

#[test]
fn a_client_gets_the_codecs_that_it_lists_and_others_get_h264() {
    let server = Server::over(library());
    let enhanced = first_picture(&server, "vod", HEVC, &["av01", "hvc1"], TODAY);
    assert_eq!(&enhanced[1..5], b"hvc1");
    assert_eq!(&first_picture(&server, "vod", HEVC, &["*"], TODAY)[1..5], b"hvc1");
    for four_ccs in [&[][..], &["av01", "vp09"]] {
        let plain = first_picture(&server, "vod", HEVC, four_ccs, TODAY);
        assert_eq!(plain[0] & 0x8f, 7, "{four_ccs:?}: H.264");
    }
}

#[test]
fn a_flash_without_h264_gets_what_it_plays_and_stock_clients_what_they_got() {
    let server = Server::over(library());
    for (name, video_codecs, codec) in [
        (SORENSON, FLASH_7, 2),
        (SORENSON, TODAY, 2),
        (FLV, TODAY, 7),
        // Some clients fill in nothing, or a number of something else.
        (FLV, 0, 7),
        (FLV, 4071, 7),
    ] {
        assert_eq!(
            first_picture(&server, "vod", name, &[], video_codecs)[0] & 0x0f,
            codec,
            "{name} {video_codecs}"
        );
    }
    assert_eq!(conversions(&server), 0, "{}", server.log());
    for name in [FLV, FILM] {
        assert_eq!(first_picture(&server, "vod", name, &[], FLASH_7)[0] & 0x0f, 2, "{name}");
    }
    assert_eq!(conversions(&server), 2, "{}", server.log());
}

#[test]
fn a_folder_that_is_called_like_a_profile_is_a_folder() {
    let server = Server::over(library());
    for url in
        [format!("rtmp://{}/{IN_FOLDER}", server.rtmp), format!("rtmp://{}/vod/{IN_FOLDER}", server.rtmp)]
    {
        assert!(made(&url).video.is_some(), "{url}");
    }
    let heard = made(&format!("rtmp://{}/audio/{IN_FOLDER}", server.rtmp));
    assert_eq!(heard, Made { video: None, audio: Some("aac".to_owned()) });
}

#[test]
fn two_viewers_with_different_choices_have_two_reels_and_with_the_same_one() {
    let server = Server::over(library());
    let play = |choice: &str| {
        let url = format!("rtmp://{}/vod/{FILM}?{choice}", server.rtmp);
        let arguments = ["-v", "error", "-re", "-i", &url, "-t", "4", "-c", "copy", "-f", "null", "-"];
        crate::program::start(command("ffmpeg", &arguments))
    };
    let mut players = Vec::from(["profile=small", "profile=flash", "profile=small"].map(play));
    wait_until("all play", LIMIT, || server.log().matches(" playing ").count() == 3);
    // By now it is known that this makes no difference.
    players.push(play("profile=small&audio=en&subtitles=none"));
    for player in players {
        let played = player.finish(LIMIT);
        assert!(played.status.success() && played.stderr.is_empty(), "{}", played.stderr);
    }
    let log = server.log();
    assert_eq!(conversions(&server), 2, "{log}");
    for profile in ["small", "flash"] {
        assert!(log.contains(&format!("profile={profile}")), "{log}");
    }
}

#[test]
fn the_media_answer_lists_what_can_be_chosen_and_what_becomes_of_it() {
    let server = Server::over(library());
    let media = get(server.http, &format!("/api/v1/media/{FILM}")).json();
    let contents = &media["contents"];
    let languages: Vec<_> =
        contents["audio"].as_array().unwrap().iter().map(|t| t["language"].clone()).collect();
    assert_eq!(languages, ["en", "de"], "{media}");
    assert_eq!(contents["audio"][1]["title"], "Dub");
    assert_eq!(
        (&contents["audio"][0]["default"], &contents["audio"][0]["chosen"]),
        (&true.into(), &true.into())
    );
    assert_eq!(contents["subtitles"][0]["language"], "de", "{media}");
    assert_eq!(
        (&media["video"]["source"], &media["video"]["passes"]),
        (&"H.264".into(), &true.into()),
        "{media}"
    );
    assert_eq!(media["form"]["profile"], "tv");
    let profiles = media["profiles"].as_array().unwrap();
    assert_eq!(profiles.iter().filter(|p| p["browser"] == true).count(), 3, "{media}");
    let small = get(server.http, &format!("/api/v1/media/{FILM}?profile=small&audio=de")).json();
    assert_eq!((&small["form"]["profile"], &small["form"]["audio"]), (&"small".into(), &1.into()), "{small}");
    assert_eq!(
        (&small["video"]["passes"], &small["audio"]["passes"]),
        (&false.into(), &true.into()),
        "{small}"
    );
    let flv = get(server.http, &format!("/api/v1/media/{FLV}")).json();
    assert_eq!(flv["contents"]["audio"].as_array().unwrap().len(), 1, "{flv}");
}

#[test]
fn what_cannot_be_chosen_is_refused_with_what_can() {
    let mut server = Server::over(library());
    let long = format!("audio={}", "9".repeat(3000));
    for (query, said) in [
        ("profile=best", "tv, small, flash or audio"),
        ("profile=%00", "tv, small, flash or audio"),
        ("audio=german", "audio=1 or audio=de"),
        ("audio=-1", "audio=1 or audio=de"),
        ("audio=2", "0 (en), 1 (de, Dub)"),
        ("subtitles=99", "has no subtitles 99; it has 0 (de)"),
        ("subtitles=de,de,de,de,de,de,de,de,de", "at most 8"),
        (&long, "neither a track's number"),
    ] {
        for base in ["/flv/", "/fmp4/", "/api/v1/media/", "/api/v1/events?path="] {
            let join = if base.contains('?') { '&' } else { '?' };
            let answer = get(server.http, &format!("{base}{FILM}{join}{query}"));
            assert_eq!(answer.status, 400, "{base} {query}: {}", answer.text());
            assert_eq!(answer.header("content-type"), "application/problem+json");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(said), "{base} {query}: {detail}");
        }
        let mut client = RtmpClient::play(server.rtmp, "vod", &format!("{FILM}?{query}"));
        let info = client.wait_status("NetStream.Play.Failed", SOON);
        let detail = info.get("description").and_then(|d| d.as_str().map(|s| s.into_owned())).unwrap();
        assert!(detail.contains(said), "{query}: {detail}");
    }
    let browser = get(server.http, &format!("/fmp4/{FILM}?profile=flash"));
    assert_eq!(browser.status, 400);
    assert!(browser.text().contains("can't be played by browsers"), "{}", browser.text());
    server.must_be_well();
}
