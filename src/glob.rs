//! Globs of a job file: which files they match.
//!
//! `*` and `?` don't match `/`, `**` is any number of folders. A glob that names a folder matches all that is in it, and one
//! with brackets also matches the path that it spells out: `pages/[id].js` is a file of its own in many a project.

use std::path::Path;

use globset::{Error, Glob, GlobBuilder, GlobSet, GlobSetBuilder};

/// The characters that match more than themselves.
const WILD: [char; 3] = ['*', '?', '['];
/// The longest glob, in bytes.
const MAX_BYTES: usize = 1024;
/// The most braces that a glob may open.
const MAX_BRACES: usize = 32;
/// The folder that no snapshot and no artifact is in.
const REPOSITORY: &str = ".git";

/// Builds one plain glob, as [`plain`] returns them.
///
/// # Errors
/// When it isn't a glob.
pub fn build(plain: &str) -> Result<Glob, Error> {
    GlobBuilder::new(plain).literal_separator(true).build()
}

/// Returns the plain globs that a glob stands for: without needless `.` and `/`, with its brackets spelt out, and with
/// what is in the folder that it names.
#[must_use]
pub fn plain(glob: &str) -> Vec<String> {
    let clean = clean(glob);
    let spelt = spelt_out(&clean);
    let mut globs = vec![clean];
    globs.extend(spelt);
    let inside: Vec<String> = globs.iter().filter(|glob| names_folder(glob)).map(|glob| format!("{glob}/**")).collect();
    globs.extend(inside);
    globs
}

fn clean(glob: &str) -> String {
    let parts: Vec<&str> = glob.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let is_folder = glob.ends_with('/') || glob.ends_with("/.");
    if parts.is_empty() {
        return "**".to_owned();
    }
    parts.join("/") + if is_folder { "/**" } else { "" }
}

/// Returns a glob whose brackets match themselves, if it has any that don't.
fn spelt_out(glob: &str) -> Option<String> {
    let mut spelt = String::new();
    let mut chars = glob.chars();
    let mut has_class = false;
    while let Some(c) = chars.next() {
        if c == '[' || c == ']' {
            spelt.push('\\');
            has_class |= c == '[';
        }
        spelt.push(c);
        if c == '\\' {
            spelt.extend(chars.next());
        }
    }
    has_class.then_some(spelt)
}

/// Returns whether a glob can name a folder: its last part, or with braces all of it, has nothing wild.
fn names_folder(glob: &str) -> bool {
    let last = if has(glob, &['{']) { glob } else { glob.rsplit('/').next().unwrap_or(glob) };
    !has(last, &WILD)
}

/// Returns whether a glob has one of these characters without a backslash before it.
fn has(glob: &str, characters: &[char]) -> bool {
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
/// When it can't; the error goes on from the quoted glob.
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
        return error(
            "begins with `!`: no glob takes files out, so list those that count (`\\!` is the character itself)",
        );
    }
    if glob.matches('{').count() > MAX_BRACES {
        return Err(format!("has more than {MAX_BRACES} braces"));
    }
    let clean = clean(glob);
    let mut parts = clean.split(['/', '{', '}', ',']);
    if parts.clone().any(|part| part == "..") {
        return error("leaves the project");
    }
    if parts.clone().any(|part| part == ".") {
        return error("never matches, because of the `.` in its braces: leave that out");
    }
    if parts.any(|part| part.eq_ignore_ascii_case(REPOSITORY)) {
        return error("never matches: `.git` is in no snapshot and no artifact");
    }
    if has_escaped_letter(&clean) {
        return error("has a backslash before a letter or a digit: folders are separated by `/`");
    }
    plain(glob)
        .iter()
        .try_for_each(|plain| build(plain).map(drop))
        .map_err(|error| format!("isn't a glob: {}", error.kind()))
}

fn has_escaped_letter(glob: &str) -> bool {
    let mut chars = glob.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next().is_some_and(char::is_alphanumeric) {
            return true;
        }
    }
    false
}

/// Globs that are matched together.
#[derive(Debug)]
pub struct Globs {
    set: GlobSet,
    /// The place, among the given globs, of each plain one.
    places: Vec<usize>,
}

impl Globs {
    /// Builds the globs.
    ///
    /// # Errors
    /// When one isn't a glob, or they are too large together.
    pub fn new<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        let mut set = GlobSetBuilder::new();
        let mut places = Vec::new();
        for (place, glob) in globs.into_iter().enumerate() {
            for plain in plain(glob) {
                set.add(build(&plain)?);
                places.push(place);
            }
        }
        Ok(Self { set: set.build()?, places })
    }

    /// Returns whether one of them matches a path.
    #[must_use]
    pub fn is_match(&self, path: &Path) -> bool {
        self.set.is_match(path)
    }

    /// Returns the places of those that match a path; a place may come twice.
    pub fn matching(&self, path: &Path) -> impl Iterator<Item = usize> {
        self.set.matches(path).into_iter().map(|plain| self.places[plain])
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Globs, check, plain};

    #[test]
    fn each_way_to_write_a_glob_means_the_same() {
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
            assert_eq!(plain(glob), globs, "{glob}");
            assert_eq!(check(glob), Ok(()), "{glob}");
        }
    }

    #[test]
    fn a_glob_matches_folders_and_what_it_spells_out() {
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
    fn globs_that_can_never_match_are_refused() {
        for (glob, why) in [
            ("", "is empty"),
            ("/src", "is absolute"),
            ("a/../b", "leaves the project"),
            ("!src/**", "no glob takes files out"),
            ("{./a,b}", "because of the `.` in its braces"),
            (".git/HEAD", "`.git` is in no snapshot"),
            (r"src\main.c", "a backslash before a letter"),
            ("[id", "isn't a glob"),
        ] {
            assert!(check(glob).unwrap_err().contains(why), "{glob}: {:?}", check(glob));
        }
        assert_eq!(check(r"\!important"), Ok(()));
    }
}
