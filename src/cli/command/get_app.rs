//! `get app`.

use std::fmt::Write;
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::args::{GetAppArgs, TargetArgs};
use crate::cli::exit::Exit;
use crate::cli::live::{Details, Failure, Known, Session, Stop, Targets};
use crate::cli::print::{
    ApplicationDocument, Cell, ConditionEntry, DetailsEntry, Document, Printer, Table, Tone, ago, health, print_all,
    revision, short_revisions, standing, task_rows,
};
use crate::domain::application::{AppKey, Application};
use crate::domain::live::{HookAccess, OperationRecord};
use crate::domain::project::Decision;
use crate::domain::request::{Controller, Refusal};
use crate::domain::text::one_line;
use crate::domain::timeline::{OperationStatus, OperationView};

/// How long the hooks may take to be read; then what is known is shown, and that there may be more.
const PATIENCE: Duration = Duration::from_secs(15);
/// Characters of a text.
const LONGEST: usize = 500;

pub(in crate::cli) async fn get_app(
    args: &GetAppArgs,
    session: &mut Session,
    printer: &mut Printer,
) -> Result<Exit, Stop> {
    let key = opened(&args.name, session, printer).await?;
    let now = session.clock.now();
    let picture = &mut session.picture;
    let known = picture.apps.get(&key).cloned();
    let details = picture.details(&key);
    let (Some(known), Some(application)) = (known, details.application.clone()) else {
        return Err(gone(&key).into());
    };
    let view = details.view(now);
    if args.output.is_text() {
        let text = text(printer, details, &application, &known, &view, now);
        printer.print(&text)?;
        return Ok(Exit::Success);
    }
    let entry = DetailsEntry {
        controller: controller(&details.controller),
        window: details.windows.as_ref().map(window).unwrap_or_default(),
        hooks: hooks(&details.hooks),
        conditions: application
            .status
            .conditions
            .iter()
            .map(|condition| ConditionEntry {
                kind: condition.kind.clone(),
                message: condition.message.clone(),
                since: condition.last_transition_time,
            })
            .collect(),
        operation: OperationRecord::of(&view, &key, &application.metadata.uid),
    };
    let document = Document::new(&ApplicationDocument::new(&key, &known).with_details(entry));
    print_all(printer, &args.output, &document, &[format!("{}/{}", key.namespace, key.name)])?;
    Ok(Exit::Success)
}

/// The one application of this name.
pub(super) async fn one(name: &str, session: &mut Session) -> Result<AppKey, Stop> {
    let chosen = Targets::required(&TargetArgs::named(name))?.choose_some(session).await?;
    let key = chosen.into_iter().next().ok_or_else(|| Failure::new(Exit::NotFound, "no application is meant"))?;
    if let Some(Known::Unreadable(reason)) = session.picture.apps.get(&key) {
        return Err(Failure::new(Exit::Findings, format!("the Application {name} cannot be read: {reason}")).into());
    }
    Ok(key)
}

/// The one application of this name, opened.
pub(super) async fn opened(name: &str, session: &mut Session, printer: &Printer) -> Result<AppKey, Stop> {
    let key = one(name, session).await?;
    open(&key, session, printer).await?;
    Ok(key)
}

/// Opens an application, and waits until what there is of it has been told.
pub(super) async fn open(key: &AppKey, session: &mut Session, printer: &Printer) -> Result<(), Stop> {
    session.live.open(key);
    let until = session.clock.monotonic().saturating_add(PATIENCE);
    session.tick_every(Some(Duration::from_millis(500)));
    let clock = session.clock.clone();
    let settled = session
        .until(|picture| {
            let is_gone = picture.is_complete && !picture.apps.contains_key(key);
            let details = picture.details(key);
            if is_gone || (details.is_settled && details.application.is_some()) {
                return Some(true);
            }
            (clock.monotonic() >= until).then_some(false)
        })
        .await?;
    session.tick_every(None);
    if session.picture.details(key).application.is_none() {
        return Err(gone(key).into());
    }
    if !settled {
        printer.note(
            "boathook: the cluster of the hooks takes long to answer; what is shown of them may be less than there is",
        );
    }
    Ok(())
}

pub(super) fn gone(key: &AppKey) -> Failure {
    Failure::new(Exit::NotFound, format!("the application {}/{} is gone", key.namespace, key.name))
}

