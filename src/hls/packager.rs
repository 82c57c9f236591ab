//! A live stream's tags into parts and segments of its [`Window`].

use super::cut::{is_aac, is_avc};
use super::window::{Part, Window};
use crate::flv::aac::AacConfig;
use crate::flv::avc::AvcConfig;
use crate::flv::codec::{AudioHeader, Packet, VideoCodec, VideoHeader};
use crate::flv::{Tag, TagKind};
use crate::fmp4::segment::{Boundary, Configs, Frame, Piece, fragments};
use crate::limits::{
    FMP4_AUDIO_TOLERANCE, HLS_BLIND, HLS_EPOCH, HLS_LIVE_SEGMENT, HLS_PART, HLS_SOUND_WAIT, MAX_HLS_FRAMES,
};
use crate::time::MediaTime;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::time::Duration;

/// Takes a stream's tags in order, and adds what they make to a window.
///
/// Segments begin at keyframes, and last [`HLS_LIVE_SEGMENT`] at least. A group of pictures that is longer than the
/// playlist's promise (its target duration, which must never change) is cut all the same.
#[derive(Debug, Default)]
pub struct Packager {
    /// The stream's time that counts as zero, see [`HLS_EPOCH`].
    origin: u32,
    /// What the current init segment is for.
    configs: Configs,
    /// What holds from the next keyframe on.
    coming: Option<Configs>,
    video: VecDeque<Frame<Bytes>>,
    audio: VecDeque<Frame<Bytes>>,
    /// Where what is gathered begins.
    open: Option<Boundary>,
    /// Cuts that wait for the sound before them.
    cuts: VecDeque<Planned>,
    /// Where the last segment and the last part were cut.
    segment_start: MediaTime,
    part_start: MediaTime,
    /// The last leading frame, and how long it was behind the one before.
    last: MediaTime,
    step: u32,
    /// Number of the next fragment.
    sequence: u32,
    refused: Option<VideoCodec>,
}

/// A cut.
#[derive(Debug)]
struct Planned {
    /// At the leading frame of this time.
    at: MediaTime,
    /// Pictures before it that are not in an earlier cut.
    pictures: usize,
    /// The segment ends there too.
    ends_segment: bool,
    /// What holds behind it, when that is something else.
    configs: Option<Configs>,
}

impl Packager {
    /// The codec of pictures that cannot be had this way.
    pub fn refused(&self) -> Option<VideoCodec> {
        self.refused
    }

    /// The configurations of the stream.
    pub fn configs(&self) -> &Configs {
        &self.configs
    }

    /// Takes the next tag.
    pub fn push(&mut self, tag: &Tag, window: &mut Window) {
        let time = tag.timestamp.as_millis();
        let leads = || match tag.kind {
            TagKind::Video => tag.is_keyframe(),
            TagKind::Audio => !self.is_to_have_pictures(),
            TagKind::Script => false,
        };
        if time.wrapping_sub(self.origin) >= ms(HLS_EPOCH) && leads() {
            if self.open.is_some() {
                self.interrupt(window);
            }
            self.origin = time;
        }
        let since = time.wrapping_sub(self.origin);
        // What is before the origin comes late, and belongs to what is cut already. Headers hold at any time.
        if since > u32::MAX / 2 && !tag.is_sequence_header() {
            return;
        }
        let at = MediaTime::from_millis(since);
        match tag.kind {
            TagKind::Video => self.picture(at, tag, window),
            TagKind::Audio => self.sound(at, tag, window),
            TagKind::Script => return,
        }
        if self.video.len().max(self.audio.len()) > MAX_HLS_FRAMES {
            // Frames that all have one time, or sound without end before a picture.
            self.interrupt(window);
        }
        self.flush(window, false);
    }

    /// What comes next does not go on where this ends.
    pub fn interrupt(&mut self, window: &mut Window) {
        self.flush(window, true);
        if let Some(from) = self.open.take() {
            let end = self.last.saturating_add_millis(self.step);
            let part = self.part(from, None, end);
            if let Some(part) = part {
                window.add_part(part);
            }
        }
        self.video.clear();
        self.audio.clear();
        window.complete();
        window.interrupt();
    }

    fn leads_with_pictures(&self) -> bool {
        self.configs.video.is_some()
    }

    fn coming(&mut self) -> &mut Configs {
        let configs = &self.configs;
        self.coming.get_or_insert_with(|| configs.clone())
    }

