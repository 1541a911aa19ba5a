//! Places of a stream in its masked output.

/// Maximum number of entries. Only a job that prints its secrets on purpose needs more; its later places are then
/// approximate.
const MAX_ENTRIES: usize = 100_000;

/// The places of a stream in its masked output.
#[derive(Clone, Debug, Default)]
pub struct OffsetMap {
    /// For the end of each masked place, in their order: the place in the stream, and in the output.
    entries: Vec<(u64, u64)>,
}

impl OffsetMap {
    /// Adds the place from `start` to `end` of the stream, whose marker has `length` bytes.
    pub(super) fn add(&mut self, start: u64, end: u64, length: u64) {
        let output = self.place_in_output(start) + length;
        if self.entries.len() < MAX_ENTRIES {
            self.entries.push((end, output));
        } else {
            self.extend_last(end);
        }
    }

    /// Moves the end of the last place.
    pub(super) fn extend_last(&mut self, end: u64) {
        if let Some((last, _)) = self.entries.last_mut() {
            *last = end;
        }
    }

    /// Returns the place in the output of a place in the stream; of one inside of a masked place, at most the end of its
    /// marker.
    #[must_use]
    pub fn place_in_output(&self, place: u64) -> u64 {
        let after = self.entries.partition_point(|(end, _)| *end <= place);
        let (end, output) = after.checked_sub(1).map_or((0, 0), |last| self.entries[last]);
        let unlimited = output + (place - end);
        self.entries.get(after).map_or(unlimited, |(_, next)| unlimited.min(*next))
    }

    /// Returns a value that changes with every change of the map.
    #[must_use]
    pub fn version(&self) -> (usize, u64) {
        (self.entries.len(), self.entries.last().map_or(0, |(end, _)| *end))
    }
}
