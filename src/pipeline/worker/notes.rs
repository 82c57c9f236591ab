//! What GStreamer's threads leave for the one thread that decides.
//!
//! Nothing in here may panic: the callbacks run in C frames.

use super::super::streams::Announcement;
use super::super::wire::{Lane, Message};
use super::contents;
use super::decide::{self, Content};
use super::head::Head;
use super::lane::bin_name;
use super::outlet::Outlet;
use super::tap::Listener;
use gst::prelude::*;
use gstreamer as gst;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A note on the bus.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Note {
    /// A head is held, or more is known of what streams there are.
    Held,
    /// Nothing more comes out of this lane.
    Ended(Lane),
}

impl Note {
    pub(super) fn read(structure: &gst::StructureRef) -> Option<Self> {
        match structure.name().as_str() {
            "held" => Some(Self::Held),
            "ended-0" => Some(Self::Ended(Lane::Video)),
            "ended-1" => Some(Self::Ended(Lane::Audio)),
            _ => None,
        }
    }

    fn post(self, bus: &gst::Bus) {
        let name = match self {
            Self::Held => "held",
            Self::Ended(Lane::Video) => "ended-0",
            Self::Ended(Lane::Audio) => "ended-1",
        };
        // Fails only while the bus is flushed, when nobody reads it any more.
        let _ = bus.post(gst::message::Application::new(gst::Structure::new_empty(name)));
    }
}

/// What several threads share.
#[derive(Debug)]
pub(super) struct Shared {
    bus: gst::Bus,
    outlet: Arc<Outlet>,
    /// There is a demuxer, which has not said yet that all its pads are there.
    more_pads: AtomicBool,
    /// Heads that wait to be told what they are; `None` when no more are taken.
    heads: Mutex<Option<Vec<Arc<Head>>>>,
    /// The heads of the lanes, to be cut off by the thread in which a lane fails.
    lanes: Mutex<[Option<Arc<Head>>; 2]>,
    announcement: Mutex<Announcement>,
    /// A radio's titles are heard where they are made.
    hears_titles: AtomicBool,
}

impl Shared {
    pub(super) fn new(bus: gst::Bus, outlet: Arc<Outlet>) -> Self {
        Self {
            bus,
            outlet,
            more_pads: AtomicBool::new(false),
            heads: Mutex::new(Some(Vec::new())),
            lanes: Mutex::default(),
            announcement: Mutex::default(),
            hears_titles: AtomicBool::new(false),
        }
    }

    /// Connects the signals of `parser`, a parsebin in `pipeline`.
    pub(super) fn watch(self: &Arc<Self>, pipeline: &gst::Pipeline, parser: &gst::Element) {
        let shared = Arc::clone(self);
        let weak = pipeline.downgrade();
        parser.connect_pad_added(move |_, pad| {
            let Some(pipeline) = weak.upgrade() else { return };
            shared.attach(&pipeline, pad);
        });
        if let Some(bin) = parser.downcast_ref::<gst::Bin>() {
            let shared = Arc::clone(self);
            bin.connect_deep_element_added(move |_, _, element| shared.expect_pads_of(element));
        }
        self.cut_off_what_fails();
    }

    /// Puts a head behind `pad`.
    pub(super) fn attach(&self, pipeline: &gst::Pipeline, pad: &gst::Pad) {
        let mut heads = lock(&self.heads);
        // A pad left alone is "not linked", which demuxers put up with while others are.
        let Some(heads) = heads.as_mut() else { return };
        let bus = self.bus.clone();
        match Head::attach(pipeline, pad, move || Note::Held.post(&bus)) {
            Ok(head) => heads.push(Arc::new(head)),
            Err(error) => eprintln!("{}: {error}", pad.name()),
        }
    }

    /// Has a lane that fails hear nothing more, so that what is before it does not see the failure.
    pub(super) fn cut_off_what_fails(self: &Arc<Self>) {
        let shared = Arc::clone(self);
        self.bus.set_sync_handler(move |_, message| {
            // Before the failing element returns its error upstream: then the demuxer never sees it.
            if message.type_() == gst::MessageType::Error
                && let Some(lane) = lane_of(message.src())
                && let Some(head) = &lock(&shared.lanes)[lane as usize]
            {
                head.cut_off();
            }
            gst::BusSyncReply::Pass
        });
    }

