//! Reels: recorded FLV that is complete or growing.
