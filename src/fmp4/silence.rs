//! An AAC frame of silence, written bit by bit: Media Source Extensions stall where one of two
//! tracks has nothing, so holes in the sound are filled.
//!
//! ```text
//!  raw_data_block (ISO 14496-3, 4.4.2.1): an element for each channel or pair, then END
//!  SCE, LFE: id(3) tag(4) channel                    CPE: id(3) tag(4) common window(1)=0 channel channel
//!  channel:  gain(8) ics_info(11) pulse(1) TNS(1) gain control(1)
//!  ics_info: reserved(1) window sequence(2) shape(1) max_sfb(6)=0 prediction(1)
//! ```
//!
//! With `max_sfb` 0 there are no sections, no scale factors and no spectrum: nothing is heard.

use crate::flv::aac::AacConfig;
use bytes::Bytes;

const SCE: u8 = 0;
const CPE: u8 = 1;
const LFE: u8 = 3;
const END: u8 = 7;

/// The elements of each `channelConfiguration` (table 1.19).
const ELEMENTS: [&[u8]; 8] = [
    &[],
    &[SCE],
    &[CPE],
    &[SCE, CPE],
    &[SCE, CPE, SCE],
    &[SCE, CPE, CPE],
    &[SCE, CPE, CPE, LFE],
    &[SCE, CPE, CPE, CPE, LFE],
];

/// One frame of silence that a decoder of `config` takes; `None` for layouts that need a program
/// config element.
pub(super) fn frame(config: &AacConfig) -> Option<Bytes> {
    let elements = ELEMENTS.get(usize::from(config.channel_configuration)).filter(|list| !list.is_empty())?;
    let mut bits = Bits::default();
    let mut tags = [0; 4];
    for &element in *elements {
        bits.put(element, 3);
        let tag = &mut tags[usize::from(element)];
        bits.put(*tag, 4);
        *tag += 1;
        if element == CPE {
            bits.put(0, 1); // no common window
            bits.channel();
        }
        bits.channel();
    }
    bits.put(END, 3);
    Some(bits.bytes.into())
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits used of the last byte; 0 when it is full.
    used: u8,
}

impl Bits {
    fn put(&mut self, value: u8, count: u8) {
        for bit in (0..count).rev() {
            if self.used == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= (value >> bit & 1) << (7 - self.used);
            }
            self.used = (self.used + 1) % 8;
        }
    }

    /// `individual_channel_stream` with nothing in it.
    fn channel(&mut self) {
        self.put(0, 8); // global gain
        self.put(0, 8); // ics_info …
        self.put(0, 3); // … to its eleventh bit
        self.put(0, 3); // no pulses, no TNS, no gain control
    }
}
