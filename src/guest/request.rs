//! The request: [`Request`] to the tar that a guest finds on its request disk.
//!
//! The tar holds shell texts that the agent sources, each at its moment: `settings` (assignments), `shares` and
//! `roots` (calls of the agent's functions), `job` (the command's environment and argument list); and `patterns`, for
//! `grep -E -f`. Every value is quoted, so that none is ever shell.

use std::io;

use thiserror::Error;

use super::artifacts::{self, PatternError};
use super::{Access, Mount, Request};
use crate::glob::plain;

/// The tag of the share whose files artifacts are taken from.
const WORKSPACE: &str = "workspace";

/// A request that no guest can carry out.
#[derive(Debug, Error)]
pub enum RequestError {
    /// There is nothing to run.
    #[error("the command is empty")]
    NoCommand,
    /// A value has a NUL, which no argument or variable can hold.
    #[error("{what} holds a NUL")]
    Nul {
        /// Which value.
        what: String,
    },
    /// A variable's name isn't one, or belongs to the agent.
    #[error("{0:?} can't be the name of an environment variable")]
    EnvName(String),
    /// A share's tag has other characters than letters, digits, `-` and `_`, or more than 36.
    #[error("{0:?} can't be the tag of a share")]
    Tag(String),
    /// An artifact glob isn't one.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The tar couldn't be put together.
    #[error("packing the request")]
    Tar(#[from] io::Error),
}

/// Returns the request as the bytes of a tar, a whole number of 512-byte blocks.
///
/// # Errors
/// When a value can't be told to a guest: see [`RequestError`].
pub fn encode(request: &Request) -> Result<Vec<u8>, RequestError> {
    let mut tar = tar::Builder::new(Vec::new());
    let files = [
        ("settings", settings(request)?.into_bytes()),
        ("shares", shares(request)?.into_bytes()),
        ("job", job(request)?.into_bytes()),
        ("patterns", patterns(&request.artifacts)?),
        ("roots", roots(&request.artifacts)?.into_bytes()),
    ];
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, content.as_slice())?;
    }
    Ok(tar.into_inner()?)
}

fn settings(request: &Request) -> Result<String, RequestError> {
    let workspace = request.shares.iter().find(|share| share.tag == WORKSPACE);
    let artifacts_root = workspace.map_or(&request.workdir, |share| &share.mount_point);
    Ok(format!(
        "uid={}\ntimeout={}\nepoch={}\nnetwork={}\nartifacts_root={}\n",
        request.uid,
        request.timeout_secs,
        request.epoch_secs,
        request.network,
        quote("the folder of the artifacts", artifacts_root)?,
    ))
}

fn shares(request: &Request) -> Result<String, RequestError> {
    let mut text = String::new();
    for Mount { tag, mount_point, access } in &request.shares {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=36).contains(&tag.len()) || !tag.bytes().all(plain) {
            return Err(RequestError::Tag(tag.clone()));
        }
        let access = match access {
            Access::ReadOnly => "read_only",
            Access::Overlay => "overlay",
            Access::Disk => "disk",
        };
        let mount_point = quote("a mount point", mount_point)?;
        line(&mut text, &["share", tag, &mount_point, access]);
    }
    Ok(text)
}

fn job(request: &Request) -> Result<String, RequestError> {
    if request.command.is_empty() {
        return Err(RequestError::NoCommand);
    }
    let mut text = String::new();
    for (name, value) in &request.env {
        if !is_variable_name(name) || name.starts_with(RESERVED_PREFIX) {
            return Err(RequestError::EnvName(name.clone()));
        }
        let value = quote(&format!("the environment variable {name}"), value)?;
        line(&mut text, &["export", &format!("{name}={value}")]);
    }
    let workdir = quote("the working folder", &request.workdir)?;
    line(&mut text, &[&format!("pikaci_workdir={workdir}")]);
    let mut words = vec!["set --".to_owned()];
    for word in &request.command {
        words.push(quote("the command", word)?);
    }
    line(&mut text, &words.iter().map(String::as_str).collect::<Vec<_>>());
    Ok(text)
}

fn patterns(globs: &[String]) -> Result<Vec<u8>, RequestError> {
    let mut text = Vec::new();
    for glob in globs.iter().flat_map(|glob| plain(glob)) {
        text.extend(artifacts::expression(&glob)?);
        text.push(b'\n');
    }
    Ok(text)
}

fn roots(globs: &[String]) -> Result<String, RequestError> {
    let mut text = String::new();
    let roots = artifacts::roots(globs);
    for (call, folders) in [("under", roots.outer), ("under_link", roots.inner)] {
        for folder in folders {
            line(&mut text, &[call, &quote("an artifact glob", &folder)?]);
        }
    }
    Ok(text)
}

fn line(text: &mut String, words: &[&str]) {
    text.push_str(&words.join(" "));
    text.push('\n');
}

/// Quotes a value for the shell: nothing has a meaning between single quotes but their end.
fn quote(what: &str, value: &str) -> Result<String, RequestError> {
    if value.contains('\0') {
        return Err(RequestError::Nul { what: what.to_owned() });
    }
    Ok(format!("'{}'", value.replace('\'', r"'\''")))
}

/// What the agent's own variables begin with where the command's are set, so that those names are taken.
pub const RESERVED_PREFIX: &str = "pikaci_";

/// Returns whether a shell can have a variable of this name; [`RESERVED_PREFIX`] is a rule of its own.
#[must_use]
pub fn is_variable_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(letter) && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
}
