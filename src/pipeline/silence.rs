//! How long a process has said nothing although it could have.
//!
//! Workers run below everything else on the machine. One that gets no turn says nothing for the same time as one that
//! hangs, and killing it makes it begin again: on a busy machine for ever. The kernel counts how long each thread was
//! ready to run and had to wait (`/proc/PID/task/*/schedstat`, its second number); that time is not held against it,
//! up to a bound.

use crate::limits::{STARVED_STALL_FACTOR, WORKER_TICK};
use std::path::Path;
use std::time::{Duration, Instant};

/// A silence, from its beginning on. Pure: what the kernel says is an argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Silence {
    since: Instant,
    /// Up to here it has been judged.
    looked: Instant,
    /// What the kernel had counted by then.
    waited: Option<Duration>,
    /// Of that time, what the process had its turns in, or did not ask for any.
    own: Duration,
}

impl Silence {
    /// It was heard of at `since`, for the last time.
    pub fn since(since: Instant) -> Self {
        Self { since, looked: since, waited: None, own: Duration::ZERO }
    }

    /// When it was heard of.
    pub fn began(&self) -> Instant {
        self.since
    }

    /// The silence lasts; by now the threads have waited for a processor for so long altogether. `None`: this kernel
    /// does not count.
    pub fn look(&mut self, now: Instant, waited: Option<Duration>) {
        let elapsed = now.saturating_duration_since(self.looked);
        let starved = match (self.waited, waited) {
            // A thread that ended takes its count with it.
            (Some(before), Some(waited)) => waited.saturating_sub(before).min(elapsed),
            _ => Duration::ZERO,
        };
        self.own += elapsed - starved;
        self.looked = now;
        self.waited = waited;
    }

    /// Longer than `most` in its own time, or several times as long by the clock.
    pub fn exceeds(&self, most: Duration) -> bool {
        self.own > most || self.looked.saturating_duration_since(self.since) > most * STARVED_STALL_FACTOR
    }

    /// In its own time.
    pub fn own(&self) -> Duration {
        self.own
    }
}

/// How long the threads of a process, and of those that it has started, have been ready to run and had to wait for a
/// processor, since each was started: GStreamer lists its plug-ins in a process of its own, which a new worker waits for.
/// `None` where the kernel does not count that. `process` is its folder in `/proc`.
pub(super) fn waited_for_processor(process: &Path) -> Option<Duration> {
    let threads = std::fs::read_dir(process.join("task")).ok()?;
    let mut sum = None;
    for thread in threads.flatten() {
        let counted = std::fs::read_to_string(thread.path().join("schedstat")).ok();
        if let Some(waited) = counted.as_deref().and_then(wait_of) {
            *sum.get_or_insert(Duration::ZERO) += waited;
        }
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_ascii_whitespace() {
            let waited = waited_for_processor(&process.with_file_name(child));
            sum = sum.map(|sum: Duration| sum.saturating_add(waited.unwrap_or_default()));
        }
    }
    sum
}

/// `on-processor-ns  waited-ns  turns`
fn wait_of(schedstat: &str) -> Option<Duration> {
    schedstat.split_ascii_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

/// Below this nobody asks the kernel: units come many times a second.
pub(super) const WORTH_ASKING: Duration = WORKER_TICK.saturating_mul(5);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MOST: Duration = Duration::from_secs(10);

    /// A silence in which each second is judged by itself; `starved` says for how much of it threads had to wait.
    fn after(seconds: u32, starved: impl Fn(u32) -> Option<Duration>) -> Silence {
        let begun = Instant::now();
        let mut silence = Silence::since(begun);
        let mut waited = Some(Duration::from_secs(1000));
        silence.look(begun, waited);
        for second in 1..=seconds {
            waited = waited.zip(starved(second)).map(|(sum, more)| sum + more);
            silence.look(begun + Duration::from_secs(second.into()), waited);
        }
        silence
    }

    #[test]
    fn a_process_that_sleeps_or_spins_is_silent_by_the_clock() {
        assert!(!after(10, |_| Some(Duration::ZERO)).exceeds(MOST));
        assert!(after(11, |_| Some(Duration::ZERO)).exceeds(MOST));
    }

    #[test]
    fn a_process_that_gets_no_turn_is_given_time() {
        let hungry = |_| Some(Duration::from_millis(900));
        assert!(!after(30, hungry).exceeds(MOST), "{:?}", after(30, hungry));
        // Six threads that all wait do not make it less than nothing.
        let many = after(30, |_| Some(Duration::from_secs(6)));
        assert_eq!((many.own(), many.exceeds(MOST)), (Duration::ZERO, false));
    }

    #[test]
    fn but_not_for_ever() {
        assert!(after(10 * STARVED_STALL_FACTOR + 1, |_| Some(Duration::from_secs(1))).exceeds(MOST));
    }

    #[test]
    fn a_kernel_that_does_not_count_leaves_the_clock() {
        assert!(after(11, |_| None).exceeds(MOST));
        assert!(!after(10, |_| None).exceeds(MOST));
    }

    #[test]
    fn what_the_kernel_writes_is_read() {
        assert_eq!(wait_of("123 456 7\n"), Some(Duration::from_nanos(456)));
        for wrong in ["", "1", "1 x 2", "-1 -2 3"] {
            assert_eq!(wait_of(wrong), None, "{wrong}");
        }
        let ours = Path::new("/proc/self/schedstat").exists();
        assert_eq!(waited_for_processor(Path::new("/proc/self")).is_some(), ours);
        assert_eq!(waited_for_processor(Path::new("/proc/nobody")), None);
    }
}
