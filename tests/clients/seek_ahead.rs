//! Seeking to where nothing is converted yet: the right picture, soon, and without a trace in what is kept.

use crate::http_client::{get, request_with};
use crate::packets::{decodes, probe_with};
use crate::program::{succeed, wait_until};
use crate::rtmp_client::{RtmpClient, SOON};
use crate::rtmp_message::Message;
use crate::samples::LONG_AVI;
use crate::server::{Server, encoded, folder_for_server};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wiidiaserver::amf0::Value;
use wiidiaserver::flv::reader::take_tag;
use wiidiaserver::flv::{Tag, TagKind};

/// Ten minutes of H.264 with B-frames and AAC, a keyframe every ten seconds: not converted, only repacked.
const FILM: &str = "ten minutes.mp4";
const FILM_MS: u32 = 600_000;
const FILM_GOP_MS: u32 = 10_000;

/// Ours are two seconds apart, in what is encoded.
const ENCODED_GOP_MS: u32 = 2_000;
/// Times may have a constant added so that none is below zero.
const LEAD_MS: u32 = 300;
const LONG: Duration = Duration::from_secs(60);

/// Others are waited for only if they are there at once, so that seeks ahead start conversions.
const IMPATIENT: &str = "[playback]\nseek_patience_ms = 0\n";

fn films() -> &'static TempDir {
    static FILMS: OnceLock<TempDir> = OnceLock::new();
    FILMS.get_or_init(|| {
        let folder = folder_for_server();
        let film = folder.path().join(FILM);
        let seconds = FILM_MS / 1000;
        let picture = format!("testsrc2=size=320x180:rate=10:duration={seconds}");
        let sound = format!("sine=frequency=440:beep_factor=4:sample_rate=44100:duration={seconds}");
        let mut arguments = vec!["-v", "error", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound];
        arguments.extend(
            "-c:v libx264 -preset superfast -g 100 -sc_threshold 0 -bf 2 -pix_fmt yuv420p".split(' '),
        );
        arguments.extend(["-c:a", "aac", "-b:a", "64k", film.to_str().unwrap()]);
        succeed("ffmpeg", &arguments, Duration::from_secs(120));
        folder
    })
}

/// The frames of a finished reel, which a first request brings to its end.
#[track_caller]
fn frames(server: &Server, film: &str) -> Vec<Tag> {
    let target = format!("/flv/{}", encoded(film));
    let mut answer = get(server.http, &target);
    let until = Instant::now() + LONG;
    while answer.header("content-length").is_empty() {
        assert!(Instant::now() < until, "the reel never is complete: {}", server.log());
        std::thread::sleep(Duration::from_millis(100));
        answer = get(server.http, &target);
    }
    let mut bytes = Bytes::from(answer.body).slice(13..);
    let mut tags = Vec::new();
    while let Some(tag) = take_tag(&mut bytes).unwrap() {
        if tag.kind != TagKind::Script && !tag.is_sequence_header() {
            tags.push(tag);
        }
    }
    tags
}

/// What one conversion makes of the film, without any seek.
fn film_in_one_go() -> &'static Vec<Tag> {
    static FRAMES: OnceLock<Vec<Tag>> = OnceLock::new();
    FRAMES.get_or_init(|| frames(&Server::over(films().path()), FILM))
}

#[track_caller]
fn started(server: &Server, film: &str) -> RtmpClient {
    let mut client = RtmpClient::play(server.rtmp, "vod", film);
    client.wait_for("a keyframe", LONG, |message| message.is_keyframe().then_some(()));
    client
}

/// The same where workers are being killed: what ends with a word is tried again.
#[track_caller]
fn started_at_last(server: &Server, film: &str) -> RtmpClient {
    for _ in 0..20 {
        let mut client = RtmpClient::play(server.rtmp, "vod", film);
        let plays = client.wait_for("a keyframe or a refusal", LONG, |message| {
            let refused = message.status().is_some_and(|code| code == "NetStream.Play.Failed");
            (refused || message.is_keyframe()).then_some(!refused)
        });
        if plays {
            return client;
        }
        // A film whose converters are killed again and again is left alone, until its owner releases it.
        request_with(server.http, "DELETE", "/api/v1/quarantine", "", "");
    }
    panic!("it never plays: {}", server.log());
}

/// Seeks, and returns the first picture that follows and how long that took.
#[track_caller]
fn seek(client: &mut RtmpClient, target: u32) -> (Message, Duration) {
    let begun = Instant::now();
    client.seek(target);
    client.wait_status("NetStream.Seek.Notify", LONG);
    let picture = client.wait_for("a keyframe", SOON, |m| m.is_keyframe().then(|| m.clone()));
    (picture, begun.elapsed())
}

