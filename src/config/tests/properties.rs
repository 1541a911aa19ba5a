//! Any text ends in a result, and a Config survives being written as Nix.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::{Base, Command, Config, Guest, Job, Network, Target, Timeouts, read};
use crate::id::JobId;

const VALID: &str = r#"let
  env = rec { LANG = "C.UTF-8"; CC = "gcc-${LANG}"; };
  inherit (env) CC; # comment
in
{
  defaults = { timeout = "30m"; inherit env; } // { network = (false); };
  guests.default = { vcpu = 2; memory = "2G"; };
  jobs = {
    lint = { command = [ "make" "lint" ] ++ [ CC ]; };
    test = {
      command = ''
        echo "''${x}" '${env.CC}'
          make test
      '';
      needs = [ "lint" ]; paths = [ "src/**" ]; timeout = env.timeout or 90;
    };
  };
  targets."all" = { jobs = [ "lint" ("te" + "st") ]; };
}
"#;

const TOKENS: [&str; 62] = [
    "{", "}", "[", "]", "(", ")", "${", "\"", "''", "=", ";", ":", ".", ",", "@", "?", "...", "+", "++", "-", "/",
    "//", "*", "!", "!=", "==", "<", ">", "&&", "||", "->", "|>", "<|", "'", "$", "\\", "#", "/*", "*/", "\n", "\r",
    "\t", "let", "in", "rec", "inherit", "or", "with", "if", "then", "else", "assert", "a", "b", "1", "0.5", "./a",
    "<a>", "a:b", "é", "jobs", " ",
];

