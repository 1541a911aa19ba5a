//! The syntax check of rendered Nix files.

use rnix::Root;

use super::flake_error::FlakeError;

/// Returns the text if rnix parses it without an error.
pub(super) fn check_syntax(name: &str, text: String) -> Result<String, FlakeError> {
    match Root::parse(&text).errors().first() {
        None => Ok(text),
        Some(error) => Err(FlakeError::Syntax { name: name.to_owned(), message: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::check_syntax;
    use crate::flake::FlakeError;

    #[test]
    fn a_file_with_broken_syntax_is_named() {
        assert!(check_syntax("flake.nix", "{ a = \"${b}\"; }".to_owned()).is_ok());
        let broken = check_syntax("flake.nix", "{ a = \"b; }".to_owned());
        assert!(matches!(broken, Err(FlakeError::Syntax { name, .. }) if name == "flake.nix"));
    }

    #[test]
    fn templates_are_valid_nix() {
        for template in [
            include_str!("../../templates/host/flake.nix"),
            include_str!("../../templates/nix/flake.nix"),
            include_str!("../../templates/nixos/flake.nix"),
        ] {
            assert_eq!(check_syntax("flake.nix", template.to_owned()), Ok(template.to_owned()));
            let is_outside = |line: &&str| line.contains("{%") && !line.trim_start().starts_with("# {%-");
            assert_eq!(template.lines().find(is_outside), None, "control flow stands in comments");
        }
    }

    #[test]
    fn the_nix_files_of_guests_are_valid() {
        for text in [
            include_str!("../../nix/guest/call-flakes.nix"),
            include_str!("../../nix/guest/guest-module.nix"),
            include_str!("../../nix/guest/inputs.nix"),
            include_str!("../../nix/guest/nix.nix"),
            include_str!("../../nix/guest/nixos.nix"),
            include_str!("../../nix/guest/packages.nix"),
        ] {
            assert_eq!(check_syntax("nix", text.to_owned()), Ok(text.to_owned()));
        }
    }
}
