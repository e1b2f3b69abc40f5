//! Single requests: read, list, create, apply, patch, delete.

use http::Method;
use serde_json::Value;

use super::client::{Call, Cluster, JSON};
use super::error::ClusterError;
use super::kinds::Kind;
use super::options::{
    Apply, Delete, ObjectList, Page, Patch, Propagation, Scope, Selectors, Subresource, WriteOptions,
};
use super::path::{collection_path, object_path, scope_of, selector_query, with_query, write_query};
use crate::domain::manifest::Object;

impl Cluster {
    /// One object; `None` where there is none.
    pub async fn get(&self, kind: &Kind, namespace: &str, name: &str) -> Result<Option<Object>, ClusterError> {
        let action = action("reading", kind, namespace, name);
        let path = object_path(&action, kind, namespace, name, Subresource::None)?;
        match self.send(Call::get(action.clone(), path)).await {
            Ok(reply) => read_object(&action, &reply.body).map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One page of a list.
    pub async fn list_page(
        &self,
        kind: &Kind,
        scope: &Scope,
        selectors: &Selectors,
        page: &Page,
    ) -> Result<ObjectList, ClusterError> {
        let action = format!("listing {}", kind.plural);
        let mut query = selector_query(selectors);
        if page.limit > 0 {
            query.push(("limit", page.limit.to_string()));
        }
        if !page.token.is_empty() {
            query.push(("continue", page.token.clone()));
        }
        let path = with_query(collection_path(&action, kind, scope)?, &query);
        let reply = self.send(Call::get(action.clone(), path)).await?;
        read_list(&action, kind, &reply.body)
    }

    /// A whole list, page by page. Where the list changes too much between two pages it is read once more, whole.
    pub async fn list(&self, kind: &Kind, scope: &Scope, selectors: &Selectors) -> Result<ObjectList, ClusterError> {
        let mut all = ObjectList::default();
        let mut page = Page { limit: 500, token: String::new() };
        loop {
            match self.list_page(kind, scope, selectors, &page).await {
                Ok(mut part) => {
                    all.items.append(&mut part.items);
                    all.resource_version = part.resource_version;
                    if part.next.is_empty() {
                        return Ok(all);
                    }
                    page.token = part.next;
                }
                Err(error) if error.is_expired() && !page.token.is_empty() => {
                    return self.list_page(kind, scope, selectors, &Page::default()).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Creates an object; its `metadata.name` or `generateName` names it.
    pub async fn create(&self, kind: &Kind, object: &Object, options: &WriteOptions) -> Result<Object, ClusterError> {
        let name = if object.name().is_empty() { object.generate_name() } else { object.name() };
        let action = action("creating", kind, object.namespace(), name);
        let scope = scope_of(kind, object.namespace());
        let path = with_query(collection_path(&action, kind, &scope)?, &write_query(options));
        let body = Value::Object(object.as_json().clone());
        self.write_object(kind, Call::write(action, Method::POST, path, JSON, &body), &body).await
    }

    /// Applies an object server-side.
    pub async fn apply(&self, kind: &Kind, object: &Object, apply: &Apply) -> Result<Object, ClusterError> {
        let action = action("applying", kind, object.namespace(), object.name());
        let path = object_path(&action, kind, object.namespace(), object.name(), apply.options.subresource)?;
        let mut query = write_query(&apply.options);
        query.push(("force", apply.force.to_string()));
        let body = Value::Object(object.as_json().clone());
        let content_type = "application/apply-patch+yaml";
        let call = Call::write(action, Method::PATCH, with_query(path, &query), content_type, &body);
        self.write_object(kind, call, &body).await
    }

    /// Replaces an object. Its `metadata.resourceVersion`, where it has one, must be the current one.
    pub async fn replace(&self, kind: &Kind, object: &Object, options: &WriteOptions) -> Result<Object, ClusterError> {
        let action = action("replacing", kind, object.namespace(), object.name());
        let path = object_path(&action, kind, object.namespace(), object.name(), options.subresource)?;
        let body = Value::Object(object.as_json().clone());
        let call = Call::write(action, Method::PUT, with_query(path, &write_query(options)), JSON, &body);
        self.write_object(kind, call, &body).await
    }

    /// Patches an object. A `metadata.resourceVersion` in a merge patch must be the current one.
    pub async fn patch(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        patch: &Patch,
        options: &WriteOptions,
    ) -> Result<Object, ClusterError> {
        let action = action("patching", kind, namespace, name);
        let path = object_path(&action, kind, namespace, name, options.subresource)?;
        let (content_type, body) = match patch {
            Patch::Merge(body) => ("application/merge-patch+json", body),
            Patch::Json(body) => ("application/json-patch+json", body),
            Patch::Strategic(body) => ("application/strategic-merge-patch+json", body),
        };
        let path = with_query(path, &write_query(options));
        self.write_object(kind, Call::write(action, Method::PATCH, path, content_type, body), body).await
    }

    /// Deletes an object. `Ok(false)`: there was none.
    pub async fn delete(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        delete: &Delete,
    ) -> Result<bool, ClusterError> {
        let action = action("deleting", kind, namespace, name);
        let path = object_path(&action, kind, namespace, name, Subresource::None)?;
        let mut preconditions = serde_json::Map::new();
        for (field, value) in [("uid", &delete.uid), ("resourceVersion", &delete.resource_version)] {
            if !value.is_empty() {
                preconditions.insert(field.to_owned(), Value::String(value.clone()));
            }
        }
        let mut body = serde_json::json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": match delete.propagation {
                Propagation::Foreground => "Foreground",
                Propagation::Background => "Background",
                Propagation::Orphan => "Orphan",
            },
        });
        if !preconditions.is_empty() {
            body["preconditions"] = Value::Object(preconditions);
        }
        if let Some(grace) = delete.grace {
            body["gracePeriodSeconds"] = grace.into();
        }
        if delete.dry_run {
            body["dryRun"] = serde_json::json!(["All"]);
        }
        let call = Call::write(action, Method::DELETE, path, JSON, &body);
        match self.send(if delete.dry_run { call.question() } else { call }).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn get_json(&self, action: &str, path: &str, accept: &str) -> Result<Value, ClusterError> {
        let mut call = Call::get(action.to_owned(), path.to_owned());
        accept.clone_into(&mut call.accept);
        let reply = self.send(call).await?;
        serde_json::from_slice(&reply.body).map_err(|error| unreadable(action, &error))
    }

    /// Asks a question that has to be posted, such as a review of rights.
    pub(super) async fn post_json(&self, action: &str, path: &str, body: &Value) -> Result<Value, ClusterError> {
        let call = Call::write(action.to_owned(), Method::POST, path.to_owned(), JSON, body).question();
        let reply = self.send(call).await?;
        serde_json::from_slice(&reply.body).map_err(|error| unreadable(action, &error))
    }

    async fn write_object(&self, kind: &Kind, call: Call, sent: &Value) -> Result<Object, ClusterError> {
        let action = call.action.clone();
        let reply = self.send(call).await.map_err(|error| error.without_values(kind, sent))?;
        read_object(&action, &reply.body)
    }
}

fn action(verb: &str, kind: &Kind, namespace: &str, name: &str) -> String {
    if namespace.is_empty() {
        format!("{verb} {} {name}", kind.kind)
    } else {
        format!("{verb} {} {namespace}/{name}", kind.kind)
    }
}

fn unreadable(action: &str, error: &serde_json::Error) -> ClusterError {
    ClusterError::Unreadable { action: action.to_owned(), reason: error.to_string() }
}

fn read_object(action: &str, body: &[u8]) -> Result<Object, ClusterError> {
    let value = serde_json::from_slice(body).map_err(|error| unreadable(action, &error))?;
    Object::from_json(value)
        .map_err(|error| ClusterError::Unreadable { action: action.to_owned(), reason: error.to_string() })
}

/// The items of a list say neither their `apiVersion` nor their `kind`.
fn read_list(action: &str, kind: &Kind, body: &[u8]) -> Result<ObjectList, ClusterError> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct List {
        #[serde(default)]
        metadata: Metadata,
        items: Option<Vec<Value>>,
    }
    #[derive(serde::Deserialize, Default)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        #[serde(default)]
        resource_version: String,
        #[serde(default, rename = "continue")]
        next: String,
    }
    let list: List = serde_json::from_slice(body).map_err(|error| unreadable(action, &error))?;
    let api_version = kind.api_version();
    let mut items = Vec::new();
    for mut item in list.items.unwrap_or_default() {
        if let Value::Object(fields) = &mut item {
            fields.entry("apiVersion").or_insert_with(|| Value::String(api_version.clone()));
            fields.entry("kind").or_insert_with(|| Value::String(kind.kind.clone()));
        }
        items.push(
            Object::from_json(item)
                .map_err(|error| ClusterError::Unreadable { action: action.to_owned(), reason: error.to_string() })?,
        );
    }
    Ok(ObjectList { items, resource_version: list.metadata.resource_version, next: list.metadata.next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_items_get_their_kind() {
        let jobs = Kind::known("batch", "v1", "Job", "jobs", true);
        let body = br#"{"metadata":{"resourceVersion":"7","continue":"t"},"items":[{"metadata":{"name":"a"}}]}"#;
        let list = read_list("listing jobs", &jobs, body).unwrap();
        assert_eq!((list.resource_version.as_str(), list.next.as_str()), ("7", "t"));
        assert_eq!(list.items[0].key().to_string(), "batch/Job/a");
        assert!(read_list("listing jobs", &jobs, b"{\"items\":[1]}").is_err());
        assert!(read_list("listing jobs", &jobs, br#"{"items":null}"#).unwrap().items.is_empty());
    }
}
