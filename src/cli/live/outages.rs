//! Which watches tell nothing at present, so that each outage is said once, and once that it is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::application::AppKey;
use crate::domain::live::{HookAccess, WatchState, Watched};
use crate::domain::text::one_line;

/// Characters of an error, or of a name.
const LONGEST: usize = 300;

/// What is not told at present.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    /// The Applications of a cluster.
    Applications(Arc<str>),
    /// The hooks in a namespace of a cluster.
    Hooks(Arc<str>, Arc<str>),
    /// The hooks on a cluster that there is no way to, as Applications name it.
    Destination(Arc<str>),
}

/// An outage that is not over.
#[derive(Debug, Default)]
struct Outage {
    /// What is broken: the kinds of hooks, or the names of applications.
    broken: BTreeSet<String>,
    error: String,
    is_told: bool,
}

/// The outages that are not over, and what of them was said.
#[derive(Debug, Default)]
pub(in crate::cli) struct Outages {
    open: BTreeMap<Subject, Outage>,
    /// Those that were told, and whose end was not.
    over: Vec<Subject>,
    /// Nobody wants to know of hooks.
    pub is_of_applications: bool,
}

impl Outages {
    /// What there is to say now: what has broken off, and what is watched again.
    pub(in crate::cli) fn news(&mut self) -> Vec<String> {
        let mut news: Vec<String> = self.over.drain(..).map(|own| format!("{own} are watched again")).collect();
        for (subject, outage) in self.open.iter_mut().filter(|(_, outage)| !outage.is_told) {
            outage.is_told = true;
            news.push(format!("{subject} cannot be watched, and what is told of them is old: {}", outage.error));
        }
        news
    }

    /// A watch has changed its state.
    pub(super) fn watch(&mut self, cluster: &Arc<str>, watched: &Watched, state: &WatchState) {
        let (subject, kind) = match watched {
            Watched::Applications => (Subject::Applications(Arc::clone(cluster)), ""),
            Watched::Hooks { kind, namespace } if matches!(&**kind, "jobs" | "pods" | "workflows") => {
                (Subject::Hooks(Arc::clone(cluster), Arc::clone(namespace)), &**kind)
            }
            _ => return,
        };
        if self.is_of_applications && !matches!(subject, Subject::Applications(_)) {
            return;
        }
        match state {
            // Most people may not see Workflows, and most clusters have none.
            WatchState::Interrupted { denied: true, .. } if kind == "workflows" => {}
            // It is listed anew at once: that a version is too old is no outage.
            WatchState::Interrupted { retry_in, transient: true, .. } if retry_in.is_zero() => {}
            WatchState::Interrupted { error, .. } => self.begin(subject, kind, error),
            WatchState::Live => self.end(&subject, kind),
            // Nobody wants to know any more.
            WatchState::Stopped => {
                self.open.remove(&subject);
            }
            WatchState::Listing | WatchState::Absent { .. } => {}
        }
    }

    /// The way to an application's hooks was found, or lost.
    pub(super) fn access(&mut self, key: &AppKey, access: &HookAccess) {
        let own = format!("{}/{}", key.namespace, key.name);
        match access {
            HookAccess::None { cluster, missing } if !self.is_of_applications => {
                self.begin(Subject::Destination(Arc::clone(cluster)), &own, missing);
            }
            HookAccess::Watched { .. } => {
                let is_it = |(subject, outage): (&Subject, &Outage)| {
                    let is_it = matches!(subject, Subject::Destination(_)) && outage.broken.contains(&own);
                    is_it.then(|| subject.clone())
                };
                if let Some(subject) = self.open.iter().find_map(is_it) {
                    self.end(&subject, &own);
                }
            }
            HookAccess::None { .. } | HookAccess::Unknown => {}
        }
    }

    fn begin(&mut self, subject: Subject, what: &str, error: &str) {
        let outage = self.open.entry(subject).or_default();
        if outage.broken.is_empty() {
            outage.error = one_line(error, LONGEST);
        }
        outage.broken.insert(what.to_owned());
    }

    fn end(&mut self, subject: &Subject, what: &str) {
        let Some(outage) = self.open.get_mut(subject) else { return };
        outage.broken.remove(what);
        if outage.broken.is_empty()
            && let Some(outage) = self.open.remove(subject)
            && outage.is_told
        {
            self.over.push(subject.clone());
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = match self {
            Self::Applications(cluster) => format!("the Applications of {cluster}"),
            Self::Hooks(cluster, namespace) => format!("the hooks in namespace {namespace} of {cluster}"),
            Self::Destination(cluster) => format!("the hooks on {cluster}"),
        };
        formatter.write_str(&one_line(&words, LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn broken(denied: bool, retry: u64) -> WatchState {
        let (error, transient, retry_in) = ("gone".to_owned(), !denied, Duration::from_secs(retry));
        WatchState::Interrupted { since: None, error, transient, denied, unauthenticated: false, retry_in }
    }

    fn hooks(kind: &str) -> Watched {
        Watched::Hooks { kind: kind.into(), namespace: "shop".into() }
    }

    #[test]
    fn an_outage_is_told_once_and_once_that_it_is_over() {
        let mut outages = Outages::default();
        let cluster: Arc<str> = "prod".into();
        let lost = |words: &str| format!("{words} cannot be watched, and what is told of them is old: gone");
        let back = |words: &str| format!("{words} are watched again");
        let (apps, own) = ("the Applications of prod", "the hooks in namespace shop of prod");
        for (watched, state, expected) in [
            (Watched::Applications, WatchState::Live, None),
            (Watched::Applications, broken(false, 1), Some(lost(apps))),
            (Watched::Applications, broken(false, 2), None),
            (hooks("jobs"), broken(false, 1), Some(lost(own))),
            (hooks("pods"), broken(true, 1), None),
            (hooks("jobs"), WatchState::Live, None),
            (Watched::Applications, WatchState::Listing, None),
            (Watched::Applications, WatchState::Live, Some(back(apps))),
            (hooks("pods"), WatchState::Live, Some(back(own))),
            (hooks("pods"), WatchState::Live, None),
            (hooks("pods"), broken(false, 0), None),
            (hooks("workflows"), broken(true, 1), None),
            (hooks("deployments"), broken(true, 1), None),
        ] {
            outages.watch(&cluster, &watched, &state);
            assert_eq!(outages.news(), Vec::from_iter(expected), "{watched:?} {state:?}");
        }
        // What nobody was told of is over in silence.
        outages.watch(&cluster, &hooks("jobs"), &broken(false, 1));
        outages.watch(&cluster, &hooks("jobs"), &WatchState::Live);
        assert_eq!(outages.news(), Vec::<String>::new());
    }

    #[test]
    fn that_there_is_no_way_to_the_hooks_is_told_once_for_all_applications() {
        let mut outages = Outages::default();
        let (one, two) = (AppKey::new("c", "argocd", "one"), AppKey::new("c", "argocd", "two"));
        let none = HookAccess::None { cluster: "eu".into(), missing: "no Secret".to_owned() };
        let there = HookAccess::Watched { cluster: "https://eu".into() };
        let lost = "the hooks on eu cannot be watched, and what is told of them is old: no Secret";
        for (key, access, expected) in [
            (&one, &there, None),
            (&one, &none, Some(lost)),
            (&two, &none, None),
            (&one, &there, None),
            (&two, &there, Some("the hooks on eu are watched again")),
        ] {
            outages.access(key, access);
            assert_eq!(outages.news(), Vec::from_iter(expected.map(str::to_owned)), "{key} {access:?}");
        }
    }
}
