use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::{
    AllowFailure, Base, Command, Config, Guest, Job, Network, ResultCache, Secret, SecretSource, Service, Shell,
    SnapshotGlobs, Step, Target, Timeouts, Variable, read,
};
use crate::guest::When;
use crate::id::JobId;

mod caches;
mod hostile;
mod matrix;
mod properties;
mod render;

fn shell(command: &str) -> Job {
    Job {
        description: None,
        matrix: BTreeMap::new(),
        skip: None,
        steps: vec![only_step(Command::Script(command.to_owned()))],
        services: BTreeMap::new(),
        needs: vec![],
        inputs: BTreeMap::new(),
        when: When::Passed,
        paths: vec![],
        env: BTreeMap::new(),
        secrets: BTreeSet::new(),
        timeout_secs: 1800,
        stall_secs: None,
        shell: Shell::Sh,
        workdir: String::new(),
        guest: "default".to_owned(),
        run_as_root: false,
        network: Network::None,
        retries: 0,
        allow_failure: AllowFailure::Never,
        cache: ResultCache::Off,
        caches: vec![],
        group: None,
        git: false,
        artifacts: vec![],
        artifacts_required: false,
        artifacts_mib: 10240,
    }
}

/// Returns the step of a job with a command.
fn only_step(command: Command) -> Step {
    Step { name: String::new(), command, timeout_secs: None, when: When::Passed }
}

fn default_guest() -> Guest {
    Guest {
        base: None,
        vcpu: 1,
        memory_mib: 1024,
        disk_mib: None,
        timeouts: Timeouts::default(),
        kernel: None,
        host_folders: vec![],
        packages: vec![],
        dev_shell: None,
        modules: vec![],
    }
}

fn read_ok(text: &str) -> Config {
    read("pikaci.nix", text).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, Variable> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Variable::Value((*value).to_owned()))).collect()
}

#[test]
fn absent_keys_and_nulls_have_their_defaults() {
    let expected = Config {
        jobs: BTreeMap::from([(JobId::new("test"), shell("make test"))]),
        guests: BTreeMap::from([("default".to_owned(), default_guest())]),
        targets: BTreeMap::new(),
        groups: BTreeMap::new(),
        caches: BTreeMap::new(),
        snapshot: SnapshotGlobs::default(),
        secrets: BTreeMap::new(),
    };
    assert_eq!(read_ok(r#"{ jobs.test.command = "make test"; }"#), expected);
    let nulls = r#"{
        defaults = null; guests = { default = { base = null; kernel = null; }; }; targets = null;
        jobs.test = { command = "make test"; description = null; needs = null; env = null; timeout = null; };
    }"#;
    assert_eq!(read_ok(nulls), expected);
    assert_eq!(read_ok("{ }").jobs, BTreeMap::new());
}

#[test]
fn every_key_is_read() {
    let config = read_ok(
        r#"{
            defaults = {
              timeout = "1h"; guest = "big"; env = { A = "1"; B = "2"; }; runAsRoot = true; git = true;
              network = true;
            };
            guests.big = { base = "host"; vcpu = 4; memory = "2G"; disk = "20G"; kernel = "/boot/vmlinuz"; };
            guests.default.memory = 512;
            guests.full = {
              base = "nixos"; packages = [ "hello" "python3Packages.x" ]; devShell = "ci"; modules = [ "nix/db.nix" ];
            };
            jobs.build.command = [ "make" "" ];
            jobs."test/unit" = {
              command = "make test"; description = " Unit tests\n"; needs = [ "build" "build" ];
              env = { B = "3"; C = ""; }; timeout = 90; guest = "default"; runAsRoot = false; git = false;
              network = false;
              paths = [ "src/**" ]; artifacts = [ "*.log" "{a,b}/[!c]?" ];
            };
            targets.all = { jobs = [ "test/unit" "build" "test/unit" ]; description = "All"; };
        }"#,
    );
    let build = Job {
        steps: vec![only_step(Command::Argv(vec!["make".to_owned(), String::new()]))],
        env: env(&[("A", "1"), ("B", "2")]),
        timeout_secs: 3600,
        guest: "big".to_owned(),
        run_as_root: true,
        git: true,
        network: Network::Outside,
        ..shell("")
    };
    let test = Job {
        description: Some("Unit tests".to_owned()),
        needs: vec![JobId::new("build")],
        env: env(&[("A", "1"), ("B", "3"), ("C", "")]),
        timeout_secs: 90,
        paths: vec!["src/**".to_owned()],
        artifacts: vec!["*.log".to_owned(), "{a,b}/[!c]?".to_owned()],
        ..shell("make test")
    };
    let big = Guest {
        base: Some(Base::Host),
        vcpu: 4,
        memory_mib: 2048,
        disk_mib: Some(20 << 10),
        kernel: Some(PathBuf::from("/boot/vmlinuz")),
        ..default_guest()
    };
    let full = Guest {
        base: Some(Base::Nixos),
        packages: vec!["hello".to_owned(), "python3Packages.x".to_owned()],
        dev_shell: Some("ci".to_owned()),
        modules: vec!["nix/db.nix".to_owned()],
        ..default_guest()
    };
    let all = Target { description: Some("All".to_owned()), jobs: vec![JobId::new("test/unit"), JobId::new("build")] };
    assert_eq!(config.jobs, BTreeMap::from([(JobId::new("build"), build), (JobId::new("test/unit"), test)]));
    let default = Guest { memory_mib: 512, ..default_guest() };
    let guests = [("big", big), ("default", default), ("full", full)].map(|(name, guest)| (name.to_owned(), guest));
    assert_eq!(config.guests, BTreeMap::from(guests));
    assert_eq!(config.targets, BTreeMap::from([("all".to_owned(), all)]));
}

