//! Whole screens as an operator meets them: the real loop and the real live view on a simulated cluster, over HTTP, with
//! a clock that the test drives. Keys go in, and at three sizes the picture that comes out is held against a snapshot:
//! its text, and its styles by the names of the theme's roles.

mod application;
mod dialogs;
mod list;
mod logs;
mod pages;
mod recorded;
mod roles;
mod show;
mod starts;
mod trouble;
mod waits;
mod world;
