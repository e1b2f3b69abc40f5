//! The mailbox of an application's actor: the latest version alone lies in it.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::Notify;

use crate::domain::manifest::Object;

/// What lies in a mailbox.
#[derive(Debug)]
enum Letter {
    /// The latest version.
    Latest(Arc<Object>),
    /// The Application is gone. The answer to a write may be read after that was seen, and makes nobody alive again: an
    /// Application of the same name gets another mailbox.
    Gone,
}

/// The latest version of one Application, and a bell. An actor that is busy misses nothing but versions in between.
///
/// It is never empty: an actor that looked into it before the first version lies there would take the Application for
/// gone, and nobody would ever work for it.
#[derive(Debug)]
pub(crate) struct Mailbox {
    letter: Mutex<Letter>,
    /// Rings when there is something new for the actor: its Application, or an object it watches.
    pub(crate) bell: Arc<Notify>,
}

impl Mailbox {
    /// With the version that was seen first.
    pub(crate) fn new(object: Arc<Object>) -> Self {
        Self { letter: Mutex::new(Letter::Latest(object)), bell: Arc::default() }
    }

    /// Puts a version in, unless a newer one is there, and rings.
    pub(crate) fn put(&self, object: Arc<Object>) {
        let mut letter = self.letter.lock().unwrap_or_else(PoisonError::into_inner);
        match &*letter {
            Letter::Gone => return,
            Letter::Latest(known) if known.uid() == object.uid() && version(known) > version(&object) => return,
            Letter::Latest(_) => {}
        }
        *letter = Letter::Latest(object);
        drop(letter);
        self.bell.notify_one();
    }

    /// The Application is gone.
    pub(crate) fn close(&self) {
        *self.letter.lock().unwrap_or_else(PoisonError::into_inner) = Letter::Gone;
        self.bell.notify_one();
    }

    /// The latest version; `None`: the Application is gone.
    pub(crate) fn latest(&self) -> Option<Arc<Object>> {
        match &*self.letter.lock().unwrap_or_else(PoisonError::into_inner) {
            Letter::Latest(object) => Some(Arc::clone(object)),
            Letter::Gone => None,
        }
    }
}

/// Versions of one object can be compared as numbers.
fn version(object: &Object) -> u128 {
    let version = object.at(&["metadata", "resourceVersion"]).and_then(Value::as_str);
    version.and_then(|version| version.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_older_version_does_not_hide_a_newer_one_and_a_new_object_counts() {
        let object = |uid: &str, version: &str| {
            let metadata = json!({"name": "shop", "uid": uid, "resourceVersion": version});
            Arc::new(Object::from_json(json!({"apiVersion": "v1", "kind": "A", "metadata": metadata})).unwrap())
        };
        let mailbox = Mailbox::new(object("a", "9"));
        let latest = || mailbox.latest().map(|object| format!("{} {}", object.uid(), version(&object)));
        assert_eq!(latest().as_deref(), Some("a 9"), "whoever looks first finds it");
        mailbox.put(object("a", "10"));
        mailbox.put(object("a", "9"));
        assert_eq!(latest().as_deref(), Some("a 10"));
        mailbox.put(object("b", "3"));
        assert_eq!(latest().as_deref(), Some("b 3"));
        mailbox.close();
        assert_eq!(latest(), None);
        mailbox.put(object("b", "4"));
        assert_eq!(latest(), None, "an answer that comes late makes nobody alive again");
    }
}
