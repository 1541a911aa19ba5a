//! The last look at a rendered file before it leaves the room: it must be Nix.

use rnix::Root;

use super::FlakeError;

/// Returns the text if rnix parses it without an error.
pub(super) fn check(name: &str, text: String) -> Result<String, FlakeError> {
    match Root::parse(&text).errors().first() {
        None => Ok(text),
        Some(error) => Err(FlakeError::Syntax { name: name.to_owned(), message: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::flake::FlakeError;

    #[test]
    fn broken_nix_is_named() {
        assert!(check("flake.nix", "{ a = \"${b}\"; }".to_owned()).is_ok());
        let broken = check("flake.nix", "{ a = \"b; }".to_owned());
        assert!(matches!(broken, Err(FlakeError::Syntax { name, .. }) if name == "flake.nix"));
    }

    #[test]
    fn raw_templates_are_nix_themselves() {
        for template in [
            include_str!("../../templates/host/flake.nix"),
            include_str!("../../templates/nix/flake.nix"),
            include_str!("../../templates/nixos/flake.nix"),
        ] {
            assert_eq!(check("flake.nix", template.to_owned()), Ok(template.to_owned()));
            let in_comments = |line: &&str| line.contains("{%") && !line.trim_start().starts_with("# {%-");
            assert_eq!(template.lines().find(in_comments), None, "control flow stands in comments");
        }
    }

    #[test]
    fn what_goes_with_them_is_nix_too() {
        for text in [
            include_str!("../../nix/guest/call-flakes.nix"),
            include_str!("../../nix/guest/guest-module.nix"),
            include_str!("../../nix/guest/inputs.nix"),
            include_str!("../../nix/guest/nix.nix"),
            include_str!("../../nix/guest/nixos.nix"),
            include_str!("../../nix/guest/packages.nix"),
        ] {
            assert_eq!(check("nix", text.to_owned()), Ok(text.to_owned()));
        }
    }
}
