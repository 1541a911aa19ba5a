//! All secrets of a run.

use std::collections::BTreeMap;

use super::masks::Masks;
use super::secret_value::SecretValue;

/// All secrets of a run, with the masks of their values.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    values: BTreeMap<String, SecretValue>,
    masks: Masks,
}

impl Secrets {
    /// Returns the secrets with these names and values.
    #[must_use]
    pub fn new(values: BTreeMap<String, SecretValue>) -> Self {
        let masks = Masks::new(values.iter().map(|(name, value)| (name.as_str(), value)));
        Self { values, masks }
    }

    /// Returns the value of a secret.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&SecretValue> {
        self.values.get(name)
    }

    /// Returns the masks of all values.
    #[must_use]
    pub fn masks(&self) -> &Masks {
        &self.masks
    }
}
