//! The flake.lock of a runner flake: the project's own inputs where it has them, else pinned ones.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::FlakeError;
use super::local::{LocalInput, local_input};

/// Which nixpkgs and microvm.nix a guest gets whose project has none.
const PINNED: &str = include_str!("pinned.lock.json");
/// The name of a runner flake's root.
const ROOT: &str = "root";
/// The name of the input that is the project.
const PROJECT: &str = "project";
/// The most references that one input is followed through: a lock may go round in circles, or follow each input twice.
const MOST_STEPS: usize = 100;

/// A flake.lock (`nix flake lock`, version 7).
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Lock {
    nodes: BTreeMap<String, Node>,
    root: String,
    version: u32,
    /// True if inputs may lie on this machine.
    #[serde(skip)]
    allow_local: bool,
}

/// A flake in it; what it says of itself besides its inputs is passed on as it is.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Node {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    inputs: BTreeMap<String, Input>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// What an input is: a node, or the input of another node, by a path from the root.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Input {
    Node(String),
    Follows(Vec<String>),
}

/// Returns the lock of a runner flake with these inputs besides `project`, whose own inputs are those of its lock when
/// it counts, for a dev shell. Inputs of the project that lie on this machine are errors unless they are allowed.
pub(super) fn compose(
    inputs: &[&str],
    project: Option<&str>,
    project_counts: bool,
    allow_local: bool,
) -> Result<String, FlakeError> {
    let pinned = parse("pikaci's own", PINNED)?;
    let project = project.map(|text| parse("the project's", text)).transpose()?;
    let project = project.map(|lock| Lock { allow_local, ..lock });
    let mut lock = Lock { nodes: BTreeMap::new(), root: ROOT.to_owned(), version: 7, allow_local };
    let mut root = Node::default();
    for name in inputs {
        let of_project = project.as_ref().and_then(|lock| Some((lock, lock.root_input(name)?)));
        let (from, found) = match of_project {
            Some((lock, (node, found))) => {
                lock.check(node, found)?;
                (lock, found)
            }
            None => (&pinned, pinned.root_input(name).ok_or_else(|| broken(name))?.1),
        };
        let mut node = Node { rest: found.rest.clone(), ..Node::default() };
        // Named as flake.nix names it.
        node.rest.insert("original".to_owned(), json!({ "id": name, "type": "indirect" }));
        for (input, to) in &found.inputs {
            let shared = inputs.contains(&input.as_str());
            let to = if shared { Input::Follows(vec![input.clone()]) } else { lock.graft(from, to, name)? };
            node.inputs.insert(input.clone(), to);
        }
        lock.nodes.insert((*name).to_owned(), node);
        root.inputs.insert((*name).to_owned(), Input::Node((*name).to_owned()));
    }
    let place = json!({ "path": "./project", "type": "path" });
    let mut node = Node::default();
    node.rest.extend([("locked", place.clone()), ("original", place), ("parent", json!([]))].map(named));
    if let Some(project) = project.filter(|_| project_counts) {
        for (name, to) in &project.nodes.get(&project.root).ok_or_else(|| broken(ROOT))?.inputs {
            node.inputs.insert(name.clone(), lock.graft(&project, to, PROJECT)?);
        }
    }
    lock.nodes.insert(PROJECT.to_owned(), node);
    root.inputs.insert(PROJECT.to_owned(), Input::Node(PROJECT.to_owned()));
    lock.nodes.insert(ROOT.to_owned(), root);
    let text = serde_json::to_string_pretty(&lock).map_err(|error| FlakeError::Json { message: error.to_string() })?;
    Ok(text + "\n")
}

fn named((name, value): (&str, Value)) -> (String, Value) {
    (name.to_owned(), value)
}

fn parse(whose: &str, text: &str) -> Result<Lock, FlakeError> {
    let lock: Lock = serde_json::from_str(text)
        .map_err(|error| FlakeError::Lock { message: format!("{whose} flake.lock can't be read: {error}") })?;
    if !(5..=7).contains(&lock.version) {
        let message = format!("{whose} flake.lock has version {}, and this pikaci knows 5 to 7", lock.version);
        return Err(FlakeError::Lock { message });
    }
    Ok(lock)
}

fn broken(name: &str) -> FlakeError {
    FlakeError::Lock { message: format!("flake.lock doesn't hold {name:?}, though it names it") }
}

