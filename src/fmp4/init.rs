//! The init segment: `ftyp` and a `moov` without samples.

use super::boxes::BoxWriter;
use super::fragment::{NON_SYNC_SAMPLE, SYNC_SAMPLE};
use super::lane::{AUDIO_TRACK, VIDEO_TIMESCALE, VIDEO_TRACK};
use crate::flv::{aac::AacConfig, avc::AvcConfig};
use crate::time::MediaTime;
use bytes::Bytes;

/// Ticks a second of `mvhd` and `mehd`: milliseconds, as all our times.
pub(super) const MOVIE_TIMESCALE: u32 = 1000;
/// `und`: three letters of five bits (ISO 14496-12, 8.4.2.3).
const LANGUAGE_UNDETERMINED: u16 = 0x55c4;
/// No rotation, no scaling (8.2.2.2).
const UNITY_MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// Builds `ftyp moov` for the lanes there are. `duration` becomes `mehd`.
pub(super) fn segment(
    video: Option<&AvcConfig>,
    audio: Option<&AacConfig>,
    duration: Option<MediaTime>,
) -> Bytes {
    let mut out = BoxWriter::default();
    out.plain(b"ftyp", |out| {
        out.bytes(b"iso6"); // the brand that has tfdt and default-base-is-moof
        out.u32(1);
        out.bytes(b"iso6iso5mp41");
    });
    out.plain(b"moov", |out| {
        movie_header(out, 0); // of the samples in moov: there are none
        out.plain(b"mvex", |out| {
            if let Some(duration) = duration {
                out.full(b"mehd", 1, 0, |out| out.u64(duration.as_millis().into()));
            }
            if video.is_some() {
                track_extends(out, VIDEO_TRACK, NON_SYNC_SAMPLE);
            }
            if audio.is_some() {
                track_extends(out, AUDIO_TRACK, SYNC_SAMPLE);
            }
        });
        if let Some(config) = video {
            video_track(out, config, &Times::default(), no_samples);
        }
        if let Some(config) = audio {
            audio_track(out, config, &Times::default(), no_samples);
        }
    });
    out.finish()
}

/// `duration` is that of the samples in `moov`, in ticks of the movie.
pub(super) fn movie_header(out: &mut BoxWriter, duration: u64) {
    out.full(b"mvhd", 0, 0, |out| {
        out.zeros(8); // creation and modification time
        out.u32(MOVIE_TIMESCALE);
        out.u32(u32::try_from(duration).unwrap_or(u32::MAX));
        out.u32(0x1_0000); // rate 1.0
        out.u16(0x100); // volume 1.0
        out.zeros(10);
        matrix(out);
        out.zeros(24);
        out.u32(AUDIO_TRACK + 1); // next track id
    });
}

fn track_extends(out: &mut BoxWriter, track: u32, default_sample_flags: u32) {
    out.full(b"trex", 0, 0, |out| {
        out.u32(track);
        out.u32(1); // sample description
        out.zeros(8); // duration, size: each fragment gives them
        out.u32(default_sample_flags);
    });
}

/// How long a track is whose samples are in `moov`.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// Its end, in ticks of the movie.
    pub(super) movie: u64,
    /// Its length, in ticks of its own.
    pub(super) media: u64,
    /// How much later than the movie it begins, in ticks of the movie.
    pub(super) delay: u64,
}

/// The samples are in the fragments, but the boxes are mandatory.
fn no_samples(out: &mut BoxWriter) {
    out.full(b"stts", 0, 0, |out| out.u32(0));
    out.full(b"stsc", 0, 0, |out| out.u32(0));
    out.full(b"stsz", 0, 0, |out| out.zeros(8));
    out.full(b"stco", 0, 0, |out| out.u32(0));
}

/// `trak` of the picture; `tables` writes what is in `stbl` behind the sample entry.
pub(super) fn video_track(
    out: &mut BoxWriter,
    config: &AvcConfig,
    times: &Times,
    tables: impl FnOnce(&mut BoxWriter),
) {
    // The track is shown with square pixels: its width is stretched (8.3.2.1).
    let (horizontal, vertical) = config.pixel_aspect.unwrap_or((1, 1));
    let shown = u32::from(config.width) * u32::from(horizontal) / u32::from(vertical).max(1);
    let shown = (shown.min(0xffff) << 16, u32::from(config.height) << 16);
    let track =
        Track { id: VIDEO_TRACK, timescale: VIDEO_TIMESCALE, handler: b"vide", name: b"Video\0", shown };
    track.write(out, times, tables, |out| {
        out.plain(b"avc1", |out| {
            out.zeros(6);
            out.u16(1); // data reference
            out.zeros(16);
            out.u16(config.width);
            out.u16(config.height);
            out.u32(0x48_0000); // 72 dpi
            out.u32(0x48_0000);
            out.zeros(4);
            out.u16(1); // one frame a sample
            out.zeros(32); // compressor name
            out.u16(0x18); // depth
            out.u16(0xffff);
            out.plain(b"avcC", |out| out.bytes(&config.record));
            if let Some((horizontal, vertical)) = config.pixel_aspect {
                out.plain(b"pasp", |out| {
                    out.u32(horizontal.into());
                    out.u32(vertical.into());
                });
            }
        });
    });
}

