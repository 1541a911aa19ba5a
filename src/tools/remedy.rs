//! Remedies that more than one room gives.

/// Remedy for a user who may not create namespaces.
pub const NAMESPACES: &str = "let users make namespaces: sudo sysctl kernel.unprivileged_userns_clone=1, \
    or on Ubuntu: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0; in a container, show it all of /proc: \
    docker run --security-opt systempaths=unconfined, podman run --security-opt unmask=ALL";
/// Remedy for a limit of open files that is too low.
pub const MORE_FILES: &str = "raise the hard limit: LimitNOFILE=1048576 in a service of systemd, else \
    `* hard nofile 1048576` in /etc/security/limits.conf; then log in again (ulimit -Hn)";
/// Remedy for a guest with more memory than the machine has for jobs.
pub const LOWER_MEMORY: &str = "lower the guest's `memory` in pikaci.nix";
/// Remedy for a Nix store on another machine, or at an address that pikaci can't resolve to a folder.
pub const STORE_ELSEWHERE: &str = "use a store of this machine: unset NIX_REMOTE, and `store` in nix.conf";