    fn picture(&mut self, at: MediaTime, tag: &Tag, window: &mut Window) {
        let Some(header) = VideoHeader::parse(&tag.body) else { return };
        if !is_avc(header.codec) {
            self.refused = Some(header.codec);
            return;
        }
        match header.packet {
            Packet::SequenceHeader => {
                let Ok(config) = AvcConfig::parse(&tag.body.slice(header.data_offset..)) else { return };
                if self.configs.video.as_ref() != Some(&config) || self.coming.is_some() {
                    self.coming().video = Some(config);
                }
            }
            Packet::Frame if tag.body.len() > header.data_offset => {
                if header.keyframe && self.coming.is_some() {
                    self.change(at, window);
                } else if self.leads_with_pictures() {
                    self.lead(at, header.keyframe, window);
                }
                if self.open.is_some() && self.is_to_have_pictures() {
                    let data = tag.body.slice(header.data_offset..);
                    let (composition_ms, keyframe) = (header.composition_ms, header.keyframe);
                    self.video.push_back(Frame { at, composition_ms, keyframe, sets: Bytes::new(), data });
                }
            }
            Packet::Frame | Packet::Other => {}
        }
    }

    /// There is an init segment for pictures, or there will be behind the cuts that are planned.
    fn is_to_have_pictures(&self) -> bool {
        let last = self.cuts.iter().rev().find_map(|cut| cut.configs.as_ref());
        last.unwrap_or(&self.configs).video.is_some()
    }

    fn sound(&mut self, at: MediaTime, tag: &Tag, window: &mut Window) {
        let Some(header) = AudioHeader::parse(&tag.body).filter(|header| is_aac(header.codec)) else {
            return;
        };
        match header.packet {
            Packet::SequenceHeader => {
                let Ok(config) = AacConfig::parse(&tag.body.slice(header.data_offset..)) else { return };
                if self.configs.audio.as_ref() != Some(&config) || self.coming.is_some() {
                    self.coming().audio = Some(config);
                }
            }
            Packet::Frame if tag.body.len() > header.data_offset => {
                let alone = |configs: &Configs| configs.video.is_none();
                let coming_alone = self.coming.as_ref().is_some_and(alone);
                if alone(&self.configs) && coming_alone {
                    self.change(at, window);
                } else if alone(&self.configs) && self.cuts.iter().all(|cut| cut.configs.is_none()) {
                    self.lead(at, true, window);
                }
                // Of another configuration: what comes before that holds is silence.
                let fits = self.coming.as_ref().is_none_or(|coming| coming.audio == self.configs.audio);
                if self.open.is_some() && fits {
                    let data = tag.body.slice(header.data_offset..);
                    self.audio.push_back(Frame {
                        at,
                        composition_ms: 0,
                        keyframe: true,
                        sets: Bytes::new(),
                        data,
                    });
                }
            }
            Packet::Frame | Packet::Other => {}
        }
    }

    /// The configuration that was announced holds from this frame on.
    fn change(&mut self, at: MediaTime, window: &mut Window) {
        let Some(coming) = self.coming.take() else { return };
        if coming == self.configs && self.open.is_some() {
            return self.lead(at, true, window);
        }
        if self.open.is_none() {
            self.configs = coming;
            window.set_init(self.configs.init());
            return self.lead(at, true, window);
        }
        self.plan(at, true, Some(coming));
    }

    /// A frame of the lane by which is cut.
    fn lead(&mut self, at: MediaTime, keyframe: bool, window: &Window) {
        if self.open.is_none() {
            if keyframe {
                self.open = Some(Boundary { video: at, audio: at });
                (self.segment_start, self.part_start, self.last, self.step) = (at, at, at, 0);
            }
            return;
        }
        if at > self.last {
            self.step = at.saturating_millis_since(self.last);
            self.last = at;
        }
        let segment = at.saturating_millis_since(self.segment_start);
        // The first one may be as long as the groups of pictures of encoders are.
        let longest = window.longest_ms().unwrap_or(ms(HLS_BLIND));
        let too_long = segment.saturating_add(self.step) > longest;
        if (keyframe && segment >= ms(HLS_LIVE_SEGMENT)) || (too_long && segment > 0) {
            self.plan(at, true, None);
        } else if at.saturating_millis_since(self.part_start).saturating_add(self.step) > ms(HLS_PART)
            && at > self.part_start
        {
            self.plan(at, false, None);
        }
    }

    fn plan(&mut self, at: MediaTime, ends_segment: bool, configs: Option<Configs>) {
        let planned: usize = self.cuts.iter().map(|cut| cut.pictures).sum();
        self.cuts.push_back(Planned { at, pictures: self.video.len() - planned, ends_segment, configs });
        self.part_start = at;
        if ends_segment {
            self.segment_start = at;
        }
        if at > self.last {
            self.last = at;
        }
    }

