//! Dialogs: nothing is sent that was not shown, and only what the cluster would take as it was shown.

use std::sync::Arc;

use super::{approvals, fields, waiting};
use crate::domain::application::AppKey;
use crate::domain::live::{Preview, RequestUpdate, Review};
use crate::domain::request::{AutoSync, Changed, Confirmation, Request};
use crate::tui::action::Action;
use crate::tui::message::{Effect, Effects};
use crate::tui::model::{
    Choice, Details, Dialog, DialogKind, Field, MOST_PLANS, Model, Row, RowId, Screen, Target, Unseen,
};

/// Opens the dialog of an action for the chosen applications.
pub(super) fn open(model: &mut Model, action: Action, effects: &mut Effects) {
    let targets = model.targets();
    let kind = match action {
        Action::Sync => DialogKind::Sync,
        Action::Abort => DialogKind::Abort,
        Action::Retry => DialogKind::Retry,
        Action::Resume => DialogKind::Resume,
        Action::Repair => DialogKind::Repair,
        Action::AutoSync => DialogKind::AutoSync { on: !is_automated(model, &targets) },
        Action::HardRefresh => DialogKind::Refresh { hard: true },
        Action::Rollback | Action::Rerun => {
            if let Some(key) = targets.into_iter().next() {
                waiting::ask(model, action, key, "", effects);
            }
            return;
        }
        _ => DialogKind::Refresh { hard: false },
    };
    show(model, kind, targets, effects);
}

/// Whether all of them are synced automatically.
pub(super) fn is_automated(model: &Model, targets: &[AppKey]) -> bool {
    let automated = |key| model.fleet.get(key).and_then(Row::summary).is_some_and(|summary| summary.automated);
    targets.iter().all(automated)
}

/// A rollback to an entry of the history: the one that is given or selected, else the one before what was applied last.
pub(super) fn rollback(model: &Model, key: &AppKey, id: Option<i64>) -> Result<DialogKind, String> {
    let details = model.details.get(key).ok_or("its history is not known yet")?;
    let application = details.application.as_deref().ok_or("its history is not known yet")?;
    let history = &application.status.history;
    let selected = match super::pages::selected(model) {
        Some(RowId::Deployed(id)) => Some(id),
        _ => None,
    };
    let entry = match id.or(selected) {
        Some(id) => history.iter().find(|entry| entry.id == id).ok_or("the history has no such entry")?,
        None => application.rollback_entry().ok_or("nothing was deployed before")?,
    };
    let one = Some(entry.revision.clone()).filter(|revision| !revision.is_empty());
    let revisions = if entry.revisions.is_empty() { one.into_iter().collect() } else { entry.revisions.clone() };
    Ok(DialogKind::Rollback { id: entry.id, revisions })
}

/// Opens a dialog.
pub(super) fn show(model: &mut Model, kind: DialogKind, targets: Vec<AppKey>, effects: &mut Effects) {
    close(model, effects);
    let id = model.number();
    let mut dialog = Dialog::new(id, kind, targets);
    if dialog.kind == DialogKind::Sync
        && let Screen::Page(page) = model.screen()
    {
        dialog.only = page.marks.iter().cloned().collect();
        dialog.only.sort();
    }
    if let [key] = dialog.targets.as_slice() {
        // What is decided here is told as of an application that is open, wherever the dialog was asked for.
        let now = model.now;
        model.details.entry(key.clone()).or_insert_with(|| Details::new(key, now)).open += 1;
        effects.push(Effect::Open(key.clone()));
        dialog.opened = Some(key.clone());
    }
    if let (true, [key]) = (dialog.has_plan(), dialog.targets.as_slice()) {
        let known = model.details.get(key).and_then(|details| details.review.clone());
        dialog.review = known.filter(|review| review.asked == dialog.asked());
        if dialog.review.is_none() {
            let revisions = dialog.asked();
            dialog.asking = Some(revisions.clone());
            effects.push(Effect::Review { key: key.clone(), revisions });
        }
    } else if dialog.has_plan() {
        for key in dialog.targets.iter().take(MOST_PLANS) {
            effects.push(Effect::Review { key: key.clone(), revisions: Vec::new() });
        }
    }
    model.dialog = Some(dialog);
    ask(model, effects);
    fields::ask_names(model, effects);
    if let Some(dialog) = &mut model.dialog {
        dialog.focus_first();
    }
}

