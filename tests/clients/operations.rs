//! Each client, each operation: what `docs/rtmp.md` promises of all of them. What one client alone can do, or what is
//! looked at more closely, stands in the client's own file.

use crate::http_client::get;
use crate::mpv::Mpv;
use crate::packets::{lane, never_backwards, probe, span};
use crate::program::{Finished, Running, command, start, wait_until};
use crate::rtmp_client::{RtmpClient, SOON};
use crate::samples::{H264_FLV, H264_MP4, path_of};
use crate::server::Server;
use std::time::Duration;

/// For anything that takes seconds.
const LIMIT: Duration = Duration::from_secs(60);

/// What a client is to do with a URL.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Do {
    /// A file from its beginning to its end.
    Whole,
    /// A file from this second on, for so many.
    Part(u32, u32),
    /// A live stream, for so many seconds.
    Live(u32),
}

/// A client, and how it is told what to do; where it cannot, nothing.
struct Client {
    name: &'static str,
    command: fn(url: &str, what: Do, file: &str) -> Option<Vec<String>>,
    /// What it gets becomes a file.
    records: bool,
}

const CLIENTS: &[Client] = &[
    Client { name: "ffmpeg", command: ffmpeg, records: true },
    Client { name: "ffprobe", command: ffprobe, records: false },
    Client { name: "ffplay", command: ffplay, records: false },
    Client { name: "rtmpdump", command: rtmpdump, records: true },
    Client { name: "rtmpdump without BUFX", command: rtmpdump_realtime, records: true },
    Client { name: "rtmp2src", command: rtmp2src, records: true },
    Client { name: "rtmpsrc", command: rtmpsrc, records: true },
];

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn ffmpeg(url: &str, what: Do, file: &str) -> Option<Vec<String>> {
    let when = match what {
        // Otherwise it plays at the media's own speed.
        Do::Whole => "-rtmp_buffer 3600000".to_owned(),
        Do::Part(from, length) => format!("-ss {from} -t {length}"),
        Do::Live(length) => format!("-t {length}"),
    };
    Some(words(&format!("ffmpeg -v error -y {when} -i {url} -c copy -f flv {file}")))
}

fn ffprobe(url: &str, what: Do, _: &str) -> Option<Vec<String>> {
    let when = match what {
        Do::Whole => "-rtmp_buffer 3600000".to_owned(),
        Do::Part(from, length) => format!("-read_intervals {from}%+{length}"),
        Do::Live(length) => format!("-read_intervals %+{length}"),
    };
    Some(words(&format!("ffprobe -v error -show_entries packet=pts_time -of csv {when} {url}")))
}

/// A player, though nobody sees or hears it. It plays at the media's own speed, and a live stream until it is killed,
/// which is a success here.
fn ffplay(url: &str, what: Do, _: &str) -> Option<Vec<String>> {
    let ffplay = "env SDL_VIDEODRIVER=dummy SDL_AUDIODRIVER=dummy ffplay -v error -stats -autoexit";
    Some(words(&match what {
        Do::Whole => format!("{ffplay} {url}"),
        Do::Part(from, length) => format!("{ffplay} -ss {from} -t {length} {url}"),
        Do::Live(length) => format!("timeout --preserve-status {} {ffplay} {url}", length + 6),
    }))
}

/// The times that ffplay's clock showed, in seconds.
fn ffplay_clock(stderr: &str) -> Vec<f64> {
    let shown = stderr.split('\r').filter_map(|line| line.split_whitespace().next()?.parse().ok());
    shown.filter(|time: &f64| time.is_finite()).collect()
}

fn rtmpdump(url: &str, what: Do, file: &str) -> Option<Vec<String>> {
    let when = match what {
        Do::Whole => String::new(),
        Do::Part(from, length) => format!("--start {from} --stop {}", from + length),
        Do::Live(length) => format!("--live --stop {length}"),
    };
    Some(words(&format!("rtmpdump -q {when} -r {url} -o {file}")))
}

