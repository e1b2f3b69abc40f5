//! What is still to be told. A reader that is slower than the cluster gets the newest state of each subject, not every
//! one between; what is observed for timelines is never left out.

use std::collections::{HashMap, VecDeque};

use crate::domain::application::AppKey;
use crate::domain::live::{LiveEvent, Watched};

/// What later events of the same subject replace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Subject {
    App(AppKey),
    Application(AppKey),
    Watch(Watched, String),
    Revisions(AppKey),
}

/// Events in their order.
#[derive(Default)]
pub(super) struct Outbox {
    /// `None`: a later event has made it useless.
    queue: VecDeque<Option<LiveEvent>>,
    /// Position of the first in the queue, counted since the start.
    first: u64,
    waiting: HashMap<Subject, u64>,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Puts an event behind the others, or in the place of an older one that it makes useless.
    pub(super) fn push(&mut self, event: LiveEvent) {
        let Some(subject) = subject(&event) else {
            self.queue.push_back(Some(event));
            return;
        };
        if let Some(position) = self.waiting.get(&subject).copied()
            && let Some(slot) =
                position.checked_sub(self.first).and_then(|at| self.queue.get_mut(usize::try_from(at).ok()?))
        {
            if !matches!(subject, Subject::Watch(..)) {
                *slot = Some(event);
                return;
            }
            // What was told between the two states of a watch belongs between them.
            *slot = None;
        }
        self.waiting.insert(subject, self.first + self.queue.len() as u64);
        self.queue.push_back(Some(event));
    }

    pub(super) fn pop(&mut self) -> Option<LiveEvent> {
        let event = loop {
            match self.queue.pop_front()? {
                Some(event) => break event,
                None => self.first += 1,
            }
        };
        if let Some(subject) = subject(&event)
            && self.waiting.get(&subject) == Some(&self.first)
        {
            self.waiting.remove(&subject);
        }
        self.first += 1;
        Some(event)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn subject(event: &LiveEvent) -> Option<Subject> {
    Some(match event {
        LiveEvent::App(app) => Subject::App(app.key.clone()),
        // The end of an application takes the place of its last change, and a new one of its name that of its end.
        LiveEvent::AppGone(key) => Subject::App(key.clone()),
        LiveEvent::Application { application, .. } => Subject::Application(application.key.clone()),
        LiveEvent::Watch { cluster, watched, .. } => Subject::Watch(watched.clone(), cluster.to_string()),
        LiveEvent::Revisions { key, .. } => Subject::Revisions(key.clone()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::application::AppSummary;
    use crate::domain::live::WatchState;

    fn app(name: &str, version: &str) -> LiveEvent {
        let json = format!(r#"{{"metadata":{{"name":"{name}","resourceVersion":"{version}"}}}}"#);
        LiveEvent::App(Box::new(AppSummary::from_json("c", json.as_bytes()).unwrap()))
    }

    fn drain(outbox: &mut Outbox) -> Vec<String> {
        std::iter::from_fn(|| outbox.pop())
            .map(|event| match event {
                LiveEvent::App(app) => format!("{}@{}", app.key.name, app.resource_version),
                LiveEvent::AppGone(key) => format!("{} gone", key.name),
                _ => "?".to_owned(),
            })
            .collect()
    }

    #[test]
    fn the_newest_state_of_each_application_is_told_once() {
        let mut outbox = Outbox::default();
        for (name, version) in [("a", "1"), ("b", "1"), ("a", "2"), ("a", "3")] {
            outbox.push(app(name, version));
        }
        outbox.push(LiveEvent::AppGone(AppKey::new("c", "", "b")));
        assert_eq!(drain(&mut outbox), ["a@3", "b gone"]);
        outbox.push(app("a", "4"));
        outbox.push(app("a", "5"));
        assert_eq!(drain(&mut outbox), ["a@5"]);
    }

    #[test]
    fn a_watch_is_live_only_after_what_it_listed() {
        let mut outbox = Outbox::default();
        let watch = |state| LiveEvent::Watch { cluster: "c".into(), watched: Watched::Applications, state };
        outbox.push(watch(WatchState::Listing));
        outbox.push(app("a", "1"));
        outbox.push(watch(WatchState::Live));
        assert_eq!(drain(&mut outbox), ["a@1", "?"]);
        outbox.push(app("a", "2"));
        assert_eq!(drain(&mut outbox), ["a@2"]);
    }
}
