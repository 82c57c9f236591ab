//! AMF0 read from bytes that anybody may have written.

use super::marker;
use super::{AmfString, Value};
use crate::limits::{MAX_AMF_DEPTH, MAX_AMF_VALUES};

/// Why bytes are no AMF0 that we take. `at` counts bytes from the start of the input.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// The input ends inside a value.
    #[error("AMF0 value ends early: {wanted} more bytes expected at byte {at}")]
    Truncated {
        /// Where the missing bytes should begin.
        at: usize,
        /// How many are missing at least.
        wanted: usize,
    },
    /// A marker that AMF0 does not define, or reserves.
    #[error("unknown AMF0 marker 0x{marker:02x} at byte {at}; expected 0x00 to 0x10")]
    UnknownMarker {
        /// The marker.
        marker: u8,
        /// Its position.
        at: usize,
    },
    /// The AVM+ marker: an AMF3 value follows (AMF0 3.1). We announce object encoding 0.
    #[error("AMF3 value at byte {at}; only AMF0 is spoken here, connect with objectEncoding 0")]
    Amf3 {
        /// Position of the marker.
        at: usize,
    },
    /// Objects and arrays inside each other, too deep.
    #[error("AMF0 values nested deeper than {MAX_AMF_DEPTH} at byte {at}")]
    TooDeep {
        /// Position of the value that is one too deep.
        at: usize,
    },
    /// More values than a message may have.
    #[error("more than {MAX_AMF_VALUES} AMF0 values, at byte {at}")]
    TooManyValues {
        /// Position of the value that is one too many.
        at: usize,
    },
}

/// Reads the values until the input ends.
///
/// Work and memory are bounded by [`MAX_AMF_DEPTH`] and [`MAX_AMF_VALUES`]; the counts that arrays
/// announce are not believed.
pub fn decode_all(input: &[u8]) -> Result<Vec<Value>, DecodeError> {
    match decode_prefix(input) {
        (values, None) => Ok(values),
        (_, Some(error)) => Err(error),
    }
}

/// Reads as many whole values as there are, and says why it stopped when that was before the end.
///
/// For commands, whose name and transaction often can be answered although an argument cannot be read.
pub fn decode_prefix(input: &[u8]) -> (Vec<Value>, Option<DecodeError>) {
    let mut decoder = Decoder { input, at: 0, values_left: MAX_AMF_VALUES };
    let mut values = Vec::new();
    while decoder.at < input.len() {
        match decoder.value(0) {
            Ok(value) => values.push(value),
            Err(error) => return (values, Some(error)),
        }
    }
    (values, None)
}

struct Decoder<'a> {
    input: &'a [u8],
    at: usize,
    values_left: usize,
}

