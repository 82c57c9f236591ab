//! Calls on the NetConnection, and clients that behave badly.

use crate::rtmp_client::{RtmpClient, SOON};
use crate::samples::{H264_FLV, H264_MP4, LONG_AVI};
use crate::server::Server;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;
use wiidiaserver::amf0::Value;

#[test]
fn get_stream_length_tells_seconds() {
    let server = Server::start();
    let mut client = RtmpClient::connect(server.rtmp, "vod");
    client.create_stream();
    for (name, seconds) in
        [(H264_FLV, 20.0), (H264_MP4, 20.0), (LONG_AVI, 90.0), ("mp4:Films/Big Test (H.264)", 20.0)]
    {
        let length = client.call("getStreamLength", &[name.into()]).unwrap().as_f64().unwrap();
        assert!((length - seconds).abs() < 0.5, "{name}: {length}");
    }
}

#[test]
fn get_dir_lists_a_folder_as_the_web_does() {
    let server = Server::start();
    let mut client = RtmpClient::connect(server.rtmp, "vod");
    for (path, inside) in
        [("", "Films"), ("/", "Flash Era"), ("/Films", "Old Tape.avi"), ("Films/", "Zwölf Bären.mkv")]
    {
        let answer = client.call("getDir", &[path.into()]).unwrap();
        assert!(format!("{answer:?}").contains(&format!("{inside:?}")), "getDir({path:?}): {answer:?}");
    }
}

#[test]
fn get_dir_of_what_is_not_there_is_an_error_and_not_the_end() {
    let server = Server::start();
    let mut client = RtmpClient::connect(server.rtmp, "vod");
    for path in ["nothing", "Films/Old Tape.avi"] {
        let answer = client.call("getDir", &[path.into()]);
        assert!(answer.is_err(), "getDir({path:?}): {answer:?}");
    }
    assert!(client.call("getDir", &["Films".into()]).is_ok());
}

#[test]
fn unknown_calls_are_answered_and_never_end_the_connection() {
    let server = Server::start();
    let mut client = RtmpClient::connect(server.rtmp, "vod");
    for name in ["_checkbw", "releaseStream", "FCSubscribe", "somethingElse", ""] {
        let _ = client.call(name, &[Value::from("x")]);
    }
    // Without a transaction nobody waits for an answer.
    client.send_command(0, "nonsense", 0.0, &[]);
    client.send_command(1, "nonsense", 0.0, &[Value::Null, Value::Undefined]);
    assert!(client.call("getDir", &["".into()]).is_ok());
}

#[test]
fn every_application_name_is_accepted_and_two_plays_do_not_disturb_each_other() {
    let server = Server::start();
    let mut first = RtmpClient::play(server.rtmp, "vod", H264_FLV);
    let mut second = RtmpClient::play(server.rtmp, "anything/at/all", &format!("/{H264_FLV}"));
    for client in [&mut first, &mut second] {
        client.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
    }
    drop(first);
    second.seek(10_000);
    second.wait_status("NetStream.Seek.Notify", SOON);
}

#[test]
fn what_is_not_rtmp_costs_its_own_connection_only() {
    let mut server = Server::start();
    for nonsense in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0; 5000],
        vec![0xff; 5000],
        [&[3][..], &[0xaa; 40_000]].concat(),
        vec![3],
    ] {
        let mut socket = TcpStream::connect(server.rtmp).unwrap();
        // The server may close in the middle of it.
        let _ = socket.write_all(&nonsense);
    }
    server.must_be_well();
    let mut client = RtmpClient::play(server.rtmp, "vod", H264_FLV);
    client.wait_status("NetStream.Play.Start", SOON);
}

#[test]
fn a_stream_that_is_deleted_says_nothing_more() {
    let server = Server::start();
    let mut client = RtmpClient::play(server.rtmp, "vod", H264_FLV);
    client.wait_for("a keyframe", SOON, |message| message.is_keyframe().then_some(()));
    client.send_command(0, "deleteStream", 0.0, &[Value::Null, Value::from(1.0)]);
    // What was under way arrives; then the connection is still there for calls.
    client.collect_for(Duration::from_millis(500));
    let after = client.collect_for(Duration::from_secs(1));
    assert!(after.iter().all(|message| message.media_ms().is_none()), "{after:?}");
    assert!(client.call("getDir", &["".into()]).is_ok());
}
