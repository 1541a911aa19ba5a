//! Properties: any text ends in a result, and a Config is the same after a round trip through Nix.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::{
    AllowFailure, Base, Command, Config, Guest, Input, Job, Network, ResultCache, Secret, SecretSource, Service, Shell,
    SnapshotGlobs, Step, Target, Timeouts, Variable, read,
};
use super::render::render_nix;
use crate::guest::When;
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

fn assert_reads_or_explains(text: &str) {
    if let Err(diagnostics) = read("pikaci.nix", text) {
        let report = diagnostics.to_string();
        assert!(report.starts_with("error: ") && report.contains("\nhint: "), "{report}");
        for diagnostic in &diagnostics {
            assert_ne!(diagnostic.message, "syntax error", "rnix reports an error that the grammar accepts: {text:?}");
            assert!(
                report.contains(&format!("--> pikaci.nix:{}:{}\n", diagnostic.span.line, diagnostic.span.column)),
                "{report}"
            );
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
    let words = line("abcXYZ019_.'= é🎉${}\"\\#");
    let keyword = select(vec!["let", "in", "rec", "or", "inherit", "null", "a/b", "with"]).prop_map(str::to_owned);
    prop_oneof![words, keyword]
}

fn globs() -> impl Strategy<Value = Vec<String>> {
    vec(select(vec!["src/**", "*.log", "a?b", "{x,y}/[!z]", "**/é", "${x}"]).prop_map(str::to_owned), 0..3)
}

fn command() -> impl Strategy<Value = Command> {
    let script = any_text().prop_map(|text| Command::Script(format!("x{}", text.replace('\r', ""))));
    let argv =
        vec(any_text(), 0..3).prop_map(|rest| Command::Argv(std::iter::once("make".to_owned()).chain(rest).collect()));
    prop_oneof![script, argv]
}

/// Generates a command, or steps with a condition and a time limit each.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let secs = option::of(1_u64..=604_800);
    let named = btree_map(line("abc é$"), (command(), secs, select(When::ALL.to_vec())), 1..3);
    let named = named.prop_map(|steps| {
        let step =
            |(name, (command, timeout_secs, when))| Step { name: format!("x{name}x"), command, timeout_secs, when };
        steps.into_iter().map(step).collect()
    });
    prop_oneof![command().prop_map(|command| vec![super::only_step(command)]), named]
}

fn variable() -> impl Strategy<Value = Variable> {
    prop_oneof![
        any_text().prop_map(Variable::Value),
        option::of(any_text()).prop_map(|default| Variable::Inherit { default })
    ]
}

fn service() -> impl Strategy<Value = Service> {
    (command(), option::of(command()), btree_map("[A-Z]{1,3}", any_text(), 0..2), 1_u64..=604_800)
        .prop_map(|(command, ready, env, timeout_secs)| Service { command, ready, env, timeout_secs, needs: vec![] })
}

fn job() -> impl Strategy<Value = Job> {
    let env = btree_map("[A-Za-z_][A-Za-z0-9_]{0,5}", variable(), 0..3);
    let network = prop_oneof![Just(Network::None), Just(Network::Outside), Just(Network::Host)];
    let settings = (env, 1_u64..=604_800, any::<[bool; 2]>(), network, 0_u32..=10);
    let shell = select(vec![Shell::Sh, Shell::Bash, Shell::Program(vec!["python3".to_owned(), "-c".to_owned()])]);
    let allow = select(vec![
        AllowFailure::Never,
        AllowFailure::Always,
        AllowFailure::Codes(vec![1, 77]),
        AllowFailure::Codes(vec![]),
    ]);
    let flow = (
        select(When::ALL.to_vec()),
        (allow, select(vec![ResultCache::Off, ResultCache::On, ResultCache::Trust])),
        option::of(1_u64..=604_800),
        shell,
        select(vec![String::new(), "sub/é".to_owned()]),
        btree_map(line("abc é").prop_map(|name| format!("x{name}x")), service(), 0..2),
    );
    let description = option::of(line("abc é$\"\\").prop_map(|text| text.trim().to_owned()));
    (steps(), description, settings, globs(), globs(), flow).prop_map(
        |(steps, description, (env, timeout_secs, [run_as_root, git], network, retries), paths, artifacts, flow)| {
            let (when, (allow_failure, cache), stall_secs, shell, workdir, services) = flow;
            Job {
                description,
                steps,
                services,
                when,
                paths,
                env,
                // The names of variables are shorter.
                secrets: run_as_root.then(|| "A_SECRET".to_owned()).into_iter().collect(),
                timeout_secs,
                stall_secs,
                shell,
                workdir,
                run_as_root,
                network,
                retries,
                allow_failure,
                cache,
                caches: vec!["c".to_owned()],
                git,
                artifacts,
                artifacts_required: run_as_root,
                artifacts_mib: 64 + timeout_secs,
                ..super::shell("")
            }
        },
    )
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
    let sizes = (64_u64..=1 << 20, option::of(64_u64..=1 << 20));
    (1_u32..=256, sizes, kernel, nix, timeouts).prop_map(|(vcpu, (memory_mib, disk_mib), kernel, nix, timeouts)| {
        match nix {
            None => Guest {
                base: Some(Base::Host),
                vcpu,
                memory_mib,
                disk_mib,
                timeouts,
                kernel,
                host_folders: vec!["~/.cargo".to_owned()],
                packages: vec![],
                dev_shell: None,
                modules: vec![],
            },
            Some((names, dev_shell)) => Guest {
                base: Some(Base::Nixos),
                vcpu,
                memory_mib,
                disk_mib,
                timeouts,
                kernel: None,
                host_folders: vec![],
                modules: names.iter().map(|name| format!("{name}.nix")).collect(),
                packages: names.iter().map(|name| name.replace('.', "_")).collect(),
                dev_shell,
            },
        }
    })
}

/// Generates jobs that need jobs before them and run in any of the guests, and targets of some of the jobs.
fn config() -> impl Strategy<Value = Config> {
    let jobs = btree_map(name(), (job(), any::<usize>(), any::<usize>()), 1..6);
    let guests = btree_map(name(), guest(), 0..3);
    let targets = btree_map(name(), (option::of(Just("All".to_owned())), any::<usize>()), 0..3);
    let snapshot = (globs(), globs()).prop_map(|(include, exclude)| SnapshotGlobs { include, exclude });
    (jobs, guests, targets, snapshot).prop_map(|(drafts, mut guests, drafted, snapshot)| {
        let default = super::default_guest();
        guests.entry("default".to_owned()).or_insert(default);
        let names: Vec<JobId> = drafts.keys().map(JobId::new).collect();
        let guest_names: Vec<String> = guests.keys().cloned().collect();
        let mut jobs: BTreeMap<JobId, Job> = BTreeMap::new();
        for (index, (name, (mut job, needs, guest))) in drafts.into_iter().enumerate() {
            job.needs = (0..index).filter(|bit| needs >> bit & 1 == 1).map(|bit| names[bit].clone()).collect();
            let sources = job.needs.iter().filter(|need| !jobs[*need].artifacts.is_empty()).enumerate();
            let input = |(number, need): (usize, &JobId)| {
                let from = vec![need.clone()];
                (format!("i{number}"), Input { from, to: format!("é/{number}"), by_leg: false })
            };
            job.inputs = sources.map(input).collect();
            job.guest.clone_from(&guest_names[guest % guest_names.len()]);
            jobs.insert(JobId::new(name), job);
        }
        let target = |(name, (description, start)): (String, (Option<String>, usize))| {
            (format!("target {name}"), Target { description, jobs: names[start % names.len()..].to_vec() })
        };
        let source = SecretSource::Command(vec!["pass".to_owned(), "a b".to_owned()]);
        let secret = Secret { source, as_file: true, line: Some(1) };
        Config {
            jobs,
            guests,
            targets: drafted.into_iter().map(target).collect(),
            groups: BTreeMap::from([("g".to_owned(), 2)]),
            caches: BTreeMap::from([("c".to_owned(), super::caches::cache())]),
            snapshot,
            secrets: BTreeMap::from([("A_SECRET".to_owned(), secret)]),
        }
    })
}

proptest! {
    #[test]
    fn any_text_ends_in_a_result(text in text()) {
        assert_reads_or_explains(&text);
        assert_reads_or_explains(&format!("{{ jobs.a = {text}; }}"));
    }

    #[test]
    fn any_change_of_a_valid_file_ends_in_a_result(
        changes in vec((any::<prop::sample::Index>(), 0_usize..10, text()), 1..4),
    ) {
        let mut characters: Vec<char> = VALID.chars().collect();
        for (index, length, text) in changes {
            let start = index.index(characters.len() + 1);
            let end = (start + length).min(characters.len());
            characters.splice(start..end, text.chars().take(length));
        }
        assert_reads_or_explains(&characters.into_iter().collect::<String>());
    }

    #[test]
    fn a_config_is_the_same_after_a_round_trip_through_nix(config in config()) {
        let text = render_nix(&config);
        match read("pikaci.nix", &text) {
            Ok(read_config) => prop_assert_eq!(read_config, config),
            Err(diagnostics) => prop_assert!(false, "{}\n{}", text, diagnostics),
        }
    }
}

#[test]
fn the_valid_file_is_valid() {
    read("pikaci.nix", VALID).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
}
