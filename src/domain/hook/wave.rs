//! The wave of an object.

use super::token::{Dialect, Token};
use crate::domain::manifest::Object;
use crate::domain::names;

/// The wave of an object and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// The wave. Small ones first; may be negative.
    pub number: i64,
    /// What it was read from.
    pub origin: WaveOrigin,
    /// Values that were written and are no integer; Argo CD passes them over.
    pub unreadable: Vec<Token>,
}

/// Where a wave comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaveOrigin {
    /// Argo CD's annotation.
    Argo,
    /// Helm's weight.
    Helm,
    /// Neither is there, or can be read.
    Default,
}

/// The wave of an object, hook or not: Argo CD's annotation if it is an integer, else Helm's weight if that is one,
/// else 0.
pub fn wave(object: &Object) -> i64 {
    read_wave(object).number
}

/// The wave of an object, with what was read and what could not be.
pub fn read_wave(object: &Object) -> Wave {
    let mut unreadable = Vec::new();
    for (dialect, origin, name) in [
        (Dialect::Argo, WaveOrigin::Argo, names::SYNC_WAVE),
        (Dialect::Helm, WaveOrigin::Helm, names::HELM_HOOK_WEIGHT),
    ] {
        let Some(value) = object.at(&["metadata", "annotations", name]) else { continue };
        // A sign, then digits, and nothing else: Rust reads integers as Go does, spaces make both refuse.
        match value.as_str().map(str::parse) {
            Some(Ok(number)) => return Wave { number, origin, unreadable },
            Some(Err(_)) => unreadable.push(Token::new(dialect, value.as_str().unwrap_or_default())),
            None => unreadable.push(Token::new(dialect, value.to_string())),
        }
    }
    Wave { number: 0, origin: WaveOrigin::Default, unreadable }
}
