//! Events: what controllers and the kubelet tell people about objects.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::json::{int, seconds, set, text};
use crate::sim::resource::EVENTS;
use crate::sim::store::{DeleteOptions, Store, WriteOptions};

/// How many events are kept; the oldest go first, as on a real cluster after an hour.
const KEPT: usize = 5_000;

/// One thing to tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Note<'a> {
    /// Who tells it, for example `job-controller`.
    pub(crate) component: &'a str,
    /// Host of the teller, for a kubelet its node; else empty.
    pub(crate) host: &'a str,
    /// `Warning` or `Normal`.
    pub(crate) warning: bool,
    /// One word, for example `SuccessfulCreate`.
    pub(crate) reason: &'a str,
    /// A sentence.
    pub(crate) message: &'a str,
    /// Part of the object, for example `spec.containers{main}`; else empty.
    pub(crate) field_path: &'a str,
}

/// Writes events; the same one told again counts up.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    known: HashMap<String, (String, String)>,
    order: VecDeque<(String, String, String)>,
    written: u64,
}

impl Recorder {
    /// Tells something about an object. That a namespace is being deleted is no reason to fail.
    pub(crate) fn tell(&mut self, store: &Store, now: Timestamp, about: &Value, note: Note<'_>) {
        let key = [note.component, note.host, text(about, "/metadata/uid"), note.reason, note.message, note.field_path]
            .join("\0");
        if let Some((namespace, name)) = self.known.get(&key) {
            let counted = store.update(&EVENTS, namespace, name, &WriteOptions::by(note.component), |event| {
                let mut event = event.clone();
                let count = int(&event, "/count").unwrap_or(1);
                set(&mut event, "/count", (count + 1).into());
                set(&mut event, "/lastTimestamp", seconds(now).into());
                Ok(event)
            });
            if counted.is_ok() {
                return;
            }
        }
        let mut source = json!({"component": note.component});
        if !note.host.is_empty() {
            set(&mut source, "/host", note.host.into());
        }
        let fields = json!({
            "source": source,
            "firstTimestamp": seconds(now),
            "lastTimestamp": seconds(now),
            "count": 1,
            "eventTime": null,
            "reportingComponent": note.component,
            "reportingInstance": note.host,
        });
        self.write(store, now, about, note, fields, Some(key));
    }

    /// Tells that a pod was bound, in the newer form which the scheduler uses.
    pub(crate) fn tell_scheduled(&mut self, store: &Store, now: Timestamp, about: &Value, note: Note<'_>) {
        let fields = json!({
            "source": {},
            "firstTimestamp": null,
            "lastTimestamp": null,
            "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
            "action": if note.warning { "Scheduling" } else { "Binding" },
            "reportingComponent": note.component,
            "reportingInstance": format!("{}-sim", note.component),
        });
        self.write(store, now, about, note, fields, None);
    }

    fn write(
        &mut self,
        store: &Store,
        now: Timestamp,
        about: &Value,
        note: Note<'_>,
        fields: Value,
        key: Option<String>,
    ) {
        self.written += 1;
        let stamp = u128::try_from(now.as_nanosecond()).unwrap_or_default() + u128::from(self.written % 1_000);
        let namespace = match text(about, "/metadata/namespace") {
            "" => "default",
            namespace => namespace,
        };
        let name = format!("{}.{stamp:x}", text(about, "/metadata/name"));
        let mut involved = json!({
            "kind": text(about, "/kind"),
            "namespace": text(about, "/metadata/namespace"),
            "name": text(about, "/metadata/name"),
            "uid": text(about, "/metadata/uid"),
            "apiVersion": text(about, "/apiVersion"),
            "resourceVersion": text(about, "/metadata/resourceVersion"),
        });
        if !note.field_path.is_empty() {
            set(&mut involved, "/fieldPath", note.field_path.into());
        }
        let mut event = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": involved,
            "reason": note.reason,
            "message": note.message,
            "type": if note.warning { "Warning" } else { "Normal" },
        });
        if let (Some(event), Value::Object(fields)) = (event.as_object_mut(), fields) {
            event.extend(fields);
        }
        let Ok(stored) = store.create(&EVENTS, event, &WriteOptions::by(note.component)) else { return };
        let place = (stored.namespace().to_owned(), stored.name().to_owned());
        let key = key.unwrap_or_default();
        if !key.is_empty() {
            self.known.insert(key.clone(), place.clone());
        }
        self.order.push_back((place.0, place.1, key));
        if self.order.len() > KEPT
            && let Some((namespace, name, key)) = self.order.pop_front()
        {
            self.known.remove(&key);
            // It may be gone already, with its namespace.
            let _ = store.delete(&EVENTS, &namespace, &name, &DeleteOptions::default());
        }
    }
}