    /// Makes parts of what is behind the next cut, once the sound before it has come.
    fn flush(&mut self, window: &mut Window, at_once: bool) {
        while let (Some(from), Some(cut)) = (self.open, self.cuts.front()) {
            let heard =
                self.configs.audio.is_none() || self.audio.back().is_some_and(|sound| sound.at >= cut.at);
            let waited = self.last.saturating_millis_since(cut.at) > ms(HLS_SOUND_WAIT);
            if !(heard || waited || at_once) {
                return;
            }
            let Some(cut) = self.cuts.pop_front() else { return };
            let next = self.audio.iter().map(|sound| sound.at).find(|at| *at >= cut.at);
            let near = next.filter(|next| next.saturating_millis_since(cut.at) <= ms(FMP4_AUDIO_TOLERANCE));
            let until = Boundary { video: cut.at, audio: near.unwrap_or(cut.at) };
            if let Some(part) = self.part(from, Some((until, cut.pictures)), cut.at) {
                window.add_part(part);
            }
            self.open = Some(until);
            if cut.ends_segment {
                window.complete();
            }
            if let Some(configs) = cut.configs {
                self.configs = configs;
                window.set_init(self.configs.init());
                window.interrupt();
            }
        }
    }

    /// What is gathered from one boundary up to another, or all of it.
    fn part(&mut self, from: Boundary, until: Option<(Boundary, usize)>, end: MediaTime) -> Option<Part> {
        let pictures = until.map_or(self.video.len(), |(_, pictures)| pictures);
        let sounds = until.map_or(self.audio.len(), |(until, _)| {
            self.audio.iter().position(|sound| sound.at >= until.audio).unwrap_or(self.audio.len())
        });
        let video: Vec<_> = self.video.drain(..pictures).collect();
        let audio: Vec<_> = self.audio.drain(..sounds).collect();
        let leading = if self.leads_with_pictures() { &video } else { &audio };
        let independent = leading.first().is_some_and(|frame| frame.keyframe);
        let limits = (from, until.map(|(until, _)| until));
        let pieces = fragments(&mut self.sequence, &self.configs, limits, (video, audio));
        if pieces.is_empty() {
            return None;
        }
        let mut bytes = BytesMut::new();
        for piece in &pieces {
            let (Piece::Bytes(piece) | Piece::Data(piece)) = piece;
            bytes.extend_from_slice(piece);
        }
        Some(Part { bytes: bytes.freeze(), ms: end.saturating_millis_since(from.video), independent })
    }
}

