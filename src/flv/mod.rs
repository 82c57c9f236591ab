//! FLV: tags, the file format around them, codec headers, the script tag and the keyframe index.
//!
//! What is here is pure: bytes in, values out. Files and sockets belong to
//! [`reel`](crate::reel) and [`server`](crate::server).
//!
//! Source: "Adobe Flash Video File Format Specification 10.1", Annex E, quoted as `FLV E.x`.

pub mod aac;
pub mod avc;
mod bits;
pub mod codec;
pub mod metadata;
pub mod reader;
mod tag;

/// Byte positions from here on stand for times: a conversion that still grows has no real position
/// for a time that does not exist yet, but FLV players can only ask for bytes. Position
/// `base + ms` means "the keyframe at or before `ms`". No real file is a tebibyte long, and
/// ActionScript's and JavaScript's numbers still carry it exactly.
pub const VIRTUAL_POSITION_BASE: u64 = 1 << 40;

pub use tag::{PREVIOUS_TAG_SIZE_LEN, TAG_HEADER_LEN, Tag, TagKind, write_tag_header};
