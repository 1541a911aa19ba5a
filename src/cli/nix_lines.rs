//! Lines that a build of Nix may print: one that begins with `@nix ` would be a message to Nix itself
//! (`handleJSONLogMessage` in its `logging.cc`).

/// The beginning of such a message.
const MESSAGE: &[u8] = b"@nix ";
/// The mark before it.
const MARK: &[u8] = b"| ";

/// Marks such lines in a text that comes in pieces of any length.
#[derive(Debug)]
pub struct NixLines {
    /// The beginning of a line that may become a message; `None` further on in a line.
    held: Option<Vec<u8>>,
}

impl NixLines {
    /// Returns a filter at the beginning of a text.
    pub fn new() -> Self {
        Self { held: Some(Vec::new()) }
    }

    /// Returns what can be printed once these bytes have come.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + MARK.len());
        for byte in bytes {
            match &mut self.held {
                Some(held) if MESSAGE.get(held.len()) == Some(byte) => {
                    held.push(*byte);
                    if held == MESSAGE {
                        out.extend_from_slice(MARK);
                        out.append(held);
                        self.held = None;
                    }
                }
                held => {
                    out.extend(held.take().unwrap_or_default());
                    out.push(*byte);
                    // Nix begins a line anew at a carriage return, too.
                    *held = b"\r\n".contains(byte).then(Vec::new);
                }
            }
        }
        out
    }

    /// Returns what was held when the text ended.
    pub fn end(&mut self) -> Vec<u8> {
        self.held.take().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::NixLines;

    #[test]
    fn lines_that_nix_would_take_are_marked_however_they_are_cut() {
        let text = "@nix {}\n@nix\n @nix {}\n@@nix {}\n@nix @nix {}\n\n@nix x\ny\r@nix z\n@n";
        let marked = "| @nix {}\n@nix\n @nix {}\n@@nix {}\n| @nix @nix {}\n\n| @nix x\ny\r| @nix z\n@n";
        for size in 1..=text.len() {
            let mut lines = NixLines::new();
            let mut out: Vec<u8> = text.as_bytes().chunks(size).flat_map(|chunk| lines.push(chunk)).collect();
            out.extend(lines.end());
            assert_eq!(String::from_utf8(out).unwrap(), marked, "{size}");
        }
    }
}
