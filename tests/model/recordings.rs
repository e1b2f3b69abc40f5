//! The recordings of Argo CD 3.6 in `tests/traces`, one event after another.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// One event of a watch.
pub(crate) struct Event {
    /// Name of the recording and number of the line, to name the event in a failure.
    pub(crate) at: String,
    /// The object.
    pub(crate) object: Value,
}

/// All events of all recordings.
pub(crate) fn events() -> Vec<Event> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut events = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "jsonl")) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        for (index, line) in fs::read_to_string(file).unwrap().lines().enumerate() {
            let mut event: Value = serde_json::from_str(line).unwrap();
            events.push(Event { at: format!("{name}:{}", index + 1), object: event["object"].take() });
        }
    }
    assert!(events.len() > 100, "the recordings are missing");
    events
}

/// The Applications among them.
pub(crate) fn applications() -> Vec<Event> {
    let mut events = events();
    events.retain(|event| event.object["kind"] == "Application");
    events
}
