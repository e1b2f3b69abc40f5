//! The model of Argo CD: applications, operations, hooks, health, the plan of a sync, its state machine and its
//! timeline. Pure: no input or output, no clock, no tasks; time is an argument.

pub mod application;
pub mod event;
pub mod findings;
pub mod health;
pub mod hook;
pub mod labels;
pub mod lenient;
pub mod live;
pub mod manifest;
pub mod names;
pub mod operation;
pub mod plan;
pub mod project;
pub mod request;
pub mod scenario;
pub mod secret;
pub mod step;
pub mod sync_options;
pub mod text;
pub mod timeline;
pub mod tracking;
