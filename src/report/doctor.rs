//! Findings of `pikaci doctor`.

use anstyle::AnsiColor;
use serde::Serialize;

use super::Page;
use super::page::Painted;
use super::schema_version::SCHEMA_VERSION;
use crate::plan::hypervisor::Hypervisor;
use crate::text::{count, plain};
use crate::tools::{Finding, Level};

/// Findings about a machine.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    schema_version: u32,
    /// Hypervisor that boots guests on the machine.
    hypervisor: Hypervisor,
    /// Findings, in the order in which a job needs their subjects.
    findings: Vec<Finding>,
}

impl Diagnosis {
    /// Creates the diagnosis of a machine.
    #[must_use]
    pub fn new(hypervisor: Hypervisor, findings: Vec<Finding>) -> Self {
        Self { schema_version: SCHEMA_VERSION, hypervisor, findings }
    }

    /// Returns the number of findings of a level.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }
}

/// Renders a line for each finding, with its remedy below, and a line with the conclusion.
#[must_use]
pub fn doctor(diagnosis: &Diagnosis) -> Page {
    let width = diagnosis.findings.iter().map(|finding| finding.topic.chars().count()).max().unwrap_or(0);
    let mut page = Page::default();
    for Finding { topic, level, message, remedy } in &diagnosis.findings {
        let color = match level {
            Level::Ok => AnsiColor::Green,
            Level::Warning => AnsiColor::Yellow,
            Level::Problem => AnsiColor::Red,
        };
        let word = Painted { word: level.word(), color, width: "warning".len() };
        page.painted_line("", word, format!("  {topic:width$}  {}", plain(message)));
        for (number, line) in remedy.iter().flat_map(|remedy| remedy.lines()).enumerate() {
            page.line(format!("         {}{}", if number == 0 { "hint: " } else { "      " }, plain(line)));
        }
    }
    let bad = [(Level::Problem, "problem"), (Level::Warning, "warning")];
    let bad = bad.map(|(level, noun)| (diagnosis.count(level), noun)).into_iter().filter(|(number, _)| *number > 0);
    let bad: Vec<String> = bad.map(|(number, noun)| count(number, noun)).collect();
    let conclusion = if diagnosis.count(Level::Problem) > 0 { "jobs can't run here" } else { "jobs can run here" };
    page.line(if bad.is_empty() { conclusion.to_owned() } else { format!("{conclusion}: {}", bad.join(", ")) });
    page
}

#[cfg(test)]
mod tests {
    use super::{Diagnosis, Finding, Hypervisor, Level, doctor};
    use crate::text::plain;

    fn finding(topic: &str, level: Level, message: &str, remedy: Option<&str>) -> Finding {
        Finding { topic: topic.to_owned(), level, message: message.to_owned(), remedy: remedy.map(str::to_owned) }
    }

    fn diagnosis(level: Level) -> Diagnosis {
        let all = [
            finding("nix", Level::Ok, "Nix 2.26 (/bin/nix)", None),
            finding("virtiofsd", Level::Warning, "prints\nnothing\u{1b}[2J", Some("read its log")),
            finding("builder", Level::Problem, "none", Some("add\n  two lines")),
        ];
        Diagnosis::new(Hypervisor::Qemu, all.into_iter().filter(|finding| finding.level <= level).collect())
    }

    #[test]
    fn each_finding_has_a_line_and_the_last_line_is_the_conclusion() {
        insta::assert_snapshot!(doctor(&diagnosis(Level::Problem)).render(false), @"
        ok       nix        Nix 2.26 (/bin/nix)
        warning  virtiofsd  prints nothing
                 hint: read its log
        problem  builder    none
                 hint: add
                         two lines
        jobs can't run here: 1 problem, 1 warning
        ");
        let last = |level| doctor(&diagnosis(level)).render(false).lines().last().unwrap().to_owned();
        assert_eq!(last(Level::Ok), "jobs can run here");
        assert_eq!(last(Level::Warning), "jobs can run here: 1 warning");
    }

    #[test]
    fn colors_change_no_text() {
        let colored = doctor(&diagnosis(Level::Problem)).render(true);
        assert!(colored.starts_with("\u{1b}[32mok\u{1b}[0m       nix"), "{colored}");
        assert!(colored.contains("\u{1b}[31mproblem\u{1b}[0m"), "{colored}");
        let lines = colored.lines().map(plain).collect::<Vec<_>>().join("\n") + "\n";
        assert_eq!(lines, doctor(&diagnosis(Level::Problem)).render(false));
    }

    #[test]
    fn json_has_every_field() {
        let value = serde_json::to_value(diagnosis(Level::Warning)).unwrap();
        let expected = serde_json::json!({
            "schema_version": 1,
            "hypervisor": "qemu",
            "findings": [
                { "topic": "nix", "level": "ok", "what": "Nix 2.26 (/bin/nix)", "remedy": null },
                {
                    "topic": "virtiofsd",
                    "level": "warning",
                    "what": "prints\nnothing\u{1b}[2J",
                    "remedy": "read its log",
                },
            ],
        });
        assert_eq!(value, expected);
    }
}
