//! What was found of a machine, for people, one line each.

use anstyle::AnsiColor;
use serde::Serialize;

use super::page::Painted;
use super::plain::plain;
use super::{Page, SCHEMA_VERSION, count};
use crate::doctor::{Finding, Level};
use crate::plan::hypervisor::Hypervisor;

/// What was found of a machine.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    schema_version: u32,
    /// What boots guests there.
    hypervisor: Hypervisor,
    /// What was found, in the order in which a job comes to need it.
    findings: Vec<Finding>,
}

impl Diagnosis {
    /// Returns the diagnosis of a machine.
    #[must_use]
    pub fn new(hypervisor: Hypervisor, findings: Vec<Finding>) -> Self {
        Self { schema_version: SCHEMA_VERSION, hypervisor, findings }
    }

    /// Returns how many findings are as bad as this.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }
}

/// Returns a line for each finding, with its remedy below, and what comes of all.
#[must_use]
pub fn doctor(diagnosis: &Diagnosis) -> Page {
    let width = diagnosis.findings.iter().map(|finding| finding.topic.chars().count()).max().unwrap_or(0);
    let mut page = Page::default();
    for Finding { topic, level, what, remedy } in &diagnosis.findings {
        let color = match level {
            Level::Ok => AnsiColor::Green,
            Level::Warning => AnsiColor::Yellow,
            Level::Problem => AnsiColor::Red,
        };
        let word = Painted { word: level.word(), color, width: "warning".len() };
        page.painted_line("", word, format!("  {topic:width$}  {}", plain(what)));
        for (number, line) in remedy.iter().flat_map(|remedy| remedy.lines()).enumerate() {
            page.line(format!("         {}{}", if number == 0 { "hint: " } else { "      " }, plain(line)));
        }
    }
    let bad = [(Level::Problem, "problem"), (Level::Warning, "warning")];
    let bad = bad.map(|(level, noun)| (diagnosis.count(level), noun)).into_iter().filter(|(number, _)| *number > 0);
    let bad: Vec<String> = bad.map(|(number, noun)| count(number, noun)).collect();
    let can = if diagnosis.count(Level::Problem) > 0 { "jobs can't run here" } else { "jobs can run here" };
    page.line(if bad.is_empty() { can.to_owned() } else { format!("{can}: {}", bad.join(", ")) });
    page
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::{Diagnosis, Finding, Hypervisor, Level, doctor};

    fn finding(topic: &str, level: Level, what: &str, remedy: Option<&str>) -> Finding {
        Finding { topic: topic.to_owned(), level, what: what.to_owned(), remedy: remedy.map(str::to_owned) }
    }

    fn diagnosis(level: Level) -> Diagnosis {
        let all = [
            finding("nix", Level::Ok, "Nix 2.26 (/bin/nix)", None),
            finding("virtiofsd", Level::Warning, "says\nnothing\u{1b}[2J", Some("see what it says")),
            finding("builder", Level::Problem, "none", Some("add\n  two lines")),
        ];
        Diagnosis::new(Hypervisor::Qemu, all.into_iter().filter(|finding| finding.level <= level).collect())
    }

    #[test]
    fn a_line_each_and_what_comes_of_all() {
        insta::assert_snapshot!(doctor(&diagnosis(Level::Problem)).render(false), @"
        ok       nix        Nix 2.26 (/bin/nix)
        warning  virtiofsd  says nothing
                 hint: see what it says
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
    fn colors_change_nothing_else() {
        let colored = doctor(&diagnosis(Level::Problem)).render(true);
        assert!(colored.starts_with("\u{1b}[32mok\u{1b}[0m       nix"), "{colored}");
        assert!(colored.contains("\u{1b}[31mproblem\u{1b}[0m"), "{colored}");
        let lines = colored.lines().map(plain).collect::<Vec<_>>().join("\n") + "\n";
        assert_eq!(lines, doctor(&diagnosis(Level::Problem)).render(false));
    }

    #[test]
    fn json_has_everything_in_place() {
        let value = serde_json::to_value(diagnosis(Level::Warning)).unwrap();
        let expected = serde_json::json!({
            "schema_version": 1,
            "hypervisor": "qemu",
            "findings": [
                { "topic": "nix", "level": "ok", "what": "Nix 2.26 (/bin/nix)", "remedy": null },
                {
                    "topic": "virtiofsd",
                    "level": "warning",
                    "what": "says\nnothing\u{1b}[2J",
                    "remedy": "see what it says",
                },
            ],
        });
        assert_eq!(value, expected);
    }
}
