//! Where one conversion of a film goes on with what another one made: sound and picture together, measured in what
//! players decode, also when the second one encodes in another way than the first.

use crate::flashes::{AT_ODD_SECONDS, FPS, TOGETHER};
use crate::packets::{decodes, lane, probe};
use crate::program::succeed;
use crate::rtmp_client::RtmpClient;
use crate::samples::server_program;
use crate::server::{Server, folder_for_server};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;
use wiidiaserver::limits::{KEYFRAME_INTERVAL, PACE_HOPELESS};
use wiidiaserver::pipeline::Equipment;

/// A dark film, which is easy to encode at first and then noisy and hard; it flashes white while its sound beeps, at the
/// odd seconds.
const FILM: &str = "flashes.avi";
const SECONDS: u32 = 48;
/// Seconds for which it is easy.
const EASY: u32 = 12;
/// A film must be converted and read by then, on one processor that other tests use as well.
const LONG: Duration = Duration::from_secs(600);

fn films() -> &'static TempDir {
    static FILMS: OnceLock<TempDir> = OnceLock::new();
    FILMS.get_or_init(|| {
        let folder = folder_for_server();
        let picture = format!(
            "testsrc2=s=1280x720:r={FPS}:d={SECONDS},lutyuv=y=val/3,noise=alls=10:allf=t,\
             drawbox=c=0x202020:t=fill:enable='lt(t,{EASY})',\
             drawbox=c=white:t=fill:enable='{AT_ODD_SECONDS}'"
        );
        let sound = format!("aevalsrc='if({AT_ODD_SECONDS},0.7*sin(1760*PI*t),0)':s=48000:d={SECONDS}");
        let film = folder.path().join(FILM);
        let mut arguments = vec!["-v", "error", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound];
        arguments.extend("-c:v mpeg4 -q:v 10 -g 50 -c:a libmp3lame -b:a 128k".split(' '));
        arguments.push(film.to_str().unwrap());
        succeed("ffmpeg", &arguments, LONG);
        folder
    })
}

/// Onsets, in seconds: where a value that ffmpeg's filters print rises above a threshold.
fn onsets(url: &str, arguments: &[&str], key: &str, threshold: f64) -> Vec<f64> {
    let mut all = vec!["-v", "error", "-copyts", "-i", url];
    all.extend_from_slice(arguments);
    all.extend(["-f", "null", "-"]);
    let printed = succeed("ffmpeg", &all, LONG).stdout;
    let (mut time, mut above, mut onsets) = (0.0, false, Vec::new());
    for line in String::from_utf8_lossy(&printed).lines() {
        if let Some((_, rest)) = line.split_once("pts_time:") {
            time = rest.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(time);
        } else if let Some(value) = line.split_once(key).and_then(|(_, rest)| rest.trim().parse::<f64>().ok())
        {
            if value > threshold && !above {
                onsets.push(time);
            }
            above = value > threshold;
        }
    }
    onsets
}

/// Every flash has its beep, from the first to the last; but for those that are in `holes` of the picture.
#[track_caller]
fn sound_and_picture_are_together(url: &str, holes: &[(f64, f64)]) {
    let picture = "scale=32:32,signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-";
    let flashes = onsets(url, &["-map", "0:v:0", "-vf", picture, "-fps_mode", "passthrough"], "YAVG=", 150.0);
    let sound = "aresample=48000,aformat=channel_layouts=mono,asetnsamples=n=240,\
                 astats=metadata=1:reset=1,ametadata=print:key=lavfi.astats.Overall.Peak_level:file=-";
    let beeps = onsets(url, &["-map", "0:a:0", "-af", sound], "Peak_level=", -20.0);
    let steady = beeps.windows(2).all(|pair| (pair[1] - pair[0] - 2.0).abs() < TOGETHER);
    assert!(beeps.len() as u32 == SECONDS / 2 && steady, "beeps at {beeps:.3?}");
    let in_a_hole = |at: f64| holes.iter().any(|(from, step)| (at - from).clamp(0.0, *step) == at - from);
    let alone = |these: &[f64], those: &[f64]| -> Vec<f64> {
        let has_none = |at: &&f64| !those.iter().any(|other| (*at - other).abs() <= TOGETHER);
        these.iter().filter(has_none).copied().filter(|at| !in_a_hole(*at)).collect()
    };
    let alone = (alone(&flashes, &beeps), alone(&beeps, &flashes));
    assert!(alone == (vec![], vec![]), "flashes, and beeps, alone: {alone:.3?}; holes {holes:.3?}");
}

