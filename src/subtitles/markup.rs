//! The text of a cue: letters, line ends, and `<i>`, `<b>`, `<u>`. What else the formats have (colours, fonts, places,
//! karaoke) is left out: a browser shows it in its own way or not at all, and Pango in another one.

use crate::limits::MAX_CUE_TEXT;
use std::fmt;

/// Text in which `&`, `<` and `>` are escaped and tags are `<i>`, `<b>`, `<u>`, nested as they should be. WebVTT
/// and Pango's markup both read it as it is. No line is empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Markup(String);

/// Tags that are kept.
const STYLES: [char; 3] = ['b', 'i', 'u'];

impl Markup {
    /// Of text as SubRip and WebVTT have it: with tags, entities, and the odd `{\an8}`.
    pub fn of_html(text: &str) -> Self {
        let mut build = Build::default();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let behind = &rest[c.len_utf8()..];
            rest = match c {
                '<' => match tag(behind) {
                    Some((tag, behind)) => {
                        build.tag(tag);
                        behind
                    }
                    None => build.letter('<', behind),
                },
                '&' => match entity(behind) {
                    Some((letter, behind)) => build.letter(letter, behind),
                    None => build.letter('&', behind),
                },
                '{' if behind.starts_with('\\') => match braced(behind) {
                    Some((codes, behind)) if !codes.contains('\n') => behind,
                    _ => build.letter('{', behind),
                },
                c => build.letter(c, behind),
            };
        }
        build.end()
    }

    /// Of the text of a dialogue line of ASS.
    pub fn of_ass(text: &str) -> Self {
        let mut build = Build::default();
        let mut rest = text;
        let mut drawing = false;
        while let Some(c) = rest.chars().next() {
            let behind = &rest[c.len_utf8()..];
            rest = match c {
                '{' => match braced(behind) {
                    Some((codes, behind)) => {
                        for code in codes.split('\\').skip(1) {
                            match code.trim() {
                                "i1" => build.tag(Tag::Open('i')),
                                "i0" => build.tag(Tag::Close('i')),
                                "u1" => build.tag(Tag::Open('u')),
                                "u0" => build.tag(Tag::Close('u')),
                                "b1" => build.tag(Tag::Open('b')),
                                "b0" => build.tag(Tag::Close('b')),
                                // Back to the style of the line.
                                code if code.starts_with('r') => {
                                    STYLES.into_iter().for_each(|style| build.tag(Tag::Close(style)));
                                }
                                // Shapes, given as numbers.
                                code => drawing = drawn(code).unwrap_or(drawing),
                            }
                        }
                        behind
                    }
                    None => build.letter('{', behind),
                },
                '\\' => match behind.chars().next() {
                    Some('N' | 'n') => build.letter('\n', &behind[1..]),
                    Some('h') => build.letter('\u{a0}', &behind[1..]),
                    _ => build.letter('\\', behind),
                },
                _ if drawing => behind,
                c => build.letter(c, behind),
            };
        }
        build.end()
    }

    /// As WebVTT and Pango read it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Nothing would be seen of it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What stands behind a `{` up to its `}`, and what is behind that. Looks no further than to the next `{`, so that a
/// text of nothing else is read in one go.
fn braced(text: &str) -> Option<(&str, &str)> {
    let end = text.find(['}', '{']).filter(|end| text[*end..].starts_with('}'))?;
    Some((&text[..end], &text[end + 1..]))
}

/// `\p1` begins a drawing, `\p0` ends it.
fn drawn(code: &str) -> Option<bool> {
    let level = code.strip_prefix('p')?.parse::<u32>().ok()?;
    Some(level > 0)
}

enum Tag {
    Open(char),
    Close(char),
    Other,
}

