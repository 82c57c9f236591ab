//! What a server's command message says. Pure: AMF in, an [`Answer`] out.

use crate::amf0::{self, Value};
use crate::limits::MAX_RELAY_TEXT;

/// A command message of a server, as far as a relay cares.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Answer {
    /// `_result`: the command object, and what is behind it, if anything.
    Result { transaction: f64, object: Value, value: Value },
    /// `_error`, or a `_result` whose level is "error".
    Error { transaction: f64, info: Info },
    /// `onStatus`.
    Status(Info),
    /// `close`: the server is done with us.
    Close,
    /// Anything else: `onBWDone`, `onFCPublish`, `onFCSubscribe` …
    Other,
}

/// An information object (7.2.2), its texts cut and cleaned.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Info {
    pub(super) is_error: bool,
    pub(super) code: String,
    pub(super) text: String,
    /// `ex.redirect`: where the application is.
    pub(super) redirect: Option<String>,
}

impl Answer {
    /// Reads a command message's body. What cannot be read counts as absent.
    pub(super) fn parse(payload: &[u8]) -> Self {
        let (values, _) = amf0::decode_prefix(payload);
        let Some(name) = values.first().and_then(Value::as_str) else { return Self::Other };
        let transaction = values.get(1).and_then(Value::as_f64).unwrap_or(0.0);
        let at = |index: usize| values.get(index).cloned().unwrap_or(Value::Null);
        let value = at(3);
        match &*name {
            "_result" => Self::Result { transaction, object: at(2), value },
            "_error" => Self::Error { transaction, info: Info { is_error: true, ..Info::read(&value) } },
            "onStatus" => Self::Status(Info::read(&value)),
            "close" => Self::Close,
            _ => Self::Other,
        }
    }
}

impl Info {
    /// From an information object; from anything else, an empty one.
    pub(super) fn read(value: &Value) -> Self {
        let text = |key| value.get(key).and_then(Value::as_str).map(|text| clean(&text)).unwrap_or_default();
        let redirect = value.get("ex").and_then(|ex| ex.get("redirect")).and_then(Value::as_str);
        Self {
            is_error: value.get("level").and_then(Value::as_str).is_some_and(|level| level == "error"),
            code: text("code"),
            text: text("description"),
            // Not cut: half an address leads anywhere.
            redirect: redirect.filter(|to| !to.is_empty() && to.len() <= MAX_RELAY_TEXT).map(Into::into),
        }
    }

    /// The server wants `authmod=adobe` or `authmod=llnw`.
    pub(super) fn wants_authentication(&self) -> bool {
        self.text.contains("authmod=") || self.text.contains("code=403 need auth")
    }
}

/// A server's words for our log and our pages: short, and on one line.
fn clean(text: &str) -> String {
    let clean: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_RELAY_TEXT).collect();
    clean.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amf0::{Properties, encode_to_bytes};

    fn parse(values: &[Value]) -> Answer {
        Answer::parse(&encode_to_bytes(values))
    }

    #[test]
    fn statuses_and_errors_are_told_apart() {
        let info = Properties::new()
            .with("level", "error")
            .with("code", "NetStream.Play.StreamNotFound")
            .with("description", "no\r\nsuch stream")
            .into_object();
        let Answer::Status(read) = parse(&["onStatus".into(), 0.0.into(), Value::Null, info.clone()]) else {
            panic!()
        };
        assert!(read.is_error);
        assert_eq!((&*read.code, &*read.text), ("NetStream.Play.StreamNotFound", "no  such stream"));
        let error = parse(&["_error".into(), 4.0.into(), Value::Null, info]);
        assert!(matches!(error, Answer::Error { transaction: 4.0, .. }));
        // nginx-rtmp's and SRS' answers to createStream.
        let result = parse(&["_result".into(), 4.0.into(), Value::Null, 1.0.into()]);
        assert_eq!(result, Answer::Result { transaction: 4.0, object: Value::Null, value: 1.0.into() });
        assert_eq!(parse(&["onBWDone".into(), 0.0.into(), Value::Null]), Answer::Other);
    }

    #[test]
    fn a_redirect_and_a_wish_for_a_password_are_found() {
        let ex = Properties::new().with("code", 302.0).with("redirect", "rtmp://other/live").into_object();
        let info = Properties::new()
            .with("level", "error")
            .with("code", "NetConnection.Connect.Rejected")
            .with("description", "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ")
            .with("ex", ex);
        let info = Info::read(&info.into_object());
        assert_eq!(info.redirect.as_deref(), Some("rtmp://other/live"));
        assert!(info.wants_authentication());
    }

    #[test]
    fn a_command_cut_at_every_byte_is_nothing_worse() {
        let long = "x".repeat(10_000);
        let info = Properties::new().with("description", long.as_str()).with("level", "error").into_object();
        let bytes = encode_to_bytes(&["_error".into(), 1.0.into(), Value::Null, info]);
        for cut in 0..bytes.len() {
            match Answer::parse(&bytes[..cut]) {
                Answer::Error { info, .. } => assert!(info.text.len() <= MAX_RELAY_TEXT),
                other => assert_eq!(other, Answer::Other),
            }
        }
    }
}
