//! What `fuzz/` needs of this module's inside. No part of the program uses it.

use super::flv_file;
use crate::reel::Reel;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The sheet of a kept conversion, read and written again; `None` when it is refused.
pub fn sheet_again(bytes: &[u8]) -> Option<Vec<u8>> {
    super::kept::sheet_again(bytes)
}

/// Indexes a `.flv` file of `len` bytes to its end.
pub fn scan(file: Arc<File>, len: u64) -> Reel {
    let reel = Reel::new(file);
    flv_file::scan(&reel, len, "fuzz.flv", &AtomicBool::new(false));
    reel
}
