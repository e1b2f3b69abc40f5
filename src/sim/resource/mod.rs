//! Which resources the API serves: names, scope, verbs, subresources and the few rules that differ from kind to kind.
//! The built-in ones are a table; a `CustomResourceDefinition` adds its own at once and takes them away again.

mod builtin;
pub mod definition;
pub mod json_path;
mod registry;
mod types;

pub use builtin::{
    APP_PROJECTS, APPLICATIONS, CONFIG_MAPS, CRON_JOBS, CUSTOM_RESOURCE_DEFINITIONS, DAEMON_SETS, DEPLOYMENTS, EVENTS,
    JOBS, LEASES, NAMESPACES, NODES, PERSISTENT_VOLUME_CLAIMS, PODS, REPLICA_SETS, SECRETS, SERVICE_ACCOUNTS, SERVICES,
    STATEFUL_SETS, WORKFLOWS,
};
pub use registry::Resources;
pub use types::{GenerationRule, GroupResource, Printer, PrinterColumn, Resource, ScalePaths, ServedVersion};
