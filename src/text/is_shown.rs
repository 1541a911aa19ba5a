//! The characters that a terminal shows.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicodeRange, HirKind};

/// Class of controls, formats (bidi, joiners, tags), private use, line separators, and characters without a width.
const HIDDEN: &str = r"[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]";

static HIDDEN_RANGES: LazyLock<Vec<ClassUnicodeRange>> = LazyLock::new(|| {
    let class = regex_syntax::parse(HIDDEN).map(regex_syntax::hir::Hir::into_kind);
    let Ok(HirKind::Class(Class::Unicode(class))) = class else { unreachable!("{HIDDEN} is a class") };
    class.ranges().to_vec()
});

/// Returns true if a terminal shows a character as it is, in its place and with a width.
#[must_use]
pub fn is_shown(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let ranges = &*HIDDEN_RANGES;
    let next = ranges.partition_point(|range| range.end() < c);
    ranges.get(next).is_none_or(|range| c < range.start())
}

#[cfg(test)]
mod tests {
    use super::is_shown;

    #[test]
    fn a_character_with_a_glyph_and_a_width_is_shown() {
        assert!("aé 日本\u{301}ñ😀~\u{fffd}".chars().all(is_shown));
        let hidden = "\0\t\n\u{1b}\u{7f}\u{85}\u{9b}\u{ad}\u{61c}\u{200b}\u{200d}\u{200f}\u{2028}\u{202e}\u{2060}\u{2066}\
                      \u{3164}\u{e000}\u{fe0f}\u{feff}\u{e0001}\u{e0100}\u{10fffd}";
        assert_eq!(hidden.chars().filter(|c| is_shown(*c)).collect::<String>(), "");
    }
}
