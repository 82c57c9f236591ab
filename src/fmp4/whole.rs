//! A whole medium as one MP4 file, for players that know no fragments: `ftyp moov`, then an `mdat` that is the medium's
//! FLV data as it lies on disk. The sample tables lead to the frames in it and past the heads of the tags between them,
//! so nothing is copied, and a byte range of the file is a byte range of the data.
//!
//! ```text
//!  ftyp moov{trak{stbl{stts ctts stss stsz stsc co64}}…} mdat ─┬─ tag head │ frame │ tag head │ frame │ …
//!                                              co64 ───────────┴───────────▲───────────────────▲
//! ```

use super::boxes::BoxWriter;
use super::init::{self, MOVIE_TIMESCALE};
use super::lane::{VIDEO_TIMESCALE, ticks, ticks_of};
use super::segment::Configs;
use crate::limits::{FMP4_AUDIO_TOLERANCE, MAX_MP4_SAMPLES};
use crate::time::MediaTime;
use bytes::Bytes;

/// A frame, and where it is.
#[derive(Debug, Clone, Copy)]
struct Sample {
    /// In ticks of its track.
    dts: u64,
    /// PTS − DTS, in ticks.
    composition: i32,
    sync: bool,
    size: u32,
    /// Counted from the first byte of the data.
    offset: u64,
}

/// Gathers the frames of a medium, then says what goes before its data.
#[derive(Debug)]
pub struct Whole {
    configs: Configs,
    video: Vec<Sample>,
    audio: Vec<Sample>,
    /// Where the next frame of sound belongs.
    next: Option<u64>,
}

/// More frames than are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has more than {MAX_MP4_SAMPLES} frames")]
pub struct TooLong;

impl Whole {
    /// For a medium with these configurations from its start to its end.
    pub fn new(configs: Configs) -> Self {
        Self { configs, video: Vec::new(), audio: Vec::new(), next: None }
    }

    /// A picture: where its bytes are in the data, and how many. Those before the first keyframe are left out.
    ///
    /// # Errors
    /// When there are too many frames.
    pub fn picture(
        &mut self,
        at: MediaTime,
        composition_ms: i32,
        sync: bool,
        (offset, size): (u64, u32),
    ) -> Result<(), TooLong> {
        if self.configs.video.is_none() || (self.video.is_empty() && !sync) {
            return Ok(());
        }
        let wanted = ticks(at, VIDEO_TIMESCALE);
        let dts = self.video.last().map_or(wanted, |last| wanted.max(last.dts + 1));
        let composition =
            i64::from(composition_ms) * i64::from(VIDEO_TIMESCALE / 1000) - (dts - wanted) as i64;
        let composition = composition.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        keep(&mut self.video, Sample { dts, composition, sync, size, offset })
    }

    /// A frame of sound. One that comes twice comes once; where some are missing, the one before lasts until the next.
    ///
    /// # Errors
    /// When there are too many frames.
    pub fn sound(&mut self, at: MediaTime, (offset, size): (u64, u32)) -> Result<(), TooLong> {
        let Some(config) = &self.configs.audio else { return Ok(()) };
        let wanted = ticks(at, config.sample_rate);
        let tolerance = ticks_of(FMP4_AUDIO_TOLERANCE, config.sample_rate);
        let next = self.next.unwrap_or(wanted);
        if wanted + tolerance < next {
            return Ok(());
        }
        let dts = if wanted > next + tolerance { wanted } else { next };
        self.next = Some(dts + u64::from(config.frame_samples));
        keep(&mut self.audio, Sample { dts, composition: 0, sync: true, size, offset })
    }

    /// What goes before `len` bytes of data: `ftyp`, `moov`, and the head of `mdat`.
    pub fn head(&self, len: u64) -> Bytes {
        // Where the data begins does not change how long the tables are, so the first try measures it.
        let measured = self.boxes(0, len).len() as u64;
        self.boxes(measured, len)
    }

    fn boxes(&self, data: u64, len: u64) -> Bytes {
        let mut out = BoxWriter::default();
        out.plain(b"ftyp", |out| {
            out.bytes(b"isom");
            out.u32(0x200);
            out.bytes(b"isomiso2avc1mp41");
        });
        let frame = self.configs.audio.as_ref().map_or(0, |config| config.frame_samples);
        let rate = self.configs.audio.as_ref().map_or(1, |config| config.sample_rate);
        let video = Lane { samples: &self.video, timescale: VIDEO_TIMESCALE, last: VIDEO_TIMESCALE / 25 };
        let audio = Lane { samples: &self.audio, timescale: rate, last: frame.into() };
        out.plain(b"moov", |out| {
            init::movie_header(out, video.movie_end().max(audio.movie_end()));
            if let Some(config) = self.configs.video.as_ref().filter(|_| !self.video.is_empty()) {
                init::video_track(out, config, &video.times(), |out| video.tables(out, data));
            }
            if let Some(config) = self.configs.audio.as_ref().filter(|_| !self.audio.is_empty()) {
                init::audio_track(out, config, &audio.times(), |out| audio.tables(out, data));
            }
        });
        // The long form, whatever the length: its own length must not depend on it.
        out.u32(1);
        out.bytes(b"mdat");
        out.u64(len + 16);
        out.finish()
    }
}

fn keep(samples: &mut Vec<Sample>, sample: Sample) -> Result<(), TooLong> {
    if samples.len() >= MAX_MP4_SAMPLES {
        return Err(TooLong);
    }
    samples.push(sample);
    Ok(())
}

