//! What is wrong, the gravest first, each with the one thing to do. Pure.

use super::machine::Figures;
use crate::limits::{HOT_CELSIUS, LOW_DISK_BYTES, LOW_MEMORY_PERMILLE};
use serde::Serialize;
use utoipa::ToSchema;

/// How grave something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grave {
    /// Something does not work.
    Broken,
    /// Something will not work for long.
    Warning,
    /// Worth knowing.
    Note,
}

/// Something that the owner should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// How grave it is.
    pub grave: Grave,
    /// A name for it, by which the page has words in the owner's language.
    pub code: &'static str,
    /// What it is about: a disk, for example.
    pub about: Option<String>,
    /// In English: what is, and what to do.
    pub text: String,
}

/// Everything that is wrong with these figures. `notice` is what is wrong with the settings, `restart`: a change waits.
pub fn findings(figures: &Figures, notice: Option<String>, restart: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add =
        |grave, code, about: Option<String>, text: String| found.push(Finding { grave, code, about, text });
    if let Some(notice) = notice {
        add(Grave::Broken, "settings", None, notice);
    }
    for disk in &figures.disks {
        let folder = disk.folder.display().to_string();
        if disk.missing {
            let text = format!(
                "the disk of {folder} is not there; plug it in, or take the folder out of the library"
            );
            add(Grave::Broken, "disk_missing", Some(folder), text);
        } else if disk.free < LOW_DISK_BYTES && !disk.read_only {
            let text = format!(
                "the disk of {folder} is full ({} MB are free); delete something, or set lower limits for recordings and conversions",
                disk.free / 1_000_000
            );
            add(Grave::Warning, "disk_full", Some(folder), text);
        }
    }
    if figures.disk_errors > 0 {
        let text = format!(
            "a disk of this machine has had {} errors; make a backup, then replace the card or disk",
            figures.disk_errors
        );
        add(Grave::Broken, "disk_errors", None, text);
    }
    if let Some(throttled) = figures.throttled {
        if throttled.under_voltage {
            let text =
                "the power supply gives too little voltage; use the maker's own supply and a short cable";
            add(Grave::Broken, "under_voltage", None, text.to_owned());
        } else if throttled.was_under_voltage {
            let text = "the power supply gave too little voltage at some time since the start; use the maker's own supply";
            add(Grave::Warning, "was_under_voltage", None, text.to_owned());
        }
        if throttled.slowed && !throttled.under_voltage {
            let text = "the machine slows itself down because it is too hot; give it air";
            add(Grave::Warning, "hot", None, text.to_owned());
        }
    }
    let slowed = figures.throttled.is_some_and(|throttled| throttled.slowed);
    if let Some(degrees) = figures.temperature.filter(|degrees| *degrees >= HOT_CELSIUS && !slowed) {
        let text = format!("the machine is hot ({degrees:.0} °C) and will slow itself down; give it air");
        add(Grave::Warning, "hot", None, text);
    }
    if let (Some(total), Some(available)) = (figures.memory_total, figures.memory_available)
        && available.saturating_mul(1000) < total.saturating_mul(LOW_MEMORY_PERMILLE)
    {
        let text = format!(
            "memory is short ({} MB are free); let fewer films be converted at the same time",
            available / 1_000_000
        );
        add(Grave::Warning, "memory", None, text);
    }
    if figures.clock_set == Some(false) {
        let text = "the clock is not set yet, because no time server has answered; check the way to the internet, or set the time by hand";
        add(Grave::Note, "clock", None, text.to_owned());
    }
    if restart {
        let text = "a changed setting holds after the next start; start the server anew when nobody watches";
        add(Grave::Note, "restart", None, text.to_owned());
    }
    found.sort_by_key(|finding| finding.grave);
    found
}

#[cfg(test)]
mod tests {
    use super::super::machine::{Disk, Throttled};
    use super::*;

    fn codes(figures: &Figures) -> Vec<&'static str> {
        findings(figures, None, false).into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_machine_that_says_nothing_is_well() {
        assert_eq!(codes(&Figures::default()), [""; 0]);
    }

    #[test]
    fn each_fault_has_its_word_and_the_gravest_is_first() {
        let well = Figures {
            temperature: Some(50.0),
            memory_total: Some(1_000_000_000),
            memory_available: Some(500_000_000),
            clock_set: Some(true),
            throttled: Some(Throttled::default()),
            ..Figures::default()
        };
        assert_eq!(codes(&well), [""; 0]);
        let disk = |free, missing| Disk {
            folder: "/srv".into(),
            total: 10_000_000_000,
            free,
            read_only: false,
            missing,
        };
        let throttled = |throttled| Figures { throttled: Some(throttled), ..well.clone() };
        let cases = [
            (Figures { temperature: Some(85.0), ..well.clone() }, vec!["hot"]),
            (Figures { memory_available: Some(10_000_000), ..well.clone() }, vec!["memory"]),
            (Figures { clock_set: Some(false), ..well.clone() }, vec!["clock"]),
            (Figures { disks: vec![disk(1, false)], ..well.clone() }, vec!["disk_full"]),
            (Figures { disks: vec![disk(0, true)], ..well.clone() }, vec!["disk_missing"]),
            (Figures { disk_errors: 3, ..well.clone() }, vec!["disk_errors"]),
            (
                throttled(Throttled { under_voltage: true, slowed: true, ..Throttled::default() }),
                vec!["under_voltage"],
            ),
            (
                throttled(Throttled { was_under_voltage: true, ..Throttled::default() }),
                vec!["was_under_voltage"],
            ),
            (throttled(Throttled { slowed: true, ..Throttled::default() }), vec!["hot"]),
            (
                Figures { clock_set: Some(false), disk_errors: 1, temperature: Some(90.0), ..well.clone() },
                vec!["disk_errors", "hot", "clock"],
            ),
        ];
        for (figures, expected) in cases {
            assert_eq!(codes(&figures), expected);
        }
    }

    #[test]
    fn a_setting_that_waits_is_said() {
        let found = findings(&Figures::default(), Some("broken".into()), true);
        assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["settings", "restart"]);
    }
}