#[test]
fn keys_of_steps_services_and_groups_are_read() {
    let config = read_ok(
        r#"{
            groups.db.limit = 2;
            secrets = { KEY = { file = "~/.ssh/key"; asFile = true; }; TOKEN.command = [ "pass" "token" ]; };
            defaults = { secrets = [ "TOKEN" ]; shell = "bash"; stall = "5m"; paths = [ "src" ]; };
            guests.tools = { base = "host"; hostFolders = [ "~/.cargo" "/opt/go/" ]; };
            jobs.a = {
              steps = [
                { name = "build"; command = "make"; timeout = "1m"; }
                { name = "report"; command = [ "report" ]; when = "always"; }
              ];
              services.db = { command = "db"; ready = [ "ready" ]; env.PORT = "1"; timeout = 5; };
              services.web = { command = "web"; needs = [ "db" ]; };
              env = { A = { "inherit" = true; }; B = { "inherit" = true; default = "b"; }; };
              when = "failed"; allowFailure = [ 77 ]; group = "db"; workdir = "sub/dir/"; guest = "tools";
            };
        }"#,
    );
    let job = &config.jobs[&JobId::new("a")];
    let report =
        Step { name: "report".to_owned(), when: When::Always, ..only_step(Command::Argv(vec!["report".to_owned()])) };
    let build =
        Step { name: "build".to_owned(), timeout_secs: Some(60), ..only_step(Command::Script("make".to_owned())) };
    assert_eq!(job.steps, [build, report]);
    let service = |command: &str| Service {
        command: Command::Script(command.to_owned()),
        ready: None,
        env: BTreeMap::new(),
        timeout_secs: 60,
        needs: vec![],
    };
    let db = Service {
        ready: Some(Command::Argv(vec!["ready".to_owned()])),
        env: BTreeMap::from([("PORT".to_owned(), "1".to_owned())]),
        timeout_secs: 5,
        ..service("db")
    };
    let web = Service { needs: vec!["db".to_owned()], ..service("web") };
    assert_eq!(job.services, BTreeMap::from([("db".to_owned(), db), ("web".to_owned(), web)]));
    let inherit = |default: Option<&str>| Variable::Inherit { default: default.map(str::to_owned) };
    assert_eq!(job.env, BTreeMap::from([("A".to_owned(), inherit(None)), ("B".to_owned(), inherit(Some("b")))]));
    assert_eq!((job.when, &job.allow_failure), (When::Failed, &AllowFailure::Codes(vec![77])));
    assert_eq!((job.group.as_deref(), job.workdir.as_str(), job.stall_secs), (Some("db"), "sub/dir", Some(300)));
    assert_eq!((&job.shell, &job.paths), (&Shell::Bash, &vec!["src".to_owned()]));
    assert_eq!(config.groups, BTreeMap::from([("db".to_owned(), 2)]));
    assert_eq!(config.guests["tools"].host_folders, ["~/.cargo", "/opt/go/"]);
    let secret = |source, as_file| Secret { source, as_file, line: Some(3) };
    let key = secret(SecretSource::File("~/.ssh/key".to_owned()), true);
    let token = secret(SecretSource::Command(vec!["pass".to_owned(), "token".to_owned()]), false);
    assert_eq!(config.secrets, BTreeMap::from([("KEY".to_owned(), key), ("TOKEN".to_owned(), token)]));
    assert_eq!(job.secrets, BTreeSet::from(["TOKEN".to_owned()]));
}

#[test]
fn a_service_may_need_one_of_the_defaults() {
    let file = |services: &str| {
        format!(
            r#"{{ defaults.services = {{ db.command = "db"; queue = {{ command = "q"; needs = [ "db" ]; }}; }};
                 jobs.a = {{ command = "true"; services = {{ {services} }}; }}; }}"#
        )
    };
    let config = read_ok(&file(r#"web = { command = "web"; needs = [ "queue" ]; };"#));
    assert_eq!(config.jobs[&JobId::new("a")].services.keys().collect::<Vec<_>>(), ["db", "queue", "web"]);
    let cycle = file(r#"db = { command = "db"; needs = [ "queue" ]; };"#);
    let error = read("pikaci.nix", &cycle).unwrap_err().to_string();
    assert!(error.contains("the service `db` in `jobs.a.services` needs itself"), "{error}");
}

#[test]
fn a_diagnostic_has_line_column_and_width_in_characters() {
    let diagnostics = read("some/file.nix", "{\n  jobs.\"é🎉\".comand = 1;\n}").unwrap_err();
    let diagnostic = diagnostics.iter().next().unwrap();
    assert_eq!((diagnostic.span.line, diagnostic.span.column, diagnostic.span.width), (2, 13, 6));
    assert_eq!(diagnostic.span.text, "  jobs.\"é🎉\".comand = 1;");
    assert_eq!(diagnostic.message, "unknown key `comand` in `jobs.\"é🎉\"`");
    assert_eq!(diagnostic.hint, "did you mean `command`?");
    assert!(diagnostics.to_string().contains("--> some/file.nix:2:13\n"), "{diagnostics}");
    assert!(diagnostics.render(true).contains('\u{1b}'));
}
