//! The runs: N viewers at once, a steady window, one line of figures.

use crate::client::{Client, Failure, Target, status, values};
use crate::cost::Cost;
use crate::demux::Seen;
use crate::stamp;
use crate::viewer::{Viewer, Window};
use serde_json::{Map, Value as Json, json};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// What a run does.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) viewers: usize,
    /// The steady window.
    pub(crate) seconds: f64,
    /// They join spread over this: a whole GOP, so that not all of them wait for the same keyframe.
    pub(crate) spread: f64,
    /// From the last join to the window.
    pub(crate) warmup: f64,
    /// They stay this long behind the window, for others to measure beside them.
    pub(crate) linger: f64,
    /// The process whose cost is told.
    pub(crate) server: Option<u32>,
}

type Shared = Rc<RefCell<Viewer>>;
type Metrics = Map<String, Json>;

/// Live viewers.
pub(crate) async fn view(plan: &Plan) -> Result<Metrics, Failure> {
    crowd(plan, |plan, viewer| async move { watch(&plan.target, LIVE_BUFFER, &viewer, None).await }).await
}

const LIVE_BUFFER: Duration = Duration::from_secs(3);
const VOD_BUFFER: Duration = Duration::from_secs(1);
/// Between two seeks of one viewer; a seek not answered by then is given up.
const SEEK_EVERY: Duration = Duration::from_millis(1500);

/// Viewers of a recording, paced by the server.
pub(crate) async fn vod(plan: &Plan, seeks: bool) -> Result<Metrics, Failure> {
    let seeking = seeks.then(|| Rc::new(RefCell::new(Seeking::default())));
    let shared = seeking.clone();
    let mut metrics = crowd(plan, move |plan, viewer| {
        let shared = shared.clone();
        async move { watch(&plan.target, VOD_BUFFER, &viewer, shared.as_deref()).await }
    })
    .await?;
    if let Some(seeking) = seeking {
        let mut seeking = seeking.borrow_mut();
        let keys = seeking.keys as f64 / seeking.times.len().max(1) as f64;
        metrics.insert("seeks".into(), json!(seeking.times.len()));
        metrics.insert("seeks_unanswered".into(), json!(seeking.unanswered));
        metrics.insert("seeks_to_key_pct".into(), json!(100.0 * keys));
        quantiles(&mut metrics, "seek", &mut seeking.times);
    }
    Ok(metrics)
}

/// Readers of a file over HTTP, as fast as they can, again and again.
pub(crate) async fn fetch(plan: &Plan) -> Result<Metrics, Failure> {
    let mut metrics = crowd(plan, |plan, viewer| async move {
        loop {
            let mut client = Client::fetch(&plan.target).await?;
            loop {
                let on = &mut |seen: Seen<'_>| {
                    let seen = Seen { kind: 9, head: &[0x27, 2], ..seen };
                    viewer.borrow_mut().note(&seen);
                };
                match client.read(on).await {
                    Ok(()) => {}
                    Err(Failure::Broken(_)) => break, // the end of the file
                    Err(refused) => return Err(refused),
                }
            }
        }
    })
    .await?;
    // There is no pace, so no silence means anything.
    metrics.retain(|name, _| !matches!(name.as_str(), "stalls" | "key_ms_p50" | "key_ms_p99"));
    Ok(metrics)
}

/// Viewers that leave when they have a keyframe, their joins spread over the window: nobody queues
/// behind the messages of others in this process.
pub(crate) async fn join(plan: &Plan) -> Result<Metrics, Failure> {
    sleep(Duration::from_secs_f64(plan.warmup)).await;
    let window = Rc::new(Window::default());
    window.open();
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for n in 0..plan.viewers {
        sleep_until(begin + Duration::from_secs_f64(plan.seconds * n as f64 / plan.viewers as f64)).await;
        let (plan, window) = (plan.clone(), window.clone());
        tasks.push(spawn_local(async move {
            let viewer = RefCell::new(Viewer::new(window));
            let mut client =
                Client::play(&plan.target, LIVE_BUFFER, &mut |seen| viewer.borrow_mut().note(&seen)).await?;
            let limit = Instant::now() + Duration::from_secs(5);
            while viewer.borrow().first_key.is_none() {
                match timeout_at(limit, client.read(&mut |seen| viewer.borrow_mut().note(&seen))).await {
                    Ok(read) => read?,
                    Err(_) => break,
                }
            }
            Ok::<_, Failure>(viewer.into_inner().first_key)
        }));
    }
    let (mut times, mut failed, mut refused) = (Vec::new(), 0, None);
    for task in tasks {
        match task.await {
            Ok(Ok(Some(time))) => times.push(time),
            Ok(Err(Failure::Refused(why))) => refused = Some(why),
            _ => failed += 1,
        }
    }
    if let (true, Some(why)) = (times.is_empty(), refused) {
        return Err(Failure::Refused(why));
    }
    let mut metrics = Map::new();
    metrics.insert("joins".into(), json!(times.len()));
    metrics.insert("joins_failed".into(), json!(failed));
    quantiles(&mut metrics, "join", &mut times);
    Ok(metrics)
}

