//! HDR pictures (PQ, HLG) for screens that know nothing of it.
//!
//! Shown as they are, they look washed out and dark: their numbers mean more light. GStreamer 1.22 has no element for
//! it, so the numbers are changed here, by tables, in the 10-bit picture that the decoder made:
//!
//! ```text
//!  Y'  ─▶ light (PQ: ST 2084, HLG: BT.2100) ─▶ rolled off above the white of paper ─▶ Y' of BT.2020, SDR
//!  C   ─▶ multiplied by as much as the Y' beside it
//! ```
//!
//! The wider primaries stay as they are (videoconvert 1.22 can change them, and loses the range of the numbers doing so):
//! saturated colours come out a little pale. A conversion in RGB would be exact and costs ten times as much.

use gst::prelude::*;
use gst_video::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;

/// Light that paper has in HDR films, in cd/m² (ITU-R BT.2408).
const PAPER_WHITE: f64 = 203.0;
/// The brightest that keeps any detail; most films are graded for it.
const PEAK: f64 = 1000.0;
/// Above this share of the SDR range highlights are rolled off.
const KNEE: f64 = 0.75;

/// How light is coded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Transfer {
    Pq,
    Hlg,
}

/// The transfer of a stream, when it is one of HDR.
pub(super) fn transfer(caps: &gst::CapsRef) -> Option<Transfer> {
    let colorimetry = caps.structure(0)?.get::<&str>("colorimetry").ok()?;
    let colorimetry = colorimetry.parse::<gst_video::VideoColorimetry>().ok()?;
    match colorimetry.transfer() {
        gst_video::VideoTransferFunction::Smpte2084 => Some(Transfer::Pq),
        gst_video::VideoTransferFunction::AribStdB67 => Some(Transfer::Hlg),
        _ => None,
    }
}

/// The format that [`map_on`] works on.
pub(super) fn caps() -> gst::Caps {
    gst::Caps::builder("video/x-raw").field("format", "I420_10LE").build()
}

/// What the pictures are afterwards.
pub(super) fn caps_after() -> gst::Caps {
    gst::Caps::builder("video/x-raw").field("colorimetry", "bt2020-10").build()
}

/// Changes the pictures that pass `pad`, in the format of [`caps`].
pub(super) fn map_on(pad: &gst::Pad, transfer: Transfer) {
    let tables = Tables::new(transfer);
    let mut info: Option<gst_video::VideoInfo> = None;
    let state = std::sync::Mutex::new(move |pad: &gst::Pad, buffer: &mut gst::Buffer| {
        if info.is_none() {
            info = pad.current_caps().and_then(|caps| gst_video::VideoInfo::from_caps(&caps).ok());
        }
        let Some(info) = &info else { return };
        if let Ok(mut frame) = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer.make_mut(), info) {
            tables.map(&mut frame);
        }
    });
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        if let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data
            && let Ok(mut map) = state.lock()
        {
            map(pad, buffer);
        }
        gst::PadProbeReturn::Ok
    });
}

const LEVELS: usize = 1024;

/// For each luma value: the new one, and by how much chroma grows (in 1/4096).
struct Tables {
    luma: [u16; LEVELS],
    chroma: [i32; LEVELS],
}

impl Tables {
    fn new(transfer: Transfer) -> Self {
        let mut tables = Self { luma: [0; LEVELS], chroma: [4096; LEVELS] };
        for code in 0..LEVELS {
            // Limited range of 10 bits: 64 to 940.
            let coded = ((code as f64 - 64.0) / 876.0).clamp(0.0, 1.0);
            let mapped = sdr(light(coded, transfer));
            tables.luma[code] = (64.0 + mapped * 876.0).round() as u16;
            let gain = if coded > 0.01 { mapped / coded } else { 1.0 };
            tables.chroma[code] = (gain.clamp(0.25, 3.0) * 4096.0) as i32;
        }
        tables
    }

