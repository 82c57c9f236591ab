//! AMF0.

/// Depth of nested AMF objects and arrays. Real clients stay at 3; rml_amf0's unbounded recursion
/// overflowed the stack at 10,000.
pub const MAX_AMF_DEPTH: usize = 16;

/// Values in one AMF message. `connect` has about 20; `onMetaData` with a keyframe index for three
/// hours at one keyframe a second has 21,600.
pub const MAX_AMF_VALUES: usize = 65_536;
