//! Recognises the builds of Python projects.

use super::build::Build;
use super::survey::Survey;

/// Files that describe a Python project, those that say most first.
const DESCRIPTIONS: [&str; 5] = ["pyproject.toml", "tox.ini", "setup.py", "setup.cfg", "requirements.txt"];

/// Returns the build of a Python project: with tox, with pytest or with the unittest of Python itself.
pub(super) fn python(files: &Survey) -> Option<Build> {
    let file = DESCRIPTIONS.into_iter().find(|name| files.texts.contains_key(*name))?;
    let texts: Vec<&str> = DESCRIPTIONS.iter().filter_map(|name| files.text(name)).collect();
    let mentions = |word: &str| texts.iter().any(|text| text.contains(word));
    let has_tox = files.has("tox.ini") || mentions("[tool.tox");
    let has_pytest = mentions("pytest") || files.has("pytest.ini") || files.has("conftest.py");
    let has_requirements = files.has("requirements.txt");
    let is_package = files.has("setup.py") || mentions("[project]") || mentions("[build-system]");
    let downloads = has_tox || has_pytest || has_requirements || texts.iter().any(|text| has_dependencies(text));
    let mut command = Vec::new();
    if downloads {
        command.extend(["python3 -m venv .venv", r#"export PATH="$PWD/.venv/bin:$PATH""#]);
        let installs = [
            (has_requirements, "pip install -r requirements.txt"),
            (is_package && !has_tox, "pip install --editable ."),
            (has_tox, "pip install tox"),
            (has_pytest && !has_tox, "pip install pytest"),
        ];
        command.extend(installs.into_iter().filter(|(is_needed, _)| *is_needed).map(|(_, install)| install));
    }
    command.push(match (has_tox, has_pytest) {
        (true, _) => "tox",
        (false, true) => "python3 -m pytest",
        (false, false) => unittest(files),
    });
    Some(Build {
        job: "python",
        file,
        version: files.version_file(".python-version"),
        command,
        env: (!downloads && files.has("src")).then_some(("PYTHONPATH", "src")),
        network: downloads.then_some("pip downloads the packages of others."),
        programs: vec!["python3"],
        packages: &["python3"],
    })
}

/// Returns the command that runs the tests of unittest, or only compiles all files if there is no place for tests.
fn unittest(files: &Survey) -> &'static str {
    let is_test =
        |name: &String| name.starts_with("test") && name.split_once('.').is_some_and(|(_, ending)| ending == "py");
    if files.has("tests") {
        "python3 -m unittest discover --start-directory tests"
    } else if files.has("test") {
        "python3 -m unittest discover --start-directory test"
    } else if files.names.iter().any(is_test) {
        "python3 -m unittest discover"
    } else {
        "python3 -m compileall -q ."
    }
}

/// Returns whether a line begins a list of dependencies that isn't empty on that line.
fn has_dependencies(text: &str) -> bool {
    let keys = ["dependencies", "install_requires"];
    let lists = text.lines().filter(|line| keys.iter().any(|key| line.trim_start().starts_with(key)));
    lists.into_iter().any(|line| !line.replace(' ', "").contains("=[]"))
}
