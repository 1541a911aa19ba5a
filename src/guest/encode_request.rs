//! [`Request`] to the tar on the guest's request disk.
//!
//! The tar holds shell texts that the agent sources: `settings` (assignments), `shares`, `caches`, `services`, `steps`
//! and `roots` (calls of the agent's functions), `job` (environment and working folder of all commands), one text for
//! each command (its argument list, and for a service its environment); a file for each secret that is one; and
//! `patterns`, for `grep -E -f`. Every value is quoted, so
//! that no value is run as shell code.

use std::collections::BTreeMap;
use std::io;

use thiserror::Error;

use super::artifact_globs::{PatternError, extended_regex, search_roots};
use super::contract::{REQUEST_FILES, RESERVED_PREFIX, SECRETS_FOLDER, SECRETS_PATH, WORKSPACE_TAG};
use super::request::{CacheMount, Mount, Request, SecretRequest, ServiceRequest, StepRequest};
use crate::glob::expand;

/// Error of a request that no guest can run.
#[derive(Debug, Error)]
pub enum RequestError {
    /// The command has no argument.
    #[error("the command is empty")]
    NoCommand,
    /// A value has a NUL, which no argument or variable can hold.
    #[error("{value} holds a NUL")]
    Nul {
        /// Description of the value.
        value: String,
    },
    /// The name of a variable has forbidden characters or the agent's prefix.
    #[error("{0:?} can't be the name of an environment variable")]
    EnvName(String),
    /// The tag of a share has characters besides letters, digits, `-` and `_`, or more than 36 characters.
    #[error("{0:?} can't be the tag of a share")]
    Tag(String),
    /// An artifact glob is invalid or matches nothing.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// Writing the tar failed.
    #[error("packing the request")]
    Tar(#[from] io::Error),
}

/// Returns the request as the bytes of a tar, a whole number of 512-byte blocks.
///
/// # Errors
/// When a value can't be encoded: see [`RequestError`].
pub fn encode_request(request: &Request) -> Result<Vec<u8>, RequestError> {
    if request.steps.is_empty() {
        return Err(RequestError::NoCommand);
    }
    let mut tar = tar::Builder::new(Vec::new());
    let mut add_with_mode = |name: &str, content: &[u8], mode| {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        tar.append_data(&mut header, name, content)
    };
    for secret in request.secrets.iter().filter(|secret| secret.as_file) {
        add_with_mode(&format!("{SECRETS_FOLDER}/{}", secret.name), secret.value.bytes(), 0o400)?;
    }
    let mut add = |name: &str, content: &[u8]| add_with_mode(name, content, 0o644);
    let contents = [
        settings(request)?.into_bytes(),
        shares(request)?.into_bytes(),
        caches(request)?.into_bytes(),
        job(request)?.into_bytes(),
        services(request).into_bytes(),
        steps(request).into_bytes(),
        patterns(&request.artifacts)?,
        roots(&request.artifacts)?.into_bytes(),
    ];
    for (name, content) in REQUEST_FILES.into_iter().zip(contents) {
        add(name, &content)?;
    }
    let no_env = BTreeMap::new();
    for (index, step) in request.steps.iter().enumerate() {
        add(&format!("step-{index}"), command(&no_env, &step.command)?.as_bytes())?;
    }
    for (index, service) in request.services.iter().enumerate() {
        add(&format!("service-{index}"), command(&service.env, &service.command)?.as_bytes())?;
        if let Some(ready) = &service.ready {
            add(&format!("ready-{index}"), command(&service.env, ready)?.as_bytes())?;
        }
    }
    Ok(tar.into_inner()?)
}

fn settings(request: &Request) -> Result<String, RequestError> {
    let workspace = request.shares.iter().find(|share| share.tag == WORKSPACE_TAG);
    let artifacts_root = workspace.map_or(&request.workdir, |share| &share.mount_point);
    Ok(format!(
        "uid={}\ntimeout={}\nepoch={}\nnetwork={}\nhas_disk={}\nartifacts_root={}\n",
        request.uid,
        request.timeout_secs,
        request.epoch_secs,
        request.network,
        request.has_disk,
        quote_value("the folder of the artifacts", artifacts_root)?,
    ))
}

fn shares(request: &Request) -> Result<String, RequestError> {
    let mut text = String::new();
    for Mount { tag, mount_point, access } in &request.shares {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=36).contains(&tag.len()) || !tag.bytes().all(is_allowed) {
            return Err(RequestError::Tag(tag.clone()));
        }
        let mount_point = quote_value("a mount point", mount_point)?;
        push_line(&mut text, &["share", tag, &mount_point, access.word()]);
    }
    Ok(text)
}

