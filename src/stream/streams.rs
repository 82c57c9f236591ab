//! All live streams, by name.

use super::{Figures, Publisher, PublisherState, Stream};
use crate::limits::{MAX_LIVE_STREAMS, MAX_STREAM_NAME, PUBLISHER_GRACE, PUBLISHER_SILENCE};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The live streams of a server.
#[derive(Debug)]
pub struct Streams {
    streams: Mutex<HashMap<String, Arc<Stream>>>,
    /// How long a stream waits for its publisher to come back.
    grace: Duration,
}

impl Default for Streams {
    fn default() -> Self {
        Self::new(PUBLISHER_GRACE)
    }
}

/// Why somebody may not publish. The texts are shown to people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishRefused {
    /// Somebody else does.
    #[error("\"{0}\" is being published by somebody else; stop that encoder or choose another stream key")]
    InUse(String),
    /// Not a name.
    #[error("a stream key of {0} bytes is not possible, expected 1 to {MAX_STREAM_NAME}; choose another one")]
    BadName(usize),
    /// No place.
    #[error("there are {MAX_LIVE_STREAMS} live streams already; stop one of them and try again")]
    TooMany,
}

impl Streams {
    /// No stream yet; those to come wait for `grace` for a publisher that has gone.
    pub fn new(grace: Duration) -> Self {
        Self { streams: Mutex::default(), grace }
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<String, Arc<Stream>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Becomes the publisher of a stream, which is made when it is not there.
    ///
    /// An encoder whose connection broke comes back before TCP has noticed: it replaces the
    /// publisher that is silent, or that has the same address.
    ///
    /// # Errors
    /// When somebody else publishes it, or there can be no such stream.
    pub fn publish(&self, name: &str, address: IpAddr, now: Instant) -> Result<Publisher, PublishRefused> {
        if !(1..=MAX_STREAM_NAME).contains(&name.len()) {
            return Err(PublishRefused::BadName(name.len()));
        }
        let mut streams = self.streams();
        if !streams.contains_key(name) && streams.len() >= MAX_LIVE_STREAMS {
            return Err(PublishRefused::TooMany);
        }
        let stream =
            streams.entry(name.to_owned()).or_insert_with(|| Arc::new(Stream::new(name.to_owned(), now)));
        let mut state = stream.state();
        if let Some(present) = &state.publisher {
            let silent = now.saturating_duration_since(state.last_seen) >= PUBLISHER_SILENCE;
            if !silent && present.address != address {
                return Err(PublishRefused::InUse(name.to_owned()));
            }
            tracing::info!(stream = name, %address, "a publisher is replaced");
        }
        let number = stream.counters.publishers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        state.publisher = Some(PublisherState { number, address, since: now });
        state.last_seen = now;
        // What the publisher before sent cannot be decoded with this one's headers.
        state.ring.clear();
        state.timeline.begin_again();
        if let Some(tap) = &state.tap {
            tap.begin_again();
        }
        let next = state.ring.next();
        drop(state);
        stream.edge.send_modify(|edge| {
            edge.next = next;
            edge.on_air = true;
        });
        Ok(Publisher { stream: stream.clone(), number })
    }

    /// The stream of that name, if it is on air or was lately.
    pub fn find(&self, name: &str) -> Option<Arc<Stream>> {
        self.streams().get(name).cloned()
    }

    /// The streams that somebody publishes.
    pub fn on_air(&self) -> Vec<Arc<Stream>> {
        self.streams().values().filter(|stream| stream.edge.borrow().on_air).cloned().collect()
    }

    /// Ends streams that have had no publisher for a while.
    pub fn tend(&self, now: Instant) {
        self.streams().retain(|_, stream| !stream.end_if_abandoned(now, self.grace));
    }

    /// The figures of all streams, by name.
    pub fn figures(&self, now: Instant) -> Vec<Figures> {
        // Out of the map first: making figures must not keep publishers and viewers from coming.
        let streams: Vec<Arc<Stream>> = self.streams().values().cloned().collect();
        let mut figures: Vec<Figures> = streams.iter().map(|stream| stream.figures(now)).collect();
        figures.sort_by(|a, b| a.name.cmp(&b.name));
        figures
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::flv::{Tag, TagKind};
    use crate::stream::Via;
    use crate::time::MediaTime;
    use std::net::Ipv4Addr;

    const ONE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    fn picture(ms: u32, key: bool) -> Tag {
        let body = vec![if key { 0x17 } else { 0x27 }, 1, 0, 0, 0, ms as u8];
        Tag { kind: TagKind::Video, timestamp: MediaTime::from_millis(ms), body: body.into() }
    }

    fn header(body: u8) -> Tag {
        Tag { kind: TagKind::Video, timestamp: MediaTime::ZERO, body: vec![0x17, 0, 0, 0, 0, body].into() }
    }

    #[test]
    fn a_viewer_gets_headers_then_the_gop_then_what_comes() {
        let streams = Streams::default();
        let now = Instant::now();
        let publisher = streams.publish("cam", ONE, now).unwrap();
        for tag in [header(1), picture(0, true), picture(40, false), picture(80, true), picture(120, false)] {
            assert!(publisher.push(tag, now));
        }
        let mut viewer = streams.find("cam").unwrap().subscribe(Via::Rtmp);
        let batch = viewer.take(1000);
        assert_eq!(batch.preface.len(), 1);
        let times = |records: &[Arc<crate::stream::Record>]| -> Vec<u32> {
            records.iter().map(|r| r.tag().timestamp.as_millis()).collect()
        };
        assert_eq!(times(&batch.records), [80, 120]);
        assert!(!viewer.has_more());
        publisher.push(picture(160, false), now);
        let batch = viewer.take(1000);
        assert!(batch.preface.is_empty() && batch.lost == 0);
        assert_eq!(times(&batch.records), [160]);
    }

    #[test]
    fn metadata_has_no_time_whenever_it_comes() {
        let streams = Streams::default();
        let now = Instant::now();
        let publisher = streams.publish("cam", ONE, now).unwrap();
        let metadata = |ms| Tag {
            kind: TagKind::Script,
            timestamp: MediaTime::from_millis(ms),
            body: b"\x02\x00\x0aonMetaData\x05".as_slice().into(),
        };
        for tag in [metadata(0), header(1), picture(0, true), picture(4000, true)] {
            publisher.push(tag, now);
        }
        let times = |batch: &crate::stream::Batch| {
            let opening = batch.opening().map(|(tag, time)| (tag.kind, time.as_millis()));
            let records = batch.records.iter().map(|r| (r.tag().kind, r.tag().timestamp.as_millis()));
            opening.chain(records).collect::<Vec<_>>()
        };
        let mut viewer = streams.find("cam").unwrap().subscribe(Via::Rtmp);
        let joined = viewer.take(1000);
        assert_eq!(times(&joined), [(TagKind::Script, 0), (TagKind::Video, 4000), (TagKind::Video, 4000)]);
        publisher.push(metadata(4100), now);
        assert_eq!(times(&viewer.take(1000)), [(TagKind::Script, 0)]);
        let lag = streams.figures(now)[0].lag.most;
        assert_eq!(lag, Duration::ZERO, "it is where the last picture was");
        // Another server's, in mid-stream.
        for tag in [metadata(0), picture(4040, false)] {
            publisher.push(tag, now);
        }
        assert_eq!(times(&viewer.take(1000)), [(TagKind::Script, 0), (TagKind::Video, 4040)]);
        assert_eq!(streams.figures(now)[0].mended_times, 0);
    }

    #[test]
    fn a_slow_viewer_jumps_to_a_keyframe_and_is_told_what_was_lost() {
        let streams = Streams::default();
        let now = Instant::now();
        let publisher = streams.publish("cam", ONE, now).unwrap();
        publisher.push(header(1), now);
        publisher.push(picture(0, true), now);
        let mut viewer = streams.find("cam").unwrap().subscribe(Via::Rtmp);
        assert_eq!(viewer.take(1000).records.len(), 1);
        for n in 1..100u32 {
            publisher.push(picture(n * 40, n % 10 == 0), now);
        }
        let batch = viewer.take(usize::MAX);
        assert!(batch.records[0].tag().is_keyframe());
        assert_eq!(batch.preface.len(), 1, "a decoder that starts anew needs its header");
        assert_eq!(batch.lost + batch.records.len() as u64, 99);
        let figures = &streams.figures(now)[0];
        // K i i … K i i … K: the rest of the first group is lost, and the eight up to the last.
        assert_eq!((figures.lost_records, figures.lost_gops), (batch.lost, batch.lost_gops));
        assert_eq!(batch.lost_gops, 9, "{batch:?}");
        assert_eq!(figures.lag.most, Duration::ZERO, "it is at the live edge again");
    }

    #[test]
    fn a_name_has_one_publisher_unless_it_is_silent_or_the_same_machine() {
        let streams = Streams::default();
        let start = Instant::now();
        let first = streams.publish("cam", ONE, start).unwrap();
        assert_eq!(streams.publish("cam", OTHER, start).unwrap_err(), PublishRefused::InUse("cam".into()));
        let again = streams.publish("cam", ONE, start).unwrap();
        assert!(!first.push(picture(0, true), start), "the first one was replaced");
        drop(first);
        assert!(
            streams.find("cam").unwrap().edge.borrow().on_air,
            "the replaced one does not take it off air"
        );
        let later = start + PUBLISHER_SILENCE;
        let other = streams.publish("cam", OTHER, later).unwrap();
        assert!(!again.push(picture(0, true), later));
        assert!(other.push(picture(0, true), later));
        assert!(matches!(streams.publish("", ONE, start), Err(PublishRefused::BadName(0))));
    }

    #[test]
    fn viewers_outlive_a_publisher_that_comes_back_and_go_when_it_does_not() {
        let streams = Streams::default();
        let now = Instant::now();
        let publisher = streams.publish("cam", ONE, now).unwrap();
        publisher.push(header(1), now);
        publisher.push(picture(0, true), now);
        let mut viewer = streams.find("cam").unwrap().subscribe(Via::Rtmp);
        viewer.take(1000);
        drop(publisher);
        assert!(!viewer.edge().on_air && !viewer.edge().over);
        let back = streams.publish("cam", ONE, now).unwrap();
        back.push(header(2), now);
        back.push(picture(0, true), now);
        let batch = viewer.take(1000);
        assert_eq!(batch.records[0].tag().body.last(), Some(&2), "the new header comes first");
        assert!(batch.records[1].tag().is_keyframe());
        assert!(batch.records[1].tag().timestamp > MediaTime::ZERO, "times go on");
        drop(back);
        streams.tend(Instant::now());
        assert!(streams.find("cam").is_some());
        streams.tend(Instant::now() + PUBLISHER_GRACE + Duration::from_secs(1));
        assert!(streams.find("cam").is_none() && viewer.edge().over);
    }
}
