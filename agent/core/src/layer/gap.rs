//! Bytes that are missing.

/// How many bytes of one direction are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    /// Any number.
    Unknown,
    /// As many as a whole record held at most, which may also have been padding or no application data.
    About(u64),
    /// This many.
    Exactly(u64),
}

impl Gap {
    /// The number, as far as it is known.
    pub(crate) fn len(self) -> Option<u64> {
        match self {
            Self::Unknown => None,
            Self::About(len) | Self::Exactly(len) => Some(len),
        }
    }
}
