//! The reuse of a job's earlier result.

/// The reuse of a job's earlier result, the key `cache` of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResultCache {
    /// The job runs each time.
    #[default]
    Off,
    /// The job takes an earlier result, unless it sees more than its result key covers.
    On,
    /// The job takes an earlier result, although it sees more than its result key covers.
    Trust,
}
