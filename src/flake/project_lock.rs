//! A project's flake.lock: the inputs that lie on this machine or in the project. A runner flake has an unchanged copy.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde_json::{Map, Value};

use super::flake_error::FlakeError;
use super::local_input::{LocalInput, is_folder, local_input};

/// A project's flake.lock (`nix flake lock`, versions 5 to 7).
#[derive(Clone, Debug)]
pub struct ProjectLock(Value);

impl ProjectLock {
    /// Parses a lock.
    ///
    /// # Errors
    /// When the text is no lock of these versions.
    pub fn parse(text: &str) -> Result<Self, FlakeError> {
        let error = |message| FlakeError::Lock { message };
        let lock: Value = serde_json::from_str(text)
            .map_err(|json| error(format!("the project's flake.lock can't be read: {json}")))?;
        let version = &lock["version"];
        if !version.as_u64().is_some_and(|version| (5..=7).contains(&version)) {
            return Err(error(format!("the project's flake.lock has version {version}, and pikaci reads 5 to 7")));
        }
        Ok(Self(lock))
    }

    /// Returns the inputs on this machine outside of the project, by their nodes.
    #[must_use]
    pub fn local_inputs(&self) -> BTreeMap<String, LocalInput> {
        self.inputs().filter_map(|(name, node)| Some((name.clone(), local_input(node)?))).collect()
    }

    /// Returns the folders of the project whose flakes are inputs of its own.
    ///
    /// # Errors
    /// When a folder lies outside of the project or is no flake.
    pub fn flake_folders(&self) -> Result<Vec<String>, FlakeError> {
        let is_in_project = |node: &Map<String, Value>| {
            let parent = node.get("parent").and_then(Value::as_array);
            is_folder(node) && parent.is_none_or(Vec::is_empty)
        };
        let folder = |(name, node): (&String, &Map<String, Value>)| {
            let path = node["locked"]["path"].as_str().unwrap_or_default();
            let parts: Vec<Component<'_>> =
                Path::new(path).components().filter(|part| *part != Component::CurDir).collect();
            let is_inside = !parts.is_empty() && parts.iter().all(|part| matches!(part, Component::Normal(_)));
            if !is_inside || node.get("flake").is_some_and(|flake| *flake == false) {
                return Err(FlakeError::Folder { node: name.clone(), path: path.to_owned() });
            }
            Ok(parts.iter().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/"))
        };
        self.inputs().filter(|(_, node)| is_in_project(node)).map(folder).collect()
    }

    /// Returns all nodes except the root.
    fn inputs(&self) -> impl Iterator<Item = (&String, &Map<String, Value>)> {
        let nodes = self.0["nodes"].as_object().into_iter().flatten();
        nodes.filter(|(name, _)| self.0["root"] != **name).filter_map(|(name, node)| Some((name, node.as_object()?)))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::{Value, json};

    use super::{FlakeError, ProjectLock};

    fn lock(nodes: &Value) -> ProjectLock {
        ProjectLock::parse(&json!({ "nodes": nodes, "root": "r", "version": 7 }).to_string()).unwrap()
    }

    #[test]
    fn invalid_locks_and_other_versions_are_errors() {
        let message = |text: &str| match ProjectLock::parse(text) {
            Err(FlakeError::Lock { message }) => message,
            other => panic!("{other:?}"),
        };
        assert!(message("{").starts_with("the project's flake.lock can't be read: "));
        assert_eq!(message("{}"), "the project's flake.lock has version null, and pikaci reads 5 to 7");
        assert!(message(r#"{"nodes":{},"root":"r","version":8}"#).contains("has version 8,"));
    }

    #[test]
    fn local_inputs_lie_outside_of_the_project() {
        let path = |path: &str| json!({ "locked": { "type": "path", "path": path } });
        let mut hidden = path("/b");
        hidden["parent"] = json!([]);
        let lock = lock(&json!({
            "r": path("/r"),
            "sub": path("./sub"),
            "a": path("/a"),
            "hidden": hidden,
            "c": { "locked": { "type": "github" } },
        }));
        let inputs = lock.local_inputs().into_iter().map(|(name, input)| (name, input.path.unwrap()));
        let expected = [("a", "/a"), ("hidden", "/b")].map(|(name, path)| (name.to_owned(), PathBuf::from(path)));
        assert_eq!(inputs.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn flake_folders_have_no_other_parent() {
        let node = |path: &str, parent: Value| json!({ "locked": { "type": "path", "path": path }, "parent": parent });
        let folders = lock(&json!({
            "r": {},
            "a": node("./a", json!([])),
            "b": node("b/./c", json!([])),
            "old": { "locked": { "type": "path", "path": "./old" } },
            "of another": node("./lib", json!(["c"])),
            "c": { "locked": { "type": "github" } },
        }));
        assert_eq!(folders.flake_folders().unwrap(), ["a", "b/c", "old"]);
        for path in ["..", "./a/../b", "", "."] {
            let outside = lock(&json!({ "x": node(path, json!([])) })).flake_folders();
            assert_eq!(outside, Err(FlakeError::Folder { node: "x".to_owned(), path: path.to_owned() }));
        }
        let mut files = node("./files", json!([]));
        files["flake"] = json!(false);
        assert!(lock(&json!({ "x": files })).flake_folders().is_err());
    }
}
