//! The pace of one stream: when the next tag is due. No protocol here, only times.
//!
//! ```text
//!              client plays            client has        next tag may be sent once it is not
//!              here                    up to here        beyond here
//!  ───────────────┼───────────────────────┼───────────────────┼────────────▶ media time
//!              position               last sent       position + buffer + PLAY_AHEAD
//! ```
//!
//! The client's position is never told to us. It is estimated: it moves with the wall clock from the
//! first tag on, and never beyond what has been sent.

use crate::limits::{DEFAULT_BUFFER_LENGTH, MAX_BUFFER_LENGTH, PACE_STEP, PLAY_AHEAD};
use crate::time::MediaTime;
use std::time::{Duration, Instant};

/// Whether the next tag of a stream is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Demand {
    /// Now.
    SendNow,
    /// At that instant, unless something happens before.
    At(Instant),
    /// Not until an event, or until output has been taken away.
    Idle,
}

/// The play clock of one stream.
#[derive(Debug, Clone)]
pub(super) struct Playback {
    buffer: Duration,
    /// Where the client was at which instant; `None` until the first tag after a start or seek.
    anchor: Option<(Instant, MediaTime)>,
    /// Where the anchor goes once the clock is asked for.
    anchor_at: Option<MediaTime>,
    /// The highest time sent since the start or seek.
    last_sent: Option<MediaTime>,
    paused: bool,
    /// Paused, but one picture is due: a seek moved the position.
    picture_due: bool,
}

impl Playback {
    pub(super) fn new(buffer: Duration) -> Self {
        Self { buffer, anchor: None, anchor_at: None, last_sent: None, paused: false, picture_due: false }
    }

    pub(super) fn paused(&self) -> bool {
        self.paused
    }

    /// From the first to the highest time sent, as long as no clock runs: how much a pause let through.
    pub(super) fn sent_while_paused(&self) -> Duration {
        match (self.anchor_at, self.last_sent) {
            (Some(first), Some(last)) => Duration::from_millis(last.saturating_millis_since(first).into()),
            _ => Duration::ZERO,
        }
    }

    /// Waiting for the one picture that a seek while paused shows.
    pub(super) fn picture_due(&self) -> bool {
        self.picture_due
    }

    pub(super) fn picture_shown(&mut self) {
        self.picture_due = false;
    }

    /// For the next play on the same stream: only the buffer length is kept.
    pub(super) fn renewed(&self) -> Self {
        Self::new(self.buffer)
    }

    /// The client's `SetBufferLength`.
    pub(super) fn set_buffer(&mut self, buffer: Duration) {
        self.buffer = buffer.min(MAX_BUFFER_LENGTH);
    }

    /// A seek: what follows is at another time. While paused, one picture of it is wanted.
    pub(super) fn jumped(&mut self) {
        self.anchor = None;
        self.anchor_at = None;
        self.last_sent = None;
        self.picture_due = self.paused;
    }

    /// The client paused.
    pub(super) fn pause(&mut self, now: Instant) {
        if !self.paused {
            self.paused = true;
            self.anchor_at = self.position(now).or(self.anchor_at);
            self.anchor = None;
        }
    }

    /// The client resumes; it keeps its buffer and says that it is at `position`.
    ///
    /// Clients that send nonsense (0) must not stand still until the clock has come along again, so the
    /// position is only believed within what the client's buffer can hold.
    pub(super) fn resume(&mut self, position: MediaTime) {
        self.paused = false;
        self.picture_due = false;
        self.anchor_at = match (self.anchor_at, self.last_sent) {
            (Some(estimate), Some(last_sent)) => {
                let span = millis(self.buffer + PLAY_AHEAD);
                let lowest = MediaTime::from_millis(estimate.as_millis().saturating_sub(span));
                Some(position.clamp(lowest.min(last_sent), last_sent))
            }
            (estimate, _) => estimate,
        };
    }

    /// A frame of that time was sent (sequence headers and script tags do not count).
    pub(super) fn sent(&mut self, time: MediaTime) {
        if self.last_sent.is_none() {
            self.anchor_at = Some(time);
        }
        self.last_sent = self.last_sent.max(Some(time));
    }

    /// Where the client is, as far as can be known.
    fn position(&self, now: Instant) -> Option<MediaTime> {
        let (at, time) = self.anchor?;
        let position = time.saturating_add_millis(millis(now.saturating_duration_since(at)));
        Some(self.last_sent.map_or(position, |last_sent| position.min(last_sent)))
    }

