//! Which codecs beyond Adobe's the other side takes: the part of `connect` and its answer that Enhanced RTMP
//! added.
//!
//! ```text
//!  fourCcList           ["av01", "hvc1", "Opus", …] or ["*"]                        version 1
//!  videoFourCcInfoMap   {"av01": 1 | 2 | 4, "*": 4}: decodes, encodes, forwards     version 2
//!  audioFourCcInfoMap   the same for sound
//!  capsEx               1 | 2 | 4 | 8: reconnect, multitrack, ModEx, nanoseconds
//! ```
//!
//! And one of Adobe's own: `videoCodecs` tells a Flash that plays no H.264 yet.

use crate::amf0::{Properties, Value};
use crate::limits::MAX_FOUR_CCS;

/// In `videoCodecs` (7.2.1.1).
const SORENSON: u32 = 0x04;
/// See [`SORENSON`].
const VP6: u32 = 0x10;
/// See [`SORENSON`].
const H264: u32 = 0x80;

/// In an info map: takes the codec.
const DECODES: u32 = 1;
/// In an info map: takes the codec, or passes it on.
const DECODES_OR_FORWARDS: u32 = DECODES | 4;
/// In an info map: passes the codec on.
const FORWARDS: f64 = 4.0;

/// What a client, or a server that is published to, takes besides the codecs that FLV has numbers for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Capabilities {
    /// For pictures: `avc1`, `hvc1`, `av01`, `vp09` …
    pub video_four_ccs: FourCcs,
    /// For sound: `Opus`, `fLaC`, `ac-3`, `mp4a` …
    pub audio_four_ccs: FourCcs,
    /// Its info maps say that it passes codecs on and decodes none: another server, which does not know what its own
    /// viewers take.
    pub only_forwards: bool,
    /// Its `videoCodecs` names Sorenson H.263 and not H.264: Flash before 9.0.115. False where there is no such
    /// number, or one that names nothing: those are no Flash players.
    pub only_flash: bool,
    /// Its `videoCodecs` names On2 VP6.
    pub vp6: bool,
}

/// A set of codecs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FourCcs {
    /// These, at most [`MAX_FOUR_CCS`].
    Listed(Vec<[u8; 4]>),
    /// Whatever there is: `*`.
    All,
}

impl Default for FourCcs {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl FourCcs {
    /// This codec is among them.
    pub fn contains(&self, code: &[u8; 4]) -> bool {
        match self {
            Self::Listed(codes) => codes.contains(code),
            Self::All => true,
        }
    }

    fn add(&mut self, code: &[u8]) {
        match (self, code) {
            (this, b"*") => *this = Self::All,
            (Self::Listed(codes), &[a, b, c, d]) if codes.len() < MAX_FOUR_CCS => codes.push([a, b, c, d]),
            _ => {}
        }
    }
}

impl Capabilities {
    /// From the command object of `connect`.
    pub(super) fn from_connect(object: &Value) -> Self {
        let video = object.get("videoCodecs").and_then(Value::as_f64).map_or(0, |bits| bits as u32);
        let mut this = Self {
            only_flash: video & SORENSON != 0 && video & H264 == 0,
            vp6: video & VP6 != 0,
            ..Self::default()
        };
        this.add(object);
        this
    }

    /// From the answer to `connect`: in the information object, where ours has it, or among the properties
    /// before that.
    pub(super) fn from_answer(properties: &Value, info: &Value) -> Self {
        let mut this = Self::default();
        this.add(properties);
        this.add(info);
        this
    }

    /// Of a stream with these codecs, if they are beyond Adobe's, the first that is not taken.
    pub fn lacks(&self, video: Option<[u8; 4]>, audio: Option<[u8; 4]>) -> Option<[u8; 4]> {
        let lacks = |codec: Option<[u8; 4]>, taken: &FourCcs| codec.filter(|codec| !taken.contains(codec));
        lacks(video, &self.video_four_ccs).or_else(|| lacks(audio, &self.audio_four_ccs))
    }

