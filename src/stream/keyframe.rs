//! A picture out of a stream, for whoever wants one picture only.

use crate::flv::Tag;

/// A keyframe with what is needed to decode it. Clones share the bytes.
#[derive(Clone, Debug)]
pub struct Keyframe {
    /// The sequence header in force; some codecs have none.
    pub header: Option<Tag>,
    /// The picture.
    pub frame: Tag,
}

impl Keyframe {
    /// It is the very same picture: not an equal one, which a still scene sends again and again.
    pub fn is_same(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.frame.body, &other.frame.body);
        (ours.as_ptr(), ours.len()) == (theirs.as_ptr(), theirs.len())
    }
}
