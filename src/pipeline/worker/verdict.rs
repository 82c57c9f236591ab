//! What to tell people about a file that cannot be converted.
//!
//! GStreamer's own texts are quoted where they say more; they come in the language of the system.

use super::super::form::Profile;
use super::super::wire::{Failure, Message};
use super::decide::{self, Content};
use gstreamer as gst;

pub(super) fn fail(failure: Failure, text: impl Into<String>) -> Message {
    Message::Failed { failure, text: text.into() }
}

/// The last message for an error that came before any stream was found.
pub(super) fn on_source_error(error: &gst::glib::Error, media_is_empty: bool) -> Message {
    if media_is_empty {
        return fail(Failure::NotMedia, "it is empty");
    }
    if error.matches(gst::StreamError::TypeNotFound) || error.matches(gst::StreamError::WrongType) {
        return fail(Failure::NotMedia, "its content is of no known format");
    }
    let codec =
        error.matches(gst::StreamError::CodecNotFound) || error.matches(gst::CoreError::MissingPlugin);
    fail(if codec { Failure::NoDecoder } else { Failure::Unreadable }, text(error))
}

/// The last message for an error of an address on the network.
pub(super) fn on_network_error(error: &gst::glib::Error, debug: Option<&str>) -> Message {
    if error.matches(gst::ResourceError::NotAuthorized) {
        return fail(Failure::Refused, "it wants another user name or password");
    }
    if error.matches(gst::ResourceError::NotFound) && !debug.is_some_and(could_not_connect) {
        return fail(Failure::Refused, format!("there is nothing at that address ({})", text(error)));
    }
    // All that souphttpsrc says when there is no connection, or it broke.
    if error.matches(gst::StreamError::Failed) && debug.is_some_and(|debug| debug.contains("reason error")) {
        return fail(Failure::Unreadable, "there is no connection to it");
    }
    if error.matches(gst::ResourceError::OpenRead) || error.matches(gst::ResourceError::OpenReadWrite) {
        return fail(Failure::Unreadable, format!("there is no connection to it ({})", text(error)));
    }
    // A camera that answered once and then no more, or whose answers are none.
    if error.matches(gst::ResourceError::Read) || error.matches(gst::ResourceError::Write) {
        return fail(Failure::Unreadable, format!("it does not answer, or breaks off ({})", text(error)));
    }
    on_source_error(error, false)
}

/// souphttpsrc calls both "not found".
fn could_not_connect(debug: &str) -> bool {
    ["resolve", "connect", "refused"].iter().any(|word| debug.to_lowercase().contains(word))
}

/// GStreamer's text, to be put into a sentence.
pub(super) fn text(error: &gst::glib::Error) -> String {
    error.message().trim_end_matches('.').to_owned()
}

/// What was found instead of video and sound.
pub(super) fn on_no_lanes(found: &[(Content, Option<gst::Caps>)], profile: Profile) -> Message {
    if profile == Profile::Audio && found.iter().any(|(content, _)| *content == Content::Video) {
        return fail(Failure::NotMedia, "it has pictures only, and only its sound was asked for");
    }
    let names: Vec<_> =
        found.iter().filter_map(|(_, caps)| caps.as_deref().map(decide::codec_name)).collect();
    let text = if found.iter().any(|(content, _)| *content == Content::Still) {
        "it is a picture".to_owned()
    } else if names.is_empty() {
        "there is nothing in it".to_owned()
    } else {
        format!("it holds {}", names.join(", "))
    };
    fail(Failure::NotMedia, text)
}
