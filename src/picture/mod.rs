//! Pictures of the library in the size of a screen: upright, without what the camera wrote beside the picture
//! (place, serial numbers), as JPEG.
//!
//! ```text
//!  GET /picture ─▶ Pictures: cache, places ─▶ worker process: file on stdin ─▶ render ─▶ JPEG on stdout
//! ```
//!
//! Decoders of pictures read what anybody may have sent, so a process of its own runs each, with limits on
//! memory and time, without network and other files.

mod fit;
mod kept;
mod pictures;
mod render;
pub mod worker;

pub use fit::{Fit, FitError};
pub use pictures::{PictureError, Pictures};