#[track_caller]
fn is_before(picture: &Message, target: u32, gop: u32) {
    let ms = picture.media_ms().unwrap();
    assert!(
        (target.saturating_sub(gop)..=target + LEAD_MS).contains(&ms),
        "the picture of {ms} ms for a seek to {target}"
    );
}

/// Simple random numbers, the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(most)) as u32
    }
}

#[test]
fn a_seek_ahead_in_a_repacked_film_shows_the_very_frame_that_belongs_there() {
    let whole: HashMap<u32, &Tag> = film_in_one_go()
        .iter()
        .filter(|t| t.kind == TagKind::Video)
        .map(|t| (t.timestamp.as_millis(), t))
        .collect();
    let server = Server::configured(films().path(), IMPATIENT);
    let mut client = started(&server, FILM);
    for target in [555_000, 200_000, 333_333, 12_345, 599_000] {
        let (picture, took) = seek(&mut client, target);
        is_before(&picture, target, FILM_GOP_MS);
        let Message::Video(media) = &picture else { panic!("{picture:?}") };
        // The parser repeats the parameter sets in the first picture after a seek, so the same slices stand at the end.
        assert!(media.body.ends_with(&whole[&media.ms].body[5..]), "another picture at {} ms", media.ms);
        assert!(took < SOON, "{target}: {took:?}");
    }
}

#[test]
fn a_seek_ahead_in_an_encoded_film_starts_another_conversion_there() {
    let server = Server::configured(crate::samples::library(), IMPATIENT);
    let mut client = started(&server, LONG_AVI);
    for target in [70_500, 40_100] {
        let (picture, _) = seek(&mut client, target);
        is_before(&picture, target, ENCODED_GOP_MS);
    }
    assert!(server.log().contains("choice=\"start\""), "{}", server.log());
    let metrics = get(server.http, "/metrics").text();
    assert!(metrics.contains("wiidia_seeks_total{choice=\"start\"} 2"), "{metrics}");
    // By the other ways in, and decoded: what follows is whole.
    let url = server.http_url("flv", LONG_AVI) + "?start=55";
    let packets = probe_with(&["-read_intervals", "%+3"], &url);
    let first = packets.iter().find(|packet| packet.video).unwrap();
    assert!(first.key && (53.5..=55.3).contains(&first.pts), "{first:?}");
    let url = server.http_url("fmp4", LONG_AVI) + "?start=80";
    decodes(&["-t", "3"], &url);
    decodes(&["-rtmp_buffer", "100", "-ss", "62", "-t", "3"], &server.rtmp_url(LONG_AVI));
}

/// The picture at a time, as both decode it: how alike, in dB.
#[track_caller]
fn likeness(one: &str, other: &str) -> f64 {
    let filter = "[0:v]setpts=N/25/TB[a];[1:v]setpts=N/25/TB[b];[a][b]psnr";
    let arguments = ["-v", "info", "-nostats", "-i", one, "-i", other, "-lavfi", filter, "-f", "null", "-"];
    let said = succeed("ffmpeg", &arguments, LONG).stderr;
    let least = said.rsplit("min:").next().and_then(|rest| rest.split_whitespace().next());
    least.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no PSNR in {said}"))
}

#[test]
fn what_seeks_have_made_of_an_encoded_film_is_what_one_conversion_makes() {
    let server = Server::configured(crate::samples::library(), IMPATIENT);
    let mut client = started(&server, LONG_AVI);
    for target in [60_000, 30_000, 75_000] {
        seek(&mut client, target);
        std::thread::sleep(Duration::from_millis(1500));
    }
    drop(client);
    let made = frames(&server, LONG_AVI);
    let other = Server::start();
    let whole = frames(&other, LONG_AVI);
    let times = |tags: &[Tag], kind: TagKind| -> Vec<u32> {
        tags.iter().filter(|tag| tag.kind == kind).map(|tag| tag.timestamp.as_millis()).collect()
    };
    assert_eq!(
        times(&made, TagKind::Video),
        times(&whole, TagKind::Video),
        "every picture once, at its time"
    );
    // 44.1 kHz: a frame of sound lasts 23.2 ms, and where conversions meet the distance is off by less than one.
    let sound = times(&made, TagKind::Audio);
    assert!(
        sound.len().abs_diff(times(&whole, TagKind::Audio).len()) <= 4,
        "{} frames of sound",
        sound.len()
    );
    for pair in sound.windows(2) {
        assert!((1..=47).contains(&(pair[1] - pair[0])), "sound from {} to {} ms", pair[0], pair[1]);
    }
    let (a, b) = (server.http_url("flv", LONG_AVI), other.http_url("flv", LONG_AVI));
    let least = likeness(&a, &b);
    assert!(least > 30.0, "the least alike pictures: {least} dB");
}

