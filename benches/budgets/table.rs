//! Measurements as text.

use std::fmt::Write as _;
use std::time::Duration;

use crate::sample::Figure;

/// A row of the table.
pub struct Row {
    /// The measured feature.
    pub name: &'static str,
    /// The figures; the checks name them A, B, C, ….
    pub figures: Vec<Figure>,
    /// The checks of the figures; none if the feature isn't built yet.
    pub checks: Vec<Check>,
}

/// A ratio, with its bound if it has one.
pub struct Check {
    /// The figure.
    pub of: usize,
    /// The other part of the ratio.
    pub to: To,
    /// The highest allowed ratio.
    pub bound: Option<f64>,
}

/// The other part of a ratio.
#[derive(Clone, Copy)]
pub enum To {
    /// Another figure.
    Figure(usize),
    /// A time.
    Time(Duration),
}

impl Row {
    /// Returns the row of a feature that isn't built yet.
    pub fn not_built(name: &'static str) -> Self {
        Self { name, figures: Vec::new(), checks: Vec::new() }
    }

    fn ratio(&self, check: &Check) -> f64 {
        let to = match check.to {
            To::Figure(place) => self.figures[place].median(),
            To::Time(time) => time,
        };
        self.figures[check.of].median().as_secs_f64() / to.as_secs_f64()
    }
}

impl Check {
    /// Compares a figure with the longest allowed time.
    pub fn within(of: usize, time: Duration) -> Self {
        Self { of, to: To::Time(time), bound: Some(1.0) }
    }

    /// Compares a figure with another one, with a bound on the ratio.
    pub fn at_most(of: usize, bound: f64, to: usize) -> Self {
        Self { of, to: To::Figure(to), bound: Some(bound) }
    }

    /// Compares two figures without a bound.
    pub fn only(of: usize, to: usize) -> Self {
        Self { of, to: To::Figure(to), bound: None }
    }

    fn name(&self) -> String {
        match self.to {
            To::Figure(place) => format!("{} / {}", letter(self.of), letter(place)),
            To::Time(time) => format!("{} / {} ms", letter(self.of), time.as_millis()),
        }
    }
}

/// Returns the figures of a row, with their commands.
pub fn details(row: &Row) -> String {
    let mut text = format!("\n{}\n", row.name);
    text += "       median         min         max    n";
    for (place, figure) in row.figures.iter().enumerate() {
        let (min, max, count) = figure.range();
        let [median, min, max] = [figure.median(), min, max].map(|time| format!("{:.1} ms", time.as_secs_f64() * 1e3));
        let line = format!("\n  {} {median:>11} {min:>11} {max:>11} {count:>4}  ", letter(place));
        text += &(line + &figure.command);
    }
    text
}

/// Returns the table: each ratio of medians, its bound, and whether it is within the bound.
pub fn table(rows: &[Row]) -> String {
    let mut text = format!("\n{:<36} {:<10} {:>7} {:>7}", "what", "medians", "ratio", "bound");
    for row in rows {
        if row.checks.is_empty() {
            // Writing to a string doesn't fail.
            write!(text, "\n{:<36} not built yet", row.name).ok();
        }
        for (place, check) in row.checks.iter().enumerate() {
            let name = if place == 0 { row.name } else { "" };
            let ratio = row.ratio(check);
            let bound = check.bound.map_or_else(|| "-".to_owned(), |bound| format!("{bound:.2}"));
            let verdict = match check.bound {
                Some(bound) if ratio <= bound => "  ok",
                Some(_) => "  over",
                None => "",
            };
            write!(text, "\n{name:<36} {:<10} {ratio:>7.3} {bound:>7}{verdict}", check.name()).ok();
        }
    }
    text + "\n"
}

fn letter(place: usize) -> char {
    ('A'..='Z').nth(place).unwrap_or('?')
}
