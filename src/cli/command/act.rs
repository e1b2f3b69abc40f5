//! `abort`, `retry` and `resume`; `refresh`, `rollback`, `rerun` and `approve`.

use std::time::Duration;

use super::get_app::{one, opened};
use super::sync;
use super::wait::{first_of_each_namespace, is_controlled};
use crate::cli::act::{Act, Ended, Job};
use crate::cli::args::{
    ActArgs, AnswerArgs, ApproveArgs, FollowArgs, RefreshArgs, RerunArgs, RollbackArgs, TargetArgs,
};
use crate::cli::exit::Exit;
use crate::cli::live::{Failure, Session, Stop, Targets, full_name};
use crate::cli::print::{Printer, Tally, health, revision, standing};
use crate::cli::review::PlanOptions;
use crate::domain::application::AppKey;
use crate::domain::request::{Confirmation, HookJob, Refusal, Request, WriteBody};
use crate::domain::text::one_line;

/// What is asked for, and how.
struct Errand<'a> {
    command: &'static str,
    answer: &'a AnswerArgs,
    follow: Option<&'a FollowArgs>,
    can_ask: bool,
    /// It is only shown.
    dry_run: bool,
}

impl<'a> Errand<'a> {
    fn act(&self, session: &'a mut Session, printer: &'a mut Printer, keys: Vec<AppKey>, request: &Request) -> Act<'a> {
        let jobs = keys.into_iter().map(|key| Job::new(key, &session.picture, request.clone())).collect();
        let (command, answer, can_ask) = (self.command, self.answer, self.can_ask);
        Act { command, session, printer, answer, can_ask, jobs, tally: Tally::default(), is_alone: false, begin: None }
    }

    async fn carry_out(
        &self,
        session: &'a mut Session,
        printer: &'a mut Printer,
        keys: Vec<AppKey>,
        request: &Request,
    ) -> Result<Exit, Stop> {
        let act = self.act(session, printer, keys, request);
        if self.dry_run { act.show_only().await } else { act.carry_out(self.follow).await }
    }
}

async fn chosen(targets: &TargetArgs, session: &mut Session) -> Result<Vec<AppKey>, Stop> {
    Targets::required(targets)?.choose_some(session).await
}

/// What needs no more words than its targets.
pub(in crate::cli) async fn plain(
    command: &'static str,
    request: &Request,
    args: &ActArgs,
    session: &mut Session,
    printer: &mut Printer,
    can_ask: bool,
) -> Result<Exit, Stop> {
    let keys = chosen(&args.targets, session).await?;
    let errand = Errand { command, answer: &args.answer, follow: Some(&args.follow), can_ask, dry_run: args.dry_run };
    errand.carry_out(session, printer, keys, request).await
}

pub(in crate::cli) async fn rollback(
    args: &RollbackArgs,
    session: &mut Session,
    printer: &mut Printer,
    can_ask: bool,
) -> Result<Exit, Stop> {
    let key = opened(&args.name, session, printer).await?;
    let application = session.picture.details(&key).application.clone();
    let history = application.as_ref().map(|application| application.status.history.clone()).unwrap_or_default();
    let id = match args.id {
        Some(id) => id,
        None => application.as_ref().and_then(|own| own.rollback_entry()).map(|entry| entry.id).ok_or_else(|| {
            let what = if history.is_empty() { "was never deployed" } else { "was deployed only once" };
            Failure::new(Exit::NotFound, format!("{} {what}: there is nothing to go back to", args.name))
        })?,
    };
    if !history.iter().any(|entry| entry.id == id) {
        let mut failure = Failure::new(Exit::NotFound, format!("the history of {} has no entry {id}", args.name));
        for entry in &history {
            failure = failure.detail(format!("{} {}", entry.id, revision(&entry.revision)));
        }
        return Err(failure.into());
    }
    let request = Request::Rollback { id, prune: args.prune, hooks: args.hooks };
    let errand = Errand {
        command: "rollback",
        answer: &args.answer,
        follow: Some(&args.follow),
        can_ask,
        dry_run: args.dry_run,
    };
    errand.carry_out(session, printer, vec![key], &request).await
}

