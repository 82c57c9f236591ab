//! What a recording does with what comes out of its tap. Runs on a thread of its own: it blocks
//! while it writes, and the tap keeps what comes meanwhile.

use super::file::{Finished, RecordingFile};
use super::repair::recordings_in;
use super::room::Room;
use super::{Mode, Recording, State, name};
use crate::flv::codec::{AudioCodec, AudioHeader, VideoCodec, VideoHeader};
use crate::flv::metadata::parse_on_metadata;
use crate::flv::{Tag, TagKind};
use crate::library::LibraryPath;
use crate::limits::{RECORD_FLUSH, RECORD_SYNC};
use crate::provider::Growing;
use crate::reel::Role;
use crate::stream::Tapped;
use crate::time::MediaTime;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Between the end of what is there and what is put behind it: a frame at 25 frames a second.
const APPEND_GAP_MS: u32 = 40;

/// What all recordings have in common.
#[derive(Debug, Clone)]
pub(super) struct Means {
    pub(super) room: Room,
    pub(super) growing: Arc<Growing>,
    /// The folder, as the library names it.
    pub(super) library_folder: LibraryPath,
    pub(super) split_bytes: u64,
    pub(super) split: Duration,
}

pub(super) struct Task {
    means: Means,
    recording: Arc<Recording>,
    mode: Mode,
    file: Option<RecordingFile>,
    /// The time on the stream's timeline that is `base` in the file; `None` until a tag is written.
    origin: Option<MediaTime>,
    base: MediaTime,
    /// The sequence headers that hold: picture, sound.
    headers: [Option<Tag>; 2],
    picture_size: Option<(u32, u32)>,
    has_video: bool,
    /// No picture before the next keyframe.
    wait_for_keyframe: bool,
}

/// A codec of either kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Codec {
    Video(VideoCodec),
    Audio(AudioCodec),
}

impl Codec {
    fn of(tag: &Tag) -> Option<Self> {
        match tag.kind {
            TagKind::Video => VideoHeader::parse(&tag.body).map(|header| Self::Video(header.codec)),
            TagKind::Audio => AudioHeader::parse(&tag.body).map(|header| Self::Audio(header.codec)),
            TagKind::Script => None,
        }
    }

    const fn lane(self) -> usize {
        match self {
            Self::Video(_) => 0,
            Self::Audio(_) => 1,
        }
    }
}

impl Task {
    pub(super) fn new(means: Means, recording: Arc<Recording>, mode: Mode) -> Self {
        Self {
            means,
            recording,
            mode,
            file: None,
            origin: None,
            base: MediaTime::ZERO,
            headers: [None, None],
            picture_size: None,
            has_video: false,
            wait_for_keyframe: true,
        }
    }

    /// Records until the stream is over, somebody stops it, or the disk does.
    pub(super) fn run(mut self) {
        let stream = self.recording.stream().to_owned();
        let worked = self.work();
        let ended = worked.and(self.close_file());
        self.recording.note(|report| match &ended {
            Ok(()) => report.state = State::Ended,
            Err(error) => {
                report.state = State::Failed;
                report.error = Some(explain(error));
            }
        });
        // Behind the report: who sees the tap closed wants to know why.
        self.recording.tap.close();
        // What came since is not wanted any more.
        while self.recording.tap.take(Duration::ZERO).is_some_and(|items| !items.is_empty()) {}
        let report = self.recording.report();
        let (file, seconds) = (report.name.unwrap_or_default(), report.duration);
        match ended {
            Ok(()) => tracing::info!(stream, file, seconds, lost = report.lost, "recording ended"),
            Err(error) => {
                tracing::error!(
                    stream,
                    file,
                    seconds,
                    reason = explain(&error),
                    "recording broke off; the stream goes on"
                );
            }
        }
    }

