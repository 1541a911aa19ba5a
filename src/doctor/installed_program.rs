//! Checks of the programs that boot guests.

use std::path::PathBuf;

use crate::tools::{Finding, Level, NAMESPACES, Program, Version, parse_version};

/// A program on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledProgram {
    /// Path.
    pub path: PathBuf,
    /// Output for `--version`, empty if the program failed; `None` if the version doesn't matter.
    pub version_output: Option<String>,
    /// Error of a trial, if the program was tried and failed.
    pub fault: Option<String>,
}

/// Defect of a program before a version.
struct Defect {
    program: &'static str,
    before: Version,
    level: Level,
    message: &'static str,
}

const DEFECTS: [Defect; 4] = [
    // <https://virtio-fs.gitlab.io>
    Defect {
        program: "qemu-system-",
        before: (5, 0, 0),
        level: Level::Problem,
        message: "can't share folders with a guest",
    },
    // The oldest version that booted guests in a test is the one of Debian 11.
    Defect {
        program: "qemu-system-",
        before: (5, 2, 0),
        level: Level::Warning,
        message: "is older than every tested version",
    },
    Defect { program: "vfkit", before: (0, 6, 0), level: Level::Problem, message: "can't attach a disk read-only" },
    Defect {
        program: "vfkit",
        before: (0, 6, 2),
        level: Level::Warning,
        message: "ends at once at SIGTERM, without a shutdown of the guest",
    },
];

/// Returns a finding about a program. A program without a readable version is a warning: the first job shows whether it
/// works.
#[must_use]
pub fn check_program(program: &Program, arch: &str, installed: Option<&InstalledProgram>) -> Finding {
    let name = program.name(arch);
    let topic = name.split('-').next().unwrap_or_default();
    let install = format!("install it, {}", program.install);
    let Some(InstalledProgram { path, version_output, fault }) = installed else {
        return Finding::problem(topic, format!("there is no {name}"), install);
    };
    let path = path.display();
    let too_old = |message| {
        Finding::problem(topic, format!("{path} is {message}, and {} is needed", program.requirement(arch)), &install)
    };
    let version = match version_output.as_deref() {
        // The virtiofsd that came with QEMU until 8.0 is another program, with QEMU's version.
        Some(output) if output.contains("FUSE kernel interface") => {
            return too_old("the one that came with QEMU".to_owned());
        }
        output => output.and_then(parse_version),
    };
    if let Some(((major, minor, _), version)) = version
        && program.oldest.is_some_and(|oldest| (major, minor) < oldest)
    {
        return too_old(format!("version {version}"));
    }
    if let Some(error) = fault {
        return Finding::problem(topic, format!("{path} doesn't work here: {error}"), NAMESPACES);
    }
    let Some((numbers, version)) = version else {
        if version_output.is_none() {
            return Finding::ok(topic, path.to_string());
        }
        return Finding::warning(topic, format!("{path} reports no version"), format!("run: {path} --version"));
    };
    let defects = DEFECTS.iter().filter(|defect| defect.program == program.name && numbers < defect.before);
    match defects.max_by_key(|defect| defect.level) {
        Some(defect) => Finding::new(defect.level, topic, format!("{version} ({path}) {}", defect.message), install),
        None => Finding::ok(topic, format!("{version} ({path})")),
    }
}

#[cfg(test)]
mod tests {
    use super::{InstalledProgram, check_program};
    use crate::tools::{Level, Program};

    const QEMU: Program = Program { name: "qemu-system-", oldest: None, install: "so" };
    const VFKIT: Program = Program { name: "vfkit", oldest: None, install: "so" };
    const VIRTIOFSD: Program = Program { name: "virtiofsd", oldest: Some((1, 13)), install: "so" };
    const BWRAP: Program = Program { name: "bwrap", oldest: Some((0, 5)), install: "so" };

    fn installed(version_output: &str) -> InstalledProgram {
        InstalledProgram { path: "/bin/it".into(), version_output: Some(version_output.to_owned()), fault: None }
    }

    #[test]
    fn an_old_version_has_defects() {
        use Level::{Ok, Problem, Warning};
        for (of, output, level, message) in [
            (QEMU, "QEMU emulator version 7.2.22 (Debian 1:7.2)", Ok, "7.2.22 (/bin/it)"),
            (QEMU, "QEMU emulator version 5.2.0", Ok, "5.2.0 (/bin/it)"),
            (QEMU, "QEMU emulator version 5.1.9", Warning, "5.1.9 (/bin/it) is older than every tested version"),
            (QEMU, "QEMU emulator version 4.2.1", Problem, "4.2.1 (/bin/it) can't share folders with a guest"),
            (QEMU, "", Warning, "/bin/it reports no version"),
            (VFKIT, "vfkit version: v0.6.4", Ok, "0.6.4 (/bin/it)"),
            (VFKIT, "vfkit version: v0.6.2", Ok, "0.6.2 (/bin/it)"),
            (
                VFKIT,
                "vfkit version: v0.6.1",
                Warning,
                "0.6.1 (/bin/it) ends at once at SIGTERM, without a shutdown of the guest",
            ),
            (VFKIT, "vfkit version: v0.5.1", Problem, "0.5.1 (/bin/it) can't attach a disk read-only"),
            (VIRTIOFSD, "virtiofsd 1.13.0\n", Ok, "1.13.0 (/bin/it)"),
            (VIRTIOFSD, "virtiofsd 2.0.0", Ok, "2.0.0 (/bin/it)"),
            (VIRTIOFSD, "virtiofsd next", Warning, "/bin/it reports no version"),
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
            let finding = check_program(&of, "x86_64", Some(&installed(output)));
            assert_eq!((finding.level, finding.message.as_str()), (level, message));
            assert_eq!(finding.remedy.is_some(), level > Ok, "{finding:?}");
        }
    }

    #[test]
    fn a_missing_program_has_an_instruction_for_its_installation() {
        let missing = check_program(&QEMU, "aarch64", None);
        assert_eq!((missing.topic.as_str(), missing.level), ("qemu", Level::Problem));
        assert_eq!(missing.message, "there is no qemu-system-aarch64");
        assert_eq!(missing.remedy.as_deref(), Some("install it, so"));
    }

    #[test]
    fn a_program_that_failed_its_trial_is_a_problem() {
        let there = check_program(&QEMU, "x86_64", Some(&InstalledProgram { version_output: None, ..installed("") }));
        assert_eq!((there.level, there.message.as_str()), (Level::Ok, "/bin/it"));
        for output in ["bubblewrap 0.8.0", ""] {
            let failed = InstalledProgram { fault: Some("no namespaces".to_owned()), ..installed(output) };
            let failed = check_program(&BWRAP, "x86_64", Some(&failed));
            assert_eq!(
                (failed.level, failed.message.as_str()),
                (Level::Problem, "/bin/it doesn't work here: no namespaces")
            );
            assert!(failed.remedy.unwrap().starts_with("let users make namespaces"));
        }
    }
}