/// Librtmp speeds downloads up by pausing when the server says that its buffer is empty, unless it is told not to.
fn rtmpdump_realtime(url: &str, what: Do, file: &str) -> Option<Vec<String>> {
    let arguments = rtmpdump(url, what, file)?;
    Some([arguments, words("--realtime --buffer 2000")].concat())
}

/// It cannot seek, nor does it know when to stop: so many buffers are taken of it instead.
fn rtmp2src(url: &str, what: Do, file: &str) -> Option<Vec<String>> {
    let count = match what {
        Do::Whole => String::new(),
        Do::Part(..) => return None,
        Do::Live(length) => format!("num-buffers={}", length * 60),
    };
    Some(words(&format!("gst-launch-1.0 -q rtmp2src location={url} {count} ! filesink location={file}")))
}

/// Librtmp's options are part of its URL.
fn rtmpsrc(url: &str, what: Do, file: &str) -> Option<Vec<String>> {
    let (options, count) = match what {
        // One buffer, large enough for all: of more there is no end (see gstreamer.rs).
        Do::Whole => ("", "blocksize=60000000 num-buffers=1".to_owned()),
        Do::Part(from, length) => {
            let options = format!("{url} start={} stop={}", from * 1000, (from + length) * 1000);
            let one = "blocksize=60000000 num-buffers=1 ! filesink";
            let rest = words(&format!("{one} location={file}"));
            let first = ["gst-launch-1.0", "-q", "rtmpsrc", &format!("location={options}")];
            return Some(first.into_iter().map(str::to_owned).chain(rest).collect());
        }
        Do::Live(length) => (" live=1", format!("num-buffers={}", length * 10)),
    };
    let first = ["gst-launch-1.0", "-q", "rtmpsrc", &format!("location={url}{options}")];
    Some(
        first
            .into_iter()
            .map(str::to_owned)
            .chain(words(&format!("{count} ! filesink location={file}")))
            .collect(),
    )
}

/// Runs a client.
struct Run {
    running: Running,
    folder: tempfile::TempDir,
    client: &'static Client,
}

impl Run {
    fn start(client: &'static Client, url: &str, what: Do) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("got.flv");
        let arguments = (client.command)(url, what, file.to_str().unwrap())?;
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Some(Self { running: start(command(words[0], &words[1..])), folder, client })
    }

    fn file(folder: &tempfile::TempDir) -> String {
        folder.path().join("got.flv").to_str().unwrap().to_owned()
    }

    /// Waits for the end; what it got, if that is a file.
    #[track_caller]
    fn finish(self) -> (Finished, tempfile::TempDir) {
        (self.running.finish(LIMIT), self.folder)
    }

    fn bytes(&self) -> u64 {
        std::fs::metadata(Self::file(&self.folder)).map_or(0, |data| data.len())
    }
}

/// Every client does it, as far as it can; what they record is looked at.
#[track_caller]
fn every_client(url: &str, what: Do, check: impl Fn(&str, &Finished, Option<&str>)) {
    let runs: Vec<Run> = CLIENTS.iter().filter_map(|client| Run::start(client, url, what)).collect();
    assert!(runs.len() >= CLIENTS.len() - 1);
    for run in runs {
        let client = run.client;
        let (finished, folder) = run.finish();
        let file = Run::file(&folder);
        check(client.name, &finished, client.records.then_some(&file));
    }
}

