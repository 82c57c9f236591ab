//! Why a run of a source ended, for the log, the interfaces and those who watch.

use super::capture::NotReady;
use crate::device::NoDevice;
use crate::pipeline::FeedError;

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    /// In words, with what to do.
    pub(super) text: String,
    /// Trying again at once will give the same answer.
    pub(super) lasting: bool,
    pub(super) caption: Caption,
}

/// What stands in the picture that viewers see while nothing comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Caption {
    /// It begins.
    #[default]
    Starting,
    /// A device is not plugged in, or nothing comes into it.
    NoSignal,
    /// Something has to be done by somebody, which the page says.
    Unavailable,
}

impl Ended {
    pub(super) fn new(text: impl Into<String>, lasting: bool, caption: Caption) -> Self {
        Self { text: text.into(), lasting, caption }
    }
}

impl From<FeedError> for Ended {
    fn from(error: FeedError) -> Self {
        let lasting = error.is_lasting();
        let caption = if lasting { Caption::Unavailable } else { Caption::NoSignal };
        Self::new(error.to_string(), lasting, caption)
    }
}

impl From<NotReady> for Ended {
    fn from(error: NotReady) -> Self {
        let absent = matches!(error, NotReady::NoDevice(NoDevice::Absent(_) | NoDevice::None));
        let caption = if absent { Caption::NoSignal } else { Caption::Unavailable };
        Self::new(error.to_string(), error.is_lasting(), caption)
    }
}
