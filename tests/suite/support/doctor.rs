//! The findings of `pikaci doctor`.

use serde_json::Value;

use crate::support::project::Ran;

/// The arguments that print them as JSON.
pub const JSON: &[&str] = &["doctor", "--format=json"];

/// What was found of a machine.
pub struct Found(Vec<Value>);

impl Found {
    /// Reads what was printed of a machine with QEMU.
    pub fn of(ran: &Ran) -> Self {
        Self::of_hypervisor(ran, "qemu")
    }

    /// Reads what was printed of a machine with this hypervisor.
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

    /// Returns the findings that keep jobs from running.
    pub fn problems(&self) -> Vec<&Value> {
        self.0.iter().filter(|finding| finding["level"] == "problem").collect()
    }

    /// Asserts what was found of a topic, which is the only problem if it is one.
    #[track_caller]
    pub fn has(&self, topic: &str, level: &str, what: &str, remedy: &str) {
        let of_topic: Vec<&Value> = self.0.iter().filter(|finding| finding["topic"] == topic).collect();
        let contains = |value: &Value, part: &str| value.as_str().unwrap_or_default().contains(part);
        let is_it = |finding: &&Value| {
            finding["level"] == level && contains(&finding["what"], what) && contains(&finding["remedy"], remedy)
        };
        assert!(of_topic.iter().any(is_it), "no {level} of {what:?} with {remedy:?}: {of_topic:#?}");
        assert!(level != "problem" || self.problems().len() == 1, "{:#?}", self.0);
    }
}
