//! Services of jobs.

use std::collections::{BTreeMap, BTreeSet};

use super::command::read_command;
use super::reader::{Fields, Reader, attr_path};
use super::{env, inner_keys, timeout};
use crate::config::problem::quoted;
use crate::config::service::Service;
use crate::guest::contract::MAX_SERVICES;

const DEFAULT_TIMEOUT_SECS: u64 = 60;

/// Reads the services of a job, which are added to those of `defaults`.
pub(super) fn read_all(
    reader: &mut Reader,
    fields: &Fields,
    defaults: &BTreeMap<String, Service>,
) -> BTreeMap<String, Service> {
    let mut services = defaults.clone();
    let Some(field) = fields.get("services") else { return services };
    let Some(attrs) = reader.set_field(&field) else { return services };
    let names: BTreeSet<&str> = attrs.keys().map(|name| &**name).chain(defaults.keys().map(String::as_str)).collect();
    if names.len() > MAX_SERVICES {
        let message = format!("with `{}` the job has {} services", field.path, names.len());
        reader.refuse(
            &field.value.at,
            message,
            format!("write at most {MAX_SERVICES}, those of `defaults` among them"),
        );
    }
    for (name, attr) in attrs {
        reader.check_name(&field.path, name, &attr.name_at);
        let path = attr_path(&field.path, name);
        let Some(set) = reader.set(&path, &attr.value) else { continue };
        let fields = reader.fields(&path, set, inner_keys::SERVICE);
        let ready = fields.get("ready").and_then(|field| read_command(reader, &field));
        let needs = fields.get("needs").and_then(|field| reader.strings(&field)).unwrap_or_default();
        for (need, at) in needs.iter().filter(|(need, _)| !names.contains(&***need)) {
            let hint = reader.suggest(need, names.iter().copied(), "name a service of this job");
            reader.refuse(at, format!("there is no service {} in this job", quoted(need)), hint);
        }
        let needs = needs.into_iter().map(|(need, _)| need.to_string()).collect();
        let env = env::read_strings(reader, &fields);
        let timeout_secs = timeout::read(reader, &fields, "timeout").unwrap_or(DEFAULT_TIMEOUT_SECS);
        if fields.is_missing("command") {
            let hint = "write `command = \"postgres -D data\";`";
            reader.refuse(&attr.name_at, format!("`{path}` has no command"), hint);
        }
        if let Some(command) = fields.get("command").and_then(|field| read_command(reader, &field)) {
            services.insert(name.to_string(), Service { command, ready, env, timeout_secs, needs });
        }
    }
    if let Some(name) = waiting_forever(&services) {
        let message = format!("the service {} in `{}` needs itself, by way of others", quoted(&name), field.path);
        reader.refuse(&field.value.at, message, "remove one of the names from a `needs`");
    }
    services
}

/// Returns a service that no order can start, because of a cycle of needs.
fn waiting_forever(services: &BTreeMap<String, Service>) -> Option<String> {
    let mut waiting: BTreeSet<&String> = services.keys().collect();
    loop {
        let is_ready = |name: &&&String| !services[**name].needs.iter().any(|need| waiting.contains(need));
        let Some(ready) = waiting.iter().find(is_ready).copied() else { break };
        waiting.remove(ready);
    }
    waiting.first().map(ToString::to_string)
}
