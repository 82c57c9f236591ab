//! HTML that names of files cannot break. Pure.

use std::fmt::{self, Write};

/// A page that is being written. Everything is escaped but what [`raw`](Self::raw) takes.
#[derive(Debug, Default)]
pub(in crate::server::http) struct Html(String);

impl Html {
    /// Tags of ours.
    pub(in crate::server::http) fn raw(&mut self, tags: &'static str) -> &mut Self {
        self.0.push_str(tags);
        self
    }

    /// Text of whomever, between tags or within quotes of an attribute.
    pub(in crate::server::http) fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // Those that HTML does not allow, and those that turn around what follows on the page.
                c if c.is_control() || is_bidi_control(c) => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        self
    }

    /// A number or the like.
    pub(in crate::server::http) fn show(&mut self, value: impl fmt::Display) -> &mut Self {
        let _ = write!(self.0, "{value}");
        self
    }

    /// A link; address and text are escaped.
    pub(in crate::server::http) fn link(&mut self, address: &str, text: &str) -> &mut Self {
        self.raw("<a href=\"").text(address).raw("\">").text(text).raw("</a>")
    }

    pub(in crate::server::http) fn into_string(self) -> String {
        self.0
    }
}

/// They would show `gpj.avi` as `iva.jpg`.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_means_something_in_html_is_written_out() {
        let mut html = Html::default();
        html.link("/plain/a?x=1&y=\"", "<script>alert('x')</script>\u{202e}\0\n");
        assert_eq!(
            html.into_string(),
            "<a href=\"/plain/a?x=1&amp;y=&quot;\">&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;\u{fffd}\u{fffd}\u{fffd}</a>"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_tags_or_ends_an_attribute(text in any::<String>()) {
            let mut html = Html::default();
            html.text(&text);
            let html = html.into_string();
            prop_assert!(!html.contains(['<', '>', '"', '\'']));
            prop_assert!(!html.chars().any(char::is_control));
        }
    }
}
