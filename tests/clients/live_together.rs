//! Viewers of a live stream that are written to together, each with something of its own: nothing may be lost,
//! come twice, out of order or in pieces, whoever writes.

use crate::http_client::get;
use crate::program::wait_until;
use crate::rtmp_client::{RtmpClient, SOON};
use crate::rtmp_message::Message;
use crate::server::Server;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;
use wiidiaserver::amf0::Value;

const LIMIT: Duration = Duration::from_secs(30);
const KEYFRAME_EVERY: u32 = 20;

/// Publishes numbered frames until it is dropped.
struct Encoder {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Encoder {
    /// Frames of that length, one every 10 ms; `mark` tells them from another encoder's.
    fn start(server: SocketAddr, key: &str, mark: u8, len: usize) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let mut publisher = RtmpClient::connect(server, "live");
        publisher.publish(key);
        let ended = ends.clone();
        let thread = spawn(move || {
            publisher.send_video(&[0x17, 0, 0, 0, 0, mark]);
            for number in 0u32.. {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let key = number.is_multiple_of(KEYFRAME_EVERY);
                let mut body = vec![if key { 0x17 } else { 0x27 }, 1, 0, 0, 0, mark];
                body.extend(number.to_be_bytes());
                body.resize(len.max(body.len()), number as u8);
                publisher.send_video(&body);
                sleep(Duration::from_millis(10));
            }
        });
        Self { ends, thread: Some(thread) }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// An encoder's mark, and the number of a frame; nothing for other messages.
fn frame(message: &Message) -> Option<(u8, u32)> {
    match message {
        Message::Video(media) => match &media.body[..] {
            [0x17 | 0x27, 1, 0, 0, 0, mark, a, b, c, d, rest @ ..] => {
                assert!(rest.iter().all(|byte| byte == d), "frame {media:?} is in pieces");
                Some((*mark, u32::from_be_bytes([*a, *b, *c, *d])))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Checks that a viewer gets all frames from one on, up to that many more, and returns the last.
#[track_caller]
fn gets_all_from(viewer: &mut RtmpClient, first: u32, more: u32) -> u32 {
    let mut next = first;
    viewer.wait_for("frames", LIMIT, |message| {
        if let Some((_, number)) = frame(message) {
            assert_eq!(number, next, "the next frame");
            next += 1;
        }
        (next > first + more).then_some(())
    });
    next - 1
}

/// The first frame that comes is a keyframe with its header before it; its number.
#[track_caller]
fn begins_anew(viewer: &mut RtmpClient) -> u32 {
    let mut header = false;
    let first = viewer.wait_for("a frame", LIMIT, |message| {
        header |= message.is_sequence_header();
        frame(message).map(|(_, number)| number)
    });
    assert!(
        header && first.is_multiple_of(KEYFRAME_EVERY),
        "begins with frame {first}, header before it: {header}"
    );
    first
}

fn figure(server: &Server, key: &str, what: &str) -> u64 {
    let all = get(server.http, "/api/v1/streams").json();
    let all = all["streams"].as_array().unwrap().clone();
    all.into_iter().find(|stream| stream["name"] == key).unwrap_or_default()[what].as_u64().unwrap_or(0)
}

#[test]
fn what_a_viewer_asks_for_is_answered_between_two_frames_and_costs_none() {
    let mut server = Server::start();
    let _encoder = Encoder::start(server.rtmp, "cam", 1, 3000);
    wait_until("it is on air", LIMIT, || figure(&server, "cam", "bytes_in") > 0);
    // Enough of them that frames gather.
    let others: Vec<RtmpClient> = (0..70).map(|_| RtmpClient::play(server.rtmp, "live", "cam")).collect();
    let mut viewer = RtmpClient::play(server.rtmp, "live", "cam");
    let mut last = begins_anew(&mut viewer);
    for round in 0..10u32 {
        last = gets_all_from(&mut viewer, last + 1, 20);
        match round % 3 {
            0 => viewer.set_buffer_length(1000 + round),
            1 => viewer.send_command(1, "seek", 0.0, &[Value::Null, Value::from(1000.0)]),
            _ => viewer.send_command(0, "getStreamLength", 99.0, &[Value::Null, Value::from("cam")]),
        }
        // The answer comes among the frames, and is looked at by nobody here but the chunk reader.
        last = gets_all_from(&mut viewer, last + 1, 10);
    }
    drop(others);
    server.must_be_well();
}

#[test]
fn a_pause_holds_the_frames_and_a_resume_begins_with_what_is_live() {
    let server = Server::start();
    let _encoder = Encoder::start(server.rtmp, "cam", 1, 3000);
    wait_until("it is on air", LIMIT, || figure(&server, "cam", "bytes_in") > 0);
    let mut viewer = RtmpClient::play(server.rtmp, "live", "cam");
    let mut first = begins_anew(&mut viewer);
    for _ in 0..3 {
        let last = gets_all_from(&mut viewer, first + 1, 30);
        viewer.pause(true, 0);
        let mut next = last + 1;
        viewer.wait_for("the pause", SOON, |message| {
            if let Some((_, number)) = frame(message) {
                assert_eq!(number, next, "the next frame before the pause");
                next += 1;
            }
            (message.status().as_deref() == Some("NetStream.Pause.Notify")).then_some(())
        });
        let paused = viewer.collect_for(Duration::from_millis(700));
        assert!(paused.iter().all(|message| frame(message).is_none()), "frames in a pause");
        viewer.pause(false, 0);
        viewer.wait_status("NetStream.Unpause.Notify", SOON);
        first = begins_anew(&mut viewer);
        assert!(first > next, "{first}: what passed in the pause is past");
    }
}

#[test]
fn a_publisher_that_is_replaced_or_gone_is_told_to_all_in_its_place() {
    let server = Server::start();
    let encoder = Encoder::start(server.rtmp, "cam", 1, 3000);
    wait_until("it is on air", LIMIT, || figure(&server, "cam", "bytes_in") > 0);
    let mut viewers: Vec<RtmpClient> =
        (0..30).map(|_| RtmpClient::play(server.rtmp, "live", "cam")).collect();
    for viewer in &mut viewers {
        let first = begins_anew(viewer);
        gets_all_from(viewer, first + 1, 30);
    }
    drop(encoder);
    for viewer in &mut viewers {
        // Nothing comes behind the news.
        viewer.wait_status("NetStream.Play.UnpublishNotify", SOON);
    }
    let _back = Encoder::start(server.rtmp, "cam", 2, 3000);
    for viewer in &mut viewers {
        viewer.wait_status("NetStream.Play.PublishNotify", SOON);
        assert_eq!(begins_anew(viewer), 0);
        gets_all_from(viewer, 1, 30);
    }
}

#[test]
fn who_does_not_read_loses_whole_gops_and_the_others_nothing() {
    let mut server = Server::start();
    // 10 MB/s: more than a socket holds within a second or two.
    let _encoder = Encoder::start(server.rtmp, "cam", 1, 100_000);
    wait_until("it is on air", LIMIT, || figure(&server, "cam", "bytes_in") > 0);
    let mut slow = RtmpClient::play(server.rtmp, "live", "cam");
    let first = begins_anew(&mut slow);
    gets_all_from(&mut slow, first + 1, 10);
    let mut viewer = RtmpClient::play(server.rtmp, "live", "cam");
    let first = begins_anew(&mut viewer);
    gets_all_from(&mut viewer, first + 1, 500);
    wait_until("some are lost", LIMIT, || {
        drop(viewer.collect_for(Duration::from_millis(100)));
        // What is waiting in its socket must be taken before the server can find out what it missed.
        while slow.collect_for(Duration::from_millis(1)).iter().any(|message| frame(message).is_some()) {}
        figure(&server, "cam", "lost_records") > 0
    });
    drop(viewer);
    // All that comes from here on is whole, and a hole ends with a header and a keyframe.
    let (mut header, mut frames, mut at) = (false, 0, None);
    slow.wait_for("frames again", LIMIT, |message| {
        header |= message.is_sequence_header();
        if let Some((_, number)) = frame(message) {
            if let Some(at) = at.filter(|at| at + 1 != number) {
                assert!(
                    header && number.is_multiple_of(KEYFRAME_EVERY) && number > at,
                    "from {at} to {number}"
                );
            }
            (header, at, frames) = (false, Some(number), frames + 1);
        }
        (frames > 300).then_some(())
    });
    server.must_be_well();
}

#[test]
fn two_streams_of_one_connection_are_both_whole() {
    let server = Server::start();
    let _encoders = [1, 2].map(|mark| Encoder::start(server.rtmp, &format!("cam{mark}"), mark, 3000));
    wait_until("both are on air", LIMIT, || {
        figure(&server, "cam1", "bytes_in") > 0 && figure(&server, "cam2", "bytes_in") > 0
    });
    let mut viewer = RtmpClient::play(server.rtmp, "live", "cam1");
    let last = begins_anew(&mut viewer);
    let last = gets_all_from(&mut viewer, last + 1, 20);
    // The first one is handed over by now, and comes back.
    assert_eq!(viewer.call("createStream", &[]).unwrap().as_f64(), Some(2.0));
    viewer.send_command(2, "play", 0.0, &[Value::Null, Value::from("cam2"), Value::from(-2000.0)]);
    let mut next = [None, None];
    viewer.wait_for("200 frames of both", LIMIT, |message| {
        if let Some((mark, number)) = frame(message) {
            let next = &mut next[usize::from(mark) - 1];
            assert!(next.is_none_or(|next| next == number), "stream {mark}: {number} after {next:?}");
            *next = Some(number + 1);
        }
        next.iter().all(|next| next.is_some_and(|next| next > last + 200)).then_some(())
    });
    // One of them ends: the other is alone, and on a stream that is not the usual one.
    viewer.send_command(1, "deleteStream", 0.0, &[Value::Null, Value::from(1.0)]);
    let mut next = None;
    let mut left = 200;
    viewer.wait_for("200 frames of the other", LIMIT, |message| {
        if let Some((2, number)) = frame(message) {
            assert!(next.is_none_or(|next| next == number), "{number} after {next:?}");
            next = Some(number + 1);
            left -= 1;
        }
        (left == 0).then_some(())
    });
}