    fn map(&self, frame: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>) {
        let strides: Vec<usize> =
            frame.plane_stride().iter().map(|&stride| stride.unsigned_abs() as usize).collect();
        let (&[luma_stride, u_stride, v_stride], height) = (&strides[..], frame.height() as usize) else {
            return;
        };
        let (width, half) = (frame.width() as usize, frame.width().div_ceil(2) as usize);
        let Ok(luma) = frame.plane_data(0).map(<[u8]>::to_vec) else { return };
        for (plane, stride) in [(1, u_stride), (2, v_stride)] {
            let Ok(data) = frame.plane_data_mut(plane) else { return };
            for (row, line) in data.chunks_mut(stride).take(height.div_ceil(2)).enumerate() {
                let beside = luma.get(2 * row * luma_stride..).unwrap_or_default();
                let pairs = line.chunks_exact_mut(2).take(half).zip(beside.chunks_exact(4));
                for (chroma, luma) in pairs {
                    let gain = self.chroma[sample(luma) % LEVELS];
                    let value = sample(chroma) as i32 - 512;
                    let mapped = (512 + ((value * gain) >> 12)).clamp(64, 960) as u16;
                    chroma.copy_from_slice(&mapped.to_le_bytes());
                }
            }
        }
        let Ok(data) = frame.plane_data_mut(0) else { return };
        for line in data.chunks_mut(luma_stride).take(height) {
            for luma in line.chunks_exact_mut(2).take(width) {
                luma.copy_from_slice(&self.luma[sample(luma) % LEVELS].to_le_bytes());
            }
        }
    }
}

fn sample(bytes: &[u8]) -> usize {
    match bytes {
        [low, high, ..] => usize::from(u16::from_le_bytes([*low, *high])),
        _ => 0,
    }
}

/// cd/m² of a coded value.
fn light(coded: f64, transfer: Transfer) -> f64 {
    match transfer {
        // SMPTE ST 2084, the EOTF.
        Transfer::Pq => {
            let (m1, m2) = (2610.0 / 16384.0, 2523.0 / 4096.0 * 128.0);
            let (c1, c2, c3) = (3424.0 / 4096.0, 2413.0 / 4096.0 * 32.0, 2392.0 / 4096.0 * 32.0);
            let power = coded.powf(1.0 / m2);
            10_000.0 * ((power - c1).max(0.0) / (c2 - c3 * power)).powf(1.0 / m1)
        }
        // BT.2100: the inverse OETF, then the system gamma of a screen of 1000 cd/m².
        Transfer::Hlg => {
            let (a, b, c) = (0.178_832_77, 0.284_668_92, 0.559_910_73);
            let scene = if coded <= 0.5 { coded * coded / 3.0 } else { (((coded - c) / a).exp() + b) / 12.0 };
            1000.0 * scene.powf(1.2)
        }
    }
}

/// The coded SDR value of so much light: linear up to the knee, then rolled off so that the peak is just white.
fn sdr(light: f64) -> f64 {
    let relative = light / PAPER_WHITE;
    let peak = PEAK / PAPER_WHITE;
    let mapped = if relative <= KNEE {
        relative
    } else {
        let over = (relative - KNEE) / (peak - KNEE);
        // Begins with the slope of the linear part and ends at white.
        let steepness = (peak - KNEE) / (1.0 - KNEE) - 1.0;
        KNEE + (1.0 - KNEE) * (over * (1.0 + steepness) / (1.0 + steepness * over))
    };
    mapped.clamp(0.0, 1.0).powf(1.0 / 2.4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_is_what_the_standards_say() {
        // BT.2408, table 1: HDR reference white is 58 % of PQ and 75 % of HLG.
        assert!((light(0.58, Transfer::Pq) - 203.0).abs() < 3.0, "{}", light(0.58, Transfer::Pq));
        assert!((light(0.75, Transfer::Hlg) - 203.0).abs() < 3.0, "{}", light(0.75, Transfer::Hlg));
        assert!((light(1.0, Transfer::Pq) - 10_000.0).abs() < 1.0);
    }

    #[test]
    fn black_stays_black_the_peak_is_white_and_nothing_steps_back() {
        for transfer in [Transfer::Pq, Transfer::Hlg] {
            let tables = Tables::new(transfer);
            assert_eq!(tables.luma[64], 64);
            assert_eq!(tables.luma[940], 940, "{transfer:?}");
            assert!(tables.luma.is_sorted(), "{transfer:?}");
            // Mid grey of a film, 26 cd/m², is 38 % of PQ: too dark when shown as it is.
            let grey = 397;
            assert!(tables.luma[grey] > grey as u16, "{transfer:?}: {}", tables.luma[grey]);
        }
        assert!(
            (sdr(KNEE * PAPER_WHITE + 0.01) - sdr(KNEE * PAPER_WHITE - 0.01)).abs() < 0.001,
            "no step at the knee"
        );
    }
}
