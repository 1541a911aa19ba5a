//! Jobs by the names of the command line.

use globset::Glob;

use crate::config::{Config, JobSelector};
use crate::id::JobId;

/// Returns the jobs that a name of the command line means: a job, a leg, or all legs with some values. `*` and `?` match
/// any characters of the job's name.
pub(super) fn matching_jobs(config: &Config, pattern: &str) -> Vec<JobId> {
    let Some(selector) = JobSelector::parse(pattern) else { return Vec::new() };
    let glob = Glob::new(&pattern_glob(selector.name)).ok().map(|glob| glob.compile_matcher());
    let matches = |id: &&JobId| {
        let leg = JobSelector::of_id(id);
        let is_named = leg.name == selector.name || glob.as_ref().is_some_and(|glob| glob.is_match(leg.name));
        is_named && selector.matches_axes(&leg)
    };
    config.jobs.keys().filter(matches).cloned().collect()
}

/// Returns the pattern of a name as a glob in which only `*` and `?` have a meaning.
fn pattern_glob(name: &str) -> String {
    name.chars().flat_map(|c| if "{}\\!".contains(c) { vec!['\\', c] } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::matching_jobs;
    use crate::config;
    use crate::id::JobId;

    #[test]
    fn a_name_means_a_job_a_leg_or_the_legs_with_its_values() {
        let text = r#"{
            jobs.test = { command = "true"; matrix = { cc = [ "gcc" "clang" ]; libc = [ "glibc" "musl" ]; }; };
            jobs.test-docs.command = "true";
            jobs."odd{a}".command = "true";
        }"#;
        let config = config::read("pikaci.nix", text).unwrap();
        let clang = ["test[cc=clang,libc=glibc]", "test[cc=clang,libc=musl]"];
        let gcc = ["test[cc=gcc,libc=glibc]", "test[cc=gcc,libc=musl]"];
        for (pattern, expected) in [
            ("test", [clang, gcc].concat()),
            ("test*", [&["test-docs"], &clang[..], &gcc].concat()),
            ("t?st", [clang, gcc].concat()),
            ("test[cc=clang]", clang.to_vec()),
            ("te*[libc=musl, cc=gcc]", vec!["test[cc=gcc,libc=musl]"]),
            ("odd{a}", vec!["odd{a}"]),
            ("*{a}", vec!["odd{a}"]),
            ("test[cc=tcc]", vec![]),
            ("test[", vec![]),
            ("tes", vec![]),
        ] {
            let jobs = matching_jobs(&config, pattern);
            assert_eq!(jobs.iter().map(JobId::as_str).collect::<Vec<_>>(), expected, "{pattern}");
        }
    }
}
