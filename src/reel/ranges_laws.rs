//! Laws of ranges, with real recorders, cursors and files: whatever conversions are begun, stopped and begun again in
//! whatever order, a reader sees what one conversion would have made.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::flv::TagKind;
use proptest::prelude::*;
use std::collections::HashMap;

/// A source of 60 s: pictures every 40 ms, a keyframe every 48th, sound every 23 ms.
const PICTURES: u32 = 1500;
const GOP: u32 = 48;

fn source() -> Vec<Tag> {
    let picture = |n: u32| {
        let mut body = vec![if n.is_multiple_of(GOP) { 0x17 } else { 0x27 }, 1, 0, 0, 0];
        body.extend(n.to_be_bytes());
        Tag { kind: TagKind::Video, timestamp: MediaTime::from_millis(n * 40), body: body.into() }
    };
    let sound = |n: u32| {
        let mut body = vec![0xaf, 1];
        body.extend(n.to_be_bytes());
        Tag { kind: TagKind::Audio, timestamp: MediaTime::from_millis(n * 23 + 5), body: body.into() }
    };
    let mut tags: Vec<Tag> = (0..PICTURES).map(picture).chain((0..PICTURES * 40 / 23).map(sound)).collect();
    tags.sort_by_key(|tag| tag.timestamp);
    tags
}

/// What a conversion yields that was begun for `aim`, in a container whose sound begins `sound` ms off the keyframe.
fn conversion(source: &[Tag], aim: MediaTime, sound: i32) -> Vec<Tag> {
    if aim == MediaTime::ZERO {
        return source.to_vec();
    }
    let key = source.iter().rfind(|tag| tag.is_keyframe() && tag.timestamp <= aim).unwrap().timestamp;
    let heard = key.as_millis().saturating_add_signed(sound);
    let comes = |tag: &&Tag| match tag.kind {
        TagKind::Video => tag.timestamp >= key,
        _ => tag.timestamp.as_millis() >= heard,
    };
    source.iter().filter(comes).cloned().collect()
}

struct Producer {
    recorder: Recorder,
    tags: std::vec::IntoIter<Tag>,
}

/// A reel, its producers and a viewer who reads along from the beginning.
struct World {
    source: Vec<Tag>,
    reel: Arc<Reel>,
    producers: HashMap<RangeId, Producer>,
    viewer: Viewer,
    reader: Option<Cursor>,
    read: Vec<Tag>,
    sound: i32,
    terms: Terms,
    runtime: tokio::runtime::Runtime,
}

impl World {
    fn new(sound: i32) -> Self {
        let reel = Arc::new(Reel::without_ranges(Arc::default()));
        let mut world = Self {
            source: source(),
            viewer: reel.join(),
            reel,
            producers: HashMap::new(),
            reader: None,
            read: Vec::new(),
            sound,
            terms: Terms { seekable: Some(true), patience: Duration::ZERO, ceiling: MediaTime::MAX },
            runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
        };
        world.begin(Start::default());
        world
    }

    fn begin(&mut self, start: Start) {
        let aim = start.aim;
        let data = Arc::new(tempfile::tempfile().unwrap());
        let Some(id) = self.reel.begin(data, start, MediaTime::MAX, Instant::now()) else { return };
        let mut recorder = Recorder::of(self.reel.clone(), id, aim);
        recorder.open(Opening { video: true, sound: true, grid: false });
        let tags = conversion(&self.source, aim, self.sound).into_iter();
        self.producers.insert(id, Producer { recorder, tags });
    }

    fn advance(&mut self, id: RangeId, tags: usize) {
        let Some(producer) = self.producers.get_mut(&id) else { return };
        for n in 0..tags {
            // Slow conversions are seen often.
            if n % 16 == 15 {
                producer.recorder.flush().unwrap();
            }
            let Some(tag) = producer.tags.next() else {
                producer.recorder.flush().unwrap();
                let end = producer.recorder.indexer().end();
                self.reel.end(id, end);
                self.producers.remove(&id);
                return;
            };
            match producer.recorder.push(&tag).unwrap() {
                Pushed::Taken => {}
                Pushed::Joined => {
                    self.producers.remove(&id);
                    return;
                }
                Pushed::Astray => return self.stop(id),
            }
        }
        producer.recorder.flush().unwrap();
    }

