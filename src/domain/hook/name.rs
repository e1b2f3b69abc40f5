//! The name of a hook that only has a `generateName`, and what Kubernetes takes for a name.

use jiff::Timestamp;

use super::types::SyncPhase;

/// Longest name of an object.
const MAX_NAME: usize = 253;
/// Longest part of a name between two dots.
const MAX_LABEL: usize = 63;

/// The name that Argo CD gives a hook without a `metadata.name`.
///
/// It is made from the hook's `generateName`, the revision (seven characters, if there are at least eight), the phase
/// and the start of the operation, so a retry finds the same name again. Nothing is checked: an Application with several
/// sources has an empty revision (two dashes follow each other then), a digest brings a colon, a chart version perhaps a
/// plus, and there is no limit to the length.
pub fn generated_name(generate_name: &str, revision: &str, phase: SyncPhase, started_at: Timestamp) -> String {
    let revision = if revision.len() >= 8 { start_of(revision, 7) } else { revision };
    let rest = format!("{revision}-{phase}-{}", started_at.as_second());
    format!("{generate_name}{}", rest.to_lowercase())
}

/// The first `bytes` bytes, or fewer where that would cut a character in two.
fn start_of(text: &str, bytes: usize) -> &str {
    (0..=bytes).rev().find_map(|end| text.get(..end)).unwrap_or_default()
}

/// Whether a text is a DNS-1123 subdomain, as the names of most kinds of objects must be.
pub fn is_dns_subdomain(name: &str) -> bool {
    name.len() <= MAX_NAME && name.split('.').all(is_in_dns)
}

/// Whether a text is a DNS-1123 label, as the names of namespaces must be.
pub fn is_dns_label(name: &str) -> bool {
    name.len() <= MAX_LABEL && is_in_dns(name)
}

/// Whether a text is what may stand between two dots of a DNS name, but for its length.
fn is_in_dns(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
