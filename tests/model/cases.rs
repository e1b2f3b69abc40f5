//! How many random cases a property is tried on: `BOATHOOK_CASES`, or 256.

use proptest::prelude::ProptestConfig;

/// The configuration of every property in these tests.
pub(crate) fn cases() -> ProptestConfig {
    let cases = std::env::var("BOATHOOK_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256);
    ProptestConfig::with_cases(cases)
}