impl Lock {
    /// Returns an input of the root: its node's name, and the node.
    fn root_input(&self, name: &str) -> Option<(&str, &Node)> {
        self.resolve(self.nodes.get(&self.root)?.inputs.get(name)?)
    }

    /// Refuses a node that a runner can't or mustn't be built from.
    fn check(&self, name: &str, node: &Node) -> Result<(), FlakeError> {
        let local = local_input(&node.rest);
        let is_relative =
            local.as_ref().is_some_and(|input| input.reference.starts_with("path:") && input.path.is_none());
        let node_name = || name.to_owned();
        match local {
            _ if node.rest.contains_key("parent") || is_relative => Err(FlakeError::Folder { node: node_name() }),
            Some(LocalInput { reference, .. }) if !self.allow_local => {
                Err(FlakeError::Local { node: node_name(), reference })
            }
            _ => Ok(()),
        }
    }

    /// Returns the node that an input is, with its name.
    fn resolve(&self, input: &Input) -> Option<(&str, &Node)> {
        let mut steps = MOST_STEPS;
        self.resolve_within(input, &mut steps)
    }

    /// Follows references, and counts them down from `steps`; `None` once there are none left.
    fn resolve_within(&self, input: &Input, steps: &mut usize) -> Option<(&str, &Node)> {
        *steps = steps.checked_sub(1)?;
        let name = match input {
            Input::Node(name) => name.as_str(),
            Input::Follows(path) => path.iter().try_fold(self.root.as_str(), |node, name| {
                let input = self.nodes.get(node)?.inputs.get(name)?;
                Some(self.resolve_within(input, steps)?.0)
            })?,
        };
        self.nodes.get_key_value(name).map(|(name, node)| (name.as_str(), node))
    }

