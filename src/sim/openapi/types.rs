//! The types of Kubernetes objects: what a field is called, what it holds, how lists and maps merge. Parsed once from
//! OpenAPI's words, for the built-in kinds from one checked-in asset and for custom resources from their definition.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};

use super::rules::Rules;

/// The built-in kinds, one definition a line.
const BUILT_IN: &str = include_str!("../../../assets/kubernetes-types.json");

/// How deep a schema may nest before the rest of it counts as unknown: a hostile definition must not exhaust the stack.
const DEEPEST: usize = 64;

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any JSON.
    Any,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Text.
    String,
    /// A whole number or text, such as `maxUnavailable`.
    IntOrString,
    /// A quantity such as `100m`: text, or a number that the server writes as text.
    Quantity,
    /// An object: fields by name, or a map of like values.
    Map,
    /// A list.
    List,
}

/// How the elements of a list are told apart when two writers change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListType {
    /// They are not: the list is one value.
    Atomic,
    /// Every element is its own name.
    Set,
    /// By these fields.
    Map(Vec<Box<str>>),
}

/// What a strategic merge patch does with a field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Strategy {
    /// Lists are merged instead of replaced.
    pub merge: bool,
    /// Maps are replaced instead of merged.
    pub replace: bool,
    /// The field by which elements of a merged list are told apart; `None` for a list of scalars.
    pub merge_key: Option<Box<str>>,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the words of a schema are independent of each other")]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) fields: BTreeMap<Box<str>, Field>,
    pub(super) element: Option<u32>,
    pub(super) list: ListType,
    /// A map, or a value of any type, that is one value when two writers change it.
    pub(super) atomic: bool,
    pub(super) preserve_unknown: bool,
    pub(super) embedded: bool,
    pub(super) nullable: bool,
    pub(super) required: Vec<Box<str>>,
    pub(super) format: Box<str>,
    pub(super) choices: Vec<Value>,
    pub(super) rules: Option<Box<Rules>>,
    /// The last part of the definition's name, for example `PodSpec`; empty for an inline type.
    pub(super) name: Box<str>,
}

impl Node {
    fn any() -> Self {
        Self {
            kind: Kind::Any,
            fields: BTreeMap::new(),
            element: None,
            list: ListType::Atomic,
            atomic: false,
            preserve_unknown: true,
            embedded: false,
            nullable: true,
            required: Vec::new(),
            format: "".into(),
            choices: Vec::new(),
            rules: None,
            name: "".into(),
        }
    }
}

/// A field of an object and what only the field knows of it.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) at: u32,
    pub(super) default: Option<Value>,
    pub(super) strategy: Strategy,
}

/// A set of types that refer to each other: the built-in kinds, or one version of a custom resource.
#[derive(Debug)]
pub struct Types {
    nodes: Vec<Node>,
    names: BTreeMap<Box<str>, u32>,
    kinds: BTreeMap<(Box<str>, Box<str>), u32>,
    any: u32,
    root: u32,
}

static BUILT_IN_TYPES: LazyLock<Arc<Types>> = LazyLock::new(|| Arc::new(Types::parse_built_in()));

/// The definitions of the built-in kinds as they stand in the asset, by name.
pub(super) static DEFINITIONS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let definitions = serde_json::from_str(BUILT_IN).unwrap_or_default();
    match definitions {
        Value::Object(map) => map,
        _ => Map::new(),
    }
});

