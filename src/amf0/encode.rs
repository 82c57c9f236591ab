//! AMF0 written.

use super::marker;
use super::{AmfString, Value};
use bytes::{BufMut, Bytes, BytesMut};

/// Writes values one after the other, as a command, data message or script tag carries them.
pub fn encode_all(values: &[Value], out: &mut impl BufMut) {
    for value in values {
        value.encode(out);
    }
}

/// [`encode_all`] into a buffer of its own.
pub fn encode_to_bytes(values: &[Value]) -> Bytes {
    // A typical onStatus takes about 150 bytes.
    let mut out = BytesMut::with_capacity(256);
    encode_all(values, &mut out);
    out.freeze()
}

impl Value {
    /// Writes the value with its marker. Strings above 65,535 bytes become long strings.
    pub fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::Number(number) => {
                out.put_u8(marker::NUMBER);
                out.put_f64(*number);
            }
            Self::Boolean(value) => {
                out.put_u8(marker::BOOLEAN);
                out.put_u8(u8::from(*value));
            }
            Self::String(text) if text.len() <= usize::from(u16::MAX) => {
                out.put_u8(marker::STRING);
                put_short_string(text, out);
            }
            Self::String(text) => {
                out.put_u8(marker::LONG_STRING);
                put_long_string(text, out);
            }
            Self::Object(properties) => {
                out.put_u8(marker::OBJECT);
                put_properties(properties, out);
            }
            Self::EcmaArray(properties) => {
                out.put_u8(marker::ECMA_ARRAY);
                out.put_u32(properties.len() as u32);
                put_properties(properties, out);
            }
            Self::StrictArray(values) => {
                out.put_u8(marker::STRICT_ARRAY);
                out.put_u32(values.len() as u32);
                encode_all(values, out);
            }
            Self::Null => out.put_u8(marker::NULL),
            Self::Undefined => out.put_u8(marker::UNDEFINED),
            Self::Date { unix_ms, tz } => {
                out.put_u8(marker::DATE);
                out.put_f64(*unix_ms);
                out.put_i16(*tz);
            }
            Self::TypedObject { class, properties } => {
                out.put_u8(marker::TYPED_OBJECT);
                put_short_string(class, out);
                put_properties(properties, out);
            }
            Self::Xml(text) => {
                out.put_u8(marker::XML);
                put_long_string(text, out);
            }
            Self::Reference(index) => {
                out.put_u8(marker::REFERENCE);
                out.put_u16(*index);
            }
            Self::Unsupported => out.put_u8(marker::UNSUPPORTED),
        }
    }
}

fn put_properties(properties: &[(AmfString, Value)], out: &mut impl BufMut) {
    for (key, value) in properties {
        put_short_string(key, out);
        value.encode(out);
    }
    out.put_slice(&[0, 0, marker::OBJECT_END]);
}

/// A length of 16 bits and as many bytes of the text as that can count.
fn put_short_string(text: &AmfString, out: &mut impl BufMut) {
    let bytes = text.as_bytes();
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.put_u16(len);
    out.put_slice(&bytes[..usize::from(len)]);
}

fn put_long_string(text: &AmfString, out: &mut impl BufMut) {
    out.put_u32(text.len() as u32);
    out.put_slice(text.as_bytes());
}
