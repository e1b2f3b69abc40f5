//! Which columns a resource has.

use serde_json::{Value, json};

use super::age;
use super::{pods, rows, stored};
use crate::sim::resource::{Printer, PrinterColumn, Resource, json_path};
use crate::sim::store::Stored;

/// Title, type, and whether only `-o wide` shows it.
pub(super) type Column = (&'static str, &'static str, bool);

const CONTAINERS: [Column; 3] =
    [("Containers", "string", true), ("Images", "string", true), ("Selector", "string", true)];

/// The columns of a built-in kind after its name; `None` where it has only an age.
fn built_in(resource: &Resource) -> Option<Vec<Column>> {
    let shown = |columns: &[(&'static str, &'static str)]| {
        columns.iter().map(|(name, of)| (*name, *of, false)).collect::<Vec<Column>>()
    };
    let with = |mut columns: Vec<Column>, wide: &[Column]| {
        columns.extend_from_slice(wide);
        columns
    };
    let text = |names: &[&'static str]| names.iter().map(|name| (*name, "string", false)).collect::<Vec<Column>>();
    let wide = |names: &[&'static str]| names.iter().map(|name| (*name, "string", true)).collect::<Vec<Column>>();
    Some(match resource.kind.as_str() {
        "Namespace" => text(&["Status", "Age"]),
        "ConfigMap" => text(&["Data", "Age"]),
        "Secret" => text(&["Type", "Data", "Age"]),
        "Service" => with(text(&["Type", "Cluster-IP", "External-IP", "Port(s)", "Age"]), &wide(&["Selector"])),
        "Node" => with(
            text(&["Status", "Roles", "Age", "Version"]),
            &wide(&["Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime"]),
        ),
        "Pod" => with(
            text(&["Ready", "Status", "Restarts", "Age"]),
            &wide(&["IP", "Node", "Nominated Node", "Readiness Gates"]),
        ),
        "PersistentVolumeClaim" => with(
            text(&["Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age"]),
            &wide(&["VolumeMode"]),
        ),
        "Deployment" => with(text(&["Ready", "Up-to-date", "Available", "Age"]), &CONTAINERS),
        "ReplicaSet" => with(
            shown(&[("Desired", "integer"), ("Current", "integer"), ("Ready", "integer"), ("Age", "string")]),
            &CONTAINERS,
        ),
        "StatefulSet" => with(text(&["Ready", "Age"]), CONTAINERS.get(..2).unwrap_or_default()),
        "DaemonSet" => with(
            shown(&[
                ("Desired", "integer"),
                ("Current", "integer"),
                ("Ready", "integer"),
                ("Up-to-date", "integer"),
                ("Available", "integer"),
                ("Node Selector", "string"),
                ("Age", "string"),
            ]),
            &CONTAINERS,
        ),
        "ControllerRevision" => text(&["Controller", "Revision", "Age"]),
        "Job" => with(text(&["Status", "Completions", "Duration", "Age"]), &CONTAINERS),
        "CronJob" => with(
            shown(&[
                ("Schedule", "string"),
                ("Timezone", "string"),
                ("Suspend", "boolean"),
                ("Active", "integer"),
                ("Last Schedule", "string"),
                ("Age", "string"),
            ]),
            &CONTAINERS,
        ),
        "Ingress" => text(&["Class", "Hosts", "Address", "Ports", "Age"]),
        "RoleBinding" | "ClusterRoleBinding" => {
            with(text(&["Role", "Age"]), &wide(&["Users", "Groups", "ServiceAccounts"]))
        }
        "Role" | "ClusterRole" | "CustomResourceDefinition" => shown(&[("Created At", "date")]),
        "Lease" => text(&["Holder", "Age"]),
        kind => return stored::columns(kind),
    })
}

/// Events are the one kind whose name comes last.
const EVENT: [Column; 10] = [
    ("Last Seen", "string", false),
    ("Type", "string", false),
    ("Reason", "string", false),
    ("Object", "string", false),
    ("Subobject", "string", true),
    ("Source", "string", true),
    ("Message", "string", false),
    ("First Seen", "string", true),
    ("Count", "string", true),
    ("Name", "string", true),
];

fn definition(name: &str, column_type: &str, format: &str, priority: i64) -> Value {
    json!({ "name": name, "type": column_type, "format": format, "description": "", "priority": priority })
}

/// `columnDefinitions` of a table.
pub(crate) fn columns(resource: &Resource, version: &str) -> Value {
    let name = || definition("Name", "string", "name", 0);
    let plain = |(title, of, wide): &Column| definition(title, of, "", i64::from(*wide));
    if resource.kind == "Event" && !resource.custom {
        return EVENT
            .iter()
            .map(|column| {
                let format = if column.0 == "Name" { "name" } else { "" };
                definition(column.0, column.1, format, i64::from(column.2))
            })
            .collect();
    }
    let rest: Vec<Value> = match custom(resource, version) {
        Some(columns) => columns
            .iter()
            .map(|column| {
                let mut definition = definition(&column.name, &column.column_type, &column.format, column.priority);
                definition["description"] = column.description.clone().into();
                definition
            })
            .collect(),
        None => match built_in(resource) {
            Some(columns) => columns.iter().map(plain).collect(),
            None if resource.custom => vec![definition("Age", "date", "", 0)],
            None => vec![definition("Age", "string", "", 0)],
        },
    };
    std::iter::once(name()).chain(rest).collect()
}

fn custom<'r>(resource: &'r Resource, version: &str) -> Option<&'r [PrinterColumn]> {
    match &resource.served_version(version)?.printer {
        Printer::Columns(columns) => Some(columns),
        Printer::Plain | Printer::BuiltIn => None,
    }
}

/// The cells of one row.
pub(crate) fn cells(
    resource: &std::sync::Arc<Resource>,
    version: &str,
    object: &Stored,
    now: jiff::Timestamp,
) -> Vec<Value> {
    let name = Value::from(object.name());
    if let Some(columns) = custom(resource, version) {
        let known = object.cells(resource).filter(|_| version == resource.version);
        let values: Vec<Value> = if let Some(values) = known {
            values.to_vec()
        } else {
            let value = object.value();
            columns
                .iter()
                .map(|column| json_path::first(&value, &column.json_path).cloned().unwrap_or_default())
                .collect()
        };
        let cells = columns.iter().zip(values).map(|(column, value)| custom_cell(column, value, now));
        return std::iter::once(name).chain(cells).collect();
    }
    let age = Value::from(age::since(object.created(), now));
    if resource.custom {
        return vec![name, age];
    }
    let value = object.value();
    let mut cells = match resource.kind.as_str() {
        "Event" => return rows::event(&value, now),
        "Pod" => pods::cells(&value, now),
        kind => match rows::cells(kind, &value, &age, now) {
            Some(cells) => cells,
            None => vec![age],
        },
    };
    cells.insert(0, name);
    cells
}

/// A value as its column shows it; `null` (which `kubectl` writes as `<none>`) where there is none.
fn custom_cell(column: &PrinterColumn, value: Value, now: jiff::Timestamp) -> Value {
    match (column.column_type.as_str(), value) {
        (_, Value::Null) => Value::Null,
        ("date", value) => match value.as_str() {
            Some(timestamp) => age::since(timestamp, now).into(),
            None => "<invalid>".into(),
        },
        ("string", Value::String(text)) => text.into(),
        ("string", other) => other.to_string().into(),
        ("integer", value) => value.as_i64().map_or(Value::Null, Value::from),
        ("number", value) if value.is_number() => value,
        ("boolean", value) if value.is_boolean() => value,
        _ => Value::Null,
    }
}
