//! `pikaci gc` in a loop.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::project::{Project, ran};

/// Runs gc again and again until `is_over` is true, and returns the number of times.
pub fn gc_until(state: &Path, args: &[&str], is_over: &AtomicBool) -> usize {
    let project = Project::new("{ }");
    let mut count = 0;
    while !is_over.load(Ordering::Relaxed) {
        let mut gc = project.command(&[&["gc"], args].concat());
        let done = ran(gc.arg("--state-root").arg(state)).exits(0);
        assert_eq!(done.stderr.replace("waiting for another pikaci gc\n", ""), "");
        count += 1;
    }
    count
}
