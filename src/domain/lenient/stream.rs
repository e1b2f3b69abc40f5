//! The same leniency straight from a stream: a value of the wrong type is passed over and reads as the default, so that
//! one wrong field never loses the whole, and nothing is built of what is not wanted.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::text::{time, word};
use crate::domain::application::SyncStatus;
use crate::domain::health::HealthStatus;
use crate::domain::hook::{HookType, SyncPhase};
use crate::domain::operation::{HookPhase, OperationPhase, ResultStatus};

/// What can be taken from a stream. Each method is one type of JSON; the default of each is the default value.
/// `null` is the default value.
pub(crate) trait Lenient<'de>: Default {
    /// A string.
    fn text(_: &str) -> Self {
        Self::default()
    }
    /// A string that stays where it is.
    fn borrowed(text: &'de str) -> Self {
        Self::text(text)
    }
    /// A boolean.
    fn flag(_: bool) -> Self {
        Self::default()
    }
    /// A whole number.
    fn integer(_: i64) -> Self {
        Self::default()
    }
    /// A number that is not whole, or too large.
    fn other_number() -> Self {
        Self::default()
    }
    /// A list.
    fn seq<A: SeqAccess<'de>>(items: A) -> Result<Self, A::Error> {
        drain_seq(items)?;
        Ok(Self::default())
    }
    /// An object.
    fn map<A: MapAccess<'de>>(fields: A) -> Result<Self, A::Error> {
        drain_map(fields)?;
        Ok(Self::default())
    }
}

/// Passes over the rest of a list.
pub(crate) fn drain_seq<'de, A: SeqAccess<'de>>(mut items: A) -> Result<(), A::Error> {
    while items.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Passes over the rest of an object.
pub(crate) fn drain_map<'de, A: MapAccess<'de>>(mut fields: A) -> Result<(), A::Error> {
    while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// A lenient value as serde takes it.
pub(crate) struct Take<T>(pub(crate) T);

/// The name of a field.
pub(crate) type Key<'de> = Take<Cow<'de, str>>;

/// Any value, passed over.
pub(crate) type Ignore = IgnoredAny;

impl<'de, T: Lenient<'de>> Deserialize<'de> for Take<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TakeVisitor(PhantomData)).map(Self)
    }
}

struct TakeVisitor<T>(PhantomData<T>);

impl<'de, T: Lenient<'de>> Visitor<'de> for TakeVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<T, E> {
        Ok(T::flag(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<T, E> {
        Ok(T::integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<T, E> {
        Ok(i64::try_from(value).map_or_else(|_| T::other_number(), T::integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<T, E> {
        Ok(T::other_number())
    }

    fn visit_str<E>(self, value: &str) -> Result<T, E> {
        Ok(T::text(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<T, E> {
        Ok(T::borrowed(value))
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_none<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T, A::Error> {
        T::seq(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        T::map(fields)
    }
}

impl<'de> Lenient<'de> for Cow<'de, str> {
    fn text(text: &str) -> Self {
        Cow::Owned(text.to_owned())
    }
    fn borrowed(text: &'de str) -> Self {
        Cow::Borrowed(text)
    }
}

impl Lenient<'_> for bool {
    fn flag(value: bool) -> Self {
        value
    }
}

impl Lenient<'_> for Option<bool> {
    fn flag(value: bool) -> Self {
        Some(value)
    }
}

impl Lenient<'_> for i64 {
    fn integer(value: i64) -> Self {
        value
    }
}

impl<'de> Lenient<'de> for Option<Cow<'de, str>> {
    fn text(text: &str) -> Self {
        Some(Cow::text(text))
    }
    fn borrowed(text: &'de str) -> Self {
        Some(Cow::borrowed(text))
    }
}

impl Lenient<'_> for Option<Timestamp> {
    fn text(text: &str) -> Self {
        time(text)
    }
}

/// Enums by the word of a variant.
macro_rules! words {
    ($($word:ty),*) => {$(
        impl Lenient<'_> for Option<$word> {
            fn text(text: &str) -> Self {
                word(text)
            }
        }
    )*};
}

words!(SyncStatus, HealthStatus, OperationPhase, ResultStatus, HookType, HookPhase, SyncPhase);
