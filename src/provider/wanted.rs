//! What a viewer gets of a file: from what was chosen, what is preferred and what the client can take to a
//! [`Form`], and when what is there already will do. Pure.

use crate::choice::{Choice, Language, Preferences, Profile, TrackChoice};
use crate::flv::codec::{AudioCodec, VideoCodec};
use crate::pipeline::{AudioTrack, Codec, Contents, Form, MediaStreams, Passes, SubtitleTrack};
use crate::reel::Codecs;

/// What a viewer can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// A browser: fragmented MP4 of H.264 and AAC.
    Browser,
    /// A player of FLV: whatever codecs a `.flv` file has, unless it says otherwise.
    Flv(Takes),
}

/// What a player of FLV says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Takes {
    /// Codecs by FourCC, beside H.264 and AAC.
    pub passes: Passes,
    /// Not H.264: Flash before 9.0.115. It gets the `flash` profile.
    pub only_flash: bool,
    /// On2 VP6, by one that does not take H.264: Flash 8.
    pub vp6: bool,
}

/// What a viewer wants of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What shall come out when the file is converted.
    pub form: Form,
    /// What of a `.flv` will do as it is.
    pub flv: FlvAsItIs,
}

/// What of a `.flv` will do as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlvAsItIs {
    /// Anything: nobody chose a profile, and players of FLV know what they open.
    Any,
    /// What the form's profile is made of.
    OfTheProfile {
        /// On2 VP6 as well.
        vp6: bool,
    },
}

/// No browser plays Sorenson H.263.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("profile=flash can't be played by browsers; write profile=tv, small or audio, or open it as /flv/")]
pub struct NotForBrowsers;

/// A track that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{name}\" has no {kind} {index}; {there} (they count from 0)")]
pub struct NoTrack {
    kind: &'static str,
    name: String,
    /// Its number, or the languages that were asked for.
    index: String,
    there: String,
}

impl NoTrack {
    /// None of these subtitles is the one that was asked for.
    pub(super) fn subtitles(name: &str, choice: &TrackChoice, tracks: &[SubtitleTrack]) -> Self {
        let index = match choice {
            TrackChoice::Default => "0".to_owned(),
            TrackChoice::Index(index) => index.to_string(),
            TrackChoice::Languages(languages) => {
                let codes: Vec<&str> = languages.iter().map(Language::code).collect();
                format!("in {}", codes.join(" or "))
            }
        };
        let told = tracks.iter().map(|track| (track.language.as_deref(), track.title.as_deref()));
        Self { kind: "subtitles", name: name.to_owned(), index, there: there(&listed(told)) }
    }
}

/// Tracks that an error names one by one.
const NAMED_TRACKS: usize = 16;

impl Wanted {
    /// What `choice` means for `client`.
    ///
    /// # Errors
    /// When the client cannot play what was chosen.
    pub fn new(choice: &Choice, preferences: &Preferences, client: Client) -> Result<Self, NotForBrowsers> {
        let (profile, passes) = match client {
            Client::Browser => match (choice.profile, preferences.profile) {
                (Some(Profile::Flash), _) => return Err(NotForBrowsers),
                (Some(chosen), _) => (chosen, Passes::default()),
                (None, Profile::Flash) => (Profile::Tv, Passes::default()),
                (None, preferred) => (preferred, Passes::default()),
            },
            Client::Flv(takes) => {
                let preferred = if takes.only_flash { Profile::Flash } else { preferences.profile };
                (choice.profile.unwrap_or(preferred), takes.passes)
            }
        };
        let any = matches!(client, Client::Flv(takes) if !takes.only_flash)
            && choice.profile.is_none()
            && profile == Profile::Tv;
        let vp6 = matches!(client, Client::Flv(takes) if takes.vp6);
        let pictures = profile != Profile::Audio;
        Ok(Self {
            form: Form {
                profile,
                // Flash has no number for the others.
                passes: if profile == Profile::Flash { Passes::default() } else { passes },
                audio: choice.audio(preferences),
                subtitles: choice.subtitles(preferences).filter(|_| pictures),
            },
            flv: if any { FlvAsItIs::Any } else { FlvAsItIs::OfTheProfile { vp6 } },
        })
    }

