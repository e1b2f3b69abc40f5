//! The beginning of a streaming list, looked through for objects that go before it is complete.
//!
//! Until the bookmark that ends the list, about a second after the last object, an API server also tells what happens
//! meanwhile. kube's watcher takes in what is new and passes over what is gone: that would be there until the next list.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How the lines begin that count. A watch is one JSON object a line, and Kubernetes writes the type first.
const DELETED: &[u8] = br#"{"type":"DELETED""#;
const BOOKMARK: &[u8] = br#"{"type":"BOOKMARK""#;

/// Whether an object went while the last list was streamed. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Went(Arc<AtomicBool>);

impl Went {
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_happened(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A streaming list as it arrives, in pieces that end anywhere.
#[derive(Default)]
pub(super) struct Beginning {
    /// The first bytes of the line that is being read.
    head: Vec<u8>,
    is_over: bool,
}

impl Beginning {
    /// Takes in a piece; `true`: it says that an object is gone.
    pub(super) fn has_lost(&mut self, piece: &[u8]) -> bool {
        if self.is_over {
            return false;
        }
        for (number, line) in piece.split(|byte| *byte == b'\n').enumerate() {
            if number > 0 {
                self.head.clear();
            }
            let free = BOOKMARK.len().saturating_sub(self.head.len());
            self.head.extend(line.iter().take(free));
            if self.head.starts_with(DELETED) {
                return true;
            }
            // The first one ends the list.
            if self.head.starts_with(BOOKMARK) {
                self.is_over = true;
                return false;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_before_the_end_of_the_list_is_seen_however_it_is_cut() {
        let line = |kind: &str| {
            format!("{{\"type\":\"{kind}\",\"object\":{{\"text\":\"{{\\\"type\\\":\\\"DELETED\\\"\"}}}}\n")
        };
        let table = [
            (&["ADDED", "MODIFIED", "BOOKMARK", "DELETED"][..], false),
            (&["ADDED", "DELETED", "ADDED", "BOOKMARK"], true),
            (&["DELETED"], true),
            (&["ADDED"], false),
            (&["BOOKMARK"], false),
            (&[], false),
        ];
        for (kinds, expected) in table {
            let text: String = kinds.iter().map(|kind| line(kind)).collect();
            for size in [1, 2, 7, 17, 18, 19, 40, 1000] {
                let mut beginning = Beginning::default();
                let seen = text.as_bytes().chunks(size).any(|piece| beginning.has_lost(piece));
                assert_eq!(seen, expected, "{kinds:?} in pieces of {size}");
            }
        }
    }
}
