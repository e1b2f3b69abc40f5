//! From the options of a sync to the order that is sent, and the plan that is shown.

use std::sync::Arc;

use jiff::Timestamp;

use crate::cli::args::SyncArgs;
use crate::cli::live::Picture;
use crate::domain::application::Application;
use crate::domain::live::Review;
use crate::domain::manifest::ObjectKey;
use crate::domain::operation::{Backoff, Info, Retry, Selector, Strategy, SyncRequest};
use crate::domain::plan::{Permission, Plan, PlanInput, plan};
use crate::domain::request::SyncOrder;

/// Why nothing is known of a spec that cannot be read, or is of a kind that is not known here.
pub(in crate::cli) const NO_SOURCE: &str = "its spec has no source";

/// The options of a sync.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct PlanOptions {
    pub revisions: Vec<String>,
    pub prune: bool,
    pub server_dry_run: bool,
    pub strategy: Strategy,
    pub resources: Vec<Selector>,
    pub sync_options: Vec<String>,
    pub retry: Option<Retry>,
    pub infos: Vec<Info>,
}

impl PlanOptions {
    pub(in crate::cli) fn of(args: &SyncArgs) -> Self {
        let force = args.force;
        let backoff = (args.retry_backoff.is_some() || args.retry_backoff_max.is_some()).then(|| Backoff {
            duration: args.retry_backoff.clone().unwrap_or_default(),
            factor: None,
            max_duration: args.retry_backoff_max.clone().unwrap_or_default(),
        });
        Self {
            revisions: args.revisions.clone(),
            prune: args.prune,
            server_dry_run: args.server_dry_run,
            strategy: if args.apply_only { Strategy::Apply { force } } else { Strategy::Hook { force } },
            resources: args.resources.clone(),
            sync_options: args.sync_options.clone(),
            retry: args.retry_limit.map(|limit| Retry { limit, backoff, refresh: false }),
            infos: args.infos.clone(),
        }
    }

    /// What is sent. A sync is pinned to the commits that were reviewed; where automated sync is on, which refuses other
    /// revisions than the target's, only if the controller has found the same ones.
    pub(in crate::cli) fn order(&self, application: &Application, review: Option<&Review>) -> SyncOrder {
        let sync_options =
            (!self.sync_options.is_empty()).then(|| application.spec.sync_policy.options_with(&self.sync_options));
        let mut order = SyncOrder {
            prune: self.prune,
            dry_run: self.server_dry_run,
            strategy: self.strategy,
            resources: self.resources.clone(),
            sync_options,
            retry: self.retry.clone(),
            info: self.infos.clone(),
            ..SyncOrder::default()
        };
        let commits = review.map(|review| review.commits.clone()).unwrap_or_default();
        let sync = &application.status.sync;
        let compared = if sync.revisions.is_empty() { vec![sync.revision.clone()] } else { sync.revisions.clone() };
        let pinned = !commits.is_empty() && (!application.spec.is_automated() || commits == compared);
        let revisions = if pinned { commits } else { self.revisions.clone() };
        if application.spec.has_multiple_sources() {
            order.revisions = revisions;
        } else {
            order.revision = revisions.first().cloned().unwrap_or_default();
        }
        order
    }
}

/// A review, and the plan of it with the options of a sync.
#[derive(Debug)]
pub(in crate::cli) struct Planned {
    pub review: Arc<Review>,
    /// `Err`: why there is none.
    pub plan: Result<Plan, String>,
    pub namespace: String,
}

impl Planned {
    /// Plans what was rendered, as the sync would run.
    pub(in crate::cli) fn new(
        review: Arc<Review>,
        application: &Application,
        options: &PlanOptions,
        picture: &Picture,
        now: Timestamp,
    ) -> Self {
        let spec = &application.spec;
        let namespace = spec.destination.namespace.clone();
        if spec.effective_sources().is_empty() {
            return Self { review, plan: Err(NO_SOURCE.to_owned()), namespace };
        }
        if let Err(reason) = &review.plan {
            let plan = Err(reason.clone());
            return Self { review, plan, namespace };
        }
        let request = SyncRequest {
            prune: options.prune,
            dry_run: options.server_dry_run,
            strategy: options.strategy,
            resources: options.resources.clone(),
            sync_options: application.spec.sync_policy.options_with(&options.sync_options),
            ..SyncRequest::default()
        };
        let project = picture.projects.values().find(|project| project.name == application.project());
        let permits = |key: &ObjectKey, namespaced: bool| match project {
            Some(project) => project.permits_object(key, namespaced, &spec.destination.server, &spec.destination.name),
            None => Ok(()),
        };
        let plan = plan(&PlanInput {
            targets: &review.targets,
            live: &review.live,
            kinds: &review.kinds,
            request: &request,
            destination_namespace: &namespace,
            live_namespace: None,
            namespace_metadata: spec.sync_policy.managed_namespace_metadata.as_ref(),
            revision: if let [only] = review.commits.as_slice() { only } else { "" },
            started_at: now,
            permission: Permission::Ask(&permits),
            out_of_sync: None,
            recorded: None,
            unique_names: false,
        });
        Self { review, plan: Ok(plan), namespace }
    }

    /// What happens to an object of the plan between the deployed manifests and these.
    pub(in crate::cli) fn change(&self, key: &ObjectKey) -> Option<crate::domain::live::ObjectChange> {
        let same = |own: &ObjectKey| {
            let namespace = own.namespace.is_empty() || key.namespace.is_empty() || own.namespace == key.namespace;
            namespace && (&own.group, &own.kind, &own.name) == (&key.group, &key.kind, &key.name)
        };
        self.review.changes.iter().find(|changed| same(&changed.key)).map(|changed| changed.change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::manifest::Object;

    #[test]
    fn options_are_put_over_those_of_the_policy_and_the_rest_is_kept() {
        let object = Object::from_json(serde_json::json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "a", "namespace": "n"},
            "spec": {"syncPolicy": {"syncOptions": ["CreateNamespace=true", "Validate=true"]}}
        }))
        .unwrap();
        let (application, _) = Application::read("c", &object);
        let none = PlanOptions::default();
        assert_eq!(none.order(&application, None).sync_options, None, "those of the policy");
        let given = PlanOptions { sync_options: vec!["Validate=false".to_owned()], ..none };
        let order = given.order(&application, None);
        assert_eq!(order.sync_options, Some(vec!["CreateNamespace=true".to_owned(), "Validate=false".to_owned()]));
    }
}