fn ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::flv::codec::{aac_frame_header, aac_sequence_header, avc_frame_header, avc_sequence_header};

    const AVC: [u8; 40] = [
        1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 25, 0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27,
        0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x60, 1, 0, 4,
        0x68, 0xeb, 0xe3, 0xcb,
    ];

    fn tag(kind: TagKind, ms: u32, body: Bytes) -> Tag {
        Tag { kind, timestamp: MediaTime::from_millis(ms), body }
    }

    fn avc(last: u8) -> Tag {
        let mut config = AVC;
        config[39] = last;
        tag(TagKind::Video, 0, avc_sequence_header(&config))
    }

    fn aac() -> Tag {
        tag(TagKind::Audio, 0, aac_sequence_header(&[0x11, 0x90]))
    }

    fn picture(ms: u32, key: bool) -> Tag {
        tag(TagKind::Video, ms, [&avc_frame_header(key, 0)[..], b"picture"].concat().into())
    }

    fn sound(ms: u32) -> Tag {
        tag(TagKind::Audio, ms, [&aac_frame_header()[..], b"sound"].concat().into())
    }

    /// Pictures every 40 ms with a keyframe every `gop`, and sound every 20 ms.
    fn stream(from: u32, to: u32, gop: u32) -> impl Iterator<Item = Tag> {
        (from..to).step_by(20).flat_map(move |ms| {
            let picture = (ms % 40 == 0).then(|| picture(ms, ms % gop == 0));
            picture.into_iter().chain([sound(ms)])
        })
    }

    fn package(tags: impl IntoIterator<Item = Tag>) -> (Packager, Window) {
        let (mut packager, mut window) = (Packager::default(), Window::default());
        tags.into_iter().for_each(|tag| packager.push(&tag, &mut window));
        (packager, window)
    }

    fn lengths(window: &Window) -> Vec<u32> {
        window.listed().filter(|segment| segment.complete).map(|segment| segment.ms()).collect()
    }

    #[test]
    fn segments_are_groups_of_pictures_and_parts_are_short() {
        let (_, window) = package([avc(1), aac()].into_iter().chain(stream(0, 7000, 1000)));
        assert_eq!(lengths(&window), [2000, 2000, 2000]);
        let parts: Vec<u32> = window.listed().flat_map(|s| &s.parts).map(|part| part.ms).collect();
        assert!(parts.iter().all(|ms| *ms <= 500), "{parts:?}");
        for segment in window.listed() {
            assert!(segment.parts[0].independent);
            // 85 % of the target (RFC 8216bis, 4.4.3.7), the last of a segment apart.
            let (_, all_but_last) = segment.parts.split_last().unwrap();
            assert!(all_but_last.iter().all(|part| part.ms >= 425), "{:?}", segment.parts.len());
        }
        assert!(window.render("").contains("#EXT-X-TARGETDURATION:2\n"));
    }

    #[test]
    fn a_long_group_of_pictures_is_cut_where_the_playlist_promised() {
        let tags =
            [avc(1), aac()].into_iter().chain(stream(0, 4000, 2000)).chain(stream(4000, 16_000, 12_000));
        let (_, window) = package(tags);
        assert!(lengths(&window).iter().all(|ms| *ms < 2500), "{:?}", lengths(&window));
    }

    #[test]
    fn another_configuration_is_another_init_segment_behind_a_discontinuity() {
        let tags = [avc(1), aac()].into_iter().chain(stream(0, 3000, 1000));
        let tags = tags
            .chain([avc(1), aac()])
            .chain(stream(3000, 5000, 1000))
            .chain([avc(2)])
            .chain(stream(5000, 9000, 1000));
        let (_, window) = package(tags);
        let playlist = window.render("");
        assert_eq!(playlist.matches("#EXT-X-MAP").count(), 2, "{playlist}");
        assert_eq!(playlist.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{playlist}");
        assert_eq!(lengths(&window), [2000, 2000, 1000, 2000]);
    }

    #[test]
    fn sound_alone_is_cut_too_and_sound_that_lags_is_waited_for() {
        let (_, window) = package([aac()].into_iter().chain((0..7000).step_by(20).map(sound)));
        assert_eq!(lengths(&window), [2000, 2000, 2000]);
        // Sound 300 ms behind the picture: nothing of it is lost.
        let in_order = || [avc(1), aac()].into_iter().chain(stream(0, 9000, 1000));
        let mut late: Vec<Tag> = stream(0, 9000, 1000).collect();
        late.sort_by_key(|tag| tag.timestamp.as_millis() + if tag.kind == TagKind::Audio { 300 } else { 0 });
        let sounds = |window: &Window| {
            let sounds = |n| window.segment(n).unwrap().windows(5).filter(|five| five == b"sound").count();
            [0, 1, 2].map(sounds)
        };
        let (on_time, late) = (package(in_order()).1, package([avc(1), aac()].into_iter().chain(late)).1);
        assert_eq!(sounds(&on_time), sounds(&late));
        assert!(sounds(&late).iter().all(|count| *count > 90));
    }

    #[test]
    fn a_stream_that_never_has_sound_goes_on_without() {
        let pictures = (0..9000).step_by(40).map(|ms| picture(ms, ms % 2000 == 0));
        let (_, window) = package([avc(1), aac()].into_iter().chain(pictures));
        assert_eq!(lengths(&window), [2000, 2000, 2000]);
    }

    #[test]
    fn what_was_lost_is_a_discontinuity_and_what_was_there_is_complete() {
        let (mut packager, mut window) = package([avc(1), aac()].into_iter().chain(stream(0, 3000, 1000)));
        packager.interrupt(&mut window);
        stream(20_000, 23_000, 1000).for_each(|tag| packager.push(&tag, &mut window));
        assert_eq!(lengths(&window), [2000, 1000, 2000]);
        assert!(window.render("").contains("#EXT-X-DISCONTINUITY\n"));
    }

    #[test]
    fn a_stream_of_months_has_a_discontinuity_every_twelve_days_and_loses_nothing() {
        // Where a keyframe is behind twelve days, and where the stream's own milliseconds begin at zero again.
        for (begins, expected) in [
            ((ms(HLS_EPOCH) - 3000) / 1000 * 1000, vec![1000, 2000, 2000, 2000, 2000]),
            ((ms(HLS_EPOCH) - 2000) / 1000 * 1000, vec![1000, 2000, 1000, 2000, 2000, 2000]),
            ((u32::MAX - 3000) / 1000 * 1000, vec![1000, 2000, 2000, 2000, 2000]),
        ] {
            let (mut packager, mut window) =
                package([avc(1), aac()].into_iter().chain(stream(0, 1000, 1000)));
            packager.interrupt(&mut window);
            for mut tag in stream(0, 9500, 1000) {
                tag.timestamp = MediaTime::from_millis(tag.timestamp.as_millis().wrapping_add(begins));
                packager.push(&tag, &mut window);
            }
            assert_eq!(lengths(&window), expected, "from {begins}");
        }
    }

    #[test]
    fn other_codecs_are_named() {
        let (packager, window) = package([tag(TagKind::Video, 0, Bytes::from_static(&[0x12, 0, 0]))]);
        assert_eq!(packager.refused(), Some(VideoCodec::SorensonH263));
        assert!(!window.has_begun());
    }
}
