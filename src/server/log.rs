//! Logs: lines with time and colour on a console, lines with the level that the journal understands elsewhere; and the
//! latest of them in memory, for the page.

use crate::limits::{MAX_LOG_BYTES, MAX_LOG_LINE};
use serde::Serialize;
use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use utoipa::ToSchema;

/// Starts logging. `directives` are `EnvFilter`'s, checked by the configuration.
pub fn start(directives: &str) {
    let lines = tracing_subscriber::registry().with(EnvFilter::new(directives)).with(ToMemory);
    let out = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // systemd says by this variable that our output goes to the journal, which has times of its own.
    if std::env::var_os("JOURNAL_STREAM").is_some() {
        let format = Format::default().without_time().with_level(false).with_target(false);
        lines.with(out.with_ansi(false).event_format(ForJournal(format))).init();
    } else {
        let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
        lines.with(out.with_ansi(ansi).with_target(false)).init();
    }
}

/// A line of the log.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = LogLine)]
pub(super) struct Line {
    /// Counts from the start on.
    pub(super) number: u64,
    /// Milliseconds since 1970, as far as the clock was set.
    pub(super) time: u64,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub(super) level: &'static str,
    /// What happened, and its circumstances as `name=value`.
    pub(super) text: String,
}

/// The latest lines, within [`MAX_LOG_BYTES`].
#[derive(Debug, Default)]
struct Memory {
    lines: VecDeque<Line>,
    bytes: usize,
    next: u64,
}

impl Memory {
    fn push(&mut self, time: u64, level: &'static str, text: String) {
        self.bytes += text.len() + size_of::<Line>();
        self.lines.push_back(Line { number: self.next, time, level, text });
        self.next += 1;
        while self.bytes > MAX_LOG_BYTES
            && let Some(oldest) = self.lines.pop_front()
        {
            self.bytes -= oldest.text.len() + size_of::<Line>();
        }
    }
}

fn memory() -> &'static Mutex<Memory> {
    static MEMORY: OnceLock<Mutex<Memory>> = OnceLock::new();
    MEMORY.get_or_init(Mutex::default)
}

/// The latest lines behind number `after` that are at least that grave and have these words in them, the latest last;
/// at most `most`.
pub(super) fn recent(after: Option<u64>, level: &str, words: &str, most: usize) -> Vec<Line> {
    let gravest = grave(level);
    let words = words.to_lowercase();
    let memory = memory().lock().unwrap_or_else(PoisonError::into_inner);
    let wanted = |line: &&Line| {
        after.is_none_or(|after| line.number > after)
            && grave(line.level) <= gravest
            && (words.is_empty() || line.text.to_lowercase().contains(&words))
    };
    let mut lines: Vec<Line> = memory.lines.iter().rev().filter(wanted).take(most).cloned().collect();
    lines.reverse();
    lines
}

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// The less, the graver; an unknown level is all of them.
fn grave(level: &str) -> usize {
    LEVELS.iter().position(|one| *one == level).unwrap_or(LEVELS.len())
}

/// Keeps each line that is logged.
struct ToMemory;

impl<S: Subscriber> Layer<S> for ToMemory {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words(String::new());
        event.record(&mut words);
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let time = now.map_or(0, |since| since.as_millis() as u64);
        memory().lock().unwrap_or_else(PoisonError::into_inner).push(time, level, words.0);
    }
}

/// An event's message and fields as one line, as far as a line goes.
struct Words(String);

impl Words {
    fn field(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if self.0.len() >= MAX_LOG_LINE {
            return;
        }
        // Writing to a string can't fail.
        let _ = match field.name() {
            "message" => {
                let rest = std::mem::take(&mut self.0);
                write!(self.0, "{value}{rest}")
            }
            name => write!(self.0, " {name}={value}"),
        };
        if self.0.len() > MAX_LOG_LINE {
            let end = (0..=MAX_LOG_LINE).rev().find(|at| self.0.is_char_boundary(*at)).unwrap_or(0);
            self.0.truncate(end);
            self.0.push('…');
        }
    }
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.field(field, format_args!("{value:?}"));
    }
}

/// Lines that begin with their level as `sd-daemon(3)` has it, with all their fields in them: the journal's own
/// fields would be seen only by those who ask for them.
struct ForJournal(Format<tracing_subscriber::fmt::format::Full, ()>);

impl<S, N> FormatEvent<S, N> for ForJournal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        writer.write_str(prefix(*event.metadata().level()))?;
        self.0.format_event(context, writer, event)
    }
}

fn prefix(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        Level::DEBUG | Level::TRACE => "<7>",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_bounded_and_keeps_the_latest() {
        let mut memory = Memory::default();
        for n in 0..100_000 {
            memory.push(n, "info", format!("line {n} {}", "x".repeat((n % 300) as usize)));
        }
        let held: usize = memory.lines.iter().map(|line| line.text.len() + size_of::<Line>()).sum();
        assert!(held == memory.bytes && held <= MAX_LOG_BYTES, "{held}");
        assert_eq!(memory.lines.back().map(|line| line.number), Some(99_999));
    }

    #[test]
    fn lines_are_found_by_level_and_words() {
        let subscriber = tracing_subscriber::registry().with(ToMemory);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(peer = "192.168.1.5", "zebra plays");
            tracing::error!(reason = "much too long".repeat(1000), "zebra broke");
        });
        let all = recent(None, "trace", "ZEBRA", 10);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].text, "zebra plays peer=192.168.1.5");
        assert!(all[1].text.starts_with("zebra broke reason=much") && all[1].text.len() < MAX_LOG_LINE + 10);
        assert_eq!(recent(None, "warn", "zebra", 10).len(), 1);
        assert_eq!(recent(Some(all[0].number), "trace", "zebra", 10).len(), 1);
        assert_eq!(recent(None, "trace", "zebra", 1)[0].level, "error");
    }
}
