//! The imports of src: no circles, no imports of a parent's own items, and no items in a mod.rs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemUse, Macro, UseTree, Visibility};

use crate::house::rooms::{rust_files, source};

/// The names of files and folders that hold tests.
const TESTS: [&str; 3] = ["tests", "tests.rs", "fixture.rs"];

/// The path of a module below the crate, such as `state::gc`.
type ModulePath = Vec<String>;

/// A file of src that isn't a test.
struct Module {
    /// The name of the file, relative to src.
    file: String,
    /// The paths that the file imports or names, without re-exports, as written.
    imports: BTreeSet<ModulePath>,
    /// The re-exports of the file: name and path as written.
    exports: BTreeMap<String, ModulePath>,
    /// The items that are neither modules nor imports.
    items: usize,
}

/// The modules of a crate.
struct Crate(BTreeMap<ModulePath, Module>);

/// Collects the paths of a file.
#[derive(Default)]
struct Paths {
    imports: BTreeSet<ModulePath>,
    exports: BTreeMap<String, ModulePath>,
}

/// Returns true for `#[cfg(test)]`.
fn is_test(attributes: &[Attribute]) -> bool {
    let is_test = |attribute: &Attribute| attribute.parse_args::<syn::Ident>().is_ok_and(|name| name == "test");
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg") && is_test(attribute))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Returns the paths of a `use`, each with the name that it introduces.
fn expand(tree: &UseTree, before: &[String]) -> Vec<(String, ModulePath)> {
    let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => expand(&path.tree, &with(&path.ident)),
        UseTree::Group(group) => group.items.iter().flat_map(|tree| expand(tree, before)).collect(),
        UseTree::Name(name) if name.ident == "self" => {
            vec![(before.last().cloned().unwrap_or_default(), before.into())]
        }
        UseTree::Name(name) => vec![(name.ident.to_string(), with(&name.ident))],
        UseTree::Rename(rename) if rename.ident == "self" => vec![(rename.rename.to_string(), before.into())],
        UseTree::Rename(rename) => vec![(rename.rename.to_string(), with(&rename.ident))],
        UseTree::Glob(_) => vec![("*".to_owned(), before.into())],
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let paths = expand(&item.tree, &[]);
        if matches!(item.vis, Visibility::Inherited) {
            self.imports.extend(paths.into_iter().map(|(_, path)| path));
        } else {
            self.exports.extend(paths);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: ModulePath = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 && ["crate", "self", "super"].contains(&segments[0].as_str()) {
            self.imports.insert(segments);
        }
        visit::visit_path(self, path);
    }

    /// Reads the tokens of a macro's arguments, which are no syntax tree.
    fn visit_macro(&mut self, call: &'ast Macro) {
        let text = call.tokens.to_string().replace(" :: ", "::").replace(":: ", "::").replace(" ::", "::");
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        for word in
            text.split(|c| !is_name(c)).filter(|word| word.starts_with("crate::") || word.starts_with("super::"))
        {
            self.imports.insert(word.split("::").map(str::to_owned).collect());
        }
        visit::visit_macro(self, call);
    }
}

/// Returns the path of the module in a file, relative to src.
fn module_path(file: &Path) -> ModulePath {
    let mut path: ModulePath = file.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    path.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
    path
}

impl Module {
    fn parse(file: &Path, text: &str) -> Self {
        let syntax = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut paths = Paths::default();
        paths.visit_file(&syntax);
        let is_item = |item: &&Item| !is_test(attributes(item)) && !matches!(item, Item::Mod(_) | Item::Use(_));
        let items = syntax.items.iter().filter(is_item).count();
        Self { file: file.display().to_string(), imports: paths.imports, exports: paths.exports, items }
    }
}

/// Returns all nodes that a path through a graph reaches from a node.
fn reached<'a>(
    graph: &'a BTreeMap<&ModulePath, BTreeSet<ModulePath>>,
    start: &'a ModulePath,
) -> BTreeSet<&'a ModulePath> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![start]);
    while let Some(path) = open.pop() {
        let targets = graph.get(path).into_iter().flatten();
        open.extend(targets.filter(|target| reached.insert(*target)));
    }
    reached
}

impl Crate {
    /// Reads the files of src.
    fn read() -> Self {
        let files = rust_files(&source()).into_iter().map(|file| {
            let text = fs::read_to_string(&file).unwrap();
            (file.strip_prefix(source()).unwrap().to_str().unwrap().to_owned(), text)
        });
        Self::of(files)
    }

    fn of(files: impl Iterator<Item = (String, String)>) -> Self {
        let is_test = |file: &Path| file.iter().any(|part| TESTS.iter().any(|name| part == *name));
        let modules = files.filter(|(file, _)| !is_test(Path::new(file)));
        Self(modules.map(|(file, text)| (module_path(file.as_ref()), Module::parse(file.as_ref(), &text))).collect())
    }