    /// A `.flv` of these codecs and this size will do as it is. It has one sound and no subtitles: there is
    /// nothing else to choose.
    pub(super) fn suits(&self, codecs: Codecs, size: Option<(u32, u32)>) -> bool {
        let FlvAsItIs::OfTheProfile { vp6 } = self.flv else { return true };
        let sound = |taken: &[AudioCodec]| codecs.audio.is_none_or(|codec| taken.contains(&codec));
        match self.form.profile {
            Profile::Tv => codecs.are_avc_and_aac(),
            Profile::Small => codecs.are_avc_and_aac() && (codecs.video.is_none() || self.fits(size)),
            Profile::Flash => {
                codecs.video.is_none_or(|codec| match codec {
                    VideoCodec::SorensonH263 | VideoCodec::Screen => true,
                    VideoCodec::Vp6 => vp6,
                    VideoCodec::Avc | VideoCodec::FourCc(_) | VideoCodec::Unknown(_) => false,
                }) && sound(&[AudioCodec::Mp3, AudioCodec::Nellymoser, AudioCodec::Pcm])
            }
            Profile::Audio => codecs.video.is_none() && sound(&[AudioCodec::Aac]),
        }
    }

    /// A track that was chosen by its number must be there; languages are wishes.
    pub(super) fn check(&self, name: &str, contents: &Contents) -> Result<(), NoTrack> {
        let missing = |kind, index: u32, tracks: Vec<String>| match tracks.len() > index as usize {
            true => Ok(()),
            false => {
                Err(NoTrack { kind, name: name.to_owned(), index: index.to_string(), there: there(&tracks) })
            }
        };
        if let TrackChoice::Index(index) = self.form.audio {
            let tracks = contents.audio_tracks.iter();
            let tracks = tracks.map(|track| (track.language.as_deref(), track.title.as_deref()));
            missing("sound", index, listed(tracks))?;
        }
        if let Some(TrackChoice::Index(index)) = self.form.subtitles {
            let tracks = contents.subtitle_tracks.iter();
            let tracks = tracks.map(|track| (track.language.as_deref(), track.title.as_deref()));
            missing("subtitles", index, listed(tracks))?;
        }
        Ok(())
    }

    fn fits(&self, size: Option<(u32, u32)>) -> bool {
        let most = self.form.profile.largest().unwrap_or_default();
        // As the worker has it: sixteen lines at a time.
        size.is_some_and(|(width, height)| {
            i64::from(width) <= i64::from(most.0) && i64::from(height) <= i64::from(most.1) + 8
        })
    }
}

fn listed<'a>(tracks: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>) -> Vec<String> {
    let one = |(index, (language, title)): (usize, (Option<&str>, Option<&str>))| {
        let told = [language, title].into_iter().flatten().collect::<Vec<_>>().join(", ");
        if told.is_empty() { index.to_string() } else { format!("{index} ({told})") }
    };
    tracks.enumerate().map(one).collect()
}

fn there(tracks: &[String]) -> String {
    match tracks {
        [] => "it has none".to_owned(),
        [first, ..] if tracks.len() > NAMED_TRACKS => {
            format!("it has {}, the first is {first}", tracks.len())
        }
        _ => format!("it has {}", tracks.join(", ")),
    }
}

/// What is in a `.flv`, at most one sound, and `beside` it.
pub(super) fn contents_of_flv(codecs: Codecs, beside: &[SubtitleTrack]) -> Contents {
    let sound = codecs.audio.map(|_| AudioTrack {
        codec: String::new(),
        language: None,
        title: None,
        channels: 0,
        default: true,
        chosen: true,
    });
    Contents {
        audio_tracks: sound.into_iter().collect(),
        subtitle_tracks: beside.to_vec(),
        ..Contents::default()
    }
}

