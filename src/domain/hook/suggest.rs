//! Why a word in a hook annotation counts for nothing, and what was probably meant.

use super::token::{Dialect, Token};
use super::types::HookType;

/// A word in a hook annotation that changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// What was written; an empty text is an annotation without any word.
    pub token: Token,
    /// Why it does not count.
    pub reason: UnusedReason,
}

/// Why a word in a hook annotation does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnusedReason {
    /// The annotation names nothing at all.
    Empty,
    /// Spelt like this kind but for upper and lower case.
    WrongCase(HookType),
    /// Close to the spelling of this kind.
    Misspelt(HookType),
    /// One of Helm's words in Argo CD's annotation; this is Argo CD's word for it.
    HelmWord(HookType),
    /// One of Argo CD's words in Helm's annotation.
    ArgoWord(HookType),
    /// Right in Helm's annotation, which is not read because Argo CD's names a kind.
    Shadowed,
    /// `Skip` beside other kinds.
    SkipAmongOthers,
    /// Helm's `test`, `test-success` and `test-failure`: Argo CD runs no tests.
    HelmTest,
    /// Helm's rollback hooks: Argo CD has no such phase.
    HelmRollback,
    /// Helm's `crd-install` together with other words.
    HelmCrdInstall,
    /// Nothing that resembles a kind.
    Unknown,
}

impl UnusedReason {
    /// The kind that was probably meant.
    pub const fn suggestion(self) -> Option<HookType> {
        match self {
            Self::WrongCase(kind) | Self::Misspelt(kind) | Self::HelmWord(kind) | Self::ArgoWord(kind) => Some(kind),
            _ => None,
        }
    }
}

/// Why this word is not used, given whether Argo CD's annotation kept Helm's from being read.
pub(super) fn reason(word: &Token, argo_decides: bool) -> UnusedReason {
    let text = word.text.as_str();
    match word.dialect {
        Dialect::Argo => argo_reason(text),
        Dialect::Helm => match text {
            "pre-install" | "pre-upgrade" | "post-install" | "post-upgrade" if argo_decides => UnusedReason::Shadowed,
            "test" | "test-success" | "test-failure" => UnusedReason::HelmTest,
            "pre-rollback" | "post-rollback" => UnusedReason::HelmRollback,
            "crd-install" => UnusedReason::HelmCrdInstall,
            _ => HookType::from_name(text).map_or_else(|| helm_reason(text), UnusedReason::ArgoWord),
        },
    }
}

fn argo_reason(text: &str) -> UnusedReason {
    if text == HookType::Skip.as_str() {
        return UnusedReason::SkipAmongOthers;
    }
    if let Some(kind) = HookType::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text)) {
        return UnusedReason::WrongCase(kind);
    }
    if let Some((_, kind)) = HELM_WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
        return UnusedReason::HelmWord(*kind);
    }
    let plain = plain(text);
    nearest(&plain, HookType::ALL.into_iter().map(|kind| (kind.as_str(), kind)))
}

fn helm_reason(text: &str) -> UnusedReason {
    if let Some((_, kind)) = HELM_WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
        return UnusedReason::WrongCase(*kind);
    }
    let plain = plain(text);
    match nearest(&plain, HELM_WORDS.into_iter()) {
        UnusedReason::Unknown => match nearest(&plain, HookType::ALL.into_iter().map(|kind| (kind.as_str(), kind))) {
            UnusedReason::Misspelt(kind) => UnusedReason::ArgoWord(kind),
            other => other,
        },
        found => found,
    }
}

/// Helm's words that Argo CD understands, and its own word for each.
const HELM_WORDS: [(&str, HookType); 6] = [
    ("pre-install", HookType::PreSync),
    ("pre-upgrade", HookType::PreSync),
    ("post-install", HookType::PostSync),
    ("post-upgrade", HookType::PostSync),
    ("pre-delete", HookType::PreDelete),
    ("post-delete", HookType::PostDelete),
];

/// Letters only, in lower case, and no more of them than a word of ours could have with its errors.
fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphabetic).take(16).map(|c| c.to_ascii_lowercase()).collect()
}

fn nearest<'a>(text: &str, words: impl Iterator<Item = (&'a str, HookType)>) -> UnusedReason {
    let close = words.map(|(word, kind)| (distance(text, &plain(word)), kind)).min_by_key(|(distance, _)| *distance);
    match close {
        // A third of a short word is another word.
        Some((distance, kind)) if distance <= 2 && distance * 3 < text.len().max(1) => UnusedReason::Misspelt(kind),
        _ => UnusedReason::Unknown,
    }
}

/// Number of letters to insert, delete or replace to get from one word to the other.
pub(in crate::domain) fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (b, above) in to.bytes().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(a != b)).min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn the_distance_of_words() {
        for (from, to, expected) in
            [("", "", 0), ("a", "", 1), ("", "abc", 3), ("presync", "presync", 0), ("presnc", "presync", 1)]
        {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("presycn", "presync"), 2);
    }
}
