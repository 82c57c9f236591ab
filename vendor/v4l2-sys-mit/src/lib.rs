//! The structures of `linux/videodev2.h`, for the crate `v4l`.

#![allow(clippy::all, dead_code, missing_docs, non_camel_case_types, non_snake_case, non_upper_case_globals)]
#![no_std]
extern crate std;

include!("bindings.rs");
