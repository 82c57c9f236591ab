//! A run of a source that is a stream of another RTMP server. No worker: what comes are tags already, and nothing is decoded.

use super::ended::{Caption, Ended};
use super::run::{Means, Run};
use crate::flv::avc::AvcConfig;
use crate::flv::codec::{AudioCodec, AudioHeader, Packet, VideoCodec, VideoHeader};
use crate::flv::{Tag, TagKind};
use crate::limits::{LIVE_PICTURE_WAIT, RTMP_SETTLE, SOURCE_TEND};
use crate::relay::{Receiver, RelayError};
use crate::rtmp_url::RtmpUrl;
use std::time::Instant;

/// Receives until the connection or the run ends.
pub(super) async fn run(means: &Means, run: &Run, url: &RtmpUrl) -> Ended {
    let mut receiver = None;
    let result = pass_on(means, run, url, &mut receiver).await;
    if let (Ok(()), Some(receiver)) = (&result, receiver) {
        receiver.close().await;
    }
    means.air.lose(Instant::now());
    match result {
        Ok(()) => Ended::new("it was stopped", false, Caption::NoSignal),
        Err(error) => {
            let lasting = error.is_lasting();
            let caption = if lasting { Caption::Unavailable } else { Caption::NoSignal };
            Ended::new(url.hidden_in(&error.to_string()), lasting, caption)
        }
    }
}

/// `Ok` when the run was stopped. `place` holds the connection, to be taken leave of then.
async fn pass_on(
    means: &Means,
    run: &Run,
    url: &RtmpUrl,
    place: &mut Option<Receiver>,
) -> Result<(), RelayError> {
    let mut tick = tokio::time::interval(SOURCE_TEND);
    let connecting = means.relays.receive(url, means.progress.name());
    tokio::pin!(connecting);
    let receiver = loop {
        tokio::select! {
            receiver = &mut connecting => break place.insert(receiver?),
            _ = tick.tick() => if run.is_stopped() { return Ok(()) },
        }
    };
    let mut opening = Some(Opening::default());
    let mut found = Found::default();
    loop {
        let tag = tokio::select! {
            tag = receiver.next() => tag?,
            _ = tick.tick() => match run.is_stopped() {
                true => return Ok(()),
                false => continue,
            },
        };
        if run.is_stopped() {
            return Ok(());
        }
        let now = Instant::now();
        means.progress.received(tag.body.len());
        if opening.as_mut().is_some_and(|held| !held.may_begin(&tag, now)) {
            continue;
        }
        let before = opening.take();
        let begins = before.is_some();
        if let Some(before) = before {
            means.air.begin(before.has_sound(&tag), now)?;
            for held in before.tags(&tag) {
                found.see(&held);
                means.air.push(held, now);
            }
        }
        if found.see(&tag) {
            means.progress.passes(&found);
        }
        if !means.air.push(tag, now) {
            return Err(RelayError::Replaced);
        }
        // Behind the tag: who waits for this looks at the stream.
        if begins {
            means.progress.on_air();
        }
    }
}

/// What came before viewers can begin: no picture can be shown without a keyframe, and a slate should stay until then.
#[derive(Default)]
struct Opening {
    metadata: Option<Tag>,
    video: Option<Tag>,
    audio: Option<Tag>,
    /// When the first sound came.
    heard: Option<Instant>,
}

impl Opening {
    /// Viewers can begin with this tag. What has to come before it is kept, the rest is of no use to anybody.
    fn may_begin(&mut self, tag: &Tag, now: Instant) -> bool {
        match tag.kind {
            TagKind::Script => {
                if tag.is_metadata() {
                    self.metadata = Some(tag.clone());
                }
                false
            }
            TagKind::Video if tag.is_sequence_header() => {
                self.video = Some(tag.clone());
                false
            }
            TagKind::Video => tag.is_keyframe(),
            TagKind::Audio if tag.is_sequence_header() => {
                self.audio = Some(tag.clone());
                false
            }
            TagKind::Audio => {
                let heard = *self.heard.get_or_insert(now);
                let patience = if self.video.is_some() { LIVE_PICTURE_WAIT } else { RTMP_SETTLE };
                now.saturating_duration_since(heard) >= patience
            }
        }
    }

