//! What is asked of the server, what it answers, and what comes next.

use super::answer::{Answer, Info};
use super::{ClientError, ClientEvent, ClientSession, Purpose, State};
use crate::amf0::{Properties, Value};
use crate::limits::{
    MAX_PUBLISHER_PARTIAL, MAX_TAG_BODY, RELAY_ANSWER_TIMEOUT, RELAY_BUFFER_LENGTH, WINDOW_ACK_SIZE,
};
use crate::rtmp::Capabilities;
use rml_rtmp::messages::{RtmpMessage, UserControlEventType};
use std::time::Instant;

/// What a relay that publishes says it is: FMLE first, which some servers want to hear.
pub(in crate::rtmp) const PUBLISHER: &str = "FMLE/3.0 (compatible; Wiidiaserver)";

// Transactions. One connection makes each call once.
pub(super) const CONNECT: f64 = 1.0;
const RELEASE_STREAM: f64 = 2.0;
const FC_PUBLISH: f64 = 3.0;
pub(super) const CREATE_STREAM: f64 = 4.0;
const START: f64 = 5.0;
pub(super) const STOP: f64 = 6.0;

impl ClientSession {
    /// `connect` (7.2.1.1), with what we pass on of Enhanced RTMP: everything.
    pub(super) fn connect(&mut self, now: Instant) -> Result<(), ClientError> {
        // Before anything that needs it, as OBS does: records are chunked for it.
        self.out.set_chunk_size()?;
        const FORWARDS: f64 = 4.0;
        let four_ccs =
            ["avc1", "hvc1", "av01", "vp08", "vp09", "vvc1", "mp4a", "Opus", "fLaC", "ac-3", "ec-3", ".mp3"];
        let all = || Properties::new().with("*", FORWARDS);
        let is_publisher = self.purpose == Purpose::Publish;
        let object = Properties::new()
            .with("app", &*self.url.app)
            .with_some("type", is_publisher.then_some("nonprivate"))
            .with("flashVer", if is_publisher { PUBLISHER } else { "LNX 9,0,124,2" })
            .with("tcUrl", self.url.tc_url())
            .with("fpad", false)
            .with("capabilities", 239.0)
            .with("audioCodecs", 4071.0)
            .with("videoCodecs", 252.0)
            .with("videoFunction", 1.0)
            .with("fourCcList", Value::StrictArray(four_ccs.map(Value::from).to_vec()))
            .with("videoFourCcInfoMap", all())
            .with("audioFourCcInfoMap", all())
            .with("capsEx", 0.0);
        self.out.command(0, &["connect".into(), CONNECT.into(), object.into_object()])?;
        self.go_on(State::ExpectConnectAnswer, now);
        Ok(())
    }

    fn go_on(&mut self, state: State, now: Instant) {
        self.state = state;
        self.patience = now + RELAY_ANSWER_TIMEOUT;
    }

    pub(super) fn handle_answer(&mut self, answer: Answer, on: u32, now: Instant) -> Result<(), ClientError> {
        match (&self.state, answer) {
            (State::ExpectConnectAnswer, Answer::Result { transaction: CONNECT, object, value }) => {
                let info = Info::read(&value);
                if info.is_error {
                    return Err(refused("the connection", info));
                }
                self.capabilities = Capabilities::from_answer(&object, &value);
                let (video, audio) = self.needs;
                self.check_codecs(video, audio)?;
                self.connected(now)
            }
            (State::ExpectConnectAnswer, Answer::Error { info, .. }) => Err(refused("the connection", info)),
            // FMS and nginx-rtmp's exec say it this way.
            (State::ExpectConnectAnswer, Answer::Status(info)) if info.is_error => {
                Err(refused("the connection", info))
            }
            (State::ExpectStream, Answer::Result { transaction: CREATE_STREAM, value, .. }) => {
                match value.as_f64().map(|id| id as u32) {
                    Some(id @ 1..) => self.start(id, now),
                    _ => Err(ClientError::NoStream),
                }
            }
            (State::ExpectStream, Answer::Error { transaction: CREATE_STREAM, info }) => {
                Err(refused("a stream", info))
            }
            (State::ExpectStart(_), Answer::Error { transaction: START, info }) => {
                Err(refused(self.verb(), info))
            }
            // A server may well leave out the stream's id: the connection has but one.
            (&(State::ExpectStart(id) | State::Running(id)), Answer::Status(info)) if on == id || on == 0 => {
                self.handle_status(id, info)
            }
            (_, Answer::Close) => self.ended("the server closed the session".to_owned()),
            // releaseStream and FCPublish are asked for those that want them; no answer matters.
            _ => Ok(()),
        }
    }

