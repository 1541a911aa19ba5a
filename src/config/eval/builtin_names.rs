//! The functions of Nix that need no store, by name.

/// A function of Nix.
#[derive(Debug)]
pub(super) struct BuiltinFunction {
    pub(super) name: &'static str,
    /// Number of arguments.
    pub(super) arity: usize,
}

/// Reference to a function of Nix.
pub(super) type Builtin = &'static BuiltinFunction;

const fn function(name: &'static str, arity: usize) -> BuiltinFunction {
    BuiltinFunction { name, arity }
}

/// The functions that pikaci has, which are attributes of `builtins`.
pub(super) static BUILTINS: [BuiltinFunction; 27] = [
    function("all", 2),
    function("any", 2),
    function("attrNames", 1),
    function("attrValues", 1),
    function("concatLists", 1),
    function("concatMap", 2),
    function("concatStringsSep", 2),
    function("elem", 2),
    function("elemAt", 2),
    function("filter", 2),
    function("foldl'", 3),
    function("genList", 2),
    function("getAttr", 2),
    function("hasAttr", 2),
    function("head", 1),
    function("isAttrs", 1),
    function("isBool", 1),
    function("isInt", 1),
    function("isList", 1),
    function("isString", 1),
    function("length", 1),
    function("listToAttrs", 1),
    function("map", 2),
    function("mapAttrs", 2),
    function("removeAttrs", 2),
    function("tail", 1),
    function("toString", 1),
];
/// Names of functions that need no `builtins.` before them.
const GLOBAL: [&str; 3] = ["map", "removeAttrs", "toString"];

/// Returns a function by its name in `builtins`.
pub(super) fn builtin(name: &str) -> Option<Builtin> {
    BUILTINS.iter().find(|function| function.name == name)
}

/// Returns a function by its name without `builtins`.
pub(super) fn global(name: &str) -> Option<Builtin> {
    GLOBAL.contains(&name).then(|| builtin(name)).flatten()
}
