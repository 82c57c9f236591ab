//! Which of a file's streams become the lanes.

use super::super::beside::Beside;
use super::super::form::{Form, Profile, TrackChoice};
use super::super::streams::{Contents, SubtitleTrack};
use super::contents;
use super::decide::{self, Content};
use super::drawn::Drawn;
use super::head::Head;
use crate::choice::Language;
use gstreamer as gst;
use std::sync::Arc;

/// All streams of a file, in its order.
pub(super) struct Streams {
    heads: Vec<(Content, Arc<Head>)>,
}

/// Those that are used.
pub(super) struct Chosen {
    pub(super) video: Option<Arc<Head>>,
    pub(super) audio: Option<Arc<Head>>,
    /// To be drawn into the picture.
    pub(super) subtitles: Option<Drawn>,
}

impl Chosen {
    fn drawn_stream(&self) -> Option<&Arc<Head>> {
        match &self.subtitles {
            Some(Drawn::Stream(head)) => Some(head),
            _ => None,
        }
    }
}

impl Streams {
    pub(super) fn sort(heads: Vec<Arc<Head>>) -> Self {
        let content = |head: &Head| head.caps().map_or(Content::Other, |caps| decide::content(caps.as_ref()));
        Self { heads: heads.into_iter().map(|head| (content(&head), head)).collect() }
    }

    fn of(&self, content: Content) -> impl Iterator<Item = &Arc<Head>> {
        self.heads.iter().filter(move |(found, _)| *found == content).map(|(_, head)| head)
    }

    /// `beside`: subtitles in files of their own count behind those of the file.
    pub(super) fn choose(&self, form: &Form, beside: &[Beside]) -> Chosen {
        let pictures = form.profile != Profile::Audio;
        let video = self.default(Content::Video).filter(|_| pictures);
        let audio = self.named(Content::Audio, &form.audio).or_else(|| self.default(Content::Audio));
        let drawn = form.subtitles.as_ref().filter(|_| video.is_some());
        let subtitles = drawn.and_then(|choice| self.drawn(choice, beside));
        Chosen { video, audio, subtitles }
    }

    fn drawn(&self, choice: &TrackChoice, beside: &[Beside]) -> Option<Drawn> {
        let heads: Vec<_> = self.of(Content::Subtitle).collect();
        let inside = heads.iter().map(|head| contents::language(head));
        let languages = inside.chain(beside.iter().map(|beside| beside.track.language.clone()));
        let languages: Vec<_> = languages.map(|code| Language::parse(&code?).ok()).collect();
        let found = choice.find(&languages)?;
        Some(match heads.get(found) {
            Some(head) => Drawn::Stream(Arc::clone(head)),
            None => Drawn::Beside(found - heads.len()),
        })
    }

    fn named(&self, content: Content, choice: &TrackChoice) -> Option<Arc<Head>> {
        let language = |head: &Arc<Head>| Language::parse(&contents::language(head)?).ok();
        let languages: Vec<_> = self.of(content).map(language).collect();
        self.of(content).nth(choice.find(&languages)?).cloned()
    }

    /// The one that the file marks, otherwise the first that it does not mark as not to be played.
    fn default(&self, content: Content) -> Option<Arc<Head>> {
        let marked = |mark| move |head: &&Arc<Head>| head.is_default() == mark;
        self.of(content)
            .find(marked(Some(true)))
            .or_else(|| self.of(content).find(marked(None)))
            .or_else(|| self.of(content).next())
            .cloned()
    }

    /// Those that go nowhere.
    pub(super) fn others<'a>(&'a self, chosen: &'a Chosen) -> impl Iterator<Item = &'a Arc<Head>> {
        let used = [chosen.video.as_ref(), chosen.audio.as_ref(), chosen.drawn_stream()];
        self.heads
            .iter()
            .map(|(_, head)| head)
            .filter(move |head| !used.iter().any(|used| used.is_some_and(|used| Arc::ptr_eq(used, head))))
    }

    /// What people are told of them.
    pub(super) fn contents(&self, chosen: &Chosen, beside: &[Beside]) -> Contents {
        let is = |one: Option<&Arc<Head>>, head| one.is_some_and(|one| Arc::ptr_eq(one, head));
        let default = self.default(Content::Audio);
        let heads: Vec<_> = self.heads.iter().map(|(_, head)| Arc::clone(head)).collect();
        contents::bounded(Contents {
            audio_tracks: self
                .of(Content::Audio)
                .map(|head| {
                    contents::audio_track(head, is(default.as_ref(), head), is(chosen.audio.as_ref(), head))
                })
                .collect(),
            subtitle_tracks: self
                .of(Content::Subtitle)
                .map(|head| contents::subtitle_track(head, is(chosen.drawn_stream(), head)))
                .chain(beside.iter().enumerate().map(|(index, beside)| SubtitleTrack {
                    chosen: matches!(chosen.subtitles, Some(Drawn::Beside(drawn)) if drawn == index),
                    ..beside.track.clone()
                }))
                .collect(),
            chapters: heads
                .iter()
                .find_map(|head| head.toc())
                .map(|toc| contents::chapters(&toc))
                .unwrap_or_default(),
            tags: contents::tags(&heads),
        })
    }

    pub(super) fn kinds(&self) -> Vec<(Content, Option<gst::Caps>)> {
        self.heads.iter().map(|(content, head)| (*content, head.caps())).collect()
    }
}
