//! The last line: what is typed, what has just happened, or which keys do something here.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::draw::Canvas;
use super::spots::Spot;
use crate::domain::text;
use crate::tui::action::Action;
use crate::tui::keymap::Meaning;
use crate::tui::model::{Field, Model, Notice, PageKind, PromptKind, Screen};
use crate::tui::theme::Role;
use crate::tui::update::why_not;

pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, area: Rect) -> Option<(u16, u16)> {
    if let Some(prompt) = &model.prompt {
        let sign = match prompt.kind {
            PromptKind::Filter => "filter /",
            PromptKind::Command => ":",
            PromptKind::Search | PromptKind::TextSearch => "search /",
            PromptKind::PageFilter | PromptKind::LogFilter => "only /",
            PromptKind::Defer => "put it off, because: ",
        };
        let line = prompt.line();
        let is_old = prompt.kind == PromptKind::Filter && line.is_empty() && !prompt.before.is_empty();
        let offers = if is_old {
            format!("now {}: enter keeps it, up edits it, backspace shows all", text::one_line(&prompt.before, 40))
        } else {
            prompt.offers.join("  ")
        };
        canvas.line(area, &[(Role::Key, sign), (Role::Strong, &line), (Role::Dim, "   "), (Role::Dim, &offers)]);
        let column: usize = line
            .chars()
            .take(prompt.text.cursor().1)
            .map(|c| unicode_width::UnicodeWidthChar::width(c).unwrap_or(0))
            .sum();
        let x = area.x.saturating_add(u16::try_from(sign.width() + column).unwrap_or(u16::MAX)).min(area.right() - 1);
        return Some((x, area.y));
    }
    if let Meaning::Begin(begins) = model.settings.keymap.meaning(&model.pending, model.contexts())
        && !model.pending.is_empty()
    {
        let keys: Vec<String> = model.pending.iter().map(ToString::to_string).collect();
        let rest: Vec<String> = begins.iter().map(|(keys, action)| format!("{keys} {}", action.name())).collect();
        let rest = rest.join("   ");
        canvas.line(area, &[(Role::Key, &keys.join(" ")), (Role::Dim, " …  "), (Role::Text, &rest)]);
        return None;
    }
    if let Some(asked) = &model.asked {
        let about = text::one_line(&asked.key.name, 60);
        let words =
            format!(" ◌ {} {about}: what is known of it is being read; any key gives it up", asked.action.name());
        canvas.line(area, &[(Role::Waiting, &words)]);
        return None;
    }
    if let Some(shown) = model.shown_notice() {
        notice(canvas, model, shown, area);
        return None;
    }
    hints(canvas, model, area);
    None
}

/// What is said; of an alert also how many wait behind it, and where it can be read in full.
fn notice(canvas: &mut Canvas<'_>, model: &Model, shown: &Notice, area: Rect) {
    let role = if shown.is_bad { Role::Warning } else { Role::Strong };
    let mut room = area.width;
    if model.alerts.front() == Some(shown) {
        let key = model.settings.keymap.key(Action::Messages);
        let more = match model.alerts.len() - 1 {
            0 => String::new(),
            more => format!("{more} more, "),
        };
        let words = format!(" {more}{key} all ");
        room = room.saturating_sub(u16::try_from(words.width()).unwrap_or(u16::MAX));
        canvas.right(area, Role::Dim, &words);
    }
    // Without colour an error is told by its sign.
    let sign = if shown.is_bad { "!" } else { " " };
    canvas.line(Rect { width: room, ..area }, &[(role, &format!("{sign}{}", text::one_line(&shown.text, 400)))]);
}

/// The actions that matter here, those that cannot be done now in grey.
fn hints(canvas: &mut Canvas<'_>, model: &Model, area: Rect) {
    let wanted = wanted(model);
    let mut spans: Vec<(Option<Action>, Vec<Span<'_>>)> = Vec::new();
    if !model.fleet.marks.is_empty() && matches!(model.screen(), Screen::Applications) {
        let words = format!(" {} marked ", model.fleet.marks.len());
        spans.push((None, vec![Span::styled(words, canvas.style(Role::Marked))]));
    }
    if let Screen::Application(screen) = model.screen()
        && !screen.follow
    {
        spans.push((None, vec![Span::styled(" not following ", canvas.style(Role::Waiting))]));
    }
    for (action, word) in wanted {
        let key = model.settings.keymap.key(*action);
        if key.is_empty() {
            continue;
        }
        let can = why_not(model, *action).is_none();
        let (key_role, word_role) = if can { (Role::Key, Role::Text) } else { (Role::ToCome, Role::ToCome) };

        // Without colours a grey word looks like any other: it is put in brackets.
        let word = if can { format!(" {word} ") } else { format!(" ({word}) ") };
        let hint =
            vec![Span::styled(format!(" {key}"), canvas.style(key_role)), Span::styled(word, canvas.style(word_role))];
        spans.push((Some(*action), hint));
    }
    // Help is offered whatever there is no room for.
    let key = model.settings.keymap.key(Action::Help);
    let help = vec![Span::styled(key, canvas.style(Role::Key)), Span::styled(" help ", canvas.style(Role::Text))];
    let room = u16::try_from(help.iter().map(Span::width).sum::<usize>()).unwrap_or(0).min(area.width);
    let width = usize::from(area.width - room);
    let mut used = 0;
    let mut shown = Vec::new();
    for (action, pair) in spans {
        let begin = used;
        used += pair.iter().map(Span::width).sum::<usize>();
        if used > width {
            break;
        }
        // A button is pressed on itself alone.
        if let Some(action) = action.filter(|action| *action != Action::Press) {
            let [x, own] = [begin, used - begin].map(|cells| u16::try_from(cells).unwrap_or(u16::MAX));
            canvas.spot(Rect { x: area.x.saturating_add(x), width: own, ..area }, || Spot::Hint(action));
        }
        shown.extend(pair);
    }
    canvas.spans(area, Line::from(shown));
    let end = Rect { x: area.right() - room, width: room, ..area };
    canvas.spans(end, Line::from(help));
    if model.dialog.is_none() {
        canvas.spot(end, || Spot::Hint(Action::Help));
    }
}

/// The actions that matter, with a word for each.
type Hints = &'static [(Action, &'static str)];

