//! Inputs of a flake.lock that lie on this machine: Nix would copy them into a store that everybody reads.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::FlakeError;

/// The kinds of inputs that name a service, never a file.
const SERVICES: [&str; 3] = ["github", "gitlab", "sourcehut"];
/// The schemes of addresses that lead to another machine.
const REMOTE: [&str; 6] = ["https", "http", "ssh", "git", "ftp", "s3"];

/// An input on this machine, as a node of flake.lock names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalInput {
    /// The input as a flake reference, for people.
    pub reference: String,
    /// The absolute path, where the node has one.
    pub path: Option<PathBuf>,
}

/// Returns the inputs of a runner flake's lock that lie on this machine, by their nodes.
///
/// # Errors
/// When the text is no JSON.
pub fn local_inputs(lock: &str) -> Result<BTreeMap<String, LocalInput>, FlakeError> {
    let lock: Value = serde_json::from_str(lock)
        .map_err(|error| FlakeError::Lock { message: format!("the runner's flake.lock can't be read: {error}") })?;
    let nodes = lock["nodes"].as_object().into_iter().flatten();
    let nodes = nodes.filter_map(|(name, node)| Some((name, node.as_object()?)));
    // The root is no input, and a folder of the flake itself is no other place.
    let inputs = nodes.filter(|(name, node)| lock["root"] != **name && !node.contains_key("parent"));
    Ok(inputs.filter_map(|(name, node)| Some((name.clone(), local_input(node)?))).collect())
}

/// Returns the input of a node unless another machine has it. Whatever isn't certain to be elsewhere counts as local.
pub(super) fn local_input(node: &Map<String, Value>) -> Option<LocalInput> {
    let locked = locked(node);
    let text = |name: &str| locked.get(name).and_then(Value::as_str).unwrap_or_default();
    let (kind, url) = (text("type"), text("url"));
    let is_fetched = ["git", "hg", "tarball", "file"].contains(&kind);
    let is_remote = url.split_once("://").is_some_and(|(scheme, _)| REMOTE.contains(&scheme));
    if SERVICES.contains(&kind) || (is_fetched && is_remote) {
        return None;
    }
    let (place, path) = if kind == "path" { (text("path"), PathBuf::from(text("path"))) } else { (url, file(url)) };
    let path = path.is_absolute().then_some(path);
    Some(LocalInput { reference: format!("{kind}:{place}"), path })
}

/// Returns what Nix takes for the `locked` of a node: the `info` of old versions goes before it.
fn locked(node: &Map<String, Value>) -> Map<String, Value> {
    let part = |name: &str| node.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    part("locked").into_iter().chain(part("info")).collect()
}

/// Returns the path in a `file:` address, or in one without a scheme.
fn file(url: &str) -> PathBuf {
    let place = url.strip_prefix("file://").or_else(|| url.strip_prefix("file:")).unwrap_or(url);
    let place = place.split(['?', '#']).next().unwrap_or_default();
    PathBuf::from(OsString::from_vec(decode(place.as_bytes())))
}

/// Decodes `%20` and the like.
fn decode(bytes: &[u8]) -> Vec<u8> {
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
    use std::path::Path;

    use serde_json::{Value, json};

    use super::{local_input, local_inputs};

    /// Returns the path of what is locked, `""` where it has none, and nothing where another machine has it.
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
    fn files_of_this_machine_are_local_however_they_are_written() {
        for (locked, expected) in [
            (json!({ "type": "path", "path": "/etc" }), "/etc"),
            (json!({ "type": "path", "path": "./sub" }), ""),
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

    #[test]
    fn old_locks_say_more_in_info() {
        let node = json!({ "locked": { "type": "github" }, "info": { "type": "path", "path": "/x" } });
        assert_eq!(local_input(node.as_object().unwrap()).unwrap().path.as_deref(), Some(Path::new("/x")));
    }

    #[test]
    fn a_lock_is_searched_but_for_its_root_and_the_flake_s_own_folders() {
        let path = |path: &str| json!({ "type": "path", "path": path });
        let lock = json!({ "root": "r", "nodes": {
            "r": { "inputs": {} },
            "project": { "parent": [], "locked": path("./project") },
            "a": { "locked": path("/a") },
            "b": { "locked": { "type": "github" } },
        } });
        let inputs = local_inputs(&lock.to_string()).unwrap();
        assert_eq!(
            inputs.into_iter().map(|(name, input)| (name, input.path)).collect::<Vec<_>>(),
            [("a".to_owned(), Some("/a".into()))]
        );
        assert!(local_inputs("{").is_err());
    }
}
