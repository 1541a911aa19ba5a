//! Which signals whoever started pikaci, `nohup` for instance or a shell in the background, has it ignore.

#![expect(clippy::disallowed_methods, reason = "reads what Linux tells of this process")]

use std::fs;
use std::time::Duration;

use anyhow::Result;
use signal_hook::consts::{SIGHUP, SIGINT};

use super::{Invocation, capture};

/// The signals that are asked about.
const ASKED: [(i32, &str); 2] = [(SIGHUP, "HUP"), (SIGINT, "INT")];

/// Prints those signals of its arguments that don't end a shell of its own; one that is ignored here is ignored there
/// too. The colon is for shells that take in a signal only between two commands.
const TRY: &str = r#"for signal; do /bin/sh -c 'kill -s "$0" $$; :' "$signal" && echo "$signal"; done; :"#;

/// How long the shells may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Returns those of SIGHUP and SIGINT that this process was started to ignore. Where nothing tells, those are none.
#[must_use]
pub fn ignored_signals() -> Vec<i32> {
    match fs::read_to_string("/proc/self/status") {
        Ok(status) => in_status(&status),
        Err(_) => tried().unwrap_or_default(),
    }
}

/// Reads what Linux tells of a process.
fn in_status(status: &str) -> Vec<i32> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    ASKED.map(|(signal, _)| signal).into_iter().filter(|signal| mask & (1 << (signal - 1)) != 0).collect()
}

/// Finds out by children, where no file tells it: macOS.
fn tried() -> Result<Vec<i32>> {
    let names = ASKED.map(|(_, name)| name);
    let output = capture(Invocation::new("/bin/sh").args(["-c", TRY, "sh"]).args(names), DEADLINE)?.stdout;
    let printed = String::from_utf8_lossy(&output);
    let ignored = ASKED.iter().filter(|(_, name)| printed.lines().any(|line| line == *name));
    Ok(ignored.map(|(signal, _)| *signal).collect())
}

#[cfg(test)]
mod tests {
    use super::{DEADLINE, Invocation, SIGHUP, SIGINT, capture, ignored_signals, in_status, tried};

    #[test]
    fn a_mask_has_a_bit_for_each_signal() {
        assert_eq!(in_status("Name:\tpikaci\nSigIgn:\t0000000000001003\n"), [SIGHUP, SIGINT]);
        assert_eq!(in_status("SigIgn:\t0000000000000002\n"), [SIGINT]);
        assert!(in_status("SigIgn:\t0000000000001000\n").is_empty());
        assert!(in_status("Name:\tpikaci\n").is_empty());
    }

    /// Runs itself again under a shell that ignores signals.
    #[test]
    fn shells_tell_what_is_ignored() {
        if let Ok(expected) = std::env::var("PIKACI_TEST_IGNORED") {
            assert_eq!(format!("{:?}", tried().unwrap()), expected);
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
            let name = "process::ignored::tests::shells_tell_what_is_ignored";
            let script = format!("trap '' {names} QUIT; exec \"$0\" --exact {name}");
            let again = Invocation::new("/bin/sh").args(["-c", &script]).args([&test]);
            let again = again.env("PIKACI_TEST_IGNORED", Some(format!("{expected:?}").as_ref()));
            let output = capture(again, DEADLINE).unwrap();
            let stdout = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && stdout.contains("1 passed"), "{names}: {stdout}");
        }
    }
}
