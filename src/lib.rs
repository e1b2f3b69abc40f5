//! boathook: the lifecycle of Argo CD syncs and their hooks, in a terminal.

pub mod clock;
pub mod domain;
pub mod sim;