    fn work(&mut self) -> io::Result<()> {
        self.means.room.make(&self.means.growing)?;
        if self.mode == Mode::Append {
            self.continue_newest_file()?;
        }
        while let Some(items) = self.recording.tap.clone().take(RECORD_FLUSH) {
            for item in items {
                match item {
                    Tapped::Tag(tag) => self.take(tag)?,
                    Tapped::Begins => {
                        self.headers = [None, None];
                        self.wait_for_keyframe = self.has_video;
                    }
                    Tapped::Lost(frames) => {
                        tracing::warn!(
                            stream = self.recording.stream(),
                            frames,
                            "the disk is too slow: the recording lacks some frames"
                        );
                        self.recording.note(|report| report.lost += frames);
                    }
                }
            }
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.flush()?;
        let due = file.synced().elapsed() >= RECORD_SYNC;
        if due {
            file.sync()?;
            self.means.room.make(&self.means.growing)?;
        }
        note_progress(&self.recording, file);
        Ok(())
    }

    fn take(&mut self, tag: Tag) -> io::Result<()> {
        let role = Role::of(tag.kind, &tag.body);
        if tag.kind == TagKind::Script {
            // The head has what can be said of the file; a publisher's `duration: 0` in its middle would only
            // mislead. Texts and cue points belong to the media.
            return match parse_on_metadata(&tag.body) {
                Some(metadata) => {
                    self.picture_size = metadata.picture_size.or(self.picture_size);
                    Ok(())
                }
                None => self.write(&tag),
            };
        }
        self.has_video |= tag.kind == TagKind::Video;
        self.end_file_of_other_codec(&tag, role)?;
        match role {
            Role::SequenceHeader => self.take_header(tag),
            Role::Keyframe(_) => {
                self.wait_for_keyframe = false;
                self.take_frame(&tag, true)
            }
            Role::VideoFrame(_) if self.wait_for_keyframe => Ok(()),
            Role::VideoFrame(_) => self.take_frame(&tag, false),
            Role::AudioFrame(_) => self.take_frame(&tag, !self.has_video),
            // AVC's end of sequence: the encoder may come back.
            Role::Other if matches!(tag.body[..], [kind, 2, ..] if kind & 0x0f == 7) => Ok(()),
            Role::Other => self.write(&tag),
        }
    }

    /// One file has one codec a lane: FLV's readers, the page among them, choose their decoders once.
    fn end_file_of_other_codec(&mut self, tag: &Tag, role: Role) -> io::Result<()> {
        let (Some(file), Some(codec)) = (&self.file, Codec::of(tag)) else { return Ok(()) };
        let before = match codec {
            Codec::Video(_) => file.codecs().video.map(Codec::Video),
            Codec::Audio(_) => file.codecs().audio.map(Codec::Audio),
        };
        if before.is_none_or(|before| before == codec) || role == Role::Other {
            return Ok(());
        }
        tracing::info!(
            stream = self.recording.stream(),
            "the codec changes: the recording goes on in another file"
        );
        self.headers[codec.lane()] = None;
        self.wait_for_keyframe = self.has_video;
        self.close_file()
    }

    /// The same codec in another configuration goes on in the same file, as FLV has it (E.4.3.1): who watches
    /// the recording grow is not torn off when an encoder comes back with another picture size.
    fn take_header(&mut self, tag: Tag) -> io::Result<()> {
        let Some(lane) = Codec::of(&tag).map(Codec::lane) else { return Ok(()) };
        let repeats = |before: &Tag| before.body == tag.body;
        let is_known = self.file.as_ref().and_then(|file| file.header(tag.kind)).is_some_and(repeats);
        if !is_known {
            self.write(&tag)?;
        }
        self.headers[lane] = Some(tag);
        Ok(())
    }

    /// `can_begin`: a file can begin with it.
    fn take_frame(&mut self, tag: &Tag, can_begin: bool) -> io::Result<()> {
        if can_begin && self.file.as_ref().is_some_and(|file| self.is_long(file)) {
            self.close_file()?;
        }
        if self.file.is_none() {
            if !can_begin {
                return Ok(());
            }
            self.open_file(tag.timestamp)?;
        }
        self.write(tag)
    }

    fn is_long(&self, file: &RecordingFile) -> bool {
        file.len() >= self.means.split_bytes
            || u128::from(file.end().as_millis()) >= self.means.split.as_millis()
    }

    fn open_file(&mut self, origin: MediaTime) -> io::Result<()> {
        let folder = &self.means.room.folder;
        let stream = self.recording.stream();
        let now = jiff::Zoned::now().strftime(name::TIME_FORMAT).to_string();
        let base_name = name::base_name(stream, &now);
        let mut file =
            RecordingFile::create(folder, &base_name, stream, self.picture_size, &self.means.growing)?;
        for header in self.headers.iter().flatten() {
            file.push(&Tag { timestamp: MediaTime::ZERO, ..header.clone() })?;
        }
        tracing::info!(stream, file = %file.path().display(), "recording");
        (self.origin, self.base) = (Some(origin), MediaTime::ZERO);
        self.file = Some(file);
        self.note_file();
        Ok(())
    }

    /// The recording of this stream that was made last, if it can be continued.
    fn continue_newest_file(&mut self) -> io::Result<()> {
        let stream = self.recording.stream();
        let is_ours = |path: &Path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.and_then(name::split).is_some_and(|(of, _)| of == name::safe(stream))
        };
        let all = recordings_in(&self.means.room.folder)?;
        let newest = all.into_iter().filter(|(path, _)| is_ours(path)).max_by(|a, b| a.1.cmp(&b.1));
        let Some((path, _)) = newest else { return Ok(()) };
        let Some(file) = RecordingFile::reopen(&path, stream, &self.means.growing)? else { return Ok(()) };
        tracing::info!(stream, file = %path.display(), "recording goes on");
        self.has_video = file.codecs().video.is_some();
        self.wait_for_keyframe = self.has_video;
        self.base = file.end().saturating_add_millis(APPEND_GAP_MS);
        self.file = Some(file);
        self.note_file();
        Ok(())
    }

