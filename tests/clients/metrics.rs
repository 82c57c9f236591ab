//! `/metrics`, read as strictly as Prometheus does, and what tests ask of it.

use crate::http_client::get;
use crate::server::Server;
use std::collections::{BTreeMap, BTreeSet};

/// All samples at a moment: by the name with its labels, as they stand in the text.
#[derive(Debug)]
pub(crate) struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// What the server says now.
    #[track_caller]
    pub(crate) fn of(server: &Server) -> Self {
        let answer = get(server.http, "/metrics");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        let text = answer.text();
        Self(samples(&text).unwrap_or_else(|error| panic!("{error} in\n{text}")))
    }

    /// One sample.
    #[track_caller]
    pub(crate) fn at(&self, sample: &str) -> f64 {
        *self.0.get(sample).unwrap_or_else(|| panic!("no {sample} among {:#?}", self.0))
    }

    /// One sample, or zero when it does not stand there.
    pub(crate) fn or_zero(&self, sample: &str) -> f64 {
        self.0.get(sample).copied().unwrap_or(0.0)
    }

    /// The connections of a protocol that ended for a reason.
    #[track_caller]
    pub(crate) fn ended(&self, protocol: &str, reason: &str) -> f64 {
        self.at(&format!("wiidia_connections_ended_total{{protocol=\"{protocol}\",reason=\"{reason}\"}}"))
    }

    /// The connections of a protocol now.
    #[track_caller]
    pub(crate) fn connections(&self, protocol: &str) -> f64 {
        ["handshaking", "connected"]
            .into_iter()
            .map(|state| self.at(&format!("wiidia_connections{{protocol=\"{protocol}\",state=\"{state}\"}}")))
            .sum()
    }
}

/// The text format, version 0.0.4, without time stamps, and with what promtool's lint wants.
fn samples(text: &str) -> Result<BTreeMap<String, f64>, String> {
    let mut samples = BTreeMap::new();
    let mut families = BTreeSet::new();
    // The family under way: all its samples stand together.
    let (mut helped, mut family, mut kind) = ("", "", "");
    if !text.ends_with('\n') {
        return Err("no line feed at the end".into());
    }
    for line in text.lines() {
        let wrong = |what: &str| Err(format!("{what}: {line:?}"));
        if let Some(help) = line.strip_prefix("# HELP ") {
            let Some((name, help)) = help.split_once(' ') else { return wrong("help without text") };
            if help.is_empty() || !is_name(name) {
                return wrong("help");
            }
            helped = name;
        } else if let Some(of) = line.strip_prefix("# TYPE ") {
            let Some((name, of)) = of.split_once(' ') else { return wrong("type without kind") };
            if name != helped || !families.insert(name) || !matches!(of, "counter" | "gauge") {
                return wrong("a type follows its help, once, and is one we use");
            }
            if name.ends_with("_total") != (of == "counter") {
                return wrong("counters, and they alone, end in _total");
            }
            (family, kind) = (name, of);
        } else {
            let Some((sample, value)) = line.rsplit_once(' ') else { return wrong("no value") };
            let Ok(value) = value.parse::<f64>() else { return wrong("value is no number") };
            let (name, labels) = sample.split_at(sample.find('{').unwrap_or(sample.len()));
            if name != family || !are_labels(labels) {
                return wrong("a sample outside of its family, or bad labels");
            }
            if !value.is_finite() || (kind == "counter" && value < 0.0) {
                return wrong("value out of range");
            }
            if samples.insert(sample.to_owned(), value).is_some() {
                return wrong("the same sample twice");
            }
        }
    }
    Ok(samples)
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `{name="value",…}` or nothing; in a value, backslash, quote and line feed are escaped.
fn are_labels(labels: &str) -> bool {
    let Some(mut rest) = labels.strip_prefix('{') else { return labels.is_empty() };
    loop {
        let Some((name, value)) = rest.split_once("=\"") else { return false };
        let mut chars = value.char_indices();
        let end = loop {
            match chars.next() {
                Some((_, '\\')) => match chars.next() {
                    Some((_, '\\' | '"' | 'n')) => {}
                    _ => return false,
                },
                Some((at, '"')) => break at,
                Some(_) => {}
                None => return false,
            }
        };
        if !is_name(name) {
            return false;
        }
        match &value[end + 1..] {
            "}" => return true,
            more => match more.strip_prefix(',') {
                Some(next) => rest = next,
                None => return false,
            },
        }
    }
}

#[test]
fn what_prometheus_refuses_is_refused_here() {
    let good = "# HELP a_total b c\n# TYPE a_total counter\na_total{x=\"\\\"\\\\\\n\",y=\"é {}, \"} 1.5\na_total 3\n";
    assert_eq!(samples(good).unwrap().len(), 2);
    for (bad, instead) in [
        ("a_total 3\n", "a_total 3"),
        ("a_total 3\n", "b_total 3\n"),
        ("a_total 3\n", "a_total x\n"),
        ("a_total 3\n", "a_total{} 3\n"),
        ("a_total 3\n", "a_total 3\na_total 3\n"),
        ("a_total 3\n", "a_total -3\n"),
        ("\\\\\\n", "\\q"),
        ("y=\"é {}, \"", "y=\"é {}, "),
        ("counter", "gauge"),
        ("# HELP a_total b c\n", ""),
    ] {
        assert!(good.contains(bad));
        assert!(samples(&good.replace(bad, instead)).is_err(), "{instead:?} instead of {bad:?}");
    }
}
