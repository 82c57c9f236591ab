//! A live stream whose frames say which they are and when they were sent, and viewers that look.

use crate::program::wait_until;
use crate::rtmp_client::{RtmpClient, SOON};
use crate::rtmp_message::Message;
use crate::server::Server;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// 25 frames a second, a keyframe every two: what encoders are set to for live streams.
const FRAME_TIME: Duration = Duration::from_millis(40);
const GOP: u32 = 50;

/// A time that publisher and viewers share, in microseconds.
fn now() -> u64 {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    EPOCH.get_or_init(Instant::now).elapsed().as_micros() as u64
}

/// A thread that is told to end, and ends.
struct Worker<T> {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<T>>,
}

impl<T: Send + 'static> Worker<T> {
    fn start(work: impl FnOnce(&AtomicBool) -> T + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        Self { stop, thread: Some(std::thread::spawn(move || work(&told))) }
    }

    fn end(&mut self) -> T {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Publishes until dropped.
pub(crate) struct Publisher {
    _worker: Worker<()>,
}

impl Publisher {
    /// AVC as far as the server looks, in frames of this size.
    #[track_caller]
    pub(crate) fn start(server: &Server, key: &str, frame_bytes: usize) -> Self {
        let mut client = RtmpClient::connect(server.rtmp, "live");
        client.set_chunk_size(60_000);
        client.publish(key);
        client.try_send_video(0, &[0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x1e]).unwrap();
        let worker = Worker::start(move |stop| {
            let begun = Instant::now();
            for number in 0.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::sleep((FRAME_TIME * number).saturating_sub(begun.elapsed()));
                let mut body = vec![if number % GOP == 0 { 0x17 } else { 0x27 }, 1, 0, 0, 0];
                body.extend(number.to_be_bytes());
                body.extend(now().to_be_bytes());
                body.resize(frame_bytes.max(body.len()), 0x5a);
                if client.try_send_video(number * 40, &body).is_err() {
                    return;
                }
            }
        });
        Self { _worker: worker }
    }
}

/// How late the machine lets a thread run that slept, at the worst: what tests share it with is nobody's stall.
pub(crate) struct Starvation {
    worker: Worker<Duration>,
}

impl Starvation {
    pub(crate) fn watch() -> Self {
        const NAP: Duration = Duration::from_millis(10);
        Self {
            worker: Worker::start(|stop| {
                let mut worst = Duration::ZERO;
                while !stop.load(Ordering::Relaxed) {
                    let slept = Instant::now();
                    std::thread::sleep(NAP);
                    worst = worst.max(slept.elapsed().saturating_sub(NAP));
                }
                worst
            }),
        }
    }

    /// What may pass from a publisher through the server to a viewer beyond a time: each of the three sleeps, and each
    /// has other threads of its own to wait for.
    pub(crate) fn allows(mut self, most: Duration) -> Duration {
        let worst = self.worker.end();
        eprintln!("the machine let a thread wait for {worst:?}");
        most + 6 * worst
    }
}

/// What a viewer saw.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    pub(crate) frames: u32,
    /// Frames between the first and the last that did not come, or not in order.
    pub(crate) lost: u32,
    /// The longest time from the publisher's socket to this viewer, of frames sent while it watched. A stall is as long.
    pub(crate) worst_delay: Duration,
    last: Option<u32>,
    since: u64,
}

impl Watched {
    fn see(&mut self, body: &[u8]) {
        let (Some(number), Some(sent)) = (body.get(5..9), body.get(9..17)) else { return };
        let number = u32::from_be_bytes(number.try_into().unwrap());
        let sent = u64::from_be_bytes(sent.try_into().unwrap());
        self.frames += 1;
        if let Some(last) = self.last {
            self.lost += if number > last { number - last - 1 } else { 1 };
        }
        self.last = Some(number);
        if sent >= self.since {
            let delay = Duration::from_micros(now().saturating_sub(sent));
            self.worst_delay = self.worst_delay.max(delay);
        }
    }
}

/// Watches until asked what it saw.
pub(crate) struct Watcher {
    worker: Worker<Watched>,
    frames: Arc<AtomicU32>,
}

impl Watcher {
    #[track_caller]
    pub(crate) fn over_rtmp(server: &Server, key: &str) -> Self {
        let mut client = RtmpClient::play(server.rtmp, "live", key);
        Self::start(move |see| {
            // The time is over: look whether to go on.
            if let Some(Message::Video(media)) = client.next(Instant::now() + Duration::from_millis(100))? {
                see(&media.body);
            }
            Ok(())
        })
    }

    #[track_caller]
    pub(crate) fn over_http(server: &Server, key: &str) -> Self {
        let mut socket = ask_http(server.http, key).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        // Past the answer's head, which ends with an empty line, and the file's.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(
            head.starts_with(b"HTTP/1.") && head[8..].starts_with(b" 200"),
            "{:?}",
            String::from_utf8_lossy(&head)
        );
        socket.read_exact(&mut [0; 9 + 4]).unwrap();
        Self::start(move |see| {
            let mut tag = [0; 11];
            socket.read_exact(&mut tag)?;
            let len = u32::from_be_bytes([0, tag[1], tag[2], tag[3]]) as usize;
            let mut body = vec![0; len + 4];
            socket.read_exact(&mut body)?;
            if tag[0] == 9 {
                see(&body[..len]);
            }
            Ok(())
        })
    }

    #[track_caller]
    fn start(mut step: impl FnMut(&mut dyn FnMut(&[u8])) -> io::Result<()> + Send + 'static) -> Self {
        let frames = Arc::new(AtomicU32::new(0));
        let seen = frames.clone();
        let worker = Worker::start(move |stop| {
            let mut watched = Watched { since: now(), ..Watched::default() };
            while !stop.load(Ordering::Relaxed) {
                step(&mut |body| watched.see(body)).expect("the server keeps its viewers");
                seen.store(watched.frames, Ordering::Relaxed);
            }
            watched
        });
        let watcher = Self { worker, frames };
        wait_until("a frame has come", SOON, || watcher.frames.load(Ordering::Relaxed) > 0);
        watcher
    }

    /// Nothing may be lost, and nothing come later than `most`. A GOP is watched at least.
    #[track_caller]
    pub(crate) fn saw_everything_within(mut self, who: &str, most: Duration) {
        wait_until("a GOP was watched", SOON, || self.frames.load(Ordering::Relaxed) > GOP);
        let watched = self.worker.end();
        assert_eq!(watched.lost, 0, "{who}: {watched:?}");
        assert!(watched.worst_delay < most, "{who}: {watched:?}");
        eprintln!("{who}: {} frames, the latest after {:?}", watched.frames, watched.worst_delay);
    }
}

/// Asks for a live stream by HTTP 1.0, so that the answer is the FLV without chunks. Reads nothing.
pub(crate) fn ask_http(server: SocketAddr, key: &str) -> io::Result<TcpStream> {
    let mut socket = TcpStream::connect(server)?;
    socket.write_all(format!("GET /live/{key}.flv HTTP/1.0\r\n\r\n").as_bytes())?;
    Ok(socket)
}
