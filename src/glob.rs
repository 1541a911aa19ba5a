//! Globs of a job file.
//!
//! `*` and `?` don't match `/`; `**` matches any number of folders. A glob that names a folder also matches everything
//! in that folder. A glob with brackets also matches the path that it spells: many projects have a file
//! `pages/[id].js`.

use std::path::Path;

use globset::{Error, Glob, GlobBuilder, GlobSet, GlobSetBuilder};

/// Characters that match more than themselves.
const WILDCARDS: [char; 3] = ['*', '?', '['];
/// Maximum length of a glob, in bytes.
const MAX_BYTES: usize = 1024;
/// Maximum number of `{` in a glob.
const MAX_BRACES: usize = 32;
/// Folder that snapshots and artifacts leave out.
const GIT_FOLDER: &str = ".git";

/// Compiles a glob of [`expand`].
///
/// # Errors
/// When the text isn't a valid glob.
pub fn build(expanded: &str) -> Result<Glob, Error> {
    GlobBuilder::new(expanded).literal_separator(true).build()
}

/// Expands a glob of a job file into globs for [`build`]: without redundant `.` and `/`, with its brackets escaped as a
/// second glob, and with the content of the folder that it names.
#[must_use]
pub fn expand(glob: &str) -> Vec<String> {
    let normal = normalize(glob);
    let escaped = escape_brackets(&normal);
    let mut globs = vec![normal];
    globs.extend(escaped);
    let inside: Vec<String> = globs.iter().filter(|glob| names_folder(glob)).map(|glob| format!("{glob}/**")).collect();
    globs.extend(inside);
    globs
}

/// Returns the path in which all matches of a glob are: its parts before the first one with a wildcard.
#[must_use]
pub fn fixed_start(glob: &str) -> String {
    let has_special = |part: &&str| part.contains(WILDCARDS) || part.contains(['{', '\\']);
    normalize(glob).split('/').take_while(|part| !has_special(part)).collect::<Vec<_>>().join("/")
}

fn normalize(glob: &str) -> String {
    let parts: Vec<&str> = glob.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let is_folder = glob.ends_with('/') || glob.ends_with("/.");
    if parts.is_empty() {
        return "**".to_owned();
    }
    parts.join("/") + if is_folder { "/**" } else { "" }
}

/// Returns the glob with its brackets escaped, or `None` if it has no unescaped `[`.
fn escape_brackets(glob: &str) -> Option<String> {
    let mut escaped = String::new();
    let mut chars = glob.chars();
    let mut has_class = false;
    while let Some(c) = chars.next() {
        if c == '[' || c == ']' {
            escaped.push('\\');
            has_class |= c == '[';
        }
        escaped.push(c);
        if c == '\\' {
            escaped.extend(chars.next());
        }
    }
    has_class.then_some(escaped)
}

/// Returns whether a glob can name a folder: its last part has no wildcard, or with braces the whole glob has none.
fn names_folder(glob: &str) -> bool {
    let last = if has_unescaped(glob, &['{']) { glob } else { glob.rsplit('/').next().unwrap_or(glob) };
    !has_unescaped(last, &WILDCARDS)
}

/// Returns whether a glob has one of `characters` without a backslash before it.
fn has_unescaped(glob: &str, characters: &[char]) -> bool {
    let mut chars = glob.chars();
    while let Some(c) = chars.next() {
        if characters.contains(&c) {
            return true;
        }
        if c == '\\' {
            chars.next();
        }
    }
    false
}

/// Checks that a glob can match a file of a project.
///
/// # Errors
/// When the glob can match none. The message is the rest of a sentence that begins with the quoted glob.
pub fn check(glob: &str) -> Result<(), String> {
    let error = |text: &str| Err(text.to_owned());
    if glob.is_empty() {
        return error("is empty");
    }
    if glob.len() > MAX_BYTES {
        return Err(format!("is longer than {MAX_BYTES} bytes"));
    }
    if glob.starts_with('/') {
        return error("is absolute: globs are relative to the project");
    }
    if glob.starts_with('!') {
        return error("begins with `!`: a glob can't exclude files, so list those to include (`\\!` matches a `!`)");
    }
    if glob.matches('{').count() > MAX_BRACES {
        return Err(format!("has more than {MAX_BRACES} braces"));
    }
    let normal = normalize(glob);
    let mut parts = normal.split(['/', '{', '}', ',']);
    if parts.clone().any(|part| part == "..") {
        return error("points outside the project");
    }
    if parts.clone().any(|part| part == ".") {
        return error("never matches because of the `.` in its braces: remove the `.`");
    }
    if parts.any(|part| part.eq_ignore_ascii_case(GIT_FOLDER)) {
        return error("never matches: snapshots and artifacts leave out `.git`");
    }
    if has_escaped_letter(&normal) {
        return error("has a backslash before a letter or a digit: folders are separated by `/`");
    }
    // Only these characters can be wrong, and a compilation takes longer than all the rest.
    if !normal.contains(['[', ']', '{', '}', '\\']) {
        return Ok(());
    }
    expand(glob)
        .iter()
        .try_for_each(|expanded| build(expanded).map(drop))
        .map_err(|error| format!("isn't a glob: {}", error.kind()))
}

