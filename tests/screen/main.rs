//! Tests of everything an operator sees: the screen, and the program in a terminal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends by panicking")]

mod any_keys;
mod beside;
mod by_name;
#[path = "../model/cases.rs"]
mod cases;
mod commands;
mod dialogs;
#[path = "../talk/engine/world.rs"]
#[allow(dead_code, reason = "the tests of the engine use more of it")]
mod engine;
mod fleet;
#[path = "../talk/engine/git_server.rs"]
#[allow(dead_code, reason = "the tests of the engine use more of it")]
mod git_server;
mod harness;
mod keys;
mod looping;
mod mouse;
mod notices;
mod pages;
mod pictures;
#[cfg(unix)]
mod pty;
mod readme;
mod release;
#[path = "../model/timeline/replay.rs"]
#[allow(dead_code, reason = "the tests of the model use more of it")]
mod replay;
#[path = "../model/schema.rs"]
mod schema;
mod screens;
mod stage;
mod staged;
mod standing;
mod story;
mod styles;
mod unseen;
mod variants;
#[path = "../support/work_tree.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod work_tree;
