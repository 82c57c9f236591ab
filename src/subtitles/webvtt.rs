//! WebVTT (W3C), read and written. Blocks are divided by empty lines; those without times are styles and notes.

use super::{Cue, Markup, clock};
use crate::limits::MAX_CUES;

/// The beginning of each file.
pub const HEAD: &str = "WEBVTT\n\n";

pub(super) fn parse(text: &str) -> Vec<Cue> {
    let mut cues = Vec::new();
    let mut lines = text.lines().peekable();
    while lines.peek().is_some() && cues.len() < MAX_CUES {
        let block: Vec<&str> = lines.by_ref().take_while(|line| !line.trim().is_empty()).collect();
        // Times stand in the first line, or behind a name in the second.
        let timed =
            block.iter().take(2).enumerate().find_map(|(at, line)| Some((at, clock::parse_pair(line)?)));
        if let Some((at, (start, end))) = timed {
            cues.extend(Cue::new(start, end, Markup::of_html(&block[at + 1..].join("\n"))));
        }
    }
    cues
}

/// Writes a cue, `shift_ms` later (or earlier). One that is over before the beginning is left out.
pub fn write_cue(out: &mut String, cue: &Cue, shift_ms: i64) {
    let shifted = |ms: u32| u32::try_from((i64::from(ms) + shift_ms).max(0)).unwrap_or(u32::MAX);
    let (start, end) = (shifted(cue.start_ms), shifted(cue.end_ms));
    if end > start {
        out.push_str(&format!("{} --> {}\n{}\n\n", clock::write(start), clock::write(end), cue.text));
    }
}
