//! What is shown of a list: words, their inverse, labels, a project, only what needs somebody.

use super::row::{Known, Row, Standing};

/// A filter: every part must be met.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::tui) struct Filter {
    /// As it was typed.
    pub(in crate::tui) text: String,
    parts: Vec<Part>,
    /// Only what needs somebody, whatever was typed.
    pub(in crate::tui) faults: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text { inverse: bool, text: String },
    Label { name: String, value: Option<String>, inverse: bool },
    Project(String),
    Faults,
}

impl Filter {
    /// Reads `text !text -l name=value -l name!=value -l name -p project faults`. What is not finished yet matches all.
    pub(in crate::tui) fn parse(text: &str, faults: bool) -> Self {
        let mut parts = Vec::new();
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                "-l" => parts.extend(words.next().map(label)),
                "-p" => parts.extend(words.next().map(|project| Part::Project(project.to_lowercase()))),
                "faults" => parts.push(Part::Faults),
                "!" => {}
                word => {
                    let (inverse, text) = word.strip_prefix('!').map_or((false, word), |text| (true, text));
                    parts.push(Part::Text { inverse, text: text.to_lowercase() });
                }
            }
        }
        Self { text: text.to_owned(), parts, faults }
    }

    pub(in crate::tui) fn is_empty(&self) -> bool {
        self.parts.is_empty() && !self.faults
    }

    pub(in crate::tui) fn matches(&self, row: &Row) -> bool {
        let is_fault = || row.standing() <= Standing::Degraded;
        (!self.faults || is_fault())
            && self.parts.iter().all(|part| match part {
                Part::Faults => is_fault(),
                Part::Project(project) => row.project().to_lowercase() == *project,
                Part::Text { inverse, text } => contains(row, text) != *inverse,
                Part::Label { name, value, inverse } => {
                    let own = row.summary().and_then(|summary| summary.label(name));
                    let is_met = match value {
                        Some(value) => own == Some(value.as_str()),
                        None => own.is_some(),
                    };
                    is_met != *inverse
                }
            })
    }
}

fn label(text: &str) -> Part {
    let part = |name: &str, value: Option<&str>, inverse| Part::Label {
        name: name.to_owned(),
        value: value.map(str::to_owned),
        inverse,
    };
    match (text.split_once("!="), text.split_once('=')) {
        (Some((name, value)), _) => part(name, Some(value), true),
        (None, Some((name, value))) => part(name, Some(value.trim_start_matches('=')), false),
        (None, None) => match text.strip_prefix('!') {
            Some(name) => part(name, None, true),
            None => part(text, None, false),
        },
    }
}

fn contains(row: &Row, text: &str) -> bool {
    let has = |field: &str| field.to_lowercase().contains(text);
    has(&row.key.name)
        || has(&row.key.namespace)
        || has(row.project())
        || match &row.known {
            Known::Summary(summary) => {
                has(&summary.destination_namespace)
                    || summary.revision.to_string().starts_with(text)
                    || summary.sync.is_some_and(|sync| has(sync_word(sync)))
                    || summary.health.is_some_and(|health| has(health.as_str()))
                    || summary.operation.as_ref().is_some_and(|operation| has(&operation.username))
            }
            Known::Early(_) | Known::Unreadable(_) => false,
        }
}

pub(in crate::tui) const fn sync_word(sync: crate::domain::application::SyncStatus) -> &'static str {
    use crate::domain::application::SyncStatus;
    match sync {
        SyncStatus::Synced => "Synced",
        SyncStatus::OutOfSync => "OutOfSync",
        SyncStatus::Unknown => "Unknown",
    }
}
