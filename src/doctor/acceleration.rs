//! The speed of guests: with KVM, emulated, or on a Mac.

use std::io::{self, ErrorKind};

use super::Finding;

/// The message about a KVM that opens and then runs nothing.
pub const NO_GUEST: &str = "/dev/kvm is there, but no guest boots with it";
/// The consequence where guests can't be accelerated.
const EMULATED: &str = "so guests are emulated, which is slower";
/// The message about a Mac that is a guest.
const MAC_IN_MAC: &str = "this Mac is a virtual machine itself";

/// The way in which guests can be accelerated, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceleration {
    /// KVM can't be opened, so guests are emulated: why, and what to do.
    Closed(String, String),
    /// KVM opens, and a guest of pikaci boots with it, or not.
    Guest(bool),
    /// KVM opens, and the smallest of guests starts with it, or not.
    Smallest(bool),
    /// KVM opens, and no guest was tried: why.
    Untried(String),
    /// KVM opens, and trying it failed before any guest: why.
    Failed(String),
    /// The answers of macOS, if it gives any: it can run guests; it is a guest itself.
    Mac(Option<bool>, Option<bool>),
}

/// Returns why KVM can't be opened, and what to do about it.
#[must_use]
pub fn closed(error: &io::Error) -> (String, String) {
    if error.kind() == ErrorKind::NotFound {
        let remedy =
            "switch virtualization on in the firmware, and load the module: sudo modprobe kvm_intel (or kvm_amd)";
        return ("there is no /dev/kvm".to_owned(), remedy.to_owned());
    }
    let remedy = match error.kind() {
        ErrorKind::PermissionDenied => "join the group that may: sudo usermod -aG kvm $USER; then log in again",
        _ => "see what the kernel says: sudo dmesg | grep -i kvm",
    };
    (format!("/dev/kvm can't be opened: {error}"), remedy.to_owned())
}

/// Judges how fast guests are; that they are slow is no problem, but a Mac has no other way.
pub fn acceleration(found: &Acceleration) -> Option<Finding> {
    let kvm = "kvm";
    let mac = "virtualization";
    let nested = "where this is a virtual machine itself, switch nested virtualization on for it";
    Some(match found {
        Acceleration::Closed(why, remedy) => Finding::warning(kvm, format!("{why}, {EMULATED}"), remedy),
        Acceleration::Guest(true) => Finding::ok(kvm, "a guest boots with it"),
        Acceleration::Guest(false) | Acceleration::Smallest(false) => {
            Finding::warning(kvm, format!("{NO_GUEST}, {EMULATED}"), nested)
        }
        Acceleration::Smallest(true) => Finding::ok(kvm, "it runs a first instruction; the first run boots a guest"),
        Acceleration::Untried(why) => Finding::ok(kvm, format!("/dev/kvm opens; {why}")),
        Acceleration::Failed(why) => {
            let remedy = "pikaci run tries it again; to have guests emulated: pikaci run --accel=tcg";
            Finding::warning(kvm, format!("/dev/kvm opens, but trying it failed: {why}"), remedy)
        }
        Acceleration::Mac(Some(false), Some(true)) => {
            Finding::problem(mac, format!("{MAC_IN_MAC}, which can run no guests"), "run pikaci on the Mac around it")
        }
        Acceleration::Mac(_, Some(true)) => {
            let remedy = "if no guest boots, run pikaci on the Mac around it";
            Finding::warning(
                mac,
                format!("{MAC_IN_MAC}: Linux guests boot there from Apple M3 and macOS 15 on"),
                remedy,
            )
        }
        Acceleration::Mac(Some(true), _) => Finding::ok(mac, "macOS can run guests"),
        Acceleration::Mac(Some(false), _) => Finding::problem(mac, "macOS can't run guests here", nested),
        Acceleration::Mac(None, _) => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::Level;
    use super::{Acceleration, MAC_IN_MAC, acceleration, closed};

    #[test]
    fn guests_that_are_slow_are_no_problem_but_a_mac_has_no_other_way() {
        use Level::{Ok, Problem, Warning};
        let because = |kind: io::ErrorKind| {
            let (why, remedy) = closed(&kind.into());
            Acceleration::Closed(why, remedy)
        };
        let slow = "so guests are emulated, which is slower";
        for (found, level, what) in [
            (because(io::ErrorKind::NotFound), Warning, format!("there is no /dev/kvm, {slow}")),
            (
                because(io::ErrorKind::PermissionDenied),
                Warning,
                format!("/dev/kvm can't be opened: permission denied, {slow}"),
            ),
            (Acceleration::Guest(true), Ok, "a guest boots with it".to_owned()),
            (Acceleration::Guest(false), Warning, format!("/dev/kvm is there, but no guest boots with it, {slow}")),
            (Acceleration::Smallest(false), Warning, format!("/dev/kvm is there, but no guest boots with it, {slow}")),
            (Acceleration::Smallest(true), Ok, "it runs a first instruction; the first run boots a guest".to_owned()),
            (Acceleration::Untried("why".to_owned()), Ok, "/dev/kvm opens; why".to_owned()),
            (Acceleration::Failed("why".to_owned()), Warning, "/dev/kvm opens, but trying it failed: why".to_owned()),
            (Acceleration::Mac(Some(true), Some(false)), Ok, "macOS can run guests".to_owned()),
            (Acceleration::Mac(Some(false), None), Problem, "macOS can't run guests here".to_owned()),
            (Acceleration::Mac(Some(false), Some(true)), Problem, format!("{MAC_IN_MAC}, which can run no guests")),
            (
                Acceleration::Mac(Some(true), Some(true)),
                Warning,
                format!("{MAC_IN_MAC}: Linux guests boot there from Apple M3 and macOS 15 on"),
            ),
        ] {
            let finding = acceleration(&found).unwrap();
            assert_eq!((finding.level, finding.what), (level, what));
            assert_eq!(finding.remedy.is_some(), level > Ok, "{found:?}");
        }
        assert_eq!(acceleration(&Acceleration::Mac(None, None)), None);
        assert!(closed(&io::ErrorKind::PermissionDenied.into()).1.contains("usermod"));
    }
}
