//! Commands, steps and shells.

use std::collections::BTreeSet;

use super::reader::{Field, Fields, Reader};
use super::sizes::check_length;
use super::{inner_keys, timeout};
use crate::config::command::Command;
use crate::config::eval::{Attr, ValueKind};
use crate::config::problem::quoted;
use crate::config::shell::Shell;
use crate::config::step::Step;
use crate::guest::When;
use crate::guest::contract::MAX_STEPS;

/// Reads the steps of a job, or its command as its only step.
pub(super) fn read_steps(reader: &mut Reader, name: &str, attr: &Attr, fields: &Fields) -> Option<Vec<Step>> {
    let (command, steps) = (fields.get("command"), fields.get("steps"));
    match (command, steps) {
        (Some(_), Some(steps)) => {
            let message = format!("the job {} has a command and steps", quoted(name));
            reader.refuse(&steps.value.at, message, "remove one of them, or make the command a step");
            None
        }
        (Some(command), None) => {
            let command = read_command(reader, &command)?;
            Some(vec![Step { name: String::new(), command, timeout_secs: None, when: When::default() }])
        }
        (None, Some(steps)) => read_list(reader, &steps),
        (None, None) => {
            if fields.is_missing("command") && fields.is_missing("steps") {
                let message = format!("the job {} has no command", quoted(name));
                reader.refuse(&attr.name_at, message, "write `command = \"make test\";`");
            }
            None
        }
    }
}

fn read_list(reader: &mut Reader, field: &Field) -> Option<Vec<Step>> {
    let sets = reader.sets(field)?;
    if sets.is_empty() {
        reader.refuse(&field.value.at, format!("`{}` has no step", field.path), field.hint());
    } else if sets.len() > MAX_STEPS {
        let message = format!("`{}` has {} steps", field.path, sets.len());
        reader.refuse(&field.value.at, message, format!("write at most {MAX_STEPS}, or put several commands into one"));
    }
    let mut names = BTreeSet::new();
    let mut steps = Vec::new();
    for (path, attrs, at) in sets {
        let fields = reader.fields(&path, attrs, inner_keys::STEP);
        let name = fields.get("name").and_then(|field| reader.line(&field));
        if fields.is_missing("name") {
            reader.refuse(at, format!("`{path}` has no name"), "write `name = \"build\";`");
        }
        if let Some(name) = &name {
            reader.check_name(&field.path, name, at);
            if !names.insert(name.clone()) {
                let message = format!("two steps in `{}` are named {}", field.path, quoted(name));
                reader.refuse(at, message, "name one of them differently");
            }
        }
        let timeout_secs = timeout::read(reader, &fields, "timeout");
        let when = read_when(reader, &fields).unwrap_or_default();
        let command = fields.get("command").and_then(|field| read_command(reader, &field));
        if fields.is_missing("command") {
            reader.refuse(at, format!("`{path}` has no command"), "write `command = \"make test\";`");
        }
        if let (Some(name), Some(command)) = (name, command) {
            steps.push(Step { name, command, timeout_secs, when });
        }
    }
    Some(steps)
}

/// Reads a command: a script, or a program with its arguments.
pub(super) fn read_command(reader: &mut Reader, field: &Field) -> Option<Command> {
    if let ValueKind::Str(script) = &field.value.kind {
        check_length(reader, field, script.len(), &field.value.at);
        if script.contains("\r\n") {
            let message =
                format!("`{}` has Windows line endings, which a shell reads as part of each command", field.path);
            let hint = "save the file with Unix line endings; in git: `pikaci.nix text eol=lf` in .gitattributes";
            reader.refuse(&field.value.at, message, hint);
        }
        if script.trim().is_empty() {
            reader.refuse(&field.value.at, format!("`{}` is empty", field.path), field.hint());
        }
        return Some(Command::Script(script.to_string()));
    }
    let hint = "write the program and its arguments: `command = [ \"make\" \"test\" ];`";
    read_argv(reader, field, hint).map(Command::Argv)
}

/// Reads a program and its arguments; another value than a list is refused as a wrong type.
fn read_argv(reader: &mut Reader, field: &Field, hint: &str) -> Option<Vec<String>> {
    let arguments = reader.strings(field)?;
    for (argument, at) in &arguments {
        check_length(reader, field, argument.len(), at);
    }
    if arguments.first().is_none_or(|(program, _)| program.is_empty()) {
        reader.refuse(&field.value.at, format!("`{}` names no program", field.path), hint);
    }
    Some(arguments.into_iter().map(|(argument, _)| argument.to_string()).collect())
}

pub(super) fn read_shell(reader: &mut Reader, fields: &Fields) -> Option<Shell> {
    let field = fields.get("shell")?;
    let hint = "write `shell = \"bash\";`, `shell = \"sh\";`, or a list: `shell = [ \"python3\" \"-c\" ];`";
    match &field.value.kind {
        ValueKind::Str(name) if &**name == "sh" => Some(Shell::Sh),
        ValueKind::Str(name) if &**name == "bash" => Some(Shell::Bash),
        ValueKind::Str(name) => {
            reader.refuse(&field.value.at, format!("`{}` can't be {}", field.path, quoted(name)), hint);
            None
        }
        _ => read_argv(reader, &field, hint).map(Shell::Program),
    }
}

pub(super) fn read_when(reader: &mut Reader, fields: &Fields) -> Option<When> {
    let field = fields.get("when")?;
    let name = reader.string(&field)?;
    let when = When::ALL.into_iter().find(|when| when.name() == &**name);
    if when.is_none() {
        let hint = reader.suggest(name, When::ALL.map(When::name), "write \"passed\", \"failed\" or \"always\"");
        reader.refuse(&field.value.at, format!("`{}` can't be {}", field.path, quoted(name)), hint);
    }
    when
}
