//! Tests of everything that talks: to Git, and to the simulated cluster over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends by panicking")]

mod argo;
#[path = "../support/asked.rs"]
mod asked;
mod controllers;
mod engine;
mod engine_compare;
mod git;
mod http;
mod kubernetes;
mod patches;
mod sim_api;
mod sim_command;
mod sim_faults;
mod sim_helpers;
#[path = "../support/work_tree.rs"]
mod work_tree;
