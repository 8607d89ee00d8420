//! The `rspy` executable.

fn main() {}
