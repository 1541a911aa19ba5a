//! Syntax of the shell's `${…}`, as far as Nix can't have it.

/// Maximum length of an expansion, in bytes.
const MAX_EXPANSION: usize = 1000;

/// Returns the length of an expansion of the shell after its `${`, with its `}`; `None` if Nix can read it too.
pub(super) fn shell_length(rest: &str) -> Option<usize> {
    let end = rest.char_indices().find(|(index, c)| *c == '\n' || *index >= MAX_EXPANSION).map(|(index, _)| index);
    let line = &rest[..end.unwrap_or(rest.len())];
    let sign = line.starts_with(['#', '!']) && !line[1..].starts_with('}');
    let parameter = &line[usize::from(sign)..];
    let first = parameter.chars().next()?;
    let is_name = first.is_ascii_alphabetic() || first == '_';
    let length = match first {
        '0'..='9' => parameter.find(|c: char| !c.is_ascii_digit())?,
        '@' | '*' | '#' | '?' | '$' | '!' | '-' => 1,
        _ if is_name => parameter.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?,
        _ => return None,
    };
    let (parameter, operation) = parameter.split_at(length);
    let next = operation.chars().next()?;
    let is_shell = match next {
        '}' => sign || !is_name,
        // Nix has a sum, a difference and names with a minus in them.
        '+' | '-' => parameter.chars().all(|c| !c.is_ascii_lowercase()) && !is_nix_name(operation),
        ':' | '%' | '#' | '^' | ',' | '/' | '=' | '[' | '?' | '@' => true,
        _ => false,
    };
    is_shell.then(|| closing(line)).flatten()
}

/// Returns whether the rest of a name, up to the `}`, is one of Nix.
fn is_nix_name(rest: &str) -> bool {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_-'".contains(c));
    end.is_some_and(|end| rest[end..].starts_with('}'))
}

/// Returns the end of the `}` that closes a `${` before the line.
fn closing(line: &str) -> Option<usize> {
    let mut depth = 1;
    for (index, c) in line.char_indices() {
        match c {
            '{' if line[..index].ends_with('$') => depth += 1,
            '}' if depth == 1 => return Some(index + 1),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}
