//! Secrets of a run: their values, and the masking of output that shows them. Pure.
//!
//! A value exists in memory alone: no type of this room can be serialized, and none prints a value.

mod automaton;
mod encodings;
mod forms;
mod mask_stream;
mod masks;
mod offset_map;
mod secret_value;
mod secrets;
#[cfg(test)]
mod tests;

pub use mask_stream::MaskStream;
pub use masks::Masks;
pub use offset_map::OffsetMap;
pub use secret_value::{MAX_SECRET, MAX_SECRETS, MIN_SECRET, SecretFault, SecretValue};
pub use secrets::Secrets;
