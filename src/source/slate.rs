//! What viewers see of a source from which nothing comes: the last picture, darkened, and why.
//!
//! ```text
//!  somebody watches, nothing comes ──for a moment──▶ a worker makes a short film ─▶ shown over and over ─┐
//!            ▲                                                                                           │
//!            └── its own pictures begin · nobody watches · another reason · too long (network) ◀─────────┘
//! ```
//!
//! A device is waited for as long as somebody watches: it may be plugged in any time. A source on the network has a
//! slate only while it starts, and for no longer than a viewer is told to wait; over an outage its last picture stays.

use super::air::Air;
use super::ended::Caption;
use super::progress::{Progress, State};
use super::task::SourceTask;
use crate::config::{Input, Sound};
use crate::flv::Tag;
use crate::limits::{
    CAPTURE_SLATE_AFTER, NETWORK_SLATE_AFTER, SLATE_RATE, SLATE_RETRY, SLATE_SIZE, SLATE_TICK,
};
use crate::pipeline::{CodedPicture, Slate, SlateOrder, slate, snapshot};
use crate::stream::Keyframe;
use crate::time::MediaTime;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The slate that was made last, and of what.
#[derive(Debug, Clone)]
pub(super) struct Made {
    order: SlateOrder,
    behind: Option<Keyframe>,
    slate: Arc<Slate>,
}

impl SourceTask {
    /// Shows slates when they are wanted, until it is dropped.
    pub(super) async fn show_slates(&self) {
        let mut tick = tokio::time::interval(SLATE_TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut made: Option<Made> = None;
        // Since when somebody watches and nothing comes.
        let mut since: Option<Instant> = None;
        let mut given_up = false;
        loop {
            tick.tick().await;
            if !self.is_watched() {
                (since, given_up) = (None, false);
                continue;
            }
            if self.air().has_media() {
                since = None;
                continue;
            }
            let settings = self.settings();
            let since = *since.get_or_insert_with(Instant::now);
            if !settings.slate || given_up || !self.is_due(&settings.input, since) {
                continue;
            }
            let until = match &settings.input {
                Input::Capture(_) => None,
                Input::Network(_) => Some(since + settings.start_timeout),
            };
            let caption = self.progress().caption();
            let sound = !matches!(&settings.input, Input::Capture(capture) if capture.audio == Sound::None);
            made = self.made(made, caption, sound).await;
            let Some(made) = &made else {
                tokio::time::sleep(SLATE_RETRY).await;
                continue;
            };
            if until.is_some_and(|until| Instant::now() >= until) {
                given_up = true;
                continue;
            }
            if self.show(&made.slate, caption, until).await == Shown::TooLong {
                given_up = true;
                self.air().end();
            }
        }
    }

    fn is_due(&self, input: &Input, since: Instant) -> bool {
        match input {
            Input::Capture(_) => since.elapsed() >= CAPTURE_SLATE_AFTER,
            Input::Network(_) => {
                let moment = self.progress().moment();
                !self.air().is_on_air()
                    && moment.state == State::Starting
                    && moment.since.elapsed() >= NETWORK_SLATE_AFTER
            }
        }
    }

    /// The slate with that caption: the one that there is, or a new one.
    async fn made(&self, before: Option<Made>, caption: Caption, sound: bool) -> Option<Made> {
        let known = self.progress().known();
        let order = SlateOrder {
            width: known.size.map_or(SLATE_SIZE.0, |size| size.0),
            height: known.size.map_or(SLATE_SIZE.1, |size| size.1),
            rate: self.air().expected_rate().unwrap_or(SLATE_RATE),
            title: self.words.of(caption).to_owned(),
            subtitle: self.progress().name().to_owned(),
            sound: known.sound.unwrap_or(sound),
        };
        let behind = self.air().last_keyframe();
        let same = |made: &Made| {
            let pictures = (&made.behind, &behind);
            made.order == order
                && match pictures {
                    (Some(one), Some(other)) => one.is_same(other),
                    (None, None) => true,
                    _ => false,
                }
        };
        if before.as_ref().is_some_and(same) {
            return before;
        }
        let (program, wanted, picture) = (self.program().to_owned(), order.clone(), behind.clone());
        let making = tokio::task::spawn_blocking(move || make(&program, &wanted, picture.as_ref())).await;
        match making {
            Ok(Ok(slate)) => Some(Made { order, behind, slate: Arc::new(slate) }),
            Ok(Err(error)) => {
                tracing::warn!(
                    source = self.progress().name(),
                    error,
                    "viewers see nothing while nothing comes"
                );
                None
            }
            Err(_) => None,
        }
    }

    /// Shows it for as long as it is wanted.
    async fn show(&self, slate: &Slate, caption: Caption, until: Option<Instant>) -> Shown {
        if !self.air().begin_slate(slate, Instant::now()) {
            return Shown::Replaced;
        }
        self.progress().slate_began();
        let begun = Instant::now();
        let (mut round, mut first) = (Duration::ZERO, true);
        loop {
            let headers = if first { &slate.headers[..] } else { &[] };
            first = false;
            for tag in headers.iter().chain(&slate.frames) {
                let due = round + Duration::from_millis(tag.timestamp.as_millis().into());
                tokio::time::sleep_until((begun + due).into()).await;
                if until.is_some_and(|until| Instant::now() >= until) {
                    return Shown::TooLong;
                }
                let timestamp = MediaTime::from_millis(due.as_millis() as u32);
                if !self.is_watched()
                    || !self.air().push_slate(Tag { timestamp, ..tag.clone() }, Instant::now())
                {
                    return Shown::Replaced;
                }
                // It goes on until there is another one.
                if tag.is_keyframe() && self.progress().caption() != caption {
                    return Shown::Replaced;
                }
                let lasting = || self.progress().moment().why.lasting;
                if until.is_some()
                    && tag.is_keyframe()
                    && self.progress().state() == State::Waiting
                    && lasting()
                {
                    return Shown::TooLong;
                }
            }
            round += slate.length;
        }
    }
}

/// How a slate's showing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// Something else is to be seen, or by nobody.
    Replaced,
    /// Nobody should wait any longer.
    TooLong,
}

/// Blocking.
fn make(program: &Path, order: &SlateOrder, behind: Option<&Keyframe>) -> Result<Slate, String> {
    let most = [order.width, order.height].map(|side| u16::try_from(side).unwrap_or(u16::MAX));
    // Without a picture there are still the letters.
    let picture = behind
        .and_then(|keyframe| CodedPicture::of_keyframe(keyframe.header.as_ref(), &keyframe.frame))
        .and_then(|coded| snapshot(program, &coded, (most[0], most[1])).ok());
    slate(program, order, picture.as_deref()).map_err(|error| error.to_string())
}

impl SourceTask {
    fn air(&self) -> &Air {
        &self.air
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }

    fn program(&self) -> &Path {
        &self.program
    }
}
