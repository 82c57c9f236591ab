//! One message stream that plays: from a name to a reel, from a seek to a keyframe, tag by tag.
//!
//! ```text
//!  Opening ──▶ Seeking ──▶ Playing ──▶ Ended
//!     │           ▲ └──────────│──────────┘ Seek
//!     ▼           └────────────┘
//!   (failed: the session says so, the player is gone)
//! ```
//!
//! Nothing here blocks: what has to be waited for is a future in `waiting`, polled by the
//! connection's loop beside its socket.

use super::resolve::{Opened, PlayFailure};
use crate::flv::Tag;
use crate::flv::metadata::Metadata;
use crate::limits::{MEDIA_INFO_INTERVAL, SEEK_PENDING_INTERVAL};
use crate::reel::{Cursor, Next, Phase, Seek, Viewer};
use crate::rtmp::{Demand, MediaInfo, PlayStart, ResumeAt, Sent, Session, SessionError, StreamId};
use crate::time::MediaTime;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::io;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// A message stream that plays, or is about to.
pub(super) struct Player {
    stream: StreamId,
    name: String,
    reset: bool,
    state: State,
    waiting: Option<BoxFuture<'static, Step>>,
    /// When `Server.Media.Info` is due next; `None` once all is there and told.
    info_due: Option<Instant>,
    /// When the pace allows the next tag.
    media_due: Option<Instant>,
    /// Taken from the reel, but not its turn: sent first when it is.
    held: Option<Tag>,
    bytes_sent: u64,
}

enum State {
    /// Finding the file and its codecs. The session keeps a seek that comes meanwhile.
    Opening { start: MediaTime },
    /// For the reel to have this time. `seek` when the client is owed a `Seek.Notify`.
    Seeking { viewer: Viewer, target: MediaTime, seek: bool },
    /// The cursor is away while a block is read into it.
    Playing { viewer: Viewer, cursor: Option<Cursor> },
    /// All is sent; a seek may follow.
    Ended { viewer: Viewer },
    /// Nothing can be played any more.
    Gone,
}

/// What was waited for.
enum Step {
    Opened(Result<Opened, PlayFailure>),
    Filled(Cursor, io::Result<()>),
    /// Something changed: look again.
    Look,
}

impl Player {
    pub(super) fn new(
        stream: StreamId,
        name: String,
        start: MediaTime,
        reset: bool,
        opening: BoxFuture<'static, Result<Opened, PlayFailure>>,
    ) -> Self {
        Self {
            stream,
            name,
            reset,
            state: State::Opening { start },
            waiting: Some(opening.map(Step::Opened).boxed()),
            info_due: None,
            media_due: None,
            held: None,
            bytes_sent: 0,
        }
    }

    pub(super) fn stream(&self) -> StreamId {
        self.stream
    }

    /// The viewer wants to be elsewhere. `seek`: and is owed a `Seek.Notify`.
    pub(super) fn go_to(&mut self, to: MediaTime, by_seek: bool, now: Instant) {
        self.state = match std::mem::replace(&mut self.state, State::Gone) {
            State::Opening { .. } => State::Opening { start: to },
            State::Seeking { viewer, seek, .. } => {
                State::Seeking { viewer, target: to, seek: seek || by_seek }
            }
            State::Playing { viewer, .. } | State::Ended { viewer } => {
                State::Seeking { viewer, target: to, seek: by_seek }
            }
            State::Gone => State::Gone,
        };
        if let State::Seeking { viewer, target, .. } = &mut self.state {
            // Past the end there is never anything: the last keyframe is what can be shown.
            *target = viewer.reel().duration().map_or(*target, |end| (*target).min(end));
            // The beginning is no seek, unless somebody sought it.
            match by_seek || *target > MediaTime::ZERO {
                true => viewer.seek(*target, now),
                false => viewer.wants(*target),
            }
            // A block on its way is for the place left behind, and so is a tag.
            self.waiting = None;
            self.held = None;
            self.info_due = Some(now);
        }
    }

    pub(super) fn resume(&mut self, at: ResumeAt, now: Instant) {
        if let ResumeAt::Position(position) = at {
            self.go_to(position, false, now);
        }
    }

    /// How things stand, for `getSeekStatus`: only while a seek waits.
    pub(super) fn seek_status(&self, now: Instant) -> Option<MediaInfo> {
        match &self.state {
            State::Seeking { viewer, target, .. } => Some(media_info(viewer, Some(*target), now)),
            _ => None,
        }
    }

