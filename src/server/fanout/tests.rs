//! Viewers on real sockets; the reading side counts every byte.

use super::lease::TakenBack;
use super::*;
use crate::flv::{Tag, TagKind};
use crate::stream::{Publisher, Streams, Via};
use crate::time::MediaTime;
use bytes::{Bytes, BytesMut};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SOON: Duration = Duration::from_secs(20);
const PLAIN: Framing = Framing::Flv(FlvFraming::Plain);

struct Scene {
    fanout: Arc<Fanout>,
    streams: Streams,
    publisher: Option<Publisher>,
    /// All that was published, as FLV.
    published: BytesMut,
    frames: u32,
}

impl Scene {
    fn new() -> Self {
        let streams = Streams::default();
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let publisher = streams.publish("cam", address, Instant::now()).unwrap();
        let mut this = Self {
            fanout: Arc::default(),
            streams,
            publisher: Some(publisher),
            published: BytesMut::new(),
            frames: 0,
        };
        this.publish(&[0x17, 1, 0, 0, 0]);
        this
    }

    fn publish(&mut self, body: &[u8]) {
        let timestamp = MediaTime::from_millis(self.frames * 40);
        let tag = Tag { kind: TagKind::Video, timestamp, body: Bytes::copy_from_slice(body) };
        tag.encode_into(&mut self.published);
        assert!(self.publisher.as_ref().unwrap().push(tag, Instant::now()));
        self.frames += 1;
    }

    /// A frame that is no keyframe.
    fn frame(&mut self, len: usize) {
        let number = self.frames as u8;
        let mut body = vec![0x27, 1, 0, 0, 0];
        body.resize(len.max(6), number);
        self.publish(&body);
    }

    /// Has joined, and has all there is.
    fn subscribe(&self) -> Subscription {
        let mut subscription = self.streams.find("cam").unwrap().subscribe(Via::Rtmp);
        while subscription.has_more() {
            subscription.take(usize::MAX);
        }
        subscription
    }

    fn lend(&self, socket: &Arc<TcpStream>, subscription: &Subscription) -> Option<Lease> {
        self.lend_as(socket, subscription, PLAIN, None)
    }

    fn lend_as(
        &self,
        socket: &Arc<TcpStream>,
        subscription: &Subscription,
        framing: Framing,
        takes: Option<UsedFourCcs>,
    ) -> Option<Lease> {
        self.fanout.hand_over(&Viewer { socket, subscription, framing, takes })
    }
}

/// Our end, and the viewer's.
async fn connection() -> (Arc<TcpStream>, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (Arc::new(listener.accept().await.unwrap().0), client)
}

async fn returned(lease: &mut Lease) {
    let back = std::future::poll_fn(|cx| lease.poll_returned(cx));
    tokio::time::timeout(SOON, back).await.expect("the viewer is returned");
}

async fn reads(client: &mut TcpStream, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    tokio::time::timeout(SOON, client.read_exact(&mut bytes)).await.expect("it comes").unwrap();
    bytes
}