    fn write(&mut self, tag: &Tag) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        // Headers may be as old as the stream: they come at the time of the frame behind them.
        let is_frame = tag.kind != TagKind::Script && !tag.is_sequence_header();
        let origin = match self.origin {
            Some(origin) => origin,
            None if is_frame => *self.origin.insert(tag.timestamp),
            None => tag.timestamp,
        };
        // The stream's times wrap after 49 days.
        let since = tag.timestamp.as_millis().wrapping_sub(origin.as_millis()) as i32;
        if since < 0 && tag.kind == TagKind::Audio && is_frame {
            // Sound from before the picture that the file begins with.
            return Ok(());
        }
        let timestamp = self.base.saturating_add_millis(since.max(0) as u32);
        file.push(&Tag { timestamp, ..tag.clone() })
    }

    fn close_file(&mut self) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        note_progress(&self.recording, &file);
        let path = file.path().to_owned();
        if file.finish()? == Finished::Empty {
            tracing::info!(file = %path.display(), "nothing came to be recorded; the file is deleted");
        }
        Ok(())
    }

    fn note_file(&self) {
        let Some(name) = self.file.as_ref().and_then(|file| file.path().file_name()) else { return };
        self.recording.note(|report| {
            report.files += 1;
            report.name = Some(name.to_string_lossy().into_owned());
            report.path = Some(self.means.library_folder.join(name).percent_encoded());
        });
    }
}

fn note_progress(recording: &Recording, file: &RecordingFile) {
    recording.note(|report| {
        report.duration = file.end().as_secs_f64();
        report.bytes = file.len();
    });
}

/// For people: what happened, and what to do.
fn explain(error: &io::Error) -> String {
    match error.kind() {
        // `Room` has said it already.
        io::ErrorKind::StorageFull if error.get_ref().is_some() => error.to_string(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("the disk is full ({error}); delete something, or set limit_mb in [record]")
        }
        io::ErrorKind::FileTooLarge => {
            format!("the disk takes no larger file ({error}); set a smaller split_mb in [record]")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!("the folder for recordings can't be written ({error}); let the server's user write it")
        }
        _ => format!("{error}; check that the disk is connected and mounted"),
    }
}
