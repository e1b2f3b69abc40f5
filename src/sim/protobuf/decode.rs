use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::messages::{Count, Field, message};

/// What every body begins with.
const MAGIC: &[u8] = b"k8s\0";
/// Most messages in one another.
const DEEPEST: usize = 64;

/// Why a body cannot be read. Sending it again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadProtobuf {
    /// It does not begin as Kubernetes' protobuf does, ends too early or is nested too deep.
    #[error("the body is not protobuf as Kubernetes writes it")]
    Malformed,
    /// It has a kind or a field that is not known here.
    #[error("{0} cannot be read from protobuf")]
    Unknown(String),
}

/// Reads an object: what stands in a body after `k8s\0` is a `runtime.Unknown` with its kind and its bytes.
///
/// # Errors
/// Where it is not protobuf, or has fields that are not known.
pub(crate) fn decode(body: &[u8]) -> Result<Value, BadProtobuf> {
    let mut rest = body.strip_prefix(MAGIC).ok_or(BadProtobuf::Malformed)?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), Some([].as_slice()));
    while let Some((number, wire)) = next(&mut rest)? {
        match (number, wire) {
            (1, Wire::Bytes(mut of)) => {
                while let Some((number, wire)) = next(&mut of)? {
                    match number {
                        1 => api_version = text(wire)?,
                        2 => kind = text(wire)?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = Some(bytes),
            // An encoding or another type of content within.
            (3 | 4, Wire::Bytes(bytes)) if !bytes.is_empty() => raw = None,
            _ => {}
        }
    }
    let raw = raw.ok_or(BadProtobuf::Malformed)?;
    let mut object = Map::new();
    read(&kind, raw, &mut object, 0)?;
    object.insert("apiVersion".to_owned(), api_version.into());
    object.insert("kind".to_owned(), kind.into());
    Ok(Value::Object(object))
}

/// A value as it is written, before it is known what it means.
#[derive(Debug, Clone, Copy)]
enum Wire<'a> {
    Number(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
}

fn varint(rest: &mut &[u8]) -> Result<u64, BadProtobuf> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(BadProtobuf::Malformed)?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(BadProtobuf::Malformed)
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Result<&'a [u8], BadProtobuf> {
    let length = usize::try_from(length).map_err(|_| BadProtobuf::Malformed)?;
    let (taken, after) = rest.split_at_checked(length).ok_or(BadProtobuf::Malformed)?;
    *rest = after;
    Ok(taken)
}

/// The next field's number and value; `None` at the end.
fn next<'a>(rest: &mut &'a [u8]) -> Result<Option<(u64, Wire<'a>)>, BadProtobuf> {
    if rest.is_empty() {
        return Ok(None);
    }
    let tag = varint(rest)?;
    let wire = match tag & 7 {
        0 => Wire::Number(varint(rest)?),
        1 => {
            let bytes = take(rest, 8)?.try_into().map_err(|_| BadProtobuf::Malformed)?;
            Wire::Fixed(u64::from_le_bytes(bytes))
        }
        2 => {
            let length = varint(rest)?;
            Wire::Bytes(take(rest, length)?)
        }
        _ => return Err(BadProtobuf::Malformed),
    };
    Ok(Some((tag >> 3, wire)))
}