#[test]
fn every_client_plays_a_film_to_its_end() {
    let server = Server::start();
    let pictures = lane(&probe(&path_of(H264_FLV)), true).len();
    every_client(&server.rtmp_url(H264_FLV), Do::Whole, |name, finished, file| {
        assert!(finished.status.success(), "{name}: {}\n{}", finished.status, finished.stderr);
        if let Some(file) = file {
            assert_eq!(lane(&probe(file), true).len(), pictures, "{name}");
        } else if name == "ffprobe" {
            let packets = String::from_utf8_lossy(&finished.stdout).lines().count();
            assert!(packets > pictures, "{name}: {packets}");
        } else {
            // A player takes as long as the film.
            let clock = ffplay_clock(&finished.stderr);
            assert!(finished.took > Duration::from_secs(15), "{name}: {:?}", finished.took);
            assert!(clock.iter().any(|time| *time > 18.0), "{name}: {clock:?}");
        }
    });
}

#[test]
fn every_client_that_can_seek_and_stop_gets_the_part_it_asks_for() {
    let server = Server::start();
    for sample in [H264_FLV, H264_MP4] {
        every_client(&server.rtmp_url(sample), Do::Part(7, 2), |name, finished, file| {
            // 2 is rtmpdump's "incomplete": it compares what it has with the whole film's length.
            assert!(
                matches!(finished.status.code(), Some(0 | 2)),
                "{name}: {}\n{}",
                finished.status,
                finished.stderr
            );
            if let Some(file) = file {
                let pictures = lane(&probe(file), true);
                assert!(pictures[0].key, "{name}");
                never_backwards(name, &pictures);
                let seconds = span(&pictures);
                assert!((1.7..=4.5).contains(&seconds), "{name}: {seconds:.3} seconds of {sample}");
            } else {
                let times = String::from_utf8_lossy(&finished.stdout).into_owned();
                let first = match name {
                    "ffplay" => ffplay_clock(&finished.stderr).into_iter().find(|time| *time > 0.0),
                    _ => times.lines().find_map(|line| line.split(',').nth(1)?.parse::<f64>().ok()),
                };
                assert!((4.9..=7.3).contains(&first.unwrap()), "{name}: begins at {first:?}");
            }
        });
    }
}

#[test]
fn every_client_is_told_when_there_is_no_such_film_or_stream() {
    let mut server = Server::start();
    for url in [server.rtmp_url("nothing.flv"), format!("rtmp://{}/live/nothing", server.rtmp)] {
        for what in [Do::Whole, Do::Live(5)] {
            every_client(&url, what, |name, finished, _| {
                // ffplay's end is a success whatever it has played; rtmpsrc calls an empty stream one.
                let may_succeed = matches!(name, "ffplay" | "rtmpsrc");
                assert!(may_succeed || !finished.status.success(), "{name} {url}");
                assert!(finished.took < Duration::from_secs(20), "{name} {url}: {:?}", finished.took);
            });
        }
    }
    server.must_be_well();
}

fn live_url(server: &Server, key: &str) -> String {
    format!("rtmp://{}/live/{key}", server.rtmp)
}

fn bytes_in(server: &Server, key: &str) -> Option<u64> {
    let streams = get(server.http, "/api/v1/streams").json();
    let streams = streams["streams"].as_array()?.clone();
    streams.into_iter().find(|stream| stream["name"] == key && stream["on_air"] == true)?["bytes_in"].as_u64()
}

/// Publishes a film over and over.
#[track_caller]
fn publish(server: &Server, key: &str) -> Running {
    let before = bytes_in(server, key).unwrap_or(0);
    let (source, url) = (path_of(H264_FLV), live_url(server, key));
    let endless =
        ["-v", "error", "-re", "-stream_loop", "-1", "-i", &source, "-c", "copy", "-f", "flv", &url];
    let publisher = start(command("ffmpeg", &endless));
    wait_until("it is on air", LIMIT, || bytes_in(server, key) > Some(before + 50_000));
    publisher
}

