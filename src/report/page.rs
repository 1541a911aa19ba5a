//! Printed lines.

use anstyle::{AnsiColor, Style};

use crate::text::one_line;

/// Lines of text, each with one colored word at most.
///
/// Names and messages in a line may come from guests and projects. Their hidden characters are spelled out, so a line
/// stays one line, and only painted words have control sequences.
#[derive(Clone, Debug, Default)]
pub struct Page {
    lines: Vec<Line>,
}

/// Word in a color, padded to a width.
#[derive(Clone, Copy, Debug)]
pub struct Painted {
    /// Word.
    pub word: &'static str,
    /// Color.
    pub color: AnsiColor,
    /// Smallest width, in characters.
    pub width: usize,
}

#[derive(Clone, Debug)]
struct Line {
    before: String,
    painted: Option<(Painted, String)>,
}

impl Page {
    /// Adds a line.
    pub fn line(&mut self, text: impl Into<String>) {
        self.lines.push(Line { before: text.into(), painted: None });
    }

    /// Adds a line with a painted word in it.
    pub fn painted_line(&mut self, before: impl Into<String>, painted: Painted, after: impl Into<String>) {
        self.lines.push(Line { before: before.into(), painted: Some((painted, after.into())) });
    }

    /// Adds the lines of another page.
    pub fn append(&mut self, page: Self) {
        self.lines.extend(page.lines);
    }

    /// Returns the text; each line ends with a newline.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        self.lines.iter().map(|line| line.render(color) + "\n").collect()
    }
}

impl From<String> for Page {
    fn from(line: String) -> Self {
        Self { lines: vec![Line { before: line, painted: None }] }
    }
}

impl Line {
    fn render(&self, color: bool) -> String {
        let Some((Painted { word, color: shade, width }, after)) = &self.painted else {
            return one_line(self.before.trim_end());
        };
        let style = if color { Style::new().fg_color(Some((*shade).into())) } else { Style::new() };
        let fill = width.saturating_sub(word.chars().count());
        let after = format!("{:fill$}{}", "", one_line(after));
        format!("{}{style}{word}{style:#}{}", one_line(&self.before), after.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use anstyle::AnsiColor;
    use proptest::prelude::*;

    use super::{Page, Painted};

    const PASSED: Painted = Painted { word: "passed", color: AnsiColor::Green, width: 8 };

    #[test]
    fn a_value_adds_no_color_and_no_line() {
        let mut page = Page::default();
        page.painted_line("a\u{1b}[32mb ", PASSED, "\nhint: rm -rf \u{202e}/  ");
        page.line("two\nlines ");
        let text = "passed  \\nhint: rm -rf \\u{202e}/\ntwo\\nlines\n";
        assert_eq!(page.render(false), format!("a\\u{{1b}}[32mb {text}"));
        let text = text.replace("passed", "\u{1b}[32mpassed\u{1b}[0m");
        assert_eq!(page.render(true), format!("a\\u{{1b}}[32mb {text}"));
    }

    proptest! {
        #[test]
        fn a_page_has_only_shown_characters_and_its_own_colors(
            before in any::<String>(), after in "(\\PC|\\p{C}|\u{1b}\\[[0-9;]*m){0,40}", line in any::<String>(),
        ) {
            let mut page = Page::default();
            page.painted_line(before, PASSED, after);
            page.line(line);
            let text = page.render(true);
            prop_assert_eq!(text.matches("\u{1b}[32mpassed\u{1b}[0m").count(), 1);
            let text = text.replacen("\u{1b}[32mpassed\u{1b}[0m", "", 1);
            prop_assert_eq!(text.lines().count(), 2);
            prop_assert!(text.chars().all(|c| c == '\n' || c == '\t' || crate::text::is_shown(c)), "{:?}", text);
        }
    }
}
