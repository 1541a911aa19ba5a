//! The speed of guests: with KVM, emulated, or on a Mac.

use crate::tools::{Finding, KVM_BOOTS_NO_GUEST};

/// Consequence of a machine that can't accelerate guests.
const EMULATED: &str = "so guests are emulated, which is slower";
/// Message about a Mac that is a virtual machine.
const MAC_IN_MAC: &str = "this Mac is a virtual machine itself";

/// Result of the probe for accelerated guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceleration {
    /// KVM can't be opened, so guests are emulated; holds the reason and the remedy.
    Closed(String, String),
    /// KVM opens; true if a guest of pikaci boots with it.
    Guest(bool),
    /// KVM opens; true if the smallest guest runs an instruction with it.
    Smallest(bool),
    /// KVM opens, but no guest was started with it; holds the reason.
    Untried(String),
    /// KVM opens, but the probe failed before it started a guest; holds the error.
    Failed(String),
    /// Two settings of macOS, if it has them: true if it can run guests, and true if it is a guest itself.
    Mac(Option<bool>, Option<bool>),
}

/// Returns a finding about the speed of guests, or `None` for a Mac without a setting about guests. Slow guests are a
/// warning; a Mac that can't run guests is a problem, because macOS has no emulation to fall back on.
pub fn check_acceleration(acceleration: &Acceleration) -> Option<Finding> {
    let kvm = "kvm";
    let mac = "virtualization";
    let nested = "where this is a virtual machine itself, switch nested virtualization on for it";
    Some(match acceleration {
        Acceleration::Closed(reason, remedy) => Finding::warning(kvm, format!("{reason}, {EMULATED}"), remedy),
        Acceleration::Guest(true) => Finding::ok(kvm, "a guest boots with it"),
        Acceleration::Guest(false) | Acceleration::Smallest(false) => {
            Finding::warning(kvm, format!("{KVM_BOOTS_NO_GUEST}, {EMULATED}"), nested)
        }
        Acceleration::Smallest(true) => Finding::ok(kvm, "it runs an instruction; the first run boots a guest"),
        Acceleration::Untried(reason) => Finding::ok(kvm, format!("/dev/kvm opens; {reason}")),
        Acceleration::Failed(error) => {
            let remedy = "pikaci run tries it again; to have guests emulated: pikaci run --accel=tcg";
            Finding::warning(kvm, format!("/dev/kvm opens, but trying it failed: {error}"), remedy)
        }
        Acceleration::Mac(Some(false), Some(true)) => {
            Finding::problem(mac, format!("{MAC_IN_MAC}, which can run no guests"), "run pikaci on the host Mac")
        }
        Acceleration::Mac(_, Some(true)) => {
            let remedy = "if no guest boots, run pikaci on the host Mac";
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

    use super::{Acceleration, MAC_IN_MAC, check_acceleration};
    use crate::tools::{Level, kvm_unavailable};

    #[test]
    fn slow_guests_are_a_warning_and_a_mac_without_guests_is_a_problem() {
        use Level::{Ok, Problem, Warning};
        let because = |kind: io::ErrorKind| {
            let (reason, remedy) = kvm_unavailable(&kind.into());
            Acceleration::Closed(reason, remedy)
        };
        let slow = "so guests are emulated, which is slower";
        for (observed, level, message) in [
            (because(io::ErrorKind::NotFound), Warning, format!("there is no /dev/kvm, {slow}")),
            (
                because(io::ErrorKind::PermissionDenied),
                Warning,
                format!("/dev/kvm can't be opened: permission denied, {slow}"),
            ),
            (Acceleration::Guest(true), Ok, "a guest boots with it".to_owned()),
            (Acceleration::Guest(false), Warning, format!("/dev/kvm is there, but no guest boots with it, {slow}")),
            (Acceleration::Smallest(false), Warning, format!("/dev/kvm is there, but no guest boots with it, {slow}")),
            (Acceleration::Smallest(true), Ok, "it runs an instruction; the first run boots a guest".to_owned()),
            (Acceleration::Untried("reason".to_owned()), Ok, "/dev/kvm opens; reason".to_owned()),
            (
                Acceleration::Failed("reason".to_owned()),
                Warning,
                "/dev/kvm opens, but trying it failed: reason".to_owned(),
            ),
            (Acceleration::Mac(Some(true), Some(false)), Ok, "macOS can run guests".to_owned()),
            (Acceleration::Mac(Some(false), None), Problem, "macOS can't run guests here".to_owned()),
            (Acceleration::Mac(Some(false), Some(true)), Problem, format!("{MAC_IN_MAC}, which can run no guests")),
            (
                Acceleration::Mac(Some(true), Some(true)),
                Warning,
                format!("{MAC_IN_MAC}: Linux guests boot there from Apple M3 and macOS 15 on"),
            ),
        ] {
            let finding = check_acceleration(&observed).unwrap();
            assert_eq!((finding.level, finding.message), (level, message));
            assert_eq!(finding.remedy.is_some(), level > Ok, "{observed:?}");
        }
        assert_eq!(check_acceleration(&Acceleration::Mac(None, None)), None);
    }
}
