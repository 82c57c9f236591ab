//! Keeps a sound card's samples on the pipeline's clock: a probe behind the card that measures how far it is off and
//! stretches what comes out by as much.

use super::drift::{Advice, Drift};
use super::stretch::Stretch;
use gst::prelude::*;
use gstreamer as gst;
use std::sync::{Mutex, PoisonError};

/// Samples as they have to be at the probe's pad: interleaved numbers of 32 bits.
pub(super) fn caps() -> gst::Caps {
    gst::Caps::builder("audio/x-raw")
        .field("format", if cfg!(target_endian = "little") { "F32LE" } else { "F32BE" })
        .field("layout", "interleaved")
        .field("channels", gst::IntRange::new(1, 2))
        .build()
}

#[derive(Default)]
struct State {
    drift: Drift,
    card: Option<Card>,
}

/// What is known once caps have come.
struct Card {
    rate: i32,
    channels: usize,
    stretch: Stretch,
    /// When the sound that is put out began, and its samples since then.
    began: Option<(gst::ClockTime, u64)>,
}

/// Steadies what flows through `pad`. Nothing in here may panic: it runs in C frames.
pub(super) fn steady(pad: &gst::Pad) {
    let state = Mutex::new(State::default());
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut info.data {
            Some(gst::PadProbeData::Event(event)) => {
                if let gst::EventView::Caps(caps) = event.view() {
                    state.card = caps.caps().structure(0).and_then(Card::of);
                }
            }
            Some(gst::PadProbeData::Buffer(buffer)) => match state.place(buffer) {
                Some(steadied) => *buffer = steadied,
                None => return gst::PadProbeReturn::Drop,
            },
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

impl Card {
    fn of(caps: &gst::StructureRef) -> Option<Self> {
        let rate = caps.get::<i32>("rate").ok().filter(|rate| *rate > 0)?;
        let channels = usize::try_from(caps.get::<i32>("channels").ok()?).ok()?;
        Some(Self { rate, channels, stretch: Stretch::new(channels), began: None })
    }

    fn time(&self, samples: f64) -> f64 {
        samples / f64::from(self.rate)
    }
}

impl State {
    /// The buffer that takes this one's place; `None` when nothing comes out of it yet.
    fn place(&mut self, buffer: &gst::Buffer) -> Option<gst::Buffer> {
        let card = self.card.as_mut()?;
        let taken = buffer.pts()?;
        let map = buffer.map_readable().ok()?;
        let samples: Vec<f32> = map
            .chunks_exact(4)
            .map(|four| f32::from_ne_bytes([four[0], four[1], four[2], four[3]]))
            .collect();
        let (began, out) = *card.began.get_or_insert((taken, 0));
        let seconds = |time: gst::ClockTime| time.nseconds() as f64 / 1e9;
        let placed = seconds(began) + card.time(out as f64 + card.stretch.pending());
        let mut is_new = out == 0;
        let ratio = match self.drift.observe(placed, seconds(taken)) {
            Advice::Stretch(ratio) => ratio,
            Advice::BeginAnew => {
                card.stretch = Stretch::new(card.channels);
                card.began = Some((taken, 0));
                is_new = true;
                1.0
            }
        };
        let stretched = card.stretch.push(&samples, ratio);
        let frames = (stretched.len() / card.channels) as u64;
        let (began, before) = card.began?;
        card.began = Some((began, before + frames));
        if frames == 0 {
            return None;
        }
        let at = |samples: u64| {
            let ns = u128::from(samples) * 1_000_000_000 / u128::from(card.rate.unsigned_abs().max(1));
            began + gst::ClockTime::from_nseconds(u64::try_from(ns).unwrap_or(u64::MAX / 2))
        };
        let bytes: Vec<u8> = stretched.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
        let mut steadied = gst::Buffer::from_mut_slice(bytes);
        let fresh = steadied.get_mut()?;
        fresh.set_pts(at(before));
        fresh.set_duration(at(before + frames).saturating_sub(at(before)));
        if is_new {
            fresh.set_flags(gst::BufferFlags::DISCONT);
        }
        Some(steadied)
    }
}
