//! schema.org's `VideoObject` and `AudioObject` in a page's JSON-LD.

use super::title::tidy;
use super::{Link, Links, join};
use crate::limits::{MAX_JSON_LD, MAX_JSON_LD_DEPTH};
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// Adds what the script holds.
pub(super) fn read(base: &Url, script: &str, links: &mut Links) {
    if script.len() > MAX_JSON_LD {
        return;
    }
    if let Ok(value) = serde_json::from_str(script) {
        walk(base, &value, links, 0);
    }
}

fn walk(base: &Url, value: &Value, links: &mut Links, depth: usize) {
    if depth > MAX_JSON_LD_DEPTH {
        return;
    }
    match value {
        Value::Array(values) => values.iter().for_each(|value| walk(base, value, links, depth + 1)),
        Value::Object(object) => {
            if object.get("@type").is_some_and(is_media) {
                let text = |key: &str| object.get(key).and_then(Value::as_str);
                if let Some(url) = text("contentUrl").and_then(|text| join(base, text)) {
                    let title = text("name").and_then(tidy);
                    links.add(Link { url, title, duration: text("duration").and_then(duration) });
                }
            }
            object.values().for_each(|value| walk(base, value, links, depth + 1));
        }
        _ => {}
    }
}

fn is_media(kind: &Value) -> bool {
    let is = |kind: &str| {
        let name = kind.rsplit(['/', ':']).next();
        name == Some("VideoObject") || name == Some("AudioObject") || name == Some("MovieClip")
    };
    match kind {
        Value::String(kind) => is(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).any(is),
        _ => false,
    }
}

/// ISO 8601: `PT1H2M3.5S`, `P1DT2H`.
fn duration(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut number = String::new();
    for letter in text.strip_prefix('P')?.chars() {
        let unit = match letter {
            'T' => continue,
            'D' => 86_400.0,
            'H' => 3600.0,
            'M' => 60.0,
            'S' => 1.0,
            '0'..='9' | '.' if number.len() < 16 => {
                number.push(letter);
                continue;
            }
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * unit;
        number.clear();
    }
    Duration::try_from_secs_f64(seconds).ok().filter(|duration| !duration.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_iso_8601_are_read() {
        for (text, expected) in [
            ("PT60S", Some(60)),
            ("PT1H2M3S", Some(3723)),
            ("P0DT0H1M5.5S", Some(65)),
            ("PT0S", None),
            ("60", None),
            ("PTS", None),
            ("P1Y", None),
            ("", None),
        ] {
            assert_eq!(duration(text).map(|duration| duration.as_secs()), expected, "{text}");
        }
    }
}
