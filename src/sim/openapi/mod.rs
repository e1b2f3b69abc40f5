//! The types of the kinds the simulator serves, and the OpenAPI documents which publish them.
//!
//! One source of truth: strict decoding, strategic merge patches, server-side apply, validation of custom resources and
//! the documents under `/openapi/v3` all read the same [`Types`]. Those of the built-in kinds come from
//! `assets/kubernetes-types.json`, facts extracted from a running API server by the script beside it.

mod document;
mod index;
mod normal;
mod quantity;
mod rules;
mod types;

pub use document::openapi_document;
pub use index::OpenApiIndex;
pub use normal::{empty_object, fill_defaults, tidy};
pub use quantity::{canonical_quantity, quantity_in_billionths};
pub use rules::Rules;
pub use types::{Kind, ListType, Schema, Strategy, Types};
