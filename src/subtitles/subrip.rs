//! SubRip, `.srt`: a number, a line with two times, text, an empty line. Nobody ever wrote down more than that, so
//! what is there is read with good will: numbers may be missing or wrong, and texts may have empty lines inside.

use super::{Cue, Markup, clock};
use crate::limits::MAX_CUES;

pub(super) fn parse(text: &str) -> Vec<Cue> {
    let lines: Vec<&str> = text.lines().collect();
    let timed = |at: usize| lines.get(at).and_then(|line| clock::parse_pair(line));
    let is_number = |line: &str| {
        let line = line.trim();
        !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())
    };
    let times: Vec<(usize, (u32, u32))> =
        (0..lines.len()).filter_map(|at| Some((at, timed(at)?))).take(MAX_CUES).collect();
    // Where the first cue has a number before it, all have.
    let numbered = times.first().is_some_and(|(at, _)| *at > 0 && is_number(lines[at - 1]));
    let cue = |(index, (at, (start, end))): (usize, &(usize, (u32, u32)))| {
        let mut until = times.get(index + 1).map_or(lines.len(), |(next, _)| *next);
        if numbered && until < lines.len() && until > at + 1 && is_number(lines[until - 1]) {
            until -= 1;
        }
        Cue::new(*start, *end, Markup::of_html(&lines[at + 1..until].join("\n")))
    };
    times.iter().enumerate().filter_map(cue).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::cue;
    use super::*;

    #[test]
    fn files_as_people_make_them_are_read() {
        for (text, expected) in [
            (
                "1\n00:00:01,000 --> 00:00:02,000\na\n\nb\n\n2\n00:00:03,000 --> 00:00:04,000\n42\n",
                vec![cue(1000, 2000, "a\nb"), cue(3000, 4000, "42")],
            ),
            (
                "00:00:01,000 --> 00:00:02,000\n42\n00:00:03,000 --> 00:00:04,000\nb",
                vec![cue(1000, 2000, "42"), cue(3000, 4000, "b")],
            ),
            (
                "1\n00:00:01,000 --> 00:00:02,000\na\n2\n00:00:03,000 --> 00:00:04,000\nb",
                vec![cue(1000, 2000, "a"), cue(3000, 4000, "b")],
            ),
            ("1\n00:00:02,000 --> 00:00:01,000\nbackwards\n", vec![]),
            ("1\n00:00:01,000 --> 00:00:02,000\n\n\n", vec![]),
            ("no subtitles at all", vec![]),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }
}
