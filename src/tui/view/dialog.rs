//! Dialogs: what will happen, what is sent, and the buttons. Below a sync, the plan that would run.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::applications::short;
use super::draw::{Canvas, wrapped};
use super::plan::planned;
use super::spots::Spot;
use crate::domain::application::{AppKey, SyncStatus};
use crate::domain::request::{Confirmation, Write, WriteBody, WriteTarget};
use crate::domain::text;
use crate::domain::timeline::TaskPhase;
use crate::tui::model::{Choice, Dialog, DialogKind, Field, Model, Target, Unseen};
use crate::tui::theme::Role;

/// Offers for the revision field that are seen at once.
const OFFERS: usize = 5;

/// Applications of one dialog of which exactly what is sent is shown.
const MOST_WRITES: usize = 20;

pub(super) type Lines = Vec<Vec<(Role, String)>>;

pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, dialog: &Dialog, area: Rect) -> Option<(u16, u16)> {
    let width = area.width.saturating_sub(4).min(100);
    let inner_width = width.saturating_sub(4);
    let above = above(model, dialog, inner_width);
    let fields = fields(dialog);
    let offers = offers(dialog);
    let below = below(model, dialog, inner_width);
    let needed = above.len() + fields.len() + offers.len() + below.len() + 5;
    let height = u16::try_from(needed).unwrap_or(u16::MAX).min(area.height.saturating_sub(1)).max(6);
    let outer = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height.saturating_sub(height)) / 2,
        width,
        height,
    };
    for y in outer.top()..outer.bottom() {
        for x in outer.left()..outer.right() {
            if let Some(cell) = canvas.buffer.cell_mut((x, y)) {
                cell.reset();
            }
        }
    }
    canvas.fill(outer, Role::Text);
    canvas.spot(outer, || Spot::Dialog);
    let title = Line::from(Span::styled(format!(" {} ", title(dialog)), canvas.style(Role::Strong)));
    let frame = canvas.frame(outer, title, true);
    let inner = Rect { x: frame.x + 1, width: frame.width.saturating_sub(2), ..frame };
    // The buttons are always seen; the text above and below them scrolls.
    let button_row = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
    let text = Rect { height: inner.height.saturating_sub(2), ..inner };
    let field_place = above.len();
    let mut all = above;
    let mut places = Vec::new();
    for (field, line) in &fields {
        places.push((all.len(), *field));
        all.push(line.clone());
        if *field == Field::Revision {
            all.extend(offers.iter().cloned());
        }
    }
    all.extend(below);
    let room = usize::from(text.height);
    let focus_line = fields.iter().position(|(field, _)| *field == dialog.field()).map(|place| place + field_place);
    let mut top = usize::from(dialog.scroll).min(all.len().saturating_sub(room));
    if let Some(line) = focus_line {
        top = top.min(line).max((line + 1).saturating_sub(room));
    }
    let mut cursor = None;
    for (row, line) in all.iter().enumerate().skip(top).take(room) {
        let y = text.y + u16::try_from(row - top).unwrap_or(0);
        let parts: Vec<(Role, &str)> = line.iter().map(|(role, text)| (*role, text.as_str())).collect();
        let line_area = Rect { y, height: 1, ..text };
        canvas.line(line_area, &parts);
        if let Some((_, field)) = places.iter().find(|(place, _)| *place == row) {
            canvas.spot(line_area, || Spot::Field(*field));
        }
        if focus_line == Some(row) {
            // Told without colours too, in the free column before it.
            let whole = Rect { x: line_area.x.saturating_sub(1), width: line_area.width + 1, ..line_area };
            canvas.line(Rect { width: 1, ..whole }, &[(Role::Strong, "›")]);
            canvas.fill(whole, Role::Selected);
            cursor = typing(dialog, line_area);
        }
    }
    let hidden = all.len().saturating_sub(top + room);
    if hidden > 0 {
        let key = model.settings.keymap.key(crate::tui::action::Action::ScrollDown);
        let line = Rect { y: button_row.y.saturating_sub(1), height: 1, ..inner };
        canvas.right(line, Role::Warning, &format!("↓ {hidden} more lines: {key} "));
    }
    buttons(canvas, dialog, button_row);
    cursor
}

