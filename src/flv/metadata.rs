//! The `onMetaData` script tag.
