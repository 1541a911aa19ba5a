//! Environment variables of the command line for jobs.

#![expect(clippy::disallowed_methods, reason = "reads the environment")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;

use anyhow::anyhow;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::plan_args::PlanArgs;
use crate::config::{Config, Variable};
use crate::guest::contract::RESERVED_PREFIX;
use crate::guest::is_variable_name;
use crate::plan::CallerEnv;

/// Returns the variables that jobs inherit, and those of the options. An untrusted project inherits nothing.
pub fn caller_env(config: &Config, args: &PlanArgs) -> Result<CallerEnv, Failure> {
    let variables = config.jobs.values().flat_map(|job| &job.env);
    let inherits = |variable: &Variable| matches!(variable, Variable::Inherit { .. });
    let names: BTreeSet<&String> = variables
        .filter(|(_, variable)| inherits(variable) && !args.isolation.untrusted)
        .map(|(name, _)| name)
        .collect();
    let mut inherited = BTreeMap::new();
    for name in names {
        inherited.extend(read(name)?.map(|value| (name.clone(), value)));
    }
    let mut set = BTreeMap::new();
    for option in &args.env {
        let (name, value) = option.split_once('=').map_or((option.as_str(), None), |(name, value)| (name, Some(value)));
        if !is_variable_name(name) || name.starts_with(RESERVED_PREFIX) {
            let error = anyhow!("--env {option:?} doesn't begin with the name of a variable");
            return Err(Failure::new(Exit::Usage, error).hint("write --env NAME=VALUE or --env NAME"));
        }
        let value = match value {
            Some(value) => value.to_owned(),
            None => read(name)?.ok_or_else(|| {
                let error = anyhow!("--env {name}: this environment has no such variable");
                Failure::new(Exit::Usage, error).hint(format!("write its value: --env {name}=…"))
            })?,
        };
        set.insert(name.to_owned(), value);
    }
    Ok(CallerEnv { inherited, set, home: read("HOME")?.filter(|home| home.starts_with('/')) })
}

fn read(name: &str) -> Result<Option<String>, Failure> {
    match env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            let error = anyhow!("the value of the variable {name} isn't UTF-8");
            Err(Failure::new(Exit::Usage, error).hint(format!("change it, or remove it: env -u {name} pikaci …")))
        }
    }
}
