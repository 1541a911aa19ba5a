//! How much memory the host has.
#![expect(clippy::disallowed_methods, reason = "reads what the host says of itself")]

use std::time::Duration;

use super::Gather;
use crate::process::{Invocation, capture};

/// How long macOS may take to answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// Returns the memory of the host in MiB, where something tells it.
pub(super) fn mib(host: &Gather) -> Option<u64> {
    if host.system.ends_with("-darwin") {
        let asked = Invocation::new("/usr/sbin/sysctl").args(["-n", "hw.memsize"]);
        in_bytes(&capture(asked, DEADLINE).ok()?.stdout)
    } else {
        in_meminfo(&std::fs::read_to_string(host.root.join("proc/meminfo")).ok()?, "MemTotal:")
    }
}

/// Returns the memory that is free, in MiB, where Linux tells it.
#[must_use]
pub fn available_mib() -> Option<u64> {
    in_meminfo(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// Reads what macOS says.
fn in_bytes(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.trim().parse::<u64>().ok().map(|bytes| bytes >> 20)
}

/// Reads what Linux says.
fn in_meminfo(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib >> 10)
}

#[cfg(test)]
mod tests {
    use super::{in_bytes, in_meminfo};

    #[test]
    fn each_system_says_it_in_its_way() {
        assert_eq!(in_bytes(b"17179869184\n"), Some(16 << 10));
        assert_eq!(in_bytes(b""), None);
        assert_eq!(in_bytes(b"sysctl: unknown oid 'hw.memsize'\n"), None);
        let text = "MemFree: 1 kB\nMemTotal:       16384256 kB\n";
        assert_eq!(in_meminfo(text, "MemTotal:"), Some(16_000));
        assert_eq!(in_meminfo(text, "MemAvailable:"), None);
    }
}
