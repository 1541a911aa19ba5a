//! Marks for lines that are printed in a build of Nix. Nix takes an unmarked line that begins with `@nix ` for a
//! message to itself (`handleJSONLogMessage` in its `logging.cc`).

/// Beginning of a message to Nix.
const MESSAGE_START: &[u8] = b"@nix ";
/// Mark in front of a line that begins like a message.
const MARK: &[u8] = b"| ";

/// A filter that marks the lines of a text, which arrives in pieces of any length.
#[derive(Debug)]
pub struct NixLines {
    /// Beginning of a line that may become a message; `None` after the beginning of a line.
    held: Option<Vec<u8>>,
}

impl NixLines {
    /// Returns the filter for the beginning of a text.
    pub fn new() -> Self {
        Self { held: Some(Vec::new()) }
    }

    /// Returns the text that can be printed after these bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + MARK.len());
        for byte in bytes {
            match &mut self.held {
                Some(held) if MESSAGE_START.get(held.len()) == Some(byte) => {
                    held.push(*byte);
                    if held == MESSAGE_START {
                        out.extend_from_slice(MARK);
                        out.append(held);
                        self.held = None;
                    }
                }
                held => {
                    out.extend(held.take().unwrap_or_default());
                    out.push(*byte);
                    // For Nix a carriage return begins a line, too.
                    *held = b"\r\n".contains(byte).then(Vec::new);
                }
            }
        }
        out
    }

    /// Returns the rest of the text at its end.
    pub fn end(&mut self) -> Vec<u8> {
        self.held.take().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::NixLines;

    #[test]
    fn messages_to_nix_are_marked_in_pieces_of_any_size() {
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
