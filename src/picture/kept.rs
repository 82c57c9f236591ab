//! The pictures made last, in memory: slideshows come round again, and several screens show the same.

use super::Fit;
use crate::library::FileIdentity;
use bytes::Bytes;
use std::collections::HashMap;

/// A picture as it was asked for: this file, unchanged, of this size.
pub(super) type Key = (FileIdentity, Fit);

/// At most so many bytes of pictures; those that were not asked for longest go first.
#[derive(Debug)]
pub(super) struct Kept {
    most: usize,
    bytes: usize,
    /// Counts requests, so that the oldest can be told.
    clock: u64,
    pictures: HashMap<Key, (u64, Bytes)>,
}

impl Kept {
    pub(super) fn new(most: usize) -> Self {
        Self { most, bytes: 0, clock: 0, pictures: HashMap::new() }
    }

    pub(super) fn get(&mut self, key: &Key) -> Option<Bytes> {
        self.clock += 1;
        let (asked, picture) = self.pictures.get_mut(key)?;
        *asked = self.clock;
        Some(picture.clone())
    }

    pub(super) fn put(&mut self, key: Key, picture: Bytes) {
        if picture.len() > self.most {
            return;
        }
        self.clock += 1;
        self.bytes += picture.len();
        if let Some((_, before)) = self.pictures.insert(key, (self.clock, picture)) {
            self.bytes -= before.len();
        }
        while self.bytes > self.most {
            // Some hundred at most: not worth an order of their own.
            let Some(oldest) = self.pictures.iter().min_by_key(|(_, (asked, _))| *asked).map(|(key, _)| *key)
            else {
                return;
            };
            if let Some((_, picture)) = self.pictures.remove(&oldest) {
                self.bytes -= picture.len();
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_least_asked_for_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let key = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, name).unwrap();
            (FileIdentity::of(&std::fs::metadata(path).unwrap()), Fit::default())
        };
        let (a, b, c) = (key("a"), key("b"), key("c"));
        let mut kept = Kept::new(10);
        kept.put(a, Bytes::from_static(b"aaaa"));
        kept.put(b, Bytes::from_static(b"bbbb"));
        assert_eq!(kept.get(&a).unwrap(), "aaaa");
        kept.put(c, Bytes::from_static(b"cccc"));
        assert!(kept.get(&b).is_none() && kept.get(&a).is_some() && kept.get(&c).is_some());
        // In place of itself it counts once; what is larger than all is not kept.
        kept.put(c, Bytes::from_static(b"cc"));
        assert_eq!(kept.bytes, 6);
        kept.put(b, Bytes::from_static(b"more than ten"));
        assert_eq!((kept.bytes, kept.pictures.len()), (6, 2));
    }
}