    fn add(&mut self, object: &Value) {
        let (mut forwards, mut decodes) = (false, false);
        // Version 1 has one list for all; no code is a picture's and a sound's.
        for code in object.get("fourCcList").and_then(Value::as_array).unwrap_or_default() {
            let code = code.as_amf_string().map_or(&b""[..], |code| code.as_bytes());
            self.video_four_ccs.add(code);
            self.audio_four_ccs.add(code);
        }
        for (key, codes) in [
            ("videoFourCcInfoMap", &mut self.video_four_ccs),
            ("audioFourCcInfoMap", &mut self.audio_four_ccs),
        ] {
            for (code, mask) in object.get(key).and_then(Value::properties).unwrap_or_default() {
                let mask = mask.as_f64().map_or(DECODES, |mask| mask as u32);
                forwards |= mask & DECODES_OR_FORWARDS != 0;
                decodes |= mask & DECODES != 0;
                if mask & DECODES_OR_FORWARDS != 0 {
                    codes.add(code.as_bytes());
                }
            }
        }
        self.only_forwards = forwards && !decodes;
    }
}

/// A FourCC by the name that people know.
pub fn codec_name(four_cc: [u8; 4]) -> String {
    let name = match &four_cc {
        b"hvc1" => "HEVC",
        b"av01" => "AV1",
        b"vp09" => "VP9",
        b"Opus" => "Opus",
        b"fLaC" => "FLAC",
        b"ac-3" | b"ec-3" => "Dolby Digital",
        other => return String::from_utf8_lossy(other).escape_default().to_string(),
    };
    name.to_owned()
}

/// What `connect`'s answer says about ours: everything is passed on, nothing decoded. Only those who asked
/// are told.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Answer {
    /// Version 1: the client's list is ours too. Not `*`, which version 1 does not know.
    four_cc_list: Option<Value>,
    version_2: bool,
}

impl Answer {
    pub(super) fn to_connect(object: &Value) -> Self {
        let asks = |key| object.get(key).is_some_and(|value| !value.is_null());
        Self {
            four_cc_list: object.get("fourCcList").filter(|list| is_four_cc_list(list)).cloned(),
            version_2: ["videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx"].into_iter().any(asks),
        }
    }

    pub(super) fn add_to(self, info: Properties) -> Properties {
        let info = info.with_some("fourCcList", self.four_cc_list);
        if !self.version_2 {
            return info;
        }
        let all = || Properties::new().with("*", FORWARDS);
        info.with("videoFourCcInfoMap", all()).with("audioFourCcInfoMap", all()).with("capsEx", 0.0)
    }
}