    fn connected(&mut self, now: Instant) -> Result<(), ClientError> {
        self.out.control(RtmpMessage::WindowAcknowledgement { size: WINDOW_ACK_SIZE })?;
        if self.purpose == Purpose::Publish {
            for (call, transaction) in [("releaseStream", RELEASE_STREAM), ("FCPublish", FC_PUBLISH)] {
                let name = Value::from(&*self.url.name);
                self.out.command(0, &[call.into(), transaction.into(), Value::Null, name])?;
            }
        }
        self.out.command(0, &["createStream".into(), CREATE_STREAM.into(), Value::Null])?;
        self.go_on(State::ExpectStream, now);
        Ok(())
    }

    fn start(&mut self, stream: u32, now: Instant) -> Result<(), ClientError> {
        /// A live stream if there is one, else the recorded one: what ffmpeg sends.
        const ANY: f64 = -2000.0;
        let name = Value::from(&*self.url.name);
        let (verb, how) = match self.purpose {
            Purpose::Publish => ("publish", Value::from("live")),
            Purpose::Play => ("play", Value::from(ANY)),
        };
        self.out.command(stream, &[verb.into(), START.into(), Value::Null, name, how])?;
        if self.purpose == Purpose::Play {
            self.out.control(RtmpMessage::UserControl {
                event_type: UserControlEventType::SetBufferLength,
                stream_id: Some(stream),
                buffer_length: Some(RELAY_BUFFER_LENGTH.as_millis() as u32),
                timestamp: None,
            })?;
        }
        self.go_on(State::ExpectStart(stream), now);
        Ok(())
    }

    fn handle_status(&mut self, stream: u32, info: Info) -> Result<(), ClientError> {
        let has_started = matches!(self.state, State::Running(_));
        match &*info.code {
            _ if info.is_error => Err(refused(self.verb(), info)),
            "NetStream.Publish.Start" if self.purpose == Purpose::Publish && !has_started => {
                self.started(stream);
                Ok(())
            }
            "NetStream.Play.Start" if self.purpose == Purpose::Play && !has_started => {
                self.reader.admit_media(MAX_TAG_BODY, MAX_PUBLISHER_PARTIAL);
                self.started(stream);
                Ok(())
            }
            "NetStream.Play.Stop"
            | "NetStream.Play.Complete"
            | "NetStream.Play.UnpublishNotify"
            | "NetStream.Unpublish.Success"
                if has_started =>
            {
                let text = if info.text.is_empty() { info.code } else { info.text };
                self.ended(format!("the server ended the stream: {text}"))
            }
            _ => Ok(()),
        }
    }

    fn started(&mut self, stream: u32) {
        self.state = State::Running(stream);
        self.events.push_back(ClientEvent::Started);
    }

    /// Once only: what comes behind it is not looked at.
    fn ended(&mut self, text: String) -> Result<(), ClientError> {
        self.state = State::Over;
        self.events.push_back(ClientEvent::Ended(text));
        Ok(())
    }
}

/// What a refusal means.
fn refused(what: &'static str, info: Info) -> ClientError {
    match info.redirect {
        Some(to) => ClientError::Redirect { to },
        None if info.wants_authentication() => ClientError::Authentication { text: info.text },
        None => ClientError::Refused { what, code: info.code, text: info.text },
    }
}
