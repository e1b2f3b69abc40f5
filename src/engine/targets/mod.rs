//! What should live in the cluster: sources resolved, fetched, rendered, and stamped with Argo CD's tracking id.

mod credentials;
mod fetch;
mod render;
mod spec;
mod stamp;

pub(crate) use fetch::{Fetch, Fetched};
pub(crate) use render::{Renderings, Targets, Wanted, local, targets};
pub(crate) use spec::{SourcePath, check_operation, check_recorded, check_spec, read_spec, unknown};
pub(crate) use stamp::{instance_name, is_tracked};