/// The tag behind a `<`, and what is behind the tag; `None` where it is a mere "less than".
fn tag(text: &str) -> Option<(Tag, &str)> {
    // No further than to the next one, for the same reason.
    let end = text.find(['>', '<', '\n']).filter(|end| text[*end..].starts_with('>'))?;
    let (inside, behind) = (&text[..end], &text[end + 1..]);
    let (closes, name) = match inside.strip_prefix('/') {
        Some(name) => (true, name),
        None => (false, inside),
    };
    // WebVTT has times inside as well, and "<>" is an arrow of someone's.
    let is_tag =
        name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '!') || (closes && name.is_empty());
    if !is_tag {
        return None;
    }
    let name = name.split([' ', '.', '\t']).next().unwrap_or_default();
    let style = STYLES
        .into_iter()
        .find(|style| name.len() == 1 && name.starts_with(|c: char| c.to_ascii_lowercase() == *style));
    let tag = match (style, closes) {
        (Some(style), false) => Tag::Open(style),
        (Some(style), true) => Tag::Close(style),
        (None, _) => Tag::Other,
    };
    Some((tag, behind))
}

/// The letter that an entity behind an `&` stands for, and what is behind it.
fn entity(text: &str) -> Option<(char, &str)> {
    let end = text.bytes().take(10).position(|byte| byte == b';')?;
    let (name, behind) = (&text[..end], &text[end + 1..]);
    let letter = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "lrm" => '\u{200e}',
        "rlm" => '\u{200f}',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((letter, behind))
}

/// Builds a text whose tags are right.
#[derive(Default)]
struct Build {
    out: String,
    open: Vec<char>,
    /// Line ends and blanks that come out only when something follows.
    breaks: bool,
    blanks: usize,
    /// There is a letter on this line.
    written: bool,
}