impl Types {
    /// The types of the built-in kinds.
    pub fn built_in() -> &'static Arc<Self> {
        &BUILT_IN_TYPES
    }

    fn empty() -> Self {
        Self { nodes: vec![Node::any()], names: BTreeMap::new(), kinds: BTreeMap::new(), any: 0, root: 0 }
    }

    fn parse_built_in() -> Self {
        let mut types = Self::empty();
        for (name, definition) in DEFINITIONS.iter() {
            let at = types.named(name, &DEFINITIONS, 0);
            for id in definition.get("x-kubernetes-group-version-kind").and_then(Value::as_array).into_iter().flatten()
            {
                let text = |field: &str| id.get(field).and_then(Value::as_str).unwrap_or_default();
                let api_version = match text("group") {
                    "" => text("version").to_owned(),
                    group => format!("{group}/{}", text("version")),
                };
                types.kinds.insert((api_version.into(), text("kind").into()), at);
            }
        }
        types
    }

    /// The type of one version of a custom resource, from its `openAPIV3Schema`; `None` stands for a resource that
    /// keeps whatever it is given. `metadata`, `apiVersion` and `kind` are those of every object, whatever it says.
    pub fn custom(schema: Option<&Value>) -> Self {
        let mut types = Self::empty();
        let root = match schema {
            Some(schema) => types.inline(schema, &Map::new(), true, 0),
            None => types.push(Node { kind: Kind::Map, nullable: false, ..Node::any() }),
        };
        types.add_object_fields(root);
        types.root = root;
        types
    }

    /// Gives a node the fields that every Kubernetes object has.
    fn add_object_fields(&mut self, at: u32) {
        let metadata = self.named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", &DEFINITIONS, 0);
        let text = self.push(Node { kind: Kind::String, preserve_unknown: false, ..Node::any() });
        if let Some(node) = self.nodes.get_mut(at as usize) {
            node.kind = Kind::Map;
            for (name, at) in [("apiVersion", text), ("kind", text), ("metadata", metadata)] {
                node.fields.insert(name.into(), Field { at, default: None, strategy: Strategy::default() });
            }
        }
    }

    /// The type of a built-in kind.
    pub fn kind(&self, api_version: &str, kind: &str) -> Option<Schema<'_>> {
        let at = *self.kinds.get(&(api_version.into(), kind.into()))?;
        Some(Schema { types: self, at })
    }

    /// The type of a custom resource.
    pub fn root(&self) -> Schema<'_> {
        Schema { types: self, at: self.root }
    }

    fn push(&mut self, node: Node) -> u32 {
        self.nodes.push(node);
        u32::try_from(self.nodes.len() - 1).unwrap_or(self.any)
    }

    fn named(&mut self, name: &str, definitions: &Map<String, Value>, depth: usize) -> u32 {
        if let Some(at) = self.names.get(name) {
            return *at;
        }
        // The place is taken before the definition is read: it may refer to itself.
        let at = self.push(Node::any());
        self.names.insert(name.into(), at);
        if let Some(definition) = definitions.get(name) {
            let mut node = self.node(definition, definitions, false, depth);
            let short = name.rsplit('.').next().unwrap_or_default();
            match short {
                "Quantity" => node.kind = Kind::Quantity,
                "IntOrString" => node.kind = Kind::IntOrString,
                _ => {}
            }
            node.name = short.into();
            if let Some(place) = self.nodes.get_mut(at as usize) {
                *place = node;
            }
        }
        at
    }

    fn inline(&mut self, schema: &Value, definitions: &Map<String, Value>, custom: bool, depth: usize) -> u32 {
        if depth > DEEPEST {
            return self.any;
        }
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            return self.named(name, definitions, depth + 1);
        }
        let node = self.node(schema, definitions, custom, depth);
        self.push(node)
    }

    fn node(&mut self, schema: &Value, definitions: &Map<String, Value>, custom: bool, depth: usize) -> Node {
        let text = |field: &str| schema.get(field).and_then(Value::as_str).unwrap_or_default();
        let flag = |field: &str| schema.get(field).and_then(Value::as_bool).unwrap_or_default();
        let kind = match text("type") {
            _ if flag("x-kubernetes-int-or-string") => Kind::IntOrString,
            "boolean" => Kind::Boolean,
            "integer" => Kind::Integer,
            "number" => Kind::Number,
            "string" => Kind::String,
            "array" => Kind::List,
            "object" => Kind::Map,
            _ if schema.get("properties").is_some() => Kind::Map,
            _ => Kind::Any,
        };
        let mut fields = BTreeMap::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let at = self.inline(property, definitions, custom, depth + 1);
            let words = property.get("x-kubernetes-patch-strategy").and_then(Value::as_str).unwrap_or_default();
            let strategy = Strategy {
                merge: words.split(',').any(|word| word == "merge"),
                replace: words.split(',').any(|word| word == "replace"),
                merge_key: property.get("x-kubernetes-patch-merge-key").and_then(Value::as_str).map(Into::into),
            };
            fields.insert(name.as_str().into(), Field { at, default: property.get("default").cloned(), strategy });
        }
        let element = match kind {
            Kind::List => schema.get("items"),
            Kind::Map => schema.get("additionalProperties").filter(|value| value.is_object()),
            _ => None,
        };
        let element = element.map(|element| self.inline(element, definitions, custom, depth + 1));
        let preserve_unknown = flag("x-kubernetes-preserve-unknown-fields")
            || kind == Kind::Any
            || schema.get("additionalProperties") == Some(&Value::Bool(true))
            || (!custom && kind == Kind::Map && fields.is_empty() && element.is_none());
        let list = match text("x-kubernetes-list-type") {
            "set" => ListType::Set,
            "map" => {
                let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
                let keys = keys.into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect();
                ListType::Map(keys)
            }
            _ => ListType::Atomic,
        };
        let mut node = Node {
            kind,
            // An untyped object of a built-in kind is one value; in a custom resource its fields are told apart.
            atomic: text("x-kubernetes-map-type") == "atomic"
                || (!custom && preserve_unknown && fields.is_empty() && element.is_none()),
            fields,
            element,
            list,
            preserve_unknown,
            embedded: flag("x-kubernetes-embedded-resource"),
            nullable: flag("nullable"),
            required: strings(schema.get("required")),
            format: text("format").into(),
            choices: schema.get("enum").and_then(Value::as_array).cloned().unwrap_or_default(),
            rules: custom.then(|| Rules::parse(schema, 0)).flatten().map(Box::new),
            name: "".into(),
        };
        if node.embedded {
            let metadata = self.named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", &DEFINITIONS, depth + 1);
            let text = self.push(Node { kind: Kind::String, preserve_unknown: false, ..Node::any() });
            for (name, at) in [("apiVersion", text), ("kind", text), ("metadata", metadata)] {
                let field = Field { at, default: None, strategy: Strategy::default() };
                node.fields.insert(name.into(), field);
            }
        }
        node
    }
}