/// Closes the dialog, if there is one.
pub(super) fn close(model: &mut Model, effects: &mut Effects) {
    if let Some(key) = model.dialog.take().and_then(|dialog| dialog.opened) {
        approvals::close(model, key, effects);
    }
}

/// The Application that the dialog is about is told: what could not be asked before is asked now.
pub(super) fn told(model: &mut Model, key: &AppKey, effects: &mut Effects) {
    let Some(dialog) = &model.dialog else { return };
    if dialog.targets.as_slice() != [key.clone()] {
        return;
    }
    if dialog.sources.is_empty() {
        fields::review(model, effects);
        ask(model, effects);
    }
    fields::ask_names(model, effects);
}

/// Makes the choices of the dialog from its fields, and asks what each would write.
pub(super) fn ask(model: &mut Model, effects: &mut Effects) {
    let id = model.number();
    let hook = match model.dialog.as_ref().map(|dialog| dialog.targets.as_slice()) {
        Some([key]) => running_hook(model, key),
        _ => None,
    };
    let fleet = &model.fleet;
    // Automated sync refuses other revisions than the target's.
    let pin = |key: &AppKey| fleet.get(key).and_then(Row::summary).is_some_and(|summary| !summary.automated);
    let Some(dialog) = &mut model.dialog else { return };
    dialog.id = id;
    if let [key] = dialog.targets.as_slice() {
        let application = model.details.get(key).and_then(|details| details.application.clone());
        if let Some(application) = &application {
            let sources = application.spec.effective_sources();
            dialog.policy = Some(application.spec.sync_policy.clone());
            dialog.sources = sources.iter().map(|source| source.effective_target_revision().to_owned()).collect();
        }
        dialog.replan(application.as_deref());
    }
    // What is sent rests upon the plans: it is asked when they are there.
    let is_ready = !dialog.is_reviewing();
    let sync = |key: &AppKey| Request::Sync(Box::new(dialog.order_of(key, pin(key))));
    let requests: Vec<(String, Request)> = match &dialog.kind {
        DialogKind::ApproveSync => vec![("Approve".to_owned(), Request::Sync(Box::new(dialog.order(true))))],
        DialogKind::Resume => vec![("Resume".to_owned(), Request::Resume)],
        DialogKind::Repair => vec![("Declare it failed".to_owned(), Request::RepairGhost)],
        DialogKind::AutoSync { on: true } => {
            vec![("Switch on".to_owned(), Request::AutoSync(AutoSync::On { prune: None, self_heal: None }))]
        }
        DialogKind::AutoSync { on: false } => vec![("Switch off".to_owned(), Request::AutoSync(AutoSync::Off))],
        DialogKind::Rollback { id, .. } => {
            let request = Request::Rollback { id: *id, prune: dialog.prune, hooks: dialog.hooks };
            vec![("Roll back".to_owned(), request)]
        }
        DialogKind::Sync => vec![("Sync".to_owned(), Request::Sync(Box::default()))],
        DialogKind::Retry => vec![("Retry".to_owned(), Request::Retry)],
        DialogKind::Refresh { hard } => vec![("Refresh".to_owned(), Request::Refresh { hard: *hard })],
        DialogKind::Approve(what) => vec![("Let it delete".to_owned(), Request::Confirm(*what))],
        DialogKind::Rerun { hook } => {
            vec![("Run again".to_owned(), Request::RerunHook { hook: hook.clone(), why: dialog.why_text() })]
        }
        DialogKind::Abort => {
            let fail = hook.map(|hook| ("Fail the hook".to_owned(), Request::FailHook(hook)));
            fail.into_iter().chain([("Abort".to_owned(), Request::Abort)]).collect()
        }
    };
    let of = |key: &AppKey, request: &Request| match &dialog.kind {
        DialogKind::Sync => sync(key),
        _ => request.clone(),
    };
    let target =
        |key: &AppKey, request: &Request| Target { key: key.clone(), request: of(key, request), preview: None };
    let choices: Vec<Choice> = requests
        .into_iter()
        .map(|(label, request)| Choice {
            label,
            targets: dialog.targets.iter().map(|key| target(key, &request)).collect(),
        })
        .collect();
    let mut fields = match &dialog.kind {
        DialogKind::Sync => {
            let revision = (dialog.targets.len() == 1).then_some(Field::Revision);
            let switches = [Field::Prune, Field::DryRun, Field::NoHooks, Field::Force];
            let options = dialog.policy.as_ref().map(|_| Field::Options);
            revision.into_iter().chain(switches).chain(options).chain([Field::Retry]).collect()
        }
        DialogKind::ApproveSync => vec![Field::Prune],
        DialogKind::Rollback { .. } => vec![Field::Hooks, Field::Prune],
        DialogKind::Rerun { .. } => vec![Field::Why],
        _ => Vec::new(),
    };
    if matches!(dialog.unseen(), Some(Unseen::NoPlan(_))) {
        fields.push(Field::Unseen);
    }
    // From Cancel, which has the focus first, the next is the first field, and the one before is the last button: who
    // goes on to type does not type into a button.
    fields.insert(0, Field::Cancel);
    fields.extend((0..choices.len()).map(Field::Choice));
    let field = dialog.field();
    dialog.fields = fields;
    match dialog.fields.iter().position(|own| *own == field) {
        Some(place) => dialog.focus = place,
        None => dialog.focus_cancel(),
    }
    dialog.choices = choices;
    if is_ready {
        for (choice, own) in dialog.choices.iter().enumerate() {
            for Target { key, request, .. } in &own.targets {
                effects.push(Effect::Preview { dialog: id, choice, key: key.clone(), request: request.clone() });
            }
        }
    }
}