/// Connects the viewers, waits for them to settle, measures.
async fn crowd<F, W>(plan: &Plan, watch: F) -> Result<Metrics, Failure>
where
    F: Fn(Plan, Shared) -> W,
    W: Future<Output = Result<(), Failure>> + 'static,
{
    let mut cost = plan.server.map(Cost::of);
    let resident_before = cost.as_ref().map(Cost::resident_kb);
    let window = Rc::new(Window::default());
    let begin = Instant::now();
    let mut viewers: Vec<(Shared, JoinHandle<()>)> = Vec::new();
    for n in 0..plan.viewers {
        sleep_until(begin + Duration::from_secs_f64(plan.spread * n as f64 / plan.viewers as f64)).await;
        let viewer = Rc::new(RefCell::new(Viewer::new(window.clone())));
        let watching = watch(plan.clone(), viewer.clone());
        let notes = viewer.clone();
        let task = spawn_local(async move {
            if let Err(failure) = watching.await {
                let mut notes = notes.borrow_mut();
                notes.refused = matches!(failure, Failure::Refused(_));
                notes.failure = Some(failure.to_string());
            }
        });
        viewers.push((viewer, task));
    }
    sleep_until(begin + Duration::from_secs_f64(plan.spread + plan.warmup)).await;
    if viewers.iter().all(|(viewer, _)| viewer.borrow().failure.is_some()) {
        let refused = viewers.iter().all(|(viewer, _)| viewer.borrow().refused);
        let why = viewers.first().and_then(|(viewer, _)| viewer.borrow().failure.clone()).unwrap_or_default();
        return Err(if refused { Failure::Refused(why) } else { Failure::Broken(why) });
    }

    let mut own = Cost::of(std::process::id());
    own.begin();
    if let Some(cost) = &mut cost {
        cost.begin();
    }
    window.open();
    let opened = Instant::now();
    let closes = opened + Duration::from_secs_f64(plan.seconds);
    while Instant::now() < closes {
        sleep_until(closes.min(Instant::now() + Duration::from_secs(1))).await;
        if let Some(cost) = &mut cost {
            cost.look();
        }
    }
    window.close();
    let elapsed = opened.elapsed().as_secs_f64();
    own.look();
    let resident_after = cost.as_ref().map(Cost::resident_kb);
    let mut metrics = figures(&viewers, &window, elapsed);
    metrics.insert("client_core_pct".into(), json!(100.0 * own.seconds() / elapsed));
    if let (Some(cost), Some(before), Some(after)) = (&cost, resident_before, resident_after) {
        let gigabytes: f64 = viewers.iter().map(|(v, _)| v.borrow().bytes as f64 / 1e9).sum();
        metrics.insert("cpu_s_per_gb".into(), json!(cost.seconds() / gigabytes.max(1e-9)));
        metrics.insert("core_pct".into(), json!(100.0 * cost.seconds() / elapsed));
        let each = (after as f64 - before as f64) / plan.viewers as f64;
        metrics.insert("rss_kb_per_viewer".into(), json!(each));
    }
    sleep(Duration::from_secs_f64(plan.linger)).await;
    for (_, task) in viewers {
        task.abort();
    }
    Ok(metrics)
}

