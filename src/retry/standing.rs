//! How something stands that is tried again and again: set by its task, read by the interfaces and by viewers who wait.

use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How it stands; `S` are the states that it may be in, `W` what more is known of the last failure.
#[derive(Debug)]
pub(crate) struct Standing<S, W = ()>(watch::Sender<Moment<S, W>>);

/// How it stood at a moment.
#[derive(Debug, Clone)]
pub(crate) struct Moment<S, W = ()> {
    pub(crate) state: S,
    pub(crate) since: Instant,
    /// Why it failed last; forgotten when it is well again.
    pub(crate) reason: Option<String>,
    pub(crate) next_try: Option<Instant>,
    /// Failures, ever.
    pub(crate) failures: u64,
    /// What more is known of the last failure; forgotten with its reason.
    pub(crate) why: W,
}

impl<S: Copy + PartialEq, W: Clone + Default> Standing<S, W> {
    pub(crate) fn new(state: S) -> Self {
        let (since, why) = (Instant::now(), W::default());
        Self(watch::Sender::new(Moment { state, since, reason: None, next_try: None, failures: 0, why }))
    }

    /// Goes on to another state. What failed last stays told.
    pub(crate) fn set(&self, state: S) {
        self.0.send_if_modified(|moment| moment.go_to(state));
    }

    /// Goes on to a state in which all is well: what failed last is forgotten.
    pub(crate) fn well(&self, state: S) {
        self.0.send_if_modified(|moment| {
            let changes = moment.go_to(state);
            moment.why = W::default();
            moment.reason.take().is_some() || changes
        });
    }

    /// Goes on to a state in which nobody wants it: what else was known of the last failure is forgotten, its reason stays told.
    pub(crate) fn rest(&self, state: S) {
        self.0.send_if_modified(|moment| {
            moment.why = W::default();
            moment.go_to(state)
        });
    }

    /// It failed, and waits in `state`. True when that is news: what is away for a night fills no log.
    pub(crate) fn failed(&self, state: S, reason: String, next_try: Instant, why: W) -> bool {
        let mut is_news = false;
        self.0.send_modify(|moment| {
            is_news = moment.reason.as_ref() != Some(&reason);
            let failures = moment.failures + 1;
            let (reason, next_try) = (Some(reason), Some(next_try));
            *moment = Moment { state, since: Instant::now(), reason, next_try, failures, why };
        });
        is_news
    }

    /// Whoever waits for news shall look again.
    pub(crate) fn nudge(&self) {
        self.0.send_modify(|_| ());
    }

    pub(crate) fn moment(&self) -> Moment<S, W> {
        self.0.borrow().clone()
    }

    pub(crate) fn state(&self) -> S {
        self.0.borrow().state
    }

    pub(crate) fn news(&self) -> watch::Receiver<Moment<S, W>> {
        self.0.subscribe()
    }
}

impl<S: Copy + PartialEq, W> Moment<S, W> {
    fn go_to(&mut self, state: S) -> bool {
        let changes = self.state != state;
        if changes {
            (self.state, self.since, self.next_try) = (state, Instant::now(), None);
        }
        changes
    }

    /// For so many seconds.
    pub(crate) fn state_seconds(&self, now: Instant) -> f64 {
        seconds(now.saturating_duration_since(self.since))
    }

    /// Seconds until the next attempt.
    pub(crate) fn next_try_seconds(&self, now: Instant) -> Option<f64> {
        self.next_try.map(|at| seconds(at.saturating_duration_since(now)))
    }
}

/// To the millisecond: more is noise in an interface.
fn seconds(time: Duration) -> f64 {
    time.as_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_news_once_and_stays_until_all_is_well() {
        let standing = Standing::<_, u8>::new("idle");
        let soon = Instant::now() + Duration::from_secs(5);
        assert!(standing.failed("waiting", "gone".into(), soon, 1));
        assert!(!standing.failed("waiting", "gone".into(), soon, 1));
        assert!(standing.failed("waiting", "refused".into(), soon, 2));
        let mut news = standing.news();
        news.mark_unchanged();
        standing.set("starting");
        let moment = standing.moment();
        assert_eq!((moment.reason.as_deref(), moment.failures, moment.next_try), (Some("refused"), 3, None));
        assert_eq!(moment.why, 2);
        assert!(news.has_changed().is_ok_and(|changed| changed));
        standing.well("on air");
        let moment = standing.moment();
        assert_eq!((moment.reason, moment.why, moment.state), (None, 0, "on air"));
        news.mark_unchanged();
        standing.well("on air");
        assert!(news.has_changed().is_ok_and(|changed| !changed), "nothing new");
    }
}
