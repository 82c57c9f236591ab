//! What is laid over a file's headers on their way to the demuxer: few bytes, inside the file, and the same ones
//! however the file is read.

use wiidiaserver::pipeline::fuzzing::mended;

/// The movie's length and that of its tracks, of which a header in so many bytes has few.
const BYTES_FOR_A_TRACK: usize = 24;

pub fn law(mut input: &[u8]) {
    let step = usize::from(super::byte(&mut input)) + 1;
    let whole = mended(input, input.len().max(1));
    assert_eq!(whole.len(), input.len());
    assert_eq!(mended(input, step), whole);
    let changed = whole.iter().zip(input).filter(|(new, old)| new != old).count();
    assert!(changed <= 8 + 8 * (input.len() / BYTES_FOR_A_TRACK), "{changed} bytes changed");
}
