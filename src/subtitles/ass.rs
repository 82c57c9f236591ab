//! Advanced SubStation Alpha, `.ass`, and its predecessor `.ssa`: of `[Events]`, the `Dialogue:` lines.

use super::{Cue, Markup, clock};
use crate::limits::MAX_CUES;

/// Where start, end and text stand, counted from zero, in a file that does not say.
const USUAL: Fields = Fields { start: 1, end: 2, count: 10 };

/// Fields of a line that a `Format:` line may name: the standard has ten.
const MAX_FIELDS: usize = 32;

#[derive(Clone, Copy)]
struct Fields {
    start: usize,
    end: usize,
    /// Of all fields; the last is the text, which may have commas in it.
    count: usize,
}

pub(super) fn parse(text: &str) -> Vec<Cue> {
    let (mut in_events, mut fields, mut cues) = (false, USUAL, Vec::new());
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_events = line.eq_ignore_ascii_case("[Events]");
            continue;
        }
        let Some((key, value)) = line.split_once(':').filter(|_| in_events) else { continue };
        if key.eq_ignore_ascii_case("Format") {
            fields = named(value).unwrap_or(USUAL);
        } else if key.eq_ignore_ascii_case("Dialogue") {
            cues.extend(dialogue(value, fields));
            if cues.len() >= MAX_CUES {
                break;
            }
        }
    }
    cues
}

fn named(format: &str) -> Option<Fields> {
    let names: Vec<&str> = format.split(',').map(str::trim).take(MAX_FIELDS).collect();
    let place = |wanted: &str| names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
    let (start, end, text) = (place("Start")?, place("End")?, place("Text")?);
    (text + 1 == names.len()).then_some(Fields { start, end, count: names.len() })
}

fn dialogue(value: &str, fields: Fields) -> Option<Cue> {
    let values: Vec<&str> = value.splitn(fields.count, ',').collect();
    let text = values.get(fields.count - 1)?;
    let (start, end) = (clock::parse(values[fields.start])?, clock::parse(values[fields.end])?);
    Cue::new(start, end, Markup::of_ass(text))
}

#[cfg(test)]
mod tests {
    use super::super::tests::cue;
    use super::*;

    #[test]
    fn fields_are_where_the_file_says() {
        let text = "[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.00,0:00:02.00,a, b\n";
        assert_eq!(parse(text), [cue(1000, 2000, "a, b")]);
        let text = "[Events]\nDialogue: Marked=0,0:00:01.00,0:00:02.00,x,y,0,0,0,!Effect,a, b\n";
        assert_eq!(parse(text), [cue(1000, 2000, "a, b")]);
        let text = "[Events]\nFormat: Text, Start, End\nDialogue: 0,0:00:01.00\nDialogue: \n[Fonts]\nDialogue: 0,0:00:01.00,0:00:02.00,x,y,0,0,0,,z\n";
        assert_eq!(parse(text), []);
    }
}
