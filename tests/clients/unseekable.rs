//! A film that cannot be entered in the middle (pictures as they are, without any index): a seek ahead waits for the one
//! conversion, and whoever waits is told for how long, by every way. Where the disk is full, a seek back begins again.

use crate::http_client::get;
use crate::kept::in_memory;
use crate::metrics::Metrics;
use crate::program::{command, start, succeed};
use crate::rtmp_client::{RtmpClient, SOON};
use crate::server::{Server, folder_for_server};
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;
use wiidiaserver::amf0::Value;
use wiidiaserver::limits::WINDOW_MOST;

/// All of it must be converted by then, and once more, while other tests do the same.
const LONG: Duration = Duration::from_secs(240);

const FILM: &str = "raw.y4m";
/// With pictures of the size below, converting it takes seconds on any machine.
const SECONDS: u32 = 40;
const GOP_MS: u32 = 2000;
const LEAD_MS: u32 = 300;

fn films() -> &'static TempDir {
    static FILMS: OnceLock<TempDir> = OnceLock::new();
    FILMS.get_or_init(|| {
        let folder = folder_for_server();
        let picture = format!("testsrc2=s=480x270:r=25:d={SECONDS},noise=alls=60:allf=t,format=yuv420p");
        let film = folder.path().join(FILM);
        succeed("ffmpeg", &["-v", "error", "-f", "lavfi", "-i", &picture, film.to_str().unwrap()], LONG);
        folder
    })
}

#[track_caller]
fn started(server: &Server, film: &str) -> RtmpClient {
    let mut client = RtmpClient::play(server.rtmp, "vod", film);
    client.wait_for("a keyframe", LONG, |message| message.is_keyframe().then_some(()));
    client
}

/// Seeks, and arrives at the picture that belongs there.
#[track_caller]
fn seek(client: &mut RtmpClient, target: u32) {
    client.seek(target);
    client.wait_status("NetStream.Seek.Notify", LONG);
    let picture = client.wait_for("a keyframe", SOON, |m| m.is_keyframe().then(|| m.media_ms()).flatten());
    let near = target.saturating_sub(GOP_MS)..=target + LEAD_MS;
    assert!(near.contains(&picture), "the picture of {picture} ms for a seek to {target}");
}

#[test]
fn a_seek_that_has_to_wait_is_counted_down_by_every_way() {
    let server = Server::on_one_processor(films().path());
    let mut client = started(&server, FILM);
    let target = (SECONDS - 2) * 1000;
    let events = format!("http://{}/api/v1/events?path={FILM}&target={}", server.http, target / 1000);
    let events = start(command("curl", &["-sSN", "--max-time", "200", &events]));
    client.seek(target);
    let status = client.call("getSeekStatus", &[]).expect("it is answered");
    assert!((status.get("target").and_then(Value::as_f64).unwrap() - f64::from(target) / 1000.0).abs() < 0.5);
    let (mut told, mut data) = (Vec::new(), 0);
    client.wait_for("Seek.Notify", LONG, |message| {
        data += u32::from(message.data_name().is_some_and(|name| name == "onSeekPending"));
        let info = message.status_info()?;
        let number = |key: &str| info.get(key).and_then(Value::as_f64);
        if let Some((eta, available)) = number("eta").zip(number("availablelength")) {
            told.push((eta, available));
        }
        (message.status()? == "NetStream.Seek.Notify").then_some(())
    });
    counts_down("over RTMP", &told);
    assert!(data >= 2, "{data} data messages");
    let said = events.finish(LONG);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let told: Vec<(f64, f64)> = said
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line.strip_prefix("data:")?).ok())
        .filter_map(|event| event["eta"].as_f64().zip(event["available"].as_f64()))
        .collect();
    counts_down("by events", &told);
    let last = said.lines().rfind(|line| line.starts_with("data:")).unwrap();
    assert!(last.contains("\"complete\":true") && last.contains("\"target\":null"), "{last}");
    // On a machine where conversions take long to start, waiting is what would be chosen in any case.
    let metrics = Metrics::of(&server);
    let waited =
        ["no_other", "wait"].map(|choice| metrics.at(&format!("wiidia_seeks_total{{choice=\"{choice}\"}}")));
    assert!(waited.iter().sum::<f64>() >= 1.0, "{waited:?}");
    // What will never exist is the last that there is.
    client.seek(90_000_000);
    client.wait_status("NetStream.Seek.Notify", LONG);
    let picture = client.wait_for("a keyframe", SOON, |m| m.is_keyframe().then(|| m.media_ms()).flatten());
    assert!(picture >= (SECONDS - 3) * 1000, "{picture} ms");
}