pub(in crate::cli) async fn rerun(
    args: &RerunArgs,
    session: &mut Session,
    printer: &mut Printer,
    can_ask: bool,
) -> Result<Exit, Stop> {
    let key = opened(&args.name, session, printer).await?;
    let hook = hook_job(args, &key, session)?;
    let request = Request::RerunHook { hook, why: args.why.clone() };
    let errand = Errand { command: "rerun", answer: &args.answer, follow: None, can_ask, dry_run: false };
    errand.carry_out(session, printer, vec![key], &request).await
}

/// The Job of the hook's last run.
fn hook_job(args: &RerunArgs, key: &AppKey, session: &mut Session) -> Result<HookJob, Failure> {
    let now = session.clock.now();
    let view = session.picture.details(key).view(now);
    let hooks = || view.tasks().filter(|task| task.is_hook);
    let is_meant = |kind: &str, name: &str| name == args.hook || args.hook == format!("{kind}/{name}");
    let found = hooks().find(|task| is_meant(&task.key.object.kind, &task.key.object.name));
    let Some(task) = found else {
        let mut failure = Failure::new(Exit::NotFound, format!("the last operation had no hook {}", args.hook));
        for task in hooks() {
            failure = failure.detail(format!("it had {} {}", task.key.object.kind, task.key.object.name));
        }
        return Err(failure);
    };
    let refused = |words: String| Failure::new(Exit::Refused, words);
    if task.key.object.kind != "Job" {
        return Err(refused(format!("the hook is a {}; only Jobs can be run again", task.key.object.kind)));
    }
    let namespace = task.key.object.namespace.clone();
    let Some(run) = task.attempts.last() else {
        if !task.is_recorded {
            return Err(refused(format!("the hook {} has not run", args.hook)));
        }
        // It ran before this operation, which took its result over.
        return Ok(HookJob { namespace, name: task.key.object.name.clone(), uid: String::new() });
    };
    if run.is_gone {
        let line = format!("the Job of {} does not exist any more: it was deleted after it ran", args.hook);
        let retry = session.hints.about("retry", key);
        return Err(refused(line).advice(format!("{retry}, which runs all hooks again")));
    }
    Ok(HookJob { namespace, name: run.name.clone(), uid: run.uid.clone() })
}

pub(in crate::cli) async fn refresh(
    args: &RefreshArgs,
    session: &mut Session,
    printer: &mut Printer,
    can_ask: bool,
) -> Result<Exit, Stop> {
    let keys = chosen(&args.targets, session).await?;
    let request = Request::Refresh { hard: args.hard };
    // It changes nothing: nobody has to be asked.
    let answer = AnswerArgs { yes: true, ..args.answer.clone() };
    let errand = Errand { command: "refresh", answer: &answer, follow: None, can_ask, dry_run: false };
    let mut act = errand.act(session, printer, keys, &request);
    if !args.wait {
        return act.carry_out(None).await;
    }
    // Nobody would do it, and there is no end to wait for.
    let keys: Vec<AppKey> = act.jobs.iter().map(|job| job.key.clone()).collect();
    for first in first_of_each_namespace(&keys) {
        if is_controlled(&first, act.session).await? {
            continue;
        }
        for index in keys.iter().enumerate().filter(|(_, key)| key.namespace == first.namespace).map(|(index, _)| index)
        {
            act.end(index, Ended::new(Exit::Refused, Refusal::NoController.to_string()))?;
        }
    }
    if act.preview(args.timeout).await? {
        act.send().await?;
        compared(&mut act, args.timeout).await?;
    }
    act.conclude()
}

/// Waits until every comparison is done: an application that was written after the request, and asks for none.
async fn compared(act: &mut Act<'_>, timeout: Option<Duration>) -> Result<(), Stop> {
    act.session.limit(timeout);
    loop {
        for index in 0..act.jobs.len() {
            let Some(job) = act.jobs.get(index).filter(|job| job.is_open()) else { continue };
            let Some(known) = act.session.picture.apps.get(&job.key) else {
                act.end(index, Ended::new(Exit::NotFound, "the application is gone"))?;
                continue;
            };
            let Some(summary) = known.summary() else { continue };
            if summary.refresh.is_none() && is_after(&summary.resource_version, job) {
                let words = format!("{}, {}", standing(summary).text, health(summary.health).text);
                act.end(index, Ended::new(Exit::Success, words))?;
            }
        }
        if act.jobs.iter().all(|job| !job.is_open()) {
            return Ok(());
        }
        match act.session.next().await {
            Err(Stop::TimedOut) => {
                return Ok(act.end_all(|_| Ended::new(Exit::TimedOut, "not compared in time"))?);
            }
            news => drop(news?),
        }
        act.session.tell_outages(act.printer);
    }
}

