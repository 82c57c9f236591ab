//! AMF0 values, read within a budget.
//!
//! Source: "Action Message Format -- AMF 0" (Adobe, 2007), quoted as `AMF0 2.x`. Used by RTMP commands, by
//! data messages and by FLV script tags.
//!
//! ```text
//!  marker(1) value …      00 number: f64            08 ECMA array: count(4) then as an object
//!                         01 boolean: u8            0a strict array: count(4) values
//!                         02 string: len(2) bytes   0b date: f64 ms, tz(2)
//!                         03 object: { key: len(2) bytes, value }* 00 00 09
//! ```
//!
//! Why not `rml_amf0`: it recurses without a bound (10,000 nested arrays end the process), takes any number
//! of values, keeps properties in random order and cannot write an ECMA array, which is the only form in
//! which ffmpeg believes `onMetaData`.

mod decode;
mod encode;
mod value;

pub use decode::{DecodeError, decode_all, decode_prefix};
pub use encode::{encode_all, encode_to_bytes};
pub use value::{AmfString, Properties, Value};

/// The type markers (AMF0 2.1).
mod marker {
    pub(super) const NUMBER: u8 = 0x00;
    pub(super) const BOOLEAN: u8 = 0x01;
    pub(super) const STRING: u8 = 0x02;
    pub(super) const OBJECT: u8 = 0x03;
    pub(super) const NULL: u8 = 0x05;
    pub(super) const UNDEFINED: u8 = 0x06;
    pub(super) const REFERENCE: u8 = 0x07;
    pub(super) const ECMA_ARRAY: u8 = 0x08;
    pub(super) const OBJECT_END: u8 = 0x09;
    pub(super) const STRICT_ARRAY: u8 = 0x0a;
    pub(super) const DATE: u8 = 0x0b;
    pub(super) const LONG_STRING: u8 = 0x0c;
    pub(super) const UNSUPPORTED: u8 = 0x0d;
    pub(super) const XML: u8 = 0x0f;
    pub(super) const TYPED_OBJECT: u8 = 0x10;
    pub(super) const AMF3: u8 = 0x11;
}
