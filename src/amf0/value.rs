//! What an AMF0 value is, and how to look into one.

use bytes::Bytes;
use std::borrow::Cow;
use std::fmt;

/// A string as the wire carries it: bytes that should be UTF-8 (AMF0 1.3.1), but old players on systems
/// with Latin-1 names send those.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct AmfString(Bytes);

impl AmfString {
    /// From text that is part of the program: no allocation.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// The bytes as sent. Use these for file names.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As text. Bytes that are no UTF-8 are read as Latin-1, so that nothing is lost; for messages, logs
    /// and comparisons.
    pub fn as_str(&self) -> Cow<'_, str> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(self.0.iter().map(|&byte| char::from(byte)).collect()),
        }
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Without any byte.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for AmfString {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for AmfString {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&[u8]> for AmfString {
    fn from(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

impl From<Bytes> for AmfString {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl PartialEq<str> for AmfString {
    fn eq(&self, other: &str) -> bool {
        &self.0[..] == other.as_bytes()
    }
}

impl PartialEq<&str> for AmfString {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl fmt::Debug for AmfString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_str(), f)
    }
}

impl fmt::Display for AmfString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_str(), f)
    }
}

/// One AMF0 value. Properties keep the order of the wire.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// AMF0 2.2.
    Number(f64),
    /// AMF0 2.3.
    Boolean(bool),
    /// A string or long string (AMF0 2.4, 2.14).
    String(AmfString),
    /// An anonymous object (AMF0 2.5).
    Object(Vec<(AmfString, Value)>),
    /// An associative array (AMF0 2.10): what `onMetaData` is.
    EcmaArray(Vec<(AmfString, Value)>),
    /// AMF0 2.12.
    StrictArray(Vec<Value>),
    /// AMF0 2.7.
    Null,
    /// AMF0 2.8.
    Undefined,
    /// AMF0 2.13. The time zone is reserved and should be 0.
    Date {
        /// Milliseconds since 1970-01-01 UTC.
        unix_ms: f64,
        /// Minutes from UTC, as sent; not to be used.
        tz: i16,
    },
    /// An object with a class name (AMF0 2.18).
    TypedObject {
        /// The class.
        class: AmfString,
        /// As of an object.
        properties: Vec<(AmfString, Value)>,
    },
    /// An XML document as text (AMF0 2.17).
    Xml(AmfString),
    /// The index of an object sent before (AMF0 2.9). It is not resolved: following references lets a
    /// few bytes stand for millions of values, and no RTMP command needs them.
    Reference(u16),
    /// A value that the sender could not serialise (AMF0 2.15).
    Unsupported,
}

impl Value {
    /// A string from text that is part of the program: no allocation.
    pub const fn from_static(text: &'static str) -> Self {
        Self::String(AmfString::from_static(text))
    }

    /// The number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// The string as text, if it is one; see [`AmfString::as_str`].
    pub fn as_str(&self) -> Option<Cow<'_, str>> {
        self.as_amf_string().map(AmfString::as_str)
    }

    /// The string as it was sent, if it is one.
    pub fn as_amf_string(&self) -> Option<&AmfString> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The values of a strict array, if it is one.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::StrictArray(values) => Some(values),
            _ => None,
        }
    }

    /// The properties of an object, typed object or ECMA array.
    pub fn properties(&self) -> Option<&[(AmfString, Value)]> {
        match self {
            Self::Object(properties) | Self::EcmaArray(properties) | Self::TypedObject { properties, .. } => {
                Some(properties)
            }
            _ => None,
        }
    }

    /// The first property of that name, when this has properties at all.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.properties()?.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Null or undefined: what clients send for "no argument".
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null | Self::Undefined)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(f64::from(number))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<AmfString> for Value {
    fn from(text: AmfString) -> Self {
        Self::String(text)
    }
}

impl From<Vec<Value>> for Value {
    fn from(values: Vec<Value>) -> Self {
        Self::StrictArray(values)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    /// `None` becomes null.
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<Properties> for Value {
    fn from(properties: Properties) -> Self {
        properties.into_object()
    }
}

/// Properties being put together in order.
///
/// ```
/// use wiidiaserver::amf0::{Properties, Value};
/// let info = Properties::new().with("level", "status").with("duration", 12.5).into_object();
/// assert_eq!(info.get("duration").and_then(Value::as_f64), Some(12.5));
/// ```
#[derive(Clone, Default, Debug, PartialEq)]
pub struct Properties(Vec<(AmfString, Value)>);

impl Properties {
    /// None yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// One more. The key is at most 65,535 bytes (AMF0 1.3.1); what is longer is cut when written.
    #[must_use]
    pub fn with(mut self, key: impl Into<AmfString>, value: impl Into<Value>) -> Self {
        self.0.push((key.into(), value.into()));
        self
    }

    /// One more, unless there is no value.
    #[must_use]
    pub fn with_some(self, key: impl Into<AmfString>, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// As an anonymous object.
    pub fn into_object(self) -> Value {
        Value::Object(self.0)
    }

    /// As an ECMA array.
    pub fn into_ecma_array(self) -> Value {
        Value::EcmaArray(self.0)
    }
}
