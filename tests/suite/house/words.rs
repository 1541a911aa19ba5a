//! The words of docs/glossary.md: no identifier of the code has a word that the page replaces, and every doc comment
//! opens with a noun or a verb.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

use crate::house::rooms::rust_files;

/// Identifiers of the standard library, `regex_syntax` and `rnix`.
const FOREIGN: [&str; 3] = ["NotFound", "Look", "UnexpectedWanted"];
/// Folders of the code.
const FOLDERS: [&str; 4] = ["src", "tests", "fuzz", "benches"];
/// Words that open a clause.
const OPENINGS: [&str; 7] = ["How", "What", "Where", "Whether", "Which", "Who", "Why"];

/// Returns the words that the glossary replaces, each as its parts.
fn replaced_words(page: &str) -> Vec<Vec<String>> {
    let table = page.split("\n## Words for the code\n").nth(1).expect("the table of words");
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = rows.map(|row| row.split('|').nth(1).unwrap().split('(').next().unwrap());
    cells.flat_map(|cell| cell.split(',').map(|word| word.split_whitespace().map(str::to_owned).collect())).collect()
}

/// Returns the parts of an identifier in lower case: `NotFound` and `not_found` have the same.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut before = '_';
    for c in name.trim_start_matches("r#").chars() {
        if c == '_' || (c.is_uppercase() && !before.is_uppercase()) {
            parts.push(String::new());
        }
        if c != '_' {
            parts.last_mut().unwrap().extend(c.to_lowercase());
        }
        before = c;
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Collects the identifiers of a text, each with its line.
fn identifiers(tokens: TokenStream, names: &mut Vec<(String, usize)>) {
    for token in tokens {
        match token {
            TokenTree::Ident(name) => names.push((name.to_string(), name.span().start().line)),
            TokenTree::Group(group) => identifiers(group.stream(), names),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Returns the identifiers that have one of these words as a part, each with its line.
fn refused(text: &str, words: &[Vec<String>]) -> Vec<(String, usize)> {
    let mut names = Vec::new();
    identifiers(text.parse().unwrap(), &mut names);
    names.retain(|(name, _)| {
        let parts = parts(name);
        let has = |word: &Vec<String>| parts.windows(word.len()).any(|window| window == word);
        !FOREIGN.contains(&name.as_str()) && words.iter().any(has)
    });
    names
}

/// Returns the lines of doc comments that open with a clause.
fn clauses(text: &str) -> Vec<(&str, usize)> {
    let mut clauses = Vec::new();
    let mut is_inside = false;
    for (at, line) in text.lines().map(str::trim_start).enumerate() {
        let doc = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        let opening = doc.unwrap_or_default().trim_start().split(|c: char| !c.is_alphabetic()).next();
        if !is_inside && opening.is_some_and(|word| OPENINGS.contains(&word)) {
            clauses.push((line, at + 1));
        }
        is_inside = doc.is_some();
    }
    clauses
}

/// Returns the files of all folders.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files: Vec<PathBuf> = FOLDERS.iter().flat_map(|folder| rust_files(&root.join(folder))).collect();
    assert!(FOLDERS.iter().all(|folder| files.iter().any(|file| file.starts_with(root.join(folder)))));
    files
}

/// Returns the lines of the files that a check reports, in the form that editors jump to.
fn reported(check: impl Fn(&str) -> Vec<(String, usize)>) -> Vec<String> {
    let lines = files().into_iter().flat_map(|file| {
        let lines = check(&fs::read_to_string(&file).unwrap());
        let name = file.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string();
        lines.into_iter().map(move |(word, line)| format!("{name}:{line}: {word}"))
    });
    lines.collect()
}

#[test]
fn no_identifier_has_a_word_that_the_glossary_replaces() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/glossary.md")).unwrap();
    let words = replaced_words(&page);
    assert!(words.len() > 20, "{words:?}");
    let lines = reported(|text| refused(text, &words));
    assert!(lines.is_empty(), "write another word of docs/glossary.md:\n{}", lines.join("\n"));
}

#[test]
fn no_doc_comment_opens_with_a_clause() {
    let owned = |(line, at): (&str, usize)| (line.to_owned(), at);
    let lines = reported(|text| clauses(text).into_iter().map(owned).collect());
    assert!(lines.is_empty(), "open with a verb or a noun:\n{}", lines.join("\n"));
}

#[test]
fn words_are_compared_by_the_parts_of_an_identifier() {
    let words = replaced_words(
        "\n## Words for the code\n\n| instead of | write |\n|---|---|\n| found, find out | x |\n| what (as a noun) | y |\n",
    );
    let text =
        "use a::NotFound;\nfn was_found(found: Founded) { find_out!(FoundIt, what, whatever); }\nconst FOUND: u8 = 1;";
    let names: Vec<String> = refused(text, &words).into_iter().map(|(name, line)| format!("{line} {name}")).collect();
    assert_eq!(names, ["2 was_found", "2 found", "2 find_out", "2 FoundIt", "2 what", "3 FOUND"]);
    let text = "/// What it is.\n/// Who.\nfn a() {}\n    /// Whole.\n//! Where\n";
    assert_eq!(clauses(text), [("/// What it is.", 1)]);
}
