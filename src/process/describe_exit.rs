//! Descriptions of exit statuses.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

/// Returns the end of a sentence about an exit status: `ended with exit code 1`. Shells use 128 plus its number for a
/// signal.
#[must_use]
pub fn describe_exit(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code @ 129..=192), _) => format!("ended with exit code {code} (128 + signal {})", code - 128),
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
