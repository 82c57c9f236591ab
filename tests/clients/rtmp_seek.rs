//! Seeking, over the wire.

use crate::rtmp_client::{RtmpClient, SOON};
use crate::rtmp_message::Message;
use crate::samples::{self, H264_FLV, H264_MP4, LONG_AVI};
use crate::server::Server;
use std::time::Duration;
use wiidiaserver::amf0::Value;

/// Keyframes of the samples are this far apart.
const KEYFRAMES_MS: u32 = 2000;

/// Times may have a constant added so that none is below zero.
const LEAD_MS: u32 = 300;

/// Waits for the end of a seek and returns what follows it up to the first keyframe.
#[track_caller]
fn after_seek(client: &mut RtmpClient, limit: Duration) -> Vec<Message> {
    client.wait_status("NetStream.Seek.Notify", limit);
    client.collect_until("a keyframe after the seek", SOON, Message::is_keyframe)
}

#[track_caller]
fn begins_with_headers_and_the_keyframe_before(messages: &[Message], target: u32) {
    let header = |video: bool| {
        messages.iter().any(|m| m.is_sequence_header() && matches!(m, Message::Video(_)) == video)
    };
    assert!(header(true), "no AVC header after a seek: {messages:?}");
    assert!(header(false), "no AAC header after a seek: {messages:?}");
    let first = messages.iter().rfind(|m| m.is_keyframe()).and_then(Message::media_ms).unwrap();
    let earliest = target.saturating_sub(KEYFRAMES_MS);
    assert!((earliest..=target + LEAD_MS).contains(&first), "keyframe at {first} ms for a seek to {target}");
    let pictures =
        messages.iter().filter(|m| matches!(m, Message::Video(_)) && m.media_ms().is_some()).count();
    assert_eq!(pictures, 1, "the keyframe is the first picture after the seek: {messages:?}");
}

#[test]
fn a_seek_forwards_and_back_begins_at_the_keyframe_before_the_target() {
    let server = Server::start();
    for sample in [H264_FLV, H264_MP4] {
        let mut client = RtmpClient::play(server.rtmp, "vod", sample);
        client.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
        for target in [15_000, 3_100, 8_000, 0] {
            client.seek(target);
            let messages = after_seek(&mut client, SOON);
            begins_with_headers_and_the_keyframe_before(&messages, target);
        }
    }
}

#[test]
fn a_seek_while_paused_shows_one_frame_and_then_keeps_still() {
    let server = Server::start();
    for sample in [H264_FLV, H264_MP4] {
        let mut client = RtmpClient::play(server.rtmp, "vod", sample);
        client.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
        client.pause(true, 1000);
        client.wait_status("NetStream.Pause.Notify", SOON);
        client.seek(9_000);
        let messages = after_seek(&mut client, SOON);
        begins_with_headers_and_the_keyframe_before(&messages, 9_000);
        let more = client.collect_for(Duration::from_millis(1500));
        let media = more.iter().filter(|message| message.media_ms().is_some()).count();
        assert_eq!(media, 0, "{sample}: more than one frame while paused: {more:?}");
        client.pause(false, 9_000);
        client.wait_status("NetStream.Unpause.Notify", SOON);
        let ms = client.wait_for("a picture", SOON, |message| match message {
            Message::Video(_) => message.media_ms(),
            _ => None,
        });
        assert!(ms <= 9_000 + KEYFRAMES_MS + LEAD_MS, "{sample}: goes on at {ms} ms");
    }
}

#[test]
fn seeks_in_quick_succession_end_at_the_last_one() {
    let server = Server::start();
    let mut client = RtmpClient::play(server.rtmp, "vod", H264_FLV);
    client.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
    for target in [2_000, 17_000, 5_000, 13_000] {
        client.seek(target);
    }
    // Those before may be answered or not; what plays in the end is the last.
    let messages = client.collect_for(Duration::from_secs(2));
    let last = messages.iter().rposition(|m| m.status().is_some_and(|code| code == "NetStream.Seek.Notify"));
    let (last, _) = (last.expect("Seek.Notify"), ());
    let key = messages[last..].iter().find(|m| m.is_keyframe()).and_then(Message::media_ms).unwrap();
    assert!((11_000..=13_300).contains(&key), "ends at {key} ms");
}

#[test]
fn a_seek_past_the_end_ends_the_play_but_not_the_client() {
    let server = Server::start();
    let mut client = RtmpClient::play(server.rtmp, "vod", H264_FLV);
    client.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
    client.seek(4_000_000);
    client.wait_status("NetStream.Seek.Notify", SOON);
    client.seek(1_000);
    let messages = after_seek(&mut client, SOON);
    begins_with_headers_and_the_keyframe_before(&messages, 1_000);
}

#[test]
fn a_seek_past_what_is_converted_tells_how_long_and_then_ends_there() {
    // Patient, so that no other conversion is started for it.
    let server = Server::configured(samples::library(), "[playback]\nseek_patience_ms = 600000\n");
    let mut client = RtmpClient::play(server.rtmp, "vod", LONG_AVI);
    client.wait_for("a keyframe", Duration::from_secs(15), |message| message.is_keyframe().then_some(()));
    client.seek(85_000);
    let waiting = client.collect_until("Seek.Notify", Duration::from_secs(120), |message| {
        message.status().is_some_and(|code| code == "NetStream.Seek.Notify")
    });
    // What was under way when the seek came in may still arrive; after the first notice nothing may.
    let infos: Vec<(usize, &Value)> = waiting
        .iter()
        .enumerate()
        .filter(|(_, m)| m.status().is_some_and(|code| code == "Server.Media.Info"))
        .filter_map(|(n, m)| m.status_info().map(|info| (n, info)))
        .filter(|(_, info)| info.get("target").is_some())
        .collect();
    assert!(infos.len() >= 2, "the client hears more than once how far it is: {} times", infos.len());
    for (_, info) in &infos {
        let number = |key: &str| info.get(key).and_then(Value::as_f64);
        assert_eq!(
            info.get("level").and_then(Value::as_str).unwrap(),
            "status",
            "an error would stop ffmpeg"
        );
        assert!((number("totallength").unwrap() - 90.0).abs() < 1.0, "{info:?}");
        assert!(number("availablelength").unwrap() <= 86.0, "{info:?}");
        assert!((number("target").unwrap() - 85.0).abs() < 0.5, "{info:?}");
        assert!(number("eta").is_none_or(|eta| (0.0..120.0).contains(&eta)), "{info:?}");
    }
    let media = waiting[infos[0].0..].iter().filter(|m| m.media_ms().is_some()).count();
    assert_eq!(media, 0, "media while the seek waits");
    let messages = client.collect_until("a keyframe after the seek", SOON, Message::is_keyframe);
    let first = messages.iter().rfind(|m| m.is_keyframe()).and_then(Message::media_ms).unwrap();
    assert!((75_000..=85_300).contains(&first), "keyframe at {first} ms for a seek to 85000");
}