    /// What lies behind the viewer is gone.
    fn forget(&mut self, id: RangeId) {
        let Some(begin) = self.reel.forget_behind(id, Duration::from_secs(1)) else { return };
        let data = self.reel.data_of(id).unwrap();
        let zeros = vec![0; begin as usize];
        std::os::unix::fs::FileExt::write_all_at(&*data, &zeros, 0).unwrap();
    }

    fn stop(&mut self, id: RangeId) {
        if self.producers.remove(&id).is_some() {
            self.reel.park(id);
        }
    }

    fn nth(&self, n: usize) -> Option<RangeId> {
        let mut ids: Vec<RangeId> = self.producers.keys().copied().collect();
        ids.sort();
        (!ids.is_empty()).then(|| ids[n % ids.len()])
    }

    /// The viewer reads what there is, up to `most` tags.
    fn read_on(&mut self, most: usize) {
        if self.reader.is_none() {
            let Seek::Ready(point) = self.reel.seek(MediaTime::ZERO, Instant::now()) else { return };
            self.reader = Some(Cursor::new(self.reel.clone(), point));
        }
        let Some(reader) = &mut self.reader else { return };
        let mut more = most;
        while more > 0 {
            match reader.next_tag().unwrap() {
                Next::Tag(tag) => {
                    self.viewer.follows(reader);
                    self.read.push(tag);
                    more -= 1;
                }
                Next::Unread => self.runtime.block_on(reader.fill()).unwrap(),
                Next::NotYet | Next::End { .. } => {
                    self.viewer.follows(reader);
                    break;
                }
            }
        }
    }

    /// What the plan asks for.
    fn follow_the_plan(&mut self) {
        let plan = self.reel.plan(&self.terms, Instant::now());
        let before: Vec<RangeId> = self.producers.keys().copied().collect();
        if let Some(start) = plan.start {
            self.begin(start);
        }
        for id in before {
            if !plan.wanted.iter().any(|(wanted, _)| *wanted == id) {
                self.stop(id);
            }
        }
    }

    fn read_from(&self, target: MediaTime) -> Option<Vec<Tag>> {
        let Seek::Ready(point) = self.reel.seek(target, Instant::now()) else { return None };
        let mut cursor = Cursor::new(self.reel.clone(), point);
        let mut tags = Vec::new();
        loop {
            match cursor.next_tag().unwrap() {
                Next::Tag(tag) => tags.push(tag),
                Next::Unread => self.runtime.block_on(cursor.fill()).unwrap(),
                Next::NotYet | Next::End { .. } => return Some(tags),
            }
        }
    }
}

/// Both lanes are those of one conversion, without a gap; sound may begin a little behind the first picture.
fn is_one_run(source: &[Tag], tags: &[Tag]) -> Result<(), TestCaseError> {
    for kind in [TagKind::Video, TagKind::Audio] {
        let lane = |tags: &[Tag]| tags.iter().filter(|tag| tag.kind == kind).cloned().collect::<Vec<_>>();
        let (read, whole) = (lane(tags), lane(source));
        let Some(first) = read.first() else { continue };
        let from = whole.iter().position(|tag| tag == first).unwrap();
        prop_assert!(whole[from..].starts_with(&read), "{:?} from {:?} is not one run", kind, first);
    }
    Ok(())
}

#[derive(Debug, Clone)]
enum Act {
    Begin(u32),
    Advance(usize, usize),
    Stop(usize),
    Read(usize),
    Plan,
    Forget(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        // Not within the first group of pictures: that has all pictures, but perhaps not the first sound.
        1 => prop_oneof![1 => Just(0), 3 => GOP * 40..60_000].prop_map(Act::Begin),
        6 => (0..8usize, 1..700usize).prop_map(|(who, tags)| Act::Advance(who, tags)),
        2 => (0..8usize).prop_map(Act::Stop),
        3 => (1..900usize).prop_map(Act::Read),
        2 => Just(Act::Plan),
    ]
}

