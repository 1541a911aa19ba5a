//! A config as the text of a job file.

use std::fmt::Write as _;

use super::super::{Base, Command, Config, Job, ResultCache, Service, Shell, Step, Timeouts, Variable};
use crate::id::JobId;

fn render_string(text: &str) -> String {
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

fn render_list<'t>(items: impl IntoIterator<Item = &'t str>) -> String {
    format!("[ {} ]", items.into_iter().map(render_string).collect::<Vec<_>>().join(" "))
}

fn render_command(command: &Command) -> String {
    match command {
        Command::Script(script) => render_string(script),
        Command::Argv(argv) => render_list(argv.iter().map(String::as_str)),
    }
}

fn render_step(step: &Step) -> String {
    let (name, command, when) = (render_string(&step.name), render_command(&step.command), step.when.name());
    let timeout = step.timeout_secs.map_or("null".to_owned(), |secs| secs.to_string());
    format!("{{ name = {name}; command = {command}; when = \"{when}\"; timeout = {timeout}; }} ")
}

fn render_service(service: &Service) -> String {
    let ready = service.ready.as_ref().map_or("null".to_owned(), render_command);
    let env = service.env.iter().map(|(name, value)| format!("{name} = {}; ", render_string(value)));
    let (command, env, secs) = (render_command(&service.command), env.collect::<String>(), service.timeout_secs);
    format!("{{ command = {command}; ready = {ready}; env = {{ {env}}}; timeout = {secs}; }}")
}

fn render_job(text: &mut String, name: &JobId, job: &Job) {
    let steps = match job.steps.as_slice() {
        [only] if only.name.is_empty() => format!("command = {};", render_command(&only.command)),
        steps => format!("steps = [ {} ];", steps.iter().map(render_step).collect::<String>()),
    };
    let (name, guest) = (render_string(name.as_str()), render_string(&job.guest));
    writeln!(text, "jobs.{name} = {{ {steps} guest = {guest};").unwrap();
    let shell = match &job.shell {
        Shell::Sh => "\"sh\"".to_owned(),
        Shell::Bash => "\"bash\"".to_owned(),
        Shell::Program(argv) => render_list(argv.iter().map(String::as_str)),
    };
    let allow = serde_json::to_string(&job.allow_failure).unwrap().replace(',', " ");
    writeln!(text, "when = \"{}\"; allowFailure = {allow}; shell = {shell};", job.when.name()).unwrap();
    let cache = match job.cache {
        ResultCache::Off => "false",
        ResultCache::On => "true",
        ResultCache::Trust => "\"trust\"",
    };
    let caches = render_list(job.caches.iter().map(String::as_str));
    writeln!(text, "cache = {cache}; caches = {caches};").unwrap();
    if let Some(secs) = job.stall_secs {
        writeln!(text, "stall = {secs};").unwrap();
    }
    if !job.workdir.is_empty() {
        writeln!(text, "workdir = {};", render_string(&job.workdir)).unwrap();
    }
    for (name, service) in &job.services {
        writeln!(text, "services.{} = {};", render_string(name), render_service(service)).unwrap();
    }
    for (name, input) in &job.inputs {
        let [name, from, to] = [name, input.from[0].as_str(), &input.to].map(render_string);
        writeln!(text, "inputs.{name} = {{ from = {from}; to = {to}; }};").unwrap();
    }
    writeln!(text, "needs = {};", render_list(job.needs.iter().map(JobId::as_str))).unwrap();
    writeln!(text, "timeout = {}; runAsRoot = {}; git = {};", job.timeout_secs, job.run_as_root, job.git).unwrap();
    writeln!(text, "network = {}; retries = {};", serde_json::to_string(&job.network).unwrap(), job.retries).unwrap();
    writeln!(text, "paths = {};", render_list(job.paths.iter().map(String::as_str))).unwrap();
    let paths = render_list(job.artifacts.iter().map(String::as_str));
    let (required, size) = (job.artifacts_required, job.artifacts_mib);
    writeln!(text, "artifacts = {{ paths = {paths}; required = {required}; size = {size}; }};").unwrap();
    writeln!(text, "secrets = {};", render_list(job.secrets.iter().map(String::as_str))).unwrap();
    for (name, value) in &job.env {
        let value = match value {
            Variable::Value(value) => render_string(value),
            Variable::Inherit { default } => {
                format!(
                    "{{ \"inherit\" = true; default = {}; }}",
                    default.as_deref().map_or("null".into(), render_string)
                )
            }
        };
        writeln!(text, "env.{} = {value};", render_string(name)).unwrap();
    }
    let description = job.description.as_deref().map_or("null".to_owned(), render_string);
    writeln!(text, "description = {description}; }};").unwrap();
}

/// Renders a config as the text of a job file.
pub(super) fn render_nix(config: &Config) -> String {
    let mut text =
        String::from("{ secrets.A_SECRET = { command = [ \"pass\" \"a b\" ]; asFile = true; }; groups.g.limit = 2;\n");
    for (name, cache) in &config.caches {
        let key = render_list(cache.key.iter().map(String::as_str));
        writeln!(text, "caches.{name} = {{ path = {}; key = {key};", render_string(&cache.path)).unwrap();
        let failure = if cache.keeps_failures { " onFailure = \"keep\";" } else { "" };
        writeln!(text, "size = {}; singleFlight = {};{failure} }};", cache.size_mib, cache.single_flight).unwrap();
    }
    for (key, globs) in [("include", &config.snapshot.include), ("exclude", &config.snapshot.exclude)] {
        writeln!(text, "snapshot.{key} = {};", render_list(globs.iter().map(String::as_str))).unwrap();
    }
    for (name, guest) in &config.guests {
        let path = format!("guests.{}", render_string(name));
        writeln!(text, "{path} = {{ vcpu = {}; memory = {}; }};", guest.vcpu, guest.memory_mib).unwrap();
        let Timeouts { prepare_secs, boot_secs, collect_secs } = guest.timeouts;
        writeln!(text, "{path}.prepareTimeout = {prepare_secs}; {path}.bootTimeout = {boot_secs};").unwrap();
        writeln!(text, "{path}.collectTimeout = {collect_secs};").unwrap();
        if let Some(base) = guest.base {
            writeln!(text, "{path}.base = {};", render_string(base.name())).unwrap();
        }
        for (key, names) in [("packages", &guest.packages), ("modules", &guest.modules)] {
            if guest.base == Some(Base::Nixos) {
                writeln!(text, "{path}.{key} = {};", render_list(names.iter().map(String::as_str))).unwrap();
            }
        }
        if let Some(name) = &guest.dev_shell {
            writeln!(text, "{path}.devShell = {};", render_string(name)).unwrap();
        }
        if let Some(disk) = guest.disk_mib {
            writeln!(text, "{path}.disk = {disk};").unwrap();
        }
        if !guest.host_folders.is_empty() {
            let folders = render_list(guest.host_folders.iter().map(String::as_str));
            writeln!(text, "{path}.hostFolders = {folders};").unwrap();
        }
        if let Some(kernel) = &guest.kernel {
            writeln!(text, "{path}.kernel = {};", render_string(kernel.to_str().unwrap())).unwrap();
        }
    }
    for (name, job) in &config.jobs {
        render_job(&mut text, name, job);
    }
    for (name, target) in &config.targets {
        let description = target.description.as_deref().map_or("null".to_owned(), render_string);
        let jobs = render_list(target.jobs.iter().map(JobId::as_str));
        writeln!(text, "targets.{} = {{ jobs = {jobs}; description = {description}; }};", render_string(name)).unwrap();
    }
    text + "}\n"
}
