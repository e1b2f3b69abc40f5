//! Changes of objects, as pure functions: JSON patch, merge patch, strategic merge patch and server-side apply, and the
//! record of who owns which field.

mod apply;
mod fields;
mod managers;
mod request;
mod strategic;
mod walk;

pub use apply::{ApplyError, Conflict, apply, track_update};
pub use fields::{FieldSet, Step, display};
pub use managers::{Operation, Writer, keep_times};
pub use request::{PatchKind, patch};
pub use strategic::{BadPatch, strategic_merge};
pub use walk::{Comparison, WrongType, check, compare, fields_of, merge, reconciled, with_named_parents, without};
