//! Checks of the confinement and the limits of a guest's programs.

use std::path::Path;

use crate::tools::{Finding, Isolation, MORE_FILES, NAMESPACES};

/// Returns a finding about the confinement of QEMU.
#[must_use]
pub fn check_isolation(isolation: &Isolation) -> Finding {
    let topic = "jail";
    let unconfined = "or, if you trust every job, confine nothing: --jail=none";
    match isolation {
        Isolation::Namespaces => {
            Finding::ok(topic, "bubblewrap gives QEMU namespaces of its own and none of your files")
        }
        Isolation::Landlock(None) => {
            let message =
                "Landlock keeps QEMU from your files, but not from your processes' names or IPC, as requested";
            Finding::warning(topic, message, "omit --jail, since bubblewrap works")
        }
        Isolation::Landlock(Some(error)) => {
            let message =
                format!("Landlock keeps QEMU from your files; bubblewrap, which does more, can't be used: {error}");
            Finding::warning(topic, message, NAMESPACES)
        }
        Isolation::Off => {
            let message = "QEMU isn't confined, as requested: a guest that breaks out of QEMU has all your permissions";
            Finding::warning(topic, message, "omit --jail")
        }
        Isolation::Missing(None) => {
            let remedy = format!("use bubblewrap: --jail=bwrap; {unconfined}");
            Finding::problem(topic, "this kernel has no Landlock", remedy)
        }
        Isolation::Missing(Some(error)) => {
            let message = format!("bubblewrap can't confine QEMU: {error}");
            Finding::problem(topic, message, format!("{NAMESPACES}; {unconfined}"))
        }
    }
}

/// Returns a finding about the delegated control group, below which the processes of a guest have limits.
pub fn check_control_group(control_group: Option<&Path>) -> Finding {
    let topic = "limits";
    if let Some(folder) = control_group {
        let folder = folder.display();
        return Finding::ok(topic, format!("the kernel limits a guest's memory and number of processes, in {folder}"));
    }
    let message = "no control group is delegated to pikaci, so a guest that breaks out of QEMU may take all memory";
    let remedy = "run pikaci in a session of your user, or in a service of systemd with Delegate=yes and \
        DelegateSubgroup=pikaci";
    Finding::warning(topic, message, remedy)
}

/// Lowest limit of open files that gives no warning.
const FEW_FILES: u64 = 200_000;

/// Returns a finding about the limit of open files of a share's daemon, which holds one file open for each file that
/// the guest uses.
pub fn check_open_files(limit: u64) -> Finding {
    let topic = "files";
    let message = format!("a guest may use {limit} files of a shared folder at a time");
    if limit >= FEW_FILES {
        return Finding::ok(topic, message);
    }
    Finding::warning(topic, format!("{message}; a job that uses more files ends as errored"), MORE_FILES)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{check_control_group, check_isolation, check_open_files};
    use crate::tools::Isolation;
    use crate::tools::Level::{Ok, Problem, Warning};

    #[test]
    fn a_weaker_jail_is_a_warning_and_a_missing_jail_a_problem() {
        let error = || Some("no namespaces".to_owned());
        for (observed, level, message, remedy) in [
            (Isolation::Namespaces, Ok, "bubblewrap gives", ""),
            (Isolation::Landlock(None), Warning, "as requested", "omit --jail"),
            (Isolation::Landlock(error()), Warning, "no namespaces", "sysctl"),
            (Isolation::Off, Warning, "isn't confined", "omit --jail"),
            (Isolation::Missing(None), Problem, "no Landlock", "--jail=bwrap"),
            (Isolation::Missing(error()), Problem, "no namespaces", "--jail=none"),
        ] {
            let finding = check_isolation(&observed);
            assert_eq!((finding.topic.as_str(), finding.level), ("jail", level), "{observed:?}");
            assert!(
                finding.message.contains(message) && finding.remedy.unwrap_or_default().contains(remedy),
                "{observed:?}"
            );
        }
    }

    #[test]
    fn a_missing_control_group_is_a_warning() {
        let with = check_control_group(Some(Path::new("/sys/fs/cgroup/a.service")));
        assert!(with.level == Ok && with.message.ends_with("in /sys/fs/cgroup/a.service"), "{with:?}");
        let without = check_control_group(None);
        assert!(without.level == Warning && without.remedy.unwrap().contains("Delegate=yes"));
    }

    #[test]
    fn few_open_files_are_a_warning() {
        assert_eq!(check_open_files(1 << 20).level, Ok);
        let few = check_open_files(20_000);
        assert!(
            few.level == Warning && few.message.contains("20000 files") && few.remedy.unwrap().contains("ulimit -Hn")
        );
    }
}
