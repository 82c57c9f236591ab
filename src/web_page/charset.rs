//! From a page's bytes to its text.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use std::borrow::Cow;

/// Bytes in which a page says how it is written (HTML 13.2.3.2).
const PRESCAN: usize = 1024;

/// By the byte order mark, the header, what the page says itself, else UTF-8 if it is that, and windows-1252 as browsers
/// have it.
pub(super) fn decode<'a>(content_type: &str, bytes: &'a [u8]) -> Cow<'a, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0;
    }
    let said = label(content_type).or_else(|| {
        let head: String = bytes.iter().take(PRESCAN).map(|&byte| char::from(byte)).collect();
        label(&head)
    });
    match said {
        Some(encoding) => encoding.decode_without_bom_handling(bytes).0,
        // A page may be cut in the middle of a letter.
        None => match std::str::from_utf8(bytes) {
            Err(error) if error.error_len().is_some() => WINDOWS_1252.decode_without_bom_handling(bytes).0,
            _ => UTF_8.decode_without_bom_handling(bytes).0,
        },
    }
}

/// What stands behind the first `charset=` or `encoding=`.
fn label(text: &str) -> Option<&'static Encoding> {
    let lower = text.to_ascii_lowercase();
    let places = ["charset", "encoding"].into_iter().filter_map(|name| {
        let rest = lower[lower.find(name)? + name.len()..].trim_start().strip_prefix('=')?;
        let rest = rest.trim_start().trim_start_matches(['"', '\'']);
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '>' | '?' | '/'));
        let encoding = Encoding::for_label(&rest.as_bytes()[..end.unwrap_or(rest.len())])?;
        // Said in ASCII, so it is not that (HTML 13.2.3.2).
        Some(if encoding.is_ascii_compatible() { encoding } else { UTF_8 })
    });
    places.into_iter().next()
}
