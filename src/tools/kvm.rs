//! Messages about KVM on this machine.

use std::io::{self, ErrorKind};

/// Message about a KVM that opens but boots no guest.
pub const KVM_BOOTS_NO_GUEST: &str = "/dev/kvm is there, but no guest boots with it";

/// Returns the reason why opening KVM failed, and the remedy.
#[must_use]
pub fn kvm_unavailable(error: &io::Error) -> (String, String) {
    if error.kind() == ErrorKind::NotFound {
        let remedy =
            "switch virtualization on in the firmware, and load the module: sudo modprobe kvm_intel (or kvm_amd)";
        return ("there is no /dev/kvm".to_owned(), remedy.to_owned());
    }
    let remedy = match error.kind() {
        ErrorKind::PermissionDenied => "join the group with access: sudo usermod -aG kvm $USER; then log in again",
        _ => "read the kernel's log: sudo dmesg | grep -i kvm",
    };
    (format!("/dev/kvm can't be opened: {error}"), remedy.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::kvm_unavailable;

    #[test]
    fn a_user_without_access_gets_the_command_to_join_the_group() {
        assert!(kvm_unavailable(&ErrorKind::PermissionDenied.into()).1.contains("usermod"));
    }
}
