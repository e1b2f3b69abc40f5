use super::types::{GenerationRule, GroupResource, Printer, PrinterColumn, Resource, ScalePaths, ServedVersion};

/// `namespaces`
pub const NAMESPACES: GroupResource = GroupResource::of("", "namespaces");
/// `configmaps`
pub const CONFIG_MAPS: GroupResource = GroupResource::of("", "configmaps");
/// `secrets`
pub const SECRETS: GroupResource = GroupResource::of("", "secrets");
/// `serviceaccounts`
pub const SERVICE_ACCOUNTS: GroupResource = GroupResource::of("", "serviceaccounts");
/// `services`
pub const SERVICES: GroupResource = GroupResource::of("", "services");
/// `events`
pub const EVENTS: GroupResource = GroupResource::of("", "events");
/// `nodes`
pub const NODES: GroupResource = GroupResource::of("", "nodes");
/// `pods`
pub const PODS: GroupResource = GroupResource::of("", "pods");
/// `persistentvolumeclaims`
pub const PERSISTENT_VOLUME_CLAIMS: GroupResource = GroupResource::of("", "persistentvolumeclaims");
/// `deployments.apps`
pub const DEPLOYMENTS: GroupResource = GroupResource::of("apps", "deployments");
/// `replicasets.apps`
pub const REPLICA_SETS: GroupResource = GroupResource::of("apps", "replicasets");
/// `statefulsets.apps`
pub const STATEFUL_SETS: GroupResource = GroupResource::of("apps", "statefulsets");
/// `daemonsets.apps`
pub const DAEMON_SETS: GroupResource = GroupResource::of("apps", "daemonsets");
/// `jobs.batch`
pub const JOBS: GroupResource = GroupResource::of("batch", "jobs");
/// `cronjobs.batch`
pub const CRON_JOBS: GroupResource = GroupResource::of("batch", "cronjobs");
/// `leases.coordination.k8s.io`
pub const LEASES: GroupResource = GroupResource::of("coordination.k8s.io", "leases");
/// `customresourcedefinitions.apiextensions.k8s.io`
pub const CUSTOM_RESOURCE_DEFINITIONS: GroupResource =
    GroupResource::of("apiextensions.k8s.io", "customresourcedefinitions");
/// `applications.argoproj.io`
pub const APPLICATIONS: GroupResource = GroupResource::of("argoproj.io", "applications");
/// `appprojects.argoproj.io`
pub const APP_PROJECTS: GroupResource = GroupResource::of("argoproj.io", "appprojects");
/// `workflows.argoproj.io`
pub const WORKFLOWS: GroupResource = GroupResource::of("argoproj.io", "workflows");

pub(super) const ALL_VERBS: [&str; 8] =
    ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// What the rows of the table below have in common.
fn stored(group: &str, version: &str, kind: &str, plural: &str, short_names: &[&str]) -> Resource {
    Resource {
        group: group.to_owned(),
        version: version.to_owned(),
        served: vec![ServedVersion {
            name: version.to_owned(),
            schema: None,
            printer: Printer::BuiltIn,
            selectable_fields: Vec::new(),
        }],
        kind: kind.to_owned(),
        list_kind: format!("{kind}List"),
        plural: plural.to_owned(),
        singular: kind.to_lowercase(),
        short_names: short_names.iter().map(|name| (*name).to_owned()).collect(),
        categories: Vec::new(),
        namespaced: true,
        verbs: ALL_VERBS.to_vec(),
        status: false,
        scale: None,
        generation: GenerationRule::None,
        custom: false,
    }
}

impl Resource {
    fn cluster(self) -> Self {
        Self { namespaced: false, ..self }
    }

    fn with_status(self) -> Self {
        Self { status: true, ..self }
    }

    fn with_generation(self) -> Self {
        Self { generation: GenerationRule::Spec, ..self }
    }

    fn with_scale(self) -> Self {
        let path = |fields: [&str; 2]| fields.map(str::to_owned).to_vec();
        let scale = ScalePaths {
            spec_replicas: path(["spec", "replicas"]),
            status_replicas: path(["status", "replicas"]),
            selector: Some(path(["spec", "selector"])),
        };
        Self { scale: Some(scale), ..self }
    }

    fn in_category(self, category: &str) -> Self {
        Self { categories: vec![category.to_owned()], ..self }
    }

    fn not_as_collection(self) -> Self {
        let verbs = self.verbs.iter().copied().filter(|verb| *verb != "deletecollection").collect();
        Self { verbs, ..self }
    }

    fn create_only(self) -> Self {
        Self { verbs: vec!["create"], ..self }
    }
}

/// A custom resource that is there from the start.
fn argo(kind: &str, plural: &str, short_names: &[&str], columns: Vec<PrinterColumn>) -> Resource {
    let mut resource = stored("argoproj.io", "v1alpha1", kind, plural, short_names);
    resource.custom = true;
    resource.generation = GenerationRule::Everything;
    if let Some(served) = resource.served.first_mut() {
        served.printer = Printer::Columns(columns);
    }
    resource
}

