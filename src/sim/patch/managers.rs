//! `metadata.managedFields`: who owns which fields of an object, since when, and how the list is written.

use std::cmp::Ordering;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::fields::FieldSet;

/// How many managers of operation `Update` an object keeps apart; older ones are joined.
const MOST_UPDATERS: usize = 10;

/// The manager under whose name old updates are joined.
const ANCIENT: &str = "ancient-changes";

/// Whether a manager applied its fields or wrote them in another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Anything else.
    Update,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// Who writes, to what, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// Name of the field manager; a client that names none is known by its user agent.
    pub manager: String,
    /// `apiVersion` in which it writes.
    pub api_version: String,
    /// Subresource it writes to, empty for the main resource.
    pub subresource: String,
    /// When.
    pub time: Timestamp,
}

/// One entry of `managedFields`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Manager {
    pub(super) name: String,
    pub(super) operation: Operation,
    pub(super) api_version: String,
    pub(super) subresource: String,
    pub(super) time: Option<Timestamp>,
    pub(super) fields: FieldSet,
}

impl Manager {
    pub(super) fn new(writer: &Writer, operation: Operation) -> Self {
        let name = if writer.manager.is_empty() { "unknown" } else { &writer.manager };
        Self {
            name: name.to_owned(),
            operation,
            api_version: writer.api_version.clone(),
            subresource: writer.subresource.clone(),
            time: Some(writer.time),
            fields: FieldSet::default(),
        }
    }

    /// Whether both are one manager. An applier is the same in all versions.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.name == other.name
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.operation == Operation::Apply || self.api_version == other.api_version)
    }

    /// As a conflict names it.
    pub(super) fn display(&self) -> String {
        let mut text = format!("{:?}", self.name);
        if !self.subresource.is_empty() {
            let _ = write!(text, " with subresource {:?}", self.subresource);
        }
        if self.operation == Operation::Update {
            let _ = write!(text, " using {}", self.api_version);
        }
        text
    }

    fn seconds(&self) -> i64 {
        self.time.map_or(0, Timestamp::as_second)
    }

    fn order(&self, other: &Self) -> Ordering {
        let key = |manager: &Self| (manager.operation, manager.seconds());
        let names = |manager: &Self| (manager.name.clone(), manager.api_version.clone(), manager.subresource.clone());
        key(self).cmp(&key(other)).then_with(|| names(self).cmp(&names(other)))
    }

    fn from_json(entry: &Value) -> Option<Self> {
        let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
        let operation = match text("operation") {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            _ => return None,
        };
        if text("apiVersion").is_empty() || text("fieldsType") != "FieldsV1" {
            return None;
        }
        let fields = match entry.get("fieldsV1") {
            None | Some(Value::Null) => FieldSet::default(),
            Some(fields) => FieldSet::from_json(fields)?,
        };
        Some(Self {
            name: text("manager").to_owned(),
            operation,
            api_version: text("apiVersion").to_owned(),
            subresource: text("subresource").to_owned(),
            time: text("time").parse().ok(),
            fields,
        })
    }

    fn to_json(&self) -> Value {
        let mut entry = Map::new();
        if !self.name.is_empty() {
            entry.insert("manager".to_owned(), json!(self.name));
        }
        entry.insert("operation".to_owned(), json!(self.operation.as_str()));
        entry.insert("apiVersion".to_owned(), json!(self.api_version));
        if let Some(time) = self.time {
            entry.insert("time".to_owned(), json!(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
        }
        entry.insert("fieldsType".to_owned(), json!("FieldsV1"));
        entry.insert("fieldsV1".to_owned(), self.fields.to_json());
        if !self.subresource.is_empty() {
            entry.insert("subresource".to_owned(), json!(self.subresource));
        }
        Value::Object(entry)
    }
}

/// All managers of an object.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Managers(pub(super) Vec<Manager>);

impl Managers {
    /// Reads `managedFields`; `None` where one entry is not as it should be.
    pub(super) fn read(list: Option<&Value>) -> Option<Self> {
        let list = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut managers = Self::default();
        for entry in list {
            // Of two entries of one manager the last counts.
            let manager = Manager::from_json(entry)?;
            managers.0.retain(|other| !other.is(&manager));
            managers.0.push(manager);
        }
        Some(managers)
    }

    /// The managers of a stored object; none where they cannot be read.
    pub(super) fn of(object: Option<&Value>) -> Self {
        Self::read(object.and_then(|object| object.pointer("/metadata/managedFields"))).unwrap_or_default()
    }

    /// Writes `managedFields` into an object, and takes the field away where nobody owns anything.
    pub(super) fn write(mut self, object: &mut Value) {
        self.0.retain(|manager| !manager.fields.is_empty());
        self.0.sort_by(Manager::order);
        let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
        if self.0.is_empty() {
            metadata.remove("managedFields");
        } else {
            metadata.insert("managedFields".to_owned(), self.0.iter().map(Manager::to_json).collect());
        }
    }

    /// The entry of a manager, made where there is none.
    pub(super) fn entry(&mut self, like: Manager) -> &mut Manager {
        let at = self.0.iter().position(|manager| manager.is(&like)).unwrap_or_else(|| {
            self.0.push(like);
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// Joins the oldest updaters where there are too many of them.
    pub(super) fn join_ancient(&mut self) {
        let updaters = |managers: &Self| -> Vec<Manager> {
            let mut list: Vec<_> =
                managers.0.iter().filter(|manager| manager.operation == Operation::Update).cloned().collect();
            list.sort_by(Manager::order);
            list
        };
        let list = updaters(self);
        let mut count = list.len();
        let mut first: Vec<Manager> = Vec::new();
        for manager in list {
            if count <= MOST_UPDATERS {
                break;
            }
            let Some(before) = first.iter().find(|other| other.api_version == manager.api_version).cloned() else {
                first.push(manager);
                continue;
            };
            let bucket = Manager {
                name: ANCIENT.to_owned(),
                subresource: String::new(),
                fields: FieldSet::default(),
                ..manager.clone()
            };
            if !self.0.iter().any(|other| other.is(&bucket)) {
                self.0.retain(|other| !other.is(&before));
                self.0.push(Manager { fields: before.fields.clone(), ..bucket.clone() });
            }
            self.0.retain(|other| !other.is(&manager) || other.is(&bucket));
            let joined = self.entry(bucket);
            joined.fields = std::mem::take(&mut joined.fields).union(&manager.fields);
            joined.time = manager.time;
            count -= 1;
        }
    }
}

/// Takes the old times back where nothing else of the object changed: writing the same again is not a change.
pub fn keep_times(old: &Value, new: &mut Value) {
    let timeless = |object: &Value| {
        let mut object = object.clone();
        for entry in object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(entry) = entry.as_object_mut() {
                entry.remove("time");
            }
        }
        object
    };
    if timeless(old) == timeless(new)
        && let (Some(before), Some(now)) =
            (old.pointer("/metadata/managedFields"), new.pointer_mut("/metadata/managedFields"))
    {
        now.clone_from(before);
    }
}
