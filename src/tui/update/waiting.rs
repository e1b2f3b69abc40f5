//! What was asked of an application of which too little is known yet: it is done as soon as that is told. Any key, and
//! any click, gives it up: nothing opens under a finger that is on its way to something else.

use super::available::{hook_job, why_not_ask};
use super::{approvals, dialogs};
use crate::domain::application::AppKey;
use crate::domain::request::Request;
use crate::tui::action::Action;
use crate::tui::message::{Effect, Effects};
use crate::tui::model::{Asked, Details, DialogKind, Model};

/// Opens the dialog of something that rests on what is known of one application, now or as soon as that is known.
/// `argument`: the entry of a rollback, or the name of the hook that is run again; empty: the one that is selected, or
/// matters most.
pub(super) fn ask(model: &mut Model, action: Action, key: AppKey, argument: &str, effects: &mut Effects) {
    give_up(model, effects);
    let asked = Asked { action, key, argument: argument.to_owned() };
    let is_open = model.details.get(&asked.key).is_some_and(|details| details.open > 0);
    if is_open && is_ready(model, &asked) {
        return carry_out(model, &asked, effects);
    }
    let now = model.now;
    model.details.entry(asked.key.clone()).or_insert_with(|| Details::new(&asked.key, now)).open += 1;
    effects.push(Effect::Open(asked.key.clone()));
    model.asked = Some(asked);
}

/// Something was told of an application. `settled`: all there is.
pub(super) fn told(model: &mut Model, key: &AppKey, settled: bool, effects: &mut Effects) {
    let Some(asked) = model.asked.take_if(|asked| asked.key == *key) else { return };
    if !settled && !is_ready(model, &asked) {
        model.asked = Some(asked);
        return;
    }
    carry_out(model, &asked, effects);
    // The dialog keeps it open for itself.
    approvals::close(model, asked.key, effects);
}

/// It is not wanted any more.
pub(super) fn give_up(model: &mut Model, effects: &mut Effects) {
    if let Some(asked) = model.asked.take() {
        approvals::close(model, asked.key, effects);
    }
}

/// The application is gone.
pub(super) fn gone(model: &mut Model, key: &AppKey, effects: &mut Effects) {
    if model.asked.as_ref().is_some_and(|asked| asked.key == *key) {
        give_up(model, effects);
        model.complain(format!("{} does not exist any more", key.name));
    }
}

/// Whether it can be said what it would do. Which hook matters most is not known before all of them are.
fn is_ready(model: &Model, asked: &Asked) -> bool {
    let Some(details) = model.details.get(&asked.key) else { return false };
    match asked.action {
        Action::Rerun => details.is_settled,
        _ => details.application.is_some(),
    }
}

fn carry_out(model: &mut Model, asked: &Asked, effects: &mut Effects) {
    let name = asked.action.name();
    match dialog(model, asked) {
        Ok(kind) => dialogs::show(model, kind, vec![asked.key.clone()], effects),
        Err(reason) => model.complain(format!("{name}: {reason}")),
    }
}

fn dialog(model: &Model, asked: &Asked) -> Result<DialogKind, String> {
    let Asked { action, key, argument } = asked;
    if *action == Action::Rerun {
        return Ok(DialogKind::Rerun { hook: hook_job(model, key, argument)? });
    }
    let id = if argument.is_empty() { Ok(None) } else { argument.parse().map(Some) };
    let id = id.map_err(|_| "its argument is the number of an entry of the history")?;
    let kind = dialogs::rollback(model, key, id)?;
    let DialogKind::Rollback { id, .. } = &kind else { return Err("there is nothing to roll back to".to_owned()) };
    let request = Request::Rollback { id: *id, prune: false, hooks: false };
    why_not_ask(model, key, &request).map_or(Ok(kind), Err)
}
