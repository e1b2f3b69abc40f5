//! The fields of messages by their numbers.

use std::collections::HashMap;
use std::sync::LazyLock;

/// How often a field stands in its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// At most once; the last counts.
    One,
    /// The same, and left out in JSON where it is zero, false or empty.
    UnlessZero,
    /// As a list.
    Many,
    /// As the entries of a map from texts.
    Map,
    /// Its own fields stand in the JSON of the message around it.
    Inline,
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) count: Count,
    /// A scalar, or the name of a message.
    pub(super) of: &'static str,
}

/// The fields of one message.
pub(super) type Message = HashMap<u64, Field>;

static MESSAGES: LazyLock<HashMap<&'static str, Message>> = LazyLock::new(|| {
    let lines = include_str!("messages.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.filter_map(field).collect()))
        })
        .collect()
});

/// `7:name:type`
fn field(text: &'static str) -> Option<(u64, Field)> {
    let mut parts = text.split(':');
    let (number, name, of) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
    let counts = [('*', Count::Many), ('%', Count::Map), ('~', Count::UnlessZero)];
    let (count, of) = match counts.into_iter().find_map(|(sign, count)| Some((count, of.strip_prefix(sign)?))) {
        Some(found) => found,
        None if name == "+" => (Count::Inline, of),
        None => (Count::One, of),
    };
    Some((number, Field { name, count, of }))
}

/// The fields of a message; `None` for one that is not known.
pub(super) fn message(name: &str) -> Option<&'static Message> {
    MESSAGES.get(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALARS: [&str; 12] = [
        "string",
        "bytes",
        "bool",
        "int32",
        "int64",
        "double",
        "Time",
        "MicroTime",
        "Quantity",
        "IntOrString",
        "FieldsV1",
        "Duration",
    ];

    #[test]
    fn every_line_of_the_table_is_read_and_names_what_is_there() {
        let lines = include_str!("messages.txt").lines().filter(|line| !line.starts_with('#'));
        for line in lines {
            let mut words = line.split(' ');
            let name = words.next().unwrap();
            let fields = message(name).unwrap();
            assert_eq!(fields.len(), words.count(), "{name}");
            for field in fields.values() {
                assert!(SCALARS.contains(&field.of) || message(field.of).is_some(), "{name}: {field:?}");
            }
        }
        let ports = &message("Container").unwrap()[&6];
        assert_eq!((ports.name, ports.count, ports.of), ("ports", Count::Many, "ContainerPort"));
    }
}