/// Three viewers seek about at random; every seek ends at its picture. What a dead worker breaks is played again.
fn storm(server: &Server, film: &str, length_ms: u32, gop: u32, seeks: u32, mended: bool) {
    // After each death that came from outside the film rests for some seconds, which here are many.
    let limit = if mended { 4 * LONG } else { LONG };
    std::thread::scope(|scope| {
        for viewer in 0..3u64 {
            scope.spawn(move || {
                let mut dice = Dice(viewer + 1);
                let mut client = if mended { started_at_last(server, film) } else { started(server, film) };
                for n in 0..seeks / 3 {
                    let target = dice.below(length_ms);
                    // Some change their minds before they are answered.
                    if dice.below(3) == 0 {
                        client.seek(dice.below(length_ms));
                        std::thread::sleep(Duration::from_millis(dice.below(300).into()));
                    }
                    client.seek(target);
                    let arrived =
                        client.wait_for(&format!("seek {n} of viewer {viewer} to {target}"), limit, |m| {
                            let near = target.saturating_sub(gop)..=target + LEAD_MS;
                            if mended && m.status().is_some_and(|code| code.contains("Failed")) {
                                return Some(false);
                            }
                            (m.is_keyframe() && m.media_ms().is_some_and(|ms| near.contains(&ms)))
                                .then_some(true)
                        });
                    if !arrived {
                        client = started_at_last(server, film);
                    }
                }
            });
        }
    });
}

fn open_files(server: &Server) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap().count()
}

fn resident_kb(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_storm_of_seeks_leaves_nothing_but_the_film() {
    let mut server = Server::configured(films().path(), IMPATIENT);
    let (files, memory) = (open_files(&server), resident_kb(&server));
    storm(&server, FILM, FILM_MS, FILM_GOP_MS, 201, false);
    let made = frames(&server, FILM);
    let whole = film_in_one_go();
    assert_eq!(made.len(), whole.len());
    let differs = made.iter().zip(whole).position(|(a, b)| a != b);
    assert!(
        differs.is_none(),
        "frame {differs:?} is another one: {:?}",
        differs.map(|n| (&made[n], &whole[n]))
    );
    wait_until("no worker is left", LONG, || server.workers().is_empty());
    // The library's film is still open, and so are the parts of its reel.
    wait_until("files are closed", LONG, || open_files(&server) <= files + 26);
    let more = resident_kb(&server).saturating_sub(memory);
    assert!(more < 60_000, "{more} KB more than before");
    server.must_be_well();
}

/// Says that it is over when it goes, also when the test has failed.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn seeks_in_a_film_whose_workers_are_killed_all_end() {
    let mut server = Server::configured(crate::samples::library(), IMPATIENT);
    // Once before the killing, so that GStreamer has its list of plug-ins.
    drop(started(&server, LONG_AVI));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (server, over) = (&server, &over);
        let _killing = Over(over);
        scope.spawn(move || {
            let mut dice = Dice(7);
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(500 + u64::from(dice.below(1500))));
                let workers = server.workers();
                if let Some(worker) = workers.get(dice.below(workers.len().max(1) as u32) as usize) {
                    server.kill_one(*worker);
                }
            }
        });
        storm(server, LONG_AVI, 88_000, ENCODED_GOP_MS, 36, true);
    });
    server.must_be_well();
    // What was made is whole.
    let pictures = frames(&server, LONG_AVI).iter().filter(|tag| tag.kind == TagKind::Video).count();
    assert!((2248..=2252).contains(&pictures), "{pictures} pictures of 2250");
    wait_until("no worker is left", LONG, || server.workers().is_empty());
}

#[test]
fn a_seek_to_what_a_file_only_promises_ends_at_the_last_picture_there_is() {
    // Its head promises 20 seconds; the data ends before.
    let server = Server::configured(crate::samples::library(), IMPATIENT);
    let mut client = started(&server, "Broken/cut short.mp4");
    let (picture, _) = seek(&mut client, 19_500);
    assert!(picture.media_ms().unwrap() < 19_500, "{picture:?}");
    // … also as the first thing that is wanted of it.
    let url = server.http_url("flv", "Broken/cut short.mp4") + "?start=19";
    assert!(!probe_with(&[], &url).is_empty());
}

