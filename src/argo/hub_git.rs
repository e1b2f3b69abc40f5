//! The hub's part that asks Git.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::active::Destination;
use super::commits;
use super::glance::{Glance, MOST};
use super::hub::Hub;
use super::repositories::Repos;
use super::review::Look;
use super::start;
use crate::cluster::Cluster;
use crate::domain::application::{AppKey, Application};
use crate::domain::live::{LiveEvent, Review, RevisionNames, Revisions};
use crate::domain::plan::Kinds;

impl Hub {
    /// Looks into Git for an open application, if something changed since the last look that matters to it.
    pub(super) fn look_into_git(&mut self, key: &AppKey, forced: bool) {
        if !self.repos.is_on() {
            return;
        }
        let Some(active) = self.active.get_mut(key) else { return };
        let Some(application) = active.application.clone().filter(|_| active.open > 0) else { return };
        if matches!(active.destination, Destination::Unasked | Destination::Asked) {
            return;
        }
        let asked = running_revisions(&application);
        let about = about(&application, &asked);
        if !forced && active.looked_at.as_ref() == Some(&about) {
            return;
        }
        active.looked_at = Some(about);
        self.look(key, asked, true, forced);
    }

    pub(super) fn review(&mut self, key: &AppKey, revisions: Vec<String>) {
        self.activate(key);
        let Some(active) = self.active.get_mut(key) else { return };
        if !active.asked_reviews.contains(&revisions) {
            active.asked_reviews.push(revisions);
        }
        if active.application.is_some() {
            self.answer_reviews(key);
        } else {
            self.read(key);
        }
    }

    /// Carries out the reviews that were asked for, once it is known of what and for where.
    pub(super) fn answer_reviews(&mut self, key: &AppKey) {
        let Some(active) = self.active.get_mut(key) else { return };
        let is_asked = matches!(active.destination, Destination::Unasked | Destination::Asked);
        if active.asked_reviews.is_empty() || active.application.is_none() || is_asked {
            return;
        }
        for revisions in std::mem::take(&mut active.asked_reviews) {
            self.look(key, revisions, false, false);
        }
        self.settle(key);
    }

    /// Answers the reviews that were asked for of an application that cannot be read.
    pub(super) fn refuse_reviews(&mut self, key: &AppKey, reason: &str) {
        let Some(active) = self.active.get_mut(key) else { return };
        for asked in std::mem::take(&mut active.asked_reviews) {
            let review = Review {
                key: key.clone(),
                asked,
                commits: Vec::new(),
                revisions: Arc::default(),
                plan: Err(reason.to_owned()),
                changes: Vec::new(),
                targets: Vec::new(),
                live: Vec::new(),
                kinds: Arc::new(Kinds::well_known()),
                incomplete: Vec::new(),
            };
            self.tell(LiveEvent::Review { key: key.clone(), review: Arc::new(review) });
        }
        self.settle(key);
    }

    fn look(&mut self, key: &AppKey, asked: Vec<String>, is_own: bool, forced: bool) {
        let Some(active) = self.active.get(key) else { return };
        let Some(application) = active.application.clone() else { return };
        let destination = match &active.destination {
            Destination::Known(cluster, kinds) => Some((cluster.clone(), Arc::clone(kinds))),
            _ => None,
        };
        let look = Look {
            repos: self.repos.clone(),
            cluster: self.cluster.clone(),
            home: self.argo(key).of(&application),
            project: self.project_of(&application),
            application,
            destination,
            asked,
            is_own,
            forced,
            sender: self.sender.clone(),
        };
        self.spawn(look.run());
    }

    pub(super) fn reviewed(&mut self, key: &AppKey, review: Arc<Review>, is_own: bool) {
        if is_own {
            let Some(active) = self.active.get_mut(key) else {
                // It was closed meanwhile; its row in the list still wants the commits.
                return self.glanced(key, Arc::clone(&review.revisions));
            };
            let revisions = Arc::clone(&review.revisions);
            let news = active.revisions.as_deref() != Some(&*revisions);
            active.revisions = Some(Arc::clone(&revisions));
            active.review = Some(Arc::clone(&review));
            if let Ok(plan) = &review.plan {
                active.timeline.set_plan(plan.tasks.iter().map(Into::into));
            }
            if news {
                self.tell(LiveEvent::Revisions { key: key.clone(), revisions });
            }
        }
        self.tell(LiveEvent::Review { key: key.clone(), review });
    }

    /// Fetches the repositories of an application now.
    pub(super) fn fetch(&mut self, key: &AppKey) {
        self.look_into_git(key, true);
    }

    /// Fetches the repositories of all open applications, if it is time.
    pub(super) fn fetch_due(&mut self) {
        if !self.repos.take_due() {
            return;
        }
        let keys: Vec<AppKey> =
            self.active.values().filter(|active| active.open > 0).map(|active| active.key.clone()).collect();
        for key in keys {
            if let Some(active) = self.active.get_mut(&key) {
                active.looked_at = None;
            }
            self.look_into_git(&key, false);
        }
        let shown: Vec<AppKey> = self.shown.keys().cloned().collect();
        for key in shown {
            self.look_again(&key);
        }
    }

