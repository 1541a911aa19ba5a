//! Inputs of a flake.lock that lie on this machine: Nix would copy them into a store that every user can read.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use serde_json::{Map, Value};

/// The types of inputs that name a service, never a file.
const SERVICES: [&str; 3] = ["github", "gitlab", "sourcehut"];
/// The schemes of URLs that lead to another machine.
const REMOTE: [&str; 6] = ["https", "http", "ssh", "git", "ftp", "s3"];

/// Hint for an input that lies on this machine.
pub const LOCAL_INPUT_HINT: &str =
    "change the input in flake.nix to an address on another machine, or if you trust the project: --allow-local-inputs";

/// An input on this machine, as a node of flake.lock names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalInput {
    /// Flake reference of the input, for people.
    pub reference: String,
    /// Absolute path, if the node has one.
    pub path: Option<PathBuf>,
}

/// Returns whether the node is a folder of the flake that names it; this is Nix's own rule.
pub(super) fn is_folder(node: &Map<String, Value>) -> bool {
    let locked = node.get("locked").unwrap_or(&Value::Null);
    locked["type"] == "path" && locked["path"].as_str().is_some_and(|path| !path.starts_with('/'))
}

/// Returns the input of a node unless the node is a folder of another node or lies on another machine. An input of an
/// unknown type counts as local.
pub(super) fn local_input(node: &Map<String, Value>) -> Option<LocalInput> {
    if is_folder(node) {
        return None;
    }
    let locked = node.get("locked").unwrap_or(&Value::Null);
    let text = |name: &str| locked[name].as_str().unwrap_or_default();
    let (kind, url) = (text("type"), text("url"));
    let is_fetched = ["git", "hg", "tarball", "file"].contains(&kind);
    let is_remote = url.split_once("://").is_some_and(|(scheme, _)| REMOTE.contains(&scheme));
    if SERVICES.contains(&kind) || (is_fetched && is_remote) {
        return None;
    }
    let (location, path) =
        if kind == "path" { (text("path"), PathBuf::from(text("path"))) } else { (url, file_path(url)) };
    let path = path.is_absolute().then_some(path);
    Some(LocalInput { reference: format!("{kind}:{location}"), path })
}

/// Returns the path in a `file:` URL, or in a URL without a scheme.
fn file_path(url: &str) -> PathBuf {
    let path = url.strip_prefix("file://").or_else(|| url.strip_prefix("file:")).unwrap_or(url);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    PathBuf::from(OsString::from_vec(percent_decode(path.as_bytes())))
}

/// Decodes percent-encoded bytes such as `%20`.
fn percent_decode(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = after;
        let pair = after.first().and_then(digit).zip(after.get(1).and_then(digit));
        match pair.filter(|_| *first == b'%') {
            Some((high, low)) => {
                decoded.push(high * 16 + low);
                rest = &after[2..];
            }
            None => decoded.push(*first),
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::local_input;

    /// Returns the path of a locked input: `""` if it has none, `None` if it lies on another machine.
    fn path(locked: &Value) -> Option<String> {
        let node = json!({ "locked": locked });
        let input = local_input(node.as_object().unwrap())?;
        Some(input.path.map(|path| path.to_str().unwrap().to_owned()).unwrap_or_default())
    }

    #[test]
    fn inputs_of_other_machines_are_not_local() {
        for kind in ["github", "gitlab", "sourcehut"] {
            assert_eq!(path(&json!({ "type": kind, "owner": "o", "repo": "r" })), None);
        }
        for url in ["https://a/b.tar.gz", "http://a", "ssh://git@a/b", "git://a", "ftp://a", "s3://a"] {
            for kind in ["git", "hg", "tarball", "file"] {
                assert_eq!(path(&json!({ "type": kind, "url": url })), None, "{url}");
            }
        }
    }

    #[test]
    fn files_of_this_machine_are_local_in_every_spelling() {
        for (locked, expected) in [
            (json!({ "type": "path", "path": "/etc" }), "/etc"),
            (json!({ "type": "path" }), ""),
            (json!({ "type": "git", "url": "file:///a%20b%2" }), "/a b%2"),
            (json!({ "type": "git", "url": "file:///r?ref=x#y" }), "/r"),
            (json!({ "type": "git", "url": "/r" }), "/r"),
            (json!({ "type": "hg", "url": "file:/r" }), "/r"),
            (json!({ "type": "tarball", "url": "file:///x.tar" }), "/x.tar"),
            (json!({ "type": "file", "url": "file:///etc/shadow" }), "/etc/shadow"),
            (json!({ "type": "tarball", "url": "FILE:///x" }), ""),
            (json!({ "type": "git", "url": "git+file:///x" }), ""),
            (json!({ "type": "git", "url": "ext::sh -c id" }), ""),
            (json!({ "type": "path", "url": "https://a", "path": "/x" }), "/x"),
            (json!({ "type": "indirect", "id": "nixpkgs" }), ""),
            (json!({ "type": "new" }), ""),
            (json!({}), ""),
            (json!("text"), ""),
        ] {
            assert_eq!(path(&locked).as_deref(), Some(expected), "{locked}");
        }
    }
}
