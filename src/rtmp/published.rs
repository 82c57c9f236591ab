//! From a publisher's messages to tags: aggregates taken apart, data messages unwrapped.
//!
//! ```text
//!  aggregate (7.1.6)  { type(1) size(3) time low(3) time high(1) stream id(3) body back pointer(4) }*
//!  data (7.1.2)       ["@setDataFrame"] name value …
//! ```

use super::message_type::DATA_AMF3;
use crate::flv::{PREVIOUS_TAG_SIZE_LEN, TAG_HEADER_LEN};
use crate::time::MediaTime;
use bytes::Bytes;

/// One message of an aggregate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Part<'a> {
    pub(super) type_id: u8,
    pub(super) timestamp: MediaTime,
    pub(super) body: &'a [u8],
}

/// The messages of an aggregate, up to the first one that is not whole.
pub(super) fn parts(timestamp: MediaTime, aggregate: &[u8]) -> impl Iterator<Item = Part<'_>> {
    let mut rest = aggregate;
    // The parts' times count from anywhere: the first one's is the message's own.
    let mut offset = None;
    std::iter::from_fn(move || {
        let &[type_id, s0, s1, s2, t0, t1, t2, t3, ..] = rest.get(..TAG_HEADER_LEN)? else { return None };
        let size = u32::from_be_bytes([0, s0, s1, s2]) as usize;
        let time = u32::from_be_bytes([t3, t0, t1, t2]);
        let body = rest.get(TAG_HEADER_LEN..TAG_HEADER_LEN + size)?;
        let offset = *offset.get_or_insert(timestamp.as_millis().wrapping_sub(time));
        // Some senders leave out the last back pointer.
        rest = rest.get(TAG_HEADER_LEN + size + PREVIOUS_TAG_SIZE_LEN..).unwrap_or_default();
        Some(Part { type_id, timestamp: MediaTime::from_millis(time.wrapping_add(offset)), body })
    })
}

/// The body of the script tag that a data message becomes: a name and at least one value. `None` for what
/// is no such thing, `@clearDataFrame` among it.
pub(super) fn script_body(type_id: u8, mut payload: Bytes) -> Option<Bytes> {
    // Type 15 has a format byte, 0, before its AMF0 values.
    if type_id == DATA_AMF3 && payload.first() == Some(&0) {
        payload = payload.slice(1..);
    }
    let (mut name, mut len) = leading_string(&payload)?;
    if name == b"@setDataFrame" {
        payload = payload.slice(len..);
        (name, len) = leading_string(&payload)?;
    }
    (name != b"@clearDataFrame" && payload.len() > len).then_some(payload)
}

/// The AMF string at the front and the bytes it takes. Not [`amf0::decode_prefix`](crate::amf0::decode_prefix):
/// a publisher's metadata is passed on as it is, whatever is in it.
fn leading_string(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (head, len) = match *bytes {
        [0x02, a, b, ..] => (3, u32::from_be_bytes([0, 0, a, b])),
        [0x0c, a, b, c, d, ..] => (5, u32::from_be_bytes([a, b, c, d])),
        _ => return None,
    };
    let end = head + len as usize;
    Some((bytes.get(head..end)?, end))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::message_type::{AUDIO, DATA, VIDEO};
    use super::*;
    use crate::amf0::{Properties, Value, encode_to_bytes};
    use crate::flv::{Tag, TagKind};
    use proptest::prelude::*;

    fn aggregate(parts: &[(TagKind, u32, &'static [u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for &(kind, ms, body) in parts {
            let tag = Tag { kind, timestamp: MediaTime::from_millis(ms), body: body.into() };
            tag.encode_into(&mut out);
        }
        out
    }

    fn read(at: u32, aggregate: &[u8]) -> Vec<(u8, u32, Vec<u8>)> {
        parts(MediaTime::from_millis(at), aggregate)
            .map(|part| (part.type_id, part.timestamp.as_millis(), part.body.to_vec()))
            .collect()
    }

    #[test]
    fn an_aggregates_times_count_from_the_messages_own() {
        let bytes = aggregate(&[
            (TagKind::Video, 5000, &[0x17, 1]),
            (TagKind::Audio, 4990, &[0xaf]),
            (TagKind::Audio, 5023, &[]),
        ]);
        let expected = [(VIDEO, 100, vec![0x17, 1]), (AUDIO, 90, vec![0xaf]), (AUDIO, 123, vec![])].to_vec();
        assert_eq!(read(100, &bytes), expected);
        // Without the last back pointer.
        assert_eq!(read(100, &bytes[..bytes.len() - 4]), expected);
    }

    #[test]
    fn an_aggregates_times_wrap_as_32_bits_do() {
        let bytes = aggregate(&[(TagKind::Audio, u32::MAX - 9, &[1]), (TagKind::Audio, 10, &[2])]);
        assert_eq!(read(u32::MAX, &bytes).iter().map(|part| part.1).collect::<Vec<_>>(), [u32::MAX, 19]);
    }

    #[test]
    fn an_aggregate_cut_at_every_byte_yields_what_is_whole() {
        let bytes = aggregate(&[(TagKind::Video, 0, &[1, 2, 3]), (TagKind::Audio, 5, &[4])]);
        for cut in 0..bytes.len() {
            let whole = read(0, &bytes[..cut]).len();
            assert_eq!(whole, usize::from(cut >= 14) + usize::from(cut >= 30), "cut at {cut}");
        }
    }

    #[test]
    fn metadata_comes_without_its_wrapping() {
        let info = Properties::new().with("width", 640.0).into_ecma_array();
        let bare = encode_to_bytes(&["onMetaData".into(), info.clone()]);
        let wrapped = encode_to_bytes(&["@setDataFrame".into(), "onMetaData".into(), info]);
        assert_eq!(script_body(DATA, wrapped.clone()), Some(bare.clone()));
        assert_eq!(script_body(DATA, bare.clone()), Some(bare.clone()));
        assert_eq!(script_body(DATA_AMF3, [&[0][..], &wrapped].concat().into()), Some(bare.clone()));
        assert_eq!(script_body(DATA_AMF3, wrapped.clone()), Some(bare.clone()));
        let long = [&[0x0c, 0, 0, 0, 13][..], b"@setDataFrame", &bare].concat();
        assert_eq!(script_body(DATA, long.into()), Some(bare));
        for cut in 0..wrapped.len() {
            let _ = script_body(DATA, wrapped.slice(..cut));
        }
    }

    #[test]
    fn data_without_a_name_or_a_value_is_none() {
        // Fault P2 of rml_rtmp.
        for values in [
            vec![],
            vec![Value::Null],
            vec!["@setDataFrame".into()],
            vec!["@setDataFrame".into(), "onMetaData".into()],
            vec!["@clearDataFrame".into(), "onMetaData".into()],
            vec!["onMetaData".into()],
        ] {
            assert_eq!(script_body(DATA, encode_to_bytes(&values)), None, "{values:?}");
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in any::<u32>()) {
            let parts = read(at, &bytes);
            prop_assert!(parts.iter().map(|part| part.2.len() + TAG_HEADER_LEN).sum::<usize>() <= bytes.len());
            let _ = script_body(DATA_AMF3, bytes.into());
        }
    }
}
