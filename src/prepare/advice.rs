//! The advice for a build that failed where Nix, git or ssh would have asked a person: nobody is asked.

/// Returns what to do, by what a build said.
pub(super) fn advice(said: &str) -> Option<String> {
    let has = |text: &str| said.contains(text);
    // (OpenSSH's sshconnect.c, git's credential.c, Nix's libflake/config.cc)
    if has("Host key verification failed") {
        let login = ssh_login(said).unwrap_or_else(|| "ssh HOST".to_owned());
        Some(format!("nobody is asked whether to trust an unknown host: accept its key once, {login}"))
    } else if has("Permission denied (publickey") {
        Some("nobody is asked for a passphrase: give the key to an agent, ssh-add, or to a file without one".to_owned())
    } else if has("terminal prompts disabled") {
        Some("nobody is asked for a password: set access-tokens or netrc-file in nix.conf".to_owned())
    } else if has("ignoring untrusted flake configuration setting") {
        Some("Nix ignores nixConfig of the project's flake until you agree once: nix develop, and answer y".to_owned())
    } else {
        None
    }
}

/// Returns the command that logs in at the first address of ssh in a text.
fn ssh_login(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("ssh://").or_else(|| said.split_once("ssh-ng://"))?;
    let is_of_address = |c: char| c.is_ascii_alphanumeric() || "@.-_:[]".contains(c);
    let address: String = rest.chars().take_while(|c| is_of_address(*c)).collect();
    match address.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() => {
            Some(format!("ssh -p {port} {host}"))
        }
        _ if address.is_empty() => None,
        _ => Some(format!("ssh {address}")),
    }
}

#[cfg(test)]
mod tests {
    use super::advice;

    #[test]
    fn each_question_that_nobody_answers_has_its_advice() {
        for (said, expected) in [
            (
                "Host key verification failed.\nerror: Failed to fetch git repository 'ssh://git@a.org:2222/x?ref=y'",
                "accept its key once, ssh -p 2222 git@a.org",
            ),
            ("cannot build on 'ssh-ng://b': Host key verification failed.", "once, ssh b"),
            ("Host key verification failed.", "once, ssh HOST"),
            ("git@a.org: Permission denied (publickey).", "ssh-add"),
            ("fatal: could not read Username for 'https://a.org': terminal prompts disabled", "access-tokens"),
            ("warning: ignoring untrusted flake configuration setting 'extra-substituters'.", "nix develop"),
        ] {
            let advice = advice(said).unwrap();
            assert!(advice.contains(expected), "{advice}");
        }
        assert_eq!(advice("error: builder for '/nix/store/x.drv' failed with exit code 1"), None);
    }
}