/// Whether `wanted` makes of a file what `made` has made of it: `streams` is what the conversion to `made` found.
/// Then nobody needs another conversion. In doubt it does not.
pub(super) fn same_result(wanted: &Form, made: &Form, streams: &MediaStreams) -> bool {
    let contents = &streams.contents;
    sound(wanted, &contents.audio_tracks) == sound(made, &contents.audio_tracks)
        && drawn(wanted, &contents.subtitle_tracks, streams)
            == drawn(made, &contents.subtitle_tracks, streams)
        && same_picture(wanted, made, streams)
        && same_sound(wanted, made, streams)
}

/// Which sound that is; the file's default is one of them.
fn sound(form: &Form, tracks: &[AudioTrack]) -> Option<usize> {
    let languages: Vec<_> = tracks.iter().map(|track| language(track.language.as_deref())).collect();
    form.audio.find(&languages).or_else(|| tracks.iter().position(|track| track.default))
}

fn drawn(form: &Form, tracks: &[SubtitleTrack], streams: &MediaStreams) -> Option<usize> {
    streams.video.as_ref().filter(|_| form.profile != Profile::Audio)?;
    let languages: Vec<_> = tracks.iter().map(|track| language(track.language.as_deref())).collect();
    form.subtitles.as_ref()?.find(&languages)
}

fn language(code: Option<&str>) -> Option<Language> {
    Language::parse(code?).ok()
}

fn same_picture(wanted: &Form, made: &Form, streams: &MediaStreams) -> bool {
    let Some(video) = &streams.video else {
        // Left out, or never there: the two profiles with AAC and without a picture's codec cannot tell.
        return made.profile != Profile::Audio || wanted.profile == Profile::Audio;
    };
    let (wanted_passes, made_passes) = (wanted.passes, made.passes);
    let passes = match (video.passthrough, video.codec) {
        (true, Codec::Hevc) => wanted_passes.hevc,
        (true, Codec::Av1) => wanted_passes.av1,
        (true, Codec::Vp9) => wanted_passes.vp9,
        (true, Codec::H264) => {
            (wanted_passes.interlaced || !made_passes.interlaced)
                && (wanted_passes.large || !made_passes.large)
        }
        // Only what did not pass may be let pass by another client.
        (true, _) => true,
        (false, _) => {
            wanted_passes
                == (Passes { opus: wanted_passes.opus, surround: wanted_passes.surround, ..made_passes })
        }
    };
    let profiles = match (wanted.profile, made.profile) {
        (one, other) if one == other => true,
        // H.264 that is small enough passes both.
        (Profile::Small, Profile::Tv) | (Profile::Tv, Profile::Small) => {
            let (width, height) = Profile::Small.largest().unwrap_or_default();
            let small =
                i64::from(video.width) <= i64::from(width) && i64::from(video.height) <= i64::from(height);
            video.passthrough && small
        }
        _ => false,
    };
    passes && profiles
}