impl Build {
    /// Adds a letter; gives back what is behind it, so that callers read well.
    fn letter<'a>(&mut self, letter: char, behind: &'a str) -> &'a str {
        match letter {
            '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' => {
                self.breaks |= self.written;
                self.blanks = 0;
            }
            ' ' | '\t' => self.blanks += 1,
            // Carriage returns, marks of byte order, and what no markup may have in it.
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {}
            c if self.out.len() < MAX_CUE_TEXT => {
                if std::mem::take(&mut self.breaks) {
                    self.out.push('\n');
                    self.written = false;
                }
                let blanks = std::mem::take(&mut self.blanks);
                if self.written && blanks > 0 {
                    self.out.push(' ');
                }
                self.written = true;
                // What is read again has no codes of ASS in it.
                while c == '\\' && self.out.ends_with('{') {
                    self.out.pop();
                }
                match c {
                    '&' => self.out.push_str("&amp;"),
                    '<' => self.out.push_str("&lt;"),
                    '>' => self.out.push_str("&gt;"),
                    c => self.out.push(c),
                }
            }
            _ => {}
        }
        behind
    }

    fn tag(&mut self, tag: Tag) {
        match tag {
            Tag::Open(style) if !self.open.contains(&style) => {
                self.before_tag();
                self.open.push(style);
                self.out.extend(['<', style, '>']);
            }
            Tag::Close(style) if self.open.contains(&style) => {
                // Those inside are closed with it, and opened again behind it.
                let at = self.open.iter().position(|open| *open == style).unwrap_or(0);
                let inside = self.open.split_off(at);
                inside.iter().rev().for_each(|style| self.close(*style));
                for style in inside.into_iter().skip(1) {
                    self.tag(Tag::Open(style));
                }
            }
            _ => {}
        }
    }

    /// Blanks and line ends before a tag stay before it.
    fn before_tag(&mut self) {
        if std::mem::take(&mut self.breaks) {
            self.out.push('\n');
            self.written = false;
        }
        if std::mem::take(&mut self.blanks) > 0 && self.written {
            self.out.push(' ');
        }
    }

    fn close(&mut self, style: char) {
        // A style of nothing is none.
        let opening = format!("<{style}>");
        match self.out.strip_suffix(opening.as_str()) {
            Some(before) => self.out.truncate(before.len()),
            None => self.out.extend(['<', '/', style, '>']),
        }
    }

    fn end(mut self) -> Markup {
        while let Some(style) = self.open.pop() {
            self.close(style);
        }
        let seen = self.out.chars().any(|c| !c.is_whitespace());
        // Empty lines would end the cue where it is written as WebVTT.
        let lines: Vec<&str> = self.out.lines().filter(|line| !line.trim().is_empty()).collect();
        Markup(if seen { lines.join("\n").trim_end().to_owned() } else { String::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_of_subrip_and_webvtt_become_three() {
        for (text, expected) in [
            ("plain", "plain"),
            ("<I>a</I> <B>b</b>", "<i>a</i> <b>b</b>"),
            ("<i>open", "<i>open</i>"),
            ("close</i>", "close"),
            ("<i><b>x</i>y</b>", "<i><b>x</b></i><b>y</b>"),
            ("<i></i>x<u> </u>", "x"),
            ("<font color=\"red\">a</font>", "a"),
            ("<v Roger Bingham>Hi <00:00:01.000>there<c.yellow.bg>!", "Hi there!"),
            ("1 < 2 && 3 > 2 <> <3", "1 &lt; 2 &amp;&amp; 3 &gt; 2 &lt;&gt; &lt;3"),
            ("&lt;i&gt; &#65;&#x42;&nbsp;&copy; &bogus", "&lt;i&gt; AB\u{a0}&amp;copy; &amp;bogus"),
            ("{\\an8}up {sighs}", "up {sighs}"),
            ("  a  b \r\n\r\n \n c\0\u{7} ", "a b\nc"),
            ("<i>a\n\nb</i>", "<i>a\nb</i>"),
            (" <b> </b> ", ""),
            ("--> no", "--&gt; no"),
            ("&#123;\\an8}", "\\an8}"),
        ] {
            assert_eq!(Markup::of_html(text).as_str(), expected, "{text:?}");
        }
    }

    #[test]
    fn codes_of_ass_become_the_same() {
        for (text, expected) in [
            ("{\\i1}a{\\i0}\\Nb\\hc\\nd", "<i>a</i>\nb\u{a0}c\nd"),
            ("{\\b1\\i1}x{\\r}y", "<b><i>x</i></b>y"),
            ("{\\p1}m 0 0 l 10 10{\\p0}seen", "seen"),
            ("{\\pos(10,20)}{comment}a <b> & c", "a &lt;b&gt; &amp; c"),
            ("a{b", "a{b"),
            ("C:\\x", "C:\\x"),
        ] {
            assert_eq!(Markup::of_ass(text).as_str(), expected, "{text:?}");
        }
    }

    #[test]
    fn texts_made_to_take_long_do_not() {
        for piece in ["{\\", "<", "&", "{", "<i", "<i>", "{\\i1", "&#"] {
            let begun = std::time::Instant::now();
            let text = format!("{}>}}", piece.repeat(1 << 18));
            let _ = (Markup::of_html(&text), Markup::of_ass(&text));
            assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{piece}: {:?}", begun.elapsed());
        }
    }

    #[test]
    fn a_text_without_end_is_cut() {
        let long = Markup::of_html(&"<i>x & </i>".repeat(100_000));
        assert!(long.as_str().len() < MAX_CUE_TEXT + 200, "{}", long.as_str().len());
    }

    proptest! {
        #[test]
        fn what_came_out_stays_as_it_is(text in "([<>/ibu&;{}\\\\Nh01 \n]|amp|lt|\\PC){0,80}") {
            for markup in [Markup::of_html(&text), Markup::of_ass(&text)] {
                prop_assert_eq!(Markup::of_html(markup.as_str()), markup.clone());
                prop_assert!(!markup.as_str().contains("\n\n") && !markup.as_str().contains("-->"));
                let balance = |style: char| (markup.as_str().matches(&format!("<{style}>")).count(), markup.as_str().matches(&format!("</{style}>")).count());
                for style in STYLES {
                    let (opened, closed) = balance(style);
                    prop_assert_eq!(opened, closed);
                }
            }
        }
    }
}
