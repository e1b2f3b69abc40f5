//! The program `boathook`: arguments, then one of its commands.

fn main() {}