fn assert_ends_well(text: &str) {
    if let Err(diagnostics) = read("pikaci.nix", text) {
        let told = diagnostics.to_string();
        assert!(told.starts_with("error: ") && told.contains("\nhint: "), "{told}");
        for one in &diagnostics {
            assert_ne!(one.message, "syntax error", "rnix found it, and nobody said what it is: {text:?}");
            assert!(told.contains(&format!("--> pikaci.nix:{}:{}\n", one.span.line, one.span.column)), "{told}");
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    let characters = vec(any::<char>(), 0..60).prop_map(|chars| chars.into_iter().collect());
    let tokens = vec(select(&TOKENS[..]), 0..60).prop_map(|tokens| tokens.concat());
    let spaced = vec(select(&TOKENS[..]), 0..60).prop_map(|tokens| tokens.join(" "));
    prop_oneof![characters, tokens, spaced]
}

fn line(characters: &'static str) -> impl Strategy<Value = String> {
    vec(select(characters.chars().collect::<Vec<_>>()), 1..8).prop_map(|chars| chars.into_iter().collect())
}

fn any_text() -> impl Strategy<Value = String> {
    let special =
        select(vec!["${", "$", "''", "\"", "\\", "\n", "\r", "\r\n", "\t", "  ", "é", "🎉", "\u{1b}", "#", "/*"]);
    let characters = any::<char>().prop_filter("NUL", |c| *c != '\0').prop_map(String::from);
    vec(prop_oneof![special.prop_map(str::to_owned), characters], 0..12).prop_map(|parts| parts.concat())
}

fn name() -> impl Strategy<Value = String> {
    let words = line("abcXYZ019_.'[]= é🎉${}\"\\#");
    let keyword = select(vec!["let", "in", "rec", "or", "inherit", "null", "a/b", "with"]).prop_map(str::to_owned);
    prop_oneof![words, keyword]
}

fn globs() -> impl Strategy<Value = Vec<String>> {
    vec(select(vec!["src/**", "*.log", "a?b", "{x,y}/[!z]", "**/é", "${x}"]).prop_map(str::to_owned), 0..3)
}

fn command() -> impl Strategy<Value = Command> {
    let script = any_text().prop_map(|text| Command::Shell(format!("x{}", text.replace('\r', ""))));
    let argv =
        vec(any_text(), 0..3).prop_map(|rest| Command::Argv(std::iter::once("make".to_owned()).chain(rest).collect()));
    prop_oneof![script, argv]
}

fn job() -> impl Strategy<Value = Job> {
    let env = btree_map("[A-Za-z_][A-Za-z0-9_]{0,5}", any_text(), 0..3);
    let network = prop_oneof![Just(Network::None), Just(Network::Outside), Just(Network::Host)];
    let circumstances = (env, 1_u64..=604_800, any::<bool>(), network, 0_u32..=10);
    (command(), option::of(line("abc é$\"\\").prop_map(|text| text.trim().to_owned())), circumstances, globs(), globs())
        .prop_map(|(command, description, (env, timeout_secs, run_as_root, network, retries), paths, artifacts)| Job {
            description,
            command,
            needs: vec![],
            paths,
            env,
            timeout_secs,
            guest: "default".to_owned(),
            run_as_root,
            network,
            retries,
            artifacts,
        })
}

fn guest() -> impl Strategy<Value = Guest> {
    let kernel = option::of(any_text().prop_map(|text| PathBuf::from(format!("/{text}"))));
    let nix = prop_oneof![Just(None), (vec(name(), 0..3), option::of(name())).prop_map(Some)];
    let secs = 1_u64..=604_800;
    let timeouts = (secs.clone(), secs.clone(), secs).prop_map(|(prepare_secs, boot_secs, collect_secs)| Timeouts {
        prepare_secs,
        boot_secs,
        collect_secs,
    });
    (1_u32..=256, 64_u64..=1 << 20, kernel, nix, timeouts).prop_map(|(vcpu, memory_mib, kernel, nix, timeouts)| {
        match nix {
            None => Guest {
                base: Some(Base::Host),
                vcpu,
                memory_mib,
                timeouts,
                kernel,
                packages: vec![],
                dev_shell: None,
                modules: vec![],
            },
            Some((names, dev_shell)) => Guest {
                base: Some(Base::Nixos),
                vcpu,
                memory_mib,
                timeouts,
                kernel: None,
                modules: names.iter().map(|name| format!("{name}.nix")).collect(),
                packages: names.iter().map(|name| name.replace('.', "_")).collect(),
                dev_shell,
            },
        }
    })
}

/// Jobs that need jobs before them and run in any of the guests, and targets of some of them.
fn config() -> impl Strategy<Value = Config> {
    let jobs = btree_map(name(), (job(), any::<usize>(), any::<usize>()), 1..6);
    let guests = btree_map(name(), guest(), 0..3);
    let targets = btree_map(name(), (option::of(Just("All".to_owned())), any::<usize>()), 0..3);
    (jobs, guests, targets).prop_map(|(drafts, mut guests, drafted)| {
        let default = super::default_guest();
        guests.entry("default".to_owned()).or_insert(default);
        let names: Vec<JobId> = drafts.keys().map(JobId::new).collect();
        let guest_names: Vec<String> = guests.keys().cloned().collect();
        let mut jobs = BTreeMap::new();
        for (index, (name, (mut job, needs, guest))) in drafts.into_iter().enumerate() {
            job.needs = (0..index).filter(|bit| needs >> bit & 1 == 1).map(|bit| names[bit].clone()).collect();
            job.guest.clone_from(&guest_names[guest % guest_names.len()]);
            jobs.insert(JobId::new(name), job);
        }
        let target = |(name, (description, start)): (String, (Option<String>, usize))| {
            (format!("target {name}"), Target { description, jobs: names[start % names.len()..].to_vec() })
        };
        Config { jobs, guests, targets: drafted.into_iter().map(target).collect() }
    })
}

fn string(text: &str) -> String {
    let mut nix = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' | '$' => nix.extend(['\\', c]),
            '\r' => nix.push_str("\\r"),
            _ => nix.push(c),
        }
    }
    nix + "\""
}

fn list<'t>(items: impl IntoIterator<Item = &'t str>) -> String {
    format!("[ {} ]", items.into_iter().map(string).collect::<Vec<_>>().join(" "))
}

