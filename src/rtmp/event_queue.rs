//! What waits for the driver, within bounds.
//!
//! A driver takes everything after every input, so that only what one input can bring has to fit. What
//! does not ends the session: the peer is an attacker, or the driver is broken.

use super::error::SessionError;
use super::event::{Event, StreamId};
use crate::flv::Tag;
use crate::limits::{MAX_PUBLISHED_BYTES, MAX_PUBLISHED_TAGS, MAX_SESSION_EVENTS};
use std::collections::VecDeque;

#[derive(Default)]
pub(super) struct EventQueue {
    events: VecDeque<Event>,
    /// How many of them are published tags, and how many bytes these have.
    published_tags: usize,
    published_bytes: usize,
    /// An error was told: the session is over.
    has_failed: bool,
}

impl EventQueue {
    /// Something did not fit.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        if let Event::Published { tag, .. } = &event {
            self.published_tags -= 1;
            self.published_bytes -= tag.body.len();
        }
        Some(event)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Gives back memory that a burst needed, but for so many events.
    pub(super) fn shrink_to(&mut self, events: usize) {
        self.events.shrink_to(events);
    }

    /// Anything but a published tag.
    pub(super) fn push(&mut self, event: Event) -> Result<(), SessionError> {
        if self.events.len() - self.published_tags == MAX_SESSION_EVENTS {
            self.has_failed = true;
            return Err(SessionError::TooManyRequests);
        }
        self.events.push_back(event);
        Ok(())
    }

    pub(super) fn push_published(&mut self, stream: StreamId, tag: Tag) -> Result<(), SessionError> {
        let (tags, bytes) = (self.published_tags + 1, self.published_bytes + tag.body.len());
        if tags > MAX_PUBLISHED_TAGS || bytes > MAX_PUBLISHED_BYTES {
            self.has_failed = true;
            return Err(SessionError::TooMuchPublished { tags, bytes });
        }
        (self.published_tags, self.published_bytes) = (tags, bytes);
        self.events.push_back(Event::Published { stream, tag });
        Ok(())
    }

    /// Takes back a seek that another one replaces.
    pub(super) fn forget_seek(&mut self, id: StreamId) {
        self.events.retain(|event| !matches!(event, Event::Seek { stream, .. } if *stream == id));
    }

    #[cfg(test)]
    pub(super) fn published(&self) -> (usize, usize) {
        (self.published_tags, self.published_bytes)
    }
}
