//! Live streams as segments: made once, for all who watch, while somebody does.

use super::super::reply::{Refusal, Reply, reply};
use super::address::{LiveAddress, LiveFile};
use super::{immutable, playlist, ranged};
use crate::fmp4::mime_type;
use crate::hls::{Packager, Variant, Window, master};
use crate::limits::{HLS_LIVE_LINGER, HLS_LIVE_START, HLS_RETRY, MAX_HLS_CHANNELS, WRITE_BATCH_BYTES};
use crate::server::App;
use crate::stream::{Stream, Subscription, Via};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// The streams that are made into segments.
#[derive(Default)]
pub(super) struct Channels(Arc<Mutex<HashMap<String, Arc<Channel>>>>);

/// One of them.
struct Channel {
    stream: Arc<Stream>,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

struct State {
    packager: Packager,
    window: Window,
    /// When somebody last wanted something of it.
    asked: Instant,
}

impl Channel {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the state is as wanted; false when that takes longer than `patience`.
    async fn until(&self, patience: Duration, wanted: impl Fn(&State) -> bool) -> bool {
        let mut changed = self.changed.subscribe();
        let waiting = async {
            while !wanted(&self.state()) {
                // The sender lives in the channel that we hold.
                let _ = changed.changed().await;
            }
        };
        tokio::time::timeout(patience, waiting).await.is_ok()
    }

    /// Makes segments of the stream until it is over, or nobody has asked for long.
    async fn run(self: Arc<Self>, mut subscription: Subscription) {
        let mut joined = false;
        loop {
            let batch = subscription.take(WRITE_BATCH_BYTES);
            if batch.records.is_empty() && batch.preface.is_empty() {
                let over = subscription.edge().over;
                if over || self.state().asked.elapsed() >= HLS_LIVE_LINGER {
                    break;
                }
                let _ = tokio::time::timeout(Duration::from_secs(1), subscription.changed()).await;
                continue;
            }
            let mut state = self.state();
            let State { packager, window, .. } = &mut *state;
            // It joins anew: there are records that it did not get, or another publisher.
            if !batch.preface.is_empty() && std::mem::replace(&mut joined, true) {
                packager.interrupt(window);
            }
            for record in batch.preface.iter().chain(&batch.records) {
                packager.push(record.tag(), window);
            }
            drop(state);
            self.changed.send_replace(());
        }
        let mut state = self.state();
        let State { packager, window, .. } = &mut *state;
        packager.interrupt(window);
        window.end();
        drop(state);
        self.changed.send_replace(());
    }
}

impl Channels {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Channel>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that there is, and that somebody wants something of.
    fn find(&self, key: &str) -> Option<Arc<Channel>> {
        let channel = self.all().get(key).cloned()?;
        channel.state().asked = Instant::now();
        Some(channel)
    }

    /// The channel of a stream, begun if there is none.
    fn of(&self, app: &App, stream: &Arc<Stream>) -> Result<Arc<Channel>, Refusal> {
        let mut channels = self.all();
        let name = stream.name().to_owned();
        if let Some(channel) = channels.get(&name).filter(|channel| Arc::ptr_eq(&channel.stream, stream)) {
            let mut state = channel.state();
            if !state.window.is_over() {
                state.asked = Instant::now();
                return Ok(channel.clone());
            }
        }
        channels.retain(|_, channel| channel.state().asked.elapsed() < HLS_LIVE_LINGER);
        if channels.len() >= MAX_HLS_CHANNELS && !channels.contains_key(&name) {
            let text = format!("{MAX_HLS_CHANNELS} live streams are watched by HLS already; try again later");
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, text));
        }
        // Caches may still have segments of an earlier run. By a clock that was set back the worst is a stale one.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let session = format!("{:x}", now.as_millis());
        // Segments take longer than a second each, so numbers grow from run to run.
        let window = Window::new(app.started.elapsed().as_secs(), session);
        let state = State { packager: Packager::default(), window, asked: Instant::now() };
        let channel = Arc::new(Channel {
            stream: stream.clone(),
            state: Mutex::new(state),
            changed: watch::Sender::new(()),
        });
        channels.insert(name.clone(), channel.clone());
        let (all, running) = (self.0.clone(), channel.clone());
        let subscription = stream.subscribe(Via::Hls);
        tokio::spawn(async move {
            running.clone().run(subscription).await;
            // Whoever watched the end may still ask for its last segments.
            while running.state().asked.elapsed() < HLS_LIVE_LINGER {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            if all.get(&name).is_some_and(|channel| Arc::ptr_eq(channel, &running)) {
                all.remove(&name);
            }
        });
        Ok(channel)
    }
}

