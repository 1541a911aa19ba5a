//! String literals, by the rules of Nix's lexer (`src/libexpr/lexer.l` and `parser-state.hh`).

/// A part of a string literal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<T> {
    Text(String),
    Interpolation(T),
}

/// Unescapes a text of a `"…"` literal, between its quotes and interpolations.
pub(super) fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next().map(unescape_char)),
            // Nix reads CR and CR/LF as LF in this kind of literal only.
            '\r' => {
                chars.next_if_eq(&'\n');
                text.push('\n');
            }
            _ => text.push(c),
        }
    }
    text
}

fn unescape_char(c: char) -> char {
    match c {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        _ => c,
    }
}

/// A token of Nix's lexer in a `''…''` literal.
enum Token<T> {
    /// Literal text; its spaces can be indentation.
    Plain(String),
    /// Text of an escape; ends the indentation of its line.
    Escaped(String),
    Interpolation(T),
}

/// Unescapes the parts of a `''…''` literal and strips their indentation.
pub(super) fn strip_indentation<T>(raw: Vec<Part<T>>) -> Vec<Part<T>> {
    let mut tokens = Vec::new();
    for (index, part) in raw.into_iter().enumerate() {
        match part {
            Part::Interpolation(value) => tokens.push(Token::Interpolation(value)),
            Part::Text(text) if index == 0 => indented_tokens(without_first_line(&text), &mut tokens),
            Part::Text(text) => indented_tokens(&text, &mut tokens),
        }
    }
    let indentation = common_indentation(&tokens);
    let count = tokens.len();
    let mut line = Line { at_start: true, dropped: 0, indentation };
    let mut parts = Vec::with_capacity(count);
    for (index, token) in tokens.into_iter().enumerate() {
        match token {
            Token::Interpolation(value) => {
                line.at_start = false;
                line.dropped = 0;
                parts.push(Part::Interpolation(value));
            }
            Token::Plain(text) | Token::Escaped(text) => {
                let mut text = line.strip(&text);
                if index + 1 == count {
                    cut_blank_last_line(&mut text);
                }
                parts.push(Part::Text(text));
            }
        }
    }
    parts
}

/// Strips the spaces and the newline after the opening `''`.
fn without_first_line(raw: &str) -> &str {
    raw.trim_start_matches(' ').strip_prefix('\n').unwrap_or(raw)
}

fn cut_blank_last_line(text: &mut String) {
    if let Some(newline) = text.rfind('\n')
        && text[newline + 1..].bytes().all(|b| b == b' ')
    {
        text.truncate(newline + 1);
    }
}

/// Splits raw text into the tokens of Nix's lexer, because the borders of tokens limit indentation.
fn indented_tokens<T>(raw: &str, tokens: &mut Vec<Token<T>>) {
    let mut plain = String::new();
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let next = after.chars().next();
        let (escape, length) = match (c, next) {
            ('\'', Some('\'')) => quote_escape(&after[1..]),
            ('\'', None | Some('$')) => ("'".to_owned(), 1),
            ('$', None | Some('\'' | '{')) => ("$".to_owned(), 1),
            // Nix reads both characters as one token, so the second one starts no escape.
            ('$' | '\'', Some(next)) => {
                plain.push(c);
                plain.push(next);
                rest = &after[next.len_utf8()..];
                continue;
            }
            _ => {
                plain.push(c);
                rest = after;
                continue;
            }
        };
        if !plain.is_empty() {
            tokens.push(Token::Plain(std::mem::take(&mut plain)));
        }
        tokens.push(Token::Escaped(escape));
        rest = &rest[length..];
    }
    if !plain.is_empty() {
        tokens.push(Token::Plain(plain));
    }
}

/// Returns the text of the escape that starts with `''` before `after`, and the length of the escape in bytes. The
/// closing `''` isn't part of the raw text.
fn quote_escape(after: &str) -> (String, usize) {
    let mut chars = after.chars();
    match (chars.next(), chars.next()) {
        (Some('$'), _) => ("$".to_owned(), 3),
        (Some('\\'), Some(c)) => (unescape_char(c).to_string(), 3 + c.len_utf8()),
        _ => ("''".to_owned(), 2 + usize::from(after.starts_with('\''))),
    }
}

/// Returns the smallest indentation of all lines that aren't blank.
fn common_indentation<T>(tokens: &[Token<T>]) -> usize {
    let mut least = usize::MAX;
    let mut current = Some(0);
    for token in tokens {
        match token {
            Token::Plain(text) => {
                for b in text.bytes() {
                    current = match (b, current) {
                        (b'\n', _) => Some(0),
                        (b' ', Some(count)) => Some(count + 1),
                        (_, Some(count)) => {
                            least = least.min(count);
                            None
                        }
                        (_, None) => None,
                    };
                }
            }
            Token::Escaped(_) | Token::Interpolation(_) => {
                if let Some(count) = current.take() {
                    least = least.min(count);
                }
            }
        }
    }
    least
}

/// State of the stripping within a line.
struct Line {
    at_start: bool,
    dropped: usize,
    indentation: usize,
}

impl Line {
    fn strip(&mut self, text: &str) -> String {
        let mut stripped = String::with_capacity(text.len());
        for c in text.chars() {
            if self.at_start && c == ' ' {
                self.dropped += 1;
                if self.dropped <= self.indentation {
                    continue;
                }
            } else if self.at_start {
                self.dropped = 0;
                self.at_start = c == '\n';
            } else if c == '\n' {
                self.at_start = true;
            }
            stripped.push(c);
        }
        stripped
    }
}