    fn expect_pads_of(self: &Arc<Self>, element: &gst::Element) {
        let is_demuxer =
            element.factory().is_some_and(|factory| factory.has_type(gst::ElementFactoryType::DEMUXER));
        if is_demuxer {
            self.more_pads.store(true, Ordering::Release);
            let shared = Arc::clone(self);
            element.connect_no_more_pads(move |_| {
                shared.more_pads.store(false, Ordering::Release);
                Note::Held.post(&shared.bus);
            });
        }
    }

    /// A stream has come as far as to be decided.
    pub(super) fn any_is_held(&self) -> bool {
        lock(&self.heads).as_ref().is_some_and(|heads| heads.iter().any(|head| head.first().is_some()))
    }

    /// So have all pictures and sounds: languages and names of tracks come just before that. Or one of them has
    /// run so far ahead that the others cannot be expected soon.
    pub(super) fn all_are_held(&self) -> bool {
        let heads = lock(&self.heads);
        let heads = heads.as_deref().unwrap_or_default();
        let is_lane = |head: &&Arc<Head>| {
            let content = head.caps().map(|caps| decide::content(&caps));
            matches!(content, Some(Content::Video | Content::Audio))
        };
        heads.iter().any(|head| head.is_full())
            || heads.iter().filter(is_lane).all(|head| head.first().is_some())
    }

    /// No stream will show up that is not there by now.
    pub(super) fn streams_are_known(&self) -> bool {
        let heads = lock(&self.heads);
        let Some(heads) = heads.as_ref() else { return true };
        let content = |head: &Arc<Head>| head.caps().map(|caps| decide::content(&caps));
        let both = [Content::Video, Content::Audio]
            .iter()
            .all(|wanted| heads.iter().any(|head| content(head).as_ref() == Some(wanted)));
        both || !self.more_pads.load(Ordering::Acquire) || heads.iter().any(|head| head.looked_ahead())
    }

    /// The heads there are; no more are taken.
    pub(super) fn close_heads(&self) -> Vec<Arc<Head>> {
        lock(&self.heads).take().unwrap_or_default()
    }

    /// The heads there are since the last call; more are taken.
    pub(super) fn new_heads(&self) -> Vec<Arc<Head>> {
        lock(&self.heads).as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn set_lane(&self, lane: Lane, head: Arc<Head>) {
        lock(&self.lanes)[lane as usize] = Some(head);
    }

    /// What is said of what is played: by a radio itself, or (not `at_its_source`) by what has come through a lane, which is as much
    /// later as a lane is long, and would only repeat an older title.
    pub(super) fn said(&self, tags: &gst::TagListRef, at_its_source: bool) {
        if at_its_source {
            self.hears_titles.store(true, Ordering::Release);
        } else if self.hears_titles.load(Ordering::Acquire) {
            return;
        }
        self.change(|announcement| contents::said_meanwhile(&mut announcement.contents.tags, tags));
    }

    /// Changes the announcement; sends it when it is another one then.
    pub(super) fn change(&self, change: impl FnOnce(&mut Announcement)) {
        let mut announcement = lock(&self.announcement);
        let before = announcement.clone();
        change(&mut announcement);
        if *announcement != before {
            self.outlet.send(&Message::Streams(announcement.clone()));
        }
    }
}

impl Listener for Shared {
    fn video_size(&self, width: u32, height: u32) {
        self.change(|announcement| {
            if let Some(video) = &mut announcement.video {
                (video.width, video.height) = (width, height);
            }
        });
    }

    fn lane_ended(&self, lane: Lane) {
        Note::Ended(lane).post(&self.bus);
    }
}

/// The lane whose bin `object` is in.
pub(super) fn lane_of(object: Option<&gst::Object>) -> Option<Lane> {
    let mut object = object.cloned();
    while let Some(current) = object {
        let name = current.name();
        if let Some(lane) = Lane::BOTH.into_iter().find(|&lane| bin_name(lane) == name) {
            return Some(lane);
        }
        object = current.parent();
    }
    None
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
