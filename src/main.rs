//! The `pikaci` command.

fn main() {}
