//! Names of jobs and of the legs of a matrix.

use crate::id::JobId;

/// A name of a job with values of its matrix: `test`, `test[cc=gcc]` or `test[cc=gcc,libc=musl]`.
///
/// The id of a leg has all axes of its matrix, sorted by name; a selector may have some of them, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSelector<'a> {
    /// Name of the job.
    pub name: &'a str,
    /// Axes and their values.
    pub axes: Vec<(&'a str, &'a str)>,
}

impl<'a> JobSelector<'a> {
    /// Parses a name; returns `None` if its brackets are malformed.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let Some((name, rest)) = text.split_once('[') else {
            return (!text.contains(']')).then(|| Self { name: text, axes: Vec::new() });
        };
        let axes = rest.strip_suffix(']')?.split(',').map(|axis| axis.trim().split_once('='));
        let axes: Vec<_> = axes.collect::<Option<_>>()?;
        let is_plain = |text: &str| !text.contains(['[', ']']);
        axes.iter().all(|(axis, value)| is_plain(axis) && is_plain(value)).then_some(Self { name, axes })
    }

    /// Returns the selector that the id of a job or of a leg spells.
    #[must_use]
    pub fn of_id(id: &'a JobId) -> Self {
        Self::parse(id.as_str()).unwrap_or(Self { name: id.as_str(), axes: Vec::new() })
    }

    /// Returns whether a job or a leg has all axes of the selector; the name isn't compared.
    #[must_use]
    pub fn matches_axes(&self, id: &Self) -> bool {
        self.axes.iter().all(|axis| id.axes.contains(axis))
    }
}

#[cfg(test)]
mod tests {
    use super::JobSelector;
    use crate::id::JobId;

    #[test]
    fn a_selector_matches_the_legs_with_its_values() {
        let leg = JobId::new("test[cc=gcc,libc=musl]");
        let id = JobSelector::of_id(&leg);
        assert_eq!((id.name, id.axes.len()), ("test", 2));
        for (selector, matches) in [
            ("test", true),
            ("test[cc=gcc]", true),
            ("test[libc=musl, cc=gcc]", true),
            ("test[cc=clang]", false),
            ("test[cc=gcc,os=linux]", false),
        ] {
            assert_eq!(JobSelector::parse(selector).unwrap().matches_axes(&id), matches, "{selector}");
        }
        for malformed in ["test[", "test[]", "test[cc]", "test[a=b]c", "a]", "a[b=[c]]"] {
            assert_eq!(JobSelector::parse(malformed), None, "{malformed}");
        }
    }
}