fn nix(config: &Config) -> String {
    let mut text = String::from("{\n");
    for (name, guest) in &config.guests {
        let place = format!("guests.{}", string(name));
        writeln!(text, "{place} = {{ vcpu = {}; memory = {}; }};", guest.vcpu, guest.memory_mib).unwrap();
        let Timeouts { prepare_secs, boot_secs, collect_secs } = guest.timeouts;
        writeln!(text, "{place}.prepareTimeout = {prepare_secs}; {place}.bootTimeout = {boot_secs};").unwrap();
        writeln!(text, "{place}.collectTimeout = {collect_secs};").unwrap();
        if let Some(base) = guest.base {
            writeln!(text, "{place}.base = {};", string(base.name())).unwrap();
        }
        for (key, names) in [("packages", &guest.packages), ("modules", &guest.modules)] {
            if guest.base == Some(Base::Nixos) {
                writeln!(text, "{place}.{key} = {};", list(names.iter().map(String::as_str))).unwrap();
            }
        }
        if let Some(name) = &guest.dev_shell {
            writeln!(text, "{place}.devShell = {};", string(name)).unwrap();
        }
        if let Some(kernel) = &guest.kernel {
            writeln!(text, "{place}.kernel = {};", string(kernel.to_str().unwrap())).unwrap();
        }
    }
    for (name, job) in &config.jobs {
        let command = match &job.command {
            Command::Shell(script) => string(script),
            Command::Argv(argv) => list(argv.iter().map(String::as_str)),
        };
        writeln!(text, "jobs.{} = {{ command = {command}; guest = {};", string(name.as_str()), string(&job.guest))
            .unwrap();
        writeln!(text, "needs = {};", list(job.needs.iter().map(JobId::as_str))).unwrap();
        writeln!(text, "timeout = {}; runAsRoot = {};", job.timeout_secs, job.run_as_root).unwrap();
        writeln!(text, "network = {}; retries = {};", serde_json::to_string(&job.network).unwrap(), job.retries)
            .unwrap();
        writeln!(text, "paths = {};", list(job.paths.iter().map(String::as_str))).unwrap();
        writeln!(text, "artifacts = {};", list(job.artifacts.iter().map(String::as_str))).unwrap();
        for (name, value) in &job.env {
            writeln!(text, "env.{} = {};", string(name), string(value)).unwrap();
        }
        let description = job.description.as_deref().map_or("null".to_owned(), string);
        writeln!(text, "description = {description}; }};").unwrap();
    }
    for (name, target) in &config.targets {
        let description = target.description.as_deref().map_or("null".to_owned(), string);
        let jobs = list(target.jobs.iter().map(JobId::as_str));
        writeln!(text, "targets.{} = {{ jobs = {jobs}; description = {description}; }};", string(name)).unwrap();
    }
    text + "}\n"
}

proptest! {
    #[test]
    fn any_text_ends_in_a_result(text in text()) {
        assert_ends_well(&text);
        assert_ends_well(&format!("{{ jobs.a = {text}; }}"));
    }

    #[test]
    fn any_change_of_a_valid_file_ends_in_a_result(
        changes in vec((any::<prop::sample::Index>(), 0_usize..10, text()), 1..4),
    ) {
        let mut characters: Vec<char> = VALID.chars().collect();
        for (place, length, text) in changes {
            let start = place.index(characters.len() + 1);
            let end = (start + length).min(characters.len());
            characters.splice(start..end, text.chars().take(length));
        }
        assert_ends_well(&characters.into_iter().collect::<String>());
    }

    #[test]
    fn a_config_survives_being_written_as_nix(config in config()) {
        let text = nix(&config);
        match read("pikaci.nix", &text) {
            Ok(back) => prop_assert_eq!(back, config),
            Err(diagnostics) => prop_assert!(false, "{}\n{}", text, diagnostics),
        }
    }
}

#[test]
fn the_valid_file_is_valid() {
    read("pikaci.nix", VALID).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
}