/// The film as it comes over HTTP, written to a file: all of it, once it is complete.
#[track_caller]
fn downloaded(server: &Server, what: &str, name: &str) -> PathBuf {
    let path = films().path().join(name);
    let url = server.http_url(what, FILM);
    // As it is sent, byte for byte.
    succeed("curl", &["-sS", "-o", path.to_str().unwrap(), &url], LONG);
    path
}

#[track_caller]
fn has_each_picture_once(url: &str) {
    assert_eq!(holes(url), []);
    let (pictures, wanted) = (lane(&probe(url), true).len(), (SECONDS * FPS) as usize);
    assert!(pictures.abs_diff(wanted) <= 1, "{pictures} pictures of {wanted}");
}

/// Where the next picture is not a frame later, and by how many seconds. Pictures that are not in order do not pass.
#[track_caller]
fn holes(url: &str) -> Vec<(f64, f64)> {
    let packets = probe(url);
    let frame = 1.0 / f64::from(FPS);
    // The first one of an AVI may be a frame early.
    let pictures = lane(&packets, true);
    let steps = pictures[1..].windows(2).map(|pair| (pair[0].pts, pair[1].pts - pair[0].pts));
    let holes: Vec<(f64, f64)> = steps.filter(|(_, step)| (step - frame).abs() >= 0.002).collect();
    assert!(holes.iter().all(|(_, step)| *step > 0.0), "{holes:?}");
    holes
}

/// How many conversions the machine was too busy to let come to their next keyframe: [`PACE_HOPELESS`].
fn hopeless(log: &str) -> usize {
    let speeds = log.lines().filter(|line| line.contains("conversion falls behind"));
    let speeds =
        speeds.filter_map(|line| line.split_once("speed=")?.1.split_whitespace().next()?.parse::<f64>().ok());
    speeds.filter(|speed| *speed < PACE_HOPELESS).count()
}

#[test]
fn conversions_that_seeks_have_started_join_with_sound_and_picture_together() {
    let server = Server::configured(films().path(), "[playback]\nseek_patience_ms = 0\n");
    let mut client = RtmpClient::play(server.rtmp, "vod", FILM);
    client.wait_for("a keyframe", LONG, |message| message.is_keyframe().then_some(()));
    for target in [32_000, 16_500] {
        client.seek(target);
        client.wait_status("NetStream.Seek.Notify", LONG);
        client.wait_for("the picture sought", LONG, |message| {
            message
                .media_ms()
                .filter(|ms| message.is_keyframe() && *ms + 2300 >= target && *ms <= target + 300)
        });
        std::thread::sleep(Duration::from_millis(500));
    }
    drop(client);
    let path = downloaded(&server, "flv", "sought.flv");
    let path = path.to_str().unwrap();
    assert!(
        server.log().contains("converted up to what was there"),
        "no conversions have met: {}",
        server.log()
    );
    has_each_picture_once(path);
    sound_and_picture_are_together(path, &[]);
}

/// An encoder of this machine that is taken for much faster than it is, and what is left when it disappoints.
fn overrated() -> String {
    let measured = Equipment::measure(server_program()).expect("these tests need x264enc");
    let mut equipment = serde_json::to_value(&measured).unwrap();
    // A film of 720p25 needs 69,000: one of the slowest presets, then a smaller picture of it, then the fastest.
    // On one processor, as the server below.
    let machine = equipment["machine"].as_str().unwrap().to_owned();
    let (version, name) =
        machine.split_once(", ").zip(machine.split_once(" x ")).map(|(v, n)| (v.0, n.1)).unwrap();
    equipment["machine"] = format!("{version}, 1 x {name}").into();
    equipment["video"] = serde_json::json!([
        { "element": "x264enc", "preset": "veryslow", "kilopixels": 80_000 },
        { "element": "x264enc", "preset": "ultrafast", "kilopixels": 85_000 },
    ]);
    equipment.to_string()
}

