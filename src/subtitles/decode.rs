//! Bytes of a subtitle file to text. Half of all such files are not UTF-8, and none says what else it is.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// Bytes that tell UTF-16 without a mark: enough for a few cues, whose digits have a zero beside them.
const SAMPLE: usize = 512;

/// By its byte order mark; UTF-16 by its zeros; UTF-8 where it can be; else what the letters in it make likely
/// (Windows-1252 for Western Europe, Windows-1251 for Russian, Shift_JIS, Big5 …). What no character stands for becomes U+FFFD.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding.decode(bytes).0;
    }
    let zeros = |first: usize| bytes.iter().take(SAMPLE).skip(first).step_by(2).filter(|b| **b == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), bytes.len().min(SAMPLE) / 2);
    if half >= 4 && (even > half / 3 || odd > half / 3) {
        let encoding = if odd > even { UTF_16LE } else { UTF_16BE };
        return encoding.decode_without_bom_handling(bytes).0;
    }
    // A file that was cut in the middle of a letter is still UTF-8.
    match std::str::from_utf8(bytes) {
        Ok(text) => return Cow::Borrowed(text),
        Err(error) if error.error_len().is_none() => {
            return UTF_8.decode_without_bom_handling(&bytes[..error.valid_up_to()]).0;
        }
        Err(_) => {}
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Deny).decode_without_bom_handling(bytes).0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use encoding_rs::{SHIFT_JIS, WINDOWS_1251, WINDOWS_1252};

    const GERMAN: &str =
        "1\n00:00:01,000 --> 00:00:02,000\nDu hörst mich nicht über die Straße, Großmütterchen?\n";

    #[test]
    fn encodings_are_found_out() {
        let utf16 = |little: bool, mark: bool| -> Vec<u8> {
            let marked = if mark { format!("\u{feff}{GERMAN}") } else { GERMAN.to_owned() };
            let bytes = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
            marked.encode_utf16().flat_map(bytes).collect()
        };
        for (bytes, name) in [
            (GERMAN.as_bytes().to_vec(), "UTF-8"),
            ([b"\xef\xbb\xbf", GERMAN.as_bytes()].concat(), "UTF-8 with its mark"),
            (utf16(true, true), "UTF-16 LE with its mark"),
            (utf16(false, true), "UTF-16 BE with its mark"),
            (utf16(true, false), "UTF-16 LE"),
            (utf16(false, false), "UTF-16 BE"),
            (WINDOWS_1252.encode(GERMAN).0.into_owned(), "Windows-1252"),
        ] {
            assert_eq!(text(&bytes), GERMAN, "{name}");
        }
        for (original, encoding) in [
            ("Я не знаю, что с ним случилось вчера вечером.\nПойдём отсюда скорее.", WINDOWS_1251),
            ("私はあなたのことをよく知っています。\nまた明日会いましょう。", SHIFT_JIS),
        ] {
            assert_eq!(text(&encoding.encode(original).0), original);
        }
    }

    #[test]
    fn text_that_was_cut_in_a_letter_stays_what_it_is() {
        let bytes = "Straße".as_bytes();
        assert_eq!(text(&bytes[..5]), "Stra");
        assert_eq!(text(b""), "");
        assert_eq!(text(b"\xff"), "\u{ff}");
    }
}
