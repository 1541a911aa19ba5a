//! The agent's scripts, by their paths in a runner flake.

/// The files of the agent in a guest of any base.
pub(super) const AGENT: [(&str, &str); 8] = [
    ("guest/agent.sh", include_str!("../../nix/guest/agent.sh")),
    ("guest/artifacts.sh", include_str!("../../nix/guest/artifacts.sh")),
    ("guest/caches.sh", include_str!("../../nix/guest/caches.sh")),
    ("guest/launch.sh", include_str!("../../nix/guest/launch.sh")),
    ("guest/lease.sh", include_str!("../../nix/guest/lease.sh")),
    ("guest/pack.sh", include_str!("../../nix/guest/pack.sh")),
    ("guest/start.sh", include_str!("../../nix/guest/start.sh")),
    ("guest/steps.sh", include_str!("../../nix/guest/steps.sh")),
];
/// The files that make the agent PID 1 of an initial RAM disk.
pub(super) const INIT: [(&str, &str); 2] = [
    ("guest/build-runner.sh", include_str!("../../nix/guest/build-runner.sh")),
    ("guest/init.sh", include_str!("../../nix/guest/init.sh")),
];
