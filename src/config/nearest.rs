//! "Did you mean": the known name that a typing mistake was meant to be.

use crate::limits::MAX_TYPING_MISTAKES;

/// The known name closest to `written`, when it is close: at most a third of its letters differ, and
/// no more than [`MAX_TYPING_MISTAKES`].
pub(super) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written: Vec<char> = written.to_lowercase().chars().take(64).collect();
    known
        .into_iter()
        .map(|name| (distance(&written, &name.chars().collect::<Vec<_>>()), name))
        .filter(|(mistakes, name)| *mistakes <= MAX_TYPING_MISTAKES.min(name.len().div_ceil(3)))
        .min_by_key(|(mistakes, _)| *mistakes)
        .map(|(_, name)| name)
}

/// Letters to insert, delete, replace or swap with their neighbour (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_mistakes_are_recognised_and_other_words_are_not() {
        let known = ["library", "data", "http", "rtmp"];
        for (written, meant) in [
            ("librray", Some("library")),
            ("Library", Some("library")),
            ("libary", Some("library")),
            ("htpp", Some("http")),
            ("date", Some("data")),
            ("colour", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(written, known), meant, "{written}");
        }
    }
}
