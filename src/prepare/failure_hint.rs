//! Hints for builds that failed because Nix, git or ssh needed a prompt, which pikaci suppresses.

/// Returns a hint for the output of a failed build.
pub(super) fn failure_hint(output: &str) -> Option<String> {
    let has = |text: &str| output.contains(text);
    // (OpenSSH's sshconnect.c, git's credential.c, Nix's libflake/config.cc)
    if has("Host key verification failed") {
        let login = ssh_login(output).unwrap_or_else(|| "ssh HOST".to_owned());
        Some(format!("pikaci can't prompt for the key of an unknown host: accept the key once, {login}"))
    } else if has("Permission denied (publickey") {
        Some(
            "pikaci can't prompt for a passphrase: add the key to an agent, ssh-add, or use a key without a passphrase"
                .to_owned(),
        )
    } else if has("terminal prompts disabled") {
        Some("pikaci can't prompt for a password: set access-tokens or netrc-file in nix.conf".to_owned())
    } else if has("ignoring untrusted flake configuration setting") {
        Some(
            "Nix ignores nixConfig of the project's flake until you accept it once: nix develop, and answer y"
                .to_owned(),
        )
    } else {
        None
    }
}

/// Returns the command that logs in at the first ssh URL of a text.
fn ssh_login(output: &str) -> Option<String> {
    let (_, rest) = output.split_once("ssh://").or_else(|| output.split_once("ssh-ng://"))?;
    let is_address_character = |c: char| c.is_ascii_alphanumeric() || "@.-_:[]".contains(c);
    let address: String = rest.chars().take_while(|c| is_address_character(*c)).collect();
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
    use super::failure_hint;

    #[test]
    fn each_suppressed_prompt_has_a_hint() {
        for (output, expected) in [
            (
                "Host key verification failed.\nerror: Failed to fetch git repository 'ssh://git@a.org:2222/x?ref=y'",
                "accept the key once, ssh -p 2222 git@a.org",
            ),
            ("cannot build on 'ssh-ng://b': Host key verification failed.", "once, ssh b"),
            ("Host key verification failed.", "once, ssh HOST"),
            ("git@a.org: Permission denied (publickey).", "ssh-add"),
            ("fatal: could not read Username for 'https://a.org': terminal prompts disabled", "access-tokens"),
            ("warning: ignoring untrusted flake configuration setting 'extra-substituters'.", "nix develop"),
        ] {
            let hint = failure_hint(output).unwrap();
            assert!(hint.contains(expected), "{hint}");
        }
        assert_eq!(failure_hint("error: builder for '/nix/store/x.drv' failed with exit code 1"), None);
    }
}
