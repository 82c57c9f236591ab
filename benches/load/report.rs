//! Lines of figures to tables: the median of all runs, the lowest and highest, and ours against the other.

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;

/// What the columns are called, and which metric they show.
const COLUMNS: [(&str, &str); 21] = [
    ("CPU s/GB", "cpu_s_per_gb"),
    ("core %", "core_pct"),
    ("RSS KB/viewer", "rss_kb_per_viewer"),
    ("join→key ms p50", "join_ms_p50"),
    ("p99", "join_ms_p99"),
    ("connect→key ms p50", "key_ms_p50"),
    ("p99", "key_ms_p99"),
    ("latency ms p50", "reader_latency_ms_p50"),
    ("p99", "reader_latency_ms_p99"),
    ("latency of all ms p50", "latency_ms_p50"),
    ("p99", "latency_ms_p99"),
    ("seek→frame ms p50", "seek_ms_p50"),
    ("p99", "seek_ms_p99"),
    ("at a key %", "seeks_to_key_pct"),
    ("unanswered", "seeks_unanswered"),
    ("stalls", "stalls"),
    ("lost", "lost"),
    ("out of order", "disordered"),
    ("time back", "backwards"),
    ("alive", "alive"),
    ("Mbit/s/viewer", "mbit_per_viewer"),
];

/// The metrics of which the ratio ours/other is told.
const RATIOS: [&str; 6] = [
    "cpu_s_per_gb",
    "rss_kb_per_viewer",
    "join_ms_p99",
    "reader_latency_ms_p50",
    "seek_ms_p99",
    "key_ms_p50",
];

/// Servers whose name begins with this are compared with [`OTHER`].
const OURS: &str = "ours";
const OTHER: &str = "nginx-rtmp";

/// What was done, with how many viewers.
type Case = (String, u64);
/// The servers by name.
type Rows = Vec<(String, Row)>;

/// All runs of one server in one case.
#[derive(Default)]
struct Row {
    metrics: BTreeMap<String, Vec<f64>>,
    runs: usize,
    not_served: Option<String>,
}

impl Row {
    fn median(&self, metric: &str) -> Option<f64> {
        let values = self.metrics.get(metric)?;
        let (low, high) = (values.get((values.len() - 1) / 2)?, values.get(values.len() / 2)?);
        Some((low + high) / 2.0)
    }

    fn cell(&self, metric: &str) -> String {
        match (self.median(metric), self.metrics.get(metric).map(Vec::as_slice)) {
            (Some(median), Some([low, .., high])) if text(*low) != text(*high) => {
                format!("{} ({}–{})", text(median), text(*low), text(*high))
            }
            (Some(median), _) => text(median),
            (None, _) => "–".to_owned(),
        }
    }
}

fn text(value: f64) -> String {
    match value.abs() {
        size if size >= 10.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 3.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Prints the tables of files of lines, in the order in which the cases first come.
pub(crate) fn print(files: &[String]) -> Result<(), Box<dyn Error>> {
    let mut cases: Vec<(Case, Rows)> = Vec::new();
    for file in files {
        for line in std::fs::read_to_string(file)?.lines() {
            let line: Json = serde_json::from_str(line)?;
            let word = |key: &str| line[key].as_str().unwrap_or("?").to_owned();
            let case = (word("case"), line["viewers"].as_u64().unwrap_or(0));
            let rows = entry(&mut cases, case);
            take(entry(rows, word("server")), &line);
        }
    }
    let mut out = String::new();
    for ((case, viewers), rows) in &mut cases {
        for (_, row) in rows.iter_mut() {
            row.metrics.values_mut().for_each(|values| values.sort_by(f64::total_cmp));
        }
        writeln!(out, "\n### {case}, N = {viewers}\n")?;
        table(&mut out, rows)?;
    }
    println!("{}", out.trim());
    Ok(())
}

fn entry<K: PartialEq, V: Default>(list: &mut Vec<(K, V)>, key: K) -> &mut V {
    let at = list.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
        list.push((key, V::default()));
        list.len() - 1
    });
    &mut list[at].1
}

fn take(row: &mut Row, line: &Json) {
    if let Some(why) = line["not_served"].as_str().or(line["failed"].as_str()) {
        row.not_served = Some(why.to_owned());
    }
    let Some(metrics) = line["metrics"].as_object() else { return };
    row.runs += usize::from(metrics.contains_key("alive"));
    for (name, value) in metrics {
        row.metrics.entry(name.clone()).or_default().extend(value.as_f64());
    }
}

fn table(out: &mut String, rows: &[(String, Row)]) -> std::fmt::Result {
    let columns: Vec<_> = COLUMNS
        .iter()
        .filter(|(_, metric)| rows.iter().any(|(_, row)| row.median(metric).is_some()))
        .collect();
    let heads: String = columns.iter().map(|(head, _)| format!(" {head} |")).collect();
    writeln!(out, "| server | runs |{heads}\n|---|---|{}", "---|".repeat(columns.len()))?;
    for (name, row) in rows {
        let cells: String = columns.iter().map(|(_, metric)| format!(" {} |", row.cell(metric))).collect();
        match &row.not_served {
            Some(why) if row.metrics.is_empty() => writeln!(out, "| {name} | – | not served ({why}) |")?,
            _ => writeln!(out, "| {name} | {} |{cells}", row.runs)?,
        }
    }
    let Some((_, other)) = rows.iter().find(|(name, _)| name == OTHER) else { return Ok(()) };
    for (name, row) in rows.iter().filter(|(name, _)| name.starts_with(OURS)) {
        let ratios: Vec<String> = RATIOS
            .iter()
            .filter_map(|metric| {
                let ratio = row.median(metric)? / other.median(metric)?;
                ratio.is_finite().then(|| format!("{metric} {ratio:.2}"))
            })
            .collect();
        if !ratios.is_empty() {
            writeln!(out, "\n{name} / {OTHER}: {}", ratios.join(", "))?;
        }
    }
    Ok(())
}
