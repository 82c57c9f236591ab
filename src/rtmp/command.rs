//! What a client's command message asks for. Pure: AMF in, a [`Command`] out.

use crate::amf0::{self, AmfString, Value};
use crate::time::MediaTime;

/// Where a play begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// A live stream of that name if there is one, else the recorded one from its start.
    Any,
    /// Only a live stream.
    Live,
    /// The recorded one at this time.
    At(MediaTime),
}

impl Start {
    /// The play command's start argument. The Adobe text says seconds; Flash, ffmpeg and librtmp send
    /// milliseconds, and rtmp2src sends -2 where others send -2000.
    fn from_argument(number: Option<f64>) -> Self {
        match number {
            Some(ms) if ms >= 0.0 => Self::At(MediaTime::from_millis_f64_clamped(ms)),
            Some(ms) if ms == -1.0 || ms == -1000.0 => Self::Live,
            _ => Self::Any,
        }
    }
}

/// What `publish` wants done with the stream besides sending it on (7.2.2.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PublishMode {
    /// Nothing.
    Live,
    /// Recorded anew.
    Record,
    /// Recorded behind what there is.
    Append,
}

impl PublishMode {
    /// In any case of letters; what is missing or unknown is live, as nginx-rtmp has it.
    fn from_argument(mode: Option<&AmfString>) -> Self {
        match mode.map(AmfString::as_bytes) {
            Some(mode) if mode.eq_ignore_ascii_case(b"record") => Self::Record,
            Some(mode) if mode.eq_ignore_ascii_case(b"append") => Self::Append,
            _ => Self::Live,
        }
    }
}

/// The arguments of `play` and `play2`.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct PlayArguments {
    pub(super) name: AmfString,
    pub(super) start: Start,
    /// Milliseconds to play; `None`: to the end.
    pub(super) length: Option<u32>,
    pub(super) reset: bool,
}

/// A command's meaning. Transactions of commands that are answered by `onStatus` are left out.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Command {
    Connect(Value),
    CreateStream,
    DeleteStream(Option<u32>),
    CloseStream,
    /// `None`: play(false), which stops.
    Play(Option<PlayArguments>),
    Seek(MediaTime),
    /// `None` toggles.
    Pause(Option<bool>, MediaTime),
    ReceiveAudio(bool),
    ReceiveVideo(bool),
    GetStreamLength(AmfString),
    GetDir(AmfString),
    GetSeekStatus,
    FcSubscribe(AmfString),
    FcPublish(AmfString),
    FcUnpublish(AmfString),
    Publish(AmfString, PublishMode),
    /// An answer to something; we never ask.
    Answer,
    /// Anything else, `_checkbw` and `releaseStream` among them.
    Unknown,
}

/// A command and what its answer needs.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Request {
    pub(super) name: AmfString,
    pub(super) transaction: f64,
    pub(super) command: Command,
}

impl Request {
    /// Reads a command message's body. `None` when not even a name is there: such messages are ignored.
    ///
    /// Arguments that cannot be read count as absent; no message may end the connection for what is in
    /// its AMF.
    pub(super) fn parse(payload: &[u8]) -> Option<Self> {
        let (values, _) = amf0::decode_prefix(payload);
        let name = values.first()?.as_amf_string()?.clone();
        let transaction = values.get(1).and_then(Value::as_f64).unwrap_or(0.0);
        // Behind name, transaction and command object.
        let argument = |n: usize| values.get(3 + n);
        let number = |n| argument(n).and_then(Value::as_f64);
        let text = |n| argument(n).and_then(Value::as_amf_string).cloned().unwrap_or_default();
        let switch = || argument(0).and_then(Value::as_bool).unwrap_or(true);
        let command = match &*name.as_str() {
            "connect" => Command::Connect(values.get(2).cloned().unwrap_or(Value::Null)),
            "createStream" => Command::CreateStream,
            "deleteStream" => Command::DeleteStream(number(0).map(|id| id as u32)),
            "closeStream" => Command::CloseStream,
            "play" => match argument(0) {
                Some(Value::Boolean(false)) => Command::Play(None),
                _ => Command::Play(Some(PlayArguments {
                    name: text(0),
                    start: Start::from_argument(number(1)),
                    length: length_argument(number(2)),
                    // A number instead of the boolean says how to treat a playlist; 0 and 2 append.
                    reset: match argument(3) {
                        Some(Value::Boolean(reset)) => *reset,
                        Some(Value::Number(mode)) => *mode == 1.0 || *mode == 3.0,
                        _ => true,
                    },
                })),
            },
            "play2" => Command::Play(Some(play2_arguments(argument(0)))),
            "seek" => Command::Seek(MediaTime::from_millis_f64_clamped(number(0).unwrap_or(0.0))),
            "pause" | "pauseRaw" | "pauseraw" => Command::Pause(
                argument(0).and_then(Value::as_bool),
                MediaTime::from_millis_f64_clamped(number(1).unwrap_or(0.0)),
            ),
            "receiveAudio" => Command::ReceiveAudio(switch()),
            "receiveVideo" => Command::ReceiveVideo(switch()),
            "getStreamLength" => Command::GetStreamLength(text(0)),
            "getDir" | "getdir" => Command::GetDir(text(0)),
            "getSeekStatus" => Command::GetSeekStatus,
            "FCSubscribe" => Command::FcSubscribe(text(0)),
            "FCPublish" => Command::FcPublish(text(0)),
            "FCUnpublish" => Command::FcUnpublish(text(0)),
            "publish" => {
                let mode = PublishMode::from_argument(argument(1).and_then(Value::as_amf_string));
                Command::Publish(text(0), mode)
            }
            "_result" | "_error" | "onStatus" => Command::Answer,
            _ => Command::Unknown,
        };
        Some(Self { name, transaction, command })
    }
}

