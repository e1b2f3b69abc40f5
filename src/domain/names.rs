//! Names of annotations, labels and finalizers, each written down once: Argo CD's, Helm's, Kubernetes' and boathook's.

/// Kinds of a hook, a comma list.
pub const HOOK: &str = "argocd.argoproj.io/hook";
/// When a hook's object is deleted, a comma list.
pub const HOOK_DELETE_POLICY: &str = "argocd.argoproj.io/hook-delete-policy";
/// The wave of an object, an integer.
pub const SYNC_WAVE: &str = "argocd.argoproj.io/sync-wave";
/// Options for applying and pruning one object, a comma list.
pub const SYNC_OPTIONS: &str = "argocd.argoproj.io/sync-options";
/// Options for comparing one object, or all of an Application, a comma list.
pub const COMPARE_OPTIONS: &str = "argocd.argoproj.io/compare-options";
/// Time at which somebody approved a prune or a deletion that asks for confirmation (on the Application).
pub const DELETION_APPROVED: &str = "argocd.argoproj.io/deletion-approved";
/// Judges a running Pod with restart policy Never or OnFailure like one that runs for ever (not honoured on hooks).
pub const IGNORE_RESTART_POLICY: &str = "argocd.argoproj.io/ignore-restart-policy";
/// Leaves an object out of the Application's health.
pub const IGNORE_HEALTHCHECK: &str = "argocd.argoproj.io/ignore-healthcheck";
/// Which Application an object belongs to, see [`TrackingId`](crate::domain::tracking::TrackingId).
pub const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";
/// Which installation of Argo CD an object belongs to.
pub const INSTALLATION_ID: &str = "argocd.argoproj.io/installation-id";
/// Label with the Application's instance name, where tracking is by label. Helm charts write it too.
pub const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";
/// Asks the controller to compare an Application again: `normal` or `hard`.
pub const REFRESH: &str = "argocd.argoproj.io/refresh";
/// When the refresh was asked for, so that a request during a refresh is not lost.
pub const REFRESH_TIMESTAMP: &str = "argocd.argoproj.io/refresh-timestamp";
/// `true` on an Application: the controller leaves it alone.
pub const SKIP_RECONCILE: &str = "argocd.argoproj.io/skip-reconcile";
/// Paths whose commits concern an Application.
pub const MANIFEST_GENERATE_PATHS: &str = "argocd.argoproj.io/manifest-generate-paths";
/// Field manager whose client-side apply is migrated to server-side apply (on the Application).
pub const MIGRATION_MANAGER: &str = "argocd.argoproj.io/client-side-apply-migration-manager";

/// Finalizer on a hook's object: it stays readable until its result is recorded.
pub const HOOK_FINALIZER: &str = "argocd.argoproj.io/hook-finalizer";
/// Finalizer on an Application: its resources are deleted with it, in the foreground.
pub const RESOURCES_FINALIZER: &str = "resources-finalizer.argocd.argoproj.io";
/// The same, written out.
pub const RESOURCES_FINALIZER_FOREGROUND: &str = "resources-finalizer.argocd.argoproj.io/foreground";
/// Finalizer on an Application: its resources are deleted with it, in the background.
pub const RESOURCES_FINALIZER_BACKGROUND: &str = "resources-finalizer.argocd.argoproj.io/background";
/// Finalizer on an Application that has PreDelete hooks.
pub const PRE_DELETE_FINALIZER: &str = "pre-delete-finalizer.argocd.argoproj.io";
/// Finalizer on an Application whose PreDelete hooks are to be cleaned up.
pub const PRE_DELETE_FINALIZER_CLEANUP: &str = "pre-delete-finalizer.argocd.argoproj.io/cleanup";
/// Finalizer on an Application that has PostDelete hooks.
pub const POST_DELETE_FINALIZER: &str = "post-delete-finalizer.argocd.argoproj.io";
/// Finalizer on an Application whose PostDelete hooks are to be cleaned up.
pub const POST_DELETE_FINALIZER_CLEANUP: &str = "post-delete-finalizer.argocd.argoproj.io/cleanup";

/// Helm: kinds of a hook, a comma list.
pub const HELM_HOOK: &str = "helm.sh/hook";
/// Helm: order of a hook, an integer.
pub const HELM_HOOK_WEIGHT: &str = "helm.sh/hook-weight";
/// Helm: when a hook's object is deleted, a comma list.
pub const HELM_HOOK_DELETE_POLICY: &str = "helm.sh/hook-delete-policy";
/// Helm: `keep` leaves the object in the cluster when the Application is deleted.
pub const HELM_RESOURCE_POLICY: &str = "helm.sh/resource-policy";

/// Label on the pods of a Job: the Job's name.
pub const JOB_NAME: &str = "batch.kubernetes.io/job-name";
/// Label on the pods of a Job: the Job's UID. Names are used again, UIDs are not.
pub const JOB_CONTROLLER_UID: &str = "batch.kubernetes.io/controller-uid";
/// The older name of [`JOB_NAME`].
pub const LEGACY_JOB_NAME: &str = "job-name";
/// The older name of [`JOB_CONTROLLER_UID`].
pub const LEGACY_CONTROLLER_UID: &str = "controller-uid";
/// Finalizer on the pods of a Job: they stay until the Job has counted them.
pub const JOB_TRACKING_FINALIZER: &str = "batch.kubernetes.io/job-tracking";
/// Label on the pods of an Argo Workflow: the Workflow's name.
pub const WORKFLOW_NAME: &str = "workflows.argoproj.io/workflow";
/// Annotation on the pods of an Argo Workflow: the node they run.
pub const WORKFLOW_NODE_NAME: &str = "workflows.argoproj.io/node-name";
/// Annotation on the template of a workload that makes its pods start anew.
pub const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// Of a hook that the engine created: `<startedAt>/<retryCount>` of the operation it belongs to.
pub const BOATHOOK_OPERATION: &str = "boathook.dev/operation";
/// Of a hook that the engine created: the phase it was created for. A hook may run in two phases under one name.
pub const BOATHOOK_PHASE: &str = "boathook.dev/phase";
/// Of the Lease of an engine: the namespace of the Applications it works for, or [`EVERY_NAMESPACE`].
pub const BOATHOOK_APPLICATIONS: &str = "boathook.dev/applications";
/// In [`BOATHOOK_APPLICATIONS`]: those of all namespaces. No namespace can have that name.
pub const EVERY_NAMESPACE: &str = "*";
/// `operation.info`: digest of the manifests that the operation was started with, so that it can be resumed.
pub const BOATHOOK_MANIFESTS: &str = "boathook.dev/manifests";
/// `operation.info`: the waves of the objects that an attempt prunes, as they are written.
pub const BOATHOOK_PRUNE_WAVES: &str = "boathook.dev/prune-waves";
/// `operation.info`: start of the failed operation that is to be resumed.
pub const BOATHOOK_RESUME: &str = "boathook.dev/resume";
/// `operation.info`: the operation stands for a deletion with hooks.
pub const BOATHOOK_DELETE: &str = "boathook.dev/delete";
/// Of a hook that was run again by hand: the object it is a copy of.
pub const BOATHOOK_RERUN_OF: &str = "boathook.dev/rerun-of";
/// Of a hook that was run again by hand: who asked.
pub const BOATHOOK_RERUN_BY: &str = "boathook.dev/rerun-by";
/// Of a hook that was run again by hand: the reason given.
pub const BOATHOOK_RERUN_WHY: &str = "boathook.dev/rerun-why";
