//! The values of a Secret: used and never shown.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::manifest::Object;

/// The values of one Secret. Has no `Debug`: nothing of it belongs anywhere.
pub struct SecretValues(BTreeMap<String, String>);

impl SecretValues {
    /// All that it has, as texts.
    pub fn of(object: &Object) -> Self {
        let data = object.at(&["data"]).and_then(Value::as_object).into_iter().flatten();
        let values = data.filter_map(|(name, value)| {
            let bytes = STANDARD.decode(value.as_str()?).ok()?;
            // What is no text is not passed over: it may be a restriction.
            Some((name.clone(), String::from_utf8_lossy(&bytes).into_owned()))
        });
        Self(values.collect())
    }

    /// A value; empty where it is missing.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A value that is not empty.
    pub fn some(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(str::to_owned)
    }
}

#[cfg(test)]
impl From<&[(&str, &str)]> for SecretValues {
    fn from(values: &[(&str, &str)]) -> Self {
        Self(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }
}
