//! Logs: readable lines on a console, fields in the journal.

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// Starts logging. `directives` are `EnvFilter`'s, checked by the configuration.
pub fn start(directives: &str) {
    let filter = EnvFilter::new(directives);
    // systemd says by this variable that our output goes to the journal.
    let journal = std::env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok());
    let console = journal.is_none().then(|| {
        let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
        fmt::layer().with_writer(std::io::stderr).with_ansi(ansi).with_target(false)
    });
    tracing_subscriber::registry()
        .with(journal.with_filter(filter.clone()))
        .with(console.with_filter(filter))
        .init();
}