fn title(dialog: &Dialog) -> String {
    let about = match dialog.targets.as_slice() {
        [key] => text::one_line(&key.name, 60),
        several => format!("{} applications", several.len()),
    };
    match &dialog.kind {
        DialogKind::Sync => format!("Sync {about}"),
        DialogKind::ApproveSync => format!("Approve the sync of {about}"),
        DialogKind::Resume => format!("Go on with the failed operation of {about}"),
        DialogKind::Rollback { id, .. } => format!("Roll {about} back to entry {id} of its history"),
        DialogKind::AutoSync { on: true } => format!("Switch automated sync of {about} on"),
        DialogKind::AutoSync { on: false } => format!("Switch automated sync of {about} off"),
        DialogKind::Repair => format!("Repair the operation of {about} that was left behind"),
        DialogKind::Abort => format!("Abort the operation of {about}"),
        DialogKind::Retry => format!("Retry the last operation of {about}"),
        DialogKind::Refresh { hard: false } => format!("Refresh {about}"),
        DialogKind::Refresh { hard: true } => format!("Refresh {about}, manifests rendered anew"),
        DialogKind::Approve(Confirmation::Prune) => format!("Let the operation of {about} delete what waits"),
        DialogKind::Approve(Confirmation::Delete) => format!("Let {about} be deleted with its objects"),
        DialogKind::Rerun { hook } => format!("Run the hook {} again", text::one_line(&hook.name, 60)),
    }
}

/// What has changed since it was asked, and what will happen.
fn above(model: &Model, dialog: &Dialog, width: u16) -> Lines {
    let mut lines: Lines = Vec::new();
    let width = usize::from(width);
    if !dialog.changed.is_empty() {
        lines.push(vec![(Role::BadBar, " Nothing was sent: it is not what it was when you asked ".to_owned())]);
        for changed in &dialog.changed {
            lines.push(vec![(Role::Bad, format!("  {}", changed.as_str()))]);
        }
        lines.push(Vec::new());
    }
    if dialog.targets.len() > 1 {
        lines.extend(super::targets::lines(model, dialog, width));
    }
    for (place, choice) in dialog.choices.iter().enumerate() {
        if dialog.choices.len() > 1 {
            lines.push(vec![(Role::Heading, choice.label.clone())]);
        }
        said(dialog, choice, width, &mut lines);
        if place + 1 < dialog.choices.len() {
            lines.push(Vec::new());
        }
    }
    lines.push(Vec::new());
    lines
}

/// What a choice writes, in words, or why it cannot be sent.
fn said(dialog: &Dialog, choice: &Choice, width: usize, lines: &mut Lines) {
    if choice.is_waiting() && !dialog.is_reviewing() {
        lines.push(vec![(Role::Waiting, "◌ asking the cluster what this would write ...".to_owned())]);
    }
    let many = choice.targets.len() > 1;
    if many && !choice.is_waiting() {
        let can = choice.sendable().count();
        lines.push(vec![(Role::Strong, format!("to be sent to {can} of {} applications", choice.targets.len()))]);
    }
    let writes: Vec<(&Target, &Write)> =
        choice.sendable().filter_map(|(target, preview)| Some((target, preview.write.as_ref().ok()?))).collect();
    // What is true of all of them is said once.
    let is_of_all = |line: &String| writes.iter().all(|(_, write)| write.says.contains(line));
    for (place, (target, write)) in writes.iter().enumerate() {
        // The commit stands beside the name already.
        let is_told = |line: &String| dialog.reviews.contains_key(&target.key) && line.starts_with("syncs to ");
        for line in &write.says {
            let own = match is_of_all(line) {
                true if place > 0 => continue,
                true => line.clone(),
                false if is_told(line) => continue,
                false => format!("{}: {line}", text::one_line(&target.key.name, 40)),
            };
            let bad = line.contains("delete");
            let role = if bad { Role::Warning } else { Role::Text };
            lines.extend(bullets(if bad { "! " } else { "• " }, role, &own, width));
        }
    }
    if dialog.shows_write {
        for (target, write) in writes.iter().take(MOST_WRITES) {
            if many {
                lines.push(vec![(Role::Strong, text::one_line(&target.key.name, 60))]);
            }
            lines.extend(shown(write, width));
        }
    }
    let mut warned: Vec<&str> = Vec::new();
    for warning in choice.sendable().flat_map(|(_, preview)| &preview.warnings) {
        if !warned.contains(&warning.as_str()) {
            warned.push(warning);
            lines.extend(bullets("! ", Role::Warning, warning, width));
        }
    }
    for Target { key, preview, .. } in &choice.targets {
        let about = if many { format!("{}: ", text::one_line(&key.name, 40)) } else { String::new() };
        match preview {
            Some(Ok(preview)) => {
                for refusal in &preview.refusals {
                    lines.extend(bullets("✖ ", Role::Bad, &format!("{about}not possible: {refusal}"), width));
                }
                if let Err(why) = &preview.write {
                    lines.extend(bullets("✖ ", Role::Bad, &format!("{about}not possible: {why}"), width));
                }
            }
            Some(Err(why)) => lines.extend(bullets("✖ ", Role::Bad, &format!("{about}{why}"), width)),
            None => {}
        }
    }
}

