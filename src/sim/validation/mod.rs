//! What the API server makes of the objects it is given: decoding with strict fields, defaults, and the rules of every
//! kind, with the answers of a real one to what breaks them.

mod custom;
mod decode;
mod defaults;
mod definition;
mod format;
mod json;
mod kinds;
mod metadata;
mod names;
mod pod;
mod prepare;
mod rules;

pub use decode::{Body, Decoded, FieldValidation, WrongBody, decode, normalize, parse, parse_json, prune};
pub use defaults::default_kind;
pub use prepare::{prepare_create, prepared_fields};
pub use rules::{KindRules, ResourceTypes, TypeCache, unowned_fields};