    /// Copies what an input of another lock is, with all that it needs, and returns it as an input here.
    fn graft(&mut self, from: &Self, input: &Input, of: &str) -> Result<Input, FlakeError> {
        let resolve = |input| from.resolve(input).ok_or_else(|| broken(&format!("{input:?}")));
        let first = resolve(input)?;
        // No recursion: the nodes of a lock may be as many, one behind the other, as no stack holds.
        let mut open = vec![first];
        while let Some((name, node)) = open.pop() {
            from.check(name, node)?;
            let here = format!("{of}/{name}");
            if self.nodes.contains_key(&here) {
                continue;
            }
            let mut copy = Node { rest: node.rest.clone(), ..Node::default() };
            for (name, to) in &node.inputs {
                let needed = resolve(to)?;
                copy.inputs.insert(name.clone(), Input::Node(format!("{of}/{}", needed.0)));
                open.push(needed);
            }
            self.nodes.insert(here, copy);
        }
        Ok(Input::Node(format!("{of}/{}", first.0)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{FlakeError, compose};

    fn composed(inputs: &[&str], project: Option<&Value>, counts: bool) -> Value {
        let text = project.map(ToString::to_string);
        serde_json::from_str(&compose(inputs, text.as_deref(), counts, true).unwrap()).unwrap()
    }

    fn project() -> Value {
        let locked = |name: &str| json!({ "type": "path", "path": format!("/{name}"), "narHash": name });
        json!({ "version": 7, "root": "r", "nodes": {
            "r": { "inputs": { "nixpkgs": "nixpkgs_2", "tools": "tools" } },
            "nixpkgs": { "locked": locked("other") },
            "nixpkgs_2": { "locked": locked("own"), "original": { "type": "path", "path": "/own" } },
            "tools": { "inputs": { "nixpkgs": ["nixpkgs"], "old": "nixpkgs" }, "locked": locked("tools"), "flake": false },
        } })
    }

    #[test]
    fn a_project_without_a_lock_has_the_pinned_inputs() {
        let lock = compose(&["nixpkgs", "microvm"], None, false, false).unwrap();
        insta::assert_snapshot!("pinned_lock", lock);
    }

    #[test]
    fn the_projects_own_nixpkgs_goes_before_the_pinned_one() {
        let lock = composed(&["nixpkgs", "microvm"], Some(&project()), false);
        assert_eq!(lock["nodes"]["nixpkgs"]["locked"]["narHash"], "own");
        assert_eq!(lock["nodes"]["nixpkgs"]["original"], json!({ "id": "nixpkgs", "type": "indirect" }));
        assert_eq!(lock["nodes"]["microvm"]["inputs"]["nixpkgs"], json!(["nixpkgs"]));
        assert_eq!(lock["nodes"]["project"]["inputs"], Value::Null);
        let names: Vec<&String> = lock["nodes"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["microvm", "microvm/spectrum", "nixpkgs", "project", "root"]);
    }

    #[test]
    fn a_dev_shell_brings_all_of_the_projects_inputs() {
        let lock = composed(&["nixpkgs"], Some(&project()), true);
        insta::assert_snapshot!("dev_shell_lock", serde_json::to_string_pretty(&lock).unwrap());
    }

    #[test]
    fn what_is_no_lock_or_leads_nowhere_is_told() {
        let message = |text: &str, counts| match compose(&["nixpkgs"], Some(text), counts, false) {
            Err(FlakeError::Lock { message }) => message,
            other => panic!("{other:?}"),
        };
        assert!(message("{", false).starts_with("the project's flake.lock can't be read: "));
        assert!(message(r#"{"nodes":{},"root":"r","version":8}"#, false).contains("has version 8"));
        let lock = |nodes: Value| json!({ "nodes": nodes, "root": "r", "version": 7 }).to_string();
        let circle = lock(json!({ "r": { "inputs": { "a": ["b"], "b": ["a"] } } }));
        assert!(message(&circle, true).contains("doesn't hold"));
        let remote = json!({ "type": "github" });
        let loops = json!({ "r": { "inputs": { "a": "a" } }, "a": { "inputs": { "self": "a" }, "locked": remote } });
        assert!(compose(&["nixpkgs"], Some(&lock(loops)), true, false).is_ok());
    }

    #[test]
    fn folders_of_the_project_are_refused() {
        let old = json!({ "locked": { "type": "path", "path": "./sub" } });
        for sub in [json!({ "parent": [] }), old] {
            let lock = json!({ "root": "r", "version": 7, "nodes": { "r": { "inputs": { "sub": "s" } }, "s": sub } });
            let lock = lock.to_string();
            let refused = compose(&["nixpkgs"], Some(&lock), true, true);
            assert_eq!(refused, Err(FlakeError::Folder { node: "s".to_owned() }));
            assert!(refused.unwrap_err().to_string().contains("\"s\" is a folder of the project"));
            // What isn't needed may be broken.
            assert!(compose(&["nixpkgs"], Some(&lock), false, false).is_ok());
        }
    }

    #[test]
    fn inputs_on_this_machine_are_refused_unless_they_are_allowed() {
        let text = project().to_string();
        let refused = |counts| compose(&["nixpkgs"], Some(&text), counts, false).unwrap_err();
        let local = |node: &str, reference: &str| FlakeError::Local { node: node.into(), reference: reference.into() };
        assert_eq!(refused(false), local("nixpkgs_2", "path:/own"));
        let mut lock = project();
        lock["nodes"]["nixpkgs_2"]["locked"] = json!({ "type": "github" });
        let text = lock.to_string();
        let deep = compose(&["nixpkgs"], Some(&text), true, false);
        assert_eq!(deep, Err(local("tools", "path:/tools")));
        // Without a dev shell nothing else of the lock is used.
        assert!(compose(&["nixpkgs"], Some(&text), false, false).is_ok());
    }

    #[test]
    fn a_lock_of_any_depth_ends() {
        let lock = |nodes: Value| json!({ "nodes": nodes, "root": "r", "version": 7 }).to_string();
        let mut nodes = json!({ "r": { "inputs": { "a": "0" } }, "20000": {} });
        for number in 0..20_000 {
            nodes[number.to_string()] = json!({ "inputs": { "next": (number + 1).to_string() } });
        }
        let composed = compose(&["nixpkgs"], Some(&lock(nodes)), true, true).unwrap();
        assert!(composed.contains("\"project/20000\""));
        // Each input follows the one before it twice.
        let mut nodes = json!({ "r": { "inputs": { "0": "n" } }, "n": { "inputs": {} } });
        for number in 1..200 {
            let before = (number - 1).to_string();
            nodes["r"]["inputs"][number.to_string()] = json!([before, before]);
            nodes["n"]["inputs"][&before] = json!([before]);
            nodes[format!("more {number}")] = json!({});
        }
        assert!(compose(&["nixpkgs"], Some(&lock(nodes)), true, true).is_err());
    }
}
