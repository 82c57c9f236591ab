//! Every capacity and time-out, each with its reason, in one file for each part of the server. Nothing else in the source
//! decides how much of something there may be.

mod amf;
mod configuration;
mod conversion;
mod flv;
mod fmp4;
mod http;
mod index;
mod library;
mod live;
mod look;
mod picture;
mod recording;
mod reel;
mod relay;
mod rtmp;
mod socket;
mod source;
mod web;
mod worker;

pub use amf::*;
pub use configuration::*;
pub use conversion::*;
pub use flv::*;
pub use fmp4::*;
pub use http::*;
pub use index::*;
pub use library::*;
pub use live::*;
pub use look::*;
pub use picture::*;
pub use recording::*;
pub use reel::*;
pub use relay::*;
pub use rtmp::*;
pub use socket::*;
pub use source::*;
pub use web::*;
pub use worker::*;
