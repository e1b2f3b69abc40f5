//! The columns of the list of applications: how wide each is, and their headings.

use ratatui::layout::Rect;

use super::draw::{Canvas, padded};
use super::spots::Spot;
use crate::tui::model::{Model, Sort};
use crate::tui::theme::Role;

/// Widths of the columns, 0 where there is no room.
pub(super) struct Columns {
    pub(super) name: usize,
    pub(super) project: usize,
    pub(super) sync: usize,
    pub(super) health: usize,
    pub(super) phases: usize,
    pub(super) revision: usize,
    /// 0: how far behind it is stands beside the revision.
    pub(super) behind: usize,
    pub(super) last: usize,
}

impl Columns {
    /// `longest`: the width of the longest name. What a name does not need is given to the revision, which has a subject.
    fn of(width: usize, longest: usize) -> Self {
        // The narrowest: every word can be read, and the revision is a commit with the number of those that follow it.
        let mut columns =
            Self { name: 0, project: 0, sync: 9, health: 9, phases: 16, revision: 11, behind: 0, last: 11 };
        if width >= 100 {
            (columns.health, columns.phases, columns.last) = (11, 20, 14);
        }
        if width >= 120 {
            (columns.project, columns.behind, columns.revision) = (10, 8, 12);
        }
        if width >= 150 {
            (columns.phases, columns.last, columns.revision) = (26, 16, 20);
        }
        let others = [
            columns.project,
            columns.sync,
            columns.health,
            columns.phases,
            columns.revision,
            columns.behind,
            columns.last,
        ];
        let used: usize = others.iter().filter(|width| **width > 0).map(|width| width + 1).sum();
        let free = width.saturating_sub(used + 2);
        let most = match width {
            160.. => 36,
            // One long name must not take the subjects from all the others.
            120..150 => 24,
            _ => 28,
        };
        columns.name = free.min(most).min(longest.max(12)).max(8);
        columns.revision += free.saturating_sub(columns.name);
        columns
    }

    /// The columns of a list of this width.
    pub(super) fn for_model(width: u16, model: &Model) -> Self {
        Self::of(usize::from(width), model.fleet.longest_name(model.namespace.is_none()))
    }
}

pub(super) fn heading(canvas: &mut Canvas<'_>, model: &Model, columns: &Columns, area: Rect) {
    let arrow = |sort: Sort, title: &str| {
        let arrow = if model.fleet.reversed { "▼" } else { "▲" };
        if model.fleet.sort == sort { format!("{title} {arrow}") } else { title.to_owned() }
    };
    let revision = match model.fleet.sort {
        Sort::Behind if columns.behind == 0 => arrow(Sort::Behind, "BEHIND"),
        _ => arrow(Sort::Revision, "REVISION"),
    };
    let titles = [
        (columns.name, arrow(Sort::Name, "NAME")),
        (columns.project, arrow(Sort::Project, "PROJECT")),
        (columns.sync, arrow(Sort::Sync, "SYNC")),
        (columns.health, arrow(Sort::Health, "HEALTH")),
        (columns.phases, arrow(Sort::Standing, "PHASES")),
        (columns.revision, revision),
        (columns.behind, arrow(Sort::Behind, "BEHIND")),
        (columns.last, arrow(Sort::LastSync, "LAST SYNC")),
    ];
    let line: String = titles
        .iter()
        .filter(|(width, _)| *width > 0)
        .fold(String::from("  "), |line, (width, title)| line + &padded(title, *width) + " ");
    canvas.line(area, &[(Role::Heading, line.trim_end())]);
    let sorts = [
        Sort::Name,
        Sort::Project,
        Sort::Sync,
        Sort::Health,
        Sort::Standing,
        Sort::Revision,
        Sort::Behind,
        Sort::LastSync,
    ];
    let mut x = area.x.saturating_add(2);
    for ((width, _), sort) in titles.iter().zip(sorts).filter(|((width, _), _)| *width > 0) {
        let width = u16::try_from(*width).unwrap_or(u16::MAX);
        canvas.spot(Rect { x, width, height: 1, ..area }, || Spot::Column(sort));
        x = x.saturating_add(width).saturating_add(1);
    }
}