fn strings(value: Option<&Value>) -> Vec<Box<str>> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
}

/// One type, within the types it refers to. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Schema<'t> {
    types: &'t Types,
    at: u32,
}

impl<'t> Schema<'t> {
    pub(super) fn node(self) -> &'t Node {
        // Every index was given out by `push` of the same arena.
        &self.types.nodes[self.at as usize]
    }

    /// The type that takes anything, within the same types.
    #[must_use]
    pub fn any(self) -> Self {
        Self { at: self.types.any, ..self }
    }

    /// What a value may be.
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// How the elements of the list are told apart.
    pub fn list_type(self) -> &'t ListType {
        &self.node().list
    }

    /// Whether a map, or a value of any type, is one value when two writers change it.
    pub fn is_atomic(self) -> bool {
        self.node().atomic
    }

    /// Whether fields that the type does not name are kept.
    pub fn preserves_unknown(self) -> bool {
        self.node().preserve_unknown
    }

    /// Whether the value is a whole object with its own `apiVersion`, `kind` and `metadata`.
    pub fn is_embedded_object(self) -> bool {
        self.node().embedded
    }

    /// Whether `null` is a value.
    pub fn is_nullable(self) -> bool {
        self.node().nullable
    }

    /// The fields that must be there.
    pub fn required(self) -> impl Iterator<Item = &'t str> {
        self.node().required.iter().map(AsRef::as_ref)
    }

    /// For example `int32` or `date-time`; empty where there is none.
    pub fn format(self) -> &'t str {
        &self.node().format
    }

    /// The values that are allowed; empty where all are.
    pub fn choices(self) -> &'t [Value] {
        &self.node().choices
    }

    /// The further rules of a custom resource.
    pub fn rules(self) -> Option<&'t Rules> {
        self.node().rules.as_deref()
    }

    /// The name of the type in its Go package, for example `PodSpec`; empty for an inline type.
    pub fn type_name(self) -> &'t str {
        &self.node().name
    }

    /// The type of a field that the type names.
    pub fn field(self, name: &str) -> Option<Self> {
        self.node().fields.get(name).map(|field| Self { at: field.at, ..self })
    }

    /// The names of the fields, in order.
    pub fn field_names(self) -> impl Iterator<Item = &'t str> {
        self.node().fields.keys().map(AsRef::as_ref)
    }

    /// The default of a field that the type names.
    pub fn field_default(self, name: &str) -> Option<&'t Value> {
        self.node().fields.get(name)?.default.as_ref()
    }

    /// What a strategic merge patch does with a field; replaces lists and merges maps where nothing else is said.
    pub fn strategy(self, name: &str) -> Strategy {
        self.node().fields.get(name).map(|field| field.strategy.clone()).unwrap_or_default()
    }

    /// The type of the elements of a list, or of the values of a map; anything where it is not said.
    #[must_use]
    pub fn element(self) -> Self {
        self.node().element.map_or(self.any(), |at| Self { at, ..self })
    }

    /// Whether the type is a map of like values.
    pub fn has_element(self) -> bool {
        self.node().element.is_some()
    }

    /// The type of what stands under a name: a field, or a value of the map. `None` where nothing may stand there.
    pub fn child(self, name: &str) -> Option<Self> {
        if let Some(field) = self.field(name) {
            return Some(field);
        }
        match self.node().element {
            Some(at) => Some(Self { at, ..self }),
            None => self.preserves_unknown().then(|| self.any()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at<'t>(schema: Schema<'t>, path: &[&str]) -> Schema<'t> {
        path.iter().fold(schema, |schema, part| match *part {
            "[]" => schema.element(),
            name => schema.child(name).unwrap_or_else(|| panic!("no field {name}")),
        })
    }

    #[test]
    fn the_asset_knows_how_lists_of_built_in_kinds_merge() {
        let pod = Types::built_in().kind("v1", "Pod").unwrap();
        let keys = |path: &[&str]| match at(pod, path).list_type() {
            ListType::Map(keys) => keys.join(","),
            other => format!("{other:?}"),
        };
        assert_eq!(keys(&["spec", "containers"]), "name");
        assert_eq!(keys(&["spec", "containers", "[]", "env"]), "name");
        assert_eq!(keys(&["spec", "containers", "[]", "ports"]), "containerPort,protocol");
        assert_eq!(keys(&["spec", "volumes"]), "name");
        assert_eq!(keys(&["spec", "tolerations"]), "Atomic");
        assert_eq!(keys(&["spec", "containers", "[]", "command"]), "Atomic");
        assert_eq!(keys(&["metadata", "finalizers"]), "Set");
        assert_eq!(keys(&["metadata", "ownerReferences"]), "uid");
        assert_eq!(keys(&["status", "conditions"]), "type");
        let container = at(pod, &["spec", "containers", "[]"]);
        assert_eq!(container.strategy("ports").merge_key.as_deref(), Some("containerPort"));
        assert!(pod.field("metadata").unwrap().strategy("finalizers").merge);
        assert_eq!(at(pod, &["spec", "containers", "[]", "resources", "limits", "cpu"]).kind(), Kind::Quantity);
        assert!(at(pod, &["spec", "nodeSelector"]).is_atomic());
    }

    #[test]
    fn a_type_may_refer_to_itself() {
        let crd = Types::built_in().kind("apiextensions.k8s.io/v1", "CustomResourceDefinition").unwrap();
        let schema = at(crd, &["spec", "versions", "[]", "schema", "openAPIV3Schema"]);
        assert_eq!(at(schema, &["properties", "a", "properties", "b", "type"]).kind(), Kind::String);
    }

    #[test]
    fn a_custom_resource_has_the_metadata_of_every_object() {
        let types = Types::custom(Some(&json!({
            "type": "object",
            "properties": {"spec": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        })));
        assert_eq!(at(types.root(), &["spec", "n"]).kind(), Kind::Integer);
        assert!(types.root().field("spec").unwrap().child("unknown").is_none());
        assert_eq!(at(types.root(), &["metadata", "labels", "x"]).kind(), Kind::String);
        assert!(Types::custom(None).root().child("anything").is_some());
    }

    #[test]
    fn a_schema_without_end_is_cut() {
        let mut schema = json!({"type": "string"});
        for _ in 0..200 {
            schema = json!({"type": "object", "properties": {"a": schema}});
        }
        assert_eq!(Types::custom(Some(&schema)).root().kind(), Kind::Map);
    }
}