/// Ended as it should, which for ffplay is by a signal.
#[track_caller]
fn watched_live(name: &str, finished: &Finished) {
    if name == "ffplay" {
        let clock = ffplay_clock(&finished.stderr);
        let moved =
            clock.iter().copied().reduce(f64::max).zip(clock.iter().copied().find(|time| *time > 0.0));
        assert!(
            moved.is_some_and(|(last, first)| last - first > 0.3),
            "{name}: {clock:?}\n{}",
            finished.stderr
        );
    } else {
        // 2 is rtmpdump's "incomplete".
        assert!(
            matches!(finished.status.code(), Some(0 | 2)),
            "{name}: {}\n{}",
            finished.status,
            finished.stderr
        );
    }
}

#[test]
fn every_client_joins_a_stream_that_is_on_air_and_begins_with_a_keyframe() {
    let mut server = Server::start();
    let _publisher = publish(&server, "cam");
    every_client(&live_url(&server, "cam"), Do::Live(4), |name, finished, file| {
        watched_live(name, finished);
        if let Some(file) = file {
            let pictures = lane(&probe(file), true);
            assert!(pictures[0].key, "{name}");
            assert!(pictures.len() > 25, "{name}: {}", pictures.len());
            assert!(pictures.windows(2).all(|two| two[1].dts - two[0].dts < 0.2), "{name}: without holes");
        }
    });
    server.must_be_well();
}

#[test]
fn a_publisher_that_comes_back_finds_who_waits_and_the_others_have_ended() {
    let mut server = Server::start();
    let publisher = publish(&server, "cam");
    let url = live_url(&server, "cam");
    // rtmpsrc ends with librtmp, and asks anew by itself.
    let waits = |run: &Run| matches!(run.client.name, "rtmp2src" | "rtmpsrc");
    let of = |client: &'static Client| Run::start(client, &url, Do::Live(100));
    let runs: Vec<Run> = CLIENTS.iter().filter(|client| client.name != "ffplay").filter_map(of).collect();
    wait_until("all of them watch", LIMIT, || {
        server_viewers(&server) >= runs.len() as u64
            && runs.iter().all(|run| !run.client.records || run.bytes() > 20_000)
    });
    drop(publisher);
    let (stay, leave): (Vec<Run>, Vec<Run>) = runs.into_iter().partition(waits);
    assert_eq!(stay.len(), 2);
    for run in leave {
        // UnpublishNotify is the end for ffmpeg's library and for librtmp.
        let name = run.client.name;
        let (finished, _folder) = run.finish();
        assert!(
            matches!(finished.status.code(), Some(0 | 2)),
            "{name}: {}\n{}",
            finished.status,
            finished.stderr
        );
    }
    let had: Vec<u64> = stay.iter().map(Run::bytes).collect();
    let _back = publish(&server, "cam");
    wait_until("those that stayed record again", LIMIT, || {
        stay.iter().zip(&had).all(|(run, had)| run.bytes() > had + 100_000)
    });
    for run in stay.into_iter().filter(|run| run.client.name == "rtmp2src") {
        let Run { running, folder, client } = run;
        drop(running);
        never_backwards(client.name, &lane(&probe(&Run::file(&folder)), true));
    }
    server.must_be_well();
}

fn server_viewers(server: &Server) -> u64 {
    get(server.http, "/api/v1/streams").json()["streams"][0]["viewers"].as_u64().unwrap_or(0)
}