/// Estimates, with what was there: how right they are depends on what else this machine does.
#[track_caller]
fn counts_down(how: &str, told: &[(f64, f64)]) {
    assert!(told.len() >= 2, "{how}: {told:?}");
    let most = told.iter().map(|(eta, _)| *eta).fold(0.0, f64::max);
    let (last, _) = told[told.len() - 1];
    assert!(last <= most / 2.0 || last < 2.0, "{how}: from {most} to {last} s");
    assert!(
        told.is_sorted_by(|(_, before), (_, after)| before <= after),
        "{how}: what is there grows: {told:?}"
    );
}

/// Two large pictures a second, of noise: twice what is kept in memory of a conversion.
const LARGE: &str = "large.y4m";
const LARGE_SECONDS: u32 = 45;

#[test]
fn without_room_on_the_disk_every_seek_comes_to_an_end() {
    let film = films().path().join(LARGE);
    let picture = format!("testsrc2=s=1440x800:r=2:d={LARGE_SECONDS},noise=alls=80:allf=t,format=yuv420p");
    succeed("ffmpeg", &["-v", "error", "-y", "-f", "lavfi", "-i", &picture, film.to_str().unwrap()], LONG);
    // No disk has so much.
    let mut server = Server::configured(films().path(), "[cache]\nkeep_free_mb = 1000000000\n");
    let begun = |server: &Server| Metrics::of(server).at("wiidia_conversions_begun_total");
    let mut client = started(&server, LARGE);
    let mut most = 0;
    // To the end, by the conversion that runs; and back to what that has forgotten, by another one.
    for (target, conversions) in [(42_000, 1.0), (1_000, 2.0)] {
        seek(&mut client, target);
        most = in_memory(&server).max(most);
        assert!(begun(&server) >= conversions, "{target}: {} conversions: {}", begun(&server), server.log());
    }
    // Somebody else stands still at the beginning, so that conversion will never come to the end: the nearest will do.
    let mut other = started(&server, LARGE);
    other.pause(true, 0);
    client.seek(42_000);
    client.wait_status("NetStream.Seek.Notify", LONG);
    let picture = client.wait_for("a keyframe", SOON, |m| m.is_keyframe().then(|| m.media_ms()).flatten());
    assert!((8_000..=42_000 + LEAD_MS).contains(&picture), "the picture of {picture} ms");
    most = in_memory(&server).max(most);
    assert!(most > 0 && most <= WINDOW_MOST, "{most} bytes in memory");
    server.must_be_well();
}

#[test]
fn a_segment_of_hls_begins_in_time_and_comes_when_it_is_made() {
    // As slow as a small box: the answer begins long before there is anything in it.
    let server = Server::on_one_processor(films().path());
    let listed = get(server.http, &format!("/hls/{FILM}/index.m3u8")).text();
    let segments: Vec<&str> = listed.lines().filter(|line| line.starts_with("segment-")).collect();
    assert!(listed.contains("#EXT-X-ENDLIST") && segments.len() >= 9, "{listed}");
    let last = segments[segments.len() - 1];
    let folder = tempfile::tempdir().unwrap();
    let (file, url) = (folder.path().join("segment"), format!("http://{}/hls/{FILM}/{last}", server.http));
    let options = ["-sSf", "--max-time", "200", "-D", "-", "-o", file.to_str().unwrap(), &url];
    let head = succeed("curl", &options, LONG);
    let bytes = std::fs::read(&file).unwrap();
    let head = String::from_utf8_lossy(&head.stdout).into_owned();
    assert!(bytes.windows(4).any(|four| four == b"moof"), "{} bytes, {head}", bytes.len());
}
