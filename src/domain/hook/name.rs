//! The name of a hook that only has a `generateName`, and what is wrong with names.

use jiff::Timestamp;

use super::types::SyncPhase;

/// Longest name of an object.
const MAX_NAME: usize = 253;
/// Longest value of a label; a Job writes its name into a label of its pods.
const MAX_LABEL_VALUE: usize = 63;

/// The name that Argo CD gives a hook without a `metadata.name`.
///
/// It is made from the hook's `generateName`, the revision (seven characters, if there are at least eight), the phase
/// and the start of the operation, so a retry finds the same name again. Nothing is checked: an Application with several
/// sources has an empty revision (two dashes follow each other then), a digest brings a colon, a chart version perhaps a
/// plus, and there is no limit to the length. See [`name_problem`].
pub fn generated_name(generate_name: &str, revision: &str, phase: SyncPhase, started_at: Timestamp) -> String {
    let revision = if revision.len() >= 8 { start_of(revision, 7) } else { revision };
    let rest = format!("{revision}-{phase}-{}", started_at.as_second());
    format!("{generate_name}{}", rest.to_lowercase())
}

/// The first `bytes` bytes, or fewer where that would cut a character in two.
fn start_of(text: &str, bytes: usize) -> &str {
    (0..=bytes).rev().find_map(|end| text.get(..end)).unwrap_or_default()
}

/// Why the API server will not take a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// Neither a name nor a `generateName`.
    #[error("the name is empty")]
    Empty,
    /// Longer than any name may be.
    #[error("the name has {0} characters, at most 253 are allowed")]
    TooLong(usize),
    /// Not a DNS-1123 subdomain.
    #[error(
        "the name may only have lower case letters, digits, '-' and '.', and must begin and end with a letter or digit"
    )]
    NotDns,
    /// A Job writes its name into a label of its pods.
    #[error("the name has {0} characters; the pods of a Job carry it as a label, where at most 63 are allowed")]
    TooLongForJob(usize),
}

/// What is wrong with the name of an object of this group and kind; `None` if the API server will take it.
pub fn name_problem(group: &str, kind: &str, name: &str) -> Option<NameProblem> {
    let length = name.chars().count();
    if name.is_empty() {
        Some(NameProblem::Empty)
    } else if length > MAX_NAME {
        Some(NameProblem::TooLong(length))
    } else if !is_dns_subdomain(name) {
        Some(NameProblem::NotDns)
    } else if group == "batch" && kind == "Job" && length > MAX_LABEL_VALUE {
        Some(NameProblem::TooLongForJob(length))
    } else {
        None
    }
}

/// Whether a text is a DNS-1123 subdomain, as the names of most kinds of objects must be.
pub fn is_dns_subdomain(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    name.len() <= MAX_NAME && name.split('.').all(is_label)
}
