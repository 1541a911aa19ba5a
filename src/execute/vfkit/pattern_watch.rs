//! A search for a pattern in a stream.

use std::io::{self, Read};

/// A stream that calls a function at the first match of a pattern. The bytes pass unchanged.
pub(super) struct PatternWatch<R, F> {
    stream: R,
    pattern: &'static [u8],
    /// The last bytes, in which a match may have begun.
    last: Vec<u8>,
    on_match: Option<F>,
}

impl<R, F: FnOnce()> PatternWatch<R, F> {
    pub(super) fn new(stream: R, pattern: &'static str, on_match: F) -> Self {
        Self { stream, pattern: pattern.as_bytes(), last: Vec::new(), on_match: Some(on_match) }
    }
}

impl<R: Read, F: FnOnce()> Read for PatternWatch<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        if self.on_match.is_some() {
            self.last.extend(&buffer[..count]);
            if self.last.windows(self.pattern.len()).any(|window| window == self.pattern) {
                self.on_match.take().into_iter().for_each(|on_match| on_match());
            }
            let old = self.last.len().saturating_sub(self.pattern.len());
            self.last.drain(..old);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::PatternWatch;

    #[test]
    fn a_pattern_is_reported_once_however_its_bytes_arrive() {
        let calls = AtomicU32::new(0);
        let text = b"a panic, a pan, then a panic";
        let mut watch = PatternWatch::new(text.as_slice(), "panic", || {
            calls.fetch_add(1, Ordering::Relaxed);
        });
        let mut passed = Vec::new();
        let mut byte = [0];
        while watch.read(&mut byte).unwrap() == 1 {
            passed.push(byte[0]);
            assert_eq!(calls.load(Ordering::Relaxed), u32::from(passed.len() >= 7));
        }
        assert_eq!(passed, text);
    }
}