/// Reads the fields of a message into the JSON object that it is.
fn read(name: &str, mut rest: &[u8], object: &mut Map<String, Value>, depth: usize) -> Result<(), BadProtobuf> {
    let fields = message(name).ok_or_else(|| BadProtobuf::Unknown(format!("kind {name:?}")))?;
    if depth > DEEPEST {
        return Err(BadProtobuf::Malformed);
    }
    while let Some((number, wire)) = next(&mut rest)? {
        let unknown = || BadProtobuf::Unknown(format!("field {number} of {name}"));
        let field = fields.get(&number).ok_or_else(unknown)?;
        match (field.count, wire) {
            (Count::Inline, Wire::Bytes(bytes)) => read(field.of, bytes, object, depth + 1)?,
            (Count::Inline, _) => return Err(BadProtobuf::Malformed),
            (Count::One | Count::UnlessZero, wire) => {
                let value = value(field, wire, depth)?;
                let zero = field.count == Count::UnlessZero && (value == "" || value == 0 || value == false);
                if !zero && !value.is_null() {
                    object.insert(field.name.to_owned(), value);
                }
            }
            (Count::Many, wire) => {
                let value = value(field, wire, depth)?;
                let list = object.entry(field.name).or_insert_with(|| json!([]));
                list.as_array_mut().ok_or(BadProtobuf::Malformed)?.push(value);
            }
            (Count::Map, wire) => {
                let (key, value) = entry(field, wire, depth)?;
                let map = object.entry(field.name).or_insert_with(|| json!({}));
                map.as_object_mut().ok_or(BadProtobuf::Malformed)?.insert(key, value);
            }
        }
    }
    Ok(())
}

/// An entry of a map: its key is field 1, its value field 2, and what is empty may be left out.
fn entry(field: &Field, wire: Wire<'_>, depth: usize) -> Result<(String, Value), BadProtobuf> {
    let Wire::Bytes(mut rest) = wire else { return Err(BadProtobuf::Malformed) };
    let (mut key, mut found) = (String::new(), None);
    while let Some((number, wire)) = next(&mut rest)? {
        match number {
            1 => key = text(wire)?,
            2 => found = Some(value(field, wire, depth)?),
            _ => return Err(BadProtobuf::Malformed),
        }
    }
    let value = match found {
        Some(value) => value,
        None => value(field, Wire::Bytes(&[]), depth)?,
    };
    Ok((key, value))
}

fn text(wire: Wire<'_>) -> Result<String, BadProtobuf> {
    let Wire::Bytes(bytes) = wire else { return Err(BadProtobuf::Malformed) };
    String::from_utf8(bytes.to_vec()).map_err(|_| BadProtobuf::Malformed)
}

/// One value of a field, as JSON writes it.
fn value(field: &Field, wire: Wire<'_>, depth: usize) -> Result<Value, BadProtobuf> {
    match (field.of, wire) {
        ("bool", Wire::Number(number)) => Ok(Value::Bool(number != 0)),
        ("int32" | "int64", Wire::Number(number)) => Ok(number.cast_signed().into()),
        ("double", Wire::Fixed(bits)) => Ok(f64::from_bits(bits).into()),
        ("string", wire) => text(wire).map(Value::String),
        ("bytes", Wire::Bytes(bytes)) => Ok(STANDARD.encode(bytes).into()),
        ("Time" | "MicroTime", Wire::Bytes(bytes)) => time(field.of, bytes),
        ("Quantity", Wire::Bytes(mut bytes)) => match next(&mut bytes)? {
            Some((1, wire)) => text(wire).map(Value::String),
            _ => Ok("0".into()),
        },
        ("IntOrString", Wire::Bytes(bytes)) => int_or_string(bytes),
        ("FieldsV1", Wire::Bytes(mut bytes)) => match next(&mut bytes)? {
            Some((1, Wire::Bytes(raw))) => serde_json::from_slice(raw).map_err(|_| BadProtobuf::Malformed),
            _ => Ok(Value::Null),
        },
        (name, Wire::Bytes(bytes)) => {
            let mut object = Map::new();
            read(name, bytes, &mut object, depth + 1)?;
            Ok(Value::Object(object))
        }
        _ => Err(BadProtobuf::Malformed),
    }
}

