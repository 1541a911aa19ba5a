//! Ids and digests: a type for each kind of text, so that the compiler tells them apart.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps a text that is already validated.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

string_id! {
    /// Name of a job, as written in the job file.
    JobId
}
string_id! {
    /// Id of a node of a plan: `prepare:<short digest>` or `execute:<job>`.
    NodeId
}
string_id! {
    /// Id of a run: the UTC time of its start and random digits. Ids sort by the start of the runs.
    RunId
}
string_id! {
    /// Name of a target of the job file, or the text that lists the jobs of an ad-hoc selection.
    TargetId
}

impl RunId {
    /// Generates the id of a run that starts at `now` and sorts after all `others`: if the newest of them has the same
    /// or a later time, because the clock was set back, the id gets that time plus a millisecond.
    #[must_use]
    pub fn generate(now: Timestamp, digits: u16, others: impl IntoIterator<Item = Self>) -> Self {
        let newest = others.into_iter().filter_map(|id| id.time()).max();
        let next = newest.and_then(|newest| newest.checked_add(SignedDuration::from_millis(1)).ok());
        let time = next.map_or(now, |next| next.max(now));
        Self(format!("{}-{digits:04x}", time.strftime("%Y%m%d-%H%M%S%3f")))
    }

    /// Returns the time in the id, to the millisecond, or `None` if the id has another format.
    fn time(&self) -> Option<Timestamp> {
        let (date, rest) = self.0.split_once('-')?;
        let (time, _) = rest.split_once('-')?;
        let is_number = |text: &str, len| text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(date, 8) || !is_number(time, 9) {
            return None;
        }
        let part = |text: &str| text.parse::<i8>().ok();
        let (year, month, day) = (date[..4].parse().ok()?, part(&date[4..6])?, part(&date[6..])?);
        let (hour, minute, second) = (part(&time[..2])?, part(&time[2..4])?, part(&time[4..6])?);
        let nanos = time[6..].parse::<i32>().ok()? * 1_000_000;
        let at = DateTime::new(year, month, day, hour, minute, second, nanos).ok()?;
        Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
    }
}

/// Path of an entry of the state folder, relative to the state folder and without `..`; the form that records store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[^/]"))]
pub struct RecordedPath(String);

impl RecordedPath {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RecordedPath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_plain = |name: &str| !matches!(name, "" | "." | "..") && !name.chars().any(char::is_control);
        if text.len() < 4096 && text.split('/').all(is_plain) {
            Ok(Self(text))
        } else {
            Err(format!("{text:?} isn't a path in the state folder"))
        }
    }
}

impl From<RecordedPath> for String {
    fn from(path: RecordedPath) -> Self {
        path.0
    }
}

impl AsRef<std::path::Path> for RecordedPath {
    fn as_ref(&self) -> &std::path::Path {
        self.0.as_ref()
    }
}

impl fmt::Display for RecordedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// SHA-256 digest as 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[0-9a-f]{64}$"))]
pub struct Digest(String);

impl Digest {
    /// Computes the digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_hasher(Sha256::new_with_prefix(bytes))
    }

    /// Finishes a hasher and returns its digest.
    #[must_use]
    pub fn from_hasher(hasher: Sha256) -> Self {
        let hex = |text: String, byte: &u8| text + format!("{byte:02x}").as_str();
        Self(hasher.finalize().iter().fold(String::with_capacity(64), hex))
    }

    /// Returns all 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first 12 digits, for display and for names of files.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 64 && text.bytes().all(hex) {
            Ok(Self(text))
        } else {
            Err(format!("{text:?} isn't a SHA-256 digest in 64 hexadecimal digits"))
        }
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Digest, RunId};

    #[test]
    fn the_id_of_a_later_run_sorts_later_even_if_the_clock_was_set_back() {
        let now = "2026-11-22T10:15:00.123456Z".parse().unwrap();
        for (others, expected) in [
            (&[][..], "20261122-101500123-00ab"),
            (&["20261122-101500122-ffff"], "20261122-101500123-00ab"),
            (&["20261122-101500123-ffff"], "20261122-101500124-00ab"),
            (&["20261122-101500123-0000", "20991231-235959999-0000", "later"], "21000101-000000000-00ab"),
            (&["99999999-999999999-0000", "99991231-235959999-0000", "1", "", "a-b-c"], "20261122-101500123-00ab"),
            (&["20261122-101501-4f2a31", "２０２６1122-101500123-0000"], "20261122-101500123-00ab"),
        ] {
            let id = RunId::generate(now, 0xab, others.iter().copied().map(RunId::new));
            assert_eq!(id.as_str(), expected, "{others:?}");
        }
    }

    #[test]
    fn the_digest_of_no_bytes_is_the_published_one() {
        let published = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").as_str(), published);
        assert!(Digest::try_from(published.to_owned()).is_ok());
    }

    #[test]
    fn a_digest_refuses_text_that_could_be_a_path_out_of_a_folder() {
        for text in ["", "..", "../../etc", &"A".repeat(64), &"é".repeat(32)] {
            assert!(Digest::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
