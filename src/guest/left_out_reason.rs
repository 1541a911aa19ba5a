//! The reasons for which a matched file is no artifact.

/// The reason for which a file that a glob matches is no artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOutReason {
    /// The disk has no room for the file.
    Large,
    /// The job has too many files.
    Many,
    /// The path of the file is too deep.
    Deep,
    /// The file is a link that leads to no file.
    Link,
    /// The job's user can't read the file.
    Unreadable,
    /// The file is neither a regular file nor a folder nor a link.
    Special,
    /// The name of the file has a control character.
    Name,
}

impl LeftOutReason {
    /// All reasons.
    pub const ALL: [Self; 7] =
        [Self::Large, Self::Many, Self::Deep, Self::Link, Self::Unreadable, Self::Special, Self::Name];

    /// Returns the word for the reason on the control channel.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Many => "many",
            Self::Deep => "deep",
            Self::Link => "link",
            Self::Unreadable => "unreadable",
            Self::Special => "special",
            Self::Name => "name",
        }
    }

    /// Returns the end of a sentence that begins with the path of the file.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Large => "doesn't fit into the `size` of the artifacts",
            Self::Many => "exceeds the limit of 100,000 files",
            Self::Deep => "lies deeper than 100 folders",
            Self::Link => "is a link that leads to no file",
            Self::Unreadable => "can't be read by the job's user",
            Self::Special => "is a pipe, a socket or a device",
            Self::Name => "has a control character in its name",
        }
    }
}