/// Below zero (-1, -1000, -2…): to the end.
fn length_argument(number: Option<f64>) -> Option<u32> {
    number.filter(|ms| *ms >= 0.0).map(|ms| ms as u32)
}

/// `play2` has one NetStreamPlayOptions object (7.2.2.2).
fn play2_arguments(options: Option<&Value>) -> PlayArguments {
    let option = |key| options.and_then(|options| options.get(key));
    PlayArguments {
        name: option("streamName").and_then(Value::as_amf_string).cloned().unwrap_or_default(),
        start: Start::from_argument(option("start").and_then(Value::as_f64)),
        length: length_argument(option("len").and_then(Value::as_f64)),
        reset: option("transition").and_then(Value::as_str).is_none_or(|how| how != "append"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::amf0::encode_to_bytes;

    fn parse(name: &'static str, arguments: &[Value]) -> Command {
        let mut values = vec![Value::from_static(name), Value::from(4.0), Value::Null];
        values.extend_from_slice(arguments);
        let request = Request::parse(&encode_to_bytes(&values)).unwrap();
        assert_eq!(request.transaction, 4.0);
        request.command
    }

    fn play(arguments: &[Value]) -> (Start, Option<u32>, bool) {
        match parse("play", &[&[Value::from("movie")], arguments].concat()) {
            Command::Play(Some(play)) => {
                assert_eq!(play.name, "movie");
                (play.start, play.length, play.reset)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn play_arguments_of_the_clients_we_know() {
        let at = |ms| Start::At(MediaTime::from_millis(ms));
        type Row = (&'static str, &'static [f64], (Start, Option<u32>, bool));
        let table: [Row; 7] = [
            ("ffmpeg", &[-2000.0], (Start::Any, None, true)),
            ("rtmp2src", &[-2.0], (Start::Any, None, true)),
            ("rtmpdump", &[0.0], (at(0), None, true)),
            ("rtmpdump --start 7 --stop 9", &[7000.0, 2000.0], (at(7000), Some(2000), true)),
            ("rtmpdump --live", &[-1000.0], (Start::Live, None, true)),
            ("no arguments", &[], (Start::Any, None, true)),
            ("nonsense", &[f64::NAN, f64::NEG_INFINITY], (Start::Any, None, true)),
        ];
        for (client, numbers, expected) in table {
            let arguments: Vec<Value> = numbers.iter().map(|&n| Value::from(n)).collect();
            assert_eq!(play(&arguments), expected, "{client}");
        }
        // Red5: play(name, -2000, -1000, true).
        let flash = [Value::from(-2000.0), Value::from(-1000.0), Value::from(false)];
        assert_eq!(play(&flash), (Start::Any, None, false));
    }

    #[test]
    fn play_false_stops() {
        assert_eq!(parse("play", &[Value::from(false)]), Command::Play(None));
    }

    #[test]
    fn a_publish_mode_is_read_in_any_case_and_live_by_default() {
        for (mode, expected) in [
            (Some("live"), PublishMode::Live),
            (Some("LIVE"), PublishMode::Live),
            (Some("Record"), PublishMode::Record),
            (Some("append"), PublishMode::Append),
            (Some("appendWithGap"), PublishMode::Live),
            (None, PublishMode::Live),
        ] {
            let arguments: Vec<Value> = [Some("cam"), mode].into_iter().flatten().map(Value::from).collect();
            assert_eq!(parse("publish", &arguments), Command::Publish("cam".into(), expected), "{mode:?}");
        }
    }

    #[test]
    fn a_pause_without_a_mode_toggles() {
        let at = MediaTime::from_millis(500);
        assert_eq!(parse("pause", &[Value::Null, Value::from(500.0)]), Command::Pause(None, at));
        assert_eq!(parse("pause", &[Value::from(true), Value::from(500.0)]), Command::Pause(Some(true), at));
    }

    #[test]
    fn messages_with_fewer_than_three_values_are_read_as_far_as_they_go() {
        // Fault P1: rml_rtmp panicked on these.
        assert_eq!(Request::parse(&[]), None);
        assert_eq!(Request::parse(&[5]), None);
        let bytes = encode_to_bytes(&[Value::from_static("seek")]);
        let request = Request::parse(&bytes).unwrap();
        assert_eq!((request.transaction, request.command), (0.0, Command::Seek(MediaTime::ZERO)));
        for cut in 0..bytes.len() {
            assert_eq!(Request::parse(&bytes[..cut]), None);
        }
    }

    #[test]
    fn deep_or_numerous_values_cost_the_arguments_not_the_connection() {
        // Faults P5 and P6.
        let head = encode_to_bytes(&[Value::from_static("foo"), Value::from(2.0)]);
        for bomb in [[0x0a, 0, 0, 0, 1].repeat(10_000), vec![5; 200_000]] {
            let request = Request::parse(&[&head[..], &bomb].concat()).unwrap();
            assert_eq!((request.transaction, request.command), (2.0, Command::Unknown));
        }
    }

    #[test]
    fn play2_takes_its_options_object() {
        let options = crate::amf0::Properties::new().with("streamName", "b").with("transition", "switch");
        let Command::Play(Some(play)) = parse("play2", &[options.into()]) else { panic!() };
        assert_eq!((play.name.as_str().as_ref(), play.start, play.reset), ("b", Start::Any, true));
    }
}
