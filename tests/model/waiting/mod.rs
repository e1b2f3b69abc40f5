//! Why objects are not healthy yet: tables of realistic objects, recordings, and random ones.

mod given;
mod jobs;
mod others;
mod pods;
mod random;
mod recorded;
