//! A short text that changes when the manifests change.

use std::sync::Arc;

use serde_json::Value;

use crate::domain::manifest::Object;

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// A digest of rendered manifests, whatever their order is: 32 hexadecimal digits (FNV-1a).
///
/// It tells manifests apart that differ by accident; it is no protection against somebody who wants two sets to look
/// alike, who could as well write the manifests. The values of Secrets do not go into it: nothing derived from them is
/// recorded, and a chart that makes up a password each time it is rendered still counts as the same.
pub fn manifest_digest(targets: &[Arc<Object>]) -> String {
    let mut texts: Vec<String> = targets.iter().map(|target| text(target)).collect();
    texts.sort_unstable();
    let mut hash = OFFSET;
    for byte in texts.iter().flat_map(|text| text.bytes().chain([0])) {
        hash = (hash ^ u128::from(byte)).wrapping_mul(PRIME);
    }
    format!("{hash:032x}")
}

/// The object as JSON, with the values of a Secret taken out. Keys are in alphabetical order.
fn text(object: &Object) -> String {
    let mut json = object.as_json().clone();
    if object.group().is_empty() && object.kind() == "Secret" {
        for field in ["data", "stringData"] {
            if let Some(Value::Object(values)) = json.get_mut(field) {
                values.values_mut().for_each(|value| *value = Value::Null);
            }
        }
    }
    Value::Object(json).to_string()
}
