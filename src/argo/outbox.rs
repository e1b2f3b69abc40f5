//! What is still to be told. A reader that is slower than the cluster gets the newest state of each subject, not every
//! one between, so that what waits for it is never more than what there is.
//!
//! What is observed for timelines is told in full as long as the reader is not far behind. Beyond that the states of an
//! object between the first that waits and the last are left out, and the last is told as found and not as seen to
//! happen: when it came about is not known any more.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::domain::application::AppKey;
use crate::domain::event::Change;
use crate::domain::live::{CaptureNotice, LiveEvent, Watched};

/// Observations that may wait before states of an object are left out.
const FAR_BEHIND: usize = 4_096;
/// Objects of which something waits. Beyond it those that are gone are left out, oldest first: a timeline would forget
/// them too.
const MOST_OBJECTS: usize = 10_000;

/// What later events of the same subject replace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Subject {
    App(AppKey),
    Application(AppKey),
    Watch(Watched, Arc<str>),
    Complete(Arc<str>),
    Revisions(AppKey),
    Hooks(AppKey),
    Controller(AppKey),
    Windows(AppKey),
    KubernetesEvent(AppKey, String),
    Rights(Arc<str>, Option<Arc<str>>),
    Project(Arc<str>, Arc<str>, String),
    Review(AppKey, Vec<String>),
    Repository(String),
    Capture(AppKey, String),
    /// The UID of an object of an application.
    Observed(AppKey, String),
}

impl Subject {
    /// Whether an event keeps the place of the one that it replaces. Those that say something about others do not: what
    /// was told between the two belongs between them.
    fn keeps_place(&self) -> bool {
        !matches!(self, Self::Watch(..) | Self::Complete(..) | Self::Capture(..) | Self::Observed(..))
    }
}

