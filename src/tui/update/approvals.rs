//! The queue of what waits for a person. Nothing is approved by a key that moves: approving opens a dialog, and the
//! dialog sends exactly what was reviewed.

use super::apply::{open, push};
use super::dialogs;
use super::input::open_prompt;
use crate::domain::application::AppKey;
use crate::domain::request::Confirmation;
use crate::store::Deferral;
use crate::tui::action::Action;
use crate::tui::message::{Effect, Effects};
use crate::tui::model::{Approval, Approvals, Details, DialogKind, Model, PromptKind, Screen};

/// Does what belongs to the queue; `false` if the action is another's.
pub(super) fn take(model: &mut Model, action: Action, effects: &mut Effects) -> bool {
    match action {
        Action::Approvals => show(model, effects),
        Action::Approve => approve(model, effects),
        Action::ApprovalOpen => {
            if let Some(key) = model.targets().into_iter().next() {
                open(model, key, effects);
            }
        }
        Action::Defer => open_prompt(model, PromptKind::Defer, ""),
        Action::TakeBack => {
            if let Some(key) = model.targets().into_iter().next() {
                take_back(model, &key, effects);
            }
        }
        _ => return false,
    }
    true
}

/// Shows the queue, at the application that is chosen if it waits.
fn show(model: &mut Model, effects: &mut Effects) {
    let chosen = model.targets().into_iter().next().filter(|key| model.approval(key).is_some());
    let approvals = Approvals { selected: chosen, ..Approvals::default() };
    push(model, Screen::Approvals(Box::new(approvals)));
    effects.push(Effect::Deferrals);
}

/// Opens the dialog that approves.
fn approve(model: &mut Model, effects: &mut Effects) {
    let targets = model.targets();
    let [key] = targets.as_slice() else {
        return model.complain("approve: choose one application; each is looked at by itself");
    };
    let Some(what) = model.approval(key) else { return model.complain("approve: it waits for nobody") };
    match what {
        Approval::Prune => dialogs::show(model, DialogKind::Approve(Confirmation::Prune), targets, effects),
        Approval::Delete => dialogs::show(model, DialogKind::Approve(Confirmation::Delete), targets, effects),
        Approval::Sync if !matches!(model.screen(), Screen::Approvals(_)) => show(model, effects),
        Approval::Sync => approve_sync(model, key.clone(), effects),
    }
}

fn approve_sync(model: &mut Model, key: AppKey, effects: &mut Effects) {
    let commits = model.details.get(&key).and_then(Details::target_review).map(|review| review.commits.clone());
    let Some(commits) = commits.filter(|commits| !commits.is_empty()) else {
        return model.complain("approve: what it would bring is not known yet; nothing is approved unseen");
    };
    let Some(Screen::Approvals(approvals)) = model.screens.last_mut() else { return };
    let looked = approvals.looked.insert(key.clone(), commits.clone());
    if looked.is_none_or(|looked| looked != commits) {
        return model.complain("approve: the target has moved since you looked; read the new one, then approve again");
    }
    dialogs::show(model, DialogKind::ApproveSync, vec![key], effects);
}

/// Puts the selected entry off.
pub(super) fn defer(model: &mut Model, note: &str, effects: &mut Effects) {
    let Some(key) = model.targets().into_iter().next() else { return };
    let deferral = Deferral {
        cluster: key.cluster.to_string(),
        namespace: key.namespace.to_string(),
        application: key.name.to_string(),
        revision: model.wanted_revision(&key),
        note: note.trim().chars().take(500).collect(),
        by: model.user.clone(),
        at: Some(model.now),
    };
    model.deferrals.retain(|own| !is_of(own, &key));
    model.deferrals.push(deferral.clone());
    effects.push(Effect::Defer(deferral));
    model.say(format!("{} is put off until its target moves", key.name));
}

/// It is asked for again, or has been approved.
pub(super) fn take_back(model: &mut Model, key: &AppKey, effects: &mut Effects) {
    if model.deferrals.iter().any(|own| is_of(own, key)) {
        model.deferrals.retain(|own| !is_of(own, key));
        effects.push(Effect::TakeBack(key.clone()));
    }
}

fn is_of(deferral: &Deferral, key: &AppKey) -> bool {
    deferral.cluster == *key.cluster && deferral.namespace == *key.namespace && deferral.application == *key.name
}

/// Selects an entry of the queue.
pub(super) fn select(model: &mut Model, key: &AppKey) {
    let place = model.queue().iter().position(|entry| entry.key == *key);
    if let (Some(place), Some(Screen::Approvals(approvals))) = (place, model.screens.last_mut()) {
        (approvals.place, approvals.selected, approvals.scroll) = (place, Some(key.clone()), 0);
    }
}

/// Moves through the queue.
pub(super) fn moved(model: &mut Model, to: impl Fn(usize, usize) -> usize) {
    let Screen::Approvals(approvals) = model.screen() else { return };
    let queue = model.queue();
    let at = approvals.current(&queue).map_or(0, |(place, _)| place);
    let place = to(at, queue.len());
    let key = queue.get(place).map(|entry| entry.key.clone());
    if let Some(Screen::Approvals(approvals)) = model.screens.last_mut() {
        (approvals.place, approvals.selected, approvals.scroll) = (place, key, 0);
    }
}

/// Keeps the entry that is looked at open, so that its commits and objects are told; and remembers what was seen of it.
pub(super) fn settle(model: &mut Model, effects: &mut Effects) {
    let Some(place) = model.screens.iter().position(|screen| matches!(screen, Screen::Approvals(_))) else { return };
    let Some(Screen::Approvals(approvals)) = model.screens.get(place) else { return };
    let queue = model.queue();
    let current = approvals.current(&queue).map(|(place, entry)| (place, entry.key.clone()));
    let (at, key) = current.unzip();
    let opened = approvals.opened.clone();
    if opened != key {
        let now = model.now;
        if let Some(old) = opened {
            close(model, old, effects);
        }
        if let Some(key) = &key {
            model.details.entry(key.clone()).or_insert_with(|| Details::new(key, now)).open += 1;
            effects.push(Effect::Open(key.clone()));
        }
    }
    let seen = key.as_ref().and_then(|key| {
        let commits = model.details.get(key)?.target_review()?.commits.clone();
        (!commits.is_empty()).then(|| (key.clone(), commits))
    });
    let Some(Screen::Approvals(approvals)) = model.screens.get_mut(place) else { return };
    (approvals.selected, approvals.opened) = (key.clone(), key);
    approvals.place = at.unwrap_or_default();
    if let Some((key, commits)) = seen {
        approvals.looked.entry(key).or_insert(commits);
    }
}

/// An application is not looked at any more, here.
pub(super) fn close(model: &mut Model, key: AppKey, effects: &mut Effects) {
    if let Some(details) = model.details.get_mut(&key) {
        details.open = details.open.saturating_sub(1);
        details.is_settled &= details.open > 0;
    }
    effects.push(Effect::Close(key));
}
