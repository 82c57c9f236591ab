//! What a play looks like on the wire, message by message.

use crate::rtmp_client::{RtmpClient, SOON};
use crate::rtmp_message::Message;
use crate::samples::{H264_FLV, H264_MP4, LONG_AVI, SORENSON_FLV};
use crate::server::Server;
use std::time::Duration;
use wiidiaserver::amf0::Value;

const HOUR_MS: u32 = 3_600_000;

/// Where the first message of a kind is.
#[track_caller]
fn place(messages: &[Message], what: &str, is: impl Fn(&Message) -> bool) -> usize {
    messages.iter().position(is).unwrap_or_else(|| panic!("no {what} in {messages:?}"))
}

#[test]
fn a_play_begins_with_the_messages_that_players_wait_for_in_order() {
    let server = Server::start();
    for sample in [H264_FLV, H264_MP4] {
        let mut client = RtmpClient::play(server.rtmp, "vod", sample);
        let messages = client.collect_until("a keyframe", SOON, Message::is_keyframe);
        let order = [
            place(&messages, "StreamIsRecorded", |m| matches!(m, Message::Control(4, 1))),
            place(&messages, "StreamBegin", |m| matches!(m, Message::Control(0, 1))),
            place(&messages, "Play.Reset", |m| m.status().is_some_and(|s| s == "NetStream.Play.Reset")),
            place(&messages, "Play.Start", |m| m.status().is_some_and(|s| s == "NetStream.Play.Start")),
            place(&messages, "sample access", |m| m.data_name().is_some_and(|n| n == "|RtmpSampleAccess")),
            place(&messages, "onMetaData", |m| m.data_name().is_some_and(|n| n == "onMetaData")),
            place(&messages, "AVC header", |m| matches!(m, Message::Video(_)) && m.is_sequence_header()),
            place(&messages, "keyframe", Message::is_keyframe),
        ];
        assert!(order.is_sorted(), "{sample}: {order:?} of {messages:?}");
        let header =
            place(&messages, "AAC header", |m| matches!(m, Message::Audio(_)) && m.is_sequence_header());
        assert!(header > order[5], "{sample}: the AAC header comes before onMetaData");
        let before = messages.iter().position(|m| m.media_ms().is_some() && matches!(m, Message::Audio(_)));
        assert!(before.is_none_or(|audio| audio > header), "{sample}: sound before its header");
    }
}

#[test]
fn metadata_tells_length_size_and_is_an_ecma_array() {
    let server = Server::start();
    for sample in [H264_FLV, H264_MP4] {
        let mut client = RtmpClient::play(server.rtmp, "vod", sample);
        let metadata = client.wait_for("onMetaData", SOON, |message| match message {
            Message::Data(values) if message.data_name()? == "onMetaData" => values.last().cloned(),
            _ => None,
        });
        assert!(matches!(metadata, Value::EcmaArray(_)), "ffmpeg believes nothing else: {metadata:?}");
        let number = |key: &str| metadata.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN);
        assert!((number("duration") - 20.0).abs() < 0.3, "{sample}: duration {}", number("duration"));
        assert_eq!((number("width"), number("height")), (640.0, 360.0), "{sample}");
    }
}

#[test]
fn the_end_is_told_in_all_the_ways_that_clients_wait_for() {
    let server = Server::start();
    let mut client = RtmpClient::play(server.rtmp, "vod", SORENSON_FLV);
    client.set_buffer_length(HOUR_MS);
    let messages = client.collect_until("Play.Stop", Duration::from_secs(30), |message| {
        message.status().is_some_and(|code| code == "NetStream.Play.Stop")
    });
    let complete = place(&messages, "Play.Complete", |message| match message {
        Message::Data(values) => {
            message.data_name().is_some_and(|name| name == "onPlayStatus")
                && values.iter().any(|value| {
                    value
                        .get("code")
                        .and_then(Value::as_str)
                        .is_some_and(|code| code == "NetStream.Play.Complete")
                })
        }
        _ => false,
    });
    let end = place(&messages, "StreamEOF", |message| matches!(message, Message::Control(1, 1)));
    assert!(complete < end, "Play.Complete comes before StreamEOF");
    let after = messages[complete..].iter().filter_map(Message::media_ms).count();
    assert_eq!(after, 0, "media after the end");
}