/// Events in their order.
#[derive(Default)]
pub(super) struct Outbox {
    /// `None`: a later event has made it useless.
    queue: VecDeque<Option<LiveEvent>>,
    /// Position of the first in the queue, counted since the start.
    first: u64,
    waiting: HashMap<Subject, u64>,
    /// Empty places in the queue.
    holes: usize,
    /// Observations in the queue.
    observed: usize,
    /// Positions of objects that are gone, oldest first.
    gone: VecDeque<u64>,
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
        if let LiveEvent::AppGone(key) = &event {
            // It comes after all that was told of the application, and before all that will be of one of its name.
            self.drop_waiting(&Subject::App(key.clone()));
            self.drop_waiting(&Subject::Application(key.clone()));
        }
        let mut event = event;
        if let Some(position) = self.waiting.get(&subject).copied()
            && let Some(slot) = slot(&mut self.queue, self.first, position)
        {
            if let LiveEvent::Observed { event, .. } = &mut event {
                if self.observed > FAR_BEHIND {
                    *slot = None;
                    self.holes += 1;
                    self.observed -= 1;
                    if event.change == Change::Applied {
                        event.change = Change::Listed;
                    }
                }
            } else if subject.keeps_place() {
                *slot = Some(event);
                return;
            } else {
                *slot = None;
                self.holes += 1;
            }
        }
        let position = self.first + self.queue.len() as u64;
        if let LiveEvent::Observed { event, .. } = &event {
            self.observed += 1;
            if event.change == Change::Deleted {
                self.gone.push_back(position);
            }
        }
        self.waiting.insert(subject, position);
        self.queue.push_back(Some(event));
        while self.observed > MOST_OBJECTS && self.forget_one() {}
        self.compact();
    }

    /// Leaves out what waits of a subject.
    fn drop_waiting(&mut self, subject: &Subject) {
        if let Some(position) = self.waiting.remove(subject)
            && let Some(slot) = slot(&mut self.queue, self.first, position)
            && slot.take().is_some()
        {
            self.holes += 1;
        }
    }

    /// Leaves out the oldest object that is gone.
    fn forget_one(&mut self) -> bool {
        let Some(position) = self.gone.pop_front() else { return false };
        if let Some(slot) = slot(&mut self.queue, self.first, position)
            && let Some(event) = slot.take()
        {
            self.holes += 1;
            self.observed -= 1;
            if let Some(subject) = subject(&event)
                && self.waiting.get(&subject) == Some(&position)
            {
                self.waiting.remove(&subject);
            }
        }
        true
    }

    /// Takes the empty places out once most are.
    fn compact(&mut self) {
        if self.holes < FAR_BEHIND || self.holes * 2 < self.queue.len() {
            return;
        }
        self.holes = 0;
        let first = self.first;
        let old = std::mem::take(&mut self.queue);
        let mut moved: HashMap<u64, u64> = HashMap::new();
        for (position, slot) in (first..).zip(old) {
            if slot.is_some() {
                moved.insert(position, first + self.queue.len() as u64);
                self.queue.push_back(slot);
            }
        }
        self.waiting.retain(|_, position| moved.get(position).map(|new| *position = *new).is_some());
        self.gone = self.gone.iter().filter_map(|position| moved.get(position).copied()).collect();
    }

    pub(super) fn pop(&mut self) -> Option<LiveEvent> {
        let event = loop {
            if let Some(event) = self.queue.pop_front()? {
                break event;
            }
            self.first += 1;
            self.holes -= 1;
        };
        if let Some(subject) = subject(&event)
            && self.waiting.get(&subject) == Some(&self.first)
        {
            self.waiting.remove(&subject);
        }
        if let LiveEvent::Observed { .. } = &event {
            self.observed -= 1;
        }
        self.first += 1;
        while self.gone.front().is_some_and(|position| *position < self.first) {
            self.gone.pop_front();
        }
        Some(event)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn slot(queue: &mut VecDeque<Option<LiveEvent>>, first: u64, position: u64) -> Option<&mut Option<LiveEvent>> {
    let at = usize::try_from(position.checked_sub(first)?).ok()?;
    queue.get_mut(at)
}

fn subject(event: &LiveEvent) -> Option<Subject> {
    Some(match event {
        LiveEvent::App(app) => Subject::App(app.key.clone()),
        // The end of an application takes the place of its last change, and a new one of its name that of its end; that it
        // cannot be read is a state of it like any other.
        LiveEvent::AppGone(key) | LiveEvent::AppUnreadable { key, .. } => Subject::App(key.clone()),
        LiveEvent::Application { application, .. } => Subject::Application(application.key.clone()),
        LiveEvent::Watch { cluster, watched, .. } => Subject::Watch(watched.clone(), Arc::clone(cluster)),
        LiveEvent::FleetComplete { cluster, .. } => Subject::Complete(Arc::clone(cluster)),
        LiveEvent::Revisions { key, .. } => Subject::Revisions(key.clone()),
        LiveEvent::Hooks { key, .. } => Subject::Hooks(key.clone()),
        LiveEvent::Controller { key, .. } => Subject::Controller(key.clone()),
        LiveEvent::Windows { key, .. } => Subject::Windows(key.clone()),
        LiveEvent::KubernetesEvent { key, event } => Subject::KubernetesEvent(key.clone(), event.uid.clone()),
        LiveEvent::Rights(rights) => Subject::Rights(Arc::clone(&rights.cluster), rights.namespace.clone()),
        LiveEvent::Project { cluster, namespace, project } => {
            Subject::Project(Arc::clone(cluster), Arc::clone(namespace), project.name.clone())
        }
        LiveEvent::ProjectGone { cluster, namespace, name } => {
            Subject::Project(Arc::clone(cluster), Arc::clone(namespace), name.clone())
        }
        LiveEvent::Review { key, review } => Subject::Review(key.clone(), review.asked.clone()),
        LiveEvent::Repository(state) => Subject::Repository(state.repository.clone()),
        LiveEvent::Capture(
            CaptureNotice::Started { key, source } | CaptureNotice::Complete { key, source, .. },
        ) => Subject::Capture(key.clone(), source.clone()),
        LiveEvent::Observed { key, event } => Subject::Observed(key.clone(), event.object.uid().to_owned()),
        // Each of them counts: there are as many as the reader asked for, or as operations ended.
        LiveEvent::Scope { .. }
        | LiveEvent::Settled(_)
        | LiveEvent::EarlyRows(_)
        | LiveEvent::Request(_)
        | LiveEvent::Recorded { .. }
        // The container's next restart does not bring back what was lost of this one.
        | LiveEvent::Capture(CaptureNotice::Off { .. } | CaptureNotice::Lost { .. }) => return None,
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
                LiveEvent::AppUnreadable { key, .. } => format!("{} unreadable", key.name),
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
    fn the_end_of_an_application_comes_after_all_that_was_told_of_it() {
        let whole = |version: &str| {
            let json = serde_json::json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
                "metadata": { "name": "a", "uid": "u", "resourceVersion": version } });
            let object = Arc::new(crate::domain::manifest::Object::from_json(json).unwrap());
            let (application, _) = crate::domain::application::Application::read("c", &object);
            LiveEvent::Application { application: Arc::new(application), object }
        };
        let gone = || LiveEvent::AppGone(AppKey::new("c", "", "a"));
        let mut outbox = Outbox::default();
        for event in [app("a", "1"), whole("1"), gone()] {
            outbox.push(event);
        }
        assert_eq!(drain(&mut outbox), ["a gone"]);
        for event in [app("a", "1"), whole("1"), gone(), whole("2")] {
            outbox.push(event);
        }
        assert_eq!(drain(&mut outbox), ["a gone", "?"], "there is another of its name");
    }

    #[test]
    fn an_application_ends_as_it_was_told_last() {
        type State = (&'static str, fn() -> LiveEvent);
        let states: [State; 3] = [
            ("a@1", || app("a", "1")),
            ("a unreadable", || LiveEvent::AppUnreadable { key: AppKey::new("c", "", "a"), reason: "spec".to_owned() }),
            ("a gone", || LiveEvent::AppGone(AppKey::new("c", "", "a"))),
        ];
        for one in states {
            for two in states {
                for (last, make) in states {
                    let mut outbox = Outbox::default();
                    for event in [one.1(), two.1(), make()] {
                        outbox.push(event);
                    }
                    assert_eq!(drain(&mut outbox), [last], "{} {}", one.0, two.0);
                }
            }
        }
    }

    fn observed(uid: &str, version: u64, change: Change) -> LiveEvent {
        let object = serde_json::json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": uid, "uid": uid, "resourceVersion": version.to_string() } });
        let object = Arc::new(crate::domain::manifest::Object::from_json(object).unwrap());
        let at = jiff::Timestamp::UNIX_EPOCH;
        LiveEvent::Observed {
            key: AppKey::new("c", "", "a"),
            event: crate::domain::event::WatchEvent { at, change, object },
        }
    }

    fn drain_observed(outbox: &mut Outbox) -> Vec<(String, String, Change)> {
        std::iter::from_fn(|| outbox.pop())
            .filter_map(|event| match event {
                LiveEvent::Observed { event, .. } => {
                    let version = event.object.at(&["metadata", "resourceVersion"])?.as_str()?.to_owned();
                    Some((event.object.uid().to_owned(), version, event.change))
                }
                _ => None,
            })
            .collect()
    }

    #[test]
    fn what_is_observed_is_told_in_full_to_a_reader_that_keeps_up() {
        let mut outbox = Outbox::default();
        for version in 0..100 {
            outbox.push(observed("p", version, Change::Applied));
        }
        let told = drain_observed(&mut outbox);
        assert_eq!(told.len(), 100);
        assert!(told.iter().all(|(_, _, change)| *change == Change::Applied));
    }

    #[test]
    fn what_waits_for_a_slow_reader_is_bounded_and_ends_with_what_is() {
        let mut outbox = Outbox::default();
        let mut version = 0;
        // A few objects that change all the time, and many that come and go.
        for round in 0..30_000_u64 {
            version += 1;
            outbox.push(observed(&format!("busy-{}", round % 50), version, Change::Applied));
            version += 1;
            outbox.push(observed(&format!("short-{round}"), version, Change::Applied));
            version += 1;
            outbox.push(observed(&format!("short-{round}"), version, Change::Deleted));
            outbox.push(app("a", &version.to_string()));
            assert!(outbox.queue.len() < 60_000 && outbox.waiting.len() < 20_000);
        }
        let told = drain_observed(&mut outbox);
        assert!(told.len() <= MOST_OBJECTS + 1, "{}", told.len());
        for busy in 0..50 {
            let name = format!("busy-{busy}");
            let last = told.iter().rfind(|(uid, ..)| *uid == name).unwrap();
            assert!(last.1.parse::<u64>().unwrap() > version - 200, "the last state is there");
            assert_eq!(last.2, Change::Listed, "when it came about is not known any more");
        }
        assert!(outbox.is_empty() && outbox.waiting.is_empty() && outbox.observed == 0);
        outbox.push(observed("p", 1, Change::Applied));
        assert_eq!(drain_observed(&mut outbox).len(), 1);
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
