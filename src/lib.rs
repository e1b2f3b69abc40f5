//! boathook: the lifecycle of Argo CD syncs and their hooks, in a terminal.

pub mod cli;
pub mod clock;
pub mod cluster;
pub mod domain;
pub mod git;
pub mod sim;
