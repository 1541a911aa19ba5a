//! Job files of the fixtures.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pikaci::config::Diagnostics;

/// Returns a folder of the fixtures.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config").join(name)
}

/// Returns the files of a folder by name.
pub fn fixtures(name: &str) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder(name)).unwrap();
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "nix")).map(read).collect()
}

/// Asserts that every error has a message, a position and a hint.
pub fn assert_are_complete(file: &str, diagnostics: &Diagnostics) {
    for one in diagnostics {
        assert!(!one.message.is_empty() && !one.hint.is_empty(), "{file}: {one:?}");
        assert!(one.span.line >= 1 && one.span.column >= 1, "{file}: {one:?}");
    }
    let text = diagnostics.to_string();
    let first = diagnostics.iter().next().unwrap();
    let place = format!("--> {file}:{}:{}\n", first.span.line, first.span.column);
    assert!(text.starts_with("error: ") && text.contains(&place), "{place} isn't in\n{text}");
    let has_hint = |part: &str| part.contains("\nhint: ");
    assert!(text.split("\n\nerror: ").all(has_hint), "{text}");
}

/// Returns a job file with a secret that has this key.
fn with_secret(definition: &str) -> String {
    let source = if definition.starts_with("asFile") { "env = \"TOKEN\";" } else { "" };
    format!(
        "{{ secrets.TOKEN = {{ {source} {definition} }}; jobs.a = {{ command = \"true\"; secrets = [ \"TOKEN\" ]; }}; }}"
    )
}

/// Returns a job file with a definition in a section, and with what the definition refers to.
pub fn with_keys(section: &str, definition: &str) -> String {
    let defines = |key: &str| definition.trim_start_matches('"').starts_with(key);
    let unless = |key: &str, text: &'static str| if defines(key) { "" } else { text };
    let command = if defines("command") || defines("steps") { "" } else { "command = \"true\";" };
    let matrix = "matrix = { cc = [ \"gcc\" \"clang\" ]; };";
    let named = match section {
        "file" => return format!("{{ {} {definition} }}", unless("jobs", "jobs.test.command = \"true\";")),
        "jobs" => {
            let matrix = if defines("adjust = [ {") { matrix } else { "" };
            format!("jobs.a = {{ {command} {matrix} {definition} }};")
        }
        "steps" => {
            let name = unless("name", "name = \"s\";");
            format!("jobs.a.steps = [ {{ {name} {command} {definition} }} ];")
        }
        "services" => format!(
            "jobs.a = {{ command = \"true\"; services.x = {{ {command} {definition} }}; services.db.command = \"true\"; }};"
        ),
        "inputs" => {
            let from = unless("from", "from = \"lib\";");
            format!("jobs.a = {{ command = \"true\"; inputs.x = {{ {from} {definition} }}; }};")
        }
        "artifacts" => {
            let paths = unless("paths", "paths = [ \"a\" ];");
            format!("jobs.a = {{ command = \"true\"; artifacts = {{ {paths} {definition} }}; }};")
        }
        "inherited" => {
            let inherit = unless("inherit", "\"inherit\" = true;");
            format!("jobs.a = {{ command = \"true\"; env.X = {{ {inherit} {definition} }}; }};")
        }
        "adjust" => {
            let with = unless("with", "\"with\" = { cc = \"gcc\"; };");
            format!("jobs.a = {{ command = \"true\"; {matrix} adjust = [ {{ {with} {definition} }} ]; }};")
        }
        "defaults" => format!("defaults = {{ {definition} }};"),
        "guests" => {
            let bases = [("packages", "nix"), ("devShell", "nix"), ("modules", "nixos")];
            let base = bases.iter().find(|(key, _)| defines(key));
            let base = base.map_or_else(String::new, |(_, base)| format!("base = \"{base}\";"));
            format!("guests.default = {{ {base} {definition} }};")
        }
        "targets" => format!("targets.all = {{ {} {definition} }};", unless("jobs", "jobs = [ \"test\" ];")),
        "snapshot" => format!("snapshot = {{ {definition} }};"),
        "secrets" => return with_secret(definition),
        "groups" => {
            let group = format!("groups.database = {{ {} {definition} }};", unless("limit", "limit = 1;"));
            return format!("{{ {group} jobs.test = {{ command = \"true\"; group = \"database\"; }}; }}");
        }
        "caches" => {
            return format!(
                "{{ caches.target = {{ {} {definition} }}; jobs.test = {{ command = \"true\"; caches = [ \"target\" ]; }}; }}",
                unless("path", "path = \"target\";")
            );
        }
        other => panic!("no file has the section {other}"),
    };
    format!(
        "{{ {named} jobs.test.command = \"true\"; jobs.build.command = \"true\"; caches.target.path = \"target\"; \
        jobs.lib = {{ command = \"true\"; artifacts = [ \"a\" ]; }}; groups.database.limit = 1; \
        secrets.TOKEN.env = \"TOKEN\"; }}"
    )
}
