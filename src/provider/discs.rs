//! A film in several files that each begin anew (`film.cd1.avi`, `film.cd2.avi`): where on its timeline each of them is.
//!
//! ```text
//!  files      ├────── cd1 ──────┤├──── cd2 ────┤├─── cd3 ───┤
//!  timeline   0                  begins          begins       ends
//! ```
//!
//! That has to be the same for every conversion of the film, wherever it begins. So all files are looked at once, before
//! the first conversion: how long each says that it is, and by how much its times are moved.

use crate::limits::KEYFRAME_INTERVAL;
use crate::pipeline::{self, Conversion, ConversionError, Event, Killer, MediaStreams, Request};
use crate::time::MediaTime;
use std::fs::File;
use std::io;
use std::path::Path;

/// One of the files.
#[derive(Debug)]
pub(super) struct Disc {
    file: File,
    /// Its first frame is here on the film's timeline, and what comes behind its last belongs to the next one.
    pub(super) begins: MediaTime,
    pub(super) ends: MediaTime,
    /// What is added to its times, before `begins` is.
    pub(super) lead_ns: i64,
    /// How far its keyframes are moved, so that those of all discs are on one grid.
    pub(super) grid_ns: u64,
}

impl Disc {
    /// For one more worker.
    pub(super) fn open(&self) -> io::Result<pipeline::Media> {
        Ok(self.file.try_clone()?.into())
    }
}

/// All of them, in order; the last one goes on for as long as it has something.
#[derive(Debug, Default)]
pub(super) struct Discs {
    list: Vec<Disc>,
    length: Option<MediaTime>,
}

impl Discs {
    /// Looks at each file, as it will be converted. One that cannot be played ends the film before it; `began` is told of
    /// every worker that is waited for. Blocking.
    pub(super) fn look(
        program: &Path,
        files: impl IntoIterator<Item = io::Result<File>>,
        request: &Request,
        began: impl Fn(Killer),
    ) -> Result<Self, ConversionError> {
        let mut discs = Self::default();
        for file in files {
            let found = file.map_err(ConversionError::Spawn).and_then(|file| {
                let media = file.try_clone().map_err(ConversionError::Spawn)?;
                Ok((file, introduction(program, media, request, &began)?))
            });
            match found {
                Ok((file, streams)) => {
                    discs.add(file, streams.duration, streams.lead_ns);
                    // Nobody knows where the next one would begin.
                    if streams.duration.is_none() {
                        break;
                    }
                }
                Err(error) if discs.list.is_empty() || matches!(error, ConversionError::Stopped) => {
                    return Err(error);
                }
                Err(error) => {
                    tracing::warn!(number = discs.list.len() + 1, %error, "a film ends before one of its files");
                    break;
                }
            }
        }
        if let Some(last) = discs.list.last_mut() {
            last.ends = MediaTime::MAX;
        }
        Ok(discs)
    }

    fn add(&mut self, file: File, length: Option<MediaTime>, lead_ns: i64) {
        let begins = self.list.last().map_or(MediaTime::ZERO, |before| before.ends);
        let lead_ms = u32::try_from(lead_ns.max(0).div_euclid(1_000_000) + 1).unwrap_or(u32::MAX);
        self.length = length
            .map(|length| begins.saturating_add_millis(length.as_millis()).saturating_add_millis(lead_ms));
        let ends = self.length.unwrap_or(MediaTime::MAX);
        // The first one's grid is everybody's.
        let first_lead_ns = self.list.first().map_or(lead_ns, |first| first.lead_ns);
        let moved = lead_ns + i64::from(begins.as_millis()) * 1_000_000 - first_lead_ns;
        let grid_ns = moved.rem_euclid(KEYFRAME_INTERVAL.as_nanos() as i64).unsigned_abs();
        self.list.push(Disc { file, begins, ends, lead_ns, grid_ns });
    }

    /// How long the film is, as far as its files say.
    pub(super) fn length(&self) -> Option<MediaTime> {
        self.length
    }

    /// Those from the one with this time in it on.
    pub(super) fn from(&self, time: MediaTime) -> &[Disc] {
        let at = self.list.partition_point(|disc| disc.begins <= time);
        &self.list[at.saturating_sub(1)..]
    }
}

/// What a conversion says before its first frame.
fn introduction(
    program: &Path,
    media: File,
    request: &Request,
    began: impl Fn(Killer),
) -> Result<MediaStreams, ConversionError> {
    let mut conversion = Conversion::spawn(program, media, request).map_err(ConversionError::Spawn)?;
    began(conversion.killer());
    match conversion.next_event()? {
        Event::Streams(streams) => Ok(streams),
        other => Err(ConversionError::Nonsense { detail: format!("it began with {other:?}") }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_disc_begins_where_the_one_before_ends_and_keyframes_are_on_one_grid() {
        let mut discs = Discs::default();
        let seconds = |s: u32| Some(MediaTime::from_millis(s * 1000));
        let leads = [80_000_000, 0, -3_600_000_000_000i64];
        for (length, lead_ns) in [seconds(61), seconds(30), None].into_iter().zip(leads) {
            discs.add(tempfile::tempfile().unwrap(), length, lead_ns);
        }
        let begins: Vec<u32> = discs.list.iter().map(|disc| disc.begins.as_millis()).collect();
        assert_eq!(begins, [0, 61_081, 91_082]);
        assert_eq!(discs.length(), None, "the last one does not say");
        for disc in &discs.list {
            // A keyframe of the file, on the film's timeline, and one of the first file.
            let file_ns = 4_000_000_000i64 - disc.grid_ns as i64;
            let film_ns = file_ns + disc.lead_ns + i64::from(disc.begins.as_millis()) * 1_000_000;
            assert_eq!((film_ns - 80_000_000).rem_euclid(2_000_000_000), 0, "{disc:?}");
        }
        let first_of = |ms: u32| discs.from(MediaTime::from_millis(ms))[0].begins.as_millis();
        assert_eq!([0, 61_080, 61_081, 91_081, 9_000_000].map(first_of), [0, 0, 61_081, 61_081, 91_082]);
    }
}
