//! Large inputs, as they are met in large installations. Used by the tests and by the benchmarks.

use std::fmt::Write;

use serde_json::{Value, json};

/// The JSON of an Application with so many resources, 10 entries of history, an operationState and managedFields. With
/// 40 resources it has about 20 KB.
pub(crate) fn application(index: usize, resources: usize) -> String {
    let revision = |at: usize| format!("{:040x}", (index * 31 + at + 1) * 0x9e37_79b9);
    let source = json!({"repoURL": "https://git.example.com/team/deploy.git", "path": format!("apps/service-{index}"),
        "targetRevision": "main"});
    let namespace = format!("service-{index}");
    let kinds = [("apps", "Deployment"), ("", "Service"), ("", "ConfigMap"), ("networking.k8s.io", "Ingress")];
    let kind = |at: usize| kinds[at % kinds.len()];
    let live: Vec<Value> = (0..resources)
        .map(|at| {
            let (group, kind) = kind(at);
            json!({"group": group, "version": "v1", "kind": kind, "namespace": namespace,
                "name": format!("{namespace}-component-{at}"), "status": "Synced", "health": {"status": "Healthy"}})
        })
        .collect();
    let results: Vec<Value> = (0..resources)
        .map(|at| {
            let (group, kind) = kind(at);
            let name = format!("{namespace}-component-{at}");
            let hook = (at == 0).then_some("PreSync");
            json!({"group": group, "version": "v1", "kind": kind, "namespace": namespace, "name": name,
                "status": "Synced", "hookType": hook, "syncPhase": hook.unwrap_or("Sync"), "hookPhase": "Succeeded",
                "message": format!("{}/{name} configured", kind.to_lowercase())})
        })
        .collect();
    let history: Vec<Value> = (0..10)
        .map(|at| {
            json!({"id": at, "revision": revision(at), "source": source, "deployStartedAt": "2026-08-23T10:00:00Z",
            "deployedAt": "2026-08-23T10:00:42Z", "initiatedBy": {"automated": true}})
        })
        .collect();
    let fields = json!({"f:spec": {"f:source": {"f:path": {}, "f:repoURL": {}, "f:targetRevision": {}}},
        "f:status": {"f:resources": {}, "f:operationState": {"f:phase": {}, "f:syncResult": {"f:resources": {}}}}});
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": namespace, "namespace": "argocd", "uid": format!("a2e7e370-c595-46c0-9101-{index:012}"),
            "resourceVersion": format!("{}", 1_000_000 + index), "generation": 4_711, "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"team": "shop", "tier": "backend", "app.kubernetes.io/instance": "root", "env": "prod"},
            "finalizers": ["resources-finalizer.argocd.argoproj.io"],
            "managedFields": [{"manager": "argocd-server", "fieldsV1": fields}, {"manager": "controller", "fieldsV1": fields}]},
        "spec": {"project": "shop", "source": source,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
            "syncPolicy": {"automated": {"prune": true, "selfHeal": true}, "syncOptions": ["CreateNamespace=true"]}},
        "status": {"sync": {"status": "Synced", "revision": revision(9), "comparedTo": {"source": source}},
            "health": {"status": "Healthy", "lastTransitionTime": "2026-08-23T10:00:42Z"},
            "reconciledAt": "2026-08-23T10:00:45Z", "sourceType": "Kustomize", "controllerNamespace": "argocd",
            "resources": live, "history": history, "summary": {"images": ["registry.example.com/shop/service:1.2.3"]},
            "operationState": {"phase": "Succeeded", "message": "successfully synced (all tasks run)",
                "startedAt": "2026-08-23T10:00:00Z", "finishedAt": "2026-08-23T10:00:42Z",
                "operation": {"initiatedBy": {"automated": true}, "retry": {"limit": 5}, "sync": {"revision": revision(9)}},
                "syncResult": {"revision": revision(9), "source": source, "resources": results}}}
    })
    .to_string()
}

/// So many documents of YAML, each a Deployment of about 800 bytes.
pub(crate) fn manifests(documents: usize) -> String {
    let mut text = String::new();
    for index in 0..documents {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "---\n# component {index}\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: component-{index}\n  namespace: shop\n  \
             labels: {{app: component-{index}, tier: backend}}\n  annotations:\n    argocd.argoproj.io/sync-wave: \"{}\"\n\
             spec:\n  replicas: 3\n  selector:\n    matchLabels:\n      app: component-{index}\n  template:\n    metadata:\n      \
             labels:\n        app: component-{index}\n    spec:\n      containers:\n      - name: main\n        \
             image: registry.example.com/shop/component:1.{index}.0\n        command: [\"sh\", \"-c\"]\n        args:\n        - |\n          \
             set -e\n          exec /bin/component --port 8080\n        env:\n        - {{name: LOG_LEVEL, value: info}}\n        \
             - {{name: WORKERS, value: \"4\"}}\n        resources:\n          requests: {{cpu: 100m, memory: 128Mi}}\n          \
             limits: {{memory: 256Mi}}\n        volumeMounts:\n        - {{name: config, mountPath: /etc/component}}\n      \
             volumes:\n      - name: config\n        configMap: {{name: component-{index}, defaultMode: 0644}}\n",
            index % 7
        );
    }
    text
}
