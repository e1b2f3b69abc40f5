//! What the live view tells.

use crate::domain::application::{AppKey, AppSummary};
use crate::domain::event::{Change, WatchEvent};
use crate::domain::live::{LiveEvent, Outcome, RequestState, WatchState};
use crate::domain::operation::OperationPhase;
use crate::domain::text;
use crate::tui::message::{Effect, Effects};
use crate::tui::model::{Details, Model, RequestEntry, WatchEntry};

use super::{approvals, dialogs, logs, pages, waiting};

/// Applications of which all that was seen is kept although nobody looks at them and nothing runs.
const MOST_DETAILS: usize = 64;

/// Takes in an event; `false` if nothing that is shown has changed.
pub(super) fn take(model: &mut Model, event: LiveEvent, effects: &mut Effects) -> bool {
    match event {
        LiveEvent::Scope { cluster, server, namespace, user } => {
            (model.cluster, model.server, model.namespace, model.user) = (cluster, server, namespace, user);
        }
        LiveEvent::Watch { watched, state, .. } => {
            let at = match (&state, model.watches.get(&watched)) {
                // The data is as old as it was when it was last live.
                (WatchState::Listing, Some(known)) if known.state != WatchState::Live => known.at,
                _ => model.now,
            };
            model.watches.insert(watched, WatchEntry { state, at });
        }
        LiveEvent::EarlyRows(rows) => rows.into_iter().for_each(|row| model.fleet.put_early(row)),
        LiveEvent::App(summary) => summarised(model, summary, effects),
        LiveEvent::AppGone(key) => {
            model.fleet.remove(&key);
            waiting::gone(model, &key, effects);
            if model.details.get(&key).is_some_and(|details| details.open == 0) {
                model.details.remove(&key);
            }
        }
        LiveEvent::AppUnreadable { key, reason } => model.fleet.put_unreadable(key, text::one_line(&reason, 300)),
        LiveEvent::FleetComplete { .. } => model.fleet.list_ends(),
        LiveEvent::Application { application, object } => {
            let details = details(model, &application.key.clone());
            let key = application.key.clone();
            details.application = Some(application);
            details.object = Some(object);
            dialogs::told(model, &key, effects);
            waiting::told(model, &key, false, effects);
            pages::refresh(model, Some(&key));
        }
        LiveEvent::Settled(key) => {
            details(model, &key).is_settled = true;
            waiting::told(model, &key, true, effects);
        }
        LiveEvent::Observed { key, event } => return observed(model, &key, &event, effects),
        LiveEvent::Hooks { key, access } => details(model, &key).hooks = access,
        LiveEvent::Controller { key, controller } => details(model, &key).controller = controller,
        LiveEvent::Rights(rights) => {
            model.rights.retain(|known| (&known.cluster, &known.namespace) != (&rights.cluster, &rights.namespace));
            model.rights.push(rights);
        }
        LiveEvent::Windows { key, decision } => details(model, &key).windows = Some(decision),
        LiveEvent::Revisions { key, revisions } => {
            model.fleet.set_revisions(&key, std::sync::Arc::clone(&revisions));
            if let Some(details) = model.details.get_mut(&key) {
                details.revisions = Some(revisions);
            }
            pages::refresh(model, Some(&key));
        }
        LiveEvent::Review { key, review } => {
            details(model, &key).set_review(std::sync::Arc::clone(&review));
            settle(model, &key);
            dialogs::reviewed(model, &review, effects);
            pages::refresh(model, Some(&key));
        }
        LiveEvent::Repository(state) => {
            if let Some(problem) = &state.problem {
                let line = format!("{}: {problem}", state.repository);
                model.alert(text::one_line(&line, 300));
            }
        }
        LiveEvent::Request(update) => request(model, update, effects),
        LiveEvent::KubernetesEvent { key, event } => details(model, &key).add_event(event),
        LiveEvent::Recorded { key, record } => details(model, &key).add_record(record),
        LiveEvent::Project { .. } | LiveEvent::ProjectGone { .. } => return false,
        LiveEvent::Capture(notice) => match notice {
            crate::domain::live::CaptureNotice::Off { reason } => {
                model.alert(text::one_line(&format!("logs are not kept: {reason}"), 300));
            }
            crate::domain::live::CaptureNotice::Lost { source, reason, .. } => {
                model.alert(text::one_line(&format!("part of a log is lost: {source}: {reason}"), 300));
            }
            _ => return false,
        },
    }
    true
}

/// Takes in what the list shows of an application.
fn summarised(model: &mut Model, summary: Box<AppSummary>, effects: &mut Effects) {
    let now = model.now;
    let (key, done) = (summary.key.clone(), summary.is_done());
    if let Some(has_succeeded) = ended(model, &summary) {
        if model.settings.bell && !has_succeeded {
            effects.push(Effect::Bell);
        }
        if model.settings.notify {
            let how = if has_succeeded { "has succeeded" } else { "has FAILED" };
            effects.push(Effect::Notify(format!("{}: the operation {how}", key.name)));
        }
    }
    model.requests.values_mut().for_each(|request| request.see(&summary));
    model.fleet.put(summary, now);
    let stuck = model.details.get(&key).and_then(Details::stuck);
    model.fleet.set_stuck(&key, stuck);
    // What was seen of an operation is kept when it is over, for who looks at it then, but not of a whole fleet.
    if done && model.details.len() > MOST_DETAILS && model.details.get(&key).is_some_and(|details| details.open == 0) {
        model.details.remove(&key);
    }
}

