//! Unknown is a value.

/// What an observer knows of something a peer may have sent.
///
/// A mismatch is only ever computed from two [`Seen::Known`] values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Seen<T> {
    /// It was sent, and this is it.
    Known(T),
    /// The place where it would stand was seen whole, and it is not there.
    Absent,
    /// It may have been sent, but could not be read: a gap, a start in mid-connection, no keys.
    #[default]
    Unreadable,
}

impl<T> Seen<T> {
    /// The value, where it is known.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unreadable => None,
        }
    }

    /// The same knowledge of a reference.
    pub fn as_ref(&self) -> Seen<&T> {
        match self {
            Self::Known(value) => Seen::Known(value),
            Self::Absent => Seen::Absent,
            Self::Unreadable => Seen::Unreadable,
        }
    }

    /// Applies `change` to a known value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Self::Known(value) => Seen::Known(change(value)),
            Self::Absent => Seen::Absent,
            Self::Unreadable => Seen::Unreadable,
        }
    }
}
