//! A job that prints its secrets in every form, and the search for them everywhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::processes::MARK;
use crate::support::project::Project;

/// Prints each secret in every form, one per line.
const SCRIPT: &str = r#"
forms() {
  printf '%s\n' "$1"
  printf '%s' "$1" | base64 -w 0; echo
  printf 'a%s' "$1" | base64 -w 0; echo
  printf 'ab%s' "$1" | base64 -w 0 | tr '+/' '-_'; echo
  printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'; echo
  printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F; echo
  printf '%s' "$1" | sed 's/"/\\"/g'; echo
  printf '%s' "$1" | sed 's/%/%25/g; s/&/%26/g; s,/,%2F,g; s/"/%22/g; s/ /%20/g; s/+/%2B/g'; echo
}
forms "$TOKEN"
forms "$PASSWORD"
sed '/^short$/d' "$KEY"
forms "$(tail -n 1 "$KEY")"
"#;
/// Prints a secret in two pieces, and facts about all secrets.
const FACTS: &str = r#"
printf '%.5s' "$TOKEN"; sleep 0.3; printf '%s\n' "${TOKEN#?????}"
printf '%s' "$TOKEN" | sha256sum
printf '%s' "$PASSWORD" | sha256sum
sha256sum <"$KEY"
stat -c %a "$KEY"
case $KEY in "$PWD"*) echo inside ;; *) echo outside ;; esac
"#;

/// Secrets from each kind of source, with values that nothing else on this machine has.
pub struct SecretLeaks {
    folder: TempDir,
    token: String,
    password: String,
    key: String,
}

/// A place where a secret was: the name of a file or a process, and the form.
type Leak = (String, String);

impl SecretLeaks {
    pub fn new() -> Self {
        let folder = TempDir::with_prefix("pikaci-test-").unwrap();
        let unique = folder.path().file_name().unwrap().to_string_lossy().replace("pikaci-test-", "");
        let of = |kind: &str| format!("{kind}&{unique}/\"q+ {kind}{unique}");
        let key = format!("-----BEGIN {unique}-----\nshort\n  {}\n{}\n", of("one"), of("two"));
        fs::write(folder.path().join("key"), &key).unwrap();
        fs::write(folder.path().join("password"), of("password") + "\n").unwrap();
        Self { token: of("token"), password: of("password"), key, folder }
    }

    /// Returns the secrets as keys of a job file.
    pub fn job_file_keys(&self) -> String {
        let path = self.folder.path().display();
        format!(
            r#"secrets = {{
  TOKEN = {{ env = "LEAK_TEST_TOKEN"; }};
  KEY = {{ file = "{path}/key"; asFile = true; }};
  PASSWORD = {{ command = [ "cat" "{path}/password" ]; }};
}};"#
        )
    }

    /// Writes the scripts of the job into a project.
    pub fn with_scripts(project: Project) -> Project {
        project.file("forms.sh", SCRIPT).file("facts.sh", FACTS)
    }

    /// Returns a command of pikaci with the operator's consent and the token.
    pub fn command(&self, project: &Project, args: &[&str]) -> Command {
        let mut command = project.command(args);
        command.env("LEAK_TEST_TOKEN", &self.token);
        command.env("PIKACI_ALLOW_SECRET_FILES", "1").env("PIKACI_ALLOW_SECRET_COMMANDS", "1");
        command
    }

    /// Returns the lines that the job prints, unmasked.
    fn forms(&self) -> Vec<String> {
        let mut script = Command::new("sh");
        script.args(["-c", SCRIPT]).env("TOKEN", &self.token).env("PASSWORD", &self.password);
        let output = script.env("KEY", self.folder.path().join("key")).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(|line| line.trim().to_owned()).collect()
    }

    /// Asserts that a text, such as the output of a command, shows no secret.
    #[track_caller]
    pub fn assert_absent(&self, label: &str, text: &str) {
        for form in self.forms() {
            assert!(!text.contains(&form), "{label} shows {form}:\n{text}");
        }
    }

    /// Asserts the output of the two scripts: markers in place of all forms, then the facts.
    #[track_caller]
    pub fn assert_masked(&self, output: &str) {
        self.assert_absent("the output", output);
        let forms = self.forms();
        let lines: Vec<&str> = output.lines().collect();
        for (line, form) in lines.iter().zip(&forms) {
            let name = ["TOKEN", "PASSWORD", "KEY"].into_iter().find(|name| line.contains(&format!("***{name}***")));
            let rest = name.map(|name| line.trim().replace(&format!("***{name}***"), "").len());
            // What precedes a secret in base64 isn't masked.
            assert!(rest.is_some_and(|rest| rest <= 3), "{form} is shown as {line}\n{output}");
        }
        let sum = |value: &str| {
            let mut echo = Command::new("sh");
            let sum = echo.args(["-c", r#"printf '%s' "$0" | sha256sum"#, value]).output().unwrap();
            String::from_utf8(sum.stdout).unwrap().trim_end().to_owned()
        };
        let facts = ["***TOKEN***".to_owned(), sum(&self.token), sum(&self.password), sum(&self.key)];
        let facts = facts.into_iter().chain(["400".to_owned(), "outside".to_owned()]);
        assert_eq!(lines[forms.len()..], facts.collect::<Vec<_>>(), "{output}");
    }

    /// Asserts that no file below a folder, and no command line and environment of a process has a secret in any form.
    /// pikaci itself has the token in its environment, and a job without a guest has all of them.
    #[track_caller]
    pub fn assert_nowhere(&self, state: &Path, pikaci: u32) {
        let forms = self.forms();
        let shown = |place: &str, bytes: &[u8]| -> Vec<Leak> {
            let text = String::from_utf8_lossy(bytes);
            let shown = forms.iter().filter(|form| text.contains(form.as_str()));
            shown.map(|form| (place.to_owned(), form.clone())).collect()
        };
        let mut leaks = BTreeMap::new();
        let mut files = vec![state.to_owned()];
        let mut count = 0;
        while let Some(path) = files.pop() {
            // Links lead to runners in the store.
            let Ok(metadata) = fs::metadata(&path) else { continue };
            if metadata.is_dir() {
                files.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else if metadata.is_file() && metadata.len() < 4 << 20 {
                count += 1;
                leaks.extend(shown(&path.to_string_lossy(), &fs::read(&path).unwrap_or_default()));
            }
        }
        assert!(count > 5, "{count} files in {}", state.display());
        for entry in fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path()) {
            let read = |name: &str| fs::read(entry.join(name)).unwrap_or_default();
            let (arguments, environment) = (read("cmdline"), read("environ"));
            leaks.extend(shown(&entry.join("cmdline").to_string_lossy(), &arguments));
            let is_job = environment.split(|byte| *byte == 0).any(|entry| entry.starts_with(b"PIKACI_JOB="));
            if !is_job && !entry.ends_with(pikaci.to_string()) {
                leaks.extend(shown(&entry.join("environ").to_string_lossy(), &environment));
            }
        }
        assert_eq!(leaks, BTreeMap::new());
        // The search reaches the processes of pikaci.
        let environment = fs::read(format!("/proc/{pikaci}/environ")).unwrap();
        assert!(!shown("pikaci", &environment).is_empty() && String::from_utf8_lossy(&environment).contains(MARK));
    }
}
