//! What can be done here and now, and why not.

use crate::domain::application::AppKey;
use crate::domain::live::Need;
use crate::domain::operation::OperationPhase;
use crate::domain::project::Decision;
use crate::domain::request::{Confirmation, Request, Situation, SyncOrder, refusals};
use crate::tui::action::Action;
use crate::tui::model::{Connection, Details, LogBuffer, Model, Screen};

/// The reason why an action cannot be done here; `None`: it can.
pub(in crate::tui) fn why_not(model: &Model, action: Action) -> Option<String> {
    match action {
        Action::Sync => request(model, &Request::Sync(Box::<SyncOrder>::default())),
        Action::Abort => request(model, &Request::Abort),
        Action::Retry => request(model, &Request::Retry),
        Action::Approve => request(model, &Request::Confirm(Confirmation::Prune)).or_else(|| {
            // Where the operation is seen, it is known whether anything waits.
            let screen = model.app_screen()?;
            let details = model.details.get(&screen.key)?;
            (!waits_for_prune(details)).then(|| "nothing waits for a confirmation".to_owned())
        }),
        Action::Refresh | Action::HardRefresh => request(model, &Request::Refresh { hard: false }),
        Action::Rerun => rerun(model),
        Action::Logs | Action::OpenLog => log(model),
        Action::Open | Action::Mark if model.fleet.selected.is_none() => Some("there is no application".to_owned()),
        Action::Back
            if matches!(model.screen(), Screen::Applications)
                && model.fleet.filter.is_empty()
                && model.fleet.marks.is_empty() =>
        {
            Some("this is the first screen".to_owned())
        }
        Action::LogSave | Action::LogSearch
            if model.app_screen().and_then(|screen| screen.log.as_ref()).is_none_or(LogBuffer::is_empty) =>
        {
            Some("nothing was captured".to_owned())
        }
        Action::LogNext | Action::LogPrevious
            if model.app_screen().is_none_or(|screen| screen.look.search.is_empty()) =>
        {
            Some("nothing is searched for".to_owned())
        }
        _ => None,
    }
}

/// The hook Job that is selected, or matters most, with the UID of its last run.
pub(super) fn hook_job(model: &Model, key: &AppKey) -> Result<crate::domain::request::HookJob, String> {
    let details = model.details.get(key).ok_or("its hooks are not known yet")?;
    let screen = model.app_screen().filter(|screen| screen.key == *key);
    let selected = screen.and_then(|screen| screen.cursor.as_ref()).and_then(|cursor| details.task(cursor));
    let task = selected.or_else(|| details.focus()).ok_or("no hook is known")?;
    if !task.is_hook {
        return Err("what is selected is not a hook".to_owned());
    }
    if task.key.object.kind != "Job" {
        return Err(format!("the hook is a {}; only Jobs can be run again", task.key.object.kind));
    }
    let run = task.attempts.last().ok_or("the hook has not run")?;
    if run.is_gone {
        return Err("its Job does not exist any more".to_owned());
    }
    let namespace = task.key.object.namespace.clone();
    Ok(crate::domain::request::HookJob { namespace, name: run.name.clone(), uid: run.uid.clone() })
}

fn rerun(model: &Model) -> Option<String> {
    let targets = model.targets();
    let [key] = targets.as_slice() else {
        return Some("choose one application".to_owned());
    };
    if model.settings.read_only {
        return Some("boathook was started with --read-only".to_owned());
    }
    hook_job(model, key).err()
}

fn log(model: &Model) -> Option<String> {
    let Some(screen) = model.app_screen() else {
        return model.fleet.selected.is_none().then(|| "there is no application".to_owned());
    };
    let Some(details) = model.details.get(&screen.key) else { return Some("its hooks are not known yet".to_owned()) };
    let task = screen.cursor.as_ref().and_then(|cursor| details.task(cursor));
    match task {
        Some(task) if super::logs::has_log(task) => None,
        Some(task) if task.is_hook => Some(format!("a {} writes no log", task.key.object.kind)),
        Some(_) if screen.log.is_some() => None,
        Some(_) => Some("only hooks have logs here".to_owned()),
        None => Some("no hook is selected".to_owned()),
    }
}

fn request(model: &Model, request: &Request) -> Option<String> {
    if model.connection != Connection::Started {
        return Some("no cluster is connected".to_owned());
    }
    let targets = model.targets();
    let mut reasons = targets.iter().map(|key| reason(model, key, request));
    match targets.len() {
        0 => Some("there is no application".to_owned()),
        1 => reasons.next().flatten(),
        // Of many those are left out that cannot; the dialog says which.
        _ => {
            let reasons: Vec<Option<String>> = reasons.collect();
            if reasons.iter().any(Option::is_none) { None } else { reasons.into_iter().flatten().next() }
        }
    }
}

/// Why a request would be refused, as far as that is known before the cluster is asked.
fn reason(model: &Model, key: &AppKey, request: &Request) -> Option<String> {
    let missing_right = model.missing_right(key, Need::PatchApplications).map(str::to_owned);
    let details = model.details.get(key);
    if let Some(application) = details.and_then(|details| details.application.as_deref()) {
        let situation = Situation {
            controller: details.map(|details| details.controller.clone()).unwrap_or_default(),
            windows: details.and_then(|details| details.windows.clone()).unwrap_or(Decision::Allowed),
            missing_right,
            read_only: model.settings.read_only,
        };
        return refusals(request, application, &situation).first().map(ToString::to_string);
    }
    if model.settings.read_only {
        return Some("boathook was started with --read-only".to_owned());
    }
    if let Some(right) = missing_right {
        return Some(format!("you may not {right}"));
    }
    let Some(summary) = model.fleet.get(key).and_then(|row| row.summary()) else {
        return Some("the application is not known yet".to_owned());
    };
    if request.starts_operation() && summary.deleting {
        return Some("the application is being deleted".to_owned());
    }
    if request.starts_operation() && summary.busy {
        return Some("another operation is in progress".to_owned());
    }
    let phase = summary.operation.as_ref().and_then(|operation| operation.phase);
    match request {
        Request::Abort if !summary.busy => Some("no operation is in progress".to_owned()),
        Request::Abort if phase == Some(OperationPhase::Terminating) => {
            Some("the operation is being ended already".to_owned())
        }
        Request::Confirm(Confirmation::Prune) if !summary.busy => {
            Some("no operation is in progress that could wait for it".to_owned())
        }
        Request::Retry => match phase {
            None => Some("there is no operation to repeat".to_owned()),
            Some(OperationPhase::Succeeded) => Some("the last operation succeeded".to_owned()),
            Some(_) => None,
        },
        _ => None,
    }
}

/// Whether the running operation waits for a prune to be confirmed.
pub(in crate::tui) fn waits_for_prune(details: &Details) -> bool {
    details.view.message.contains("confirmation")
        || details.view.tasks().any(|task| task.message.contains("waiting for pruning confirmation"))
}