/// The Job of the hook that runs or waits now.
fn running_hook(model: &Model, key: &AppKey) -> Option<crate::domain::request::HookJob> {
    let details = model.details.get(key)?;
    let mut running = details.view.tasks().filter(|task| task.is_hook && task.state.is_active());
    let task = running.find(|task| task.key.object.kind == "Job")?;
    let run = task.attempts.last().filter(|run| !run.is_gone)?;
    let namespace = task.key.object.namespace.clone();
    Some(crate::domain::request::HookJob { namespace, name: run.name.clone(), uid: run.uid.clone() })
}

/// Takes in an answer.
pub(super) fn previewed(model: &mut Model, dialog: u64, choice: usize, key: &AppKey, answer: Result<Preview, String>) {
    let Some(open) = model.dialog.as_mut().filter(|open| open.id == dialog) else { return };
    let Some(choice) = open.choices.get_mut(choice) else { return };
    if let Some(target) = choice.targets.iter_mut().find(|target| target.key == *key) {
        target.preview = Some(answer);
    }
}

/// Takes in a review: if it is of what the dialog asks for, the sync is pinned to it.
pub(super) fn reviewed(model: &mut Model, review: &Arc<Review>, effects: &mut Effects) {
    let Some(dialog) = &mut model.dialog else { return };
    if !dialog.has_plan() || !dialog.targets.contains(&review.key) {
        return;
    }
    if dialog.targets.len() > 1 {
        return reviewed_one(model, review, effects);
    }
    if dialog.asking.as_ref() == Some(&review.asked) {
        dialog.asking = None;
    }
    if review.asked != dialog.asked() {
        // More was typed in the meantime.
        return fields::review_named(model, effects);
    }
    // An answer is told again when the repository was fetched.
    let moved = dialog.reviewed().is_some_and(|old| old.commits != review.commits);
    dialog.review = Some(Arc::clone(review));
    dialog.unseen &= review.plan.is_err();
    // The repository has been read by now.
    fields::ask_names(model, effects);
    let Some(dialog) = &mut model.dialog else { return };
    if moved {
        // The finger may be on the button: it must not sync to what was not looked at.
        dialog.changed = vec![Changed::Revision];
        dialog.focus_cancel();
    }
    ask(model, effects);
}

/// Takes in the review of one of several applications.
fn reviewed_one(model: &mut Model, review: &Arc<Review>, effects: &mut Effects) {
    let Some(dialog) = &mut model.dialog else { return };
    if !review.asked.is_empty() {
        return;
    }
    let was_reviewing = dialog.is_reviewing();
    let old = dialog.reviews.insert(review.key.clone(), Arc::clone(review));
    if dialog.is_reviewing() {
        return;
    }
    let has_moved = old.as_ref().is_some_and(|old| old.commits != review.commits);
    if has_moved && !was_reviewing {
        dialog.changed = vec![Changed::Revision];
        dialog.focus_cancel();
    }
    if has_moved || was_reviewing || old.is_some_and(|old| old.plan.is_err() != review.plan.is_err()) {
        ask(model, effects);
    }
}

