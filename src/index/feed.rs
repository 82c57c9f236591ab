//! Which folders of the library have changed, for whoever shows them.

use crate::library::LibraryPath;
use crate::limits::MAX_FEED;
use std::collections::VecDeque;
use tokio::sync::watch;

/// The changes of the last time. Readers are places in it: it does not grow with them.
#[derive(Debug, Default)]
pub struct Feed {
    sender: watch::Sender<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    /// The number of the latest change.
    revision: u64,
    /// The latest changes with their numbers; `None` for one that may have touched any folder.
    changes: VecDeque<(u64, Option<LibraryPath>)>,
}

/// Who wants to be told of changes.
#[derive(Debug)]
pub struct Follower {
    receiver: watch::Receiver<Recent>,
    seen: u64,
}

/// What has changed since the last time.
#[derive(Debug, PartialEq, Eq)]
pub struct Changed {
    /// The number of the latest change.
    pub revision: u64,
    /// The folders; `None` when it may be any.
    pub folders: Option<Vec<LibraryPath>>,
}

impl Feed {
    /// A folder has changed, or what is known of its files; `None` for any.
    pub(super) fn note(&self, folder: Option<LibraryPath>) {
        self.sender.send_modify(|recent| {
            recent.revision += 1;
            recent.changes.retain(|(_, other)| *other != folder);
            recent.changes.push_back((recent.revision, folder));
            if recent.changes.len() > MAX_FEED {
                recent.changes.pop_front();
            }
        });
    }

    /// Tells of all changes from now on.
    pub fn follow(&self) -> Follower {
        let receiver = self.sender.subscribe();
        let seen = receiver.borrow().revision;
        Follower { receiver, seen }
    }
}

impl Follower {
    /// The number of the latest change that was told.
    pub fn revision(&self) -> u64 {
        self.seen
    }

    /// Waits for changes. Can be dropped and called again.
    pub async fn next(&mut self) -> Changed {
        loop {
            let changed = self.since();
            if changed.revision != self.seen {
                self.seen = changed.revision;
                return changed;
            }
            // Its sender lives as long as the index, which the server holds.
            if self.receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn since(&mut self) -> Changed {
        let recent = self.receiver.borrow_and_update();
        let new: Vec<_> = recent.changes.iter().filter(|(number, _)| *number > self.seen).collect();
        // What was forgotten may have been anything. Repeated changes of a folder are one, so numbers have gaps.
        let forgotten = recent.changes.len() >= MAX_FEED
            && recent.changes.front().is_some_and(|(first, _)| *first > self.seen);
        let folders = new.iter().map(|(_, folder)| folder.clone()).collect::<Option<Vec<_>>>();
        Changed { revision: recent.revision, folders: folders.filter(|_| !forgotten) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn path(text: &str) -> LibraryPath {
        LibraryPath::from_bytes(text.as_bytes()).unwrap()
    }

    #[test]
    fn changes_are_told_once_and_the_same_folder_once() {
        let feed = Feed::default();
        feed.note(Some(path("before")));
        let mut follower = feed.follow();
        assert!(follower.next().now_or_never().is_none());
        for folder in ["a", "b", "a"] {
            feed.note(Some(path(folder)));
        }
        let changed = follower.next().now_or_never().unwrap();
        assert_eq!(changed, Changed { revision: 4, folders: Some(vec![path("b"), path("a")]) });
        assert!(follower.next().now_or_never().is_none());
        feed.note(None);
        assert_eq!(follower.next().now_or_never().unwrap().folders, None);
    }

    #[test]
    fn who_is_too_slow_is_told_that_it_may_be_anything() {
        let feed = Feed::default();
        let mut follower = feed.follow();
        for n in 0..=MAX_FEED {
            feed.note(Some(path(&format!("folder {n}"))));
        }
        assert_eq!(follower.next().now_or_never().unwrap().folders, None);
        feed.note(Some(path("x")));
        assert_eq!(follower.next().now_or_never().unwrap().folders, Some(vec![path("x")]));
    }
}
