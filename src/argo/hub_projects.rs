//! The hub's part that knows where Argo CD is, its projects, and what their sync windows say.

use std::collections::HashSet;
use std::sync::Arc;

use super::hub::Hub;
use super::hub_fleet::{follow, interrupted};
use super::message::Message;
use super::place::ArgoCd;
use super::start;
use crate::cluster::{Scope, WatchEvent};
use crate::domain::application::{AppKey, Application};
use crate::domain::live::{LiveEvent, WatchState, Watched};
use crate::domain::manifest::Object;
use crate::domain::project::{Decision, Project, decide};

/// Namespaces whose projects are watched: who may write an Application decides which it names.
const MOST: usize = 20;

/// The watch of the projects in one namespace.
#[derive(Debug, Default)]
pub(super) struct Home {
    /// They were listed.
    pub is_known: bool,
    pub is_live: bool,
    /// Why they are not known, or may be out of date.
    pub problem: Option<String>,
    live: Option<jiff::Timestamp>,
    listed: HashSet<String>,
}

impl Hub {
    /// Where Argo CD is, as far as that is known.
    pub(super) fn argo(&self, key: &AppKey) -> ArgoCd {
        self.place.as_ref().map_or_else(|| ArgoCd::guess(&*key.namespace), |place| place.argo.clone())
    }

    /// Watches the projects that count for an application.
    pub(super) fn want_projects_of(&mut self, application: &Application) {
        let Some(place) = &mut self.place else { return };
        let home = place.argo.of(application);
        let is_told = !application.status.controller_namespace.is_empty();
        let was_guess = is_told && std::mem::take(&mut place.argo.is_guess);
        if was_guess {
            place.argo.home.clone_from(&home);
        }
        let is_live = self.homes.get(&home).is_some_and(|own| own.is_live);
        if was_guess && is_live {
            self.tell_projects(&home, WatchState::Live);
        }
        self.want_projects(home);
    }

    /// Argo CD's controller was seen in a namespace: there it is, if that was only a guess. Where it is known nothing is
    /// trusted that comes later.
    pub(super) fn controller_seen(&mut self, namespace: &str) {
        let Some(place) = self.place.as_mut().filter(|place| place.argo.is_guess) else { return };
        place.argo.is_guess = false;
        place.argo.seen.insert(namespace.to_owned());
        namespace.clone_into(&mut place.argo.home);
        self.want_projects(namespace.to_owned());
        if self.homes.get(namespace).is_some_and(|own| own.is_live) {
            self.tell_projects(namespace, WatchState::Live);
        }
        let keys: Vec<AppKey> = self.active.keys().cloned().collect();
        for key in keys {
            self.know_destination(&key);
        }
        self.judge_all_windows();
    }

    /// Watches the projects in a namespace.
    pub(super) fn want_projects(&mut self, home: String) {
        if self.homes.contains_key(&home) || self.homes.len() >= MOST {
            return;
        }
        self.homes.insert(home.clone(), Home::default());
        let (cluster, sender, scope) = (self.cluster.clone(), self.sender.clone(), Scope::Namespace(home.clone()));
        let message = move |event| Message::Projects { home: home.clone(), event };
        self.spawn(follow(cluster, start::projects(), scope, sender, message));
    }

    fn is_home(&self, home: &str) -> bool {
        self.place.as_ref().is_some_and(|place| place.argo.home == home)
    }

    /// The screen tells the state of one watch of projects: that where Argo CD is taken to be.
    fn tell_projects(&mut self, home: &str, state: WatchState) {
        if self.is_home(home) {
            self.tell_watch(Watched::Projects, state);
        }
    }

