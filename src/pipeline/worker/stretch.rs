//! Sound made a little longer or shorter: by some millionths, so that nobody hears it. Pure.
//!
//! Each sample that comes out is interpolated from those that came in around its place, by a windowed sine cardinal
//! (Smith, "Digital Audio Resampling", 1984). Where nothing is to be stretched the samples come out as they went in,
//! [`TAPS`]/2 later.

/// Samples that one is made of.
const TAPS: usize = 32;

/// Places between two samples for which there are weights; between two of these weights are interpolated.
const PHASES: usize = 256;

/// Kaiser's β: nothing to be heard of what folds back, 80 dB down.
const BETA: f64 = 8.0;

/// A sound that is being stretched.
#[derive(Debug)]
pub(super) struct Stretch {
    channels: usize,
    /// Samples that are still needed, interleaved.
    kept: Vec<f32>,
    /// Where the next one to come out lies, in samples of `kept`: at the left of the middle of its taps.
    place: f64,
    weights: Vec<[f32; TAPS]>,
}

impl Stretch {
    pub(super) fn new(channels: usize) -> Self {
        let channels = channels.max(1);
        // Silence before the beginning: the first sample lies in the middle of its taps.
        Self { channels, kept: vec![0.0; channels * (TAPS / 2 - 1)], place: 0.0, weights: weights() }
    }

    /// Samples that came in and are not out yet.
    pub(super) fn pending(&self) -> f64 {
        (self.kept.len() / self.channels) as f64 - (TAPS / 2 - 1) as f64 - self.place
    }

    /// Takes interleaved samples and gives those that can be made of them: `ratio` for each.
    pub(super) fn push(&mut self, samples: &[f32], ratio: f64) -> Vec<f32> {
        self.kept.extend_from_slice(samples);
        let step = 1.0 / ratio.clamp(0.5, 2.0);
        let frames = self.kept.len() / self.channels;
        let mut out = Vec::with_capacity(samples.len() + self.channels * 8);
        while self.place as usize + TAPS <= frames {
            let first = self.place as usize;
            let between = (self.place - first as f64) * PHASES as f64;
            let phase = between as usize;
            let (left, right) = (&self.weights[phase], &self.weights[phase + 1]);
            let share = (between - phase as f64) as f32;
            for channel in 0..self.channels {
                let mut sum = 0.0f32;
                for tap in 0..TAPS {
                    let weight = left[tap] + (right[tap] - left[tap]) * share;
                    sum += weight * self.kept[(first + tap) * self.channels + channel];
                }
                out.push(sum);
            }
            self.place += step;
        }
        let used = (self.place as usize).min(frames);
        self.kept.drain(..used * self.channels);
        self.place -= used as f64;
        out
    }
}

/// For each place between the two samples in the middle, what each of the samples around counts.
fn weights() -> Vec<[f32; TAPS]> {
    let half = (TAPS / 2) as f64;
    let row = |phase: usize| {
        let fraction = phase as f64 / PHASES as f64;
        let mut row = [0.0f64; TAPS];
        for (tap, weight) in row.iter_mut().enumerate() {
            // The place lies `fraction` behind tap TAPS/2 - 1.
            let distance = tap as f64 - (half - 1.0) - fraction;
            let window = bessel(BETA * (1.0 - (distance / half).powi(2)).max(0.0).sqrt()) / bessel(BETA);
            *weight = sinc(distance) * window;
        }
        // A constant stays what it is.
        let sum: f64 = row.iter().sum();
        row.map(|weight| (weight / sum) as f32)
    };
    (0..=PHASES).map(row).collect()
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
}

/// The modified Bessel function of order zero, by its series.
fn bessel(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..40 {
        term *= quarter / f64::from(k * k);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f64, samples: usize) -> Vec<f32> {
        (0..samples).map(|n| (std::f64::consts::TAU * hertz * n as f64 / 48_000.0).sin() as f32).collect()
    }

    fn stretched(input: &[f32], ratio: f64, piece: usize) -> Vec<f32> {
        let mut stretch = Stretch::new(1);
        input.chunks(piece).flat_map(|piece| stretch.push(piece, ratio)).collect()
    }

    #[test]
    fn what_is_not_stretched_comes_out_as_it_went_in() {
        let input = tone(997.0, 5000);
        let out = stretched(&input, 1.0, 960);
        assert!(out.len() >= input.len() - TAPS, "{}", out.len());
        for (n, (a, b)) in out.iter().zip(&input).enumerate() {
            assert!((a - b).abs() < 1e-6, "sample {n}: {a} {b}");
        }
    }

    #[test]
    fn a_stretched_tone_is_the_same_tone_longer() {
        for hertz in [100.0, 1000.0, 10_000.0] {
            let (input, ratio) = (tone(hertz, 48_000), 1.0002);
            let out = stretched(&input, ratio, 480);
            let longer = out.len() as f64 - (input.len() - TAPS / 2) as f64 * ratio;
            assert!(longer.abs() < 2.0, "{hertz}: {longer} samples too many");
            // Its sample n is that of place n/ratio.
            let error = out.iter().enumerate().skip(TAPS).map(|(n, sample)| {
                let place = n as f64 / ratio;
                let ideal = (std::f64::consts::TAU * hertz * place / 48_000.0).sin();
                (f64::from(*sample) - ideal).powi(2)
            });
            let noise = (error.sum::<f64>() / (out.len() - TAPS) as f64).sqrt();
            let decibels = 20.0 * (noise / std::f64::consts::FRAC_1_SQRT_2).log10();
            assert!(decibels < -66.0, "{hertz}: noise at {decibels} dB");
        }
    }

    #[test]
    fn however_it_is_cut_it_is_the_same_and_what_is_kept_is_known() {
        let input = tone(440.0, 4000);
        let whole = stretched(&input, 0.9997, 4000);
        for piece in [1, 7, 100, 961] {
            let pieces = stretched(&input, 0.9997, piece);
            let most = pieces.iter().zip(&whole).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            // Places are counted anew with each piece, which rounds them another way.
            assert!(pieces.len().abs_diff(whole.len()) <= 1 && most < 1e-4, "{piece}: {most}");
        }
        let mut stretch = Stretch::new(2);
        let out = stretch.push(&vec![0.5; 2 * 1000], 1.0);
        assert_eq!(out.len() as f64 / 2.0 + stretch.pending(), 1000.0);
        assert!(out[2 * TAPS..].iter().all(|sample| (sample - 0.5).abs() < 1e-6), "a constant stays");
    }
}