    /// When to look again although nothing happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.info_due, self.media_due].into_iter().flatten().min()
    }

    /// Polls what is waited for; ready when [`advance`](Self::advance) has something to do.
    pub(super) fn poll_step(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session,
    ) -> Poll<Result<(), SessionError>> {
        let Some(waiting) = &mut self.waiting else { return Poll::Pending };
        let Poll::Ready(step) = waiting.poll_unpin(cx) else { return Poll::Pending };
        self.waiting = None;
        Poll::Ready(match step {
            Step::Look => Ok(()),
            Step::Opened(result) => self.opened(result, session),
            Step::Filled(filled, Ok(())) => {
                if let State::Playing { viewer, cursor } = &mut self.state {
                    viewer.follows(&filled);
                    *cursor = Some(filled);
                }
                Ok(())
            }
            Step::Filled(_, Err(error)) => {
                let why = format!("\"{}\" can't be read any more: {error}; check its disk", self.name);
                self.fail(session, &why)
            }
        })
    }

    fn opened(
        &mut self,
        result: Result<Opened, PlayFailure>,
        session: &mut Session,
    ) -> Result<(), SessionError> {
        let State::Opening { start } = std::mem::replace(&mut self.state, State::Gone) else {
            return Ok(());
        };
        match result {
            Ok(Opened { viewer, codecs, path }) => {
                tracing::info!(stream = %self.stream, file = %path, "playing");
                let reel = viewer.reel();
                let metadata = Metadata {
                    duration: reel.duration(),
                    picture_size: reel.picture_size(),
                    video: codecs.video,
                    audio: codecs.audio,
                    ..Metadata::default()
                };
                let start_of_play = PlayStart {
                    details: self.name.clone().into(),
                    metadata: Some(metadata.to_tag()),
                    reset: self.reset,
                    live: false,
                };
                session.play_started(self.stream, start_of_play)?;
                let now = Instant::now();
                self.state = State::Ended { viewer };
                self.go_to(start, false, now);
                Ok(())
            }
            Err(failure) => {
                tracing::info!(stream = %self.stream, name = self.name, reason = %failure.description, "can't play");
                session.play_failed(self.stream, failure.error, &failure.description)
            }
        }
    }

    /// Does what can be done now: answers a seek that became possible, sends tags that are due.
    pub(super) fn advance(&mut self, session: &mut Session, now: Instant) -> Result<(), SessionError> {
        self.media_due = None;
        if let State::Seeking { viewer, target, seek } = &self.state {
            match viewer.find(*target, now) {
                Seek::Ready(point) => {
                    viewer.arrived(now);
                    if *seek {
                        session.seek_done(self.stream, point.time)?;
                    }
                    for header in viewer.reel().headers_at(point) {
                        session.send_tag(self.stream, &header)?;
                    }
                    let cursor = Cursor::new(viewer.reel().clone(), point);
                    self.move_to_playing(cursor);
                }
                Seek::Pending { .. } => self.look_again_when_grown(),
                Seek::Empty => {
                    let why =
                        viewer.reel().failure().unwrap_or_else(|| "there is nothing to play".to_owned());
                    if *seek {
                        session.seek_done(self.stream, MediaTime::ZERO)?;
                    }
                    self.fail(session, &why)?;
                }
            }
        }
        if matches!(self.state, State::Playing { .. }) {
            self.send_due_tags(session, now)?;
        }
        self.tell_media_info(session, now)
    }

    fn move_to_playing(&mut self, cursor: Cursor) {
        if let State::Seeking { viewer, .. } = std::mem::replace(&mut self.state, State::Gone) {
            self.state = State::Playing { viewer, cursor: Some(cursor) };
        }
    }

    fn send_due_tags(&mut self, session: &mut Session, now: Instant) -> Result<(), SessionError> {
        loop {
            let State::Playing { cursor: Some(cursor), .. } = &mut self.state else { return Ok(()) };
            if self.waiting.is_some() {
                return Ok(());
            }
            match session.media_demand(self.stream, now) {
                Demand::SendNow => {}
                Demand::At(due) => {
                    self.media_due = Some(due);
                    cursor.let_go();
                    return Ok(());
                }
                Demand::Idle => return Ok(()),
            }
            let next = match self.held.take() {
                Some(tag) => Ok(Next::Tag(tag)),
                None => cursor.next_tag(),
            };
            match next {
                Ok(Next::Tag(tag)) => match session.send_tag(self.stream, &tag)? {
                    Sent::Queued => self.bytes_sent += tag.body.len() as u64,
                    Sent::Filtered => {}
                    Sent::NotNow => {
                        self.held = Some(tag);
                        return Ok(());
                    }
                    // The session has told the client already.
                    Sent::Ended => return self.leave_playing(),
                },
                Ok(Next::Unread) => self.read_next_block(),
                Ok(Next::NotYet) => self.look_again_when_grown(),
                Ok(Next::End { failed }) => return self.end(session, failed),
                Err(error) => {
                    let why = format!("\"{}\" can't be played on: {error}", self.name);
                    return self.fail(session, &why);
                }
            }
        }
    }

    fn leave_playing(&mut self) -> Result<(), SessionError> {
        if let State::Playing { viewer, .. } = std::mem::replace(&mut self.state, State::Gone) {
            self.state = State::Ended { viewer };
        }
        Ok(())
    }

    fn read_next_block(&mut self) {
        let State::Playing { viewer, cursor } = &mut self.state else { return };
        if let Some(cursor) = cursor
            && cursor.fill_now()
        {
            return viewer.follows(cursor);
        }
        if let Some(mut cursor) = cursor.take() {
            let reading = async move {
                let result = cursor.fill().await;
                Step::Filled(cursor, result)
            };
            self.waiting = Some(reading.boxed());
        }
    }

    fn look_again_when_grown(&mut self) {
        let (State::Seeking { viewer, .. } | State::Playing { viewer, .. }) = &self.state else { return };
        if self.waiting.is_none() {
            let mut progress = viewer.reel().subscribe();
            progress.mark_unchanged();
            let growing = async move {
                // The sender lives in the reel that the player holds.
                let _ = progress.changed().await;
                Step::Look
            };
            self.waiting = Some(growing.boxed());
        }
    }

    fn end(&mut self, session: &mut Session, failed: bool) -> Result<(), SessionError> {
        let State::Playing { viewer, .. } = &self.state else { return Ok(()) };
        let reel = viewer.reel().clone();
        self.leave_playing()?;
        if failed {
            let why = reel.failure().unwrap_or_else(|| format!("\"{}\" breaks off here", self.name));
            return session.stream_failed(self.stream, &why);
        }
        session.finish(self.stream, reel.duration().unwrap_or_default(), self.bytes_sent)
    }

    fn fail(&mut self, session: &mut Session, why: &str) -> Result<(), SessionError> {
        tracing::warn!(stream = %self.stream, name = self.name, why, "play broke off");
        self.state = State::Gone;
        self.waiting = None;
        self.info_due = None;
        session.stream_failed(self.stream, why)
    }

    /// The 2007 player draws its bar from these; they stop when there is nothing new to say, so
    /// that an hour's pause costs nothing.
    fn tell_media_info(&mut self, session: &mut Session, now: Instant) -> Result<(), SessionError> {
        if self.info_due.is_none_or(|due| due > now) {
            return Ok(());
        }
        let (viewer, target, seek) = match &self.state {
            State::Seeking { viewer, target, seek } => (viewer, Some(*target), *seek),
            State::Playing { viewer, .. } | State::Ended { viewer } => (viewer, None, false),
            State::Opening { .. } | State::Gone => {
                self.info_due = None;
                return Ok(());
            }
        };
        let info = media_info(viewer, target, now);
        let growing = viewer.reel().progress().phase == Phase::Growing;
        match seek {
            true => session.seek_pending(self.stream, &info)?,
            false => session.media_info(self.stream, &info)?,
        }
        let wait = |interval: Duration| Some(now + interval);
        self.info_due = match target {
            Some(_) => wait(SEEK_PENDING_INTERVAL),
            None if growing => wait(MEDIA_INFO_INTERVAL),
            None => None,
        };
        Ok(())
    }
}

fn media_info(viewer: &Viewer, target: Option<MediaTime>, now: Instant) -> MediaInfo {
    let reel = viewer.reel();
    let (available, eta) = match target.map(|target| reel.seek(target, now)) {
        Some(Seek::Pending { available, eta }) => (available, eta),
        Some(Seek::Ready(_) | Seek::Empty) | None => (reel.playable(viewer.place()), None),
    };
    MediaInfo { total: reel.duration(), available, target, eta }
}
