//! What the client asks for, and what is answered without asking the driver.

use super::{Session, State};
use crate::amf0::{AmfString, Properties, Value};
use crate::limits::{IDLE_TIMEOUT, MAX_MESSAGE_STREAMS, MAX_PATH_BYTES};
use crate::rtmp::capabilities::{self, Capabilities};
use crate::rtmp::chunk_reader::Message;
use crate::rtmp::command::{Command, PlayArguments, Request, Start};
use crate::rtmp::error::SessionError;
use crate::rtmp::event::{Connect, Event, ResumeAt, StreamId, Transaction};
use crate::rtmp::net_stream::{NetStream, Phase};
use crate::time::MediaTime;
use rml_rtmp::messages::UserControlEventType;
use std::time::Instant;

const CALL_FAILED: &str = "NetConnection.Call.Failed";

impl Session {
    /// A command message, AMF0 or wrapped as AMF3.
    pub(super) fn handle_command(&mut self, message: &Message, now: Instant) -> Result<(), SessionError> {
        let payload = match (message.type_id, &message.payload[..]) {
            // Type 17 has a format byte, 0, before its AMF0 values; some Flash clients leave it out.
            (super::message_type::COMMAND_AMF3, [0, rest @ ..]) => rest,
            (_, payload) => payload,
        };
        let Some(request) = Request::parse(payload) else { return Ok(()) };
        match self.state {
            State::Connected => {
                self.patience = now + IDLE_TIMEOUT;
                self.handle_request(request, message.stream_id, now)
            }
            State::ExpectConnect => match request.command {
                Command::Connect(object) => self.handle_connect(request.transaction, &object),
                _ => self.refuse(&request, "the first command must be connect"),
            },
            _ => Ok(()),
        }
    }

    fn handle_connect(&mut self, transaction: f64, object: &Value) -> Result<(), SessionError> {
        let text = |key| object.get(key).and_then(Value::as_amf_string).cloned();
        let connect = Connect {
            app: text("app").unwrap_or_default(),
            tc_url: text("tcUrl"),
            flash_ver: text("flashVer"),
            page_url: text("pageUrl"),
            swf_url: text("swfUrl"),
            capabilities: Capabilities::from_connect(object),
        };
        self.empties_buffer = connect.flash_ver.as_ref().is_some_and(empties_buffer_on_pause);
        let enhanced = capabilities::Answer::to_connect(object);
        self.state = State::ExpectConnectAnswer { transaction, enhanced, deferred: Vec::new() };
        self.raise(Event::Connect(Box::new(connect)))
    }

    fn handle_request(&mut self, request: Request, stream_id: u32, now: Instant) -> Result<(), SessionError> {
        let transaction = Transaction(request.transaction);
        let id = StreamId::new(stream_id);
        match request.command {
            Command::Connect(_) => self.refuse(&request, "connected already"),
            Command::CreateStream => self.create_stream(&request),
            Command::DeleteStream(named) => self.delete_stream(named.map_or(id, StreamId::new)),
            Command::CloseStream | Command::Play(None) => self.close_stream(id),
            Command::GetStreamLength(name) => self.raise(Event::StreamLength { transaction, name }),
            Command::GetDir(path) => self.raise(Event::ListDirectory { transaction, path }),
            Command::GetSeekStatus => self.raise(Event::SeekStatus { transaction }),
            Command::FcSubscribe(name) => {
                let info = Properties::new()
                    .with("level", "status")
                    .with("code", "NetStream.Play.Start")
                    .with("description", name);
                let values = [Value::from_static("onFCSubscribe"), 0.0.into(), Value::Null, info.into()];
                self.out.command(0, &values)?;
                self.acknowledge_call(transaction)
            }
            Command::FcPublish(name) => self.fc_publish(transaction, name),
            Command::FcUnpublish(name) => self.fc_unpublish(transaction, name),
            Command::Answer => Ok(()),
            Command::Unknown => self.acknowledge_call(transaction),
            _ if self.stream(id).is_none() => {
                self.refuse(&request, "no such stream: send createStream first")
            }
            Command::Play(Some(arguments)) => self.play(id, arguments),
            Command::Publish(name, mode) => self.publish(id, name, mode),
            Command::Seek(target) => self.seek(id, target),
            Command::Pause(mode, position) => self.pause(id, mode, position, now),
            Command::ReceiveAudio(on) => {
                self.receive(id, on, |stream| stream.receive_audio(on))?;
                self.raise(Event::ReceiveAudio { stream: id, on })
            }
            Command::ReceiveVideo(on) => {
                self.receive(id, on, |stream| stream.receive_video(on))?;
                self.raise(Event::ReceiveVideo { stream: id, on })
            }
        }
    }

