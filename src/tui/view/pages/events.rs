//! Kubernetes Events about the Application, and warnings about what its hooks are made of.

use super::list::{row, says};
use crate::domain::live::{WatchState, Watched};
use crate::domain::text;
use crate::tui::model::{Details, Model, PageRow, RowId};
use crate::tui::theme::Role;
use crate::tui::view::draw::cell;
use crate::tui::view::times::ago;

pub(super) fn rows(model: &Model, details: &Details) -> Vec<PageRow> {
    let mut events: Vec<_> = details.events.values().collect();
    // The latest first.
    events.sort_by(|one, other| other.at.cmp(&one.at).then_with(|| one.uid.cmp(&other.uid)));
    let mut rows = Vec::new();
    for (watched, entry) in &model.watches {
        let WatchState::Absent { reason } = &entry.state else { continue };
        let (what, namespace) = match watched {
            Watched::Events(namespace) => ("Events", namespace),
            Watched::Hooks { kind, namespace } if &**kind == "events" => ("Warnings about hooks", namespace),
            _ => continue,
        };
        let words = format!(" {what} in {namespace} are not watched: {}", text::one_line(reason, 200));
        rows.push(says(Role::Unknown, words));
    }
    for event in events {
        let (role, sign) = if event.is_warning { (Role::Warning, "!") } else { (Role::Dim, " ") };
        let when = event.at.map(|at| format!("{} ago", ago(at, model.now))).unwrap_or_default();
        let count = if event.count > 1 { format!("{}× ", event.count) } else { String::new() };
        let parts = vec![
            (role, format!("{sign} ")),
            (Role::Dim, format!("{} ", cell(&when, 8))),
            (role, format!("{} ", cell(&event.reason, 24))),
            (
                Role::Strong,
                if event.about.is_empty() { String::new() } else { text::one_line(&event.about, 100) + " " },
            ),
            (Role::Text, format!("{count}{}", text::one_line(&event.message, 300))),
        ];
        rows.push(row(RowId::Event(event.uid.clone()), parts));
    }
    if rows.is_empty() {
        rows.push(says(
            Role::Dim,
            " No Events about this Application are known, and no warnings about its Jobs and Pods.",
        ));
        rows.push(says(Role::Dim, " Kubernetes keeps them for an hour."));
    }
    rows
}