pub(super) async fn live(app: &App, address: &LiveAddress, headers: &HeaderMap) -> Result<Reply, Refusal> {
    let channels = &app.hls.channels;
    let missing = |text: String| Refusal::new(StatusCode::NOT_FOUND, text);
    let is_playlist = matches!(address.file, LiveFile::Index { .. } | LiveFile::Master);
    let channel = match channels.find(&address.key) {
        Some(channel) if !is_playlist || !channel.state().window.is_over() => channel,
        ended if is_playlist => match app.live_stream(&address.key).await {
            Ok(stream) => channels.of(app, &stream)?,
            // It has just ended, and its last viewers are told so.
            Err(text) => ended.ok_or_else(|| missing(text))?,
        },
        _ => return Err(missing(format!("\"{}\" is not watched by HLS; load its index.m3u8", address.key))),
    };
    match address.file {
        LiveFile::Index { wait_for } => index(&channel, address, wait_for).await,
        LiveFile::Master => {
            begun(&channel, address).await?;
            Ok(playlist(variants(&channel, address), "1"))
        }
        LiveFile::Init(n) => Ok(whole(headers, find(&channel, address, |window| window.init(n))?)),
        LiveFile::Segment(n) => Ok(whole(headers, find(&channel, address, |window| window.segment(n))?)),
        LiveFile::Part(n, part) => {
            // The next one is announced, and asked for before it is there.
            if channel.state().window.is_hinted(n, part) {
                channel.until(patience(&channel), |state| !state.window.is_hinted(n, part)).await;
            }
            Ok(whole(headers, find(&channel, address, |window| window.part(n, part))?))
        }
    }
}

/// Three target durations: after that a player asks again (RFC 8216bis, 6.2.5.2).
fn patience(channel: &Channel) -> Duration {
    Duration::from_millis((channel.state().window.longest_ms().unwrap_or(2000) * 3).into())
}

/// Waits for the first segment.
async fn begun(channel: &Channel, address: &LiveAddress) -> Result<(), Refusal> {
    let wanted = |state: &State| {
        state.window.has_begun() || state.window.is_over() || state.packager.refused().is_some()
    };
    let there = channel.until(HLS_LIVE_START, wanted).await;
    let state = channel.state();
    if state.window.has_begun() {
        return Ok(());
    }
    let key = &address.key;
    Err(match state.packager.refused() {
        Some(codec) => Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "\"{key}\" is {codec:?}, and HLS has to be H.264; set the encoder to H.264, or watch it by RTMP"
            ),
        ),
        None if there => Refusal::new(StatusCode::NOT_FOUND, format!("\"{key}\" ended before it had begun")),
        None => Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("\"{key}\" has no complete segment yet; set the encoder to a keyframe every two seconds"),
        )
        .retry_after(HLS_RETRY),
    })
}

async fn index(
    channel: &Channel,
    address: &LiveAddress,
    wait_for: Option<(u64, Option<usize>)>,
) -> Result<Reply, Refusal> {
    begun(channel, address).await?;
    if let Some((segment, part)) = wait_for {
        if channel.state().window.is_too_far(segment) {
            let text =
                format!("segment {segment} is too far in the future; load index.m3u8 without _HLS_msn");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, text));
        }
        let there = |state: &State| state.window.has(segment, part) || state.window.is_over();
        if !channel.until(patience(channel), there).await {
            let text = format!("\"{}\" has brought nothing for a while; ask again", address.key);
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, text).retry_after(HLS_RETRY));
        }
    }
    Ok(playlist(channel.state().window.render(&address.chosen), "1"))
}

fn variants(channel: &Channel, address: &LiveAddress) -> String {
    let state = channel.state();
    let configs = state.packager.configs();
    let mime = mime_type(configs.video.as_ref(), configs.audio.as_ref());
    let bandwidth = state.window.bandwidth();
    master(&[Variant {
        uri: match address.chosen.strip_prefix('&') {
            Some(chosen) => format!("index.m3u8?{chosen}"),
            None => "index.m3u8".to_owned(),
        },
        bandwidth: bandwidth + bandwidth / 4,
        codecs: mime.split('"').nth(1).unwrap_or_default().to_owned(),
        size: configs.video.as_ref().map(|video| (video.width, video.height)),
        subtitles: Vec::new(),
    }])
}

fn find(
    channel: &Channel,
    address: &LiveAddress,
    what: impl FnOnce(&Window) -> Option<Bytes>,
) -> Result<Bytes, Refusal> {
    let state = channel.state();
    let this_run = address.session.as_deref().is_none_or(|session| session == state.window.session());
    let found = Some(&state.window).filter(|_| this_run).and_then(what);
    found.ok_or_else(|| {
        let text = format!("\"{}\" has no such segment any more; load its index.m3u8", address.key);
        Refusal::new(StatusCode::NOT_FOUND, text)
    })
}

/// A segment, a part, or an init segment.
fn whole(headers: &HeaderMap, bytes: Bytes) -> Reply {
    let len = bytes.len() as u64;
    let mut reply = ranged(headers, "video/mp4", len, |range| {
        reply("video/mp4", bytes.slice(range.start as usize..range.end as usize)).into_body()
    });
    if reply.status() != StatusCode::RANGE_NOT_SATISFIABLE {
        immutable(&mut reply);
    }
    reply
}