fn same_sound(wanted: &Form, made: &Form, streams: &MediaStreams) -> bool {
    let Some(audio) = &streams.audio else { return true };
    let flash = |form: &Form| form.profile == Profile::Flash;
    if flash(wanted) != flash(made) {
        return false;
    }
    match (audio.passthrough, audio.codec) {
        (true, Codec::Opus) => wanted.passes.opus,
        (true, _) => wanted.passes.surround || !made.passes.surround,
        (false, _) => {
            wanted.passes.opus == made.passes.opus && wanted.passes.surround == made.passes.surround
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::pipeline::{AudioStream, VideoStream};

    fn choice(query: &str) -> Choice {
        Choice::from_query(query).unwrap()
    }

    fn wanted(query: &str, client: Client) -> Wanted {
        Wanted::new(&choice(query), &Preferences::default(), client).unwrap()
    }

    const PLAYER: Client = Client::Flv(Takes {
        passes: Passes {
            hevc: false,
            av1: false,
            vp9: false,
            opus: false,
            surround: false,
            interlaced: false,
            large: false,
        },
        only_flash: false,
        vp6: false,
    });

    #[test]
    fn who_chooses_nothing_gets_what_the_client_takes_and_the_house_prefers() {
        let flash = Preferences { profile: Profile::Flash, ..Preferences::default() };
        let old = Client::Flv(Takes { only_flash: true, ..Takes::default() });
        let none = Choice::default();
        for (preferences, client, profile, flv) in [
            (Preferences::default(), PLAYER, Profile::Tv, FlvAsItIs::Any),
            (Preferences::default(), Client::Browser, Profile::Tv, FlvAsItIs::OfTheProfile { vp6: false }),
            (Preferences::default(), old, Profile::Flash, FlvAsItIs::OfTheProfile { vp6: false }),
            (flash.clone(), PLAYER, Profile::Flash, FlvAsItIs::OfTheProfile { vp6: false }),
            (flash, Client::Browser, Profile::Tv, FlvAsItIs::OfTheProfile { vp6: false }),
        ] {
            let wanted = Wanted::new(&none, &preferences, client).unwrap();
            assert_eq!((wanted.form.profile, wanted.flv), (profile, flv), "{client:?}");
        }
        assert_eq!(wanted("profile=tv", old).form.profile, Profile::Tv, "who chooses gets it");
        let refused = Wanted::new(&choice("profile=flash"), &Preferences::default(), Client::Browser);
        assert_eq!(refused, Err(NotForBrowsers));
        let enhanced = Client::Flv(Takes { passes: Passes::ALL, ..Takes::default() });
        assert_eq!(wanted("profile=flash", enhanced).form.passes, Passes::default());
        assert_eq!(wanted("profile=audio&subtitles=0", PLAYER).form.subtitles, None);
    }

    #[test]
    fn a_flv_that_suits_passes_as_it_is() {
        let codecs = |video, audio| Codecs { video, audio };
        let avc = codecs(Some(VideoCodec::Avc), Some(AudioCodec::Aac));
        let sorenson = codecs(Some(VideoCodec::SorensonH263), Some(AudioCodec::Mp3));
        let vp6 = codecs(Some(VideoCodec::Vp6), Some(AudioCodec::Mp3));
        let song = codecs(None, Some(AudioCodec::Aac));
        let eight = Client::Flv(Takes { only_flash: true, vp6: true, ..Takes::default() });
        for (query, client, codecs, size, suits) in [
            ("", PLAYER, vp6, None, true),
            ("audio=1&subtitles=0", PLAYER, avc, None, true),
            ("", Client::Browser, avc, None, true),
            ("", Client::Browser, sorenson, None, false),
            ("profile=tv", PLAYER, sorenson, None, false),
            ("profile=flash", PLAYER, sorenson, None, true),
            ("profile=flash", PLAYER, avc, Some((320, 180)), false),
            ("profile=flash", PLAYER, vp6, None, false),
            ("", eight, vp6, None, true),
            ("", eight, avc, None, false),
            ("profile=small", PLAYER, avc, Some((854, 480)), true),
            ("profile=small", PLAYER, avc, Some((1280, 720)), false),
            ("profile=small", PLAYER, avc, None, false),
            ("profile=small", PLAYER, song, None, true),
            ("profile=audio", PLAYER, avc, None, false),
            ("profile=audio", PLAYER, song, None, true),
        ] {
            assert_eq!(
                wanted(query, client).suits(codecs, size),
                suits,
                "{query} {client:?} {codecs:?} {size:?}"
            );
        }
    }

    /// H.264 of 640x360 that passes, an English and a German sound of two channels, German subtitles.
    fn streams() -> MediaStreams {
        let track = |language: &str, default| AudioTrack {
            codec: "AAC".into(),
            language: Some(language.into()),
            title: None,
            channels: 2,
            default,
            chosen: default,
        };
        MediaStreams {
            duration: None,
            spare: None,
            video: Some(VideoStream {
                width: 640,
                height: 360,
                source_codec: "H.264".into(),
                passthrough: true,
                codec: Codec::H264,
            }),
            audio: Some(AudioStream {
                source_codec: "AAC".into(),
                passthrough: true,
                rate: 48_000,
                channels: 2,
                codec: Codec::Aac,
            }),
            contents: Contents {
                audio_tracks: vec![track("en", true), track("de", false)],
                subtitle_tracks: vec![SubtitleTrack {
                    codec: "text".into(),
                    language: Some("de".into()),
                    text: true,
                    ..SubtitleTrack::default()
                }],
                ..Contents::default()
            },
            seekable: true,
            lead_ns: 0,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn a_choice_that_changes_nothing_needs_no_other_conversion() {
        let encoded = || MediaStreams {
            video: Some(VideoStream { passthrough: false, ..streams().video.unwrap() }),
            ..streams()
        };
        let form = |query| wanted(query, Client::Browser).form;
        for (query, streams, same) in [
            ("", streams(), true),
            ("audio=0", streams(), true),
            ("audio=en", streams(), true),
            ("audio=fr", streams(), true),
            ("audio=9", streams(), true),
            ("audio=1", streams(), false),
            ("audio=de", streams(), false),
            ("subtitles=fr", streams(), true),
            ("subtitles=de", streams(), false),
            ("profile=small", streams(), true),
            ("profile=small", encoded(), false),
            ("profile=audio", streams(), false),
        ] {
            assert_eq!(same_result(&form(query), &form(""), &streams), same, "{query}");
        }
        let flash = wanted("profile=flash", PLAYER).form;
        assert!(!same_result(&flash, &form(""), &streams()));
    }

    #[test]
    fn a_track_that_is_not_there_is_refused_with_those_that_are() {
        for (query, said) in [
            ("audio=1&subtitles=0", None),
            ("audio=fr&subtitles=fr", None),
            ("audio=2", Some("\"a.mkv\" has no sound 2; it has 0 (en), 1 (de) (they count from 0)")),
            ("subtitles=7", Some("\"a.mkv\" has no subtitles 7; it has 0 (de) (they count from 0)")),
        ] {
            let refused = wanted(query, PLAYER).check("a.mkv", &streams().contents).err();
            assert_eq!(refused.map(|error| error.to_string()).as_deref(), said, "{query}");
        }
        let silent = contents_of_flv(Codecs { video: Some(VideoCodec::Avc), audio: None }, &[]);
        let refused = wanted("audio=0", PLAYER).check("a.flv", &silent).unwrap_err().to_string();
        assert!(refused.contains("it has none"), "{refused}");
    }

    #[test]
    fn what_a_client_takes_matters_only_where_there_is_some() {
        let all = Form { passes: Passes::ALL, ..Form::default() };
        assert!(same_result(&all, &Form::default(), &streams()), "it passes anyway");
        let hevc = |passthrough, codec| MediaStreams {
            video: Some(VideoStream { passthrough, codec, ..streams().video.unwrap() }),
            ..streams()
        };
        assert!(!same_result(&all, &Form::default(), &hevc(false, Codec::H264)), "it might pass now");
        assert!(!same_result(&Form::default(), &all, &hevc(true, Codec::Hevc)));
        assert!(same_result(
            &Form { passes: Passes { surround: false, ..Passes::ALL }, ..Form::default() },
            &all,
            &MediaStreams { audio: None, ..hevc(true, Codec::Hevc) }
        ));
        let songs = MediaStreams { video: None, ..streams() };
        let audio = Form { profile: Profile::Audio, ..Form::default() };
        assert!(same_result(&audio, &Form::default(), &songs));
        assert!(!same_result(&Form::default(), &audio, &songs), "its picture was left out, if it has one");
        let second = Form { audio: TrackChoice::Index(1), ..Form::default() };
        assert!(!same_result(&second, &Form::default(), &songs));
    }
}
