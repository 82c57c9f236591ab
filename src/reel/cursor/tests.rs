use super::super::{Recorder, Seek};
use super::*;
use std::time::Instant;

fn video(ms: u32, key: bool, len: usize) -> Tag {
    let mut body = vec![if key { 0x17 } else { 0x27 }, 1, 0, 0, 0];
    body.resize(len.max(5), ms as u8);
    Tag { kind: TagKind::Video, timestamp: MediaTime::from_millis(ms), body: body.into() }
}

fn reel() -> Arc<Reel> {
    Arc::new(Reel::new(Arc::new(tempfile::tempfile().unwrap())))
}

async fn read_all(reel: &Arc<Reel>, point: SeekPoint) -> Vec<Tag> {
    let mut cursor = Cursor::new(reel.clone(), point);
    let mut tags = Vec::new();
    loop {
        match cursor.next_tag().unwrap() {
            Next::Tag(tag) => tags.push(tag),
            Next::Unread => cursor.fill().await.unwrap(),
            Next::NotYet | Next::End { .. } => return tags,
        }
    }
}

#[tokio::test]
async fn what_is_recorded_is_read_back_from_every_point() {
    let reel = reel();
    let mut recorder = Recorder::new(reel.clone());
    // K i i i  K i i i … with a frame larger than a block in the middle
    let tags: Vec<Tag> =
        (0..200).map(|n| video(n * 40, n % 25 == 0, if n == 60 { REEL_READ * 2 } else { 3000 })).collect();
    for tag in &tags {
        recorder.push(tag).unwrap();
    }
    recorder.flush().unwrap();
    reel.complete(recorder.indexer().end());
    let points = reel.points();
    assert_eq!(points.len(), 8);
    for (n, point) in points.into_iter().enumerate() {
        assert_eq!(read_all(&reel, point).await, tags[n * 25..]);
    }
}

#[tokio::test]
async fn a_cursor_that_lets_go_of_its_block_goes_on_with_the_same_tag() {
    let reel = reel();
    let mut recorder = Recorder::new(reel.clone());
    let len = |n: u32| if n == 60 { REEL_READ * 2 } else { (n as usize * 997) % 9000 };
    let tags: Vec<Tag> = (0..200).map(|n| video(n * 40, n % 25 == 0, len(n))).collect();
    for tag in &tags {
        recorder.push(tag).unwrap();
    }
    recorder.flush().unwrap();
    reel.complete(recorder.indexer().end());
    for step in [1, 2, 7, 50, 1000] {
        let mut cursor = Cursor::new(reel.clone(), reel.first_point().unwrap());
        let mut read = Vec::new();
        loop {
            match cursor.next_tag().unwrap() {
                Next::Tag(tag) => read.push(tag),
                // From the page cache or from the disk: both are the same to the reader.
                Next::Unread if read.len() % 2 == 0 && cursor.fill_now() => {}
                Next::Unread => cursor.fill().await.unwrap(),
                Next::NotYet | Next::End { .. } => break,
            }
            if read.len() % step == 0 {
                cursor.let_go();
                assert!(cursor.block.is_empty());
                // Otherwise nothing but letting go would happen.
                if let Next::Unread = cursor.next_tag().unwrap() {
                    cursor.fill().await.unwrap();
                }
                if let Next::Tag(tag) = cursor.next_tag().unwrap() {
                    read.push(tag);
                }
            }
        }
        assert_eq!(read, tags, "letting go after every {step}");
    }
}