    /// Returns a path below the crate, or nothing for a path of another crate or of the file itself.
    fn absolute(&self, module: &ModulePath, path: &[String]) -> Option<ModulePath> {
        let supers = path.iter().skip(usize::from(path[0] == "self")).take_while(|part| *part == "super").count();
        match path[0].as_str() {
            "crate" => Some(path[1..].into()),
            "self" | "super" => {
                let rest = &path[supers + usize::from(path[0] == "self")..];
                Some([&module[..module.len().saturating_sub(supers)], rest].concat())
            }
            _ => {
                let child = [&module[..], &path[..1]].concat();
                self.0.contains_key(&child).then(|| [&module[..], path].concat())
            }
        }
    }

    /// Returns the module that declares the item of a path, through re-exports.
    fn declaring(&self, path: &ModulePath, depth: usize) -> Option<ModulePath> {
        let (module, rest) =
            (0..=path.len()).rev().map(|len| path.split_at(len)).find(|(module, _)| self.0.contains_key(*module))?;
        let module = module.to_vec();
        let export = rest.first().and_then(|name| self.0[&module].exports.get(name));
        match export.and_then(|export| self.absolute(&module, export)) {
            Some(target) if depth < 8 => self.declaring(&[&target, &rest[1..]].concat(), depth + 1),
            _ => Some(module),
        }
    }

    /// Returns the modules that each module imports.
    fn graph(&self) -> BTreeMap<&ModulePath, BTreeSet<ModulePath>> {
        let targets = |path: &ModulePath, module: &Module| {
            let paths = module.imports.iter().filter_map(|import| self.absolute(path, import));
            let targets = paths.filter_map(|target| self.declaring(&target, 0));
            targets.filter(|target| target != path && !target.is_empty()).collect()
        };
        self.0.iter().map(|(path, module)| (path, targets(path, module))).collect()
    }

    /// Returns the pairs of files that import each other, directly or through others.
    fn circles(&self) -> Vec<[&str; 2]> {
        let graph = self.graph();
        let reached: BTreeMap<_, _> = graph.keys().map(|path| (*path, reached(&graph, path))).collect();
        let pairs = graph.iter().flat_map(|(path, targets)| targets.iter().map(move |target| (*path, target)));
        let circles = pairs.filter(|(path, target)| reached[target].contains(path));
        circles.map(|(path, target)| [self.0[path].file.as_str(), &self.0[target].file]).collect()
    }

    /// Returns the files that import an item of a parent's own file, with that file.
    fn imports_of_parents(&self) -> Vec<[&str; 2]> {
        let graph = self.graph();
        let pairs = graph.iter().flat_map(|(path, targets)| targets.iter().map(move |target| (*path, target)));
        let up = pairs.filter(|(path, target)| path.starts_with(target));
        up.map(|(path, target)| [self.0[path].file.as_str(), &self.0[target].file]).collect()
    }

    /// Returns the `mod.rs` files with items of their own.
    fn filled_mod_files(&self) -> Vec<&str> {
        let filled = self.0.values().filter(|module| module.items > 0 && module.file.ends_with("mod.rs"));
        filled.map(|module| module.file.as_str()).collect()
    }
}

#[test]
fn no_two_files_import_each_other() {
    assert_eq!(Crate::read().circles(), [[""; 2]; 0]);
}

#[test]
fn no_file_imports_an_item_of_its_parent() {
    assert_eq!(Crate::read().imports_of_parents(), [[""; 2]; 0]);
}

#[test]
fn a_mod_file_holds_only_modules_and_imports() {
    assert_eq!(Crate::read().filled_mod_files(), [""; 0]);
}

#[test]
fn imports_are_resolved_through_re_exports_groups_and_macros() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "//! Docs.\nmod one;\nmod two;\npub use one::{First, Second as Renamed};\npub struct Own;"),
        ("a/one.rs", "use super::two::Third;\npub struct First;\n#[cfg(test)]\nmod tests { use crate::b::Fourth; }"),
        ("a/two.rs", "use crate::{a::Renamed, a::{self, Own as Other}};\npub struct Third;"),
        ("b.rs", "fn f() { println!(\"{}\", crate::a::First); }\nuse std::fs;\npub struct Fourth;"),
        ("a/tests.rs", "use crate::b::Fourth;"),
    ];
    let all = Crate::of(files.into_iter().map(|(file, text)| (file.to_owned(), text.to_owned())));
    assert_eq!(all.circles(), [["a/one.rs", "a/two.rs"], ["a/two.rs", "a/one.rs"]]);
    assert_eq!(all.imports_of_parents(), [["a/two.rs", "a/mod.rs"]]);
    assert_eq!(all.filled_mod_files(), ["a/mod.rs"]);
    let of_b = &all.graph()[&module_path("b.rs".as_ref())];
    assert_eq!(of_b.iter().map(|path| path.join("::")).collect::<Vec<_>>(), ["a::one"]);
}
