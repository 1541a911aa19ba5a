//! Places of a stream in its masked log, shared between the thread that writes the log and others.

#![expect(clippy::disallowed_methods, reason = "reads the clock")]

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::secret::{MaskStream, OffsetMap};

/// Time to wait for output that is on its way.
const PATIENCE: Duration = Duration::from_secs(5);

/// Places of a stream in its masked log.
#[derive(Clone, Debug, Default)]
pub struct LogOffsets(Arc<(Mutex<Progress>, Condvar)>);

/// The part of the stream that has been read.
#[derive(Debug, Default)]
struct Progress {
    received: u64,
    map: OffsetMap,
    /// True if a wait was in vain: a guest that names places without output delays itself once.
    is_lost: bool,
}

impl LogOffsets {
    /// Takes the places of a stream of which `received` bytes have been read.
    pub(super) fn update(&self, received: u64, stream: Option<&MaskStream>) {
        let (progress, changed) = &*self.0;
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.received = received;
        if let Some(map) = stream.map(MaskStream::offsets).filter(|map| map.version() != progress.map.version()) {
            progress.map.clone_from(map);
        }
        changed.notify_all();
    }

    /// Returns the place in the log of a place in the stream. Waits for the stream up to there for a while: a guest may
    /// name any place.
    #[must_use]
    pub fn place_in_log(&self, place: u64) -> u64 {
        let (progress, changed) = &*self.0;
        let end = Instant::now() + PATIENCE;
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        while progress.received < place && !progress.is_lost {
            let rest = end.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                progress.is_lost = true;
                break;
            }
            progress = changed.wait_timeout(progress, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
        progress.map.place_in_output(place)
    }
}