fn figures(viewers: &[(Shared, JoinHandle<()>)], window: &Window, elapsed: f64) -> Metrics {
    let sum = |of: fn(&Viewer) -> u64| viewers.iter().map(|(viewer, _)| of(&viewer.borrow())).sum::<u64>();
    let mut keys: Vec<u64> = viewers.iter().filter_map(|(viewer, _)| viewer.borrow().first_key).collect();
    let mut metrics = Map::new();
    let mbit = sum(|v| v.bytes) as f64 * 8e-6 / elapsed / viewers.len().max(1) as f64;
    metrics.insert("mbit_per_viewer".into(), json!(mbit));
    metrics.insert("alive".into(), json!(sum(|v| u64::from(v.alive()))));
    metrics.insert("stalls".into(), json!(sum(Viewer::stalls)));
    if !window.latencies.borrow().is_empty() {
        // Only stamped frames have numbers.
        metrics.insert("lost".into(), json!(sum(|v| v.lost)));
        metrics.insert("disordered".into(), json!(sum(|v| v.disordered)));
    }
    metrics.insert("backwards".into(), json!(sum(|v| v.backwards)));
    quantiles(&mut metrics, "key", &mut keys);
    quantiles(&mut metrics, "latency", &mut window.latencies.borrow_mut());
    if let Some(why) = viewers.iter().find_map(|(viewer, _)| viewer.borrow().failure.clone()) {
        metrics.insert("first_failure".into(), json!(why));
    }
    metrics
}

/// Median and 99th percentile in ms, if there is anything.
fn quantiles(metrics: &mut Metrics, name: &str, nanos: &mut [u64]) {
    nanos.sort_unstable();
    for (label, share) in [("p50", 0.5), ("p99", 0.99)] {
        let at = (nanos.len() as f64 * share) as usize;
        if let Some(value) = nanos.get(at.min(nanos.len().saturating_sub(1))) {
            metrics.insert(format!("{name}_ms_{label}"), json!(*value as f64 / 1e6));
        }
    }
}

// ---- one viewer ----------------------------------------------------------------------------------------------

/// Seeks of all viewers.
#[derive(Default)]
struct Seeking {
    /// From the command to the last byte of the first picture of the new place, in ns.
    times: Vec<u64>,
    /// Of these, the first picture was a keyframe.
    keys: u64,
    unanswered: u64,
}

/// A seek that one viewer waits for.
#[derive(Clone, Copy)]
struct Sought {
    at: u64,
    /// `Seek.Notify` came: what follows is of the new place.
    notified: bool,
}

async fn watch(
    target: &Target,
    buffer: Duration,
    viewer: &RefCell<Viewer>,
    seeking: Option<&RefCell<Seeking>>,
) -> Result<(), Failure> {
    let mut client = {
        let note = &mut |seen: Seen<'_>| viewer.borrow_mut().note(&seen);
        Client::play(target, buffer, note).await?
    };
    let Some(seeking) = seeking else {
        loop {
            client.read(&mut |seen| viewer.borrow_mut().note(&seen)).await?;
        }
    };
    let mut length = 0.0;
    let mut sought: Option<Sought> = None;
    let mut random = stamp::now() | 1;
    // Not all at the same moment.
    let mut next = Instant::now() + SEEK_EVERY.mul_f64(0.5 + (random >> 10 & 0xff) as f64 / 512.0);
    loop {
        let mut on = |seen: Seen<'_>| {
            if let Some(s) = &mut sought {
                if status(&seen).as_deref() == Some("NetStream.Seek.Notify") {
                    s.notified = true;
                    viewer.borrow_mut().forget_times();
                } else if s.notified && seen.is_frame() {
                    let mut seeking = seeking.borrow_mut();
                    seeking.times.push(stamp::now() - s.at);
                    seeking.keys += u64::from(seen.is_keyframe());
                    sought = None;
                }
            }
            if seen.kind == 18 {
                length = duration(&seen).unwrap_or(length);
            }
            viewer.borrow_mut().note(&seen);
        };
        match timeout_at(next, client.read(&mut on)).await {
            Ok(read) => read?,
            Err(_) => {
                next += SEEK_EVERY;
                seeking.borrow_mut().unanswered += u64::from(sought.is_some());
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // Not the last seconds: there is nothing to play behind them.
                let to = (random >> 40) as f64 / (1u64 << 24) as f64 * (length - 20.0f64).max(0.0);
                sought = Some(Sought { at: stamp::now(), notified: false });
                client.seek((to * 1000.0) as u32).await?;
            }
        }
    }
}

/// The length that `onMetaData` tells, in seconds.
fn duration(seen: &Seen<'_>) -> Option<f64> {
    values(seen)?.iter().find_map(|value| value.get("duration")?.as_f64())
}
