//! Environment variables that jobs take from the command line.

use std::collections::{BTreeMap, BTreeSet};

use super::plan_error::PlanError;
use crate::config::{Job, Variable};
use crate::id::JobId;

/// Environment variables of the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerEnv {
    /// The environment of the process, which jobs may inherit.
    pub inherited: BTreeMap<String, String>,
    /// Variables of the options, which every job gets.
    pub set: BTreeMap<String, String>,
    /// Home folder of the user.
    pub home: Option<String>,
}

/// Environment of a planned job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobEnv {
    /// All variables.
    pub values: BTreeMap<String, String>,
    /// Names of the variables that were inherited.
    pub inherited: BTreeSet<String>,
}

impl CallerEnv {
    /// Returns the environment of a job.
    ///
    /// # Errors
    /// When the job inherits a variable that has neither a value nor a default.
    pub fn job_env(&self, id: &JobId, job: &Job) -> Result<JobEnv, PlanError> {
        let mut env = JobEnv::default();
        for (name, variable) in &job.env {
            let (value, is_inherited) = match variable {
                Variable::Value(value) => (value, false),
                Variable::Inherit { default } => match (self.inherited.get(name), default) {
                    (Some(value), _) => (value, true),
                    (None, Some(default)) => (default, false),
                    (None, None) if self.set.contains_key(name) => continue,
                    (None, None) => {
                        return Err(PlanError::NoVariable { job: id.clone(), variable: name.clone() });
                    }
                },
            };
            env.values.insert(name.clone(), value.clone());
            if is_inherited {
                env.inherited.insert(name.clone());
            }
        }
        for (name, value) in &self.set {
            env.inherited.remove(name);
            env.values.insert(name.clone(), value.clone());
        }
        Ok(env)
    }
}

#[cfg(test)]
mod tests {
    use super::CallerEnv;
    use crate::config;
    use crate::id::JobId;
    use crate::plan::PlanError;

    fn pairs(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn options_outrank_the_caller_and_the_caller_outranks_defaults() {
        let text = r#"{ jobs.a = { command = "true"; env = {
            A = "a"; B = { "inherit" = true; }; C = { "inherit" = true; default = "c"; }; D = { "inherit" = true; default = ""; };
        }; }; }"#;
        let config = config::read("pikaci.nix", text).unwrap();
        let id = JobId::new("a");
        let env = |caller: &CallerEnv| caller.job_env(&id, &config.jobs[&id]);
        let caller =
            |inherited: &[_], set: &[_]| CallerEnv { inherited: pairs(inherited), set: pairs(set), home: None };
        let full = env(&caller(&[("A", "x"), ("B", "b"), ("C", "x")], &[("D", "d"), ("E", "e")])).unwrap();
        assert_eq!(full.values, pairs(&[("A", "a"), ("B", "b"), ("C", "x"), ("D", "d"), ("E", "e")]));
        assert_eq!(full.inherited.into_iter().collect::<Vec<_>>(), ["B", "C"]);
        let set = env(&caller(&[], &[("B", "b")])).unwrap();
        assert_eq!(set.values, pairs(&[("A", "a"), ("B", "b"), ("C", "c"), ("D", "")]));
        assert!(matches!(env(&caller(&[], &[])), Err(PlanError::NoVariable { variable, .. }) if variable == "B"));
    }
}
