//! Why a conversion failed, in words for the person who chose the file.

use super::wire::{Failure, WireError};
use std::io;
use std::process::ExitStatus;

/// Why there are no (more) tags. The texts are shown to people; the caller adds the file's name.
#[derive(Debug, thiserror::Error)]
pub enum ConversionError {
    /// Neither video nor sound in it.
    #[error("this is not a video or sound file: {detail}; choose another file")]
    NotMedia {
        /// What was found instead.
        detail: String,
    },
    /// No plug-in decodes what is in it.
    #[error(
        "no decoder for {what} is installed; install the GStreamer plug-ins for it (gstreamer1.0-libav and \
         gstreamer1.0-plugins-bad have most) or convert the file to H.264 and AAC"
    )]
    NoDecoder {
        /// The codec or codecs in words.
        what: String,
    },
    /// Damaged or cut off, or the disk failed.
    #[error("the file cannot be read: {detail}; it may be damaged or incomplete, copy it again")]
    Unreadable {
        /// What GStreamer said.
        detail: String,
    },
    /// Nothing came for a long time.
    #[error("the conversion stood still: {detail}; try again, and if it happens again the file is damaged")]
    Stalled {
        /// What was waited for, and how long.
        detail: String,
    },
    /// The worker died.
    #[error("the converter {how}{}; the file is probably damaged, the server itself goes on", quote(.stderr))]
    Crashed {
        /// "was killed by signal 11", "ended with status 1".
        how: String,
        /// The last lines it wrote.
        stderr: Vec<String>,
    },
    /// Somebody has killed the worker, and not this server: the kernel, which does so when memory runs out, or a person.
    #[error(
        "the converter was killed from outside (signal 9), as happens when a computer runs out of memory{}; close what needs \
         much of it, or choose a smaller quality",
        quote(.stderr)
    )]
    Killed {
        /// The last lines it wrote.
        stderr: Vec<String>,
    },
    /// The worker sent something that it must not send.
    #[error(
        "the converter sent nonsense ({detail}); the file is probably damaged, the server itself goes on"
    )]
    Nonsense {
        /// What was wrong with it.
        detail: String,
    },
    /// GStreamer or one of the plug-ins that every conversion needs is missing.
    #[error(
        "this computer cannot convert: {detail}; install the GStreamer plug-ins (base, good, bad, ugly, libav)"
    )]
    NotInstalled {
        /// What is missing.
        detail: String,
    },
    /// [`Killer::kill`](super::Killer::kill) was called.
    #[error("the conversion was stopped")]
    Stopped,
    /// The worker could not be started.
    #[error("the converter could not be started: {0}; see the server's log")]
    Spawn(#[source] io::Error),
}

impl ConversionError {
    /// The worker is at fault, or whoever killed it: another one may do better.
    pub fn is_of_the_worker(&self) -> bool {
        matches!(
            self,
            Self::Crashed { .. } | Self::Killed { .. } | Self::Stalled { .. } | Self::Nonsense { .. }
        )
    }

    pub(super) fn from_failure(failure: Failure, text: String) -> Self {
        match failure {
            Failure::NotMedia => Self::NotMedia { detail: text },
            Failure::NoDecoder => Self::NoDecoder { what: text },
            Failure::Unreadable | Failure::Refused => Self::Unreadable { detail: text },
            Failure::Stalled => Self::Stalled { detail: text },
            Failure::NotInstalled => Self::NotInstalled { detail: text },
        }
    }

    pub(super) fn from_wire(error: WireError) -> Self {
        Self::Nonsense { detail: error.to_string() }
    }

    pub(super) fn crashed(status: Option<ExitStatus>, stderr: Vec<String>) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let how = match status {
            Some(status) if status.signal() == Some(SIGKILL) => return Self::Killed { stderr },
            None => "ended without a word".to_owned(),
            Some(status) => match (status.signal(), status.code()) {
                (Some(signal), _) => format!("was killed by signal {signal}"),
                (None, Some(code)) => format!("ended with status {code} before it was done"),
                (None, None) => format!("ended strangely ({status})"),
            },
        };
        Self::Crashed { how, stderr }
    }
}

const SIGKILL: i32 = rustix::process::Signal::KILL.as_raw();

/// The last line in brackets: usually the one that names the cause.
fn quote(stderr: &[String]) -> String {
    stderr.last().map(|line| format!(" ({line})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_names_the_signal_and_the_last_line() {
        use std::os::unix::process::ExitStatusExt;
        let status = ExitStatus::from_raw(11);
        let error = ConversionError::crashed(Some(status), vec!["one".into(), "strcmp on NULL".into()]);
        assert_eq!(
            error.to_string(),
            "the converter was killed by signal 11 (strcmp on NULL); the file is probably damaged, the server \
             itself goes on"
        );
        let killed = ConversionError::crashed(Some(ExitStatus::from_raw(9)), Vec::new());
        assert!(matches!(&killed, ConversionError::Killed { .. }), "{killed}");
        assert!(killed.is_of_the_worker() && killed.to_string().contains("signal 9"), "{killed}");
    }
}
