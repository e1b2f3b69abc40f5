//! The index of the documents under `/openapi/v3`.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde_json::{Map, json};

use super::document::{group_versions, openapi_document, place};
use crate::sim::resource::Resources;

/// The index: which documents there are. The address of each changes with its content, so that clients may keep it; and
/// since all documents have to be made for that, the index is made anew only when other resources are served.
#[derive(Debug, Default)]
pub struct OpenApiIndex(Mutex<Option<(Resources, Bytes)>>);

impl OpenApiIndex {
    /// As JSON.
    pub fn of(&self, resources: &Resources) -> Bytes {
        // Nothing panics while it is held.
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*latest {
            Some((known, index)) if known.is(resources) => index.clone(),
            _ => {
                let index = index(resources);
                *latest = Some((resources.clone(), index.clone()));
                index
            }
        }
    }
}

fn index(resources: &Resources) -> Bytes {
    let mut paths = Map::new();
    for (group, version) in group_versions(resources) {
        let Some(document) = openapi_document(resources, &group, &version) else { continue };
        let place = place(&group, &version);
        let url = format!("/openapi/v3/{place}?hash={}", digest(&document.to_string()));
        paths.insert(place, json!({"serverRelativeURL": url}));
    }
    json!({"paths": paths}).to_string().into()
}

/// A short name for a text that changes with it.
fn digest(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016X}")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::sim::resource::GroupResource;

    #[test]
    fn it_follows_what_is_served() {
        let (index, resources) = (OpenApiIndex::default(), Resources::built_in());
        let read = |resources: &Resources| serde_json::from_slice::<Value>(&index.of(resources)).unwrap();
        let first = read(&resources);
        let batch = |index: &Value| index["paths"]["apis/batch/v1"]["serverRelativeURL"].as_str().unwrap().to_owned();
        assert!(batch(&first).starts_with("/openapi/v3/apis/batch/v1?hash="));
        assert_eq!(read(&resources), first);
        let fewer = read(&resources.without(&GroupResource::new("batch", "cronjobs")));
        assert_ne!(batch(&fewer), batch(&first));
        assert_eq!(read(&resources), first);
    }
}