    /// `_result` null: what calls get that need no more. Nothing ends a connection here.
    pub(super) fn acknowledge_call(&mut self, transaction: Transaction) -> Result<(), SessionError> {
        if transaction.0 > 0.0 { self.out.result(transaction.0, Value::Null, Value::Null) } else { Ok(()) }
    }

    /// `_error` for what cannot be done in this order.
    fn refuse(&mut self, request: &Request, reason: &str) -> Result<(), SessionError> {
        self.out.error(request.transaction, CALL_FAILED, &format!("{} refused: {reason}", request.name))
    }

    fn create_stream(&mut self, request: &Request) -> Result<(), SessionError> {
        let index = self.streams.iter().position(Option::is_none).unwrap_or(self.streams.len());
        if index == MAX_MESSAGE_STREAMS {
            return self.refuse(request, &format!("a connection has at most {MAX_MESSAGE_STREAMS} streams"));
        }
        if index == self.streams.len() {
            self.streams.reserve_exact(1);
            self.streams.push(None);
        }
        self.streams[index] = Some(NetStream::new());
        self.out.result(request.transaction, Value::Null, Value::from(index as u32 + 1))
    }

    fn delete_stream(&mut self, id: StreamId) -> Result<(), SessionError> {
        self.close_stream(id)?;
        let index = (id.as_u32() as usize).wrapping_sub(1);
        if let Some(slot) = self.streams.get_mut(index) {
            *slot = None;
        }
        Ok(())
    }

    /// Ends what plays or is published. Flash sends this with the stream's id in the message header only.
    pub(super) fn close_stream(&mut self, id: StreamId) -> Result<(), SessionError> {
        match self.stream(id) {
            Some(stream) if stream.is_publisher() => self.unpublish(id),
            Some(stream) if stream.phase != Phase::ExpectPlay => {
                stream.reset(Phase::ExpectPlay);
                self.raise(Event::StopStream { stream: id })
            }
            _ => Ok(()),
        }
    }

    fn play(&mut self, id: StreamId, arguments: PlayArguments) -> Result<(), SessionError> {
        self.close_stream(id)?;
        let PlayArguments { name, start, length, reset } = arguments;
        if name.is_empty() || name.len() > MAX_PATH_BYTES {
            let reason = format!("stream name of {} bytes; expected 1 to {MAX_PATH_BYTES}", name.len());
            return self.out.status_error(id.as_u32(), "NetStream.Play.StreamNotFound", &reason);
        }
        let at = match start {
            Start::At(at) => at,
            Start::Any | Start::Live => MediaTime::ZERO,
        };
        if let Some(stream) = self.stream(id) {
            stream.reset(Phase::ExpectPlayAnswer { start: at, length, seek: None });
        }
        self.raise(Event::Play { stream: id, name, start, length, reset })
    }

    /// Every seek is answered with `Seek.Notify` in the end: ffmpeg and mpv drop everything until then.
    fn seek(&mut self, id: StreamId, target: MediaTime) -> Result<(), SessionError> {
        let Some(stream) = self.stream(id) else { return Ok(()) };
        match &mut stream.phase {
            Phase::ExpectPlay | Phase::ExpectPublishAnswer | Phase::Publishing => {
                self.out.status(id.as_u32(), "NetStream.Seek.Notify", "nothing is playing")
            }
            Phase::ExpectPlayAnswer { seek, .. } => {
                *seek = Some(target);
                Ok(())
            }
            _ if stream.live => self.answer_live_seek(id),
            phase => {
                *phase = Phase::ExpectSeekAnswer;
                self.raise_seek(id, target)
            }
        }
    }

