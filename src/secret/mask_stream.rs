//! The masking of a stream.

use std::collections::VecDeque;
use std::sync::Arc;

use super::automaton::Automaton;
use super::offset_map::OffsetMap;

/// A stream of output with masks. Each run of bytes that forms of secrets cover together becomes one marker, wherever
/// the pieces of the stream begin and end. Only bytes that more output could complete to a form are held back.
pub struct MaskStream {
    automaton: Arc<Automaton>,
    state: u32,
    /// The bytes that are neither returned nor masked.
    held: Vec<u8>,
    /// Place of the first held byte in the stream.
    start: u64,
    /// Place of the end of the stream so far.
    end: u64,
    /// The places to mask among the held bytes.
    covers: VecDeque<Cover>,
    /// End of the last place whose marker was returned.
    masked_to: u64,
    offsets: OffsetMap,
}

/// A place in the stream that a marker replaces.
#[derive(Clone, Copy)]
struct Cover {
    start: u64,
    end: u64,
    marker: usize,
}

impl MaskStream {
    pub(super) fn new(automaton: Arc<Automaton>) -> Self {
        let (held, covers, offsets) = (Vec::new(), VecDeque::new(), OffsetMap::default());
        Self { automaton, state: 0, held, start: 0, end: 0, covers, masked_to: 0, offsets }
    }

    /// Takes another piece of the stream, and returns the masked output up to the bytes that are held back.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(piece);
        for byte in piece {
            self.state = self.automaton.next(self.state, *byte);
            self.end += 1;
            if let Some(form) = self.automaton.form(self.state) {
                self.cover(self.end - form.length, form.marker);
            }
        }
        self.release(self.end - self.automaton.open(self.state))
    }

    /// Returns the rest of the masked output.
    pub fn end(&mut self) -> Vec<u8> {
        self.release(self.end)
    }

    /// Returns the places of the stream in its masked output.
    #[must_use]
    pub fn offsets(&self) -> &OffsetMap {
        &self.offsets
    }

    /// Masks the bytes from `start` to the end of the stream, together with the places that overlap.
    fn cover(&mut self, start: u64, marker: usize) {
        let mut cover = Cover { start, end: self.end, marker };
        while let Some(last) = self.covers.pop_back_if(|last| last.end > start) {
            if last.start < cover.start {
                cover = Cover { end: self.end, ..last };
            }
        }
        if cover.start < self.masked_to {
            // Its marker was returned already.
            self.masked_to = self.end;
            self.offsets.extend_last(self.end);
        } else {
            self.covers.push_back(cover);
        }
    }

    /// Returns the masked output before a place of the stream. No form that begins before it can be completed.
    fn release(&mut self, limit: u64) -> Vec<u8> {
        let mut output = Vec::new();
        let mut place = self.start;
        while let Some(cover) = self.covers.pop_front_if(|cover| cover.start < limit) {
            place = place.max(self.masked_to);
            output.extend_from_slice(self.bytes(place, cover.start));
            let marker = self.automaton.marker(cover.marker);
            output.extend_from_slice(marker);
            self.offsets.add(cover.start, cover.end, marker.len() as u64);
            (place, self.masked_to) = (cover.end, cover.end);
        }
        place = place.max(self.masked_to);
        let next = self.covers.front().map_or(limit, |cover| cover.start.min(limit)).max(place);
        output.extend_from_slice(self.bytes(place, next));
        let released = usize::try_from(next - self.start).unwrap_or(usize::MAX);
        self.held.drain(..released);
        self.start = next;
        output
    }

    /// Returns the held bytes between two places.
    fn bytes(&self, from: u64, to: u64) -> &[u8] {
        let index = |place: u64| usize::try_from(place - self.start).unwrap_or(usize::MAX);
        &self.held[index(from)..index(to)]
    }
}
