//! AMF0: what can be read is written in no more bytes and reads back the same; depth and number of values
//! are bounded.

use wiidiaserver::amf0::{AmfString, Value, decode_all, decode_prefix, encode_to_bytes};
use wiidiaserver::limits::{MAX_AMF_DEPTH, MAX_AMF_VALUES};

pub fn law(input: &[u8]) {
    let (values, error) = decode_prefix(input);
    let all = decode_all(input);
    match (&all, &error) {
        (Ok(all), None) => assert!(same_list(all, &values)),
        (Err(one), Some(other)) => assert_eq!(one, other),
        (all, error) => panic!("all: {all:?}, prefix: {error:?}"),
    }

    let (count, depth) = measure(&values);
    assert!(count <= MAX_AMF_VALUES, "{count} values");
    assert!(depth <= MAX_AMF_DEPTH, "{depth} levels");

    let written = encode_to_bytes(&values);
    assert!(written.len() <= input.len(), "{} bytes of {}", written.len(), input.len());
    let again = decode_all(&written).unwrap();
    assert!(same_list(&again, &values), "{values:?} reads back as {again:?}");
    assert_eq!(encode_to_bytes(&again), written);

    // Whole values before the damage are the same ones, wherever the end is.
    let (fewer, _) = decode_prefix(&input[..input.len() / 2]);
    assert!(fewer.len() <= values.len() && same_list(&fewer, &values[..fewer.len()]));
}

fn same_list(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

/// `==`, but for numbers that are none.
fn same(a: &Value, b: &Value) -> bool {
    let properties = |a: &[(AmfString, Value)], b: &[(AmfString, Value)]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && same(&a.1, &b.1))
    };
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.to_bits() == b.to_bits(),
        (Value::Date { unix_ms: a, tz: in_a }, Value::Date { unix_ms: b, tz: in_b }) => {
            (a.to_bits(), in_a) == (b.to_bits(), in_b)
        }
        (Value::StrictArray(a), Value::StrictArray(b)) => same_list(a, b),
        (Value::Object(a), Value::Object(b)) | (Value::EcmaArray(a), Value::EcmaArray(b)) => properties(a, b),
        (
            Value::TypedObject { class: a, properties: of_a },
            Value::TypedObject { class: b, properties: of_b },
        ) => a == b && properties(of_a, of_b),
        (a, b) => a == b,
    }
}

/// How many values, and how many of them inside each other.
fn measure(values: &[Value]) -> (usize, usize) {
    let mut total = (0, 0);
    for value in values {
        let (count, depth) = match value {
            Value::StrictArray(values) => deeper(measure(values)),
            Value::Object(inner) | Value::EcmaArray(inner) | Value::TypedObject { properties: inner, .. } => {
                let each = inner.iter().map(|(_, value)| measure(std::slice::from_ref(value)));
                deeper(each.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1.max(one.1))))
            }
            _ => (0, 0),
        };
        total = (total.0 + 1 + count, total.1.max(depth));
    }
    total
}

fn deeper((count, depth): (usize, usize)) -> (usize, usize) {
    (count, depth + 1)
}