    /// The last of several seeks counts.
    pub(super) fn raise_seek(&mut self, id: StreamId, target: MediaTime) -> Result<(), SessionError> {
        self.events.forget_seek(id);
        self.raise(Event::Seek { stream: id, target })
    }

    fn pause(
        &mut self,
        id: StreamId,
        mode: Option<bool>,
        position: MediaTime,
        now: Instant,
    ) -> Result<(), SessionError> {
        let empties_buffer = self.empties_buffer;
        let Some(stream) = self.stream(id) else { return Ok(()) };
        let was_paused = stream.playback.paused();
        // The 2007 player sends null: the other way round.
        if mode.unwrap_or(!was_paused) {
            stream.playback.pause(now);
            self.out.status(id.as_u32(), "NetStream.Pause.Notify", "paused")?;
            // librtmp waits for this one as well when it pauses to let its buffer drain.
            self.out.stream_event(UserControlEventType::StreamEof, id.as_u32())?;
            return if was_paused { Ok(()) } else { self.raise(Event::Pause { stream: id, position }) };
        }

        stream.playback.resume(position);
        let sends_from_position = was_paused && empties_buffer;
        let at = match stream.phase {
            _ if stream.live => ResumeAt::LiveEdge,
            Phase::Playing | Phase::Ended if sends_from_position => {
                stream.phase = Phase::Playing;
                stream.playback.jumped();
                ResumeAt::Position(position)
            }
            _ => ResumeAt::WhereStopped,
        };
        self.out.stream_event(UserControlEventType::StreamBegin, id.as_u32())?;
        self.out.status(id.as_u32(), "NetStream.Unpause.Notify", "playing again")?;
        if was_paused { self.raise(Event::Resume { stream: id, at }) } else { Ok(()) }
    }

    /// 7.2.2.4 and 7.2.2.5: `true` is answered, `false` is not.
    fn receive(
        &mut self,
        id: StreamId,
        on: bool,
        set: impl FnOnce(&mut NetStream),
    ) -> Result<(), SessionError> {
        let Some(stream) = self.stream(id) else { return Ok(()) };
        set(stream);
        if on && stream.phase == Phase::Playing {
            self.out.status(id.as_u32(), "NetStream.Seek.Notify", "goes on from here")?;
            self.out.status(id.as_u32(), "NetStream.Play.Start", "goes on from here")?;
        }
        Ok(())
    }
}

/// Flash Player before 9.0.115 empties its buffer in a pause and wants it sent again; later ones ("smart
/// pause"), and ffmpeg and librtmp which claim to be such, keep it.
fn empties_buffer_on_pause(flash_ver: &AmfString) -> bool {
    let text = flash_ver.as_str();
    let mut numbers = text
        .split([' ', ','])
        .skip_while(|part| !part.starts_with(|c: char| c.is_ascii_digit()))
        .map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(major), minor, build) => (major, minor.unwrap_or(0), build.unwrap_or(0)) < (9, 0, 115),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_flash_players_before_smart_pause_need_their_buffer_again() {
        for (version, expected) in [
            ("WIN 7,0,14,0", true),
            ("WII 7,0,70,0", true),
            ("WIN 9,0,47,0", true),
            ("WIN 9,0,115,0", false),
            ("LNX 9,0,124,2", false),
            ("LNX 10,0,32,18", false),
            ("WIN 32,0,0,100", false),
            ("FMLE/3.0 (compatible; FMSc/1.0)", false),
            ("", false),
        ] {
            assert_eq!(empties_buffer_on_pause(&version.into()), expected, "{version}");
        }
    }
}
