//! Providers: which way a file becomes FLV tags.

mod flv_file;
