//! Text into tokens.

use crate::Wrong;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A name or a keyword.
    Name(String),
    /// A number.
    Number(f64),
    /// A string, without its quotes and escapes.
    Text(String),
    /// One of [`SIGNS`].
    Sign(&'static str),
    /// There is nothing more.
    End,
}

/// A token and its line.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// Line, from 1.
    pub line: u32,
    /// What it is.
    pub kind: Kind,
}

/// Longer ones first, so that `==` is not `=` twice.
const SIGNS: [&str; 43] = [
    "===", "!==", ">>>", "<<", ">>", "==", "!=", "<=", ">=", "&&", "||", "++", "--", "+=", "-=", "*=", "/=",
    "%=", "{", "}", "(", ")", "[", "]", ";", ",", ".", "<", ">", "+", "-", "*", "/", "%", "=", "!", "?", ":",
    "&", "|", "^", "~", "@",
];

/// All tokens of a source, with [`Kind::End`] last.
///
/// # Errors
/// At a character that begins nothing, or a string or comment that does not end.
pub fn tokens(source: &str) -> Result<Vec<Token>, Wrong> {
    let mut rest = source;
    let mut line = 1;
    let mut tokens = Vec::new();
    loop {
        let before = rest;
        let blank = rest.trim_start();
        line += lines(&before[..before.len() - blank.len()]);
        rest = blank;
        let Some(first) = rest.chars().next() else { break };
        let (kind, len) = if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.find('\n').map_or("", |end| &comment[end..]);
            continue;
        } else if let Some(comment) = rest.strip_prefix("/*") {
            let end =
                comment.find("*/").ok_or_else(|| Wrong::new(line, "the comment does not end; write */"))?;
            line += lines(&comment[..end]);
            rest = &comment[end + 2..];
            continue;
        } else if first.is_ascii_digit() {
            number(rest, line)?
        } else if first == '"' || first == '\'' {
            text(rest, first, line)?
        } else if is_of_name(first) {
            let len = rest.find(|c| !is_of_name(c)).unwrap_or(rest.len());
            (Kind::Name(rest[..len].to_owned()), len)
        } else {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
            let sign =
                sign.ok_or_else(|| Wrong::new(line, format!("{first:?} begins nothing that is known here")))?;
            (Kind::Sign(sign), sign.len())
        };
        tokens.push(Token { line, kind });
        rest = &rest[len..];
    }
    tokens.push(Token { line, kind: Kind::End });
    Ok(tokens)
}

fn lines(text: &str) -> u32 {
    text.matches('\n').count() as u32
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

fn number(rest: &str, line: u32) -> Result<(Kind, usize), Wrong> {
    let len = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(rest.len());
    let text = &rest[..len];
    let value = match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok().map(f64::from),
        None => text.parse().ok(),
    };
    let value = value.ok_or_else(|| Wrong::new(line, format!("{text} is no number")))?;
    Ok((Kind::Number(value), len))
}

fn text(rest: &str, quote: char, line: u32) -> Result<(Kind, usize), Wrong> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' => break,
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                    let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                    text.push(code.ok_or_else(|| Wrong::new(line, format!("\\u{digits} is no character")))?);
                }
                Some(c) if "\\\"'/".contains(c) => text.push(c),
                other => return Err(Wrong::new(line, format!("\\{} is no escape", other.unwrap_or(' ')))),
            },
            c if c == quote => return Ok((Kind::Text(text), at + 1)),
            c => text.push(c),
        }
    }
    Err(Wrong::new(line, format!("the string does not end; write {quote}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<Kind> {
        tokens(source).unwrap().into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn signs_are_as_long_as_they_can_be() {
        let signs = kinds("a!==b>>>1 +=++");
        let sign = Kind::Sign;
        let name = |name: &str| Kind::Name(name.to_owned());
        assert_eq!(
            signs,
            [
                name("a"),
                sign("!=="),
                name("b"),
                sign(">>>"),
                Kind::Number(1.0),
                sign("+="),
                sign("++"),
                Kind::End
            ]
        );
    }

    #[test]
    fn strings_numbers_and_comments() {
        assert_eq!(
            kinds("'it\\'s' \"\\u00e4\\n\" 0x1F 2.5 // no\n/* no \n*/ 1"),
            [
                Kind::Text("it's".into()),
                Kind::Text("ä\n".into()),
                Kind::Number(31.0),
                Kind::Number(2.5),
                Kind::Number(1.0),
                Kind::End
            ]
        );
    }

    #[test]
    fn lines_are_counted_and_what_is_wrong_is_named() {
        assert_eq!(tokens("a\n\n/*\n*/ b").unwrap()[1].line, 4);
        for (source, line, what) in [
            ("a\n'b", 2, "does not end"),
            ("\n/* x", 2, "does not end"),
            ("1x", 1, "1x is no number"),
            ("a\n#", 2, "'#' begins nothing"),
            ("'\\q'", 1, "\\q is no escape"),
        ] {
            let wrong = tokens(source).unwrap_err();
            assert!(wrong.line == line && wrong.what.contains(what), "{source:?}: {wrong}");
        }
    }
}
