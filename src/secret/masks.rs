//! The masks of all secrets of a run.

use std::fmt;
use std::sync::Arc;

use super::automaton::Automaton;
use super::forms::forms;
use super::mask_stream::MaskStream;
use super::secret_value::SecretValue;

/// The masks of all secrets of a run. Without secrets, output stays as it is.
#[derive(Clone, Default)]
pub struct Masks(Option<Arc<Automaton>>);

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masks(…)")
    }
}

impl Masks {
    /// Returns the masks of these secrets.
    #[must_use]
    pub fn new<'a>(secrets: impl Iterator<Item = (&'a str, &'a SecretValue)>) -> Self {
        let forms = secrets.map(|(name, value)| (format!("***{name}***"), forms(value.bytes())));
        Self(Automaton::new(forms).map(Arc::new))
    }

    /// Returns true if there is no secret.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns a stream of output that the masks apply to; `None` without secrets.
    #[must_use]
    pub fn stream(&self) -> Option<MaskStream> {
        self.0.clone().map(MaskStream::new)
    }

    /// Masks a text that is complete.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let Some(mut stream) = self.stream() else { return text.to_owned() };
        let mut output = stream.push(text.as_bytes());
        output.extend(stream.end());
        String::from_utf8_lossy(&output).into_owned()
    }
}