#[test]
fn what_comes_is_no_further_ahead_than_the_buffer_asked_for() {
    let server = Server::start();
    let mut client = RtmpClient::play(server.rtmp, "vod", H264_FLV);
    client.set_buffer_length(2000);
    let furthest = |messages: &[Message]| messages.iter().filter_map(Message::media_ms).max().unwrap_or(0);
    // After two seconds of play at most 2 + 2 + 1 seconds, and a little for what was under way.
    let first = furthest(&client.collect_for(Duration::from_secs(2)));
    assert!((2000..7000).contains(&first), "{first} ms of film after 2 s with 2 s of buffer");
    client.set_buffer_length(HOUR_MS);
    let all = client.collect_until("the end", Duration::from_secs(5), |message| {
        message.status().is_some_and(|code| code == "NetStream.Play.Stop")
    });
    assert!(furthest(&all) > 19_000, "a larger buffer is filled at once");
}

#[test]
fn a_pause_stops_the_media_and_a_resume_goes_on_where_it_was() {
    let server = Server::start();
    let mut client = RtmpClient::play(server.rtmp, "vod", H264_FLV);
    client.set_buffer_length(1000);
    client.wait_for("two seconds of film", SOON, |message| message.media_ms().filter(|ms| *ms > 2000));
    client.pause(true, 2000);
    client.wait_status("NetStream.Pause.Notify", SOON);
    let quiet = client.collect_for(Duration::from_secs(3));
    assert_eq!(quiet.iter().filter_map(Message::media_ms).count(), 0, "media while paused: {quiet:?}");
    assert!(
        !quiet.iter().any(|m| m.status().is_some_and(|code| code == "NetStream.Play.Stop")),
        "Play.Stop would end ffmpeg and librtmp"
    );
    client.pause(false, 2000);
    client.wait_status("NetStream.Unpause.Notify", SOON);
    let ms = client.wait_for("media", SOON, Message::media_ms);
    assert!((1900..6500).contains(&ms), "goes on at {ms} ms after a pause at 2000");
}

#[test]
fn a_pause_without_a_mode_toggles() {
    // Fault of the original that its player counts on: `pause(null, ms)`.
    let server = Server::start();
    let mut client = RtmpClient::play(server.rtmp, "vod", H264_FLV);
    client.wait_status("NetStream.Play.Start", SOON);
    for expected in ["NetStream.Pause.Notify", "NetStream.Unpause.Notify"] {
        client.send_command(1, "pause", 0.0, &[Value::Null, Value::Null, Value::from(500.0)]);
        client.wait_status(expected, SOON);
    }
}

#[test]
fn another_play_on_the_same_stream_plays_the_other_file() {
    let server = Server::start();
    let mut client = RtmpClient::play(server.rtmp, "vod", H264_FLV);
    client.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
    client.send_play(SORENSON_FLV);
    client.wait_status("NetStream.Play.Start", SOON);
    let codec = client.wait_for("a picture", SOON, |message| match message {
        Message::Video(media) => media.body.first().map(|byte| byte & 0x0f),
        _ => None,
    });
    assert_eq!(codec, 2, "Sorenson H.263");
}

#[test]
fn a_file_under_conversion_tells_again_and_again_how_much_is_there() {
    let server = Server::start();
    let mut client = RtmpClient::play(server.rtmp, "vod", LONG_AVI);
    let mut available = Vec::new();
    for _ in 0..3 {
        let info = client.wait_status("Server.Media.Info", SOON);
        let number = |key: &str| info.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN);
        assert!((number("totallength") - 90.0).abs() < 1.0, "{info:?}");
        assert!(number("availablelength") >= 0.0 && number("availablelength") <= 91.0, "{info:?}");
        available.push(number("availablelength"));
    }
    assert!(available.is_sorted(), "{available:?}");
}

#[test]
fn a_client_that_asks_for_what_is_not_there_may_ask_for_something_else() {
    let server = Server::start();
    let mut client = RtmpClient::play(server.rtmp, "vod", "nothing");
    let refusal = client.wait_status("NetStream.Play.StreamNotFound", SOON);
    assert_eq!(refusal.get("level").and_then(Value::as_str).unwrap(), "error");
    client.send_play("Flash Era/H264");
    client.wait_status("NetStream.Play.Start", SOON);
}
