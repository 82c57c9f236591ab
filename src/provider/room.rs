//! The room that finished conversions take: which of them are kept beyond the server's end, and which make room.

use super::cache::Keep;
use super::kept::{Dropped, KeptReel, Making};
use super::{Entry, Keeping, Key, Providers, Work};
use crate::reel::Phase;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

/// The cache at a moment.
#[derive(Debug, Clone)]
pub struct CacheFigures {
    /// Which finished conversions are kept.
    pub policy: Keep,
    /// Bytes that they may take.
    pub limit: u64,
    /// Bytes of the disk that stay free.
    pub keep_free: u64,
    /// Bytes of the disk that are free, if the system says so.
    pub free: Option<u64>,
    /// Those that are kept, the one used last first, and whether it is being played.
    pub kept: Vec<(KeptReel, bool)>,
    /// Finished conversions that end with the server, and their bytes.
    pub passing: (usize, u64),
    /// How often a kept one was played, since the start.
    pub restored: u64,
    /// How many were kept since the start.
    pub added: u64,
}

/// A finished conversion that could make room.
enum Spare {
    Passing(Key),
    Kept(String),
}

impl Providers {
    /// The entry of a conversion that was kept and will do. Blocking.
    pub(super) fn restore(self: &Arc<Self>, making: &Making) -> Option<Entry> {
        let kept = self.means.cache.kept();
        let id = kept.find(making)?;
        let (reel, streams) = kept.restore(&id, self.means.seeks.clone())?;
        tracing::info!(id, "kept conversion is played");
        let keeping = Keeping::new(Some(making.clone()));
        let _ = keeping.name.set(Some(id.clone()));
        let (this, damaged) = (self.clone(), keeping.damaged.clone());
        // The rest of it is looked at while the beginning is played.
        let check = move || {
            if !this.means.cache.kept().check(&id) {
                damaged.store(true, Ordering::Relaxed);
            }
        };
        if let Err(error) = std::thread::Builder::new().name("check kept".into()).spawn(check) {
            tracing::warn!(%error, "a kept conversion is not looked over");
        }
        let work = Work::Kept(Box::new(streams));
        Some(Entry { reel: Arc::new(reel), work, opened: Instant::now(), keeping })
    }

