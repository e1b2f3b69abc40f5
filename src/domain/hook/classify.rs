//! From an object's annotations to what a sync does with it.
//!
//! Argo CD decides for each object by itself: its own annotation first, and Helm's only if that one names no kind of a
//! sync hook. Delete hooks are looked for on a path of their own, in both annotations at once.

use super::suggest::{Unused, UnusedReason, reason};
use super::token::{Dialect, Token, hook_annotation, tokens};
use super::types::{DeletePhase, HookType, SyncPhase};
use crate::domain::manifest::Object;

/// What an object is to a sync. Exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Classification {
    /// Applied in the Sync phase, compared, pruned.
    Resource,
    /// Marked `Skip` and nothing else: neither applied nor compared nor pruned.
    Skipped,
    /// A hook.
    Hook(Hook),
    /// Marked as a hook with no kind that Argo CD knows: it drops the object without a word. What was written, and why
    /// it counts for nothing; never empty.
    Dropped(Vec<Unused>),
}

/// A hook: when it runs and what made it one. At least one of the two lists has an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Phases of a sync in which it runs, in their order, each once.
    pub sync: Vec<Derived<SyncPhase>>,
    /// Phases of a deletion in which it runs, in their order, each once.
    pub delete: Vec<Derived<DeletePhase>>,
    /// Words that were written and count for nothing.
    pub unused: Vec<Unused>,
}

/// A phase and the words it was derived from, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived<P> {
    /// The phase.
    pub phase: P,
    /// What was written for it, in order.
    pub from: Vec<Token>,
}

impl Classification {
    /// The phases of a sync in which the object has a task, in their order: `Sync` for an ordinary resource.
    pub fn sync_phases(&self) -> Vec<SyncPhase> {
        match self {
            Self::Resource => vec![SyncPhase::Sync],
            Self::Hook(hook) => hook.sync.iter().map(|derived| derived.phase).collect(),
            Self::Skipped | Self::Dropped(_) => Vec::new(),
        }
    }

    /// The hook, if it is one.
    pub const fn hook(&self) -> Option<&Hook> {
        match self {
            Self::Hook(hook) => Some(hook),
            _ => None,
        }
    }

    /// Whether Argo CD counts a live object like this among its hooks, so that it neither compares nor prunes it.
    /// A dropped hook is one in this sense.
    pub const fn is_hook(&self) -> bool {
        matches!(self, Self::Hook(_) | Self::Dropped(_))
    }
}

impl Hook {
    /// Whether it runs in this phase of a sync.
    pub fn runs_in(&self, phase: SyncPhase) -> bool {
        self.sync.iter().any(|derived| derived.phase == phase)
    }

    /// Whether it runs in this phase of a deletion.
    pub fn runs_at(&self, phase: DeletePhase) -> bool {
        self.delete.iter().any(|derived| derived.phase == phase)
    }

    /// All its kinds, those of a sync first.
    pub fn types(&self) -> impl Iterator<Item = HookType> {
        let sync = self.sync.iter().map(|derived| derived.phase.into());
        sync.chain(self.delete.iter().map(|derived| derived.phase.into()))
    }
}

/// What a sync, or a deletion, does with the object.
pub fn classify(object: &Object) -> Classification {
    let argo = hook_annotation(object, Dialect::Argo);
    let helm = hook_annotation(object, Dialect::Helm);
    let written = [(Dialect::Argo, argo.as_deref()), (Dialect::Helm, helm.as_deref())];
    let words: Vec<Token> = written
        .iter()
        .flat_map(|(dialect, value)| {
            tokens(value.unwrap_or_default()).into_iter().map(|word| Token::new(*dialect, word))
        })
        .collect();

    let delete = derive(&words, DeletePhase::ALL, |word| kind(word)?.delete_phase());
    // `Skip` counts as a kind here: it, too, keeps Helm's annotation from being read.
    let argo_decides = words.iter().any(|word| {
        word.dialect == Dialect::Argo
            && HookType::from_name(&word.text).is_some_and(|kind| kind.delete_phase().is_none())
    });
    let read = if argo_decides { Dialect::Argo } else { Dialect::Helm };
    let sync = derive(&words, SyncPhase::ALL, |word| kind(word).filter(|_| word.dialect == read)?.sync_phase());

    if sync.is_empty() && delete.is_empty() {
        if argo_decides {
            return Classification::Skipped;
        }
        // Helm marks the CRDs of old charts so; they are no hooks. Only this very value is meant.
        let is_crd_install = helm.as_deref() == Some("crd-install");
        if argo.is_none() && (helm.is_none() || is_crd_install) {
            return Classification::Resource;
        }
    }
    let used = |word: &&Token| {
        sync.iter().any(|derived| derived.from.contains(word))
            || delete.iter().any(|derived| derived.from.contains(word))
    };
    let mut unused: Vec<Unused> = words
        .iter()
        .filter(|word| !used(word))
        .map(|word| Unused { token: word.clone(), reason: reason(word, argo_decides) })
        .collect();
    for (dialect, value) in written {
        if value.is_some_and(|value| tokens(value).is_empty()) {
            unused.push(Unused { token: Token::new(dialect, ""), reason: UnusedReason::Empty });
        }
    }
    if sync.is_empty() && delete.is_empty() {
        return Classification::Dropped(unused);
    }
    Classification::Hook(Hook { sync, delete, unused })
}

/// The phases for which there is a word, in the order given, each once.
fn derive<P: Copy + PartialEq, const N: usize>(
    words: &[Token],
    phases: [P; N],
    meaning: impl Fn(&Token) -> Option<P>,
) -> Vec<Derived<P>> {
    let derived = phases.into_iter().map(|phase| Derived {
        phase,
        from: words.iter().filter(|word| meaning(word) == Some(phase)).cloned().collect(),
    });
    derived.filter(|derived| !derived.from.is_empty()).collect()
}

/// The kind of hook that a word stands for, in its own world.
fn kind(word: &Token) -> Option<HookType> {
    match word.dialect {
        Dialect::Argo => HookType::from_name(&word.text),
        Dialect::Helm => HookType::from_helm_name(&word.text),
    }
}
