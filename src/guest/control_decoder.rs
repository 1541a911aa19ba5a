//! The control channel: bytes to [`ControlLine`]s.

use super::contract::MAX_LINE_BYTES;
use super::control_line::{ControlLine, UnknownLine};

/// A decoder that cuts the bytes of a control channel into lines, for bytes in pieces of any size.
#[derive(Clone, Debug, Default)]
pub struct ControlDecoder {
    partial: Vec<u8>,
}

impl ControlDecoder {
    /// Adds bytes and returns the lines that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Result<ControlLine, UnknownLine>> {
        let mut lines = Vec::new();
        for &byte in bytes {
            if byte == b'\n' {
                lines.push(String::from_utf8_lossy(&self.partial).parse());
                self.partial.clear();
            } else if self.partial.len() < MAX_LINE_BYTES {
                self.partial.push(byte);
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::{ControlDecoder, ControlLine, MAX_LINE_BYTES};

    #[test]
    fn bytes_in_any_pieces_give_the_same_lines() {
        let bytes = b"ready\nphase job 1.00\nexit 3\noutput 0\nend\n";
        let whole = ControlDecoder::default().push(bytes);
        assert_eq!(whole.len(), 5);
        let mut decoder = ControlDecoder::default();
        let pieces: Vec<_> = bytes.iter().flat_map(|&byte| decoder.push(&[byte])).collect();
        assert_eq!(pieces, whole);
        assert_eq!(decoder.push(b"exit 0"), []);
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut decoder = ControlDecoder::default();
        assert_eq!(decoder.push(&vec![b'x'; 1 << 20]), []);
        assert_eq!(decoder.partial.len(), MAX_LINE_BYTES);
        let lines = decoder.push(b"\nready\n");
        assert!(lines[0].is_err());
        assert_eq!(lines[1], Ok(ControlLine::Ready));
    }
}
