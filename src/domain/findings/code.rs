//! The catalogue of findings: every code with its severity, its meaning and its remedy.

use std::fmt;
use std::str::FromStr;

/// How sure it is that something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// What is written does not happen, or fails.
    Error,
    /// It works, and bites on a later sync, a failure or a retry.
    Warning,
    /// A good practice that is not followed.
    Note,
}

impl Severity {
    /// In lower case, as shown and as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// No finding has this code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no finding with the code {0:?}")]
pub struct UnknownCode(String);

/// Declares [`Code`] and its table in one place.
macro_rules! codes {
    ($($variant:ident $severity:ident $text:literal
        $summary:literal
        $why:literal
        $remedy:literal;)*) => {
        /// What kind of finding it is. The codes are stable: within one major version none is renamed or reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $summary] $variant,)*
        }

        impl Code {
            /// Every code, errors first.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The code as printed, for example `hook-misspelt`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// How bad it is.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity),* }
            }

            /// One line: what is found.
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary),* }
            }

            /// What happens, and why.
            pub const fn why(self) -> &'static str {
                match self { $(Self::$variant => $why),* }
            }

            /// One line: what to do.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy),* }
            }
        }
    };
}

codes! {
    HookMisspelt Error "hook-misspelt"
        "no kind of hook in the annotation is one that Argo CD knows, so the object is dropped"
        "Argo CD takes any object with a hook annotation for a hook. If no value in it is valid (they are case-sensitive), the object is neither applied nor compared nor reported: the sync is green without it."
        "write one of PreSync, Sync, PostSync, SyncFail, Skip, PreDelete, PostDelete";
    AnnotationMisspelt Error "annotation-misspelt"
        "an annotation looks like one of Argo CD's or Helm's, but is not"
        "Argo CD looks for exact annotation names. An object whose hook annotation is misspelt is an ordinary resource: it is applied in the Sync phase, once."
        "correct the annotation's name";
    AnnotationMisplaced Error "annotation-misplaced"
        "an annotation of Argo CD or Helm stands where it is not read"
        "Only metadata.annotations of the object itself counts. Labels are not looked at, and neither is the pod template."
        "move it to metadata.annotations of the object";
    AnnotationNotString Error "annotation-not-string"
        "an annotation or label is not a string"
        "Kubernetes accepts only strings, and Argo CD cannot even compare an application with such a manifest. YAML reads an unquoted 5, true or yes as something else."
        "put the value in quotes";
    WaveNotInteger Error "wave-not-integer"
        "the wave is not an integer, so it counts as 0"
        "A wave that does not parse is passed over silently: the Helm weight is used instead, or else 0. Spaces, fractions and units do not parse."
        "write an integer in quotes, for example \"-5\"";
    DeletePolicyMisspelt Error "delete-policy-misspelt"
        "a delete policy is not one that Argo CD knows, so it is ignored"
        "Values are case-sensitive. If none is valid, BeforeHookCreation is used."
        "write BeforeHookCreation, HookSucceeded or HookFailed";
    SyncOptionMisspelt Error "sync-option-misspelt"
        "a sync option is almost one that Argo CD knows, so it is ignored"
        "Options are compared letter by letter, with their case and without spaces. A misspelt Prune=false does not keep anything from being deleted."
        "correct the option";
    NameMissing Error "name-missing"
        "the object has neither a name nor, as a hook, a generateName"
        "Only hooks may leave their name to be generated. Anything else is refused when it is applied."
        "set metadata.name";
    NameTooLong Error "name-too-long"
        "the name is, or will be, longer than the kind allows"
        "The name of a Job becomes a label of its pods, so it may have 63 characters. To a generateName Argo CD adds the short revision, the phase and a time, up to 27 characters, and does not check the length."
        "shorten metadata.name or metadata.generateName";
    NameInvalid Error "name-invalid"
        "the name is, or will be, one that Kubernetes refuses"
        "Names are lower-case letters, digits, '-' and, for most kinds, '.'. A revision goes into a generated name as it is: a chart version with '+' or a digest with ':' makes it invalid."
        "correct the name";
    HookNameCollision Error "hook-name-collision"
        "two hooks get the same generated name"
        "A generated name is made of generateName, revision, phase and start of the operation. Hooks of one kind that share generateName and phase become one object: one of them does not run, and its result is the other's."
        "give each hook its own generateName";
    DuplicateObject Error "duplicate-object"
        "the same object is written more than once"
        "Argo CD keeps the last of them and shows a RepeatedResourceWarning on the application."
        "remove or rename all but one";
    DeleteHookGenerateName Error "delete-hook-generate-name"
        "a PreDelete or PostDelete hook has a generateName"
        "Argo CD does not find such a hook again under its generated name, so it creates another one each time it looks."
        "set metadata.name";
    HookDestroysData Error "hook-destroys-data"
        "the hook is an object whose deletion deletes what is in it"
        "Hooks are deleted: by default before each sync, by the other policies after it. With a Namespace, a CustomResourceDefinition or a volume goes everything it holds."
        "make it an ordinary resource with an early sync-wave";
    HookSuspended Error "hook-suspended"
        "the hook is suspended, so the sync waits for it without end"
        "Argo CD counts a suspended hook as running. It has no timeout of its own."
        "remove suspend: true";
    HookOwned Error "hook-owned"
        "the hook has ownerReferences, so Argo CD never sees it finish"
        "Argo CD looks only at live objects without an owner. The operation waits for the hook although it is done."
        "remove metadata.ownerReferences";
    PodHookRestarts Error "pod-hook-restarts"
        "the Pod hook restarts its containers when they end, so it cannot end well"
        "With restartPolicy Always, which is the default, a Pod counts as done when it is ready, and as failed once a container has ended."
        "set restartPolicy: Never";
    RestartPolicyInvalid Error "restart-policy-invalid"
        "the Job's restartPolicy is neither Never nor OnFailure"
        "The API server refuses the Job: for the pods of a Job the default, Always, is not allowed."
        "set restartPolicy: Never in the pod template";
    NeedsLaterObject Error "needs-later-object"
        "it uses an object that the same sync creates only after it"
        "On a first sync it waits for something that comes only when it is done; on later syncs it gets the previous version. Argo CD creates ConfigMaps, Secrets and ServiceAccounts with the Sync phase, after all PreSync hooks, and each wave after the one before it is healthy."
        "create what it uses first: an earlier sync-wave, or a hook of the same phase";

    HookKindIgnored Warning "hook-kind-ignored"
        "a value of the hook annotation is ignored"
        "Values that Argo CD does not know are passed over if there is a valid one; so is Skip beside a phase, and everything in Helm's annotation if Argo CD's names a phase."
        "remove or correct the value";
    HelmRollbackHook Warning "helm-rollback-hook"
        "Argo CD never runs Helm's rollback hooks"
        "Helm's pre-rollback and post-rollback have no counterpart: the object is dropped. A rollback in Argo CD runs no hooks at all."
        "do the work in a PreSync or SyncFail hook, or remove the object";
    HelmInstallOnly Warning "helm-install-only"
        "a Helm hook for installs or for upgrades only runs on every sync"
        "Argo CD does not distinguish an install from an upgrade: pre-install and pre-upgrade are PreSync, post-install and post-upgrade are PostSync, each time."
        "make the hook safe for both, and name both in the annotation";
    HelmKeepPruned Warning "helm-keep-pruned"
        "helm.sh/resource-policy: keep does not stop Argo CD from pruning the object"
        "Argo CD honours it when the application is deleted, but not when the object disappears from Git."
        "add argocd.argoproj.io/sync-options: Prune=false";
    DeletePolicyWithoutHook Warning "delete-policy-without-hook"
        "the delete policy has no effect: the object is not a hook"
        "Delete policies are read on hooks only."
        "add the hook annotation, or remove the policy";
    SyncOptionUnknown Warning "sync-option-unknown"
        "a sync option is not known"
        "Argo CD passes over options it does not know."
        "remove it, or check which version of Argo CD brings it";
    SyncOptionNoEffect Warning "sync-option-no-effect"
        "the sync option has an effect on an Application only"
        "Some options are read from the operation alone, not from an object's annotation."
        "move it to spec.syncPolicy.syncOptions of the Application";
    ForceReplace Warning "force-replace"
        "each sync may delete the object and create it again"
        "Force=true deletes and recreates where an update is refused, and together with Replace=true always: pods, addresses and data go with the object."
        "remove Force=true and Replace=true, or use ServerSideApply=true";
    WaveIgnored Warning "wave-ignored"
        "the wave has no effect on this hook"
        "SyncFail hooks all start together when something has failed; PreDelete and PostDelete hooks all start together when the application is deleted."
        "do not rely on the order, or do the steps in one hook";
    HookSticksAfterFailure Warning "hook-sticks-after-failure"
        "after one failure every sync fails, until somebody deletes the hook"
        "With HookSucceeded alone a failed hook stays. The next sync finds it under the same name, reads its old failure and ends, without running it."
        "add BeforeHookCreation to the delete policy";
    HookSkippedAfterSuccess Warning "hook-skipped-after-success"
        "after one success the hook does not run again"
        "A finished hook that is neither deleted before nor after a sync is found by the next one (or by the next phase) under the same name, and its old success is taken for the new one."
        "add BeforeHookCreation to the delete policy";
    HookPilesUp Warning "hook-piles-up"
        "every sync leaves another copy of the hook in the cluster"
        "With generateName each sync creates a new object. BeforeHookCreation deletes only one of the same name, and hooks are never pruned."
        "add HookSucceeded to the delete policy, or set ttlSecondsAfterFinished";
    HookNoDeadline Warning "hook-no-deadline"
        "the hook has no deadline: if it hangs, the sync hangs"
        "Argo CD has no timeout for a hook, and a pod that cannot pull its image or find a node never fails by itself. activeDeadlineSeconds is the only limit, and a running operation blocks the next one."
        "set spec.activeDeadlineSeconds";
    HookManyRetries Warning "hook-many-retries"
        "the hook fails only after many attempts"
        "Each retry of a Job waits twice as long as the one before. With backoffLimit 6, the default, a failure is known after ten minutes and more, and the work has been tried seven times."
        "set backoffLimit to 0, 1 or 2";
    HookRestartsInPlace Warning "hook-restarts-in-place"
        "when the hook fails for good its pod is deleted, and the log with it"
        "With restartPolicy OnFailure the container restarts in its pod, which the Job controller removes when the backoff limit is reached: the log of the failure is gone."
        "set restartPolicy: Never in the pod template";
    HookLongRunning Warning "hook-long-running"
        "the hook is a workload that does not end"
        "It counts as done when it is healthy, is deleted and created again by every sync, is never pruned, and is not part of the application's health."
        "use a Job, or make it an ordinary resource with a sync-wave";
    HookOnSchedule Warning "hook-on-schedule"
        "a CronJob as a hook runs on its schedule, not in the sync"
        "The sync only creates it, and deletes and creates it again the next time."
        "use a Job, or remove the hook annotation";
    HookFinalizer Warning "hook-finalizer"
        "the hook has a finalizer of its own, which can hold up its deletion"
        "Before a hook is created again its predecessor has to be gone. Somebody must remove the finalizer each time, or the sync says \"waiting for deletion\" for ever."
        "remove metadata.finalizers";
    NeedsLaterRights Warning "needs-later-rights"
        "the hook's ServiceAccount gets its rights only after the hook has run"
        "The binding is created later in the same sync: on a first sync the hook is refused by the API server."
        "make the binding and the role hooks of the same phase with a smaller sync-wave";
    UnsafeRerun Warning "unsafe-rerun"
        "the hook looks as if it could not run twice"
        "Hooks run on every sync, a retry repeats all of them, and after a restart of the controller one may run again: at least once, never exactly once."
        "make the step idempotent (if not exists, on conflict, apply, upgrade --install)";
    JobWithoutHook Warning "job-without-hook"
        "a Job that is not a hook runs once, and a change to it fails the sync"
        "A Job's template cannot be changed. The next edit of this manifest ends in \"field is immutable\"."
        "make it a hook, or set sync-options Force=true,Replace=true";
    JobExpires Warning "job-expires"
        "the Job deletes itself and the application goes out of sync"
        "ttlSecondsAfterFinished removes an ordinary resource behind Argo CD's back. With self-heal it is created, and runs, again and again."
        "make it a hook, or remove ttlSecondsAfterFinished";
    ImageMutable Warning "image-mutable"
        "the hook's image can change under its tag"
        "A retry or a sync of an old revision may run other code than was reviewed."
        "name a version, best with its digest";
    HookPrivileged Warning "hook-privileged"
        "the hook runs with the rights of the node"
        "Whoever can change the manifest, or the image, owns the node."
        "remove privileged, and add only the capabilities it needs";
    HookHostAccess Warning "hook-host-access"
        "the hook reaches into the node"
        "Host paths, host network and host process spaces break the isolation of the pod; policies often refuse them."
        "use a volume claim, the pod network or an API instead";
    HookRunsAsRoot Warning "hook-runs-as-root"
        "the hook is told to run as root"
        "runAsUser: 0 is written down."
        "set runAsNonRoot: true and a runAsUser";
    SecretInManifest Warning "secret-in-manifest"
        "an environment variable that sounds secret has its value in Git"
        "Who can read the repository or the Job can read it."
        "use valueFrom.secretKeyRef";

    HelmTestHook Note "helm-test-hook"
        "Argo CD never runs Helm's test hooks"
        "The object is dropped."
        "make it a PostSync hook if it should run";
    HelmAnnotationIgnored Note "helm-annotation-ignored"
        "an annotation of Helm's has no effect here"
        "Argo CD reads helm.sh/hook, hook-weight, hook-delete-policy and resource-policy."
        "remove it if the chart is used with Argo CD only";
    HooksNotRun Note "hooks-not-run"
        "no hook runs in such a sync"
        "Argo CD runs hooks only in a sync of the whole application with the hook strategy."
        "sync everything with the hook strategy";
    HooksOnly Note "hooks-only"
        "there are only hooks: automated sync will never start them"
        "Hooks do not count when Argo CD compares an application with Git. With nothing else in it, it is always Synced."
        "add a resource that changes with the hooks, for example a ConfigMap with the version";
    PruneConfirm Note "prune-confirm"
        "taking the object out of Git will hold up the sync until somebody confirms"
        "With Prune=confirm the whole wave in which it would be pruned waits, and nothing in that wave is applied, even if the sync does not prune."
        "confirm with the annotation argocd.argoproj.io/deletion-approved on the Application";
    HookRecreated Note "hook-recreated"
        "the hook is deleted and created again by every sync, and never pruned"
        "An object of this kind does no work: it is done as soon as it is created. In between it is missing, and when it leaves Git it stays."
        "make it an ordinary resource with an early sync-wave, unless a PreSync hook needs it";
    DeleteHookStays Note "delete-hook-stays"
        "the PostDelete hook stays in the cluster"
        "Only HookSucceeded and HookFailed delete it; the default policy does not."
        "set hook-delete-policy: HookSucceeded";
    LogLost Note "log-lost"
        "when the sync fails the hook is deleted, and its log with it"
        "HookFailed deletes the hooks of a failed operation before anybody has read why."
        "use BeforeHookCreation, which keeps the last run";
    ErrorsIgnored Note "errors-ignored"
        "the script goes on after a failing command"
        "A shell ends with the exit code of its last command. Without set -e a failure in the middle is a success."
        "begin the script with set -e";
    TokenMounted Note "token-mounted"
        "the hook gets a token for the Kubernetes API that it seems not to need"
        "It uses the default ServiceAccount, whose token is mounted unless told otherwise."
        "set automountServiceAccountToken: false";
    MayRunAsRoot Note "may-run-as-root"
        "nothing stops the hook from running as root"
        "Without runAsNonRoot the image decides."
        "set runAsNonRoot: true";
    NoResources Note "no-resources"
        "the hook has no resource requests or limits"
        "It may take the memory of the workloads it runs beside, and is the first to be evicted."
        "set resources.requests and resources.limits.memory";
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or_else(|| UnknownCode(text.to_owned()))
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
