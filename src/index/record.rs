//! What is remembered of one file, in memory and as a line of the index. Pure.

use crate::library::{FileIdentity, LibraryPath};
use crate::limits;
use crate::pipeline::{AudioTrack, Chapter, Contents, MediaStreams, NamedTag, Picture, SubtitleTrack};
use crate::time::MediaTime;
use serde::{Deserialize, Serialize};

/// Which version of a file was looked at. The device is no part of it: its number may be another one after the
/// next start.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Stamp {
    /// The file's number on its device.
    pub inode: u64,
    /// Bytes.
    pub len: u64,
    /// Nanoseconds since 1970.
    pub modified_ns: i64,
}

impl Stamp {
    /// Of a file as it is now.
    pub fn of(file: FileIdentity) -> Self {
        let modified_ns = i64::try_from(file.modified_ns()).unwrap_or(i64::MAX);
        Self { inode: file.file().inode(), len: file.len(), modified_ns }
    }

    /// The same version at the same path: FAT has no inodes of its own, so they do not count there.
    pub fn is_same_at_path(&self, other: &Self) -> bool {
        (self.len, self.modified_ns) == (other.len, other.modified_ns)
    }
}

/// The picture of a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Film {
    /// The codec in words.
    pub codec: String,
    /// Pixels, before it is turned.
    pub width: u32,
    /// Likewise.
    pub height: u32,
}

/// What is in a file.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// How long it plays, in milliseconds.
    pub duration_ms: Option<u32>,
    /// Its picture.
    pub video: Option<Film>,
    /// Its sounds, in the file's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audio: Vec<AudioTrack>,
    /// Its subtitles, in the file's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subtitles: Vec<SubtitleTrack>,
    /// Its chapters, in order of time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chapters: Vec<Chapter>,
    /// What it says of itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<NamedTag>,
}

impl Details {
    /// What was seen, without what makes it longer than [`MAX_DETAILS`](limits::MAX_DETAILS).
    pub fn of(streams: MediaStreams) -> Self {
        let Contents { audio_tracks, subtitle_tracks, chapters, tags } = streams.contents;
        let video = streams.video.map(|video| Film {
            codec: video.source_codec,
            width: video.width,
            height: video.height,
        });
        let duration_ms = streams.duration.map(MediaTime::as_millis);
        let mut details =
            Self { duration_ms, video, audio: audio_tracks, subtitles: subtitle_tracks, chapters, tags };
        for shorten in [
            |_: &mut Self| {},
            |details: &mut Self| details.chapters.clear(),
            |details: &mut Self| details.subtitles.truncate(8),
            |details: &mut Self| details.audio.truncate(8),
            |details: &mut Self| details.tags.clear(),
        ] {
            shorten(&mut details);
            if details.json().len() <= limits::MAX_DETAILS {
                break;
            }
        }
        details
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A picture of a file that is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// Its name: another one for another picture.
    pub id: String,
    /// Bytes of the JPEG.
    pub bytes: u32,
    /// Pixels of a tile.
    pub width: u16,
    /// Likewise.
    pub height: u16,
    /// Tiles in a row.
    pub columns: u16,
    /// What the tiles show: milliseconds, growing.
    pub times_ms: Vec<u32>,
}

impl Kept {
    /// As `picture` is kept under that name.
    pub fn of(picture: &Picture, id: String) -> Self {
        let Picture { width, height, columns, .. } = *picture;
        let bytes = u32::try_from(picture.jpeg.len()).unwrap_or(u32::MAX);
        Self { id, bytes, width, height, columns, times_ms: picture.times_ms.clone() }
    }
}

/// Something that did not work, to be tried again after a while.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// A sentence for people.
    pub reason: String,
    /// When it was tried last: seconds since 1970.
    pub at: u64,
    /// How often it was tried.
    pub times: u32,
}

impl Failure {
    /// When it is worth another attempt: a day later, then two, four, … days, at most a month.
    pub fn again_at(&self) -> u64 {
        let days = 1u64 << self.times.saturating_sub(1).min(5);
        self.at.saturating_add(
            (days * limits::INDEX_RETRY_FIRST.as_secs()).min(limits::INDEX_RETRY_MOST.as_secs()),
        )
    }

    /// That is now; a clock that was set back waits for nothing.
    pub fn is_due(&self, now: u64) -> bool {
        now >= self.again_at() || now + limits::INDEX_RETRY_MOST.as_secs() < self.at
    }
}

/// What is known of a file.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Knowledge {
    /// What is in it; `None` when that could not be found out.
    pub details: Option<Details>,
    /// The picture that stands for it.
    pub poster: Option<Kept>,
    /// Pictures for the seek bar.
    pub bar: Option<Kept>,
    /// It was tried to make pictures.
    pub pictured: bool,
    /// What failed: without details, looking into it; otherwise making pictures.
    pub failure: Option<Failure>,
    /// It was not there any more, since then (seconds since 1970): its disk may come back.
    pub missing_since: Option<u64>,
}

/// One line of the index.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// The file, percent-encoded: names are bytes.
    pub(super) path: String,
    /// The device it was last seen on.
    #[serde(default)]
    pub(super) device: u64,
    /// Its version.
    pub(super) stamp: Stamp,
    /// `None`: the file is gone, what was said of it before does not hold.
    pub(super) known: Option<Knowledge>,
}

impl Record {
    /// The file, if that is one.
    pub(super) fn path(&self) -> Option<LibraryPath> {
        LibraryPath::from_percent_encoded(&self.path).ok().filter(|path| !path.is_top())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_again_and_again_is_tried_more_and_more_seldom() {
        let day = 24 * 3600;
        let failure = |times| Failure { reason: String::new(), at: 1000 * day, times };
        let waits: Vec<u64> = (0..9).map(|times| failure(times).again_at() / day - 1000).collect();
        assert_eq!(waits, [1, 1, 2, 4, 8, 16, 30, 30, 30]);
        assert!(!failure(1).is_due(1000 * day + 3600) && failure(1).is_due(1001 * day));
        assert!(failure(1).is_due(0), "the clock was wrong when it failed");
        assert!(failure(u32::MAX).again_at() > 0);
    }

    #[test]
    fn what_a_file_says_of_itself_is_bounded() {
        let text = "x".repeat(limits::MAX_LISTED_TEXT);
        let contents = Contents {
            chapters: vec![Chapter { start_ms: 0, title: text.clone() }; limits::MAX_LISTED],
            subtitle_tracks: vec![
                SubtitleTrack {
                    codec: text.clone(),
                    language: Some(text.clone()),
                    title: Some(text.clone()),
                    text: true,
                    chosen: false,
                    default: false,
                };
                limits::MAX_LISTED
            ],
            tags: vec![NamedTag { name: "title".into(), value: text }],
            ..Contents::default()
        };
        let streams = MediaStreams {
            duration: None,
            video: None,
            audio: None,
            contents,
            seekable: true,
            lead_ns: 0,
            spare: None,
            warnings: Vec::new(),
        };
        let details = Details::of(streams);
        assert!(details.json().len() <= limits::MAX_DETAILS, "{}", details.json().len());
        assert_eq!(details.tags.len(), 1, "the shorter things stay");
    }
}
