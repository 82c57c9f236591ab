//! A source's place on air. It outlives the worker: over a short outage viewers keep their stream, with nothing new
//! in it or with a slate, and go on where it stopped.

use crate::flv::{Tag, TagKind};
use crate::limits::SOURCE_OUTAGE;
use crate::pipeline::{Quiet, Slate};
use crate::relay::Relays;
use crate::stream::{Keyframe, PublishRefused, Publisher, Streams};
use crate::time::MediaTime;
use bytes::Bytes;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The publisher's address. Nobody comes from there, so nobody replaces a source that is well.
const THIS_SERVER: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Who publishes a source's stream, if it is on air.
pub(super) struct Air {
    name: String,
    streams: Arc<Streams>,
    relays: Arc<Relays>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    publisher: Option<Publisher>,
    shows: Shows,
    /// When nothing more came, if that is so.
    lost: Option<Instant>,
    /// Its last own picture.
    last: Option<Keyframe>,
    /// Pictures a second that are expected of it.
    rate: Option<(u32, u32)>,
    /// What viewers of a slate hear, and go on hearing when its own pictures have no sound: a browser that has begun
    /// with sound waits for it.
    quiet: Option<Filling>,
}

/// What viewers see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Shows {
    #[default]
    Nothing,
    /// What came from it.
    Own,
    Slate,
}

/// Silence that is put between pictures.
#[derive(Debug)]
struct Filling {
    silence: Quiet,
    /// When it began among the present pictures, and its frames since then.
    began: Option<(MediaTime, u64)>,
}

impl Filling {
    /// Silence up to a picture.
    fn until(&mut self, time: MediaTime) -> Vec<Tag> {
        let tag = |timestamp, body: &Bytes| Tag { kind: TagKind::Audio, timestamp, body: body.clone() };
        let mut tags = Vec::new();
        if self.began.is_none() {
            tags.push(tag(time, &self.silence.header));
        }
        let (began, frames) = self.began.get_or_insert((time, 0));
        // Modulo 2^32. A jump of more than some seconds is not filled.
        let passed = time.as_millis().wrapping_sub(began.as_millis());
        let due = u64::from(passed) * 48 / 1024;
        if due.saturating_sub(*frames) > MOST_QUIET || passed > u32::MAX / 2 {
            (*began, *frames) = (time, 0);
            return tags;
        }
        while *frames <= due {
            let at = began.as_millis().wrapping_add((*frames * 1024 / 48) as u32);
            tags.push(tag(MediaTime::from_millis(at), &self.silence.frame));
            *frames += 1;
        }
        tags
    }
}

/// Frames of silence between two pictures, at most: five seconds of them.
const MOST_QUIET: u64 = 235;

