//! What recordings are called, and which streams a pattern means: pure.
//!
//! ```text
//!  house/cam%201   ──▶   house-cam 1 2026-11-22 18-30-05.flv
//! ```
//!
//! A name that people understand, that sorts by stream and then by time, and that every file system
//! and every computer in the house takes: no colons.

use crate::limits::RECORD_NAME_BYTES;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// What a file that is recorded from `stream` at `time` is called, without its extension. `time` is as
/// [`TIME_FORMAT`] has it.
pub(super) fn base_name(stream: &str, time: &str) -> String {
    format!("{} {time}", safe(stream))
}

/// For `strftime`; [`split`] reads it back.
pub(super) const TIME_FORMAT: &str = "%Y-%m-%d %H-%M-%S";

/// A stream's name with what no file system, no SMB share and no person can cope with replaced. Encoders that
/// are given an address send `%20` for a space.
pub(super) fn safe(stream: &str) -> String {
    let stream = percent_decode_str(stream).decode_utf8().unwrap_or(Cow::Borrowed(stream));
    let is_bad = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
    let mut name: String = stream.trim().chars().map(|c| if is_bad(c) { '-' } else { c }).collect();
    let mut end = name.len().min(RECORD_NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    // A name that begins with a dot is hidden.
    let name = name.trim().trim_start_matches('.');
    if name.is_empty() { "stream".to_owned() } else { name.to_owned() }
}

/// A file's name taken apart: the stream's part, and time with number, which sort by age. `None` when
/// it cannot be a recording's.
pub(super) fn split(file_name: &str) -> Option<(&str, &str)> {
    let base = file_name.strip_suffix(".flv")?;
    let numbered = base.strip_suffix(')').and_then(|base| base.rsplit_once(" ("));
    let is_number = |number: &str| number.bytes().all(|b| b.is_ascii_digit());
    let without_number = numbered.filter(|(_, number)| is_number(number)).map_or(base, |(front, _)| front);
    const SHAPE: &[u8] = b"dddd-dd-dd dd-dd-dd";
    let at = without_number.len().checked_sub(SHAPE.len())?;
    let time = without_number.as_bytes().get(at..)?;
    let fits = time.iter().zip(SHAPE).all(|(b, s)| if *s == b'd' { b.is_ascii_digit() } else { b == s });
    if !fits {
        return None;
    }
    Some((without_number.get(..at)?.strip_suffix(' ')?, base.get(at..)?))
}

/// Whether `pattern`, in which `*` stands for any letters and `?` for one, means `name`.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last star was, and how much it has eaten: only that one is ever tried again, so that no
    // pattern takes longer than the two lengths multiplied.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match &mut star {
                Some((at, eaten)) => {
                    *eaten += 1;
                    (p, n) = (*at + 1, *eaten);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TIME: &str = "2026-11-22 18-30-05";

    #[test]
    fn names_are_safe_and_come_apart_again() {
        for (stream, safe) in [
            ("cam", "cam"),
            ("house/cam 1", "house-cam 1"),
            ("cam%201%2F2", "cam 1-2"),
            ("100%", "100%"),
            ("%ff%00", "%ff%00"),
            ("../../etc/passwd", "-..-etc-passwd"),
            (".hidden", "hidden"),
            ("a:b*c?\"<>|\\\n", "a-b-c------"),
            ("Zwölf Bären", "Zwölf Bären"),
            (" ", "stream"),
            ("...", "stream"),
            ("cam (2)", "cam (2)"),
        ] {
            let base = base_name(stream, TIME);
            assert_eq!(split(&format!("{base}.flv")), Some((safe, TIME)), "{stream:?}");
            assert_eq!(split(&format!("{base} (12).flv")), Some((safe, "2026-11-22 18-30-05 (12)")));
        }
    }

    #[test]
    fn other_files_are_no_recordings() {
        for name in [
            "film.flv",
            "cam 2026-11-22.flv",
            "2026-11-22 18-30-05.flv",
            "cam 2026-11-22 18-30-05.mp4",
            "cam 2026-11-22 18:30:05.flv",
            "cam 2026-11-22 18-30-05 (x).flv",
            "cam2026-11-22 18-30-05.flv",
            "é2026-11-22 18-30-0.flv",
        ] {
            assert_eq!(split(name), None, "{name}");
        }
    }

    #[test]
    fn patterns_mean_names() {
        for (pattern, name, expected) in [
            ("*", "anything", true),
            ("cam", "cam", true),
            ("cam", "cam2", false),
            ("cam?", "cam2", true),
            ("cam*", "cam", true),
            ("house/*", "house/garden/cam", true),
            ("*a*b*c", "xxaxxbxxbxc", true),
            ("*a*b*c", "xxaxxbxxbx", false),
            ("", "cam", false),
            ("?", "ü", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        let slow = "*a".repeat(100);
        assert!(!matches(&slow, &"a".repeat(99)));
    }

    proptest! {
        #[test]
        fn any_stream_has_a_name_that_fits(stream in ".{0,300}") {
            let name = format!("{}.flv", base_name(&stream, TIME));
            prop_assert!(name.len() <= 255 - " (99)".len());
            prop_assert!(!name.starts_with('.') && !name.contains('/') && !name.contains('\0'));
            prop_assert!(split(&name).is_some());
        }
    }
}