/// Echoed, within reason.
fn is_four_cc_list(list: &Value) -> bool {
    list.as_array().is_some_and(|list| {
        list.len() <= MAX_FOUR_CCS
            && list.iter().all(|code| code.as_amf_string().is_some_and(|code| code.len() <= 4))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(codes: &[&str]) -> Value {
        Value::StrictArray(codes.iter().copied().map(Value::from).collect())
    }

    #[test]
    fn a_version_1_list_is_for_pictures_and_sound() {
        let object = Properties::new().with("fourCcList", list(&["av01", "Opus", "x", "hvc1"])).into();
        let capabilities = Capabilities::from_connect(&object);
        assert!(capabilities.video_four_ccs.contains(b"hvc1"));
        assert!(capabilities.audio_four_ccs.contains(b"Opus"));
        assert!(!capabilities.video_four_ccs.contains(b"vp09"));
        assert_eq!(Answer::to_connect(&object).add_to(Properties::new()).into_object(), object);
    }

    #[test]
    fn a_star_is_all() {
        let object = Properties::new().with("fourCcList", list(&["*"])).into();
        let capabilities = Capabilities::from_connect(&object);
        assert_eq!(capabilities.video_four_ccs, FourCcs::All);
        assert!(capabilities.audio_four_ccs.contains(b"ac-3"));
    }

    #[test]
    fn version_2_maps_count_what_is_decoded_or_forwarded() {
        let video = Properties::new().with("hvc1", 1.0).with("av01", 2.0).with("vp09", 4.0);
        let object = Properties::new()
            .with("videoFourCcInfoMap", video)
            .with("audioFourCcInfoMap", Value::Null)
            .into();
        let capabilities = Capabilities::from_connect(&object);
        assert_eq!(capabilities.video_four_ccs, FourCcs::Listed(vec![*b"hvc1", *b"vp09"]));
        assert_eq!(capabilities.audio_four_ccs, FourCcs::default());
        let answer = Answer::to_connect(&object).add_to(Properties::new()).into_object();
        let forwards = answer.get("videoFourCcInfoMap").and_then(|map| map.get("*")).and_then(Value::as_f64);
        assert_eq!(forwards, Some(4.0));
    }

    #[test]
    fn a_server_in_between_is_told_from_a_player() {
        for (mask, only_forwards) in [(4.0, true), (5.0, false), (1.0, false), (2.0, false)] {
            let object = Properties::new()
                .with("fourCcList", list(&["hvc1"]))
                .with("videoFourCcInfoMap", Properties::new().with("*", mask))
                .into();
            assert_eq!(Capabilities::from_connect(&object).only_forwards, only_forwards, "{mask}");
        }
        let object = Properties::new().with("fourCcList", list(&["hvc1"])).into();
        assert!(!Capabilities::from_connect(&object).only_forwards, "version 1 has players only");
    }

    #[test]
    fn a_flash_without_h264_is_told_from_what_other_clients_send() {
        for (client, codecs, only_flash, vp6) in [
            ("ffmpeg, librtmp, GStreamer", 252.0, false, true),
            ("everything, by a client that thinks in sound", 4071.0, false, false),
            ("Flash 9.0.115 and later", 255.0, false, true),
            ("Flash 8", 124.0, true, true),
            ("Flash 7", 76.0, true, false),
            ("nothing filled in", 0.0, false, false),
            ("nonsense", f64::NAN, false, false),
            ("nonsense", -1.0, false, false),
            ("nonsense", 1e300, false, true),
        ] {
            let object = Properties::new().with("videoCodecs", codecs).into();
            let capabilities = Capabilities::from_connect(&object);
            assert_eq!((capabilities.only_flash, capabilities.vp6), (only_flash, vp6), "{client}: {codecs}");
        }
        assert!(!Capabilities::from_connect(&Value::Null).only_flash);
    }

    #[test]
    fn a_servers_answer_says_it_in_either_place() {
        let says = |codes| Properties::new().with("fourCcList", list(codes)).into();
        let both = Capabilities::from_answer(&says(&["hvc1"]), &says(&["Opus"]));
        assert_eq!(both.lacks(Some(*b"hvc1"), Some(*b"Opus")), None);
        assert_eq!(both.lacks(Some(*b"av01"), None), Some(*b"av01"));
        assert_eq!(both.lacks(Some(*b"hvc1"), Some(*b"fLaC")), Some(*b"fLaC"));
        let old = Capabilities::from_answer(&Value::Null, &Properties::new().with("level", "status").into());
        assert_eq!(old.lacks(None, None), None, "every server takes Adobe's");
        assert_eq!(old.lacks(Some(*b"hvc1"), None), Some(*b"hvc1"));
    }

    #[test]
    fn those_who_do_not_ask_are_told_nothing_and_long_lists_are_cut() {
        assert_eq!(Answer::to_connect(&Value::Null), Answer::default());
        let many = Value::StrictArray(vec!["hvc1".into(); 10 * MAX_FOUR_CCS]);
        let object = Properties::new().with("fourCcList", many).into();
        assert_eq!(
            Capabilities::from_connect(&object).video_four_ccs,
            FourCcs::Listed(vec![*b"hvc1"; MAX_FOUR_CCS])
        );
        assert_eq!(Answer::to_connect(&object), Answer::default());
    }
}
