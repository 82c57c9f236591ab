//! Looking at one file, and remembering what was seen.

use super::record::{Details, Failure, Kept, Knowledge, Stamp};
use super::{Index, State, seconds_now};
use crate::library::{Continuation, FileIdentity, LibraryPath};
use crate::limits;
use crate::pipeline::{self, ConversionError, Look, Looked, Purpose};
use std::fs::File;
use std::io;
use std::time::{Instant, SystemTime};

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// It is known now, or was.
    Done,
    /// Another thread looks at it: once more, later.
    Taken,
    /// It is being written: not now.
    Fresh,
    /// No worker could be started: it is not the file's fault.
    NoWorker,
}

impl Index {
    /// What somebody waits for, for as long as the server runs.
    pub(super) fn serve_asked(&self) {
        while let Some((path, look)) = self.next_asked() {
            self.look_at(&path, look);
        }
    }

    fn next_asked(&self) -> Option<(LibraryPath, Look)> {
        let mut state = self.state();
        loop {
            if self.stopped() {
                return None;
            }
            if let Some(next) = state.asked.pop_front() {
                return Some(next);
            }
            state = self.0.work.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    /// Blocking, for as long as a worker may take.
    pub(super) fn look_at(&self, path: &LibraryPath, look: Look) -> Outcome {
        let Ok(file) = self.0.library.open(path) else { return Outcome::Done };
        let (identity, stamp) = (file.identity, Stamp::of(file.identity));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        if super::walk::is_fresh(stamp, now) {
            return Outcome::Fresh;
        }
        let shelf = self.state().store.shelf();
        let disk_has_room = look == Look::Contents || shelf.has_room();
        let look = {
            let mut state = self.state();
            if state.looking.contains(path) {
                return Outcome::Taken;
            }
            if !state.catalogue.wants(path, &stamp, look, now.as_secs()) {
                return Outcome::Done;
            }
            let how = match look {
                // Without room for pictures none are made.
                Look::Pictures if !self.has_picture_room(&mut state, disk_has_room) => Look::Contents,
                look => look,
            };
            if !state.catalogue.wants(path, &stamp, how, now.as_secs()) {
                return Outcome::Done;
            }
            state.looking.push(path.clone());
            how
        };
        let begun = Instant::now();
        let seen = self.see(path, &file.file, look);
        let pictures = match &seen {
            Ok(Ok(seen)) => seen.pictures.iter().map(|picture| shelf.put(path, &stamp, picture)).collect(),
            _ => Vec::new(),
        };
        let unchanged = file.file.metadata().is_ok_and(|data| Stamp::of(FileIdentity::of(&data)) == stamp);
        let mut state = self.state();
        state.looking.retain(|other| other != path);
        state.looked += 1;
        state.spent += begun.elapsed();
        match seen {
            Ok(Err(ConversionError::Spawn(_) | ConversionError::NotInstalled { .. })) | Err(_) => {
                Outcome::NoWorker
            }
            // The worker dies with the server.
            _ if self.stopped() => Outcome::Done,
            _ if !unchanged => Outcome::Fresh,
            Ok(Err(ConversionError::Stalled { .. })) if machine_is_loaded() && state.doubt(path) => {
                Outcome::Fresh
            }
            // So does memory that ran out.
            Ok(Err(ConversionError::Killed { .. })) if state.doubt(path) => Outcome::Fresh,
            Ok(seen) => {
                if let Err(error) = &seen {
                    tracing::debug!(file = %path, %error, "nothing is known of it");
                }
                state.remember(path, identity, seen.map(|seen| (seen, pictures)), look);
                drop(state);
                self.0.feed.note(path.split_last().map(|(folder, _)| folder));
                Outcome::Done
            }
        }
    }

    /// A file, and those that it goes on in. What says so much of a film in several is its first one; its length is that
    /// of all.
    fn see(
        &self,
        path: &LibraryPath,
        file: &File,
        look: Look,
    ) -> io::Result<Result<Looked, ConversionError>> {
        let continuation = self.0.library.continuation(path);
        let opened = continuation.paths().iter().map_while(|part| Some(self.0.library.open(part).ok()?.file));
        let rest: Vec<File> = opened.collect();
        let look_at = |media: File, rest: &[File], look| pipeline::look(&self.0.program, media, rest, look);
        let Continuation::Discs(_) = continuation else {
            return Ok(look_at(file.try_clone()?, &rest, look));
        };
        let mut seen = look_at(file.try_clone()?, &[], look);
        if let Ok(seen) = &mut seen {
            for disc in rest {
                let length = look_at(disc, &[], Look::Contents).ok().and_then(|disc| disc.streams.duration);
                let (Some(before), Some(more)) = (seen.streams.duration, length) else { break };
                seen.streams.duration = Some(before.saturating_add_millis(more.as_millis()));
            }
        }
        Ok(seen)
    }

    fn has_picture_room(&self, state: &mut State, disk_has_room: bool) -> bool {
        let (limit, more) = (self.0.settings.limit, 2 * limits::TYPICAL_SHEET);
        if !state.catalogue.has_picture_room(more, limit) {
            let changes = state.catalogue.make_room(more, limit);
            state.apply(changes);
        }
        let room = disk_has_room && state.catalogue.has_picture_room(more, limit) && state.store.has_room();
        if !room && limit > 0 && !state.full_told {
            state.full_told = true;
            tracing::warn!(
                limit,
                "no more pictures of films are made: there is no room; raise [index] limit_mb, or make room on the disk"
            );
        }
        room
    }
}

/// All processors are in use, by whatever: what takes long then says little.
pub fn machine_is_loaded() -> bool {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = load.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0.0);
    load > std::thread::available_parallelism().map_or(1, usize::from) as f64
}

impl State {
    /// True the first time: a file that stalls, or is killed, again is at fault itself.
    fn doubt(&mut self, path: &LibraryPath) -> bool {
        self.doubted.len() < limits::MAX_INDEX_ASKED && self.doubted.insert(path.clone())
    }

    fn remember(
        &mut self,
        path: &LibraryPath,
        file: FileIdentity,
        seen: Result<(Looked, Vec<Option<Kept>>), ConversionError>,
        look: Look,
    ) {
        let stamp = Stamp::of(file);
        let before = self.catalogue.knowledge(path, &stamp);
        let times =
            before.as_ref().and_then(|known| known.failure.as_ref()).map_or(0, |failure| failure.times);
        let failed = |error: ConversionError| Failure {
            reason: error.to_string(),
            at: seconds_now(),
            times: times.saturating_add(1),
        };
        let known = match seen {
            Err(error) => Knowledge {
                // What an earlier look found out still holds.
                failure: Some(failed(error)),
                pictured: look == Look::Pictures,
                ..before.unwrap_or_default()
            },
            Ok((looked, put)) => {
                let mut known = Knowledge {
                    details: Some(Details::of(looked.streams)),
                    pictured: look == Look::Pictures,
                    failure: looked.trouble.map(failed),
                    ..Knowledge::default()
                };
                for (picture, put) in looked.pictures.iter().zip(put) {
                    let kept = put.filter(|kept| self.store.note(kept, picture));
                    // It is made again when there is room.
                    known.pictured &= kept.is_some() || !self.store.takes(picture.purpose);
                    match picture.purpose {
                        Purpose::Poster => known.poster = kept,
                        Purpose::Bar => known.bar = kept,
                    }
                }
                known
            }
        };
        match self.catalogue.learn(path.clone(), file.file().device(), stamp, known) {
            Some(changes) => self.apply(changes),
            None => tracing::debug!(file = %path, "the index is full"),
        }
    }
}