    /// These applications are on the screen now, and no others: their commits are told.
    pub(super) fn show(&mut self, keys: Vec<AppKey>) {
        if !self.repos.is_on() {
            return;
        }
        let wanted: HashSet<AppKey> = keys.into_iter().take(MOST).collect();
        let gone: Vec<AppKey> = self.shown.keys().filter(|key| !wanted.contains(*key)).cloned().collect();
        for key in gone {
            self.shown.remove(&key);
            self.unwant(&key);
        }
        for key in wanted {
            if self.shown.contains_key(&key) {
                continue;
            }
            self.wanted.add(&key);
            self.shown.insert(key.clone(), super::glance::Shown::default());
            match self.active.get(&key).and_then(|active| active.application.clone()) {
                Some(application) => self.glance(&application),
                None => self.read(&key),
            }
        }
    }

    /// An application has come or changed: if it is on the screen, its commits may be others now.
    pub(super) fn glance(&mut self, application: &Application) {
        if self.shown.get_mut(&application.key).is_some_and(|shown| shown.take(application)) {
            self.look_again(&application.key);
        }
    }

    /// An application was closed: what its row wants to know may have been left to a closer look that never came.
    pub(super) fn glance_after_close(&mut self, key: &AppKey) {
        if self.shown.get(key).is_some_and(|shown| shown.told.is_none()) {
            self.look_again(key);
        }
    }

    /// An application is gone: should one of its name come again, its commits are told again.
    pub(super) fn forget_glance(&mut self, key: &AppKey) {
        if let Some(shown) = self.shown.get_mut(key) {
            *shown = super::glance::Shown::default();
        }
    }

    fn look_again(&mut self, key: &AppKey) {
        // What is open is looked at more closely anyway.
        if self.active.get(key).is_some_and(|active| active.open > 0) {
            return;
        }
        let Some(subject) = self.shown.get(key).and_then(super::glance::Shown::what) else { return };
        let glance = Glance {
            repos: self.repos.clone(),
            cluster: self.cluster.clone(),
            argo: self.argo(key),
            key: key.clone(),
            turns: Arc::clone(&self.glances),
            sender: self.sender.clone(),
        };
        self.spawn(glance.run(subject));
    }

    pub(super) fn glanced(&mut self, key: &AppKey, revisions: Arc<Revisions>) {
        // The closer look at what is open is the later one, but it may be a long way off.
        let is_looked_at = self.active.get(key).is_some_and(|active| active.open > 0 && active.revisions.is_some());
        let Some(shown) = self.shown.get_mut(key) else { return };
        if is_looked_at || shown.told.as_ref() == Some(&revisions) {
            return;
        }
        shown.told = Some(Arc::clone(&revisions));
        self.tell(LiveEvent::Revisions { key: key.clone(), revisions });
    }

    pub(super) fn names(&mut self, key: &AppKey, source: usize, reply: oneshot::Sender<Result<RevisionNames, String>>) {
        let known = self.active.get(key).and_then(|active| active.application.clone());
        let (cluster, repos, key) = (self.cluster.clone(), self.repos.clone(), key.clone());
        self.spawn(async move {
            let _ = reply.send(names(&cluster, &repos, &key, known, source).await);
        });
    }
}

/// What can stand in the revision field for a source of an application, which is asked for where it is not known.
async fn names(
    cluster: &Cluster,
    repos: &Repos,
    key: &AppKey,
    known: Option<Arc<Application>>,
    source: usize,
) -> Result<RevisionNames, String> {
    let application = if let Some(known) = known {
        known
    } else {
        let found = cluster.get(&start::applications(), &key.namespace, &key.name).await;
        let object = found.map_err(|error| error.to_string())?.ok_or("the application does not exist")?;
        Arc::new(Application::read(Arc::clone(&key.cluster), &object).0)
    };
    let source = application.spec.effective_sources().get(source).cloned();
    let source = source.ok_or("the application has no such source")?;
    let url = repos.parse(&source.repo_url).map_err(|error| error.to_string())?;
    let path = repos.path(&url).ok_or("Git is not asked")?;
    let read = tokio::task::spawn_blocking(move || commits::names(&path, &source)).await;
    read.map_err(|error| error.to_string())?
}

/// The revisions of the operation that runs, so that the plan is that operation's; none: the target revisions.
fn running_revisions(application: &Application) -> Vec<String> {
    let Some(state) = &application.status.operation_state else { return Vec::new() };
    if application.is_done() {
        return Vec::new();
    }
    let of = |revision: &String, revisions: &Vec<String>| {
        if revisions.is_empty() && !revision.is_empty() { vec![revision.clone()] } else { revisions.clone() }
    };
    if let Some(result) = &state.sync_result {
        let revisions = of(&result.revision, &result.revisions);
        if !revisions.is_empty() {
            return revisions;
        }
    }
    state.operation.sync.as_ref().map(|sync| of(&sync.revision, &sync.revisions)).unwrap_or_default()
}

/// What a look depends on.
fn about(application: &Application, asked: &[String]) -> Vec<String> {
    let spec = &application.spec;
    let mut about: Vec<String> = spec.effective_sources().iter().map(|source| source.written.to_string()).collect();
    about.push(format!("{:?}", spec.destination));
    about.push(spec.sync_policy.sync_options.join(","));
    about.extend(asked.iter().cloned());
    if let Some(last) = application.status.history.last() {
        about.push(last.revision.clone());
        about.extend(last.revisions.iter().cloned());
    }
    // What the controller has found in Git since.
    about.push(application.status.sync.revision.clone());
    about.extend(application.status.sync.revisions.iter().cloned());
    about
}