fn has_escaped_letter(glob: &str) -> bool {
    let mut chars = glob.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next().is_some_and(|c| c.is_ascii_alphanumeric() || !c.is_ascii()) {
            return true;
        }
    }
    false
}

/// Set of globs that are matched together.
#[derive(Debug)]
pub struct Globs {
    set: GlobSet,
    /// For each expanded glob, the index of the glob that it comes from.
    sources: Vec<usize>,
}

impl Globs {
    /// Compiles globs of a job file.
    ///
    /// # Errors
    /// When a glob isn't valid, or the globs are too large together.
    pub fn new<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        let mut set = GlobSetBuilder::new();
        let mut sources = Vec::new();
        for (index, glob) in globs.into_iter().enumerate() {
            for expanded in expand(glob) {
                set.add(build(&expanded)?);
                sources.push(index);
            }
        }
        Ok(Self { set: set.build()?, sources })
    }

    /// Compiles globs for the folders whose whole content they match. Leaves out those that aren't valid.
    ///
    /// # Errors
    /// When the globs are too large together.
    pub fn of_whole_folders<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        let mut set = GlobSetBuilder::new();
        let mut sources = Vec::new();
        for (index, glob) in globs.into_iter().enumerate() {
            for folder in expand(glob).iter().filter_map(|glob| build(glob.strip_suffix("/**")?).ok()) {
                set.add(folder);
                sources.push(index);
            }
        }
        Ok(Self { set: set.build()?, sources })
    }

    /// Returns whether any of the globs matches a path.
    #[must_use]
    pub fn is_match(&self, path: &Path) -> bool {
        self.set.is_match(path)
    }

    /// Returns the indices of the globs that match a path; an index may occur twice.
    pub fn matching_indices(&self, path: &Path) -> impl Iterator<Item = usize> {
        self.set.matches(path).into_iter().map(|expanded| self.sources[expanded])
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::{Globs, check, expand, fixed_start};

    #[test]
    fn equivalent_spellings_expand_to_the_same_globs() {
        for (glob, globs) in [
            ("src/**", &["src/**"][..]),
            ("./src/**", &["src/**"]),
            ("a//b/./c*", &["a/b/c*"]),
            ("src", &["src", "src/**"]),
            ("src/", &["src/**"]),
            ("./", &["**"]),
            ("*.md", &["*.md"]),
            ("{src,docs}", &["{src,docs}", "{src,docs}/**"]),
            ("{src/*,docs}", &["{src/*,docs}"]),
            ("pages/[id].js", &["pages/[id].js", r"pages/\[id\].js", r"pages/\[id\].js/**"]),
            (r"pages/\[id\].js", &[r"pages/\[id\].js", r"pages/\[id\].js/**"]),
        ] {
            assert_eq!(expand(glob), globs, "{glob}");
            assert_eq!(check(glob), Ok(()), "{glob}");
        }
    }

    #[test]
    fn a_glob_matches_the_folder_and_the_path_that_it_spells() {
        for (glob, path, is_match) in [
            ("src", "src/a/b", true),
            ("src/", "src", false),
            ("src", "source", false),
            ("pages/[id].js", "pages/[id].js", true),
            ("pages/[id].js", "pages/i.js", true),
            ("app/[slug]/*.ts", "app/[slug]/page.ts", true),
            ("./out/a", "out/a", true),
            ("*", "a/b", false),
        ] {
            assert_eq!(Globs::new([glob]).unwrap().is_match(Path::new(path)), is_match, "{glob} {path}");
        }
    }

    #[test]
    fn all_matches_of_a_glob_are_below_its_fixed_start() {
        for (glob, start) in [
            ("vendor/", "vendor"),
            ("./a//b", "a/b"),
            ("a/b*/c", "a"),
            ("a/{b,c}", "a"),
            ("pages/[id].js", "pages"),
            (r"a/\[b", "a"),
            ("**/.env", ""),
            ("./", ""),
        ] {
            assert_eq!(fixed_start(glob), start, "{glob}");
        }
    }

    #[test]
    fn globs_that_can_never_match_are_refused() {
        for (glob, why) in [
            ("", "is empty"),
            ("/src", "is absolute"),
            ("a/../b", "points outside the project"),
            ("!src/**", "a glob can't exclude files"),
            ("{./a,b}", "because of the `.` in its braces"),
            (".git/HEAD", "snapshots and artifacts leave out `.git`"),
            (r"src\main.c", "a backslash before a letter"),
            ("[id", "isn't a glob"),
        ] {
            assert!(check(glob).unwrap_err().contains(why), "{glob}: {:?}", check(glob));
        }
        assert_eq!(check(r"\!important"), Ok(()));
    }

    proptest! {
        #[test]
        fn each_glob_that_passes_the_check_compiles(glob in "[a-c.*?!/,@é{}\\[\\]\\\\-]{1,12}") {
            if check(&glob).is_ok() {
                prop_assert!(Globs::new([glob.as_str()]).is_ok());
            }
        }
    }
}
