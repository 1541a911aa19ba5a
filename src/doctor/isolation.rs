//! The confinement of a guest's programs on this machine.

use super::Finding;
use super::program::NAMESPACES;

/// The confinement of QEMU, and of what serves its shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Namespaces of their own, by bubblewrap.
    Namespaces,
    /// Landlock; what bubblewrap said where it can't be used.
    Landlock(Option<String>),
    /// None, as the operator asked.
    Off,
    /// That which is asked for isn't to be had; what bubblewrap said where it can't be used.
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

#[cfg(test)]
mod tests {
    use super::super::Level::{Ok, Problem, Warning};
    use super::{Isolation, isolation};

    #[test]
    fn less_than_namespaces_is_a_warning_and_less_than_asked_for_a_problem() {
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
}