    fn has_sound(&self, first: &Tag) -> bool {
        self.audio.is_some() || self.heard.is_some() || first.kind == TagKind::Audio
    }

    /// The tags that come before the first one, at its time.
    fn tags(self, first: &Tag) -> impl Iterator<Item = Tag> + use<> {
        let timestamp = first.timestamp;
        let kept = [self.metadata, self.video, self.audio].into_iter().flatten();
        kept.map(move |tag| Tag { timestamp, ..tag })
    }
}

/// What comes, as its tags tell: names of codecs, and the size of pictures.
#[derive(Default)]
pub(super) struct Found {
    pub(super) video: Option<VideoCodec>,
    pub(super) audio: Option<AudioCodec>,
    /// Pixels.
    pub(super) size: Option<(u32, u32)>,
}

impl Found {
    /// Looks at a tag. True: it says something new.
    fn see(&mut self, tag: &Tag) -> bool {
        match tag.kind {
            TagKind::Video => {
                let Some(header) = VideoHeader::parse(&tag.body) else { return false };
                let config = (header.codec == VideoCodec::Avc && header.packet == Packet::SequenceHeader)
                    .then(|| {
                        AvcConfig::parse(&tag.body.slice(header.data_offset.min(tag.body.len())..)).ok()
                    });
                let size = config.flatten().map(|config| (config.width.into(), config.height.into()));
                let is_new = self.video != Some(header.codec) || size.is_some() && size != self.size;
                self.video = Some(header.codec);
                self.size = size.or(self.size);
                is_new
            }
            TagKind::Audio => {
                let codec = AudioHeader::parse(&tag.body).map(|header| header.codec);
                let is_new = codec.is_some() && codec != self.audio;
                self.audio = codec.or(self.audio);
                is_new
            }
            TagKind::Script => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MediaTime;
    use bytes::Bytes;

    fn tag(kind: TagKind, body: &'static [u8]) -> Tag {
        Tag { kind, timestamp: MediaTime::from_millis(7), body: Bytes::from_static(body) }
    }

    #[test]
    fn viewers_begin_with_a_keyframe_or_with_sound_that_has_no_picture() {
        let now = Instant::now();
        let (header, key, later) =
            (&[0x17, 0, 0, 0, 0, 1][..], &[0x17, 1, 0, 0, 0][..], &[0x27, 1, 0, 0, 0][..]);
        let (config, sound) = (&[0xaf, 0, 0x11, 0x90][..], &[0xaf, 1, 7][..]);
        let mut opening = Opening::default();
        for (kind, body) in [
            (TagKind::Script, &b"\x02\x00\x0aonMetaData"[..]),
            (TagKind::Audio, config),
            (TagKind::Video, header),
            (TagKind::Audio, sound),
            (TagKind::Video, later),
        ] {
            assert!(!opening.may_begin(&tag(kind, body), now), "{body:?}");
        }
        assert!(!opening.may_begin(&tag(TagKind::Audio, sound), now + RTMP_SETTLE), "a picture was promised");
        let first = tag(TagKind::Video, key);
        assert!(opening.may_begin(&first, now));
        assert!(opening.has_sound(&first));
        let mut found = Found::default();
        let kinds: Vec<_> = opening.tags(&first).map(|tag| (tag.kind, found.see(&tag))).collect();
        assert_eq!(kinds, [(TagKind::Script, false), (TagKind::Video, true), (TagKind::Audio, true)]);
        assert!(!found.see(&first), "that is known already");
        assert_eq!((found.video, found.audio), (Some(VideoCodec::Avc), Some(AudioCodec::Aac)));

        let mut radio = Opening::default();
        assert!(!radio.may_begin(&tag(TagKind::Audio, config), now));
        assert!(!radio.may_begin(&tag(TagKind::Audio, sound), now));
        assert!(radio.may_begin(&tag(TagKind::Audio, sound), now + RTMP_SETTLE));
    }
}
