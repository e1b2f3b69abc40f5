//! The applications of a small shop, as a list shows them.

use std::sync::Arc;

use boathook::domain::manifest::Object;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::harness::{Screen, object, time};

pub(crate) fn now() -> Timestamp {
    time("2026-11-22T03:07:42Z")
}

fn result(phase: &str, hook: bool, kind: &str, name: &str, state: &str) -> Value {
    let status = if state == "Failed" && !hook { "SyncFailed" } else { "Synced" };
    let mut result = json!({"group": if kind == "Job" { "batch" } else { "" }, "version": "v1", "kind": kind,
        "namespace": "shop", "name": name, "status": status, "syncPhase": phase, "hookPhase": state});
    if hook {
        result["hookType"] = json!(phase);
    }
    result
}

struct Made {
    name: &'static str,
    project: &'static str,
    sync: &'static str,
    health: &'static str,
    /// Phase of the last operation; empty: none.
    phase: &'static str,
    results: Vec<Value>,
    user: &'static str,
    started: &'static str,
    finished: &'static str,
    labels: Value,
}

fn application(made: &Made, index: usize) -> Arc<Object> {
    let revision = format!("{:07x}{}", 0x6f_1c0a + index * 7919, "0".repeat(33));
    let mut status = json!({
        "sync": {"status": made.sync, "revision": revision},
        "health": {"status": made.health},
        "reconciledAt": "2026-11-22T03:05:00Z",
    });
    let request = json!({"initiatedBy": if made.user == "auto" { json!({"automated": true}) } else { json!({"username": made.user}) },
        "sync": {"revision": revision}, "retry": {"limit": 2}});
    let mut application = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": made.name, "namespace": "argocd", "uid": format!("uid-{}", made.name),
            "resourceVersion": (1000 + index).to_string(), "labels": made.labels},
        "spec": {"project": made.project, "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "source": {"repoURL": "https://git.example.com/shop/deploy.git", "path": made.name, "targetRevision": "main"}},
    });
    if !made.phase.is_empty() {
        status["operationState"] = json!({"operation": request, "phase": made.phase, "startedAt": made.started,
            "message": "", "syncResult": {"revision": revision, "resources": made.results}});
        if !made.finished.is_empty() {
            status["operationState"]["finishedAt"] = json!(made.finished);
        }
        if made.phase == "Running" {
            application["operation"] = request;
        }
    }
    application["status"] = status;
    object(application)
}

fn fine(name: &'static str, project: &'static str, user: &'static str, started: &'static str) -> Made {
    let results = vec![
        result("PreSync", true, "Job", "schema", "Succeeded"),
        result("Sync", false, "ConfigMap", name, "Succeeded"),
    ];
    Made {
        name,
        project,
        sync: "Synced",
        health: "Healthy",
        phase: "Succeeded",
        results,
        user,
        started,
        finished: started,
        labels: json!({"tier": "backend"}),
    }
}

pub(crate) fn applications() -> Vec<Arc<Object>> {
    let made = vec![
        Made { labels: json!({"tier": "web"}), ..fine("catalog", "shop", "auto", "2026-11-22T02:40:00Z") },
        Made {
            sync: "OutOfSync",
            phase: "Running",
            results: vec![
                result("PreSync", true, "Job", "schema", "Succeeded"),
                result("Sync", false, "Deployment", "web", "Running"),
            ],
            started: "2026-11-22T03:07:00Z",
            finished: "",
            ..fine("checkout", "shop", "alice", "")
        },
        Made {
            sync: "OutOfSync",
            phase: "Failed",
            results: vec![result("PreSync", true, "Job", "db-migrate", "Failed")],
            ..fine("payments", "shop", "auto", "2026-11-22T03:05:10Z")
        },
        Made { health: "Degraded", ..fine("search", "shop", "bob", "2026-11-21T22:00:00Z") },
        Made { health: "Progressing", ..fine("inventory", "stock", "auto", "2026-11-22T03:06:00Z") },
        Made {
            sync: "OutOfSync",
            ..fine("warehouse-of-the-northern-region", "stock", "carol", "2026-11-20T10:00:00Z")
        },
        Made {
            phase: "",
            sync: "OutOfSync",
            health: "Missing",
            results: Vec::new(),
            ..fine("reports", "stock", "", "")
        },
        Made { sync: "Unknown", ..fine("legacy-数据库", "old", "dave", "2026-10-01T10:00:00Z") },
        fine("mail", "platform", "auto", "2026-11-22T01:00:00Z"),
        fine("auth", "platform", "auto", "2026-11-22T01:00:00Z"),
    ];
    made.iter().enumerate().map(|(index, made)| application(made, index)).collect()
}

/// The shop's applications, watched.
pub(crate) fn shop(size: (u16, u16)) -> Screen {
    let mut screen = Screen::connected(size, now());
    for object in applications() {
        let application = boathook::domain::application::Application::read(super::harness::CLUSTER, &object).0;
        let summary = boathook::domain::application::AppSummary::of(&application);
        screen.live(boathook::domain::live::LiveEvent::App(Box::new(summary)));
    }
    screen.complete();
    screen
}
