//! The programs that running guests takes.

use std::path::PathBuf;

use super::version::{Version, of_program};
use super::{Finding, Level};
use crate::plan::hypervisor::Program;

/// What to do where a user's programs may not be confined.
pub(super) const NAMESPACES: &str = "let users make namespaces: sudo sysctl kernel.unprivileged_userns_clone=1, \
    or on Ubuntu: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0; in a container, show it all of /proc: \
    docker run --security-opt systempaths=unconfined, podman run --security-opt unmask=ALL";

/// A program of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Where it is.
    pub path: PathBuf,
    /// What it says of its version; empty where it says nothing, `None` where it wasn't asked.
    pub said: Option<String>,
    /// What it said when it was tried and failed.
    pub failed: Option<String>,
}

/// What a program lacks before a version.
struct Lack {
    program: &'static str,
    before: Version,
    level: Level,
    what: &'static str,
}

const LACKS: [Lack; 4] = [
    // <https://virtio-fs.gitlab.io>
    Lack {
        program: "qemu-system-",
        before: (5, 0, 0),
        level: Level::Problem,
        what: "can't share folders with a guest",
    },
    // The oldest that guests were booted with is Debian 11's.
    Lack {
        program: "qemu-system-",
        before: (5, 2, 0),
        level: Level::Warning,
        what: "is older than any that was tried",
    },
    Lack { program: "vfkit", before: (0, 6, 0), level: Level::Problem, what: "can't attach a disk read-only" },
    Lack {
        program: "vfkit",
        before: (0, 6, 2),
        level: Level::Warning,
        what: "ends at once at SIGTERM, and asks no guest to power off",
    },
];