#[test]
fn a_conversion_that_falls_behind_goes_on_in_a_lighter_way_and_plays_everywhere() {
    // However many processors there are: one of them does not do it.
    let mut server = Server::on_one_processor(films().path());
    std::fs::create_dir_all(server.data()).unwrap();
    std::fs::write(server.data().join("equipment.json"), overrated()).unwrap();
    server.restart();
    let growing = downloaded(&server, "flv", "growing.flv");
    let log = server.log();
    assert!(log.contains("conversion falls behind"), "{log}");
    let remembered = std::fs::read_to_string(server.data().join("equipment.json")).unwrap();
    let remembered: serde_json::Value = serde_json::from_str(&remembered).unwrap();
    assert!(remembered["strain"].as_u64().is_some_and(|strain| strain > 100), "{remembered}");

    // Who watched it grow, who comes later, and over RTMP: all of it, with both kinds of pictures.
    let growing = growing.to_str().unwrap();
    let complete = downloaded(&server, "flv", "complete.flv");
    for url in [growing, complete.to_str().unwrap(), &server.rtmp_url(FILM)] {
        // Without a hole, or with one of less than a group of pictures for each conversion that had to be given up.
        let holes = holes(url);
        assert!(holes.len() <= hopeless(&log), "{holes:?} {log}");
        assert!(holes.iter().all(|(_, step)| *step <= KEYFRAME_INTERVAL.as_secs_f64() + 0.1), "{holes:?}");
        decodes(if url.starts_with("rtmp") { &["-rtmp_buffer", "3600000"] } else { &[] }, url);
    }
    sound_and_picture_are_together(growing, &holes(growing));
    assert!(sizes(growing).len() > 1, "the pictures have the sizes {:?}", sizes(growing));
    each_part_of_the_mp4_decodes(&downloaded(&server, "fmp4", "complete.mp4"));

    // Back over the change, and ahead again.
    let mut client = RtmpClient::play(server.rtmp, "vod", FILM);
    client.wait_for("a keyframe", LONG, |message| message.is_keyframe().then_some(()));
    for target in [40_000, 0, 44_000] {
        client.seek(target);
        client.wait_status("NetStream.Seek.Notify", LONG);
        client.wait_for("headers before the picture sought", LONG, |message| {
            message.is_sequence_header().then_some(())
        });
        client.wait_for("the picture sought", LONG, |message| message.is_keyframe().then_some(()));
    }
    server.must_be_well();
}

/// The sizes of the decoded pictures, each once.
fn sizes(path: &str) -> Vec<String> {
    let arguments =
        ["-v", "error", "-select_streams", "v", "-show_entries", "frame=width,height", "-of", "csv"];
    let printed = succeed("ffprobe", &[&arguments[..], &[path]].concat(), LONG).stdout;
    let mut sizes: Vec<String> = String::from_utf8_lossy(&printed).lines().map(str::to_owned).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// A browser begins anew at each `ftyp`, with the decoder that the `moov` behind it describes. ffmpeg takes only the
/// first, so each is shown to it alone.
#[track_caller]
fn each_part_of_the_mp4_decodes(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    let (mut at, mut begins) = (0, Vec::new());
    while let Some(head) = bytes.get(at..at + 8) {
        if &head[4..] == b"ftyp" {
            begins.push(at);
        }
        at += u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
    }
    assert!(begins.len() > 1, "one set of headers for all pictures");
    begins.push(bytes.len());
    let mut pictures = 0;
    for (index, part) in begins.windows(2).enumerate() {
        let path = path.with_extension(format!("{index}.mp4"));
        std::fs::write(&path, &bytes[part[0]..part[1]]).unwrap();
        let path = path.to_str().unwrap();
        decodes(&[], path);
        pictures += lane(&probe(path), true).len();
    }
    assert!(pictures.abs_diff((SECONDS * FPS) as usize) <= 1, "{pictures} pictures");
}
