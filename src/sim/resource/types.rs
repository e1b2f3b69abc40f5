use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

/// What names a collection of objects: API group and plural, never the version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupResource {
    /// API group, empty for the core group.
    pub group: Cow<'static, str>,
    /// Plural in lower case, for example `jobs`.
    pub resource: Cow<'static, str>,
}

impl GroupResource {
    /// A name known when the program is compiled.
    pub const fn of(group: &'static str, resource: &'static str) -> Self {
        Self { group: Cow::Borrowed(group), resource: Cow::Borrowed(resource) }
    }

    /// A name that came from outside.
    pub fn new(group: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { group: Cow::Owned(group.into()), resource: Cow::Owned(resource.into()) }
    }
}

impl fmt::Display for GroupResource {
    /// As Kubernetes writes it: `jobs.batch`, and `pods` in the core group.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() {
            formatter.write_str(&self.resource)
        } else {
            write!(formatter, "{}.{}", self.resource, self.group)
        }
    }
}

/// What makes `metadata.generation` go up by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenerationRule {
    /// The kind has no generation.
    None,
    /// A change of anything but `metadata` and `status`.
    Spec,
    /// A change of anything but `metadata`: custom resources without a status subresource.
    Everything,
}

/// Where the `scale` subresource of a resource finds its numbers: paths of field names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalePaths {
    /// Desired replicas, for example `spec`, `replicas`.
    pub spec_replicas: Vec<String>,
    /// Observed replicas.
    pub status_replicas: Vec<String>,
    /// The label selector: a `LabelSelector` of a built-in kind, or a string in a custom resource.
    pub selector: Option<Vec<String>>,
}

/// One column that `kubectl get` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrinterColumn {
    /// Title.
    pub name: String,
    /// `string`, `integer`, `number`, `boolean` or `date`.
    pub column_type: String,
    /// `name` for the column of names, else mostly empty.
    pub format: String,
    /// What it means.
    pub description: String,
    /// Zero is always shown, more only with `-o wide`.
    pub priority: i64,
    /// Where the value is in a custom resource: a JSON path such as `.status.sync.status`. Empty for built-in kinds.
    pub json_path: String,
}

/// How a resource is shown as a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Printer {
    /// Name and age.
    Plain,
    /// A built-in kind, by its own rules.
    BuiltIn,
    /// The `additionalPrinterColumns` of a custom resource.
    Columns(Vec<PrinterColumn>),
}

/// One version under which a resource is served.
#[derive(Debug, Clone, PartialEq)]
pub struct ServedVersion {
    /// For example `v1alpha1`.
    pub name: String,
    /// `openAPIV3Schema` of a custom resource.
    pub schema: Option<Value>,
    /// How it is shown as a table.
    pub printer: Printer,
    /// JSON paths that field selectors may name besides `metadata.name` and `metadata.namespace`, without the dot.
    pub selectable_fields: Vec<String>,
}

/// One resource of the API.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// API group, empty for the core group.
    pub group: String,
    /// The version in which objects are stored.
    pub version: String,
    /// All versions that are served, the preferred one first.
    pub served: Vec<ServedVersion>,
    /// For example `Job`.
    pub kind: String,
    /// For example `JobList`.
    pub list_kind: String,
    /// For example `jobs`.
    pub plural: String,
    /// For example `job`.
    pub singular: String,
    /// For example `cm`.
    pub short_names: Vec<String>,
    /// For example `all`.
    pub categories: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// The verbs on the resource itself.
    pub verbs: Vec<&'static str>,
    /// Whether `status` is a subresource: then it changes only there, and nothing else does.
    pub status: bool,
    /// The `scale` subresource.
    pub scale: Option<ScalePaths>,
    /// What moves the generation.
    pub generation: GenerationRule,
    /// Defined by a `CustomResourceDefinition`, or present from the start as if by one.
    pub custom: bool,
}

impl Resource {
    /// The name of its collection.
    pub fn id(&self) -> GroupResource {
        GroupResource::new(self.group.clone(), self.plural.clone())
    }

    /// `jobs.batch`, and `pods` in the core group.
    pub fn qualified(&self) -> String {
        join(&self.plural, &self.group)
    }

    /// `Job.batch`, and `Pod` in the core group.
    pub fn qualified_kind(&self) -> String {
        join(&self.kind, &self.group)
    }

    /// `apiVersion` of stored objects: `batch/v1`, and `v1` in the core group.
    pub fn api_version(&self) -> String {
        self.api_version_as(&self.version)
    }

    /// `apiVersion` in another of its versions.
    pub fn api_version_as(&self, version: &str) -> String {
        if self.group.is_empty() { version.to_owned() } else { format!("{}/{version}", self.group) }
    }

    /// One of the versions it is served under.
    pub fn served_version(&self, version: &str) -> Option<&ServedVersion> {
        self.served.iter().find(|served| served.name == version)
    }
}

fn join(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}
