//! What a comparison found of one object, and what all objects together come to.

use serde_json::{Map, Value, json};

use crate::domain::application::SyncStatus;
use crate::domain::health::{Health, HealthStatus, has_check};
use crate::domain::manifest::ObjectKey;

/// One managed object, or a live hook.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, most of them fields of status.resources")]
pub(super) struct Entry {
    /// The object.
    pub(super) key: ObjectKey,
    /// API version without group.
    pub(super) version: String,
    /// `None`: a hook, which is not compared.
    pub(super) status: Option<SyncStatus>,
    /// `None`: a kind that has none.
    pub(super) health: Option<Health>,
    /// In the cluster and not in Git.
    pub(super) requires_pruning: bool,
    /// Its deletion waits for somebody to confirm it.
    pub(super) requires_confirmation: bool,
    /// Its wave.
    pub(super) wave: i64,
    /// `IgnoreExtraneous`: that it needs pruning does not make the application out of sync.
    pub(super) is_tolerated: bool,
    /// `ignore-healthcheck`: its health does not count.
    pub(super) is_health_ignored: bool,
    /// Images in its pod template.
    pub(super) images: Vec<String>,
    /// Addresses under which it is reached.
    pub(super) links: Vec<String>,
}

impl Entry {
    /// Whether it is a hook.
    pub(super) fn is_hook(&self) -> bool {
        self.status.is_none()
    }

    /// The entry of `status.resources`.
    pub(super) fn to_json(&self) -> Value {
        let mut fields = Map::new();
        let mut text = |name: &str, text: &str| {
            if !text.is_empty() {
                fields.insert(name.to_owned(), text.into());
            }
        };
        text("group", &self.key.group);
        text("version", &self.version);
        text("kind", &self.key.kind);
        text("namespace", &self.key.namespace);
        text("name", &self.key.name);
        text("status", self.status.map_or("", status_name));
        if let Some(health) = &self.health {
            let mut value = json!({ "status": health.status.as_str() });
            if !health.message.is_empty() {
                value["message"] = health.message.as_str().into();
            }
            fields.insert("health".to_owned(), value);
        }
        let flags = [
            ("hook", self.is_hook()),
            ("requiresPruning", self.requires_pruning),
            ("requiresDeletionConfirmation", self.requires_confirmation),
        ];
        for (name, flag) in flags {
            if flag {
                fields.insert(name.to_owned(), true.into());
            }
        }
        if self.wave != 0 {
            fields.insert("syncWave".to_owned(), self.wave.into());
        }
        Value::Object(fields)
    }
}

/// The word for a status.
pub(super) const fn status_name(status: SyncStatus) -> &'static str {
    match status {
        SyncStatus::Synced => "Synced",
        SyncStatus::OutOfSync => "OutOfSync",
        SyncStatus::Unknown => "Unknown",
    }
}

/// The application's sync status: hooks never count.
pub(super) fn sync_status(entries: &[Entry]) -> SyncStatus {
    let mut statuses = entries.iter().filter(|entry| !entry.is_tolerated).filter_map(|entry| entry.status);
    // Unknown is worst: it may hide a difference, and automated sync must not act on it.
    statuses.by_ref().max().unwrap_or(SyncStatus::Synced)
}

/// The application's health: that of its worst object. Hooks never count, nor what asks not to, nor a missing object of
/// a kind without a check, nor an application of applications that cannot be judged.
pub(super) fn app_health(entries: &[Entry]) -> HealthStatus {
    let counts = |entry: &&Entry| {
        let status = entry.health.as_ref().map(|health| health.status);
        let is_missing = status == Some(HealthStatus::Missing);
        let is_blind = is_missing || status == Some(HealthStatus::Unknown);
        let is_application = entry.key.group == "argoproj.io" && entry.key.kind == "Application";
        !entry.is_hook()
            && !entry.is_health_ignored
            && (!is_missing || has_check(&entry.key.group, &entry.key.kind))
            && (!is_blind || !is_application)
    };
    let healths = entries.iter().filter(counts).filter_map(|entry| entry.health.as_ref());
    healths.map(|health| health.status).max().unwrap_or(HealthStatus::Healthy)
}

#[cfg(test)]
pub(super) fn example(kind: &str, status: Option<SyncStatus>, health: Option<HealthStatus>) -> Entry {
    let group = if kind == "Deployment" { "apps" } else { "" };
    Entry {
        key: ObjectKey::new(group, kind, "shop", "x"),
        version: "v1".into(),
        status,
        health: health.map(|status| Health { status, message: String::new() }),
        requires_pruning: false,
        requires_confirmation: false,
        wave: 0,
        is_tolerated: false,
        is_health_ignored: false,
        images: Vec::new(),
        links: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_counts_and_hooks_never_do() {
        use HealthStatus::{Degraded, Healthy, Missing, Progressing, Unknown};
        use SyncStatus::{OutOfSync, Synced};
        let (synced, hook) = (Some(Synced), None);
        assert_eq!((sync_status(&[]), app_health(&[])), (Synced, Healthy));
        for (entries, sync, health) in [
            (vec![example("Deployment", synced, Some(Healthy)), example("Job", hook, Some(Degraded))], Synced, Healthy),
            (vec![example("Deployment", Some(OutOfSync), Some(Progressing))], OutOfSync, Progressing),
            (vec![example("ConfigMap", Some(OutOfSync), Some(Missing))], OutOfSync, Healthy),
            (vec![example("Deployment", Some(OutOfSync), Some(Missing))], OutOfSync, Missing),
            (
                vec![
                    example("Deployment", synced, Some(Unknown)),
                    example("Deployment", Some(SyncStatus::Unknown), Some(Missing)),
                ],
                SyncStatus::Unknown,
                Unknown,
            ),
            (
                vec![
                    Entry { is_health_ignored: true, ..example("Deployment", synced, Some(Degraded)) },
                    Entry { is_tolerated: true, ..example("ConfigMap", Some(OutOfSync), None) },
                ],
                Synced,
                Healthy,
            ),
        ] {
            assert_eq!((sync_status(&entries), app_health(&entries)), (sync, health), "{entries:?}");
        }
    }

    #[test]
    fn a_hook_has_no_status_and_empty_fields_are_left_out() {
        let hook = Entry { requires_pruning: true, wave: -1, ..example("Job", None, None) };
        let wanted = json!({"version": "v1", "kind": "Job", "namespace": "shop", "name": "x", "hook": true,
            "requiresPruning": true, "syncWave": -1});
        assert_eq!(hook.to_json(), wanted);
    }
}
