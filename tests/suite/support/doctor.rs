//! The findings of `pikaci doctor`.

use serde_json::Value;

use crate::support::project::Ran;

/// The arguments that print the findings as JSON.
pub const JSON: &[&str] = &["doctor", "--format=json"];

/// The findings about a machine.
pub struct Findings(Vec<Value>);

impl Findings {
    /// Reads the printed findings of a machine with QEMU.
    pub fn of(ran: &Ran) -> Self {
        Self::of_hypervisor(ran, "qemu")
    }

    /// Reads the printed findings of a machine with this hypervisor.
    pub fn of_hypervisor(ran: &Ran, name: &str) -> Self {
        let value: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((&value["schema_version"], &value["hypervisor"]), (&1.into(), &name.into()));
        Self(value["findings"].as_array().unwrap().clone())
    }

    /// Returns all findings.
    pub fn all(&self) -> &[Value] {
        &self.0
    }

    /// Returns the topics of all findings.
    pub fn topics(&self) -> Vec<&str> {
        self.0.iter().map(|finding| finding["topic"].as_str().unwrap()).collect()
    }

    /// Returns the findings that prevent jobs from running.
    pub fn problems(&self) -> Vec<&Value> {
        self.0.iter().filter(|finding| finding["level"] == "problem").collect()
    }

    /// Asserts that a topic has this finding. A problem must be the only one.
    #[track_caller]
    pub fn has(&self, topic: &str, level: &str, message: &str, remedy: &str) {
        let of_topic: Vec<&Value> = self.0.iter().filter(|finding| finding["topic"] == topic).collect();
        let contains = |value: &Value, part: &str| value.as_str().unwrap_or_default().contains(part);
        let is_it = |finding: &&Value| {
            finding["level"] == level && contains(&finding["what"], message) && contains(&finding["remedy"], remedy)
        };
        assert!(of_topic.iter().any(is_it), "no {level} of {message:?} with {remedy:?}: {of_topic:#?}");
        assert!(level != "problem" || self.problems().len() == 1, "{:#?}", self.0);
    }
}