fn column(name: &str, column_type: &str, json_path: &str, priority: i64) -> PrinterColumn {
    PrinterColumn {
        name: name.to_owned(),
        column_type: column_type.to_owned(),
        format: String::new(),
        description: String::new(),
        priority,
        json_path: json_path.to_owned(),
    }
}

/// Every resource that is there before any `CustomResourceDefinition` is created.
pub(super) fn all() -> Vec<Resource> {
    let mut all = core();
    all.extend(workloads());
    all.extend(others());
    all.extend(argos());
    all
}

fn core() -> Vec<Resource> {
    vec![
        stored("", "v1", "Namespace", "namespaces", &["ns"]).cluster().with_status().not_as_collection(),
        stored("", "v1", "ConfigMap", "configmaps", &["cm"]),
        stored("", "v1", "Secret", "secrets", &[]),
        stored("", "v1", "ServiceAccount", "serviceaccounts", &["sa"]),
        stored("", "v1", "Service", "services", &["svc"]).with_status().in_category("all"),
        stored("", "v1", "Event", "events", &["ev"]),
        stored("", "v1", "Node", "nodes", &["no"]).cluster().with_status(),
        stored("", "v1", "Pod", "pods", &["po"]).with_status().with_generation().in_category("all"),
        stored("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", &["pvc"]).with_status(),
        stored("", "v1", "PersistentVolume", "persistentvolumes", &["pv"]).cluster().with_status(),
        stored("", "v1", "Endpoints", "endpoints", &["ep"]),
        stored("", "v1", "ResourceQuota", "resourcequotas", &["quota"]).with_status(),
        stored("", "v1", "LimitRange", "limitranges", &["limits"]),
        stored("", "v1", "ReplicationController", "replicationcontrollers", &["rc"])
            .with_status()
            .with_generation()
            .in_category("all"),
    ]
}

fn workloads() -> Vec<Resource> {
    vec![
        stored("apps", "v1", "Deployment", "deployments", &["deploy"])
            .with_status()
            .with_generation()
            .with_scale()
            .in_category("all"),
        stored("apps", "v1", "ReplicaSet", "replicasets", &["rs"])
            .with_status()
            .with_generation()
            .with_scale()
            .in_category("all"),
        stored("apps", "v1", "StatefulSet", "statefulsets", &["sts"])
            .with_status()
            .with_generation()
            .with_scale()
            .in_category("all"),
        stored("apps", "v1", "DaemonSet", "daemonsets", &["ds"]).with_status().with_generation().in_category("all"),
        stored("apps", "v1", "ControllerRevision", "controllerrevisions", &[]),
        stored("batch", "v1", "Job", "jobs", &[]).with_status().with_generation().in_category("all"),
        stored("batch", "v1", "CronJob", "cronjobs", &["cj"]).with_status().with_generation().in_category("all"),
    ]
}

fn others() -> Vec<Resource> {
    let rbac = |kind, plural| stored("rbac.authorization.k8s.io", "v1", kind, plural, &[]);
    vec![
        stored("networking.k8s.io", "v1", "Ingress", "ingresses", &["ing"]).with_status().with_generation(),
        stored("networking.k8s.io", "v1", "IngressClass", "ingressclasses", &[]).cluster().with_generation(),
        stored("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", &["netpol"]).with_generation(),
        stored("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", &["hpa"])
            .with_status()
            .in_category("all"),
        stored("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", &[]).with_generation(),
        stored("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", &["pdb"]).with_status().with_generation(),
        stored("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", &["pc"]).cluster().with_generation(),
        stored("storage.k8s.io", "v1", "StorageClass", "storageclasses", &["sc"]).cluster(),
        rbac("Role", "roles"),
        rbac("RoleBinding", "rolebindings"),
        rbac("ClusterRole", "clusterroles").cluster(),
        rbac("ClusterRoleBinding", "clusterrolebindings").cluster(),
        stored("coordination.k8s.io", "v1", "Lease", "leases", &[]),
        stored("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", &["crd", "crds"])
            .cluster()
            .with_status()
            .with_generation()
            .in_category("api-extensions"),
        stored("authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews", &[]).cluster().create_only(),
        stored("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", &[])
            .cluster()
            .create_only(),
        stored("authorization.k8s.io", "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", &[])
            .cluster()
            .create_only(),
    ]
}

/// As in the CRDs of Argo CD and Argo Workflows: the Application has no status subresource.
fn argos() -> Vec<Resource> {
    vec![
        argo(
            "Application",
            "applications",
            &["app", "apps"],
            vec![
                column("Sync Status", "string", ".status.sync.status", 0),
                column("Health Status", "string", ".status.health.status", 0),
                column("Revision", "string", ".status.sync.revision", 10),
                column("Project", "string", ".spec.project", 10),
            ],
        ),
        argo(
            "AppProject",
            "appprojects",
            &["appproj", "appprojs"],
            vec![column("Age", "date", ".metadata.creationTimestamp", 0)],
        ),
        argo(
            "Workflow",
            "workflows",
            &["wf"],
            vec![
                column("Status", "string", ".status.phase", 0),
                column("Age", "date", ".status.startedAt", 0),
                column("Message", "string", ".status.message", 0),
            ],
        ),
    ]
}
