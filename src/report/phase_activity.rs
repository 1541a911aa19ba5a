//! Activities of a running guest.

/// Returns the activity of a guest in a phase, for the progress line of its job.
#[must_use]
pub fn phase_activity(phase: &str) -> &str {
    match phase {
        "init" | "drivers" | "ready" | "request" | "shares" => "booting",
        "job" => "running its command",
        "collect" | "end" => "collecting its artifacts",
        other => other,
    }
}
