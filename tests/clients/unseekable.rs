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
use wiidiaserver::limits::WINDOW_BYTES;

/// All of it must be converted by then, and once more, while other tests do the same.
const LONG: Duration = Duration::from_secs(240);

const FILM: &str = "raw.y4m";
const SECONDS: u32 = 40;
const GOP_MS: u32 = 2000;
const LEAD_MS: u32 = 300;

fn films() -> &'static TempDir {
    static FILMS: OnceLock<TempDir> = OnceLock::new();
    FILMS.get_or_init(|| {
        let folder = folder_for_server();
        let picture = format!("testsrc2=s=320x180:r=25:d={SECONDS},noise=alls=60:allf=t,format=yuv420p");
        let film = folder.path().join(FILM);
        succeed("ffmpeg", &["-v", "error", "-f", "lavfi", "-i", &picture, film.to_str().unwrap()], LONG);
        folder
    })
}

#[track_caller]
fn started(server: &Server) -> RtmpClient {
    let mut client = RtmpClient::play(server.rtmp, "vod", FILM);
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
    let mut client = started(&server);
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
    assert!(Metrics::of(&server).at("wiidia_seeks_total{choice=\"no_other\"}") >= 1.0);
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

#[test]
fn without_room_on_the_disk_a_seek_back_begins_the_conversion_again() {
    // No disk has so much.
    let mut server = Server::configured(films().path(), "[cache]\nkeep_free_mb = 1000000000\n");
    let mut client = started(&server);
    let mut other = started(&server);
    let mut most = 0;
    let mut look = |server: &Server| most = in_memory(server).max(most);
    // There and back, while the other one goes on watching: each has a conversion then.
    for target in [36_000, 1_000, 30_000, 0] {
        seek(&mut client, target);
        look(&server);
    }
    let conversions = Metrics::of(&server).at("wiidia_conversions_begun_total");
    assert!(conversions >= 3.0, "{conversions} conversions: {}", server.log());
    // The other one was not disturbed.
    other.wait_for("a later picture", LONG, |m| m.media_ms().filter(|ms| *ms > 4_000));
    look(&server);
    assert!(most > 0 && most < WINDOW_BYTES + (20 << 20), "{most} bytes in memory");
    drop((client, other));
    assert_eq!(get(server.http, "/api/v1/cache").json()["kept"]["count"], 0);
    server.must_be_well();
}
