//! The hub's part that hands requests to the tasks that carry them out.

use std::time::Duration;

use tokio::sync::oneshot;

use super::active::Destination;
use super::hub::Hub;
use super::message::Message;
use super::requests::{Errand, Facts};
use crate::domain::application::AppKey;
use crate::domain::live::{Need, Preview, PreviewError, RequestId, Rights};
use crate::domain::request::{Request, Seen};
use crate::store::{RequestLog, State};

/// How long a request waits until it is known who the controller is and what the windows are.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request that waits.
pub(super) enum Pending {
    Send { id: RequestId, key: AppKey, request: Request, seen: Option<Seen> },
    Preview { key: AppKey, request: Request, reply: oneshot::Sender<Result<Preview, PreviewError>> },
}

impl Hub {
    pub(super) fn has_requests(&self) -> bool {
        !self.requests.is_empty() || self.pending.iter().any(|(_, pending)| matches!(pending, Pending::Send { .. }))
    }

    pub(super) fn send(&mut self, id: RequestId, key: AppKey, request: Request, seen: Option<Seen>) {
        self.requests.insert(id, key.clone());
        self.pend(Pending::Send { id, key, request, seen });
    }

    pub(super) fn preview(
        &mut self,
        key: AppKey,
        request: Request,
        reply: oneshot::Sender<Result<Preview, PreviewError>>,
    ) {
        self.pend(Pending::Preview { key, request, reply });
    }

    fn pend(&mut self, pending: Pending) {
        let until = self.cluster.clock().monotonic().saturating_add(PATIENCE);
        self.pending.push((until, pending));
    }

    /// Sends what waits, once everything is known that could speak against it, or cannot be known in time.
    pub(super) fn send_pending(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let known = self.place.is_some()
            && self.homes.values().all(|home| home.is_known || home.problem.is_some())
            && !self.rights.is_empty();
        let now = self.cluster.clock().monotonic();
        for (until, pending) in std::mem::take(&mut self.pending) {
            // An abort is urgent, and nothing that is not known could speak against it.
            let (Pending::Send { key, .. } | Pending::Preview { key, .. }) = &pending;
            let known = known && self.controllers.of(&key.namespace).is_some();
            let urgent = matches!(&pending, Pending::Send { request: Request::Abort, .. });
            if known || urgent || until <= now {
                self.carry_out(pending);
            } else {
                self.pending.push((until, pending));
            }
        }
    }

    fn carry_out(&mut self, pending: Pending) {
        let sender = self.sender.clone();
        match pending {
            Pending::Send { id, key, request, seen } => {
                let errand = Errand { facts: self.facts(&key, &request), key, request };
                // Not among the tasks that end with the hub: what is on its way is finished.
                tokio::spawn(async move {
                    errand.send(id, seen, &sender).await;
                    let _ = sender.send(Message::RequestDone(id)).await;
                });
            }
            Pending::Preview { key, request, reply } => {
                let errand = Errand { facts: self.facts(&key, &request), key, request };
                self.spawn(async move {
                    let _ = reply.send(errand.preview().await);
                });
            }
        }
    }

    /// The right that a request lacks, as far as it was asked for: about an Application where it is, about a hook where the
    /// hook runs.
    fn missing_right(&self, key: &AppKey, request: &Request, need: Need) -> Option<String> {
        let (cluster, namespace) = match request.hook() {
            None => (self.cluster.name(), &*key.namespace),
            Some(hook) => match &self.active.get(key)?.destination {
                Destination::Known(cluster, _) => (cluster.name(), hook.namespace.as_str()),
                _ => return None,
            },
        };
        let is_there = |rights: &&Rights| {
            *rights.cluster == *cluster && rights.namespace.as_deref().is_none_or(|own| own == namespace)
        };
        self.rights.iter().filter(is_there).find_map(|rights| rights.missing(need).map(str::to_owned))
    }

    fn facts(&self, key: &AppKey, request: &Request) -> Facts {
        let need = match request {
            Request::FailHook(_) => Need::PatchJobStatus,
            Request::RerunHook { .. } => Need::CreateJobs,
            _ => Need::PatchApplications,
        };
        let missing_right = self.missing_right(key, request, need);
        let is_live = |home: &String| self.homes.get(home).is_some_and(|home| home.is_live);
        Facts {
            cluster: self.cluster.clone(),
            argo: self.argo(key),
            kubeconfig: self.options.kubeconfig.clone(),
            user: self.place.as_ref().map_or_else(|| self.cluster.user().to_owned(), |place| place.user.clone()),
            controller: self.controllers.of(&key.namespace).unwrap_or_default(),
            projects: self.projects.clone(),
            watched: self.homes.keys().filter(|home| is_live(home)).cloned().collect(),
            missing_right,
            read_only: self.options.read_only,
            log: self.options.state.as_ref().map(|root| RequestLog::new(&State::new(root))),
        }
    }
}
