//! Publishers and viewers of live streams: ffmpeg and GStreamer publish, everybody watches.

use crate::http_client::{get, get_beginning};
use crate::metrics::Metrics;
use crate::packets::{lane, probe};
use crate::program::{Running, command, start, succeed, wait_until};
use crate::rtmp_client::{RtmpClient, SOON};
use crate::samples::{H264_FLV, path_of};
use crate::server::Server;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

fn live_url(server: &Server, key: &str) -> String {
    format!("rtmp://{}/live/{key}", server.rtmp)
}

/// ffmpeg sends a film in real time, over and over.
pub(crate) fn publish(server: &Server, key: &str) -> Running {
    let (source, url) = (path_of(H264_FLV), live_url(server, key));
    let publisher = start(command(
        "ffmpeg",
        &["-v", "error", "-re", "-stream_loop", "-1", "-i", &source, "-c", "copy", "-f", "flv", &url],
    ));
    wait_until("the stream is on air", LIMIT, || figures(server, key)["bytes_in"].as_u64() > Some(100_000));
    publisher
}

/// What `/api/v1/streams` says of a stream.
pub(crate) fn figures(server: &Server, key: &str) -> serde_json::Value {
    let streams = get(server.http, "/api/v1/streams").json();
    let streams = streams["streams"].as_array().unwrap().clone();
    streams.into_iter().find(|stream| stream["name"] == key).unwrap_or_default()
}

/// Records three seconds of a URL with ffmpeg and checks what came.
pub(crate) fn records_well(url: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("got.flv").to_str().unwrap().to_owned();
    succeed("ffmpeg", &["-v", "error", "-i", url, "-t", "3", "-c", "copy", "-f", "flv", &file], LIMIT);
    let packets = probe(&file);
    let (pictures, sound) = (lane(&packets, true), lane(&packets, false));
    assert!(pictures[0].key, "{url}: the first picture is a keyframe");
    assert!(pictures.len() > 60 && sound.len() > 100, "{url}: {} and {}", pictures.len(), sound.len());
    for lane in [&pictures, &sound] {
        assert!(lane.windows(2).all(|two| two[0].dts < two[1].dts), "{url}: times go on");
        assert!(lane.windows(2).all(|two| two[1].dts - two[0].dts < 0.2), "{url}: without holes");
    }
}