    /// Begins to keep a conversion that is complete and worth it: one at a time.
    pub(super) fn keep_finished(self: &Arc<Self>) {
        let cache = &self.means.cache;
        let found = self.reels().values().find_map(|entry| {
            let (making, streams) = (entry.keeping.making.clone()?, entry.work.streams()?);
            let due = entry.keeping.name.get().is_none() && entry.reel.progress().phase == Phase::Complete;
            if !due {
                return None;
            }
            let too_large = entry.reel.progress().bytes > cache.limit();
            if !cache.policy().takes(streams) || too_large || entry.work.is_in_memory() {
                let _ = entry.keeping.name.set(None);
                return None;
            }
            Some((making, streams.clone(), entry.reel.clone(), entry.keeping.clone()))
        });
        let Some((making, streams, reel, keeping)) = found else { return };
        if self.keeping.swap(true, Ordering::SeqCst) {
            return;
        }
        let this = self.clone();
        let keep = move || {
            // The parts that are not needed go first, if they have not yet.
            reel.tidy();
            let kept = this.means.cache.kept();
            let outcome = reel.archive().map(|archive| kept.keep(&making, streams, &archive));
            let name = match outcome {
                Some(Ok(id)) => {
                    tracing::info!(id, bytes = reel.progress().bytes, "conversion is kept");
                    Some(id)
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "a finished conversion can't be kept");
                    None
                }
                None => None,
            };
            let _ = keeping.name.set(name);
            this.keeping.store(false, Ordering::SeqCst);
        };
        if let Err(error) = std::thread::Builder::new().name("keep".into()).spawn(keep) {
            tracing::warn!(%error, "a finished conversion can't be kept now");
            self.keeping.store(false, Ordering::SeqCst);
        }
    }

    /// Holds finished conversions below the cache's limit, and the disk above its floor: what was used longest ago goes.
    pub(super) fn make_room(&self, now: Instant) {
        let cache = &self.means.cache;
        let (mut spare, mut total) = self.spare(now);
        spare.sort_by_key(|(idle, ..)| *idle);
        total += spare.iter().map(|(.., bytes)| bytes).sum::<u64>();
        while total > cache.limit() || cache.is_short_of_space() {
            let Some((_, oldest, bytes)) = spare.pop() else { return };
            let why = if total > cache.limit() { Dropped::Limit } else { Dropped::Space };
            total -= bytes;
            match oldest {
                Spare::Kept(id) => cache.kept().drop(&id, why),
                Spare::Passing(key) => {
                    let mut reels = self.reels();
                    if reels.get(&key).is_some_and(|entry| entry.idle_since().is_some()) {
                        let gone = reels.remove(&key);
                        drop(reels);
                        gone.inspect(|entry| entry.work.stop());
                    }
                }
            }
        }
    }

    /// Finished conversions that nobody plays, for how long, and their bytes; and the bytes of those that are kept and
    /// played.
    fn spare(&self, now: Instant) -> (Vec<(Duration, Spare, u64)>, u64) {
        let (mut spare, mut played) = (Vec::new(), Vec::new());
        for (key, entry) in self.reels().iter().filter(|(key, _)| key.is_converted()) {
            match (entry.idle_since(), entry.keeping.name()) {
                (None, Some(id)) => played.push(id.to_owned()),
                (Some(since), None) => {
                    let idle = now.saturating_duration_since(since);
                    let unfinished = entry.reel.progress().phase != Phase::Complete;
                    let being_kept =
                        entry.keeping.name.get().is_none() && self.keeping.load(Ordering::SeqCst);
                    if !unfinished && !being_kept {
                        spare.push((idle, Spare::Passing(key.clone()), entry.reel.progress().bytes));
                    }
                }
                _ => {}
            }
        }
        let (mut in_use, wall_clock) = (0, SystemTime::now());
        for kept in self.means.cache.kept().list() {
            if played.contains(&kept.id) {
                in_use += kept.bytes;
                continue;
            }
            let idle = wall_clock.duration_since(kept.used).unwrap_or_default();
            spare.push((idle, Spare::Kept(kept.id), kept.bytes));
        }
        (spare, in_use)
    }

    /// Drops all finished conversions. Those that are played go on for whoever plays them. Blocking.
    pub fn empty_cache(&self) {
        for kept in self.means.cache.kept().list() {
            self.means.cache.kept().drop(&kept.id, Dropped::Asked);
        }
        self.reels().retain(|key, entry| {
            let finished = key.is_converted() && entry.reel.progress().phase == Phase::Complete;
            !finished || entry.idle_since().is_none()
        });
    }

    /// What the cache holds now. Blocking.
    pub fn cache_figures(&self) -> CacheFigures {
        let (mut played, mut passing) = (Vec::new(), (0, 0));
        for (_, entry) in self.reels().iter().filter(|(key, _)| key.is_converted()) {
            match entry.keeping.name() {
                Some(id) if entry.idle_since().is_none() => played.push(id.to_owned()),
                None if entry.reel.progress().phase == Phase::Complete => {
                    passing.0 += 1;
                    passing.1 += entry.reel.progress().bytes;
                }
                _ => {}
            }
        }
        let cache = &self.means.cache;
        let mut kept: Vec<_> = cache
            .kept()
            .list()
            .into_iter()
            .map(|kept| (played.contains(&kept.id), kept))
            .map(|(is, kept)| (kept, is))
            .collect();
        kept.sort_by_key(|(kept, _)| std::cmp::Reverse(kept.used));
        let (restored, added) = cache.kept().uses();
        CacheFigures {
            policy: cache.policy(),
            limit: cache.limit(),
            keep_free: cache.keep_free(),
            free: cache.free().ok(),
            kept,
            passing,
            restored,
            added,
        }
    }

    /// Kept conversions that were dropped for this reason, since the start.
    pub fn dropped(&self, why: Dropped) -> u64 {
        self.means.cache.kept().dropped(why)
    }
}
