//! The confinement of a guest's programs on this machine.

use std::path::Path;

use super::Finding;
use super::program::NAMESPACES;

/// The confinement of QEMU, and of what serves its shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Namespaces of their own, by bubblewrap.
    Namespaces,
    /// Landlock; the error of bubblewrap, if that doesn't work.
    Landlock(Option<String>),
    /// None, as the operator asked.
    Off,
    /// The requested one doesn't work here; the error of bubblewrap, if that was tried.
    Missing(Option<String>),
}

/// Judges the confinement.
#[must_use]
pub fn isolation(isolation: &Isolation) -> Finding {
    let topic = "jail";
    let trust = "or without any, where you trust all that jobs do: --jail=none";
    match isolation {
        Isolation::Namespaces => {
            Finding::ok(topic, "bubblewrap gives QEMU namespaces of its own and none of your files")
        }
        Isolation::Landlock(None) => {
            let what = "Landlock keeps QEMU from your files, but not from your processes' names or IPC, as asked";
            Finding::warning(topic, what, "leave --jail out, since bubblewrap works")
        }
        Isolation::Landlock(Some(why)) => {
            let what =
                format!("Landlock keeps QEMU from your files; bubblewrap, which does more, can't be used: {why}");
            Finding::warning(topic, what, NAMESPACES)
        }
        Isolation::Off => {
            let what = "QEMU isn't confined, as asked: a guest that breaks out of it may do all that you may";
            Finding::warning(topic, what, "leave --jail out")
        }
        Isolation::Missing(None) => {
            Finding::problem(topic, "this kernel has no Landlock", format!("use bubblewrap: --jail=bwrap; {trust}"))
        }
        Isolation::Missing(Some(why)) => {
            Finding::problem(topic, format!("bubblewrap can't confine QEMU: {why}"), format!("{NAMESPACES}; {trust}"))
        }
    }
}

/// Judges the control group below which a guest's processes have limits, if there is one.
pub fn limits(control_group: Option<&Path>) -> Finding {
    let topic = "limits";
    if let Some(folder) = control_group {
        let folder = folder.display();
        return Finding::ok(topic, format!("the kernel limits a guest's memory and number of processes, in {folder}"));
    }
    let what = "no control group is delegated to pikaci, so a guest that breaks out of QEMU may take all memory";
    let remedy = "run pikaci in a session of your user, or in a service of systemd with Delegate=yes and \
        DelegateSubgroup=pikaci";
    Finding::warning(topic, what, remedy)
}

/// The hint for a machine whose limit of open files is too low.
pub const MORE_FILES: &str = "raise the hard limit: LimitNOFILE=1048576 in a service of systemd, else \
    `* hard nofile 1048576` in /etc/security/limits.conf; then log in again (ulimit -Hn)";
/// The lowest limit of open files that gives no warning.
const FEW_FILES: u64 = 200_000;

/// Judges the limit of open files of a share's daemon, which holds one for each file that the guest uses.
pub fn open_files(limit: u64) -> Finding {
    let topic = "files";
    let what = format!("a guest may use {limit} files of a shared folder at a time");
    if limit >= FEW_FILES {
        return Finding::ok(topic, what);
    }
    Finding::warning(topic, format!("{what}; a job that uses more errs"), MORE_FILES)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Level::{Ok, Problem, Warning};
    use super::{Isolation, isolation, limits, open_files};

    #[test]
    fn a_weaker_jail_is_a_warning_and_a_missing_jail_a_problem() {
        let why = || Some("no namespaces".to_owned());
        for (seen, level, what, remedy) in [
            (Isolation::Namespaces, Ok, "bubblewrap gives", ""),
            (Isolation::Landlock(None), Warning, "as asked", "leave --jail out"),
            (Isolation::Landlock(why()), Warning, "no namespaces", "sysctl"),
            (Isolation::Off, Warning, "isn't confined", "leave --jail out"),
            (Isolation::Missing(None), Problem, "no Landlock", "--jail=bwrap"),
            (Isolation::Missing(why()), Problem, "no namespaces", "--jail=none"),
        ] {
            let finding = isolation(&seen);
            assert_eq!((finding.topic.as_str(), finding.level), ("jail", level), "{seen:?}");
            assert!(finding.what.contains(what) && finding.remedy.unwrap_or_default().contains(remedy), "{seen:?}");
        }
    }

    #[test]
    fn a_missing_control_group_is_a_warning() {
        let with = limits(Some(Path::new("/sys/fs/cgroup/a.service")));
        assert!(with.level == Ok && with.what.ends_with("in /sys/fs/cgroup/a.service"), "{with:?}");
        let without = limits(None);
        assert!(without.level == Warning && without.remedy.unwrap().contains("Delegate=yes"));
    }

    #[test]
    fn few_open_files_are_a_warning() {
        assert_eq!(open_files(1 << 20).level, Ok);
        let few = open_files(20_000);
        assert!(few.level == Warning && few.what.contains("20000 files") && few.remedy.unwrap().contains("ulimit -Hn"));
    }
}
