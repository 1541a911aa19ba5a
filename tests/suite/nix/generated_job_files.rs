//! Job files that are generated: their values are those of Nix.

use std::fs;
use std::path::Path;

use pikaci::config;

use super::config::run_nix;

/// Number of files.
const FILES: usize = 1500;
/// Number of refused files that Nix evaluates, each in a process of its own.
const REFUSED: usize = 12;
/// Names that each file defines, with a value of each type.
const SCOPE: &str = r#"let
  i = 3; j = -2; t = true; n = null; s = "ab"; s2 = "name"; xs = [ 1 2 3 ]; ys = [ "b" "a" ];
  id = x: x; pair = a: b: [ a b ]; fst = a: b: a;
  set = { a = 1; b = "x"; c.d = true; name = 7; };
in
"#;

/// Types of the generated expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Int,
    Bool,
    Text,
    List,
    Set,
}

const TYPES: [Type; 5] = [Type::Int, Type::Bool, Type::Text, Type::List, Type::Set];

/// A generator of expressions that mostly have a value: the same ones each time.
struct Generator(u64);

impl Generator {
    /// Returns a number below `end`.
    fn below(&mut self, end: usize) -> usize {
        // SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators).
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed >> 33) % end as u64).unwrap()
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn any(&mut self, depth: usize) -> String {
        let of = self.one_of(&TYPES);
        self.expr(of, depth)
    }

    fn infix(&mut self, left: Type, operators: &[&str], right: Type, depth: usize) -> String {
        format!("{} {} {}", self.expr(left, depth), self.one_of(operators), self.expr(right, depth))
    }

    fn leaf(&mut self, of: Type) -> String {
        let texts: &[&str] = match of {
            Type::Int => &["0", "1", "7", "i", "j", "set.a", "set.z or 5", "set.${s2}"],
            Type::Bool => &["true", "false", "t", "set.c.d", "set ? a", "set ? c.d.e", "n == null"],
            Type::Text => {
                &["\"\"", "s", "s2", "\"\\${b}\"", "\"${s}-${s2}\"", "set.b", "''\n  two\n    ${s}\n''", "\"$$\""]
            }
            Type::List => &["[ ]", "xs", "ys", "[ i s ]", "[ [ ] { } n ]"],
            Type::Set => {
                &["{ }", "set", "rec { a = 2; b = a; }", "{ inherit i; inherit (set) a; }", "{ a.b = 1; a.c = 2; }"]
            }
        };
        self.one_of(texts).to_owned()
    }

    fn expr(&mut self, of: Type, depth: usize) -> String {
        let Some(depth) = depth.checked_sub(1) else { return self.leaf(of) };
        let text = match self.below(20) {
            16 => format!("id {}", self.expr(of, depth)),
            17 => format!("fst {} ({})", self.expr(of, depth), self.any(depth)),
            18 => format!("(v: {}) {}", self.expr(of, depth), self.expr(of, depth)),
            19 => self.called(of, depth),
            0 => format!(
                "if {} then {} else {}",
                self.expr(Type::Bool, depth),
                self.expr(of, depth),
                self.expr(of, depth)
            ),
            1 => format!("let v = {}; in {}", self.any(depth), self.expr(of, depth)),
            2 => format!("with {}; {}", self.expr(Type::Set, depth), self.expr(of, depth)),
            3 => format!("assert {} || true; {}", self.expr(Type::Bool, depth), self.expr(of, depth)),
            4 => format!("{{ k = {}; }}.k", self.expr(of, depth)),
            5 => format!("{{ }}.k or ({})", self.expr(of, depth)),
            6 => return self.leaf(of),
            7 if self.below(8) == 0 => self.any(depth),
            _ => self.typed(of, depth),
        };
        // The precedence of operators decides about the expressions without parentheses.
        if self.below(8) == 0 { text } else { format!("({text})") }
    }

    /// Returns a call of a function of Nix with a result of this type.
    fn called(&mut self, of: Type, depth: usize) -> String {
        let list = self.expr(Type::List, depth);
        let set = self.expr(Type::Set, depth);
        let scalar = self.one_of(&[Type::Int, Type::Bool, Type::Text]);
        match (of, self.below(4)) {
            (Type::Int, 0..2) => format!("builtins.length {list}"),
            (Type::Int, _) => format!("builtins.foldl' (a: b: a + {}) 0 {list}", self.expr(of, depth)),
            (Type::Bool, 0) => format!("builtins.elem ({}) {list}", self.any(depth)),
            (Type::Bool, 1) => format!("builtins.hasAttr {} {set}", self.expr(Type::Text, depth)),
            (Type::Bool, 2) => format!("builtins.all (v: v == {}) {list}", self.expr(Type::Int, depth)),
            (Type::Bool, _) => format!("builtins.{} {list}", self.one_of(&["isList", "isAttrs", "isString", "isInt"])),
            (Type::Text, 0) => format!("builtins.concatStringsSep {} (builtins.attrNames {set})", self.expr(of, depth)),
            (Type::Text, _) => format!("toString ({})", self.expr(scalar, depth)),
            (Type::List, 0) => format!("map (v: {}) {list}", self.any(depth)),
            (Type::List, 1) => format!("builtins.filter (v: {}) {list}", self.expr(Type::Bool, depth)),
            (Type::List, 2) => format!("builtins.concatMap (v: {}) {list}", self.expr(of, depth)),
            (Type::List, _) => format!("builtins.genList (pair {{ }}) {}", self.below(4)),
            (Type::Set, 0) => format!("builtins.mapAttrs pair {set}"),
            (Type::Set, 1) => format!("removeAttrs {set} (builtins.attrNames {set})"),
            (Type::Set, _) => format!(
                "builtins.listToAttrs (map (name: {{ inherit name; value = {}; }}) (builtins.attrNames {set}))",
                self.any(depth)
            ),
        }
    }

    /// Returns an expression of a form that only this type has.
    fn typed(&mut self, of: Type, depth: usize) -> String {
        let order = ["<", "<=", ">", ">="];
        match (of, self.below(8)) {
            (Type::Int, 0) => format!("-{}", self.expr(of, depth)),
            (Type::Int, 1) => format!("{} / {}", self.expr(of, depth), self.leaf(of)),
            (Type::Int, _) => self.infix(of, &["+", "-", "*"], of, depth),
            (Type::Bool, 0) => self.infix(Type::Int, &order, Type::Int, depth),
            (Type::Bool, 1) => self.infix(Type::Text, &order, Type::Text, depth),
            (Type::Bool, 2) => format!("{} == {}", self.any(depth), self.any(depth)),
            (Type::Bool, 3) => self.infix(Type::Set, &["==", "!="], Type::Set, depth),
            (Type::Bool, 4) => self.infix(Type::List, &["==", "!="], Type::List, depth),
            (Type::Bool, 5) => format!("!{}", self.expr(of, depth)),
            (Type::Bool, 6) => {
                format!("{} ? {}", self.expr(Type::Set, depth), self.one_of(&["a", "a.b", "${s}", "\"b\""]))
            }
            (Type::Bool, _) => self.infix(of, &["&&", "||", "->"], of, depth),
            (Type::Text, 0) => format!("\"<${{{}}}>\"", self.expr(of, depth)),
            (Type::Text, 1) => format!("''\n    a ''${{x}} ${{{}}}\n  b''", self.expr(of, depth)),
            (Type::Text, _) => self.infix(of, &["+"], of, depth),
            (Type::List, 0..3) => self.infix(of, &["++"], of, depth),
            (Type::List, _) => format!("[ ({}) ({}) ]", self.any(depth), self.any(depth)),
            (Type::Set, 0..3) => self.infix(of, &["//"], of, depth),
            (Type::Set, 3..5) => format!("{{ a = {}; c.${{s}} = {}; }}", self.any(depth), self.any(depth)),
            (Type::Set, _) => format!("rec {{ b = {}; x = {}; y = b; }}", self.any(depth), self.any(depth)),
        }
    }
}

