//! What can be done here and now, and why not.

use crate::domain::application::AppKey;
use crate::domain::live::Need;
use crate::domain::operation::OperationPhase;
use crate::domain::project::Decision;
use crate::domain::request::{AutoSync, Confirmation, Request, Situation, SyncOrder, refusals};
use crate::tui::action::{Action, Context};
use crate::tui::model::{Approval, Connection, DialogKind, LogBuffer, Model, RowId, Screen};

/// Said of everything that writes.
pub(super) const READ_ONLY: &str = "boathook was started with --read-only";

/// The reason why an action cannot be done here; `None`: it can.
pub(in crate::tui) fn why_not(model: &Model, action: Action) -> Option<String> {
    if model.settings.read_only && writes(action) {
        return Some(READ_ONLY.to_owned());
    }
    match action {
        Action::Sync => request(model, &Request::Sync(Box::<SyncOrder>::default())),
        Action::Abort => request(model, &Request::Abort),
        Action::Retry => request(model, &Request::Retry),
        Action::Approve => approve(model),
        Action::Rollback => rollback(model),
        Action::Resume => request(model, &Request::Resume),
        Action::Repair => request(model, &Request::RepairGhost),
        Action::AutoSync => request(model, &Request::AutoSync(AutoSync::On { prune: None, self_heal: None })),
        Action::Git | Action::Diff | Action::Resources | Action::Yaml | Action::History | Action::Events => {
            one(model).err()
        }
        Action::Fetch if model.targets().is_empty() => Some("there is no application".to_owned()),
        Action::Logs if matches!(model.screen(), Screen::Page(_)) => kept_log(model),
        Action::PageOpen | Action::PageMark if super::pages::selected(model).is_none() => {
            Some("there is nothing to choose".to_owned())
        }
        Action::ApprovalOpen | Action::Defer if model.targets().is_empty() => Some("nothing waits".to_owned()),
        Action::Defer => match model.targets().first().and_then(|key| model.approval(key)) {
            Some(Approval::Sync) => None,
            _ => Some("an operation is held up; only syncs can be put off".to_owned()),
        },
        Action::TakeBack => match model.targets().first() {
            Some(key) if model.deferral(key).is_some() => None,
            _ => Some("it is not put off".to_owned()),
        },
        Action::TextNext | Action::TextPrevious => match model.screen() {
            Screen::Text(text) if !text.search.is_empty() => None,
            _ => Some("nothing is searched for".to_owned()),
        },
        Action::Refresh | Action::HardRefresh => request(model, &Request::Refresh { hard: false }),
        Action::Rerun => rerun(model),
        Action::OpenLog if !has_log(model) => one(model).err(),
        Action::Logs | Action::OpenLog => log(model),
        Action::Open | Action::Mark if model.fleet.selected.is_none() => Some("there is no application".to_owned()),
        Action::Back
            if matches!(model.screen(), Screen::Applications)
                && model.fleet.filter.is_empty()
                && model.fleet.marks.is_empty() =>
        {
            Some("this is the first screen".to_owned())
        }
        Action::LogSave | Action::LogSearch | Action::LogFilter
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

/// Whether an action asks the cluster to change something.
const fn writes(action: Action) -> bool {
    matches!(
        action,
        Action::Sync
            | Action::Abort
            | Action::Retry
            | Action::Rerun
            | Action::Approve
            | Action::Rollback
            | Action::Resume
            | Action::AutoSync
            | Action::Repair
            | Action::Refresh
            | Action::HardRefresh
    )
}

/// The reason why this cannot be asked of an application, whatever is chosen; `None`: it can, as far as is known.
pub(super) fn why_not_ask(model: &Model, key: &AppKey, request: &Request) -> Option<String> {
    if model.settings.read_only {
        return Some(READ_ONLY.to_owned());
    }
    if model.connection != Connection::Started {
        return Some("no cluster is connected".to_owned());
    }
    reason(model, key, request)
}

/// The reason why an action means nothing on this screen; `None`: it does.
pub(super) fn why_not_here(model: &Model, action: Action) -> Option<String> {
    let own = action.info().context;
    // What is asked of an application, or about it, is found from everywhere by its name.
    let is_everywhere = matches!(own, Context::Target | Context::About | Context::Everywhere);
    (!is_everywhere && !model.contexts().contains(&own)).then(|| format!("it belongs to: {}", own.title()))
}

/// The one application that is chosen.
fn one(model: &Model) -> Result<AppKey, String> {
    match model.targets().as_slice() {
        [] => Err("there is no application".to_owned()),
        [key] => Ok(key.clone()),
        several => Err(format!("{} applications are chosen; it shows one", several.len())),
    }
}

/// Whether the chosen application waits for somebody.
fn approve(model: &Model) -> Option<String> {
    let key = match one(model) {
        Ok(key) => key,
        Err(reason) => return Some(reason),
    };
    match model.approval(&key) {
        None => Some("nothing waits for a confirmation".to_owned()),
        Some(Approval::Prune) => request(model, &Request::Confirm(Confirmation::Prune)),
        Some(Approval::Delete) => request(model, &Request::Confirm(Confirmation::Delete)),
        Some(Approval::Sync) => request(model, &Request::Sync(Box::<SyncOrder>::default())),
    }
}

fn rollback(model: &Model) -> Option<String> {
    let key = match one(model) {
        Ok(key) => key,
        Err(reason) => return Some(reason),
    };
    if model.details.get(&key).is_none_or(|details| details.application.is_none()) {
        // It is asked for, and told then.
        return request(model, &Request::Rollback { id: 0, prune: false, hooks: false });
    }
    match super::dialogs::rollback(model, &key, None) {
        Ok(DialogKind::Rollback { id, .. }) => request(model, &Request::Rollback { id, prune: false, hooks: false }),
        Ok(_) => None,
        Err(reason) => Some(reason),
    }
}

/// Whether the selected row has a log that was kept.
fn kept_log(model: &Model) -> Option<String> {
    match super::pages::selected(model) {
        Some(RowId::Task(task)) if matches!(task.object.kind.as_str(), "Job" | "Pod" | "Workflow") => None,
        Some(RowId::Task(_)) => Some("only hooks have logs here".to_owned()),
        Some(RowId::Operation(..)) => Some("open the operation first; its hooks have logs".to_owned()),
        _ => Some("no hook is selected".to_owned()),
    }
}

/// The hook Job of this name, with the UID of its last run; without a name the one that is selected, or matters most.
pub(super) fn hook_job(model: &Model, key: &AppKey, name: &str) -> Result<crate::domain::request::HookJob, String> {
    let details = model.details.get(key).ok_or("its hooks are not known yet")?;
    let screen = model.app_screen().filter(|screen| screen.key == *key);
    let selected = screen.and_then(|screen| screen.cursor.as_ref()).and_then(|cursor| details.task(cursor));
    let task = if name.is_empty() {
        selected.or_else(|| details.focus()).ok_or("no hook is known")?
    } else {
        let mut named = details.view.tasks().filter(|task| task.is_hook && task.key.object.name == name);
        named.next().ok_or_else(|| format!("its operation has no hook {name}"))?
    };
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
    if model.details.get(key).is_none_or(|details| !details.is_settled) {
        // They are asked for, and told then.
        return (model.connection != Connection::Started).then(|| "no cluster is connected".to_owned());
    }
    hook_job(model, key, "").err()
}

/// Whether what is selected on an application's screen has a log.
pub(super) fn has_log(model: &Model) -> bool {
    let selected = model.app_screen().and_then(|screen| Some((screen, screen.cursor.as_ref()?)));
    let task = selected.and_then(|(screen, cursor)| model.details.get(&screen.key)?.task(cursor));
    task.is_none_or(super::logs::has_log)
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
        // It is told in a moment, and its log with it.
        None if !details.is_settled => None,
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
