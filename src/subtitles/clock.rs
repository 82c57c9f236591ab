//! Times as subtitle formats write them: `01:02:03,456`, `02:03.456`, `1:02:03.45`.

/// Milliseconds; `None` when it is no such time, or later than any film. Behind seconds, one to three digits of a
/// fraction may stand behind a comma or a point.
pub(super) fn parse(text: &str) -> Option<u32> {
    let mut parts = text.trim().split(':').rev();
    let last = parts.next()?;
    let (seconds, fraction) = last.split_once([',', '.']).unwrap_or((last, ""));
    let mut total = number(seconds)?.checked_mul(1000)?.checked_add(milliseconds(fraction)?)?;
    let mut unit = 60_000u32;
    let mut colons = 0;
    for part in parts {
        colons += 1;
        if colons > 2 {
            return None;
        }
        total = total.checked_add(number(part)?.checked_mul(unit)?)?;
        unit = 3_600_000;
    }
    // A number alone is no time.
    (colons > 0).then_some(total)
}

/// Both times of a line `from --> to`, with whatever stands behind.
pub(super) fn parse_pair(line: &str) -> Option<(u32, u32)> {
    let (from, to) = line.split_once("-->")?;
    let to = to.trim_start();
    // Some write blanks inside of a time ("00: 00:01,000"), none behind its comma.
    let end = to.find([',', '.']).map(|at| at + 1 + digits(&to[at + 1..]));
    let to = end.map(|end| &to[..end]).or_else(|| to.split_whitespace().next())?;
    Some((parse(from)?, parse(to)?))
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= 6 && digits(text) == text.len()).then(|| text.parse().ok())?
}

fn milliseconds(fraction: &str) -> Option<u32> {
    let fraction = fraction.trim();
    if fraction.is_empty() {
        return Some(0);
    }
    (digits(fraction) == fraction.len()).then(|| {
        let digit = |at: usize| fraction.as_bytes().get(at).map_or(0, |byte| u32::from(byte - b'0'));
        digit(0) * 100 + digit(1) * 10 + digit(2)
    })
}

/// `HH:MM:SS.mmm`
pub(super) fn write(ms: u32) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        for (text, ms) in [
            ("00:00:00,000", Some(0)),
            ("01:02:03,456", Some(3_723_456)),
            ("01:02:03.456", Some(3_723_456)),
            ("02:03.456", Some(123_456)),
            ("1:02:03.45", Some(3_723_450)),
            (" 0:00:01 ", Some(1000)),
            ("00: 00:01,5", Some(1500)),
            ("00:00:01,", Some(1000)),
            ("00:00:01,123456", Some(1123)),
            ("100:00:00,000", Some(360_000_000)),
            ("2000:00:00,000", None),
            ("999999:00:00", None),
            ("-1:00:01", None),
            ("1", None),
            ("1:2:3:4", None),
            (":", None),
            ("", None),
            ("00:00:01,x", None),
        ] {
            assert_eq!(parse(text), ms, "{text}");
        }
        for (line, expected) in [
            ("00:01.000 --> 00:02.000 align:start position:0%", Some((1000, 2000))),
            ("00:00:01,000-->00:00:02,000", Some((1000, 2000))),
            ("00:00:01,000 --> 00:00:02,000  X1:100 X2:200", Some((1000, 2000))),
            ("0:01 --> 0:02 x", Some((1000, 2000))),
            ("--> 0:02", None),
            ("0:01 -->", None),
        ] {
            assert_eq!(parse_pair(line), expected, "{line}");
        }
        assert_eq!(write(3_723_456), "01:02:03.456");
        assert_eq!(parse(&write(u32::MAX)), Some(u32::MAX));
    }
}
