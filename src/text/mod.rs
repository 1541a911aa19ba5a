//! Text for people and shells: quoting, plain text, escapes, sizes and counts. Pure, and below all other rooms.
//!
//! Guests, projects and state folders choose names, messages and output. A terminal obeys control characters, and hides
//! or moves text at a format character; [`is_shown()`] is the one rule for the characters that stay.

mod count;
mod escape;
mod first_lines;
mod is_shown;
mod plain;
mod quote;
mod size;
mod terminal_filter;

pub use count::count;
pub use escape::{escape, escape_json, one_line};
pub use first_lines::{MAX_LINES, first_lines};
pub use is_shown::is_shown;
pub use plain::{LINE, MESSAGE, cut, plain};
pub use quote::{quote, unquote};
pub use size::size;
pub use terminal_filter::TerminalFilter;
