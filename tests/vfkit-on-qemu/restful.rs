//! The value of `--restful-uri`, parsed like Go's `url.ParseRequestURI` and vfkit's `pkg/rest`.

use std::fmt;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Serialize, Serializer};

/// The value that means no REST service in vfkit.
pub const NONE: &str = "none://";
/// The longest path of a socket on a Mac, in bytes: `sun_path` without the zero at its end.
const MAX_SOCKET_PATH: usize = 103;

/// The address of the REST service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A host and a port.
    Tcp(String),
    /// A path.
    Unix(String),
    /// No address, but a service is started, and vfkit ends at once; only `none://` starts none.
    Nowhere,
}

impl Endpoint {
    /// Parses the value.
    pub fn read(uri: &str) -> Result<Self> {
        let (scheme, host, path) = split(uri).with_context(|| format!("parse {uri:?}"))?;
        match scheme.as_str() {
            "none" => Ok(Self::Nowhere),
            "unix" => {
                ensure!(!path.is_empty(), "invalid unix uri: missing path");
                ensure!(host.is_empty(), "invalid unix uri: host is forbidden");
                ensure!(path.len() <= MAX_SOCKET_PATH, "invalid unix uri: socket path length exceeds macOS limits");
                Ok(Self::Unix(path))
            }
            "tcp" | "http" => {
                ensure!(!host.is_empty(), "invalid TCP uri: missing host");
                ensure!(path.is_empty(), "invalid TCP uri: path is forbidden");
                let port = host.rsplit_once(':').map_or("", |(_, port)| port);
                // The colon of an IPv6 address in brackets starts no port.
                ensure!(!port.is_empty() && !port.ends_with(']'), "invalid TCP uri: missing port");
                Ok(Self::Tcp(host))
            }
            other => bail!("invalid scheme {other}"),
        }
    }
}

/// Splits a URI into scheme, host and path.
fn split(uri: &str) -> Result<(String, String, String)> {
    ensure!(!uri.chars().any(|c| c.is_ascii_control()), "net/url: invalid control character in URL");
    ensure!(!uri.is_empty(), "empty url");
    let (scheme, rest) = scheme(uri)?;
    let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    if !rest.starts_with('/') {
        ensure!(!scheme.is_empty(), "invalid URI for request");
        // A URI without a slash is opaque: it has neither host nor path.
        return Ok((scheme, String::new(), String::new()));
    }
    let (host, path) = match rest.strip_prefix("//").filter(|_| !scheme.is_empty()) {
        Some(authority) => authority.split_at(authority.find('/').unwrap_or(authority.len())),
        None => ("", rest),
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let port = host.rsplit_once(':').map_or("", |(_, port)| port);
    ensure!(
        host.ends_with(']') || port.bytes().all(|byte| byte.is_ascii_digit()),
        "invalid port {:?} after host",
        format!(":{port}")
    );
    Ok((scheme, unescape(host)?, unescape(path)?))
}

fn scheme(uri: &str) -> Result<(String, &str)> {
    ensure!(!uri.starts_with(':'), "missing protocol scheme");
    let is_scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    match uri.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => Ok((scheme.to_ascii_lowercase(), rest)),
        _ => Ok((String::new(), uri)),
    }
}

/// Decodes `%2F` and the like.
fn unescape(text: &str) -> Result<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.with_context(|| format!("invalid URL escape {:?}", format!("%{part}")))?);
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).context("the stand-in accepts only UTF-8")
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host) => write!(f, "tcp://{host}"),
            Self::Unix(path) => write!(f, "unix://{path}"),
            Self::Nowhere => f.write_str(NONE),
        }
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