async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let limit = Instant::now() + SOON;
    while !is() {
        assert!(Instant::now() < limit, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What a connection does with a viewer that it has taken back.
async fn goes_on(socket: &Arc<TcpStream>, subscription: &mut Subscription, back: TakenBack) {
    let mut rest = &back.rest[..];
    while !rest.is_empty() {
        socket.writable().await.unwrap();
        match socket.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
    subscription.go_on_at(back.at);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_byte_comes_once_and_in_order_however_often_hands_change() {
    let mut scene = Scene::new();
    // Enough of them that frames gather.
    let crowd: Vec<Subscription> = (0..100).map(|_| scene.subscribe()).collect();
    let mut viewers = Vec::new();
    for _ in 0..3 {
        let (socket, client) = connection().await;
        viewers.push((scene.subscribe(), socket, client, None::<Lease>));
    }
    let before = scene.published.len();
    for round in 0..150 {
        for (n, (subscription, socket, _, lease)) in viewers.iter_mut().enumerate() {
            match lease.take() {
                None => *lease = scene.lend(socket, subscription),
                // Each in another rhythm; the first one never.
                Some(taken) if n > 0 && round % (n * 3) == 0 => {
                    goes_on(socket, subscription, taken.take_back()).await;
                }
                some => *lease = some,
            }
        }
        scene.frame(round * 31 % 5000);
        if round % 4 == 0 {
            tokio::time::sleep(Duration::from_millis(7)).await;
        }
    }
    for (subscription, socket, client, lease) in &mut viewers {
        if lease.is_none() {
            *lease = scene.lend(socket, subscription);
        }
        assert!(reads(client, scene.published.len() - before).await == scene.published[before..]);
    }
    let sent = scene.streams.figures(Instant::now())[0].bytes_out;
    assert!(sent >= 3 * 150, "{sent} bytes are counted");
    drop((viewers, crowd));
    until("the writer has ended", || scene.fanout.streams().is_empty()).await;
}

#[tokio::test]
async fn a_socket_that_is_full_goes_back_with_the_rest_of_the_message() {
    let mut scene = Scene::new();
    let (socket, mut client) = connection().await;
    let mut subscription = scene.subscribe();
    let before = scene.published.len();
    let mut lease = scene.lend(&socket, &subscription).unwrap();
    let filling = Instant::now();
    while !lease.is_returned() {
        scene.frame(300_000);
        // It must not fall behind the ring, which would be another matter.
        scene.publish(&[0x17, 1, 0, 0, 0]);
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert!(filling.elapsed() < SOON, "the socket is never full");
    }
    returned(&mut lease).await;
    let (len, back) = (scene.published.len() - before, lease.take_back());
    let reading = tokio::spawn(async move { (reads(&mut client, len).await, client) });
    goes_on(&socket, &mut subscription, back).await;
    let batch = subscription.take(usize::MAX);
    assert_eq!(batch.lost, 0);
    for record in batch.records {
        let mut flv = bytes::BytesMut::new();
        record.tag().encode_into(&mut flv);
        let rest = TakenBack { rest: flv.freeze(), ..TakenBack::default() };
        goes_on(&socket, &mut subscription, rest).await;
    }
    assert!(reading.await.unwrap().0 == scene.published[before..]);
}

#[tokio::test]
async fn all_go_back_when_the_publisher_goes_and_nobody_joins_before_the_next() {
    let mut scene = Scene::new();
    let mut leases = Vec::new();
    for _ in 0..5 {
        let (socket, client) = connection().await;
        let subscription = scene.subscribe();
        leases.push((scene.lend(&socket, &subscription).unwrap(), subscription, socket, client));
    }
    scene.frame(10);
    scene.publisher = None;
    for (lease, subscription, socket, _) in &mut leases {
        returned(lease).await;
        assert!(scene.lend(socket, subscription).is_none());
    }
    until("the writer has ended", || scene.fanout.streams().is_empty()).await;
}

#[tokio::test]
async fn a_codec_that_a_viewer_has_not_agreed_to_is_left_to_its_connection() {
    let mut scene = Scene::new();
    let (socket, mut client) = connection().await;
    let subscription = scene.subscribe();
    let hevc = UsedFourCcs { video: Some(*b"hvc1"), audio: None };
    let (other, mut other_client) = connection().await;
    let others = scene.subscribe();
    let _knows = scene.lend_as(&other, &others, PLAIN, Some(hevc)).unwrap();
    let mut lease = scene.lend_as(&socket, &subscription, PLAIN, Some(UsedFourCcs::default())).unwrap();
    let before = scene.published.len();
    scene.frame(100);
    let first = scene.published[before..].to_vec();
    assert!(reads(&mut client, first.len()).await == first);
    scene.publish(b"\x90hvc1\x01\x02\x03");
    returned(&mut lease).await;
    let back = lease.take_back();
    assert!(back.rest.is_empty());
    assert_eq!(back.at, u64::from(scene.frames) - 1, "the record that it may not take");
    assert_eq!(back.wire_bytes, first.len() as u64);
    assert!(reads(&mut other_client, scene.published.len() - before).await == scene.published[before..]);
}

#[tokio::test]
async fn viewers_that_come_and_go_while_nothing_is_published_leave_nothing_behind() {
    let scene = Scene::new();
    let (socket, _client) = connection().await;
    let subscription = scene.subscribe();
    let stays = scene.lend(&socket, &subscription).unwrap();
    for _ in 0..10_000 {
        drop(scene.lend(&socket, &subscription).unwrap());
    }
    assert!(Arc::strong_count(&socket) <= 2, "sockets are closed when their connections end");
    let crew = scene.fanout.streams()["cam"].crews[0].clone();
    assert_eq!(crew.len(), 1);
    assert!(crew.waiting() <= 8, "{} are remembered", crew.waiting());
    drop(stays);
    until("the writer has ended", || scene.fanout.streams().is_empty()).await;
}

#[tokio::test]
async fn every_framing_says_how_long_it_is() {
    let mut scene = Scene::new();
    let mut viewers = Vec::new();
    for framing in [FlvFraming::Plain, FlvFraming::Chunked, FlvFraming::WebSocket] {
        let (socket, client) = connection().await;
        let subscription = scene.subscribe();
        let lease = scene.lend_as(&socket, &subscription, Framing::Flv(framing), None).unwrap();
        viewers.push((lease, subscription, client));
    }
    let before = scene.published.len();
    scene.frame(200);
    let flv = scene.published[before..].to_vec();
    assert_eq!(flv.len(), 215);
    let [plain, chunked, web_socket] =
        [flv.clone(), [b"d7\r\n", &flv[..], b"\r\n"].concat(), [&[0x82, 126, 0, 215], &flv[..]].concat()];
    for (expected, (_, _, client)) in [plain, chunked, web_socket].iter().zip(&mut viewers) {
        assert!(reads(client, expected.len()).await == *expected);
    }
    // Closing needs no word from the writer.
    viewers[0].2.shutdown().await.unwrap();
}
