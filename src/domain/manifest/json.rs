//! JSON manifests: one object after another, with the same care for duplicate keys, numbers and bounds as YAML.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::budget::Budget;
use super::place::Fault;
use super::scalar::number;

/// The JSON values of a text one after another, each with the byte it begins at; ends with the first that is none.
pub(super) fn values(text: &str) -> impl Iterator<Item = Result<(usize, &RawValue), serde_json::Error>> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    std::iter::from_fn(move || {
        let value = stream.next()?;
        let end = stream.byte_offset();
        Some(value.map(|value| (end.saturating_sub(value.get().len()), value)))
    })
}

/// A JSON value in which no key is written twice, its numbers as Kubernetes has them; or what is wrong, and the error
/// that says where.
pub(super) fn strict(value: &RawValue, budget: &mut Budget) -> Result<Value, (Option<Fault>, serde_json::Error)> {
    let mut state = State { budget, fault: None };
    let strict = Strict { state: &mut state, depth: 0 };
    let read = strict.deserialize(&mut serde_json::Deserializer::from_str(value.get()));
    read.map_err(|error| (state.fault, error))
}

struct State<'b> {
    budget: &'b mut Budget,
    /// What made us stop, for serde carries only its words.
    fault: Option<Fault>,
}

impl State<'_> {
    fn stop<E: Error>(&mut self, fault: Fault) -> E {
        let error = E::custom(&fault);
        self.fault = Some(fault);
        error
    }

    fn scalar<E: Error>(&mut self, text: &str) -> Result<(), E> {
        self.budget.take_scalar(text).map_err(|fault| self.stop(fault))
    }

    fn container<E: Error>(&mut self, depth: usize) -> Result<(), E> {
        self.budget.take_container(depth).map_err(|fault| self.stop(fault))
    }
}

struct Strict<'s, 'b> {
    state: &'s mut State<'b>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Strict<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_, '_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.state.scalar("")?;
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.state.scalar("")?;
        Ok(value.into())
    }

    #[expect(clippy::cast_precision_loss, reason = "what does not fit 63 bits is a float to Kubernetes")]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.state.scalar("")?;
        Ok(i64::try_from(value).map_or_else(|_| (value as f64).into(), Value::from))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.state.scalar("")?;
        Ok(number(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.state.scalar(value)?;
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.state.scalar("")?;
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let Self { state, depth } = self;
        state.container(depth)?;
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(Strict { state: &mut *state, depth: depth + 1 })? {
            all.push(item);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let Self { state, depth } = self;
        state.container(depth)?;
        let mut map = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            state.scalar(&key)?;
            if map.contains_key(&key) {
                return Err(state.stop(Fault::DuplicateKey(key)));
            }
            let value = fields.next_value_seed(Strict { state: &mut *state, depth: depth + 1 })?;
            map.insert(key, value);
        }
        Ok(map.into())
    }
}