#[test]
fn mpv_pauses_resumes_and_seeks_both_ways() {
    let server = Server::start();
    let mut mpv = Mpv::start(&server.rtmp_url(H264_FLV));
    mpv.wait_time("it plays", |time| time > 0.5);
    mpv.ask(r#"["set_property","pause",true]"#);
    let paused = mpv.time().unwrap();
    std::thread::sleep(Duration::from_secs(3));
    let still = mpv.time().unwrap();
    assert!(still - paused < 0.3, "{paused} {still}");
    mpv.ask(r#"["set_property","pause",false]"#);
    mpv.wait_time("it goes on where it was", |time| time > still + 0.5 && time < still + 3.0);
    for target in [13.0, 3.0] {
        mpv.ask(&format!(r#"["seek",{target},"absolute"]"#));
        // To the keyframe before it, at most two seconds earlier.
        mpv.wait_time("it is there", |time| (target - 2.5..target + 2.0).contains(&time));
        let there = mpv.time().unwrap();
        mpv.wait_time("it goes on from there", |time| time > there + 0.5);
    }
}

#[test]
fn mpv_plays_a_live_stream_and_a_pause_of_it_goes_on() {
    let server = Server::start();
    let _publisher = publish(&server, "cam");
    let mut mpv = Mpv::start(&live_url(&server, "cam"));
    mpv.wait_time("it plays", |time| time > 0.5);
    mpv.ask(r#"["set_property","pause",true]"#);
    std::thread::sleep(Duration::from_secs(3));
    let paused = mpv.time().unwrap();
    mpv.ask(r#"["set_property","pause",false]"#);
    mpv.wait_time("it goes on", |time| time > paused + 1.0);
}

/// Librtmp's BUFX, by hand: a pause, and a resume as soon as the pause is told, at the time of what came last. What
/// is not later than that, librtmp throws away, so nothing may be missing behind it.
#[test]
fn a_resume_on_the_heels_of_a_pause_goes_on_without_a_gap() {
    let server = Server::start();
    let mut client = RtmpClient::play(server.rtmp, "vod", H264_FLV);
    let mut times = Vec::new();
    for _ in 0..5 {
        let came = client.collect_until("half a second", SOON, {
            let mut count = 0;
            move |message| {
                count += usize::from(message.media_ms().is_some());
                count > 30
            }
        });
        let mut last = came.iter().filter_map(|message| message.media_ms()).next_back().unwrap();
        times.extend(came.iter().filter_map(|message| message.media_ms()));
        client.pause(true, last);
        let came = client
            .collect_until("the pause", SOON, |m| m.status().is_some_and(|s| s == "NetStream.Pause.Notify"));
        times.extend(came.iter().filter_map(|message| message.media_ms()));
        last = *times.last().unwrap_or(&last);
        client.pause(false, last);
        client.wait_status("NetStream.Unpause.Notify", SOON);
    }
    times.sort_unstable();
    let holes: Vec<_> = times.windows(2).filter(|two| two[1] - two[0] > 45).collect();
    assert!(holes.is_empty(), "{holes:?}");
}

#[test]
fn what_librtmp_publishes_is_watched() {
    let server = Server::start();
    let pipeline = format!(
        "gst-launch-1.0 -q videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=25/1 ! \
         x264enc tune=zerolatency key-int-max=25 ! h264parse ! flvmux streamable=true name=m ! rtmpsink location={} \
         audiotestsrc is-live=true ! avenc_aac ! aacparse ! m.",
        live_url(&server, "cam")
    );
    let words: Vec<&str> = pipeline.split_whitespace().collect();
    let _publisher = start(command(words[0], &words[1..]));
    wait_until("it is on air", LIMIT, || bytes_in(&server, "cam") > Some(20_000));
    every_client(&live_url(&server, "cam"), Do::Live(3), |name, finished, file| {
        watched_live(name, finished);
        if let Some(file) = file {
            assert!(lane(&probe(file), true)[0].key, "{name}");
        }
    });
}

/// Tests are named in docs/rtmp.md by what they show; a name there leads to one here.
#[test]
fn the_tests_that_the_docs_name_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_to_string(root.join("docs/rtmp.md")).unwrap();
    let table = docs.split("## Clients and operations").nth(1).expect("the table is there");
    let (mut folders, mut tests) = (vec![root.join("tests/clients")], String::new());
    while let Some(folder) = folders.pop() {
        for path in folder.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => folders.push(path),
                false => tests += &std::fs::read_to_string(path).unwrap(),
            }
        }
    }
    let names: Vec<&str> =
        table.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() > 2).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(tests.contains(&format!("fn {name}()")), "{name} is named in docs/rtmp.md, and is no test");
    }
}
