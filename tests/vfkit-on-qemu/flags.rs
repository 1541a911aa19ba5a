//! Flags as pflag 1.0.10 parses them: the words that are flags, and the sources of their values.

use anyhow::{Result, anyhow, bail};

/// A flag.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// The name behind `--`.
    pub name: &'static str,
    /// The letter behind `-`.
    pub shorthand: Option<char>,
    /// The type of the value; `None` for a flag that is true without a value.
    pub value: Option<&'static str>,
    /// Purpose of the flag.
    pub help: &'static str,
}

/// Sets a flag to a value, or returns the reason for a refusal.
pub type Set<'a> = dyn FnMut(&Flag, &str) -> Result<(), String> + 'a;

impl Flag {
    fn set(&self, value: &str, set: &mut Set<'_>) -> Result<()> {
        let name = match self.shorthand {
            Some(letter) => format!("-{letter}, --{}", self.name),
            None => format!("--{}", self.name),
        };
        set(self, value).map_err(|cause| anyhow!("invalid argument {value:?} for {name:?} flag: {cause}"))
    }
}

/// Sets each flag of a command line in its order, and returns the other words.
pub fn parse(flags: &[Flag], args: &[String], set: &mut Set<'_>) -> Result<Vec<String>> {
    let mut others = Vec::new();
    let mut args = args.iter().map(String::as_str);
    while let Some(word) = args.next() {
        match word.strip_prefix('-') {
            Some("-") => {
                others.extend(args.map(str::to_owned));
                break;
            }
            None | Some("") => others.push(word.to_owned()),
            Some(short) => match short.strip_prefix('-') {
                Some(long) => parse_long(flags, long, &mut args, set)?,
                None => parse_short(flags, short, &mut args, set)?,
            },
        }
    }
    Ok(others)
}

fn parse_long<'a>(flags: &[Flag], word: &str, rest: &mut impl Iterator<Item = &'a str>, set: &mut Set) -> Result<()> {
    if word.starts_with(['-', '=']) {
        bail!("bad flag syntax: --{word}");
    }
    let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    let Some(flag) = flags.iter().find(|flag| flag.name == name) else { bail!("unknown flag: --{name}") };
    let value = match (value, flag.value) {
        (Some(value), _) => value,
        (None, None) => "true",
        (None, Some(_)) => rest.next().ok_or_else(|| anyhow!("flag needs an argument: --{name}"))?,
    };
    flag.set(value, set)
}

fn parse_short<'a>(flags: &[Flag], word: &str, rest: &mut impl Iterator<Item = &'a str>, set: &mut Set) -> Result<()> {
    let mut group = word;
    while let Some(letter) = group.chars().next() {
        // pflag skips flags of `go test`.
        if group.starts_with("test.") {
            break;
        }
        let Some(flag) = flags.iter().find(|flag| flag.shorthand == Some(letter)) else {
            bail!("unknown shorthand flag: {letter:?} in -{group}")
        };
        let behind = &group[letter.len_utf8()..];
        let value = match (behind.strip_prefix('='), flag.value) {
            (Some(value), _) if !value.is_empty() => value,
            (_, None) => {
                flag.set("true", set)?;
                group = behind;
                continue;
            }
            (_, Some(_)) if !behind.is_empty() => behind,
            (_, Some(_)) => rest.next().ok_or_else(|| anyhow!("flag needs an argument: {letter:?} in -{group}"))?,
        };
        return flag.set(value, set);
    }
    Ok(())
}