const fn controller(controller: &Controller) -> &'static str {
    match controller {
        Controller::ArgoCd => "Argo CD",
        Controller::Engine => "boathook engine",
        Controller::None => "none",
        Controller::Unknown => "unknown",
    }
}

fn hooks(access: &HookAccess) -> String {
    match access {
        HookAccess::Unknown => "not known yet".to_owned(),
        HookAccess::Watched { cluster } => format!("watched on {cluster}"),
        HookAccess::None { cluster, missing } => format!("no access to {cluster}: {missing}"),
    }
}

fn window(decision: &Decision) -> String {
    match decision {
        Decision::Allowed => "a sync may run now".to_owned(),
        other => Refusal::Window(other.clone()).to_string(),
    }
}

fn text(
    printer: &Printer,
    details: &Details,
    application: &Application,
    known: &Known,
    view: &OperationView,
    now: Timestamp,
) -> String {
    let mut text = format!("{}\n", printer.tone(Tone::Strong, &one_line(&application.key.name, LONGEST)));
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {} {value}", printer.tone(Tone::Dim, &format!("{name:<12}")));
        }
    };
    let tone = |cell: &Cell| printer.tone(cell.tone, &cell.text);
    row("namespace", &one_line(&application.key.namespace, LONGEST));
    row("project", &one_line(application.project(), LONGEST));
    for source in application.spec.effective_sources() {
        let what = if source.chart.is_empty() { &source.path } else { &source.chart };
        let target = source.effective_target_revision();
        row("source", &one_line(&format!("{} {what} at {target}", source.repo_url), LONGEST));
    }
    let destination = &application.spec.destination;
    let place = if destination.name.is_empty() { &destination.server } else { &destination.name };
    row("destination", &one_line(&format!("{place} namespace {}", destination.namespace), LONGEST));
    if let Some(summary) = known.summary() {
        let at = revision(application.revision());
        let at = if at.is_empty() { at } else { format!(" at {at}") };
        row("sync", &format!("{}{at}", tone(&standing(summary))));
        row("health", &tone(&health(summary.health)));
        row("automated", if summary.automated { "yes" } else { "no" });
    }
    row("controller", controller(&details.controller));
    let decision = details.windows.as_ref();
    row("window", &decision.filter(|decision| !decision.is_allowed()).map(window).unwrap_or_default());
    for condition in &application.status.conditions {
        let line = one_line(&format!("{}: {}", condition.kind, condition.message), LONGEST);
        row("condition", &printer.tone(Tone::Warning, &line));
    }
    row("hooks", &if matches!(details.hooks, HookAccess::None { .. }) { hooks(&details.hooks) } else { String::new() });
    row("operation", &operation(view, now));
    row("message", &one_line(&view.message, LONGEST));
    let mut table = Table::new(&["PHASE", "WAVE", "TASK", "STATE", "TIME", "MESSAGE"]);
    for cells in task_rows(view, &destination.namespace, false) {
        table.push(cells);
    }
    if !table.is_empty() {
        text.push('\n');
        text.push_str(&table.text(printer.paint));
    }
    text
}

/// `Succeeded in 42s, 5m ago, by alice, to 6f1c0aa`.
fn operation(view: &OperationView, now: Timestamp) -> String {
    if view.state == OperationStatus::None {
        return "none yet".to_owned();
    }
    let mut text = view.phase.map_or_else(|| "requested".to_owned(), |phase| format!("{phase:?}"));
    if let Some(elapsed) = view.elapsed {
        let _ = write!(text, " {} {elapsed}", if view.state.is_over() { "in" } else { "for" });
    }
    if let Some(finished) = view.finished_at.filter(|_| view.state.is_over()) {
        let _ = write!(text, ", {} ago", ago(finished, now));
    }
    let by = &view.request.initiated_by;
    if by.automated {
        text.push_str(", automated");
    } else if !by.username.is_empty() {
        let _ = write!(text, ", by {}", one_line(&by.username, 80));
    }
    if view.attempt > 1 {
        let _ = write!(text, ", attempt {}", view.attempt);
    }
    if !view.revisions.is_empty() {
        let _ = write!(text, ", to {}", short_revisions(&view.revisions));
    }
    if view.is_dry_run() {
        text.push_str(", dry run");
    }
    text
}
