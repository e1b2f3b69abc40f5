//! What makes an object a hook: its kinds, its delete policies, its wave and the name it will get, as Argo CD reads them
//! from the object's annotations (its own and Helm's).

mod classify;
mod name;
mod policy;
mod suggest;
mod token;
mod types;
mod wave;

pub use classify::{Classification, Derived, Hook, classify};
pub use name::{generated_name, is_dns_label, is_dns_subdomain};
pub use policy::{DeletePolicies, delete_policies};
pub(in crate::domain) use suggest::distance;
pub use suggest::{Unused, UnusedReason};
pub use token::{Dialect, Token, tokens};
pub use types::{DeletePhase, DeletePolicy, HookType, SyncPhase};
pub use wave::{Wave, WaveOrigin, read_wave, wave};
