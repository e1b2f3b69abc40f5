//! `sync`.

use std::sync::Arc;

use jiff::Timestamp;

use crate::cli::act::{Act, Ended, Job};
use crate::cli::args::{AnswerArgs, Format, SyncArgs};
use crate::cli::exit::Exit;
use crate::cli::live::{Failure, Picture, Session, Stop, Targets, review};
use crate::cli::print::{Document, Printer, Tally, print_one};
use crate::cli::review::{NO_SOURCE, PlanOptions, Planned, SyncPlanDocument, full, short};
use crate::domain::application::{AppKey, Application};
use crate::domain::live::SourceRevisions;
use crate::domain::plan::Role;
use crate::domain::request::{Refusal, Request};
use crate::domain::text::one_line;

/// Characters of a text.
const LONGEST: usize = 300;
/// The plans of so many applications are shown in full; of more in a line each.
const IN_FULL: usize = 3;

/// An application with the plan of its sync, where it could be made.
pub(super) struct Target {
    pub key: AppKey,
    /// `None`: it is gone, or cannot be read.
    pub application: Option<Arc<Application>>,
    pub planned: Option<Planned>,
}

pub(in crate::cli) async fn sync(
    args: &SyncArgs,
    session: &mut Session,
    printer: &mut Printer,
    can_ask: bool,
) -> Result<Exit, Stop> {
    let chosen = Targets::required(&args.targets)?.choose_some(session).await?;
    let options = PlanOptions::of(args);
    let since = session.clock.now();
    let targets = plan(session, &chosen, &options).await?;
    show(&targets, session, printer, &args.answer, args.dry_run)?;
    if args.dry_run {
        let is_known = |target: &Target| {
            let plan = target.planned.as_ref().map(|planned| &planned.plan);
            matches!(plan, Some(Ok(plan)) if plan.totals().invalid == 0)
        };
        return Ok(if targets.iter().all(is_known) { Exit::Success } else { Exit::Findings });
    }
    let jobs = targets.iter().map(|target| job(target, &options, session)).collect();
    let mut act = Act {
        command: "sync",
        session,
        printer,
        answer: &args.answer,
        can_ask,
        jobs,
        tally: Tally::default(),
        is_alone: false,
        begin: None,
    };
    for (index, target) in targets.iter().enumerate() {
        if target.application.is_none() {
            act.end(index, Ended::new(Exit::NotFound, "it is gone, or cannot be read"))?;
        }
        if let Some(ended) = futile(target, &options, since) {
            act.end(index, ended)?;
        } else if let Some(job) = act.jobs.get(index).filter(|job| job.is_open())
            && let Request::Sync(order) = &job.request
            && order.revision.is_empty()
            && order.revisions.is_empty()
            && !matches!(&target.planned, Some(planned) if planned.plan.is_ok())
        {
            let words = "what the sync does is not known, and it is to the target revision, whatever that is by then";
            act.printer.note(&format!("boathook: {}: {words}", job.name));
        }
    }
    for target in &targets {
        if let Some(old) = outdated(target, &act.session.picture) {
            act.printer.note(&format!("boathook: {}: {old}", act.session.picture.name(&target.key)));
        }
    }
    act.carry_out(Some(&args.follow)).await
}

/// Plans the sync of each application.
pub(super) async fn plan(session: &mut Session, keys: &[AppKey], options: &PlanOptions) -> Result<Vec<Target>, Stop> {
    let mut reviews = review(session, keys, &options.revisions).await?;
    let now = session.clock.now();
    let mut targets = Vec::new();
    for key in keys {
        let application = session.picture.details(key).application.clone();
        let sources = application.as_ref().map_or(0, |application| application.spec.effective_sources().len());
        let given = options.revisions.len();
        if application.is_some() && given > 0 && given != sources {
            let name = session.picture.name(key);
            let line = format!("{name}: {}", Refusal::Revisions { sources, revisions: given });
            let failure = Failure::new(Exit::Usage, line);
            return Err(failure
                .advice("--revision once for each source, in their order; HEAD is a revision, too")
                .into());
        }
        let review = reviews.remove(key);
        let planned = application
            .as_deref()
            .zip(review)
            .map(|(application, review)| Planned::new(review, application, options, &session.picture, now));
        targets.push(Target { key: key.clone(), application, planned });
    }
    Ok(targets)
}

/// Says that a plan is of what was fetched before, because nothing can be fetched now.
pub(super) fn outdated(target: &Target, picture: &Picture) -> Option<String> {
    let sources = &target.planned.as_ref()?.review.revisions.sources;
    // The review may be from before the fetch failed.
    let problem = |source: &SourceRevisions| picture.repositories.get(&source.repository)?.problem.clone();
    sources.iter().filter(|source| source.target.is_some()).find_map(|source| {
        let problem = problem(source).or_else(|| source.problem.clone().filter(|_| !source.is_missing))?;
        let at = source.fetched.map_or_else(|| "some time".to_owned(), |at| format!("{at:.0}"));
        Some(one_line(&format!("the plan is of what was fetched before, at {at}: {problem}"), LONGEST))
    })
}

/// Why a sync would come to nothing: what it is to be of is not there.
fn futile(target: &Target, options: &PlanOptions, since: Timestamp) -> Option<Ended> {
    let has_source = |application: &Arc<Application>| !application.spec.effective_sources().is_empty();
    if !target.application.as_ref().is_none_or(has_source) {
        return Some(Ended::new(Exit::Findings, format!("nothing was sent: {NO_SOURCE}")));
    }
    let planned = target.planned.as_ref()?;
    // What was fetched before may lack a revision; a folder is missing at its commit for good.
    let is_certain = |source: &SourceRevisions| {
        source.is_missing && (source.target.is_some() || source.fetched.is_some_and(|at| at >= since))
    };
    match &planned.plan {
        Err(reason) if planned.review.revisions.sources.iter().any(is_certain) => {
            Some(Ended::new(Exit::Findings, format!("nothing was sent: {reason}")))
        }
        Ok(plan) if !options.resources.is_empty() && plan.tasks.iter().all(|task| task.role == Role::Namespace) => {
            Some(Ended::new(Exit::NotFound, "nothing was sent: none of its objects is what --resource means"))
        }
        _ => None,
    }
}

fn job(target: &Target, options: &PlanOptions, session: &Session) -> Job {
    let order = target
        .application
        .as_deref()
        .map(|application| options.order(application, target.planned.as_ref().map(|planned| &*planned.review)));
    Job::new(target.key.clone(), &session.picture, Request::Sync(Box::new(order.unwrap_or_default())))
}

pub(super) fn show(
    targets: &[Target],
    session: &Session,
    printer: &mut Printer,
    answer: &AnswerArgs,
    is_all: bool,
) -> Result<(), Failure> {
    for target in targets {
        let name = session.picture.name(&target.key);
        let Some(planned) = &target.planned else {
            printer.note(&format!("boathook: {name}: what the sync would do is not known"));
            continue;
        };
        match &answer.output {
            Format::Text | Format::Wide => {
                let text = if targets.len() > IN_FULL {
                    short(&name, planned, printer)
                } else {
                    full(&name, planned, printer)
                };
                printer.print(&text)?;
            }
            // Names and what a path selects are of results, unless the plan is all there is.
            Format::Name | Format::Path(_) if !is_all => {}
            format => {
                let document = Document::new(&SyncPlanDocument::new(&target.key, planned));
                let name = format!("{}/{}", target.key.namespace, target.key.name);
                print_one(printer, format, &document, Some(&name))?;
            }
        }
    }
    Ok(())
}