/// Returns the value of each file as Nix prints it; a value of this list is a file's whole value.
fn values(program: &str, folder: &Path, count: usize) -> Vec<serde_json::Value> {
    let expr = format!("builtins.genList (n: import ({} + \"/${{toString n}}.nix\")) {count}", folder.display());
    let output = run_nix(program, &["eval", "--json", "--impure", "--expr", &expr]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn generated_job_files_have_the_values_of_nix() {
    let mut generator = Generator(1);
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for _ in 0..FILES {
        let [a, b, c] = [3, 4, 5].map(|depth| generator.any(depth));
        let text = format!("{SCOPE}{{\n  a = {a};\n  b = {b};\n  c = {c};\n}}\n");
        match config::evaluate("pikaci.nix", &text) {
            Ok(value) => accepted.push((text, value)),
            Err(error) => refused.push((text, error.to_string())),
        }
    }
    assert!(accepted.len() >= FILES / 4, "{} files", accepted.len());
    let folder = tempfile::tempdir().unwrap();
    for (index, (text, _)) in accepted.iter().enumerate() {
        fs::write(folder.path().join(format!("{index}.nix")), text).unwrap();
    }
    for program in ["oldest", "newest"] {
        let expected = values(program, folder.path(), accepted.len());
        assert_eq!(expected.len(), accepted.len());
        for ((text, value), expected) in accepted.iter().zip(expected) {
            assert_eq!(*value, expected, "{program}\n{text}");
        }
    }
    assert!(refused.len() >= REFUSED, "{} refused files", refused.len());
    let of_other_forms = |error: &String| error.contains("is outside of the static part of Nix");
    for (text, error) in refused.iter().filter(|(_, error)| !of_other_forms(error)).take(REFUSED) {
        let file = folder.path().join("refused.nix");
        fs::write(&file, text).unwrap();
        let output = run_nix("newest", &["eval", "--json", "--file", file.to_str().unwrap()]);
        assert!(!output.status.success(), "{error}\n{text}");
    }
}
