//! Reads the size of the host's memory.
#![expect(clippy::disallowed_methods, reason = "reads /proc/meminfo")]

use std::time::Duration;

use super::facts_request::FactsRequest;
use crate::process::{Invocation, capture};

/// The time limit of sysctl.
const DEADLINE: Duration = Duration::from_secs(10);

/// Returns the memory of the host in MiB; `None` when it can't be read.
pub(super) fn total_memory_mib(host: &FactsRequest) -> Option<u64> {
    if host.system.ends_with("-darwin") {
        let sysctl = Invocation::new("/usr/sbin/sysctl").args(["-n", "hw.memsize"]);
        parse_sysctl(&capture(sysctl, DEADLINE).ok()?.stdout)
    } else {
        parse_meminfo(&std::fs::read_to_string(host.root.join("proc/meminfo")).ok()?, "MemTotal:")
    }
}

/// Returns the available memory of a Linux host in MiB; `None` on other systems.
#[must_use]
pub fn available_memory_mib() -> Option<u64> {
    parse_meminfo(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// Parses the output of sysctl, which is in bytes.
fn parse_sysctl(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.trim().parse::<u64>().ok().map(|bytes| bytes >> 20)
}

/// Parses a line of /proc/meminfo, which is in KiB.
fn parse_meminfo(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib >> 10)
}

#[cfg(test)]
mod tests {
    use super::{parse_meminfo, parse_sysctl};

    #[test]
    fn the_memory_of_both_systems_is_parsed() {
        assert_eq!(parse_sysctl(b"17179869184\n"), Some(16 << 10));
        assert_eq!(parse_sysctl(b""), None);
        assert_eq!(parse_sysctl(b"sysctl: unknown oid 'hw.memsize'\n"), None);
        let text = "MemFree: 1 kB\nMemTotal:       16384256 kB\n";
        assert_eq!(parse_meminfo(text, "MemTotal:"), Some(16_000));
        assert_eq!(parse_meminfo(text, "MemAvailable:"), None);
    }
}
