//! Strings: their bounds, the words of enums, and times.

use jiff::Timestamp;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

/// At most `most` bytes of a text, never within a character.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// The variant of an enum that serde names by this word; `None` for an unknown one.
pub(crate) fn word<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    let deserializer: StrDeserializer<'_, Error> = text.into_deserializer();
    T::deserialize(deserializer).ok()
}

/// A time as Kubernetes writes it (RFC 3339).
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}