pub(super) fn bullets(bullet: &str, role: Role, words: &str, width: usize) -> Lines {
    let words = text::one_line(words, 600);
    let lines = wrapped(&words, width.saturating_sub(2)).into_iter().enumerate();
    lines.map(|(place, line)| vec![(role, format!("{}{line}", if place == 0 { bullet } else { "  " }))]).collect()
}

/// Exactly what is sent.
fn shown(write: &Write, width: usize) -> Lines {
    let to = match &write.target {
        WriteTarget::Application => "the Application".to_owned(),
        WriteTarget::Job { namespace, name } => format!("the Job {namespace}/{name}"),
    };
    let (how, body) = match &write.body {
        WriteBody::Merge(body) => ("merge patch of", body),
        WriteBody::StatusPatch(body) => ("strategic merge patch of the status of", body),
        WriteBody::Create(body) => ("new object, a copy of", body),
    };
    let mut lines = vec![Vec::new(), vec![(Role::Heading, text::one_line(&format!("{how} {to}"), 200))]];
    let body = serde_json::to_string_pretty(body).unwrap_or_default();
    let body = text::lines(&body, 20_000);
    for line in body.lines() {
        let text = line.trim_start();
        let indent = " ".repeat((line.len() - text.len()).min(width / 2));
        let rows = wrapped(text, width.saturating_sub(indent.len()));
        lines.extend(rows.into_iter().map(|row| vec![(Role::Dim, format!("{indent}{row}"))]));
    }
    lines
}

fn fields(dialog: &Dialog) -> Vec<(Field, Vec<(Role, String)>)> {
    let check = |on: bool, label: &str, explained: &str| {
        vec![
            (Role::Key, if on { "[x] " } else { "[ ] " }.to_owned()),
            (Role::Text, label.to_owned()),
            (Role::Dim, format!("  {explained}")),
        ]
    };
    let entry = |label: &str, value: String, empty: &str| {
        let shown = if value.is_empty() { (Role::Dim, empty.to_owned()) } else { (Role::Strong, value) };
        vec![(Role::Text, label.to_owned()), shown]
    };
    let line = |field: Field| match field {
        Field::Revision => entry(
            "Revision: ",
            text::one_line(&dialog.revision_text(), 200),
            if dialog.has_several_sources() {
                "the target revisions; one for each source, - for its target"
            } else {
                "the target revision; a branch, tag or commit"
            },
        ),
        Field::Why => entry("Reason: ", text::one_line(&dialog.why_text(), 200), "for who reads it later"),
        Field::Options => entry(
            "Options: ",
            text::one_line(&dialog.typed_in(Field::Options), 200),
            "beside the policy's, such as Replace=true ServerSideApply=true",
        ),
        Field::Retry => entry(
            "Retries: ",
            text::one_line(&dialog.typed_in(Field::Retry), 20),
            "as the policy says; -1 without limit",
        ),
        Field::Prune => check(dialog.prune, "prune", "delete what Git has no more"),
        Field::DryRun => check(dialog.dry_run, "dry run", "change nothing"),
        Field::NoHooks => check(dialog.no_hooks, "without hooks", "only apply the resources"),
        Field::Hooks => {
            check(dialog.hooks, "with hooks", "run the hooks of that revision; Argo CD's own rollback does not")
        }
        Field::Force => check(dialog.force, "force", "delete and make anew what cannot be changed"),
        Field::Unseen => check(dialog.unseen, "without a plan", "send it although what it would do is not known"),
        Field::Cancel | Field::Choice(_) => Vec::new(),
    };
    let fields = dialog.fields.iter().filter(|field| !matches!(field, Field::Cancel | Field::Choice(_)));
    fields.map(|field| (*field, line(*field))).collect()
}

/// Where the cursor of the text field is.
fn typing(dialog: &Dialog, area: Rect) -> Option<(u16, u16)> {
    let label = match dialog.field() {
        Field::Revision => "Revision: ",
        Field::Why => "Reason: ",
        Field::Options => "Options: ",
        Field::Retry => "Retries: ",
        _ => return None,
    };
    let area_of = dialog.text(dialog.field())?;
    let column = u16::try_from(label.len() + area_of.cursor().1).unwrap_or(u16::MAX);
    Some((area.x.saturating_add(column).min(area.right().saturating_sub(1)), area.y))
}

