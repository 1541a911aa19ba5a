//! Hints for commands that failed, from their exit codes and the last lines of their output.

use crate::config::{Base, Network};
use crate::facts::HostProgram;
use crate::plan::record::{JobExecutor, PlannedJob};
use crate::text::quote;

/// Exit code of a shell for a program that it can't execute.
const NOT_EXECUTABLE: i32 = 126;
/// Exit code of a shell for a program that doesn't exist.
const NO_PROGRAM: i32 = 127;
/// Folders of the search path that a job has by default.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// Error of git in a folder without history.
const NO_GIT: &str = "fatal: not a git repository";
/// Errors of programs that can't resolve a name of the network.
const NO_NAME: [&str; 8] = [
    "Could not resolve host",
    "Couldn't resolve host",
    "Temporary failure in name resolution",
    "Temporary failure resolving",
    "Name or service not known",
    "EAI_AGAIN",
    "bad address '",
    "failed to lookup address information",
];

/// A command that failed.
#[derive(Clone, Copy)]
pub struct FailedCommand<'a> {
    /// Its job.
    pub job: &'a PlannedJob,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// The last lines of its output.
    pub tail: &'a [String],
    /// Locates a program on this host.
    pub locate: &'a dyn Fn(&str) -> Option<HostProgram>,
}

type Rule = fn(&FailedCommand<'_>) -> Option<String>;

/// The rules, of which the first match counts.
const RULES: [Rule; 6] = [git_history, double_brackets, name_resolution, full_disk, missing_program, not_executable];

/// Returns a hint for a failed command.
#[must_use]
pub fn failure_hint(failed: &FailedCommand<'_>) -> Option<String> {
    RULES.iter().find_map(|rule| rule(failed))
}

impl FailedCommand<'_> {
    fn prints(&self, text: &str) -> bool {
        self.tail.iter().any(|line| line.contains(text))
    }

    /// Returns the base of the guest; `None` if it isn't recorded.
    fn base(&self) -> Option<Base> {
        match &self.job.executor {
            JobExecutor::VmCommand { choices, .. } => choices.map(|choices| choices.base),
            JobExecutor::LocalCommand { .. } => Some(Base::None),
        }
    }

    /// Returns the place of a key of the guest in the job file.
    fn guest_key(&self, key: &str) -> String {
        let guest = self.job.guest.as_deref().unwrap_or("default");
        let is_plain = guest.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        if is_plain { format!("guests.{guest}.{key}") } else { format!("guests.{guest:?}.{key}") }
    }
}

fn git_history(failed: &FailedCommand<'_>) -> Option<String> {
    let job = &failed.job.job;
    failed.prints(NO_GIT).then(|| format!("jobs run without .git: pass {job} what it reads from git in a file"))
}

fn double_brackets(failed: &FailedCommand<'_>) -> Option<String> {
    let is_foreign = failed.prints("[[: not found");
    is_foreign
        .then(|| "`[[` is a word of bash, and the script runs with sh: write `shell = \"bash\";` in the job".into())
}

fn name_resolution(failed: &FailedCommand<'_>) -> Option<String> {
    let has_network = failed.job.network != Network::None || failed.base() == Some(Base::None);
    let is_unresolved = !has_network && NO_NAME.iter().any(|text| failed.prints(text));
    is_unresolved.then(|| "this job has `network = false`: write `network = true;` in the job".to_owned())
}

fn full_disk(failed: &FailedCommand<'_>) -> Option<String> {
    let memory = failed.job.memory_mib;
    let is_full = failed.base() != Some(Base::None) && failed.prints("No space left on device");
    let disk_key = failed.guest_key("disk");
    is_full.then(|| match failed.job.disk_mib {
        Some(disk) => format!("the disk of the guest has {disk} MiB: raise {disk_key} in pikaci.nix"),
        None => format!(
            "the disk of the guest is memory, {} MiB of its {memory} MiB: write {disk_key} = \"20G\"; in pikaci.nix, or \
             raise {}",
            memory * 3 / 4,
            failed.guest_key("memory")
        ),
    })
}

fn missing_program(failed: &FailedCommand<'_>) -> Option<String> {
    if failed.exit_code != Some(NO_PROGRAM) {
        return None;
    }
    let program = failed.tail.iter().rev().find_map(|line| program_without_file(line))?;
    if program.contains('/') {
        return Some(format!(
            "check that git doesn't ignore {program}, and that the guest has the program that its first line names"
        ));
    }
    let located = (failed.locate)(program);
    Some(match (failed.base(), located) {
        (Some(Base::None), Some(HostProgram { folder, .. })) => {
            format!("{program} is in {folder}, which isn't in PATH: export PATH={}:$PATH", quote(&folder))
        }
        (Some(Base::Host), Some(HostProgram { folder, shares, env })) if !folder.starts_with("/usr/") => {
            let env = env.map(|(name, value)| format!(" env.{name} = \"{value}\";")).unwrap_or_default();
            format!(
                "{program} is in {folder}, which guests don't see: {} = [ \"{}\" ]; and in the job \
                 env.PATH = \"{folder}:{DEFAULT_PATH}\";{env}",
                failed.guest_key("hostFolders"),
                shares.join("\" \"")
            )
        }
        (Some(Base::Host), Some(HostProgram { folder, .. })) => {
            format!("{program} is in {folder}: write env.PATH = \"{folder}:{DEFAULT_PATH}\"; in the job")
        }
        (Some(Base::Nix | Base::Nixos), _) => {
            format!("add the package of nixpkgs that has {program} to {}", failed.guest_key("packages"))
        }
        (Some(Base::Host), None) => format!("install {program} on this machine, whose /usr the guest sees"),
        (_, _) => format!("install {program} on this machine"),
    })
}

fn not_executable(failed: &FailedCommand<'_>) -> Option<String> {
    if failed.exit_code != Some(NOT_EXECUTABLE) {
        return None;
    }
    let denied = |line: &String| {
        let start = line.strip_suffix(": Permission denied")?.to_owned();
        quoted_word(&start).or_else(|| last_part(&start)).map(str::to_owned)
    };
    let file = failed.tail.iter().rev().find_map(denied)?;
    Some(format!("make it executable: chmod +x {}", quote(&file)))
}

/// Returns the program that a line of a shell, `env` or `nsenter` reports as missing.
fn program_without_file(line: &str) -> Option<&str> {
    let of_shell = line.strip_suffix(": not found").or_else(|| line.strip_suffix(": command not found"));
    match of_shell {
        Some(start) => last_part(start),
        None => quoted_word(line.strip_suffix(": No such file or directory")?),
    }
}

fn last_part(text: &str) -> Option<&str> {
    text.rsplit(": ").next().filter(|part| !part.is_empty())
}

fn quoted_word(text: &str) -> Option<&str> {
    let quotes = ['\'', '‘', '’'];
    let (_, word) = text.strip_suffix(quotes)?.rsplit_once(quotes)?;
    Some(word).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests;
