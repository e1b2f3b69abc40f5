//! A glance into Git for applications that are on a screen and not open: the commits, without manifests and plan.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use super::commits;
use super::message::Message;
use super::place::ArgoCd;
use super::repositories::Repos;
use crate::cluster::Cluster;
use crate::domain::application::{AppKey, Application, Source};
use crate::domain::live::Revisions;

/// Applications that can be on a screen at once.
pub(super) const MOST: usize = 300;

/// What of an application Git is asked about.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subject {
    /// Where its Argo CD says it is.
    home: String,
    sources: Vec<Source>,
    /// What is deployed of each.
    deployed: Vec<String>,
    /// What the controller has compared each with.
    compared: Vec<String>,
}

/// An application that is on a screen.
#[derive(Default)]
pub(super) struct Shown {
    /// What of it Git is asked about; `None`: not known yet.
    of: Option<Subject>,
    /// What was told.
    pub told: Option<Arc<Revisions>>,
}

impl Shown {
    /// Takes in the application; `true` if another glance is worth it.
    pub(super) fn take(&mut self, application: &Application) -> bool {
        let sources = application.spec.effective_sources();
        let deployed = (0..sources.len()).map(|index| commits::deployed(application, index)).collect();
        let of = Some(Subject {
            home: application.status.controller_namespace.clone(),
            sources: sources.to_vec(),
            deployed,
            compared: commits::compared(application),
        });
        let news = self.of != of;
        self.of = of;
        news
    }
}

/// One glance.
pub(super) struct Glance {
    pub repos: Repos,
    pub cluster: Cluster,
    pub argo: ArgoCd,
    pub key: AppKey,
    pub turns: Arc<Semaphore>,
    pub sender: mpsc::Sender<Message>,
}

impl Glance {
    /// Tells what is cached, fetches what is old, and tells again.
    pub(super) async fn run(self, subject: Subject) {
        let Some(told) = self.tell(&subject).await else { return };
        let fetch = commits::Fetch {
            repos: &self.repos,
            cluster: &self.cluster,
            home: if subject.home.is_empty() { &self.argo.home } else { &subject.home },
            sources: &subject.sources,
            compared: &subject.compared,
            forced: false,
            sender: &self.sender,
        };
        if fetch.run().await || commits::is_stale(&self.repos, &subject.sources, &told) {
            self.tell(&subject).await;
        }
    }

    async fn tell(&self, subject: &Subject) -> Option<Arc<Revisions>> {
        // A screen full of applications does not take all threads.
        let _turn = self.turns.acquire().await.ok()?;
        let mut revisions = Revisions::default();
        for (source, deployed) in subject.sources.iter().zip(&subject.deployed) {
            let wanted = source.effective_target_revision().to_owned();
            revisions.sources.push(commits::read(&self.repos, source, deployed.clone(), wanted).await.0);
        }
        let revisions = Arc::new(revisions);
        let _ = self.sender.send(Message::Glanced { key: self.key.clone(), revisions: Arc::clone(&revisions) }).await;
        Some(revisions)
    }
}

impl Shown {
    /// What a glance is to look at.
    pub(super) fn what(&self) -> Option<Subject> {
        self.of.clone()
    }
}