impl Decoder<'_> {
    /// One value; `depth` objects or arrays are open around it. The recursion ends at
    /// [`MAX_AMF_DEPTH`].
    fn value(&mut self, depth: usize) -> Result<Value, DecodeError> {
        let at = self.at;
        self.values_left = self.values_left.checked_sub(1).ok_or(DecodeError::TooManyValues { at })?;
        let marker = self.u8()?;
        if depth >= MAX_AMF_DEPTH
            && matches!(
                marker,
                marker::OBJECT | marker::ECMA_ARRAY | marker::STRICT_ARRAY | marker::TYPED_OBJECT
            )
        {
            return Err(DecodeError::TooDeep { at });
        }
        Ok(match marker {
            marker::NUMBER => Value::Number(self.f64()?),
            marker::BOOLEAN => Value::Boolean(self.u8()? != 0),
            marker::STRING => Value::String(self.short_string()?),
            marker::LONG_STRING => Value::String(self.long_string()?),
            marker::XML => Value::Xml(self.long_string()?),
            marker::OBJECT => Value::Object(self.properties(depth)?),
            marker::ECMA_ARRAY => {
                // The count is a hint at best: several writers leave it 0, and the end is marked.
                self.u32()?;
                Value::EcmaArray(self.properties(depth)?)
            }
            marker::TYPED_OBJECT => {
                Value::TypedObject { class: self.short_string()?, properties: self.properties(depth)? }
            }
            marker::STRICT_ARRAY => {
                let count = self.u32()?;
                let mut values = Vec::new();
                for _ in 0..count {
                    values.push(self.value(depth + 1)?);
                }
                Value::StrictArray(values)
            }
            marker::NULL => Value::Null,
            marker::UNDEFINED => Value::Undefined,
            marker::UNSUPPORTED => Value::Unsupported,
            marker::REFERENCE => Value::Reference(u16::from_be_bytes(self.array()?)),
            marker::DATE => Value::Date { unix_ms: self.f64()?, tz: i16::from_be_bytes(self.array()?) },
            marker::AMF3 => return Err(DecodeError::Amf3 { at }),
            marker => return Err(DecodeError::UnknownMarker { marker, at }),
        })
    }

    /// Keys and values until the empty key with the end marker behind it (AMF0 2.5, 2.11).
    fn properties(&mut self, depth: usize) -> Result<Vec<(AmfString, Value)>, DecodeError> {
        let mut properties = Vec::new();
        loop {
            let key = self.short_string()?;
            if key.is_empty() && self.input.get(self.at) == Some(&marker::OBJECT_END) {
                self.at += 1;
                return Ok(properties);
            }
            properties.push((key, self.value(depth + 1)?));
        }
    }

    fn short_string(&mut self) -> Result<AmfString, DecodeError> {
        let len = u16::from_be_bytes(self.array()?);
        Ok(AmfString::from(self.take(usize::from(len))?))
    }

    fn long_string(&mut self) -> Result<AmfString, DecodeError> {
        let len = self.u32()? as usize;
        Ok(AmfString::from(self.take(len)?))
    }

    fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn f64(&mut self) -> Result<f64, DecodeError> {
        Ok(f64::from_be_bytes(self.array()?))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    fn take(&mut self, len: usize) -> Result<&[u8], DecodeError> {
        let rest = &self.input[self.at..];
        let Some(taken) = rest.get(..len) else {
            return Err(DecodeError::Truncated { at: self.input.len(), wanted: len - rest.len() });
        };
        self.at += len;
        Ok(taken)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{Properties, encode_to_bytes};
    use super::*;
    use proptest::prelude::*;

    fn a_bit_of_everything() -> Vec<Value> {
        vec![
            Value::from_static("onMetaData"),
            Properties::new()
                .with("duration", 12.5)
                .with("", Value::Null)
                .with("stereo", true)
                .with("keyframes", Properties::new().with("times", vec![Value::from(0.0), Value::from(2.0)]))
                .into_ecma_array(),
            Value::Date { unix_ms: 1.2e12, tz: -60 },
            Value::TypedObject { class: "a.B".into(), properties: vec![("x".into(), Value::Undefined)] },
            Value::Xml("<a/>".into()),
            Value::Reference(7),
            Value::Unsupported,
            Value::from("x".repeat(70_000)),
            Value::String(AmfString::from(&b"caf\xe9"[..])),
        ]
    }

    #[test]
    fn values_read_back_as_they_were_written() {
        let values = a_bit_of_everything();
        assert_eq!(decode_all(&encode_to_bytes(&values)).unwrap(), values);
    }

    #[test]
    fn a_message_cut_at_every_byte_yields_whole_values_or_an_error() {
        let mut values = a_bit_of_everything();
        values[7] = Value::from("short");
        let bytes = encode_to_bytes(&values);
        let mut boundaries = vec![0];
        for n in 1..=values.len() {
            boundaries.push(encode_to_bytes(&values[..n]).len());
        }
        for cut in 0..=bytes.len() {
            match boundaries.iter().position(|&b| b == cut) {
                Some(whole) => assert_eq!(decode_all(&bytes[..cut]).unwrap(), values[..whole], "cut {cut}"),
                None => assert!(
                    matches!(decode_all(&bytes[..cut]), Err(DecodeError::Truncated { .. })),
                    "cut {cut}"
                ),
            }
            let (prefix, _) = decode_prefix(&bytes[..cut]);
            assert_eq!(prefix, values[..prefix.len()], "cut {cut}");
        }
    }

    #[test]
    fn arrays_nested_without_end_are_refused_not_followed() {
        // 10,000 of these overflowed the stack of rml_amf0.
        for marker in [&[0x0a, 0, 0, 0, 1][..], &[0x03, 0, 1, b'a'], &[0x08, 0, 0, 0, 0, 0, 1, b'a']] {
            let input = marker.repeat(10_000);
            assert!(matches!(decode_all(&input), Err(DecodeError::TooDeep { .. })));
        }
        let deepest = [0x0a, 0, 0, 0, 1].repeat(MAX_AMF_DEPTH);
        assert!(decode_all(&[deepest, vec![0x05]].concat()).is_ok());
    }

    #[test]
    fn a_message_of_a_million_nulls_is_refused() {
        let input = vec![0x05; 1_000_000];
        assert_eq!(decode_all(&input), Err(DecodeError::TooManyValues { at: MAX_AMF_VALUES }));
    }

    #[test]
    fn an_announced_count_reserves_no_memory() {
        let lie = [0x0a, 0xff, 0xff, 0xff, 0xff, 0x05];
        assert!(matches!(decode_all(&lie), Err(DecodeError::Truncated { .. })));
        let lie = [0x0c, 0xff, 0xff, 0xff, 0xff, 0x05];
        assert_eq!(decode_all(&lie), Err(DecodeError::Truncated { at: 6, wanted: 0xffff_fffe }));
    }

    #[test]
    fn an_ecma_array_ends_at_its_mark_whatever_its_count_says() {
        let input = [0x08, 0, 0, 0, 0, 0, 1, b'a', 0x01, 1, 0, 0, 9, 0x05];
        let values = decode_all(&input).unwrap();
        assert_eq!(values[0].get("a").and_then(Value::as_bool), Some(true));
        assert_eq!(values[1], Value::Null);
    }

    #[test]
    fn an_amf3_argument_leaves_the_values_before_it_readable() {
        let mut input = encode_to_bytes(&[Value::from_static("call"), Value::from(3.0)]).to_vec();
        let at = input.len();
        input.extend([0x11, 0x0a, 0x0b]);
        let (values, error) = decode_prefix(&input);
        assert_eq!(values.len(), 2);
        assert_eq!(error, Some(DecodeError::Amf3 { at }));
    }

    #[test]
    fn latin_1_is_readable_and_keeps_its_bytes() {
        let text = AmfString::from(&b"caf\xe9"[..]);
        assert_eq!(text.as_str(), "café");
        assert_eq!(text.as_bytes(), b"caf\xe9");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let key = || proptest::collection::vec(any::<u8>(), 0..6).prop_map(|b| AmfString::from(&b[..]));
        let leaf = prop_oneof![
            proptest::num::f64::NORMAL.prop_map(Value::Number),
            any::<bool>().prop_map(Value::Boolean),
            key().prop_map(Value::String),
            key().prop_map(Value::Xml),
            any::<u16>().prop_map(Value::Reference),
            (proptest::num::f64::NORMAL, any::<i16>()).prop_map(|(unix_ms, tz)| Value::Date { unix_ms, tz }),
            Just(Value::Null),
            Just(Value::Undefined),
            Just(Value::Unsupported),
        ];
        leaf.prop_recursive(5, 40, 6, move |inner| {
            let properties = || proptest::collection::vec((key(), inner.clone()), 0..5);
            prop_oneof![
                properties().prop_map(Value::Object),
                properties().prop_map(Value::EcmaArray),
                (key(), properties())
                    .prop_map(|(class, properties)| Value::TypedObject { class, properties }),
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::StrictArray),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_written_reads_back_the_same(values in proptest::collection::vec(any_value(), 0..5)) {
            prop_assert_eq!(decode_all(&encode_to_bytes(&values)).unwrap(), values);
        }

        #[test]
        fn random_bytes_never_panic(input in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode_prefix(&input);
        }
    }
}