/// Judges what is known of an application anew.
fn settle(model: &mut Model, key: &AppKey) {
    let now = model.now;
    let known = details(model, key);
    known.settle(now, false);
    let stuck = known.stuck();
    model.fleet.set_stuck(key, stuck);
}

/// Takes in what was seen of an operation, and tells of a hook that fails; `false` if nothing has changed.
fn observed(model: &mut Model, key: &AppKey, event: &WatchEvent, effects: &mut Effects) -> bool {
    let now = model.now;
    let known = details(model, key);
    let before = known.view.lifecycle().failing;
    if !known.observe(event) {
        return false;
    }
    known.settle(now, false);
    let stuck = known.stuck();
    let failing = known.view.lifecycle().failing;
    model.fleet.set_stuck(key, stuck);
    if event.change == Change::Applied
        && failing != before
        && let Some((_, _, failing)) = failing
    {
        if model.settings.bell {
            effects.push(Effect::Bell);
        }
        if model.settings.notify {
            effects.push(Effect::Notify(format!("{}: {failing} has failed", key.name)));
        }
    }
    logs::follow(model, effects);
    true
}

/// Whether an operation that has just ended has succeeded, if somebody watches it: its application is looked at, or
/// marked, or something was sent to it in this session.
fn ended(model: &Model, summary: &AppSummary) -> Option<bool> {
    if !summary.is_done() {
        return None;
    }
    let before = model.fleet.get(&summary.key)?.summary()?;
    let operation = summary.operation.as_ref()?;
    if before.is_done() && before.operation.as_ref().is_some_and(|known| known.started_at == operation.started_at) {
        return None;
    }
    let is_watched = model.details.get(&summary.key).is_some_and(|details| details.open > 0)
        || model.fleet.marks.contains(&summary.key)
        || model.requests.values().any(|request| request.update.key == summary.key);
    is_watched.then_some(operation.phase == Some(OperationPhase::Succeeded))
}

/// What is known of an application, from now on.
fn details<'a>(model: &'a mut Model, key: &crate::domain::application::AppKey) -> &'a mut Details {
    let now = model.now;
    model.details.entry(key.clone()).or_insert_with(|| Details::new(key, now))
}

fn request(model: &mut Model, update: crate::domain::live::RequestUpdate, effects: &mut Effects) {
    let about = format!("{} {}", update.name, update.key.name);
    match &update.state {
        RequestState::Sent(_) => model.say(format!("{about}: sent")),
        RequestState::Ended(outcome) => {
            let line = format!("{about}: {}", outcome_text(outcome));
            if outcome.is_written() {
                if matches!(update.name, "sync" | "retry" | "rollback" | "resume") {
                    approvals::take_back(model, &update.key, effects);
                }
                model.say(line);
            } else {
                model.alert(line);
            }
            if let Outcome::Changed(changed) = outcome {
                dialogs::ask_again(model, &update, changed, effects);
            }
        }
    }
    let known = model.fleet.get(&update.key).and_then(|row| row.summary());
    let entry = model.requests.entry(update.id).or_insert_with(|| RequestEntry::new(update.clone(), known));
    entry.take(update);
}

/// How a request ended, in words.
pub(in crate::tui) fn outcome_text(outcome: &Outcome) -> String {
    let text = match outcome {
        Outcome::Written => "the cluster has taken it".to_owned(),
        Outcome::Dropped(fields) => {
            format!("NOT ALL OF IT is written: the cluster dropped {}, and took the rest", fields.join(", "))
        }
        Outcome::Refused(refusals) => {
            let reasons: Vec<String> = refusals.iter().map(ToString::to_string).collect();
            format!("not sent: {}", reasons.join("; "))
        }
        Outcome::Changed(changed) => {
            let changed: Vec<_> = changed.iter().map(|changed| changed.as_str()).collect();
            format!("not sent: {}", changed.join("; "))
        }
        Outcome::Impossible(why) => format!("not sent: {why}"),
        Outcome::Failed { error, denied: true, .. } => format!("you may not: {error}"),
        Outcome::Failed { error, unreachable: true, .. } => format!("not sent, the cluster cannot be reached: {error}"),
        Outcome::Failed { error, .. } => format!("the cluster did not take it: {error}"),
        Outcome::Unknown { happened: Some(true), .. } => "no answer came, but it did happen".to_owned(),
        Outcome::Unknown { happened: Some(false), error } => format!("it did not happen: {error}"),
        Outcome::Unknown { happened: None, error } => {
            format!("NOT KNOWN whether it happened, and not sent again: {error}")
        }
        Outcome::NotFound => "it does not exist any more".to_owned(),
    };
    text::one_line(&text, 400)
}