/// A time; one that is not set has no fields.
fn time(of: &str, mut rest: &[u8]) -> Result<Value, BadProtobuf> {
    let (mut seconds, mut nanos, empty) = (0, 0, rest.is_empty());
    while let Some((number, wire)) = next(&mut rest)? {
        match (number, wire) {
            (1, Wire::Number(number)) => seconds = number.cast_signed(),
            (2, Wire::Number(number)) => nanos = i32::try_from(number.cast_signed()).unwrap_or_default(),
            _ => return Err(BadProtobuf::Malformed),
        }
    }
    if empty {
        return Ok(Value::Null);
    }
    let time = Timestamp::new(seconds, nanos).map_err(|_| BadProtobuf::Malformed)?;
    let layout = if of == "Time" { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S.%6fZ" };
    Ok(time.strftime(layout).to_string().into())
}

fn int_or_string(mut rest: &[u8]) -> Result<Value, BadProtobuf> {
    let (mut is_text, mut int, mut string) = (false, 0, String::new());
    while let Some((number, wire)) = next(&mut rest)? {
        match (number, wire) {
            (1, Wire::Number(number)) => is_text = number == 1,
            (2, Wire::Number(number)) => int = number.cast_signed(),
            (3, wire) => string = text(wire)?,
            _ => return Err(BadProtobuf::Malformed),
        }
    }
    Ok(if is_text { string.into() } else { int.into() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut field = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
        field.extend_from_slice(bytes);
        field
    }

    fn body(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let of = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC, &field(1, &of), &field(2, raw), &field(3, b""), &field(4, b"")].concat()
    }

    #[test]
    fn an_object_becomes_the_json_it_stands_for() {
        let metadata = [field(1, b"x"), field(2, b""), field(8, b"")].concat();
        let entry = [field(1, b"k"), field(2, b"v")].concat();
        let map = [field(1, &metadata), field(2, &entry), field(2, &field(1, b"empty")), field(3, &entry)].concat();
        let expected = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"},
            "data": {"k": "v", "empty": ""}, "binaryData": {"k": "dg=="}});
        assert_eq!(decode(&body("v1", "ConfigMap", &map)), Ok(expected));
        // A source of a volume stands in the volume itself; a number may be zero, and negative.
        let volume = [field(1, b"v"), field(2, &field(2, &field(1, b"")))].concat();
        let pod = [field(1, &volume), [vec![4 << 3], vec![0xff; 9], vec![1]].concat(), vec![5 << 3, 0]].concat();
        let pod = decode(&body("v1", "Pod", &field(2, &pod))).unwrap();
        let expected = json!({"volumes": [{"name": "v", "emptyDir": {}}], "terminationGracePeriodSeconds": -1,
            "activeDeadlineSeconds": 0});
        assert_eq!(pod["spec"], expected);
    }

    #[test]
    fn times_and_ports_have_their_own_form() {
        let seconds = [vec![1 << 3], vec![0x80, 0x80, 0xa8, 0xce, 0x06]].concat();
        let metadata = field(1, &field(8, &seconds));
        let object = decode(&body("v1", "ConfigMap", &metadata)).unwrap();
        assert_eq!(object["metadata"]["creationTimestamp"].as_str().unwrap().len(), 20);
        let port = |raw: &[u8]| {
            let spec = field(2, &field(1, &field(4, raw)));
            decode(&body("v1", "Service", &spec)).unwrap()["spec"]["ports"][0]["targetPort"].clone()
        };
        assert_eq!(port(&[1 << 3, 0, 2 << 3, 80]), 80);
        assert_eq!(port(&[vec![1 << 3, 1], field(3, b"http")].concat()), "http");
    }

    #[test]
    fn what_is_not_known_is_refused_and_named() {
        assert_eq!(decode(b"{}"), Err(BadProtobuf::Malformed));
        assert_eq!(decode(b"k8s\0\x12\x7f"), Err(BadProtobuf::Malformed));
        assert_eq!(
            decode(&body("v1", "Nope", b"")).unwrap_err().to_string(),
            "kind \"Nope\" cannot be read from protobuf"
        );
        let unknown = decode(&body("v1", "ConfigMap", &field(15, b""))).unwrap_err();
        assert_eq!(unknown.to_string(), "field 15 of ConfigMap cannot be read from protobuf");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), kind in "Pod|Job|ConfigMap|Service") {
            let _ = decode(&[MAGIC, &bytes].concat());
            let _ = decode(&body("v1", &kind, &bytes));
        }
    }
}