/// A track's frames and clock.
struct Lane<'a> {
    samples: &'a [Sample],
    timescale: u32,
    /// How long a last frame lasts that is the only one.
    last: u32,
}

impl Lane<'_> {
    fn start(&self) -> u64 {
        self.samples.first().map_or(0, |first| first.dts)
    }

    fn durations(&self) -> impl Iterator<Item = u32> {
        let duration = |from: &Sample, to: &Sample| u32::try_from(to.dts - from.dts).unwrap_or(u32::MAX);
        let between = self.samples.windows(2).map(move |two| duration(&two[0], &two[1]));
        let last = match self.samples {
            [.., before, last] => duration(before, last),
            _ => self.last,
        };
        between.chain((!self.samples.is_empty()).then_some(last))
    }

    /// Ticks that it lasts.
    fn length(&self) -> u64 {
        self.durations().map(u64::from).sum()
    }

    /// In ticks of the movie.
    fn movie(&self, ticks: u64) -> u64 {
        ticks * u64::from(MOVIE_TIMESCALE) / u64::from(self.timescale.max(1))
    }

    fn movie_end(&self) -> u64 {
        if self.samples.is_empty() { 0 } else { self.movie(self.start() + self.length()) }
    }

    fn times(&self) -> init::Times {
        init::Times { movie: self.movie_end(), media: self.length(), delay: self.movie(self.start()) }
    }

    /// `stbl` but for `stsd`.
    fn tables(&self, out: &mut BoxWriter, data: u64) {
        let samples = self.samples;
        runs(out, b"stts", 0, self.durations());
        if samples.iter().any(|sample| sample.composition != 0) {
            // Version 1: offsets are signed.
            runs(out, b"ctts", 1, samples.iter().map(|sample| sample.composition as u32));
        }
        if samples.iter().any(|sample| !sample.sync) {
            out.full(b"stss", 0, 0, |out| {
                let sync = samples.iter().enumerate().filter(|(_, sample)| sample.sync);
                let numbers: Vec<u32> = sync.map(|(at, _)| at as u32 + 1).collect();
                out.u32(numbers.len() as u32);
                numbers.into_iter().for_each(|number| out.u32(number));
            });
        }
        out.full(b"stsz", 0, 0, |out| {
            out.u32(0); // they differ
            out.u32(samples.len() as u32);
            samples.iter().for_each(|sample| out.u32(sample.size));
        });
        out.full(b"stsc", 0, 0, |out| {
            out.u32(1);
            [1, 1, 1].into_iter().for_each(|one| out.u32(one)); // from the first chunk on, one sample in each
        });
        out.full(b"co64", 0, 0, |out| {
            out.u32(samples.len() as u32);
            samples.iter().for_each(|sample| out.u64(data + sample.offset));
        });
    }
}

/// A table of values that repeat: how often, and which.
fn runs(out: &mut BoxWriter, kind: &[u8; 4], version: u8, values: impl Iterator<Item = u32>) {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some((count, last)) if *last == value => *count += 1,
            _ => runs.push((1, value)),
        }
    }
    out.full(kind, version, 0, |out| {
        out.u32(runs.len() as u32);
        for (count, value) in runs {
            out.u32(count);
            out.u32(value);
        }
    });
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::flv::aac::AacConfig;

    #[test]
    fn tables_lead_to_the_frames_behind_the_head() {
        let audio = AacConfig::parse(&Bytes::from_static(&[0x11, 0x90])).unwrap();
        let mut whole = Whole::new(Configs { video: None, audio: Some(audio) });
        for (ms, offset) in [(100, 13), (121, 40), (143, 67), (110, 90), (300, 120)] {
            whole.sound(MediaTime::from_millis(ms), (offset, 9)).unwrap();
        }
        let head = whole.head(1000);
        let at = |kind: &[u8; 4]| head.windows(4).position(|four| four == kind).unwrap() + 4;
        let number = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap());
        let long = |at: usize| u64::from_be_bytes(head[at..at + 8].try_into().unwrap());
        // The one at 110 ms comes long before the one at 143 has ended, and is one too many.
        assert_eq!(number(at(b"stsz") + 8), 4);
        let table = at(b"co64") + 8;
        let offsets: Vec<u64> = (0..4).map(|n| long(table + n * 8) - head.len() as u64).collect();
        assert_eq!(offsets, [13, 40, 67, 120]);
        // 1024 samples twice, then until 300 ms; the last one as long as the one before it.
        let table = at(b"stts") + 8;
        let runs: Vec<(u32, u32)> =
            (0..2).map(|n| (number(table + n * 8), number(table + 4 + n * 8))).collect();
        assert_eq!(runs, [(2, 1024), (2, 14_400 - 4800 - 2048)]);
        assert_eq!(long(head.len() - 8), 1016);
        assert_eq!(whole.head(5).len(), head.len(), "it does not depend on the length");
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let audio = AacConfig::parse(&Bytes::from_static(&[0x11, 0x90])).unwrap();
        let mut whole = Whole::new(Configs { video: None, audio: Some(audio) });
        let mut time = 0u32;
        let refused = (0..=MAX_MP4_SAMPLES).any(|_| {
            time += 22;
            whole.sound(MediaTime::from_millis(time), (0, 1)).is_err()
        });
        assert!(refused);
    }
}
