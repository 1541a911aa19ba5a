//! Signals that pikaci was started to ignore, by `nohup` or by a shell in the background for instance.

#![expect(clippy::disallowed_methods, reason = "reads the status of this process in /proc")]

use std::fs;
use std::time::Duration;

use anyhow::Result;
use signal_hook::consts::{SIGHUP, SIGINT};

use super::{Invocation, capture};

/// Signals that are checked.
const CHECKED: [(i32, &str); 2] = [(SIGHUP, "HUP"), (SIGINT, "INT")];

/// Script that prints those of its arguments, names of signals, that don't end a shell. A shell inherits ignored
/// signals from this process. The colon is for shells that handle a signal only between two commands.
const TRIAL: &str = r#"for signal; do /bin/sh -c 'kill -s "$0" $$; :' "$signal" && echo "$signal"; done; :"#;

/// Time limit for the script.
const DEADLINE: Duration = Duration::from_secs(10);

/// Returns the signals among SIGHUP and SIGINT that this process was started to ignore; none if that can't be
/// determined.
#[must_use]
pub fn ignored_signals() -> Vec<i32> {
    match fs::read_to_string("/proc/self/status") {
        Ok(status) => parse_status(&status),
        Err(_) => try_signals().unwrap_or_default(),
    }
}

/// Parses `/proc/self/status` of Linux.
fn parse_status(status: &str) -> Vec<i32> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    CHECKED.map(|(signal, _)| signal).into_iter().filter(|signal| mask & (1 << (signal - 1)) != 0).collect()
}

/// Sends the signals to child processes, for macOS, which has no `/proc`.
fn try_signals() -> Result<Vec<i32>> {
    let names = CHECKED.map(|(_, name)| name);
    let output = capture(Invocation::new("/bin/sh").args(["-c", TRIAL, "sh"]).args(names), DEADLINE)?.stdout;
    let printed = String::from_utf8_lossy(&output);
    let ignored = CHECKED.iter().filter(|(_, name)| printed.lines().any(|line| line == *name));
    Ok(ignored.map(|(signal, _)| *signal).collect())
}

#[cfg(test)]
mod tests {
    use super::{DEADLINE, Invocation, SIGHUP, SIGINT, capture, ignored_signals, parse_status, try_signals};

    #[test]
    fn a_mask_has_a_bit_for_each_signal() {
        assert_eq!(parse_status("Name:\tpikaci\nSigIgn:\t0000000000001003\n"), [SIGHUP, SIGINT]);
        assert_eq!(parse_status("SigIgn:\t0000000000000002\n"), [SIGINT]);
        assert!(parse_status("SigIgn:\t0000000000001000\n").is_empty());
        assert!(parse_status("Name:\tpikaci\n").is_empty());
    }

    /// Runs this test again under a shell that ignores signals.
    #[test]
    fn child_shells_reveal_ignored_signals() {
        if let Ok(expected) = std::env::var("PIKACI_TEST_IGNORED") {
            assert_eq!(format!("{:?}", try_signals().unwrap()), expected);
            return;
        }
        let test = std::env::current_exe().unwrap();
        for (names, signals) in
            [("", vec![]), ("HUP", vec![SIGHUP]), ("INT", vec![SIGINT]), ("HUP INT TERM", vec![1, 2])]
        {
            // The tests may run under `nohup` themselves.
            let mut expected = [signals, ignored_signals()].concat();
            expected.sort_unstable();
            expected.dedup();
            let name = "process::ignored_signals::tests::child_shells_reveal_ignored_signals";
            let script = format!("trap '' {names} QUIT; exec \"$0\" --exact {name}");
            let again = Invocation::new("/bin/sh").args(["-c", &script]).args([&test]);
            let again = again.env("PIKACI_TEST_IGNORED", Some(format!("{expected:?}").as_ref()));
            let output = capture(again, DEADLINE).unwrap();
            let stdout = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && stdout.contains("1 passed"), "{names}: {stdout}");
        }
    }
}
