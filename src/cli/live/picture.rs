//! What the events of a live view come to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::details::Details;
use super::outages::Outages;
use crate::domain::application::{AppKey, AppSummary};
use crate::domain::live::{LiveEvent, RepositoryState, RequestUpdate, WatchState, Watched};
use crate::domain::project::Project;
use crate::domain::text::one_line;

/// What is known of one application of the list.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) enum Known {
    Summary(Box<AppSummary>),
    /// It is there, and cannot be read.
    Unreadable(String),
}

impl Known {
    pub(in crate::cli) fn summary(&self) -> Option<&AppSummary> {
        if let Self::Summary(summary) = self { Some(summary) } else { None }
    }
}

/// What an event was about.
#[derive(Debug, Clone)]
pub(in crate::cli) enum News {
    /// An application of the list, new or changed.
    App(AppKey),
    /// An application is gone.
    Gone(AppKey),
    /// Something about an application that is open.
    Details(AppKey),
    /// A request moved on.
    Request(RequestUpdate),
    /// A watch broke off, or is live again: there may be something to say of [`Picture::outages`].
    Watch,
    /// Time has passed.
    Tick,
    /// Something else.
    Other,
}

/// Everything that was told.
#[derive(Debug, Default)]
pub(in crate::cli) struct Picture {
    pub cluster: Arc<str>,
    /// The namespace of the applications; `None`: all, or not known yet.
    pub namespace: Option<String>,
    pub is_placed: bool,
    pub user: String,
    pub apps: BTreeMap<AppKey, Known>,
    /// All applications were told.
    pub is_complete: bool,
    pub details: HashMap<AppKey, Details>,
    /// By namespace and name.
    pub projects: BTreeMap<(Arc<str>, String), Arc<Project>>,
    /// Whether all of them were told; `Err`: why they are not known, and whether trying again may help. `None`:
    /// not known yet.
    pub projects_known: Option<Result<(), (String, bool)>>,
    pub(super) projects_failed: u32,
    /// By address.
    pub repositories: HashMap<String, RepositoryState>,
    pub outages: Outages,
}

/// Failures of what may succeed when it is tried again, until it is not waited for any more.
const TRIES: u32 = 3;

impl Picture {
    fn projects_are(&mut self, state: WatchState) {
        match state {
            WatchState::Live => self.projects_known = Some(Ok(())),
            WatchState::Absent { reason } => self.projects_known = Some(Err((reason, false))),
            WatchState::Interrupted { error, transient, .. } => {
                self.projects_failed += 1;
                if !transient || self.projects_failed >= TRIES {
                    self.projects_known = Some(Err((error, transient)));
                }
            }
            WatchState::Listing | WatchState::Stopped => {}
        }
    }

    /// Takes in an event.
    pub(super) fn take(&mut self, event: LiveEvent) -> News {
        match event {
            LiveEvent::Scope { cluster, namespace, user, .. } => {
                (self.cluster, self.namespace, self.user, self.is_placed) = (cluster, namespace, user, true);
            }
            LiveEvent::Watch { cluster, watched, state } => {
                self.is_complete |= watched == Watched::Applications && state == WatchState::Live;
                self.outages.watch(&cluster, &watched, &state);
                if watched == Watched::Projects {
                    self.projects_are(state);
                }
                return News::Watch;
            }
            LiveEvent::App(summary) => {
                let key = summary.key.clone();
                self.apps.insert(key.clone(), Known::Summary(summary));
                return News::App(key);
            }
            LiveEvent::AppUnreadable { key, reason } => {
                self.apps.insert(key.clone(), Known::Unreadable(reason));
                return News::App(key);
            }
            LiveEvent::AppGone(key) => {
                self.apps.remove(&key);
                if let Some(details) = self.details.get_mut(&key) {
                    details.application = None;
                    details.object = None;
                }
                return News::Gone(key);
            }
            LiveEvent::Application { application, object } => {
                let key = application.key.clone();
                let details = self.details(&key);
                (details.application, details.object) = (Some(application), Some(object));
                return News::Details(key);
            }
            LiveEvent::Observed { key, event } => {
                self.details(&key).observe(&event);
                return News::Details(key);
            }
            LiveEvent::Settled(key) => {
                self.details(&key).is_settled = true;
                return News::Details(key);
            }
            LiveEvent::Hooks { key, access } => {
                self.outages.access(&key, &access);
                self.details(&key).hooks = access;
                return News::Details(key);
            }
            LiveEvent::Controller { key, controller } => {
                self.details(&key).controller = controller;
                return News::Details(key);
            }
            LiveEvent::Windows { key, decision } => {
                self.details(&key).windows = Some(decision);
                return News::Details(key);
            }
            LiveEvent::Review { key, review } => {
                self.details(&key).review(review);
                return News::Details(key);
            }
            LiveEvent::Project { namespace, project, .. } => {
                self.projects.insert((namespace, project.name.clone()), project);
            }
            LiveEvent::ProjectGone { namespace, name, .. } => drop(self.projects.remove(&(namespace, name))),
            LiveEvent::Repository(state) => drop(self.repositories.insert(state.repository.clone(), state)),
            LiveEvent::Request(update) => return News::Request(update),
            _ => {}
        }
        News::Other
    }

    /// What is known of an application that is open.
    pub(in crate::cli) fn details(&mut self, key: &AppKey) -> &mut Details {
        self.details.entry(key.clone()).or_insert_with(|| Details::new(key))
    }

    /// How an application is called here: with its namespace where there may be others of its name.
    pub(in crate::cli) fn name(&self, key: &AppKey) -> String {
        match &self.namespace {
            Some(namespace) if **namespace == *key.namespace => one_line(&key.name, 260),
            _ => one_line(&format!("{}/{}", key.namespace, key.name), 520),
        }
    }
}