/// A request was not sent because the application has changed: shows it again, with what has changed.
pub(super) fn ask_again(model: &mut Model, update: &RequestUpdate, changed: &[Changed], effects: &mut Effects) {
    if model.dialog.is_some() {
        return;
    }
    let kind = match update.name {
        "sync" => DialogKind::Sync,
        "abort" | "fail hook" => DialogKind::Abort,
        "retry" => DialogKind::Retry,
        "approve prune" => DialogKind::Approve(Confirmation::Prune),
        "approve delete" => DialogKind::Approve(Confirmation::Delete),
        "resume" => DialogKind::Resume,
        _ => return,
    };
    show(model, kind, vec![update.key.clone()], effects);
    if let Some(dialog) = &mut model.dialog {
        dialog.changed = changed.to_vec();
    }
}

/// Does what an action means in a dialog.
pub(super) fn action(model: &mut Model, action: Action, effects: &mut Effects) {
    let Some(dialog) = &mut model.dialog else { return };
    let count = dialog.fields.len().max(1);
    let left_from = dialog.field();
    match action {
        Action::OfferNext => return fields::offer(model, true, effects),
        Action::OfferPrevious => return fields::offer(model, false, effects),
        Action::FieldNext => dialog.focus = (dialog.focus + 1) % count,
        Action::FieldPrevious => dialog.focus = (dialog.focus + count - 1) % count,
        Action::ShowWrite => dialog.shows_write = !dialog.shows_write,
        Action::ScrollDown => dialog.scroll = dialog.scroll.saturating_add(5).min(1000),
        Action::ScrollUp => dialog.scroll = dialog.scroll.saturating_sub(5),
        Action::Cancel => close(model, effects),
        Action::Press => press(model, false, effects),
        Action::Quit => super::input::quit(model, effects),
        _ => {}
    }
    if matches!(action, Action::FieldNext | Action::FieldPrevious | Action::Press) {
        left(model, left_from, effects);
    }
}

/// Another field than this one may have the focus now.
pub(super) fn left(model: &mut Model, left_from: Field, effects: &mut Effects) {
    // A review costs a rendering: it is asked for when the field is left, not with each letter.
    if left_from == Field::Revision {
        fields::review(model, effects);
    }
}

/// The space bar: it switches options, and sends nothing. It may be part of a text that was meant for a field.
pub(super) fn space(model: &mut Model, effects: &mut Effects) {
    model.key_was_pressed();
    press(model, true, effects);
}

fn press(model: &mut Model, by_space: bool, effects: &mut Effects) {
    let Some(dialog) = &mut model.dialog else { return };
    match dialog.field() {
        Field::Prune => dialog.prune = !dialog.prune,
        Field::DryRun => dialog.dry_run = !dialog.dry_run,
        Field::NoHooks => dialog.no_hooks = !dialog.no_hooks,
        Field::Hooks => dialog.hooks = !dialog.hooks,
        Field::Force => dialog.force = !dialog.force,
        Field::Unseen => dialog.unseen = !dialog.unseen,
        Field::Cancel => {
            close(model, effects);
            return;
        }
        Field::Revision | Field::Why | Field::Options | Field::Retry => {
            dialog.focus_cancel();
            return;
        }
        Field::Choice(_) if by_space => return model.complain("space does not press a button; enter does"),
        Field::Choice(choice) => return send(model, choice, effects),
    }
    ask(model, effects);
}

fn send(model: &mut Model, choice: usize, effects: &mut Effects) {
    let Some(dialog) = &model.dialog else { return };
    let Some(choice) = dialog.choices.get(choice) else { return };
    match dialog.held_back() {
        None => {}
        Some(Unseen::NotAsked | Unseen::Asked) => return model.say("wait: the plan is being made"),
        Some(Unseen::NoRevision(why)) => return model.complain(why),
        Some(Unseen::NoPlan(_)) => {
            return model.complain("what it would do is not known; the dialog says how to send it all the same");
        }
    }
    if choice.is_waiting() {
        return model.say("wait: the cluster is being asked what this would write");
    }
    let sent: Vec<Effect> = choice
        .sendable()
        .map(|(target, preview)| Effect::Send {
            key: target.key.clone(),
            request: target.request.clone(),
            seen: preview.seen.clone(),
        })
        .collect();
    if sent.is_empty() {
        return model.complain("nothing can be sent; the reasons are in the dialog");
    }
    effects.list.extend(sent);
    close(model, effects);
}
