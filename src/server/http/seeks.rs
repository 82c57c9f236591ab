//! What became of seeks, for `/metrics`.

use crate::reel::{Choice, SeekFigures, Seeks};
use std::fmt::Write;

/// Adds lines in Prometheus' text format.
pub(super) fn metrics(text: &mut String, seeks: &Seeks) {
    let mut metric = |name: &str, help: &str, value: &dyn Fn(&SeekFigures) -> f64| {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "# HELP wiidia_{name} {help}\n# TYPE wiidia_{name} counter");
        for choice in Choice::ALL {
            let value = value(&seeks.figures(choice));
            let _ = writeln!(text, "wiidia_{name}{{choice=\"{}\"}} {value}", choice.as_str());
        }
    };
    metric("seeks_total", "seeks answered, by the way they were", &|f| f.answered as f64);
    metric("seek_seconds_total", "time they took", &|f| f.took.as_secs_f64());
    metric("seek_estimates_total", "those with an estimate", &|f| f.estimated as f64);
    metric("seek_estimate_seconds_total", "sum of the estimates", &|f| f.estimate.as_secs_f64());
    metric("seek_estimate_error_seconds_total", "by how much they were off", &|f| f.off.as_secs_f64());
    let _ = writeln!(
        text,
        "# HELP wiidia_seeks_abandoned_total replaced or left before the answer\n\
         # TYPE wiidia_seeks_abandoned_total counter\nwiidia_seeks_abandoned_total {}",
        seeks.abandoned()
    );
}
