//! What became of seeks, for `/metrics`.

use super::exposition::{Exposition, Kind};
use crate::reel::{Choice, SeekFigures, Seeks};

pub(super) fn metrics(text: &mut Exposition, seeks: &Seeks) {
    let mut each = |name: &str, help: &str, value: &dyn Fn(&SeekFigures) -> f64| {
        let mut family = text.family(name, Kind::Counter, help);
        for choice in Choice::ALL {
            family.sample(&[("choice", choice.as_str())], value(&seeks.figures(choice)));
        }
    };
    each("wiidia_seeks_total", "seeks answered, by the way they were", &|f| f.answered as f64);
    each("wiidia_seek_seconds_total", "time they took", &|f| f.took.as_secs_f64());
    each("wiidia_seek_estimates_total", "those with an estimate", &|f| f.estimated as f64);
    each("wiidia_seek_estimate_seconds_total", "sum of the estimates", &|f| f.estimate.as_secs_f64());
    each("wiidia_seek_estimate_error_seconds_total", "by how much they were off", &|f| f.off.as_secs_f64());
    let abandoned = seeks.abandoned() as f64;
    text.single(
        "wiidia_seeks_abandoned_total",
        Kind::Counter,
        "replaced or left before the answer",
        abandoned,
    );
}
