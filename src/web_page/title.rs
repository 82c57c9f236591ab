//! What people see.

use crate::limits::MAX_TITLE;

/// A title on one line, without control characters, not too long; `None` when nothing is left.
pub(super) fn tidy(text: &str) -> Option<String> {
    let mut tidy = String::new();
    let mut letters = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !tidy.is_empty() {
            tidy.push(' ');
            letters += 1;
        }
        for letter in word.chars() {
            if letters >= MAX_TITLE {
                return Some(tidy);
            }
            tidy.push(letter);
            letters += 1;
        }
        if letters >= MAX_TITLE {
            return Some(tidy);
        }
    }
    (!tidy.is_empty()).then_some(tidy)
}
