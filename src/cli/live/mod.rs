//! The live view without a screen: connecting, folding the stream of events into a picture, waiting until something
//! holds, and which applications are meant.

mod details;
mod failure;
mod hint;
mod outages;
mod picture;
mod review;
mod session;
mod targets;

pub(super) use details::Details;
pub(super) use failure::Failure;
pub(super) use hint::{Hints, full_name};
pub(super) use picture::{Known, News, Picture};
pub(super) use review::review;
pub(super) use session::{Needs, Session, Stop};
pub(super) use targets::Targets;
