//! Relays: streams of other RTMP servers as live streams here, and live streams from here to other servers.
//!
//! ```text
//!  other server ── rtmp::client ── Tag ──▶ Publisher ─ stream ─ Subscription ── rtmp::client ──▶ other server
//!                      pull                                            push
//! ```
//!
//! Each is a task that connects, relays, fails, waits a while and connects again, and tells how it is doing.
//! To the stream, a pull is a publisher and a push is a viewer, like any other.
//!
//! What belongs here: when to connect, and to what. What does not: the protocol (`rtmp::client`), who watches.

mod dial;
mod error;
mod link;
mod progress;
mod pull;
mod push;
mod receiver;

pub use dial::AuthorityError;
pub(crate) use error::RelayError;
pub use progress::{Direction, Figures, State};
pub(crate) use receiver::Receiver;

use crate::config;
use crate::limits::{MAX_PUSHES, PUSH_LOOK_INTERVAL};
use crate::rtmp_url::RtmpUrl;
use crate::stream::{Stream, Streams};
use dial::Dialer;
use progress::Progress;
use pull::Pull;
use push::Push;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::JoinSet;

/// All relays of a server.
#[derive(Default)]
pub struct Relays {
    pulls: Vec<Arc<Pull>>,
    rules: Vec<config::Push>,
    /// The pushes that there have been, each with its rule. They stay: their figures are of interest.
    pushes: Mutex<Vec<(usize, Arc<Push>)>>,
    shared: Option<Shared>,
}

struct Shared {
    streams: Arc<Streams>,
    dialer: Arc<Dialer>,
    pushed: Arc<Pushed>,
}

impl Relays {
    /// The relays that the owner wants. `own_ports`: where this very server listens for RTMP.
    ///
    /// # Errors
    /// When the file with the owner's authorities cannot be used.
    pub fn new(
        rules: &config::Relay,
        streams: Arc<Streams>,
        own_ports: Vec<u16>,
    ) -> Result<Self, AuthorityError> {
        let dialer = Arc::new(Dialer::new(rules.ca.as_deref(), own_ports)?);
        let pushed = Arc::new(Pushed::default());
        let pull = |rule| Arc::new(Pull::new(rule, streams.clone(), dialer.clone(), pushed.clone()));
        let pulls = rules.pulls.iter().map(pull).collect();
        let shared = Some(Shared { streams, dialer, pushed });
        Ok(Self { pulls, rules: rules.pushes.clone(), pushes: Mutex::default(), shared })
    }

    /// Relays until it is dropped.
    pub async fn run(&self) {
        let mut tasks = JoinSet::new();
        for pull in &self.pulls {
            let pull = pull.clone();
            tasks.spawn(async move { pull.run().await });
        }
        let Some(shared) = self.shared.as_ref().filter(|_| !self.rules.is_empty()) else {
            // An end of theirs would be a panic: their streams' end, not the server's.
            while tasks.join_next().await.is_some() {}
            return std::future::pending().await;
        };
        let mut running: HashMap<(usize, String), tokio::task::AbortHandle> = HashMap::new();
        let mut tick = tokio::time::interval(PUSH_LOOK_INTERVAL);
        loop {
            tick.tick().await;
            while tasks.try_join_next().is_some() {}
            running.retain(|_, task| !task.is_finished());
            for stream in shared.streams.on_air() {
                for (number, rule) in self.rules.iter().enumerate() {
                    let key = (number, stream.name().to_owned());
                    if !matches(&rule.stream, stream.name()) || running.contains_key(&key) {
                        continue;
                    }
                    let Some(push) = self.push(shared, number, stream.name()) else { continue };
                    let stream: Arc<Stream> = stream.clone();
                    running.insert(key, tasks.spawn(async move { push.run(stream).await }));
                }
            }
        }
    }

    fn pushes(&self) -> MutexGuard<'_, Vec<(usize, Arc<Push>)>> {
        self.pushes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The push of a stream by a rule; `None` when there is none and there are too many.
    fn push(&self, shared: &Shared, number: usize, name: &str) -> Option<Arc<Push>> {
        let mut pushes = self.pushes();
        if let Some((_, push)) = pushes.iter().find(|(rule, push)| *rule == number && push.name() == name) {
            return Some(push.clone());
        }
        if pushes.len() >= MAX_PUSHES {
            let Some(ended) = pushes.iter().position(|(_, push)| push.is_idle()) else {
                tracing::debug!(
                    stream = name,
                    most = MAX_PUSHES,
                    "too many relays: this stream is not relayed"
                );
                return None;
            };
            pushes.remove(ended);
        }
        let rule = self.rules.get(number)?;
        let (dialer, pushed) = (shared.dialer.clone(), shared.pushed.clone());
        let push = Push::new(name.to_owned(), rule.url_for(name), rule.any_codec, dialer, pushed);
        pushes.push((number, Arc::new(push)));
        pushes.last().map(|(_, push)| push.clone())
    }

    /// The stream of that name goes to that machine now: a relay that brings it back closes a circle.
    pub fn sends(&self, name: &str, to: IpAddr) -> bool {
        let to = to.to_canonical();
        self.pushes().iter().any(|(_, push)| push.name() == name && push.goes_to(to))
    }