    /// When the next tag is due.
    pub(super) fn demand(&mut self, now: Instant) -> Demand {
        if self.paused {
            return if self.picture_due { Demand::SendNow } else { Demand::Idle };
        }
        let Some(last_sent) = self.last_sent else { return Demand::SendNow };
        let anchor_at = self.anchor_at.take().or_else(|| {
            // The client has played all it had and stands still; so does its clock.
            let position = self.position(now)?;
            (position >= last_sent).then_some(position)
        });
        if let Some(time) = anchor_at {
            self.anchor = Some((now, time));
        }
        let Some((at, time)) = self.anchor else { return Demand::SendNow };
        let ahead = Duration::from_millis(last_sent.saturating_millis_since(time).into());
        let due = at + ahead.saturating_sub(self.buffer + PLAY_AHEAD);
        // Waking for every tag is what a viewer would cost most: let some gather, out of the second
        // that the client is ahead in any case.
        if due <= now { Demand::SendNow } else { Demand::At(due + PACE_STEP) }
    }
}

impl Default for Playback {
    fn default() -> Self {
        Self::new(DEFAULT_BUFFER_LENGTH)
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: u32 = 40;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// Sends frames while they are due; returns the time after the last one.
    fn send_due(playback: &mut Playback, mut next: u32, now: Instant) -> u32 {
        while playback.demand(now) == Demand::SendNow {
            playback.sent(MediaTime::from_millis(next));
            next += FRAME;
            assert!(next < 10_000_000, "never paced");
        }
        next
    }

    #[test]
    fn a_buffer_and_a_second_go_out_at_once_then_one_second_each_second() {
        let start = Instant::now();
        let mut playback = Playback::new(secs(3));
        let next = send_due(&mut playback, 0, start);
        assert_eq!(next, 4040 + FRAME);
        let Demand::At(due) = playback.demand(start) else { panic!("due now") };
        assert_eq!(due, start + Duration::from_millis(40) + PACE_STEP, "some of it together");
        assert_eq!(send_due(&mut playback, next, start + secs(3)), 7040 + FRAME);
    }

    #[test]
    fn a_play_from_the_middle_is_paced_from_there() {
        let start = Instant::now();
        let mut playback = Playback::new(secs(3));
        assert_eq!(send_due(&mut playback, 1_000_000, start), 1_004_040 + FRAME);
    }

    #[test]
    fn a_client_that_ran_dry_is_not_flooded_afterwards() {
        let start = Instant::now();
        let mut playback = Playback::new(secs(3));
        let next = send_due(&mut playback, 0, start);
        // The conversion stalls for a minute: the client stands at 4 s, not at 64 s.
        assert_eq!(send_due(&mut playback, next, start + secs(60)), 8080 + FRAME);
    }

    #[test]
    fn nothing_is_due_while_paused_and_the_clock_stands() {
        let start = Instant::now();
        let mut playback = Playback::new(secs(3));
        let next = send_due(&mut playback, 0, start);
        playback.pause(start + secs(1));
        assert_eq!(playback.demand(start + secs(600)), Demand::Idle);
        playback.resume(MediaTime::from_millis(1000));
        assert_eq!(send_due(&mut playback, next, start + secs(600)), 5040 + FRAME);
    }

    #[test]
    fn a_client_that_resumes_at_nonsense_waits_a_buffer_at_most() {
        for nonsense in [MediaTime::ZERO, MediaTime::MAX] {
            let start = Instant::now();
            let mut playback = Playback::new(secs(3));
            let mut next = send_due(&mut playback, 0, start);
            for second in 1..100 {
                next = send_due(&mut playback, next, start + secs(second));
            }
            playback.pause(start + secs(99));
            playback.resume(nonsense);
            let resumed = start + secs(200);
            match playback.demand(resumed) {
                Demand::SendNow => {}
                Demand::At(due) => assert!(due <= resumed + secs(5)),
                Demand::Idle => panic!("stands still"),
            }
        }
    }

    #[test]
    fn a_seek_while_paused_wants_one_picture() {
        let now = Instant::now();
        let mut playback = Playback::default();
        send_due(&mut playback, 0, now);
        playback.pause(now);
        playback.jumped();
        assert_eq!(playback.demand(now), Demand::SendNow);
        playback.sent(MediaTime::from_millis(60_000));
        playback.picture_shown();
        assert_eq!(playback.demand(now), Demand::Idle);
        playback.resume(MediaTime::from_millis(60_000));
        assert_eq!(send_due(&mut playback, 60_040, now), 64_040 + FRAME);
    }

    #[test]
    fn ten_hours_of_buffer_mean_as_fast_as_the_network_carries() {
        let now = Instant::now();
        let mut playback = Playback::default();
        playback.set_buffer(Duration::from_millis(36_000_000));
        playback.sent(MediaTime::ZERO);
        playback.sent(MediaTime::from_millis(7_200_000));
        assert_eq!(playback.demand(now), Demand::SendNow);
    }

    #[test]
    fn a_gap_in_the_media_is_waited_for() {
        let start = Instant::now();
        let mut playback = Playback::new(secs(3));
        playback.sent(MediaTime::ZERO);
        assert_eq!(playback.demand(start), Demand::SendNow);
        playback.sent(MediaTime::from_millis(60_000));
        assert_eq!(playback.demand(start), Demand::At(start + secs(56) + PACE_STEP));
    }
}