/// The same where the disk is full.
fn act_in_memory() -> impl Strategy<Value = Act> {
    prop_oneof![3 => act(), 1 => (0..8usize).prop_map(Act::Forget)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_forgotten_behind_a_viewer_is_never_missed(
        sound in prop_oneof![Just(-30), Just(0), Just(90), Just(400)],
        acts in proptest::collection::vec(act_in_memory(), 0..60),
    ) {
        let mut world = World::new(sound);
        for act in acts {
            match act {
                Act::Begin(ms) => {
                    let aim = MediaTime::from_millis(ms);
                    world.begin(Start { aim, target: aim, viewer: 0 });
                }
                Act::Advance(who, tags) => {
                    if let Some(id) = world.nth(who) { world.advance(id, tags) }
                }
                Act::Stop(who) => if let Some(id) = world.nth(who) { world.stop(id) },
                Act::Read(most) => world.read_on(most),
                Act::Plan => world.follow_the_plan(),
                Act::Forget(who) => if let Some(id) = world.nth(who) { world.forget(id) },
            }
            is_one_run(&world.source, &world.read)?;
        }
        for _ in 0..200 {
            world.follow_the_plan();
            for id in world.producers.keys().copied().collect::<Vec<_>>() {
                world.advance(id, 150);
                world.forget(id);
            }
            world.read_on(usize::MAX);
        }
        prop_assert_eq!(world.read.len(), world.source.len(), "the viewer has read all");
        prop_assert!(world.read == world.source, "in order");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn however_it_was_made_it_reads_like_one_conversion(
        sound in prop_oneof![Just(-30), Just(0), Just(90), Just(400)],
        acts in proptest::collection::vec(act(), 0..40),
        targets in proptest::collection::vec(0..61_000u32, 4),
    ) {
        let mut world = World::new(sound);
        for act in acts {
            match act {
                Act::Begin(ms) => {
                    let aim = MediaTime::from_millis(ms);
                    world.begin(Start { aim, target: aim, viewer: 0 });
                }
                Act::Advance(who, tags) => {
                    if let Some(id) = world.nth(who) { world.advance(id, tags) }
                }
                Act::Stop(who) => if let Some(id) = world.nth(who) { world.stop(id) },
                Act::Read(most) => world.read_on(most),
                Act::Plan => world.follow_the_plan(),
                Act::Forget(_) => {}
            }
            is_one_run(&world.source, &world.read)?;
        }
        for target in targets {
            let target = MediaTime::from_millis(target);
            if let Some(tags) = world.read_from(target) {
                is_one_run(&world.source, &tags)?;
                let begins = tags.iter().find(|tag| tag.kind == TagKind::Video).unwrap();
                prop_assert!(begins.is_keyframe());
                let next = begins.timestamp.saturating_add_millis(GOP * 40);
                prop_assert!(begins.timestamp <= target && (target < next || target.as_millis() >= 60_000), "{begins:?} for {target:?}");
            }
        }
        // From here on the plan is followed, and the viewer gets all of it.
        for _ in 0..200 {
            world.follow_the_plan();
            for id in world.producers.keys().copied().collect::<Vec<_>>() {
                world.advance(id, 150);
            }
            world.read_on(usize::MAX);
        }
        prop_assert_eq!(world.read.len(), world.source.len(), "the viewer has read all");
        prop_assert!(world.read == world.source, "in order");
        prop_assert_eq!(world.reel.progress().phase, Phase::Complete);
        let whole = world.reel.whole().unwrap();
        let mut bytes = Vec::new();
        for piece in &whole.pieces {
            use std::os::unix::fs::FileExt;
            let Piece::File { data, range } = piece else { panic!("headers never change here") };
            let mut part = vec![0; (range.end - range.start) as usize];
            data.read_exact_at(&mut part, range.start).unwrap();
            bytes.extend(part);
        }
        prop_assert_eq!(bytes.len() as u64, whole.len());
        let mut expected = Vec::new();
        world.source.iter().for_each(|tag| tag.encode_into(&mut expected));
        prop_assert!(bytes == expected, "all pieces together are the one conversion's bytes");
        for (time, at) in whole.points {
            let stamp = &bytes[at as usize + 4..at as usize + 8];
            let ms = u32::from_be_bytes([stamp[3], stamp[0], stamp[1], stamp[2]]);
            prop_assert_eq!(ms, time.as_millis());
        }
    }
}

#[test]
fn what_is_complete_stays_so_when_a_conversion_in_memory_has_no_viewer_left() {
    // Made in one go, and in two parts that were joined.
    for parts in [&[0][..], &[30_000, 0]] {
        let mut world = World::new(0);
        world.viewer.looks_on();
        let first = world.nth(0).unwrap();
        world.stop(first);
        let mut made = Vec::new();
        for aim in parts.iter().copied().map(MediaTime::from_millis) {
            world.begin(Start { aim, target: aim, viewer: 0 });
            let id = world.nth(0).unwrap();
            world.advance(id, usize::MAX);
            made.push(id);
        }
        assert_eq!(world.reel.progress().phase, Phase::Complete, "{parts:?}");
        for id in made {
            world.reel.forget_unwatched(id);
            assert_eq!(world.reel.progress().phase, Phase::Complete, "{parts:?} without {id:?}");
            assert!(world.read_from(MediaTime::ZERO).is_some_and(|tags| tags == world.source));
        }
    }
}

#[test]
fn nothing_is_begun_for_who_has_not_said_where_to() {
    let mut world = World::new(0);
    let first = world.nth(0).unwrap();
    world.advance(first, 300);
    world.reel.start(world.producers[&first].recorder.indexer().codecs());
    world.stop(first);
    let someone = world.reel.join();
    drop(std::mem::replace(&mut world.viewer, someone));
    let plan = |world: &World| world.reel.plan(&world.terms, Instant::now());
    assert!(plan(&world).idle);
    world.viewer.wants(MediaTime::ZERO);
    assert!(plan(&world).start.is_some(), "what was made is continued for who reads on");
    world.viewer.seek(MediaTime::from_millis(40_000), Instant::now());
    assert_eq!(plan(&world).start.map(|start| start.aim.as_millis()), Some(40_000));
}

#[test]
fn what_is_being_continued_is_not_begun_again_while_its_worker_starts() {
    // Keyframes are ten seconds apart, a quarter of an hour into the film.
    let ms = MediaTime::from_millis;
    let (mut ranges, now) = (Ranges::<()>::default(), Instant::now());
    let first = ranges.begin((), Start::default(), MediaTime::MAX, now);
    let point = |n: u32| SeekPoint { time: ms(n * 10_000), offset: u64::from(n) * 1000, range: first };
    let found = Findings { points: (0..=90).map(point).collect(), headers: Vec::new() };
    ranges.grow(first, found, 100_000, ms(909_900), now);
    ranges.stop(first, Fate::Parked);
    let wish = plan::Wish { viewer: 0, time: ms(909_000), range: Some(first), arriving: false, since: now };
    let terms = Terms { seekable: Some(true), patience: Duration::ZERO, ceiling: MediaTime::MAX };
    let plan = |ranges: &Ranges<()>, now| ranges.plan(&[wish], &terms, START_ESTIMATE, now);
    let start = plan(&ranges, now).start.unwrap();
    assert_eq!(start.aim, ms(890_000), "from the last keyframe but one, to have frames in common");
    let next = ranges.begin((), start, MediaTime::MAX, now);
    for seconds in 0..10 {
        let plan = plan(&ranges, now + Duration::from_secs(seconds));
        assert_eq!(plan.start, None, "after {seconds} s without a picture");
        assert!(plan.wanted.iter().any(|(id, _)| *id == next));
    }
}
