//! A Kubernetes API server in the process, over real HTTP on loopback, with the controllers that hooks need.
//!
//! It shares no client code with `cluster`: two independent implementations keep each other honest.
//!
//! - [`store`]: the versioned objects, their life cycle rules and their watches; what etcd and the API server's generic
//!   registry are to Kubernetes. Everything else reads and writes through it.
//! - [`logs`]: what the containers of pods write, and the reading side of the `log` subresource.
//! - [`openapi`]: the types of the kinds, and the documents that publish them.
//! - [`patch`]: how a patch or an apply changes an object, and who owns which field.
//! - [`resource`]: which resources there are, their names, subresources and rules; CRDs add theirs while it runs.
//! - [`status`]: the errors of the API, with the codes, reasons and messages that clients rely on.
//! - [`validation`]: what the API server makes of the objects it is given: strict fields, defaults, the rules of kinds.
#![doc = include_str!("differences.md")]

pub mod access;
pub mod api;
pub mod controllers;
pub mod faults;
mod kubelet;
pub mod logs;
pub mod openapi;
pub mod patch;
mod protobuf;
pub mod resource;
pub mod server;
pub mod status;
pub mod store;
pub mod validation;