fn wanted(model: &Model) -> Hints {
    match model.screen() {
        _ if model.dialog.as_ref().is_some_and(|dialog| dialog.field() == Field::Revision) => {
            &[(Action::OfferNext, "complete"), (Action::FieldNext, "next field"), (Action::Cancel, "cancel")]
        }
        _ if model.dialog.is_some() => &[
            (Action::FieldNext, "next"),
            (Action::Press, "press"),
            (Action::ShowWrite, "what is sent"),
            (Action::Cancel, "cancel"),
        ],
        Screen::Applications => &[
            (Action::Open, "open"),
            (Action::Sync, "sync"),
            (Action::Abort, "abort"),
            (Action::Retry, "retry"),
            (Action::Logs, "log"),
            (Action::Approvals, "approvals"),
            (Action::Filter, "filter"),
            (Action::Faults, "faults"),
            (Action::Git, "commits"),
            (Action::History, "history"),
            (Action::Mark, "mark"),
            (Action::Refresh, "refresh"),
        ],
        Screen::Page(page) => of_page(page.kind),
        Screen::Approvals(_) => &[
            (Action::Down, "next"),
            (Action::Approve, "approve"),
            (Action::Defer, "put off"),
            (Action::Diff, "difference"),
            (Action::Git, "commits"),
            (Action::ApprovalOpen, "open"),
            (Action::Back, "back"),
        ],
        Screen::Text(_) => &[
            (Action::Back, "back"),
            (Action::TextSearch, "search"),
            (Action::TextNext, "next"),
            (Action::TextSave, "save"),
            (Action::Copy, "copy"),
        ],
        Screen::Application(_) => &[
            (Action::Back, "back"),
            (Action::OpenLog, "log"),
            (Action::Sync, "sync"),
            (Action::Abort, "abort"),
            (Action::Retry, "retry"),
            (Action::Rerun, "re-run"),
            (Action::Approve, "approve"),
            (Action::Git, "commits"),
            (Action::Resources, "resources"),
            (Action::History, "history"),
            (Action::Diff, "diff"),
            (Action::Follow, "follow"),
        ],
        Screen::Log => &[
            (Action::Back, "back"),
            (Action::LogFollow, "follow"),
            (Action::LogSearch, "search"),
            (Action::LogFilter, "filter"),
            (Action::LogNext, "next"),
            (Action::LogError, "error"),
            (Action::LogWrap, "wrap"),
            (Action::LogTimes, "times"),
            (Action::LogSource, "container"),
            (Action::LogSave, "save"),
        ],
        Screen::Requests { .. } | Screen::Help { .. } => {
            &[(Action::Down, "down"), (Action::Up, "up"), (Action::Back, "back")]
        }
    }
}

const fn of_page(kind: PageKind) -> Hints {
    match kind {
        PageKind::Git => &[
            (Action::Back, "back"),
            (Action::PageOpen, "open"),
            (Action::Diff, "difference"),
            (Action::Yaml, "YAML"),
            (Action::Sync, "sync"),
            (Action::Refresh, "refresh"),
            (Action::PageFilter, "filter"),
        ],
        PageKind::Resources => &[
            (Action::Back, "back"),
            (Action::Yaml, "YAML"),
            (Action::Diff, "difference"),
            (Action::PageMark, "mark"),
            (Action::Sync, "sync"),
            (Action::PageFilter, "filter"),
        ],
        PageKind::History => &[
            (Action::Back, "back"),
            (Action::PageOpen, "open"),
            (Action::Rollback, "roll back"),
            (Action::Retry, "retry"),
            (Action::PageFilter, "filter"),
        ],
        PageKind::Operation(..) => {
            &[(Action::Back, "back"), (Action::Logs, "log"), (Action::Yaml, "YAML"), (Action::PageFilter, "filter")]
        }
        PageKind::Events => &[(Action::Back, "back"), (Action::PageOpen, "open"), (Action::PageFilter, "filter")],
    }
}