/// Judges a program; one that says nothing of its version is found out by the first job.
#[must_use]
pub fn program(program: &Program, arch: &str, seen: Option<&Seen>) -> Finding {
    let name = program.name(arch);
    let topic = name.split('-').next().unwrap_or_default();
    let install = format!("install it, {}", program.install);
    let Some(Seen { path, said, failed }) = seen else {
        return Finding::problem(topic, format!("there is no {name}"), install);
    };
    let path = path.display();
    let too_old =
        |what| Finding::problem(topic, format!("{path} is {what}, and {} is needed", program.wanted(arch)), &install);
    let version = match said.as_deref() {
        // The virtiofsd that came with QEMU until 8.0 is another program, with QEMU's version.
        Some(said) if said.contains("FUSE kernel interface") => {
            return too_old("the one that came with QEMU".to_owned());
        }
        said => said.and_then(of_program),
    };
    if let Some(((major, minor, _), version)) = version
        && program.oldest.is_some_and(|oldest| (major, minor) < oldest)
    {
        return too_old(format!("version {version}"));
    }
    if let Some(why) = failed {
        return Finding::problem(topic, format!("{path} doesn't work here: {why}"), NAMESPACES);
    }
    let Some((numbers, version)) = version else {
        if said.is_none() {
            return Finding::ok(topic, path.to_string());
        }
        let what = format!("{path} doesn't say which version it is");
        return Finding::warning(topic, what, format!("see what it says: {path} --version"));
    };
    let lacks = LACKS.iter().filter(|lack| lack.program == program.name && numbers < lack.before);
    match lacks.max_by_key(|lack| lack.level) {
        Some(lack) => Finding::new(lack.level, topic, format!("{version} ({path}) {}", lack.what), install),
        None => Finding::ok(topic, format!("{version} ({path})")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, Program, Seen, program};

    const QEMU: Program = Program { name: "qemu-system-", oldest: None, install: "so" };
    const VFKIT: Program = Program { name: "vfkit", oldest: None, install: "so" };
    const VIRTIOFSD: Program = Program { name: "virtiofsd", oldest: Some((1, 13)), install: "so" };
    const BWRAP: Program = Program { name: "bwrap", oldest: Some((0, 5)), install: "so" };

    fn seen(said: &str) -> Seen {
        Seen { path: "/bin/it".into(), said: Some(said.to_owned()), failed: None }
    }

    #[test]
    fn a_version_is_judged_by_what_it_lacks() {
        use Level::{Ok, Problem, Warning};
        for (of, said, level, what) in [
            (QEMU, "QEMU emulator version 7.2.22 (Debian 1:7.2)", Ok, "7.2.22 (/bin/it)"),
            (QEMU, "QEMU emulator version 5.2.0", Ok, "5.2.0 (/bin/it)"),
            (QEMU, "QEMU emulator version 5.1.9", Warning, "5.1.9 (/bin/it) is older than any that was tried"),
            (QEMU, "QEMU emulator version 4.2.1", Problem, "4.2.1 (/bin/it) can't share folders with a guest"),
            (QEMU, "", Warning, "/bin/it doesn't say which version it is"),
            (VFKIT, "vfkit version: v0.6.4", Ok, "0.6.4 (/bin/it)"),
            (VFKIT, "vfkit version: v0.6.2", Ok, "0.6.2 (/bin/it)"),
            (
                VFKIT,
                "vfkit version: v0.6.1",
                Warning,
                "0.6.1 (/bin/it) ends at once at SIGTERM, and asks no guest to power off",
            ),
            (VFKIT, "vfkit version: v0.5.1", Problem, "0.5.1 (/bin/it) can't attach a disk read-only"),
            (VIRTIOFSD, "virtiofsd 1.13.0\n", Ok, "1.13.0 (/bin/it)"),
            (VIRTIOFSD, "virtiofsd 2.0.0", Ok, "2.0.0 (/bin/it)"),
            (VIRTIOFSD, "virtiofsd next", Warning, "/bin/it doesn't say which version it is"),
            (
                VIRTIOFSD,
                "virtiofsd 1.10.1\n",
                Problem,
                "/bin/it is version 1.10.1, and virtiofsd 1.13 or newer is needed",
            ),
            (
                VIRTIOFSD,
                "virtiofsd version 7.2.22 (Debian)\nusing FUSE kernel interface version 7.36\n",
                Problem,
                "/bin/it is the one that came with QEMU, and virtiofsd 1.13 or newer is needed",
            ),
            (BWRAP, "bubblewrap 0.8.0", Ok, "0.8.0 (/bin/it)"),
            (BWRAP, "bubblewrap 0.4.1", Problem, "/bin/it is version 0.4.1, and bwrap 0.5 or newer is needed"),
        ] {
            let finding = program(&of, "x86_64", Some(&seen(said)));
            assert_eq!((finding.level, finding.what.as_str()), (level, what));
            assert_eq!(finding.remedy.is_some(), level > Ok, "{finding:?}");
        }
    }

    #[test]
    fn a_program_that_is_missing_is_to_be_installed() {
        let missing = program(&QEMU, "aarch64", None);
        assert_eq!((missing.topic.as_str(), missing.level), ("qemu", Level::Problem));
        assert_eq!(missing.what, "there is no qemu-system-aarch64");
        assert_eq!(missing.remedy.as_deref(), Some("install it, so"));
    }

    #[test]
    fn one_that_was_not_asked_is_there_and_one_that_failed_is_of_no_use() {
        let there = program(&QEMU, "x86_64", Some(&Seen { said: None, ..seen("") }));
        assert_eq!((there.level, there.what.as_str()), (Level::Ok, "/bin/it"));
        for said in ["bubblewrap 0.8.0", ""] {
            let failed = Seen { failed: Some("no namespaces".to_owned()), ..seen(said) };
            let failed = program(&BWRAP, "x86_64", Some(&failed));
            assert_eq!(
                (failed.level, failed.what.as_str()),
                (Level::Problem, "/bin/it doesn't work here: no namespaces")
            );
            assert!(failed.remedy.unwrap().starts_with("let users make namespaces"));
        }
    }
}