#[test]
fn what_ffmpeg_publishes_is_watched_over_rtmp_and_http() {
    let mut server = Server::start();
    let _publisher = publish(&server, "cam");
    records_well(&live_url(&server, "cam"));
    records_well(&format!("http://{}/live/cam.flv", server.http));
    // Metadata for somebody who comes late is no stream of subtitles, for which Matroska would wait.
    let codecs = |url: String| {
        let entries = ["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", &url];
        String::from_utf8(succeed("ffprobe", &entries, LIMIT).stdout).unwrap()
    };
    for url in [live_url(&server, "cam"), format!("http://{}/live/cam.flv", server.http)] {
        assert_eq!(codecs(url.clone()).lines().collect::<Vec<_>>(), ["h264", "aac"], "{url}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("got.flv").to_str().unwrap().to_owned();
    let url = live_url(&server, "cam");
    succeed("rtmpdump", &["-q", "--live", "--stop", "3", "-r", &url, "-o", &file], LIMIT);
    assert!(lane(&probe(&file), true)[0].key);
    server.must_be_well();
}

#[test]
fn what_gstreamer_publishes_is_watched_by_gstreamer() {
    let server = Server::start();
    let pipeline = format!(
        "videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=25/1 ! x264enc tune=zerolatency \
         key-int-max=25 ! h264parse ! flvmux streamable=true name=m ! rtmp2sink location={} \
         audiotestsrc is-live=true ! avenc_aac ! aacparse ! m.",
        live_url(&server, "gst")
    );
    let arguments: Vec<&str> = ["-q"].into_iter().chain(pipeline.split_whitespace()).collect();
    let _publisher = start(command("gst-launch-1.0", &arguments));
    wait_until("the stream is on air", LIMIT, || figures(&server, "gst")["bytes_in"].as_u64() > Some(10_000));
    let location = format!("location={}", live_url(&server, "gst"));
    let watch = format!(
        "rtmp2src {location} ! flvdemux name=d d.video ! queue ! h264parse ! avdec_h264 ! fakesink num-buffers=50 sync=false"
    );
    let arguments: Vec<&str> = ["-q"].into_iter().chain(watch.split_whitespace()).collect();
    succeed("gst-launch-1.0", &arguments, LIMIT);
}

#[test]
fn a_viewer_joins_at_once_with_headers_and_a_keyframe() {
    let server = Server::start();
    let _publisher = publish(&server, "cam");
    let mut viewer = RtmpClient::play(server.rtmp, "live", "cam");
    viewer.wait_status("NetStream.Play.Start", SOON);
    // Well within the two seconds between keyframes: it comes from what the server kept.
    let messages =
        viewer.collect_until("a keyframe", Duration::from_secs(1), |message| message.is_keyframe());
    assert!(
        messages.iter().filter(|message| message.is_sequence_header()).count() >= 2,
        "both headers precede it"
    );
}

#[test]
fn a_publisher_that_leaves_and_comes_back_keeps_its_viewers() {
    let mut server = Server::start();
    let publisher = publish(&server, "cam");
    let mut viewer = RtmpClient::play(server.rtmp, "live", "cam");
    viewer.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
    drop(publisher);
    viewer.wait_status("NetStream.Play.UnpublishNotify", LIMIT);
    let _back = publish(&server, "cam");
    viewer.wait_status("NetStream.Play.PublishNotify", LIMIT);
    viewer.wait_for("a keyframe", LIMIT, |message| message.is_keyframe().then_some(()));
    server.must_be_well();
}

#[test]
fn what_nobody_publishes_is_not_found_and_other_applications_take_no_streams() {
    let server = Server::start();
    let mut viewer = RtmpClient::connect(server.rtmp, "live");
    viewer.create_stream();
    viewer.send_play("nothing");
    let status = viewer.wait_status("NetStream.Play.StreamNotFound", SOON);
    let text = status.get("description").unwrap().as_str().unwrap().into_owned();
    assert!(text.contains("start the encoder"), "{text}");
    let answer = get(server.http, "/live/nothing.flv");
    assert_eq!(answer.status, 404);
    let source = path_of(H264_FLV);
    let url = format!("rtmp://{}/vod/cam", server.rtmp);
    let refused = crate::program::run(
        "ffmpeg",
        &["-v", "error", "-re", "-i", &source, "-c", "copy", "-f", "flv", &url],
        LIMIT,
    );
    assert!(!refused.status.success() && refused.stderr.contains("rtmp://<box>/live/"), "{}", refused.stderr);
}

#[test]
fn with_a_secret_only_those_who_know_it_publish() {
    let server = Server::configured(crate::samples::library(), "[live]\nsecret = \"open sesame\"\n");
    let source = path_of(H264_FLV);
    let sends_to = |key: &str| {
        let url = live_url(&server, key);
        command("ffmpeg", &["-v", "error", "-re", "-i", &source, "-c", "copy", "-f", "flv", &url])
    };
    for wrong in ["cam", "cam?key=sesame", "cam?key=open%20sesame2"] {
        let refused = start(sends_to(wrong)).finish(LIMIT);
        assert!(
            !refused.status.success() && refused.stderr.contains("?key=<secret>"),
            "{wrong}: {}",
            refused.stderr
        );
    }
    assert!(figures(&server, "cam").is_null());
    let _publisher = start(sends_to("cam?key=open%20sesame"));
    wait_until("the stream is on air", LIMIT, || figures(&server, "cam")["bytes_in"].as_u64() > Some(10_000));
    assert!(!server.log().contains("sesame"), "the secret stays out of the log");
}

#[test]
fn a_codec_beyond_adobes_reaches_who_asked_for_it_and_is_refused_by_name_to_others() {
    let server = Server::start();
    let mut publisher = RtmpClient::connect(server.rtmp, "live");
    publisher.publish("hevc");
    // Enhanced RTMP: a sequence header, then a keyframe with composition time zero.
    publisher.send_video(&[0x90, b'h', b'v', b'c', b'1', 1, 2, 3]);
    publisher.send_video(&[0x91, b'h', b'v', b'c', b'1', 0, 0, 0, 9, 9]);
    wait_until("it is there", LIMIT, || figures(&server, "hevc")["bytes_in"].as_u64() > Some(10));

    let mut knows = RtmpClient::connect_with(server.rtmp, "live", &["hvc1"]);
    knows.create_stream();
    knows.send_play("hevc");
    knows.wait_for("the keyframe", SOON, |message| message.is_keyframe().then_some(()));

    let mut old = RtmpClient::play(server.rtmp, "live", "hevc");
    let status = old.wait_status("NetStream.Play.Failed", SOON);
    let text = status.get("description").unwrap().as_str().unwrap().into_owned();
    assert!(text.starts_with("this stream is HEVC, which this player has not said it can play"), "{text}");
}

#[test]
fn viewers_that_never_read_cost_others_nothing() {
    let mut server = Server::start();
    let _publisher = publish(&server, "cam");
    // They ask for the stream and then leave it in their sockets.
    let asleep: Vec<RtmpClient> = (0..50).map(|_| RtmpClient::play(server.rtmp, "live", "cam")).collect();
    wait_until("they are there", LIMIT, || figures(&server, "cam")["viewers"] == 50);
    records_well(&live_url(&server, "cam"));
    drop(asleep);
    wait_until("they are gone", LIMIT, || figures(&server, "cam")["viewers"] == 0);
    server.must_be_well();
}

#[test]
fn figures_of_a_stream_are_there_for_people_and_for_prometheus() {
    let server = Server::start();
    // A name as awkward as a publisher may choose it.
    let key = "ca\"m\\1";
    let mut publisher = RtmpClient::connect(server.rtmp, "live");
    publisher.publish(key);
    publisher.send_video(&[0x17, 0, 0, 0, 0, 1]);
    publisher.send_video(&[0x17, 1, 0, 0, 0, 9]);
    let mut viewer = RtmpClient::play(server.rtmp, "live", key);
    viewer.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
    let seen = figures(&server, key);
    assert_eq!((&seen["on_air"], &seen["viewers"]), (&true.into(), &1.into()), "{seen}");
    assert_eq!(seen["viewers_by_protocol"]["rtmp"], 1, "{seen}");
    assert_eq!((&seen["publishers"], &seen["lag"]["most"]), (&1.into(), &0.0.into()), "{seen}");
    assert!(seen["uptime"].as_f64() >= seen["on_air_for"].as_f64(), "{seen}");
    let metrics = Metrics::of(&server);
    let of_stream = |name: &str, more: &str| {
        metrics.at(&format!("wiidia_stream_{name}{{stream=\"ca\\\"m\\\\1\"{more}}}"))
    };
    assert_eq!(of_stream("viewers", ",protocol=\"rtmp\""), 1.0);
    assert_eq!(of_stream("viewers", ",protocol=\"http-flv\""), 0.0);
    assert_eq!(of_stream("on_air", ""), 1.0);
    assert_eq!((of_stream("received_bytes_total", ""), of_stream("lost_gops_total", "")), (12.0, 0.0));
    assert_eq!((metrics.at("wiidia_streams"), metrics.at("wiidia_publishers")), (1.0, 1.0));
    assert_eq!(metrics.connections("rtmp"), 2.0);
    assert!(metrics.at("process_resident_memory_bytes") > 1e6);
    assert!(metrics.at("process_open_fds") > 5.0 && metrics.at("wiidia_tasks") >= 4.0, "{metrics:?}");
    drop(viewer);
    wait_until("the viewer is gone", SOON, || figures(&server, key)["viewers"] == 0);
    // A viewer over HTTP counts as well, and as long as it stays.
    get_beginning(server.http, &format!("/live/{}.flv", crate::server::encoded(key)), 30);
    wait_until("that one is gone too", LIMIT, || figures(&server, key)["viewers"] == 0);
    let before = Metrics::of(&server).or_zero("wiidia_refusals_total{protocol=\"http\",reason=\"404\"}");
    get(server.http, "/live/nothing.flv");
    assert_eq!(
        Metrics::of(&server).at("wiidia_refusals_total{protocol=\"http\",reason=\"404\"}"),
        before + 1.0
    );
}