/// What could be typed here, the offer that is taken marked.
fn offers(dialog: &Dialog) -> Lines {
    if dialog.field() != Field::Revision {
        return Vec::new();
    }
    let all = match dialog.names.get(&dialog.typed_source()) {
        Some(Ok(_)) => dialog.offers(),
        Some(Err(why)) => return bullets("? ", Role::Unknown, &format!("no names are known: {why}"), 80),
        None => return Vec::new(),
    };
    let at = dialog.offer.unwrap_or_default();
    let top = at.saturating_sub(OFFERS / 2).min(all.len().saturating_sub(OFFERS));
    let mut lines: Lines = all
        .iter()
        .enumerate()
        .skip(top)
        .take(OFFERS)
        .map(|(place, (name, what))| {
            let taken = dialog.offer == Some(place);
            let (sign, role) = if taken { ("  › ", Role::Strong) } else { ("    ", Role::Text) };
            vec![(role, format!("{sign}{} ", text::one_line(&short(name), 48))), (Role::Dim, text::one_line(what, 60))]
        })
        .collect();
    if all.len() > OFFERS {
        lines.push(vec![(Role::Dim, format!("    {} fit", all.len()))]);
    }
    lines
}

/// Below a sync or a rollback: the plan that would run.
fn below(model: &Model, dialog: &Dialog, width: u16) -> Lines {
    let [key] = dialog.targets.as_slice() else { return Vec::new() };
    if let DialogKind::Approve(what) = dialog.kind {
        let details = model.details.get(key);
        let mut lines = vec![Vec::new(), vec![(Role::Heading, "What is deleted".to_owned())]];
        lines.extend(details.map(|details| super::approvals::deleted(details, what)).unwrap_or_default());
        return lines;
    }
    match dialog.kind {
        DialogKind::Abort => return aborted(model, key, width),
        DialogKind::AutoSync { on: true } => return switched_on(model, key, width),
        _ => {}
    }
    if !dialog.has_plan() {
        return repeated(model, dialog, key, width);
    }
    let mut lines = vec![Vec::new()];
    if !dialog.only.is_empty() {
        let names: Vec<String> = dialog.only.iter().map(|key| format!("{}/{}", key.kind, key.name)).collect();
        lines.extend(bullets("! ", Role::Warning, &format!("only {}", names.join(", ")), usize::from(width)));
    }
    let Some(review) = dialog.reviewed() else {
        lines.extend(unseen(model, dialog, usize::from(width)));
        return lines;
    };
    let automated = model.fleet.get(key).and_then(|row| row.summary()).is_some_and(|summary| summary.automated);
    let plan = dialog.plan.as_ref().or(review.plan.as_ref().ok().map(AsRef::as_ref));
    let without_hooks =
        if matches!(dialog.kind, DialogKind::Rollback { .. }) { !dialog.hooks } else { dialog.no_hooks };
    lines.extend(planned(review, plan, automated, without_hooks, dialog.prune, width));
    lines
}

/// Below an abort: the hooks that it deletes, and those that would run if the hook failed instead.
fn aborted(model: &Model, key: &AppKey, width: u16) -> Lines {
    let Some(details) = model.details.get(key) else { return Vec::new() };
    let running = details.view.tasks().filter(|task| task.is_hook && task.state.is_active());
    let running: Vec<String> = running
        .map(|task| {
            let elapsed = task.elapsed.map(|elapsed| format!(" for {elapsed}")).unwrap_or_default();
            let name = text::one_line(&task.key.object.name, 80);
            format!("an abort deletes {}/{name} ({}{elapsed})", task.key.object.kind, task.state)
        })
        .collect();
    let mut lines = vec![Vec::new()];
    for words in &running {
        lines.extend(bullets("! ", Role::Warning, words, usize::from(width)));
    }
    if running.is_empty() {
        lines.extend(bullets("• ", Role::Text, "no hook runs now that an abort would delete", usize::from(width)));
    }
    let after = details.view.tasks().filter(|task| task.is_hook && task.key.phase == TaskPhase::SyncFail);
    let after: Vec<String> = after.map(|task| text::one_line(&task.key.object.name, 80)).collect();
    if !after.is_empty() {
        let words = format!("its SyncFail hooks: {}", after.join(", "));
        lines.extend(bullets("• ", Role::Text, &words, usize::from(width)));
    } else if details.has_plan() {
        lines.extend(bullets("• ", Role::Text, "it has no SyncFail hook", usize::from(width)));
    }
    lines
}

