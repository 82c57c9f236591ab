//! Providers: which way a file becomes FLV tags.