fn caches(request: &Request) -> Result<String, RequestError> {
    let mut text = String::new();
    for (number, CacheMount { mount_point, layers, merge }) in request.caches.iter().enumerate() {
        let mount_point = quote_value("the folder of a cache", mount_point)?;
        let layout = if *merge { "merge" } else { "stack" };
        push_line(&mut text, &["cache", &number.to_string(), &mount_point, &layers.to_string(), layout]);
    }
    Ok(text)
}

fn job(request: &Request) -> Result<String, RequestError> {
    let workdir = quote_value("the working folder", &request.workdir)?;
    let secrets = request.secrets.iter().map(|secret| (secret.name.clone(), variable(secret))).collect();
    Ok(exports(&request.env)? + &exports(&secrets)? + &format!("pikaci_workdir={workdir}\n"))
}

fn steps(request: &Request) -> String {
    let stall = request.stall_secs.unwrap_or_default();
    let steps = request.steps.iter().enumerate();
    let line = |(index, step): (usize, &StepRequest)| {
        format!("step {index} {} {} {stall}\n", step.when.name(), step.timeout_secs.unwrap_or_default())
    };
    steps.map(line).collect()
}

fn services(request: &Request) -> String {
    let services = request.services.iter().enumerate();
    let line = |(index, service): (usize, &ServiceRequest)| {
        let has_check = if service.ready.is_some() { "yes" } else { "no" };
        format!("service {index} {} {has_check}\n", service.timeout_secs)
    };
    services.map(line).collect()
}

fn command(env: &BTreeMap<String, String>, argv: &[String]) -> Result<String, RequestError> {
    if argv.is_empty() {
        return Err(RequestError::NoCommand);
    }
    let mut text = exports(env)?;
    let mut words = vec!["set --".to_owned()];
    for word in argv {
        words.push(quote_value("the command", word)?);
    }
    push_line(&mut text, &words.iter().map(String::as_str).collect::<Vec<_>>());
    Ok(text)
}

fn exports(env: &BTreeMap<String, String>) -> Result<String, RequestError> {
    let mut text = String::new();
    for (name, value) in env {
        if !is_variable_name(name) || name.starts_with(RESERVED_PREFIX) {
            return Err(RequestError::EnvName(name.clone()));
        }
        let value = quote_value(&format!("the environment variable {name}"), value)?;
        push_line(&mut text, &["export", &format!("{name}={value}")]);
    }
    Ok(text)
}

/// Returns the value of the variable of a secret.
fn variable(secret: &SecretRequest) -> String {
    if secret.as_file {
        return format!("{SECRETS_PATH}/{}", secret.name);
    }
    String::from_utf8_lossy(secret.value.bytes()).into_owned()
}

fn patterns(globs: &[String]) -> Result<Vec<u8>, RequestError> {
    let mut text = Vec::new();
    for glob in globs.iter().flat_map(|glob| expand(glob)) {
        text.extend(extended_regex(&glob)?);
        text.push(b'\n');
    }
    Ok(text)
}

fn roots(globs: &[String]) -> Result<String, RequestError> {
    let mut text = String::new();
    let roots = search_roots(globs);
    for (function, folders) in [("under", roots.outer), ("under_link", roots.inner)] {
        for folder in folders {
            push_line(&mut text, &[function, &quote_value("an artifact glob", &folder)?]);
        }
    }
    Ok(text)
}

fn push_line(text: &mut String, words: &[&str]) {
    text.push_str(&words.join(" "));
    text.push('\n');
}

/// Quotes a value for the shell: between single quotes only their end has a meaning.
fn quote_value(description: &str, value: &str) -> Result<String, RequestError> {
    if value.contains('\0') {
        return Err(RequestError::Nul { value: description.to_owned() });
    }
    Ok(format!("'{}'", value.replace('\'', r"'\''")))
}

/// Returns whether a shell can have a variable of this name. [`RESERVED_PREFIX`] isn't considered.
#[must_use]
pub fn is_variable_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(is_letter) && name.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}
