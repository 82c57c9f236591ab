//! Logs: lines with time and colour on a console, lines with the level that the journal understands elsewhere.

use std::fmt;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Starts logging. `directives` are `EnvFilter`'s, checked by the configuration.
pub fn start(directives: &str) {
    let log =
        tracing_subscriber::fmt().with_env_filter(EnvFilter::new(directives)).with_writer(std::io::stderr);
    // systemd says by this variable that our output goes to the journal, which has times of its own.
    if std::env::var_os("JOURNAL_STREAM").is_some() {
        let lines = Format::default().without_time().with_level(false).with_target(false);
        log.with_ansi(false).event_format(ForJournal(lines)).init();
    } else {
        log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).with_target(false).init();
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