    /// How many pushes send the stream of that name on: they are viewers for whom nothing need be fetched.
    pub fn pushes_of(&self, name: &str) -> usize {
        self.shared.as_ref().map_or(0, |shared| shared.pushed.count(name))
    }

    /// A stream of that name comes from another server, if it is to be had.
    pub fn provides(&self, name: &str) -> bool {
        self.pull(name).is_some()
    }

    fn pull(&self, name: &str) -> Option<&Arc<Pull>> {
        self.pulls.iter().find(|pull| pull.name() == name)
    }

    /// Fetches the stream of that name, and waits until it is on air, within bounds.
    ///
    /// # Errors
    /// Why it is not, for the person who wants to watch. `None`: nobody provides such a stream.
    pub async fn request(&self, name: &str) -> Result<Arc<Stream>, Option<String>> {
        match self.pull(name) {
            Some(pull) => pull.request().await.map_err(Some),
            None => Err(None),
        }
    }

    /// Connects to another server for a source that becomes the stream `name`.
    ///
    /// # Errors
    /// When there is no connection, or the server does not play.
    pub(crate) async fn receive(&self, url: &RtmpUrl, name: &str) -> Result<Receiver, RelayError> {
        match &self.shared {
            Some(shared) => Receiver::open(&shared.dialer, url, name).await,
            None => Receiver::open(&Arc::default(), url, name).await,
        }
    }

    /// How all of them are doing: pulls first, then pushes, rules without a stream among them.
    pub fn figures(&self) -> Vec<Figures> {
        let pulls = self.pulls.iter().enumerate();
        let mut all: Vec<Figures> = pulls.map(|(number, pull)| pull.figures(number)).collect();
        let pushes = self.pushes();
        for (number, rule) in self.rules.iter().enumerate() {
            let of_rule = pushes.iter().filter(|(of, _)| *of == number);
            let before = all.len();
            all.extend(of_rule.map(|(_, push)| push.figures(number)));
            if all.len() == before {
                let url = rule.url_for(&rule.stream);
                all.push(Progress::default().figures(Direction::Push, number, &rule.stream, &url));
            }
        }
        all
    }
}

/// How many pushes each stream has: they are viewers, but none for whom a stream is fetched.
#[derive(Default)]
struct Pushed(Mutex<HashMap<String, usize>>);

/// Counts a push while it lasts.
struct Entered<'a> {
    pushed: &'a Pushed,
    name: &'a str,
}

impl Pushed {
    fn counts(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, name: &str) -> usize {
        self.counts().get(name).copied().unwrap_or(0)
    }

    fn enter<'a>(&'a self, name: &'a str) -> Entered<'a> {
        *self.counts().entry(name.to_owned()).or_default() += 1;
        Entered { pushed: self, name }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let mut counts = self.pushed.counts();
        if let Some(count) = counts.get_mut(self.name) {
            *count -= 1;
            if *count == 0 {
                counts.remove(self.name);
            }
        }
    }
}

/// On this server, this address is the live stream of that name.
fn is_own_stream(url: &RtmpUrl, name: &str) -> bool {
    let bare = url.name.split('?').next().unwrap_or_default();
    let path = format!("{}/{bare}", url.app);
    path.strip_prefix("live/").unwrap_or(&path) == name
}

/// A name fits a pattern, in which `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let Some(tail) = parts.pop() else { return true };
    for part in parts {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(tail)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_names() {
        for (pattern, fitting, other) in [
            ("cam", &["cam"][..], &["cam2", "a/cam", ""][..]),
            ("*", &["cam", "a/b", ""], &[]),
            ("cam*", &["cam", "cam2", "cam/a"], &["acam"]),
            ("*/cam", &["a/cam", "/cam"], &["cam", "a/cam2"]),
            ("a*b*c", &["abc", "a-b-b-c", "abbcc"], &["ab", "abcd", "acb"]),
            ("a*a", &["aa", "aba"], &["a"]),
        ] {
            for name in fitting {
                assert!(matches(pattern, name), "{pattern} {name}");
            }
            for name in other {
                assert!(!matches(pattern, name), "{pattern} {name}");
            }
        }
    }

    #[test]
    fn a_streams_own_address_is_known() {
        let own = |text: &str, name: &str| is_own_stream(&RtmpUrl::parse(text).unwrap(), name);
        assert!(own("rtmp://box/live/cam?key=x", "cam"));
        assert!(own("rtmp://box/live/house/cam", "house/cam"));
        assert!(own("rtmp://box/studio/cam", "studio/cam"));
        assert!(!own("rtmp://box/live/cam2", "cam"));
        assert!(!own("rtmp://box/vod/cam", "cam"));
    }

    #[test]
    fn pushes_are_counted_while_they_last() {
        let pushed = Pushed::default();
        let (one, two) = (pushed.enter("cam"), pushed.enter("cam"));
        assert_eq!(pushed.count("cam"), 2);
        drop(one);
        assert_eq!((pushed.count("cam"), pushed.count("door")), (1, 0));
        drop(two);
        assert!(pushed.counts().is_empty());
    }
}
