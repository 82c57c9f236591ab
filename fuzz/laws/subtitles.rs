//! Files of subtitles: the first byte chooses the format that their name says.

use wiidiaserver::subtitles::{Format, Markup, parse, to_webvtt};

pub fn law(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else { return };
    let format = [Format::SubRip, Format::WebVtt, Format::Ass][usize::from(choice % 3)];
    let cues = parse(bytes, format);
    for cue in &cues {
        assert!(cue.start_ms < cue.end_ms && !cue.text.is_empty());
        // Who shows it need not look again.
        assert_eq!(Markup::of_html(cue.text.as_str()), cue.text);
    }
    assert!(cues.is_sorted_by_key(|cue| cue.start_ms));
    // A page sees what there is.
    assert_eq!(parse(to_webvtt(&cues, 0).as_bytes(), Format::WebVtt), cues);
}
