//! The screen. One loop owns the [`Model`]; `update` is the only function that changes it, and asks for [`Effect`]s;
//! `view` only reads it. What a key or a `:` command can do is one list of [`Action`]s.

mod action;
mod keymap;
mod message;
mod model;
mod run;
mod settings;
mod start;
mod terminal;
mod theme;
mod update;
mod view;

pub use action::{Action, ActionInfo, Context};
pub use keymap::{Key, Keymap, Meaning, chord};
pub use message::{Effect, Effects, Message};
pub use model::{Model, Settings};
pub use run::{Port, Session, Source, run};
pub use settings::{Colors, SettingsError};
pub use start::start;
pub use theme::{Role, Theme, ThemeError};
pub use update::{update, wants};
pub use view::view;