/// Below automated sync that is switched on: what follows at once, and from now on.
fn switched_on(model: &Model, key: &AppKey, width: u16) -> Lines {
    let Some(details) = model.details.get(key) else { return Vec::new() };
    let Some(application) = &details.application else { return Vec::new() };
    let policy = application.spec.sync_policy.automated.unwrap_or_default();
    let mut lines = vec![Vec::new()];
    if application.status.sync.status == Some(SyncStatus::OutOfSync) {
        let source = details.revisions.as_ref().and_then(|revisions| revisions.sources.first());
        let commits = match source.filter(|source| source.problem.is_none()).map(|source| source.behind) {
            Some(1) => " (1 commit)".to_owned(),
            Some(behind) if behind > 1 => format!(" ({behind} commits)"),
            _ => String::new(),
        };
        let target = short(&application.status.sync.revision);
        let words = format!("it is out of sync: it is synced at once, to {target}{commits}, with its hooks");
        lines.extend(bullets("! ", Role::Warning, &words, usize::from(width)));
    }
    let said = [
        (policy.prune, "prune is on: what Git has no more is deleted, too", "prune is off: nothing is deleted"),
        (policy.self_heal, "self-heal is on: changes made in the cluster are undone", "self-heal is off"),
    ];
    for (is_on, on, off) in said {
        let (bullet, role) = if is_on { ("! ", Role::Warning) } else { ("• ", Role::Text) };
        lines.extend(bullets(bullet, role, if is_on { on } else { off }, usize::from(width)));
    }
    lines
}

/// Why there is no plan.
fn unseen(model: &Model, dialog: &Dialog, width: usize) -> Lines {
    match dialog.unseen() {
        None => Vec::new(),
        Some(Unseen::Asked) => vec![vec![(Role::Waiting, "◌ the plan is being made".to_owned())]],
        Some(Unseen::NotAsked) => {
            let key = model.settings.keymap.key(crate::tui::action::Action::FieldNext);
            bullets("? ", Role::Unknown, &format!("no name that is known yet; {key} asks what it would do"), width)
        }
        Some(Unseen::NoRevision(why)) => bullets("✖ ", Role::Bad, &format!("not possible: {why}"), width),
        Some(Unseen::NoPlan(why)) => {
            let mut lines = bullets("? ", Role::Unknown, &format!("what it would do is not known: {why}"), width);
            let words = "it is sent only with \"without a plan\" ticked, and is not pinned to a commit then";
            lines.extend(bullets("! ", Role::Warning, words, width));
            lines
        }
    }
}

/// Below a retry: what of the last operation will be repeated.
fn repeated(model: &Model, dialog: &Dialog, key: &AppKey, width: u16) -> Lines {
    let is_retry = matches!(dialog.kind, DialogKind::Retry | DialogKind::Resume);
    let Some(details) = model.details.get(key).filter(|_| is_retry) else { return Vec::new() };
    let mut lines = vec![Vec::new()];
    for phase in &details.view.phases {
        let tasks = phase.waves.iter().flat_map(|wave| &wave.tasks);
        let names: Vec<String> = tasks
            .filter(|task| task.is_hook && task.state != crate::domain::timeline::TaskState::ToCome)
            .map(|task| format!("{} {}", task.state.symbol(), task.key.object.name))
            .collect();
        if !names.is_empty() {
            let words = format!("{} ran: {}", phase.phase, names.join(", "));
            lines.extend(bullets("• ", Role::Text, &words, usize::from(width)));
        }
    }
    lines
}

fn buttons(canvas: &mut Canvas<'_>, dialog: &Dialog, area: Rect) {
    let mut x = area.x;
    for field in &dialog.fields {
        let (label, can) = match field {
            Field::Cancel => ("Cancel".to_owned(), true),
            Field::Choice(place) => match dialog.choices.get(*place) {
                Some(choice) => {
                    let can = dialog.held_back().is_none() && choice.sendable().next().is_some();
                    (choice.label.clone(), can)
                }
                None => continue,
            },
            _ => continue,
        };
        let focus = *field == dialog.field();
        // Told without colours too: the button with the focus stands between arrows.
        let label = match (focus, can) {
            (true, true) => format!("▶ {label} ◀"),
            (true, false) => format!("▶({label})◀"),
            (false, true) => format!("[ {label} ]"),
            (false, false) => format!("( {label} )"),
        };
        let role = if focus {
            Role::ButtonFocus
        } else if can {
            Role::Button
        } else {
            Role::ToCome
        };
        let width = u16::try_from(label.width()).unwrap_or(u16::MAX).min(area.right().saturating_sub(x));
        let button = Rect { x, width, ..area };
        canvas.line(button, &[(role, &label)]);
        canvas.spot(button, || Spot::Field(*field));
        x = x.saturating_add(width + 2);
        if x >= area.right() {
            break;
        }
    }
}
