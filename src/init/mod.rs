//! A first job file for a project, from the files at its top. Pure.
//!
//! [`detect`] recognises builds by names and texts of files, [`render`] writes a job for each of them. No text of the
//! project gets into the code of the job file: commands are texts of pikaci, and a version stands in a comment.

mod build;
mod detect;
mod machine;
mod python;
mod render;
mod survey;
#[cfg(test)]
mod tests;

pub use build::Build;
pub use detect::detect;
pub use machine::{Machine, Toolchain};
pub use render::render;
pub use survey::{READ_FILES, Survey};
