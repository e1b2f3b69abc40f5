//! The resources of an application.

use super::list::{row, says};
use crate::domain::application::SyncStatus;
use crate::domain::health::HealthStatus;
use crate::domain::manifest::ObjectKey;
use crate::domain::text;
use crate::tui::model::{Details, Model, Page, PageRow, RowId, sync_word};
use crate::tui::theme::Role;
use crate::tui::view::applications::health_role;
use crate::tui::view::draw::{cell, padded};

pub(super) fn rows(model: &Model, details: &Details, page: &Page) -> Vec<PageRow> {
    let Some(application) = &details.application else {
        return vec![says(Role::Waiting, " Reading the application ...")];
    };
    let wide = model.size.0 >= 120;
    let (kind, name, space) = if wide { (24, 40, 20) } else { (14, 26, 0) };
    let title = |text: &str, width: usize| if width == 0 { String::new() } else { format!("{} ", padded(text, width)) };
    let heading = format!(
        "   {}{}{}{}{}WAVE  ",
        title("KIND", kind),
        title("NAME", name),
        title("NAMESPACE", space),
        title("SYNC", 9),
        title("HEALTH", 11),
    );
    let mut rows = vec![
        row(
            RowId::Application,
            vec![
                (Role::Dim, format!("  {} ", cell("Application", kind))),
                (Role::Strong, text::one_line(&page.key.name, 80)),
                (Role::Dim, format!("   {} conditions", application.status.conditions.len())),
            ],
        ),
        says(Role::Heading, heading),
    ];
    for condition in application.status.conditions.iter().take(5) {
        let words = format!("   {}: {}", text::one_line(&condition.kind, 40), text::one_line(&condition.message, 300));
        rows.insert(1, says(Role::Warning, words));
    }
    for own in &application.status.resources {
        let key = ObjectKey::new(own.group.as_str(), own.kind.as_str(), own.namespace.as_str(), own.name.as_str());
        let (sync_role, sync) = match own.status {
            _ if own.hook => (Role::Dim, "hook"),
            _ if own.requires_pruning => (Role::Warning, "to prune"),
            Some(SyncStatus::Synced) => (Role::Good, "Synced"),
            Some(status @ SyncStatus::OutOfSync) => (Role::Waiting, sync_word(status)),
            Some(status @ SyncStatus::Unknown) => (Role::Unknown, sync_word(status)),
            None => (Role::Unknown, "?"),
        };
        let (health, message) = health(details, &key, own.health.as_ref().and_then(|health| health.status));
        let message = own.health.as_ref().map(|health| health.message.clone()).filter(|m| !m.is_empty()).or(message);
        let (health_role, health) = match health {
            Health::Is(status) => (health_role(status), status.as_str()),
            Health::Reading => (Role::Dim, "…"),
            Health::None => (Role::Dim, "-"),
            Health::NotKnown => (Role::Unknown, "?"),
            Health::Gone => (Role::Bad, "not there"),
        };
        let sign = if page.marks.contains(&key) { "*" } else { " " };
        let confirm = if own.requires_deletion_confirmation { " asks before it is deleted" } else { "" };
        let parts = vec![
            (Role::Marked, format!("{sign} ")),
            (Role::Dim, format!("{} ", cell(&own.kind, kind))),
            (Role::Text, format!("{} ", cell(&own.name, name))),
            (Role::Dim, if space == 0 { String::new() } else { format!("{} ", cell(&own.namespace, space)) }),
            (sync_role, format!("{} ", padded(sync, 9))),
            (health_role, format!("{} ", padded(health, 11))),
            (Role::Dim, format!("{:>4}", own.sync_wave)),
            (Role::Text, format!("  {}", text::one_line(&message.unwrap_or_default(), 200))),
            (Role::Warning, confirm.to_owned()),
        ];
        rows.push(row(RowId::Resource(key), parts));
    }
    if application.status.resources.is_empty() {
        rows.push(says(Role::Dim, "   The controller has recorded no resources."));
    }
    rows
}

/// What is known of a resource's health.
enum Health {
    Is(HealthStatus),
    /// Being read.
    Reading,
    /// Its kind has none.
    None,
    NotKnown,
    /// It does not exist.
    Gone,
}

/// As the controller recorded it; else as the object itself says, which was read.
fn health(details: &Details, key: &ObjectKey, recorded: Option<HealthStatus>) -> (Health, Option<String>) {
    if let Some(status) = recorded {
        return (Health::Is(status), None);
    }
    let Some(seen) = details.objects.get(key) else { return (Health::NotKnown, None) };
    match (&seen.answer, &seen.health) {
        _ if seen.at.is_none() => (Health::Reading, None),
        (Err(why), _) => (Health::NotKnown, Some(why.clone())),
        (Ok(None), _) => (Health::Gone, None),
        (Ok(Some(_)), Some(health)) => (Health::Is(health.status), Some(health.message.clone())),
        (Ok(Some(_)), None) => (Health::None, None),
    }
}