    pub(super) fn project_event(&mut self, home: &str, event: WatchEvent<Object>) {
        let now = self.cluster.server_now();
        let Some(own) = self.homes.get_mut(home) else { return };
        match event {
            WatchEvent::Listing => {
                own.listed.clear();
                self.tell_projects(home, WatchState::Listing);
            }
            WatchEvent::Item(object) => {
                own.listed.insert(object.name().to_owned());
                self.put_project(&object);
            }
            WatchEvent::Applied(object) => {
                self.put_project(&object);
                if self.confirm(home) {
                    self.tell_projects(home, WatchState::Live);
                }
            }
            WatchEvent::Listed => {
                (own.is_known, own.is_live, own.problem, own.live) = (true, true, None, Some(now));
                let is_gone = |(namespace, name): &&(String, String)| *namespace == home && !own.listed.contains(name);
                let gone: Vec<_> = self.projects.keys().filter(is_gone).cloned().collect();
                for (_, name) in gone {
                    self.drop_project(home, &name);
                }
                self.confirm(home);
                let state = match &self.place {
                    Some(place) if place.argo.is_guess => WatchState::Absent { reason: place.argo.unknown() },
                    _ => WatchState::Live,
                };
                self.tell_projects(home, state);
                self.judge_all_windows();
            }
            WatchEvent::Deleted(object) => self.drop_project(home, object.name()),
            WatchEvent::Unreadable(_) => {}
            WatchEvent::Interrupted { error, wait } => {
                own.is_live = false;
                let is_news = own.problem.is_none();
                own.problem = Some(error.to_string());
                let state = interrupted(own.live, &error, wait);
                self.tell_projects(home, state);
                if is_news {
                    self.judge_all_windows();
                }
            }
        }
    }

    /// Where projects are, Argo CD is. `true`: it was a guess until now.
    fn confirm(&mut self, home: &str) -> bool {
        let has_projects = self.projects.keys().any(|(namespace, _)| namespace == home);
        let Some(place) = self.place.as_mut().filter(|place| place.argo.home == home && has_projects) else {
            return false;
        };
        std::mem::take(&mut place.argo.is_guess)
    }

    fn put_project(&mut self, object: &Object) {
        let project = Arc::new(Project::read(object).0);
        let id = (object.namespace().to_owned(), object.name().to_owned());
        if self.projects.get(&id) == Some(&project) {
            return;
        }
        let is_known = self.homes.get(&id.0).is_some_and(|home| home.is_known);
        self.projects.insert(id, Arc::clone(&project));
        let (cluster, namespace) = (Arc::clone(&self.name), Arc::from(object.namespace()));
        self.tell(LiveEvent::Project { cluster, namespace, project });
        if is_known {
            self.judge_all_windows();
        }
    }

    fn drop_project(&mut self, namespace: &str, name: &str) {
        if self.projects.remove(&(namespace.to_owned(), name.to_owned())).is_some() {
            let (cluster, namespace) = (Arc::clone(&self.name), Arc::from(namespace));
            self.tell(LiveEvent::ProjectGone { cluster, namespace, name: name.to_owned() });
            self.judge_all_windows();
        }
    }

    /// The project of an application, where it is known.
    pub(super) fn project_of(&self, application: &Application) -> Option<Arc<Project>> {
        let argo = &self.place.as_ref()?.argo;
        let id = (argo.of(application), application.project().to_owned());
        if let Some(project) = self.projects.get(&id) {
            return Some(Arc::clone(project));
        }
        let is_known = self.homes.get(&id.0).is_some_and(|home| home.is_known);
        argo.without_project(application).ok().filter(|_| is_known).map(Arc::new)
    }

    /// Whether a sync that a person asks for may run now; `None`: that is being found out.
    fn windows(&self, application: &Application) -> Option<Decision> {
        let argo = &self.place.as_ref()?.argo;
        let Some(project) = self.project_of(application) else {
            let Some(home) = self.homes.get(&argo.of(application)) else {
                return Some(Decision::Unknown(
                    "its projects are not watched, with those of so many others".to_owned(),
                ));
            };
            let why = if home.is_known { argo.without_project(application).err() } else { home.problem.clone() };
            return why.map(Decision::Unknown);
        };
        let destination = &application.spec.destination;
        let now = self.cluster.server_now();
        Some(decide(&project.windows, &application.key.name, destination, true, None, now))
    }

    /// Whether it was told what the windows of an application say.
    pub(super) fn has_windows(&self, key: &AppKey) -> bool {
        let Some(active) = self.active.get(key) else { return true };
        active.application.is_none() || active.told_windows.is_some()
    }

    pub(super) fn judge_windows(&mut self, key: &AppKey) {
        let Some(application) = self.active.get(key).and_then(|active| active.application.clone()) else { return };
        let Some(decision) = self.windows(&application) else { return };
        let Some(active) = self.active.get_mut(key) else { return };
        if active.told_windows.as_ref() != Some(&decision) {
            active.told_windows = Some(decision.clone());
            self.tell(LiveEvent::Windows { key: key.clone(), decision });
        }
    }

    pub(super) fn judge_all_windows(&mut self) {
        let keys: Vec<AppKey> = self.active.keys().cloned().collect();
        for key in keys {
            self.judge_windows(&key);
        }
    }
}