impl Air {
    pub(super) fn new(name: String, streams: Arc<Streams>, relays: Arc<Relays>) -> Self {
        Self { name, streams, relays, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker's first tag is here: its stream takes the place of what was on air before.
    pub(super) fn begin(&self, has_sound: bool, now: Instant) -> Result<(), PublishRefused> {
        let last = self.last_keyframe();
        let publisher = self.streams.publish(&self.name, THIS_SERVER, now)?;
        // The one before is dropped behind its replacement, so that viewers see no gap.
        let mut state = self.state();
        let quiet = state.quiet.take().filter(|_| !has_sound);
        let quiet = quiet.map(|quiet| Filling { began: None, ..quiet });
        *state = State {
            publisher: Some(publisher),
            shows: Shows::Own,
            lost: None,
            last,
            quiet,
            rate: state.rate,
        };
        Ok(())
    }

    /// False when somebody else publishes the stream now.
    pub(super) fn push(&self, tag: Tag, now: Instant) -> bool {
        let mut state = self.state();
        let State { publisher: Some(publisher), shows: Shows::Own, quiet, .. } = &mut *state else {
            return false;
        };
        match (quiet.as_mut(), tag.kind) {
            (Some(_), TagKind::Audio) => *quiet = None,
            (Some(filling), TagKind::Video) if !tag.is_sequence_header() => {
                for silence in filling.until(tag.timestamp) {
                    publisher.push(silence, now);
                }
            }
            _ => {}
        }
        publisher.push(tag, now)
    }

    /// A slate takes the place of what is not there. False: there is something.
    pub(super) fn begin_slate(&self, slate: &Slate, now: Instant) -> bool {
        if self.has_media() {
            return false;
        }
        let last = self.last_keyframe();
        let Ok(publisher) = self.streams.publish(&self.name, THIS_SERVER, now) else { return false };
        let quiet = slate.silence().map(|silence| Filling { silence, began: None });
        let mut state = self.state();
        let (lost, rate) = (state.lost, state.rate);
        *state = State { publisher: Some(publisher), shows: Shows::Slate, lost, last, quiet, rate };
        true
    }

    /// False when the slate is not on air any more.
    pub(super) fn push_slate(&self, tag: Tag, now: Instant) -> bool {
        let state = self.state();
        let publisher = state.publisher.as_ref().filter(|_| state.shows == Shows::Slate);
        publisher.is_some_and(|publisher| publisher.push_unrecorded(tag, now))
    }

    /// Its own pictures or sound are on air.
    pub(super) fn has_media(&self) -> bool {
        let state = self.state();
        state.shows == Shows::Own && state.lost.is_none()
    }

    /// Viewers see what came last, or a slate.
    pub(super) fn is_on_air(&self) -> bool {
        self.state().shows != Shows::Nothing
    }

    /// Viewers see a slate.
    pub(super) fn shows_slate(&self) -> bool {
        self.state().shows == Shows::Slate
    }

    /// Nothing more comes; it may come again.
    pub(super) fn lose(&self, now: Instant) {
        self.state().lost.get_or_insert(now);
    }

    /// Goes off air when nothing has come for too long. A slate's end is decided elsewhere.
    pub(super) fn tend(&self, now: Instant) {
        let over = {
            let state = self.state();
            let lost = state.lost.filter(|_| state.shows == Shows::Own);
            lost.is_some_and(|lost| now.saturating_duration_since(lost) >= SOURCE_OUTAGE)
        };
        if over {
            self.end();
        }
    }

    pub(super) fn end(&self) {
        let last = self.last_keyframe();
        let mut state = self.state();
        *state = State { last, rate: state.rate, ..State::default() };
    }

    /// What its device is asked for.
    pub(super) fn expect_rate(&self, rate: Option<(u32, u32)>) {
        self.state().rate = rate;
    }

    /// Pictures a second that are expected of it, if that is known.
    pub(super) fn expected_rate(&self) -> Option<(u32, u32)> {
        self.state().rate
    }

    /// What it showed last, also when it is off air; never a slate.
    pub(super) fn last_keyframe(&self) -> Option<Keyframe> {
        let (is_own, last) = {
            let state = self.state();
            (state.shows == Shows::Own, state.last.clone())
        };
        let on_air = || self.streams.find(&self.name).and_then(|stream| stream.keyframe());
        if is_own { on_air().or(last) } else { last }
    }

    /// Viewers of the stream now. Our own pushes to other servers are none: they send on what is on air, and a
    /// source would never rest for them.
    pub(super) fn viewers(&self) -> usize {
        let all = self.streams.find(&self.name).map_or(0, |stream| stream.viewers());
        all.saturating_sub(self.relays.pushes_of(&self.name))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::stream::Via;
    use std::time::Duration;

    fn tag(kind: TagKind, ms: u32, body: &[u8]) -> Tag {
        Tag { kind, timestamp: MediaTime::from_millis(ms), body: Bytes::copy_from_slice(body) }
    }

    fn picture(ms: u32, mark: u8) -> Tag {
        tag(TagKind::Video, ms, &[0x17, 1, 0, 0, 0, mark])
    }

    fn slate() -> Slate {
        Slate {
            headers: vec![tag(TagKind::Audio, 0, &[0xaf, 0, 0x11, 0x90])],
            frames: vec![picture(0, 0), tag(TagKind::Audio, 0, &[0xaf, 1, 7])],
            length: Duration::from_secs(4),
        }
    }

    fn air() -> (Air, Arc<Streams>) {
        let streams = Arc::new(Streams::default());
        (Air::new("tv".into(), streams.clone(), Arc::default()), streams)
    }

    #[test]
    fn a_slate_is_shown_only_while_nothing_comes_and_is_no_last_picture() {
        let (air, streams) = air();
        let now = Instant::now();
        assert!(!air.has_media() && !air.is_on_air());
        assert!(air.begin_slate(&slate(), now));
        assert!(air.push_slate(picture(0, 9), now));
        assert!(air.last_keyframe().is_none(), "it is no picture of the source");
        assert!(!air.push(picture(0, 1), now), "the source has not begun");
        air.begin(true, now).unwrap();
        assert!(air.push(picture(0, 1), now) && air.has_media());
        assert!(!air.push_slate(picture(0, 9), now) && !air.begin_slate(&slate(), now));
        air.lose(now);
        assert!(!air.has_media() && air.is_on_air());
        assert!(air.begin_slate(&slate(), now) && air.shows_slate());
        assert_eq!(air.last_keyframe().unwrap().frame.body[5], 1);
        air.tend(now + 2 * SOURCE_OUTAGE);
        assert!(air.shows_slate(), "somebody may be watching it");
        air.end();
        assert!(!streams.find("tv").unwrap().is_on_air());
        assert_eq!(air.last_keyframe().unwrap().frame.body[5], 1, "for tiles");
    }

    #[test]
    fn who_has_heard_silence_goes_on_hearing_it_until_there_is_sound() {
        let (air, streams) = air();
        let now = Instant::now();
        assert!(air.begin_slate(&slate(), now));
        assert!(air.push_slate(picture(0, 9), now));
        air.begin(false, now).unwrap();
        let mut viewer = streams.find("tv").unwrap().subscribe(Via::Rtmp);
        assert!(air.push(picture(0, 1), now));
        let later = |n: u32| tag(TagKind::Video, n * 40, &[0x27, 1, 0, 0, 0, 1]);
        for n in 1..50 {
            assert!(air.push(later(n), now));
        }
        let sound = |viewer: &mut crate::stream::Subscription| {
            let batch = viewer.take(usize::MAX);
            batch.records.iter().filter(|record| record.tag().kind == TagKind::Audio).count()
        };
        let first = sound(&mut viewer);
        for n in 50..100 {
            assert!(air.push(later(n), now));
        }
        let frames = first + sound(&mut viewer);
        // Four seconds, and the header that the viewer joined with.
        assert!((180..=192).contains(&frames), "{frames} frames of silence");
        assert!(air.push(tag(TagKind::Audio, 4000, &[0xaf, 1, 1]), now));
        assert!(air.push(later(101), now));
        assert_eq!(sound(&mut viewer), 1, "its own");
    }
}