/// Whether a version is later than the one that has the request, or than the one that it was based on if that is not
/// known.
fn is_after(version: &str, job: &Job) -> bool {
    let write = job.preview.as_ref().and_then(|preview| preview.write.as_ref().ok());
    let base = write.and_then(|write| match &write.body {
        WriteBody::Merge(patch) => patch.pointer("/metadata/resourceVersion")?.as_str(),
        _ => None,
    });
    let number = |text: &str| text.parse::<u64>().ok();
    let base = Some(job.version.as_str()).filter(|own| !own.is_empty()).or(base);
    match (base.and_then(number), number(version)) {
        (Some(base), Some(version)) => version > base,
        // They are no numbers: then any other.
        _ => base != Some(version),
    }
}

pub(in crate::cli) async fn approve(
    args: &ApproveArgs,
    session: &mut Session,
    printer: &mut Printer,
    can_ask: bool,
) -> Result<Exit, Stop> {
    let key = one(&args.name, session).await?;
    let errand =
        Errand { command: "approve", answer: &args.answer, follow: Some(&args.follow), can_ask, dry_run: false };
    let Some(wanted) = &args.revision else {
        let what = if args.prune { Confirmation::Prune } else { Confirmation::Delete };
        let errand = Errand { follow: Some(&args.follow).filter(|_| args.prune), ..errand };
        return errand.carry_out(session, printer, vec![key], &Request::Confirm(what)).await;
    };
    let options = PlanOptions::default();
    let targets = sync::plan(session, std::slice::from_ref(&key), &options).await?;
    let target = targets.first().and_then(|target| Some((target.application.as_deref()?, target.planned.as_ref()?)));
    let Some((application, planned)) = target else {
        let line = format!("what the target of {} means now is not known", args.name);
        return Err(Failure::new(Exit::Refused, line).into());
    };
    let commits = &planned.review.commits;
    let is_meant = matches!(commits.as_slice(), [only] if wanted.len() >= 7 && only.starts_with(wanted.as_str()));
    if !is_meant {
        let now = commits.iter().map(|commit| revision(commit)).collect::<Vec<_>>().join(", ");
        let line = if commits.is_empty() {
            format!("what the target of {} means now is not known", args.name)
        } else {
            format!("the target of {} is {now} now, and not {}", args.name, one_line(wanted, 60))
        };
        let failure = Failure::new(Exit::Refused, line).advice(format!(
            "{}, to see what it would do",
            session.hints.command(&format!("sync {} --dry-run", full_name(&key)))
        ));
        return Err(failure.into());
    }
    let order = options.order(application, Some(&planned.review));
    if order.revision.is_empty() && order.revisions.is_empty() {
        let line =
            format!("automated sync is on, and its controller has not compared {} with this commit yet", args.name);
        return Err(Failure::new(Exit::Refused, line)
            .advice(session.hints.command(&format!("refresh {} --wait", full_name(&key))))
            .into());
    }
    let request = Request::Sync(Box::new(order));
    sync::show(&targets, session, printer, &args.answer, false)?;
    errand.carry_out(session, printer, vec![key], &request).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::live::Picture;

    #[test]
    fn a_comparison_is_later_than_the_write_that_asked_for_it() {
        let key = AppKey::new("c", "argocd", "shop");
        let mut job = Job::new(key, &Picture::default(), Request::Refresh { hard: false });
        "12".clone_into(&mut job.version);
        for (version, expected) in [("11", false), ("12", false), ("13", true), ("9", false), ("113", true)] {
            assert_eq!(is_after(version, &job), expected, "{version}");
        }
    }
}
