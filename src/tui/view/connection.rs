//! The screen of a cluster that cannot be reached: what was tried, what came of it, and when it is tried again.

use ratatui::layout::Rect;

use super::bar::bar;
use super::draw::{Canvas, wrapped};
use crate::domain::live::{WatchState, Watched};
use crate::domain::text;
use crate::tui::action::Action;
use crate::tui::model::{Connection, Model};
use crate::tui::theme::Role;

/// Whether there is nothing better to show.
pub(super) fn is_needed(model: &Model) -> bool {
    if !model.fleet.is_empty() {
        return false;
    }
    match &model.connection {
        Connection::Starting | Connection::Preparing(_) => false,
        Connection::Failed(_) | Connection::Ended => true,
        Connection::Started => model
            .fleet_watch()
            .is_some_and(|watch| matches!(watch.state, WatchState::Interrupted { .. } | WatchState::Absent { .. })),
    }
}

pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, area: Rect) {
    bar(canvas, model, Rect { height: 1, ..area });
    let inner = Rect {
        x: area.x + 2,
        y: area.y + 2,
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    };
    let mut lines: Vec<(Role, String)> = Vec::new();
    match &model.connection {
        Connection::Failed(error) => {
            lines.push((Role::BadBar, " The kubeconfig cannot be used ".to_owned()));
            lines.push((Role::Text, String::new()));
            lines.extend(paragraph(Role::Text, error, inner.width));
            lines.push((Role::Text, String::new()));
            lines.extend(paragraph(
                Role::Dim,
                "It is read again every 5 seconds, and by :connect at once. Another file or context: boathook --kubeconfig FILE \
                 --context NAME.",
                inner.width,
            ));
        }
        Connection::Ended => {
            lines.push((Role::BadBar, " The connection has ended ".to_owned()));
            lines.extend(paragraph(Role::Text, ":connect starts it again.", inner.width));
        }
        Connection::Starting | Connection::Preparing(_) | Connection::Started => {
            started(model, &mut lines, inner.width);
        }
    }
    for (place, (role, line)) in lines.iter().take(usize::from(inner.height)).enumerate() {
        let y = inner.y + u16::try_from(place).unwrap_or(u16::MAX);
        canvas.line(Rect { y, height: 1, ..inner }, &[(*role, line)]);
    }
}

fn started(model: &Model, lines: &mut Vec<(Role, String)>, width: u16) {
    let place = if model.server.is_empty() {
        model.cluster.to_string()
    } else {
        format!("{} at {}", model.cluster, model.server)
    };
    for (watched, entry) in &model.watches {
        let (title, error, next) = match &entry.state {
            WatchState::Interrupted { error, transient, retry_in, .. } => {
                let until = entry.at.checked_add(jiff::SignedDuration::try_from(*retry_in).unwrap_or_default());
                let left = until.map_or(0, |until| until.as_second() - model.now.as_second());
                let next = if left > 0 { format!("tried again in {left}s") } else { "being tried again".to_owned() };
                let help = if *transient { "" } else { "; it will probably not get better by itself" };
                ("cannot be read", error.as_str(), format!("{next}{help}"))
            }
            WatchState::Absent { reason } => ("cannot be watched", reason.as_str(), String::new()),
            _ => continue,
        };
        lines.push((Role::BadBar, format!(" {} {title} ", name(watched))));
        lines.push((Role::Text, String::new()));
        lines.push((Role::Dim, format!("cluster    {}", text::one_line(&place, 200))));
        lines
            .push((Role::Dim, format!("namespace  {}", model.namespace.as_deref().unwrap_or("not known yet, or all"))));
        lines.push((Role::Text, String::new()));
        lines.extend(paragraph(Role::Text, error, width));
        if !next.is_empty() {
            lines.push((Role::Text, String::new()));
            lines.push((Role::Waiting, next));
        }
        lines.push((Role::Text, String::new()));
    }
    let key = model.settings.keymap.key(Action::Quit);
    lines.extend(paragraph(
        Role::Dim,
        &format!(":connect tries now, with the kubeconfig read anew. {key} ends boathook."),
        width,
    ));
}

fn paragraph(role: Role, words: &str, width: u16) -> Vec<(Role, String)> {
    let safe = text::lines(words, 2000);
    wrapped(&safe, usize::from(width)).into_iter().map(|line| (role, line)).collect()
}

fn name(watched: &Watched) -> String {
    match watched {
        Watched::Applications => "The applications".to_owned(),
        Watched::Projects => "The projects".to_owned(),
        Watched::Controllers => "The controllers".to_owned(),
        Watched::Events(namespace) => format!("Events in {namespace}"),
        Watched::Hooks { kind, namespace } => format!("{kind} in {namespace}"),
    }
}
