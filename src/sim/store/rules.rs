use serde_json::Value;

use super::options::{Operation, Part, WriteOptions};
use crate::sim::resource::Resource;
use crate::sim::status::{FieldError, Status};

/// What a rule may know of a write besides the objects.
#[derive(Debug, Clone, Copy)]
pub struct WriteContext<'a> {
    /// The resource that is written.
    pub resource: &'a Resource,
    /// The field manager.
    pub manager: &'a str,
    /// Name of the subresource, empty for the main resource.
    pub subresource: &'a str,
    /// What may change.
    pub part: Part,
    /// How the change enters `managedFields`.
    pub operation: Operation,
    /// When.
    pub now: jiff::Timestamp,
}

impl<'a> WriteContext<'a> {
    pub(super) fn new(resource: &'a Resource, options: &'a WriteOptions, now: jiff::Timestamp) -> Self {
        Self {
            resource,
            manager: &options.manager,
            subresource: &options.subresource,
            part: options.part,
            operation: options.operation,
            now,
        }
    }
}

/// What the store asks on every write but the raw ones: defaults, validation, `managedFields`.
///
/// The functions are pure: they see the objects and nothing else, and may be called again where two writers meet.
pub trait Rules: Send + Sync + 'static {
    /// Fills in what the kind defaults, on create and on update. `old` is what is stored.
    fn default(&self, context: WriteContext<'_>, object: &mut Value, old: Option<&Value>) {
        let _ = (context, object, old);
    }

    /// What is wrong with an object that is to be created, or with a change of it (immutable fields).
    fn validate(&self, context: WriteContext<'_>, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let _ = (context, object, old);
        Vec::new()
    }

    /// Brings `metadata.managedFields` of the new object up to date. It is called last, and only if the object changes.
    fn manage(&self, context: WriteContext<'_>, object: &mut Value, old: Option<&Value>) -> Result<(), Status> {
        let _ = (context, object, old);
        Ok(())
    }
}

/// No rules: everything that is JSON may be stored.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRules;

impl Rules for NoRules {}