#[test]
fn a_pending_seek_is_counted_down() {
    // Patient, so that it waits for the conversion that runs.
    let server = Server::configured(crate::samples::library(), "[playback]\nseek_patience_ms = 600000\n");
    let mut client = started(&server, LONG_AVI);
    client.seek(85_000);
    let mut told: Vec<(Instant, f64, f64)> = Vec::new();
    let mut data = 0;
    client.wait_for("Seek.Notify", Duration::from_secs(180), |message| {
        if message.data_name().is_some_and(|name| name == "onSeekPending") {
            data += 1;
        }
        let info = message.status_info()?;
        let number = |key: &str| info.get(key).and_then(Value::as_f64);
        if let (Some(eta), Some(available)) = (number("eta"), number("availablelength")) {
            told.push((Instant::now(), eta, available));
        }
        (message.status()? == "NetStream.Seek.Notify").then_some(())
    });
    assert!(data >= 2 && told.len() >= 2, "{data} data messages, {told:?}");
    // How right it is depends on what else this machine does; `figures_of_seeks` shows it. Here: it counts down.
    let most = told.iter().map(|(_, eta, _)| *eta).fold(0.0, f64::max);
    let last = told.last().unwrap().1;
    assert!(last <= most / 2.0 || last < 2.0, "from {most} to {last} s");
    let told_of: Vec<f64> = told.iter().map(|(_, _, available)| *available).collect();
    assert!(told_of.is_sorted(), "what is there grows: {told_of:?}");
}

/// What `docs/seeking.md` shows: `cargo test --release --test clients figures_of_seeks -- --ignored --nocapture`.
#[test]
#[ignore = "measures for minutes and asserts nothing"]
fn figures_of_seeks() {
    let folder = folder_for_server();
    let film = folder.path().join("film 720p.mp4");
    let picture = "testsrc2=size=1280x720:rate=25:duration=20";
    let arguments = format!(
        "-v error -f lavfi -i {picture} -f lavfi -i sine=duration=20 -c:v libx264 -preset superfast -crf 32 -g 50 \
         -sc_threshold 0 -bf 2 -pix_fmt yuv420p -c:a aac"
    );
    let once = folder.path().join("once.mp4");
    let mut arguments: Vec<&str> = arguments.split_whitespace().collect();
    arguments.push(once.to_str().unwrap());
    succeed("ffmpeg", &arguments, Duration::from_secs(120));
    let (once, film_path) = (once.to_str().unwrap(), film.to_str().unwrap());
    // Forty minutes: larger than what tests' programs may write.
    let repeat = ["-v", "error", "-stream_loop", "119", "-i", once, "-c", "copy", film_path];
    assert!(std::process::Command::new("ffmpeg").args(repeat).status().unwrap().success());
    let avi = format!("{}/long.avi", folder.path().display());
    std::fs::copy(crate::samples::path_of(LONG_AVI), avi).unwrap();
    println!("| film | how | seeks | to the first picture, ms: p50 | p95 | estimate off by, ms: p50 | p95 |");
    println!("|---|---|---|---|---|---|---|");
    let patient = "[playback]\nseek_patience_ms = 600000\n";
    for (name, file, length, count) in [
        ("720p H.264, repacked", "film 720p.mp4", 2_390_000, 12),
        ("720p MPEG-4, encoded", "long.avi", 88_000, 6),
    ] {
        for (settings, how) in [(IMPATIENT, "start"), (patient, "wait")] {
            let mut took: Vec<u128> = Vec::new();
            let mut log = String::new();
            let mut dice = Dice(5);
            for _ in 0..if how == "start" { count } else { count / 3 } {
                // A reel of its own each time: nothing is there yet.
                let server = Server::configured(folder.path(), settings);
                let mut client = started(&server, file);
                std::thread::sleep(Duration::from_millis(700));
                let target = length / 2 + dice.below(length / 2);
                took.push(seek(&mut client, target).1.as_millis());
                std::thread::sleep(Duration::from_millis(100));
                log += &server.log();
            }
            let lines = log.lines().filter(|line| line.contains(&format!("choice=\"{how}\"")));
            let number = |line: &str, key: &str| -> Option<i128> {
                line.split(key).nth(1)?.split_whitespace().next()?.parse().ok()
            };
            let mut off: Vec<u128> = lines
                .filter_map(|l| Some((number(l, "estimate_ms=")? - number(l, "took_ms=")?).unsigned_abs()))
                .collect();
            took.sort_unstable();
            off.sort_unstable();
            let at = |list: &[u128], share: usize| {
                list.get((list.len() * share / 100).min(list.len().max(1) - 1)).copied()
            };
            let show = |value: Option<u128>| value.map_or("none".to_owned(), |ms| ms.to_string());
            println!(
                "| {name} | {how} | {} | {} | {} | {} | {} |",
                took.len(),
                show(at(&took, 50)),
                show(at(&took, 95)),
                show(at(&off, 50)),
                show(at(&off, 95))
            );
        }
    }
}
