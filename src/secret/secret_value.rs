//! The value of a secret.

use std::fmt;

use thiserror::Error;

/// Minimum length of a value, in bytes. A shorter one appears in output by chance, and can be guessed.
pub const MIN_SECRET: usize = 6;
/// Maximum length of a value, in bytes: Linux passes twice that to a program as a variable.
pub const MAX_SECRET: usize = 64 << 10;
/// Maximum length of all values of a run together, in bytes. Their masks take up to 1,300 times that in memory.
pub const MAX_SECRETS: usize = 128 << 10;

/// The value of a secret. Its debug form doesn't show it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Vec<u8>);

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

/// Reason for which bytes can't be the value of a secret. It doesn't show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SecretFault {
    /// The value is too short to be masked.
    #[error(
        "its value has {0} bytes, and fewer than {MIN_SECRET} can't be masked: they appear in output by chance, and \
         anybody can guess them"
    )]
    Short(usize),
    /// The value is too long.
    #[error("its value has more than {} KiB", MAX_SECRET >> 10)]
    Long,
    /// A variable can't have this value.
    #[error("its value isn't UTF-8, which a variable has to be")]
    NotUtf8,
    /// A variable can't have this value.
    #[error("its value has a NUL, which a variable can't have")]
    Nul,
}

impl SecretValue {
    /// Creates the value of a secret that a job gets as a file, or else as a variable. A variable has no line breaks at
    /// its end, as in `$(cat file)`.
    ///
    /// # Errors
    /// When the bytes can't be masked, or a variable can't have them.
    pub fn new(mut bytes: Vec<u8>, as_file: bool) -> Result<Self, SecretFault> {
        let trimmed = without_line_breaks(&bytes).len();
        if trimmed < MIN_SECRET {
            return Err(SecretFault::Short(trimmed));
        }
        if bytes.len() > MAX_SECRET {
            return Err(SecretFault::Long);
        }
        if !as_file {
            bytes.truncate(trimmed);
            if bytes.contains(&0) {
                return Err(SecretFault::Nul);
            }
            if std::str::from_utf8(&bytes).is_err() {
                return Err(SecretFault::NotUtf8);
            }
        }
        Ok(Self(bytes))
    }

    /// Returns the bytes of the value.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Returns bytes without the line breaks at their end.
pub(super) fn without_line_breaks(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |last| last + 1);
    &bytes[..end]
}
