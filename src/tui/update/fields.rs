//! The text fields of dialogs: what is typed, what could be, and what that asks for.

use crossterm::event::KeyEvent;
use tui_textarea::{CursorMove, TextArea};

use super::dialogs::ask;
use crate::domain::application::AppKey;
use crate::domain::live::RevisionNames;
use crate::tui::keymap::Key;
use crate::tui::message::{Effect, Effects};
use crate::tui::model::{DialogKind, Field, Model};

/// Sources whose names are asked for.
const MOST_SOURCES: usize = 20;

/// Asks for what can stand in the revision field: of each source that has not told it yet.
pub(super) fn ask_names(model: &mut Model, effects: &mut Effects) {
    let Some(dialog) = &model.dialog else { return };
    let (DialogKind::Sync, [key]) = (&dialog.kind, dialog.targets.as_slice()) else { return };
    let is_open = |source: &usize| !matches!(dialog.names.get(source), Some(Ok(_)));
    for source in (0..dialog.sources.len().min(MOST_SOURCES)).filter(is_open) {
        effects.push(Effect::Names { key: key.clone(), source });
    }
}

/// Takes in what can stand in the revision field.
pub(super) fn named(
    model: &mut Model,
    key: &AppKey,
    source: usize,
    answer: Result<RevisionNames, String>,
    effects: &mut Effects,
) {
    if let Some(dialog) = model.dialog.as_mut().filter(|dialog| dialog.targets.as_slice() == [key.clone()]) {
        dialog.names.insert(source, answer);
        review_named(model, effects);
    }
}

/// Whether a key types into the field that has the focus.
pub(super) fn types(model: &Model, key: Key) -> bool {
    let Some(dialog) = &model.dialog else { return false };
    let edits =
        ["backspace", "delete", "left", "right", "home", "end", "ctrl-w", "ctrl-a", "ctrl-e", "ctrl-u", "ctrl-k"];
    dialog.text(dialog.field()).is_some() && (key.typed().is_some() || edits.contains(&key.to_string().as_str()))
}

/// Types into the field that has the focus.
pub(super) fn typed(model: &mut Model, event: KeyEvent, effects: &mut Effects) {
    let Some(dialog) = &mut model.dialog else { return };
    let field = dialog.field();
    dialog.offer = None;
    let Some(area) = dialog.text_mut(field) else { return };
    let before = area.clone();
    if Key::from(event).to_string() == "ctrl-u" {
        *area = TextArea::default();
    } else {
        area.input(event);
    }
    if field == Field::Retry && !is_limit(area) {
        *area = before;
    } else if before.lines() != area.lines() {
        field_changed(model, field, effects);
    }
}

pub(super) fn pasted(model: &mut Model, line: &str, effects: &mut Effects) {
    let Some(dialog) = &mut model.dialog else { return };
    let field = dialog.field();
    let Some(area) = dialog.text_mut(field) else { return };
    let before = area.clone();
    area.insert_str(line);
    if field == Field::Retry && !is_limit(area) {
        *area = before;
        return;
    }
    field_changed(model, field, effects);
}

/// Whether it is a number, or may become one: nothing else can be typed there.
fn is_limit(area: &TextArea<'_>) -> bool {
    let line = area.lines().first().map(String::as_str).unwrap_or_default();
    line.is_empty() || line == "-" || line.parse::<i64>().is_ok()
}

fn field_changed(model: &mut Model, field: Field, effects: &mut Effects) {
    if field == Field::Revision
        && let Some(dialog) = &mut model.dialog
    {
        // What was reviewed is not what is asked for any more.
        (dialog.review, dialog.unseen) = (None, false);
    }
    ask(model, effects);
    if field == Field::Revision {
        review_named(model, effects);
    }
}

/// Asks what a sync to what is typed would do, as soon as that is the name of something. One at a time: a rendering costs.
pub(super) fn review_named(model: &mut Model, effects: &mut Effects) {
    if model.dialog.as_ref().is_some_and(|dialog| dialog.asking.is_none() && dialog.is_named()) {
        review(model, effects);
    }
}

/// Puts a revision into the field.
pub(super) fn set_revision(model: &mut Model, revision: &str, effects: &mut Effects) {
    let Some(dialog) = &mut model.dialog else { return };
    dialog.revision = TextArea::from([revision.to_owned()]);
    dialog.revision.move_cursor(CursorMove::End);
    field_changed(model, Field::Revision, effects);
    review(model, effects);
}

/// Takes the next branch, tag or commit that fits what was typed.
pub(super) fn offer(model: &mut Model, forward: bool, effects: &mut Effects) {
    let Some(dialog) = &mut model.dialog else { return };
    if dialog.field() != Field::Revision {
        return;
    }
    let offers = dialog.offers();
    if offers.is_empty() {
        return model.complain("no branch, tag or commit fits");
    }
    let (before, word) = dialog.revision_parts();
    if dialog.offer.is_none() {
        dialog.typed = word;
    }
    let next = match (dialog.offer, forward) {
        (None, true) => 0,
        (None, false) => offers.len() - 1,
        (Some(at), true) => (at + 1) % offers.len(),
        (Some(at), false) => (at + offers.len() - 1) % offers.len(),
    };
    let Some((name, _)) = offers.get(next) else { return };
    dialog.offer = Some(next);
    dialog.revision = TextArea::from([format!("{before}{name}")]);
    dialog.revision.move_cursor(CursorMove::End);
    field_changed(model, Field::Revision, effects);
}

/// Asks what a sync to what was typed would do.
pub(super) fn review(model: &mut Model, effects: &mut Effects) {
    let Some(dialog) = &mut model.dialog else { return };
    let revisions = dialog.asked();
    let is_known = dialog.review.as_ref().is_some_and(|review| review.asked == revisions);
    if !dialog.has_plan() || is_known {
        return;
    }
    if let [key] = dialog.targets.as_slice() {
        dialog.asking = Some(revisions.clone());
        effects.push(Effect::Review { key: key.clone(), revisions });
    }
}
