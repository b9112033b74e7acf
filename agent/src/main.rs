//! The `wrongdoor` command.

fn main() {}
