//! Looks at the machine every few seconds, for the page's graphs and its one line that says whether all is well.

use super::App;
use crate::health::{Figures, Finding, Grave, History, Served, StreamNow, Ticks, findings};
use crate::limits::HEALTH_INTERVAL;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Monitor(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    figures: Figures,
    history: History,
    ticks: Ticks,
}

impl Monitor {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest figures, and the last hour.
    pub(super) fn now(&self) -> (Figures, History) {
        let seen = self.seen();
        (seen.figures.clone(), seen.history.clone())
    }
}

impl App {
    /// What the owner should know, the gravest first.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let figures = self.monitor.seen().figures.clone();
        let mut found = findings(&figures, self.settings.notice(), self.settings.wants_restart());
        if let Some(trouble) = self.appliance.trouble() {
            // A name of the page's words each; what the box does not know yet, the page shows as it is written.
            let (grave, code) = match trouble.code.as_str() {
                "card_damaged" => (Grave::Broken, "card_damaged"),
                "card_protected" => (Grave::Broken, "card_protected"),
                "card_repaired" => (Grave::Warning, "card_repaired"),
                _ => (Grave::Warning, "card"),
            };
            let at = found.iter().position(|finding| finding.grave >= grave).unwrap_or(found.len());
            found.insert(at, Finding { grave, code, about: None, text: trouble.text });
        }
        found
    }
}

/// Looks until the server ends.
pub(super) async fn watch(app: Arc<App>) {
    let mut tick = tokio::time::interval(HEALTH_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let app = app.clone();
        // A disk that does not answer holds up nothing but the next look.
        let _ = tokio::task::spawn_blocking(move || look(&app)).await;
    }
}

fn look(app: &App) {
    let config = app.settings.config();
    let folders: Vec<PathBuf> = std::iter::once(config.data).chain(config.library).collect();
    let mut ticks = app.monitor.seen().ticks;
    let figures = Figures::now(&folders, &mut ticks);
    let streams = app.streams.figures(Instant::now());
    let live: usize = streams.iter().map(|stream| stream.viewers).sum();
    let served = Served { conversions: app.providers.conversions(), viewers: app.providers.viewers() + live };
    let streams: Vec<StreamNow> = streams
        .into_iter()
        .map(|stream| StreamNow {
            name: stream.name,
            bytes_in: stream.bytes_in,
            bytes_out: stream.bytes_out,
            viewers: stream.viewers,
        })
        .collect();
    let mut seen = app.monitor.seen();
    seen.history.push(&figures, served, &streams);
    seen.figures = figures;
    seen.ticks = ticks;
}
