//! Fragmented MP4 made from FLV tags.