/// `trak` of the sound, likewise.
pub(super) fn audio_track(
    out: &mut BoxWriter,
    config: &AacConfig,
    times: &Times,
    tables: impl FnOnce(&mut BoxWriter),
) {
    let (timescale, shown) = (config.sample_rate, (0, 0));
    let track = Track { id: AUDIO_TRACK, timescale, handler: b"soun", name: b"Audio\0", shown };
    track.write(out, times, tables, |out| {
        out.plain(b"mp4a", |out| {
            out.zeros(6);
            out.u16(1); // data reference
            out.zeros(8);
            out.u16(config.channels.into());
            out.u16(16); // bits a sample, always
            out.zeros(4);
            // 16.16: rates from 65,536 Hz do not fit and are read from the configuration.
            out.u16(u16::try_from(config.sample_rate).unwrap_or(0));
            out.u16(0);
            out.full(b"esds", 0, 0, |out| elementary_stream(out, &config.config));
        });
    });
}

/// The ES descriptor (ISO 14496-1, 7.2.6.5) around an AudioSpecificConfig.
fn elementary_stream(out: &mut BoxWriter, config: &[u8]) {
    out.descriptor(0x03, |out| {
        out.u16(AUDIO_TRACK as u16);
        out.u8(0); // no dependency, URL or OCR stream
        out.descriptor(0x04, |out| {
            out.u8(0x40); // MPEG-4 audio
            out.u8(0x15); // audio stream, not upstream, reserved bit
            out.zeros(3 + 4 + 4); // buffer size, bit rates: unknown
            out.descriptor(0x05, |out| out.bytes(config));
        });
        out.descriptor(0x06, |out| out.u8(0x02)); // SL: as in MP4 files
    });
}

/// What a `trak` says beside its samples.
struct Track {
    id: u32,
    timescale: u32,
    handler: &'static [u8; 4],
    name: &'static [u8],
    /// Width and height, 16.16.
    shown: (u32, u32),
}

impl Track {
    fn write(
        &self,
        out: &mut BoxWriter,
        times: &Times,
        tables: impl FnOnce(&mut BoxWriter),
        sample_entry: impl FnOnce(&mut BoxWriter),
    ) {
        let is_audio = self.handler == b"soun";
        out.plain(b"trak", |out| {
            // Flags: enabled, in movie.
            out.full(b"tkhd", 0, 3, |out| {
                out.zeros(8);
                out.u32(self.id);
                out.zeros(4);
                out.u32(u32::try_from(times.movie).unwrap_or(u32::MAX));
                out.zeros(8 + 2 + 2); // reserved, layer, group
                out.u16(if is_audio { 0x100 } else { 0 }); // volume
                out.zeros(2);
                matrix(out);
                out.u32(self.shown.0);
                out.u32(self.shown.1);
            });
            if times.delay > 0 {
                out.plain(b"edts", |out| edit_list(out, times));
            }
            out.plain(b"mdia", |out| {
                match u32::try_from(times.media) {
                    Ok(media) => out.full(b"mdhd", 0, 0, |out| {
                        out.zeros(8);
                        out.u32(self.timescale);
                        out.u32(media);
                        out.u32(u32::from(LANGUAGE_UNDETERMINED) << 16);
                    }),
                    // Thirteen hours of pictures.
                    Err(_) => out.full(b"mdhd", 1, 0, |out| {
                        out.zeros(16);
                        out.u32(self.timescale);
                        out.u64(times.media);
                        out.u32(u32::from(LANGUAGE_UNDETERMINED) << 16);
                    }),
                }
                out.full(b"hdlr", 0, 0, |out| {
                    out.zeros(4);
                    out.bytes(self.handler);
                    out.zeros(12);
                    out.bytes(self.name);
                });
                out.plain(b"minf", |out| {
                    if is_audio {
                        out.full(b"smhd", 0, 0, |out| out.zeros(4));
                    } else {
                        out.full(b"vmhd", 0, 1, |out| out.zeros(8));
                    }
                    out.plain(b"dinf", |out| {
                        out.full(b"dref", 0, 0, |out| {
                            out.u32(1);
                            out.full(b"url ", 0, 1, |_| ()); // flag: in this same file
                        });
                    });
                    out.plain(b"stbl", |out| {
                        out.full(b"stsd", 0, 0, |out| {
                            out.u32(1);
                            sample_entry(out);
                        });
                        tables(out);
                    });
                });
            });
        });
    }
}

/// Nothing for a while, then the media from its beginning (8.6.6).
fn edit_list(out: &mut BoxWriter, times: &Times) {
    out.full(b"elst", 1, 0, |out| {
        out.u32(2);
        for (duration, media) in [(times.delay, u64::MAX), (times.movie - times.delay, 0)] {
            out.u64(duration);
            out.u64(media);
            out.u32(0x1_0000); // rate 1.0
        }
    });
}

fn matrix(out: &mut BoxWriter) {
    for value in UNITY_MATRIX {
        out.u32(value);
    }
}