/// A viewer has read into a group of pictures of a conversion that ended there; another one has made the whole of it.
async fn crossing_in_the_middle(settings: [u8; 2]) -> Vec<(u32, bool)> {
    let header = |byte| Tag {
        kind: TagKind::Video,
        timestamp: MediaTime::ZERO,
        body: vec![0x17, 0, 0, 0, 0, byte].into(),
    };
    let reel = reel();
    let mut recorder = Recorder::new(reel.clone());
    recorder.push(&header(settings[0])).unwrap();
    for n in 0..5 {
        recorder.push(&video(n * 40, n == 0, 10)).unwrap();
    }
    recorder.flush().unwrap();
    let mut cursor = Cursor::new(reel.clone(), reel.first_point().unwrap());
    cursor.fill().await.unwrap();
    while let Next::Tag(_) = cursor.next_tag().unwrap() {}
    reel.park(RangeId::FIRST);

    let data = Arc::new(tempfile::tempfile().unwrap());
    let id = reel.begin(data, crate::reel::Start::default(), MediaTime::MAX, Instant::now()).unwrap();
    let mut recorder = Recorder::of(reel.clone(), id, MediaTime::ZERO);
    recorder.push(&header(settings[1])).unwrap();
    for n in 0..30 {
        recorder.push(&video(n * 40, n % 25 == 0, 10)).unwrap();
    }
    recorder.flush().unwrap();
    reel.end(id, recorder.indexer().end());
    let mut seen = Vec::new();
    loop {
        match cursor.next_tag().unwrap() {
            Next::Tag(tag) => seen.push((tag.timestamp.as_millis(), tag.is_sequence_header())),
            Next::Unread => cursor.fill().await.unwrap(),
            Next::NotYet | Next::End { .. } => return seen,
        }
    }
}

#[tokio::test]
async fn a_group_of_pictures_is_gone_on_with_where_it_is_the_same_and_left_out_where_it_is_not() {
    let same = crossing_in_the_middle([1, 1]).await;
    assert_eq!(same, (5..30).map(|n| (n * 40, false)).collect::<Vec<_>>());
    let other = crossing_in_the_middle([1, 2]).await;
    assert!(other[0].1, "the headers first: {other:?}");
    assert_eq!(other[1..], (25..30).map(|n| (n * 40, false)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_seek_waits_until_the_reel_has_passed_the_target() {
    let reel = reel();
    let mut recorder = Recorder::new(reel.clone());
    let at = MediaTime::from_millis;
    let now = Instant::now();
    assert!(matches!(reel.seek(at(0), now), Seek::Pending { available, .. } if available == at(0)));
    recorder.push(&video(0, true, 10)).unwrap();
    recorder.push(&video(900, false, 10)).unwrap();
    recorder.flush().unwrap();
    assert!(matches!(reel.seek(at(0), now), Seek::Ready(p) if p.time == at(0)));
    assert!(matches!(reel.seek(at(899), now), Seek::Ready(p) if p.time == at(0)));
    assert_eq!(reel.seek(at(1500), now), Seek::Pending { available: at(900), eta: None });
    recorder.push(&video(1000, true, 10)).unwrap();
    recorder.push(&video(1600, false, 10)).unwrap();
    recorder.flush().unwrap();
    assert!(matches!(reel.seek(at(1500), now), Seek::Ready(p) if p.time == at(1000)));
    reel.complete(recorder.indexer().end());
    assert!(
        matches!(reel.seek(at(99_000), now), Seek::Ready(p) if p.time == at(1000)),
        "past the end is clamped"
    );
    assert_eq!(reel.duration(), Some(at(1600)));
}

#[tokio::test]
async fn a_reel_that_failed_keeps_what_it_has() {
    let reel = reel();
    let mut recorder = Recorder::new(reel.clone());
    recorder.push(&video(0, true, 10)).unwrap();
    recorder.flush().unwrap();
    reel.fail("the worker ended".into());
    let point = reel.first_point().unwrap();
    let mut cursor = Cursor::new(reel.clone(), point);
    assert!(matches!(cursor.next_tag().unwrap(), Next::Unread));
    cursor.fill().await.unwrap();
    assert!(matches!(cursor.next_tag().unwrap(), Next::Tag(_)));
    assert!(matches!(cursor.next_tag().unwrap(), Next::End { failed: true }));
}

#[test]
fn the_producer_is_held_back_only_while_it_is_beyond_its_goal() {
    use std::time::Duration;
    let reel = reel();
    let mut recorder = Recorder::new(reel.clone());
    recorder.push(&video(10_000, true, 10)).unwrap();
    recorder.flush().unwrap();
    let wanted = [(RangeId::FIRST, MediaTime::from_millis(2000))];
    reel.set_goals(&wanted, Duration::from_secs(8));
    assert!(!reel.hold_back(RangeId::FIRST, Duration::from_millis(1)));
    reel.set_goals(&wanted, Duration::from_secs(7));
    assert!(reel.hold_back(RangeId::FIRST, Duration::from_millis(1)));
}
