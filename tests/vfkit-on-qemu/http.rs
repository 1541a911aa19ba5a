//! HTTP for vfkit's REST calls, as strict as Go's server.

use std::io::{self, BufRead, Read as _, Write};

/// The longest line and the longest body, in bytes.
const LIMIT: usize = 1 << 20;

/// A request.
#[derive(Debug)]
pub struct Request {
    /// GET, POST and the like.
    pub method: String,
    /// Path of the request, without the part behind a question mark.
    pub path: String,
    /// Body of the request.
    pub body: Vec<u8>,
    /// True for the last request of a connection.
    pub last: bool,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub code: u16,
    /// Type of the content.
    pub kind: &'static str,
    /// The content.
    pub body: String,
}

impl Answer {
    /// Creates a response with text.
    pub fn text(code: u16, body: impl Into<String>) -> Self {
        Self { code, kind: "text/plain; charset=utf-8", body: body.into() }
    }

    /// Writes the response.
    pub fn write(&self, writer: &mut impl Write, last: bool) -> io::Result<()> {
        let reason = match self.code {
            200 => "OK",
            202 => "Accepted",
            400 => "Bad Request",
            404 => "Not Found",
            _ => "Internal Server Error",
        };
        let kind = if self.body.is_empty() { String::new() } else { format!("Content-Type: {}\r\n", self.kind) };
        let close = if last { "Connection: close\r\n" } else { "" };
        let Self { code, body, .. } = self;
        // A single write, so that a client that reads once gets the whole response.
        let text = format!("HTTP/1.1 {code} {reason}\r\n{kind}{close}Content-Length: {}\r\n\r\n{body}", body.len());
        writer.write_all(text.as_bytes())
    }
}

/// Reads a request; `None` is the end of the connection, and the inner error a mistake of the request.
pub fn read(reader: &mut impl BufRead) -> io::Result<Option<Result<Request, &'static str>>> {
    let Some(first) = line(reader)? else { return Ok(None) };
    let Some((method, target, old)) = request_line(&first) else { return Ok(Some(Err(""))) };
    let (mut length, mut last, mut host) = (0, old, false);
    loop {
        let Some(line) = line(reader)? else { return Ok(None) };
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':').filter(|(name, _)| is_token(name)) else {
            return Ok(Some(Err("")));
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => match value.parse() {
                Ok(number) if number <= LIMIT => length = number,
                _ => return Ok(Some(Err(": bad Content-Length"))),
            },
            "transfer-encoding" => return Ok(Some(Err(": the stand-in takes bodies in one piece alone"))),
            "connection" if value.eq_ignore_ascii_case("close") => last = true,
            "host" => host = true,
            _ => {}
        }
    }
    if !host && !old {
        return Ok(Some(Err(": missing required Host header")));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Ok(Request { method, path: path(target), body, last })))
}

/// Returns the method, the target, and true for HTTP/1.0.
fn request_line(line: &str) -> Option<(String, &str, bool)> {
    let (method, rest) = line.split_once(' ')?;
    let (target, version) = rest.split_once(' ')?;
    let good = is_token(method) && (target.starts_with('/') || target.starts_with("http://"));
    let good = good && ["HTTP/1.0", "HTTP/1.1"].contains(&version);
    good.then(|| (method.to_owned(), target, version == "HTTP/1.0"))
}

fn is_token(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

fn path(target: &str) -> String {
    let target = match target.strip_prefix("http://") {
        Some(behind) => behind.find('/').map_or("/", |at| &behind[at..]),
        None => target,
    };
    target.split('?').next().unwrap_or_default().to_owned()
}

/// Reads a line without its end; `None` at the end of the stream.
fn line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    reader.take(LIMIT as u64).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&bytes);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Some(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}
