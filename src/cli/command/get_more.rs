//! `get hooks`, `get history` and `get windows`.

use jiff::Timestamp;
use serde::Serialize;

use super::get_app::{open, opened};
use super::kept::{Found, history, one_or_kept, tell_age};
use crate::cli::args::{GetAppArgs, GetAppsArgs};
use crate::cli::exit::Exit;
use crate::cli::live::{Failure, Session, Stop, Targets};
use crate::cli::print::{
    API_VERSION, Cell, Document, Printer, Table, Tone, ago, print_all, revision, short_revisions, task_rows,
};
use crate::domain::application::HistoryEntry;
use crate::domain::live::{OperationRecord, TaskRecord};
use crate::domain::project::{SyncWindow, WindowKind};
use crate::domain::text::{duration, one_line};

/// Characters of a text.
const LONGEST: usize = 300;

/// Kind `HookList`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HookList {
    api_version: &'static str,
    kind: &'static str,
    cluster: String,
    namespace: String,
    application: String,
    /// Begin of the operation.
    started_at: Option<Timestamp>,
    items: Vec<TaskRecord>,
}

pub(in crate::cli) async fn get_hooks(
    args: &GetAppArgs,
    session: &mut Session,
    printer: &mut Printer,
) -> Result<Exit, Stop> {
    let key = opened(&args.name, session, printer).await?;
    let now = session.clock.now();
    let details = session.picture.details(&key);
    let view = details.view(now);
    let application = details.application.clone();
    if args.output.is_text() {
        let destination = application.as_ref().map_or("", |own| own.spec.destination.namespace.as_str());
        let mut table = Table::new(&["PHASE", "WAVE", "HOOK", "STATE", "TIME", "MESSAGE"]);
        for row in task_rows(&view, destination, true) {
            table.push(row);
        }
        if table.is_empty() {
            printer.note("no hooks were seen in the last operation");
            return Ok(Exit::Success);
        }
        printer.print(&table.text(printer.paint))?;
        return Ok(Exit::Success);
    }
    let uid = application.map(|own| own.metadata.uid.clone()).unwrap_or_default();
    let record = OperationRecord::of(&view, &key, &uid).unwrap_or_default();
    let items: Vec<TaskRecord> = record.tasks.into_iter().filter(|task| task.is_hook).collect();
    let names: Vec<String> = items.iter().map(|task| format!("{}/{}", task.kind, task.name)).collect();
    let document = Document::new(&HookList {
        api_version: API_VERSION,
        kind: "HookList",
        cluster: key.cluster.to_string(),
        namespace: key.namespace.to_string(),
        application: key.name.to_string(),
        started_at: view.started_at,
        items,
    });
    print_all(printer, &args.output, &document, &names)?;
    Ok(Exit::Success)
}

/// Kind `History`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct History<'a> {
    api_version: &'static str,
    kind: &'static str,
    cluster: String,
    namespace: String,
    application: String,
    deployments: Vec<Deployment>,
    operations: Vec<&'a OperationRecord>,
    /// Why the cluster cannot be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreachable: Option<String>,
}

/// A sync that succeeded, as Argo CD keeps it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Deployment {
    id: i64,
    revisions: Vec<String>,
    started_at: Option<Timestamp>,
    deployed_at: Option<Timestamp>,
    initiated_by: String,
    automated: bool,
}

pub(in crate::cli) async fn get_history(
    args: &GetAppArgs,
    session: &mut Session,
    printer: &mut Printer,
) -> Result<Exit, Stop> {
    let (key, away) = match one_or_kept(&args.name, session).await? {
        Found::There(key) => {
            open(&key, session, printer).await?;
            (key, None)
        }
        Found::Kept(key, failure) => (key, Some(failure)),
    };
    let kept = history(&key, session).await?;
    if let Some(failure) = &away {
        tell_age(&key, failure, &kept, session, printer);
    }
    let now = session.clock.now();
    let application = session.picture.details(&key).application.clone();
    let deployed = application.as_ref().map(|own| own.status.history.as_slice()).unwrap_or_default();
    if args.output.is_text() {
        let text = history_text(deployed, kept.iter().map(AsRef::as_ref), now, printer);
        if text.is_empty() && away.is_none() {
            printer.note("nothing was deployed yet, and no operation was seen");
        }
        printer.print(&text)?;
        return Ok(Exit::Success);
    }
    let deployments = deployed
        .iter()
        .map(|entry| Deployment {
            id: entry.id,
            revisions: revisions(entry),
            started_at: entry.deploy_started_at,
            deployed_at: entry.deployed_at,
            initiated_by: entry.initiated_by.username.clone(),
            automated: entry.initiated_by.automated,
        })
        .collect();
    let names: Vec<String> = deployed.iter().map(|entry| entry.id.to_string()).collect();
    let document = Document::new(&History {
        api_version: API_VERSION,
        kind: "History",
        cluster: key.cluster.to_string(),
        namespace: key.namespace.to_string(),
        application: key.name.to_string(),
        deployments,
        operations: kept.iter().map(AsRef::as_ref).collect(),
        unreachable: away.map(|failure| failure.words()),
    });
    print_all(printer, &args.output, &document, &names)?;
    Ok(Exit::Success)
}

fn revisions(entry: &HistoryEntry) -> Vec<String> {
    if entry.revisions.is_empty() { vec![entry.revision.clone()] } else { entry.revisions.clone() }
}

fn history_text<'a>(
    deployed: &[HistoryEntry],
    kept: impl Iterator<Item = &'a OperationRecord>,
    now: Timestamp,
    printer: &Printer,
) -> String {
    let mut text = String::new();
    let by = |automated: bool, name: &str| if automated { "auto".to_owned() } else { one_line(name, 80) };
    let time = |at: Option<Timestamp>| at.map(|at| format!("{at:.0}")).unwrap_or_default();
    let mut table = Table::new(&["ID", "REVISION", "DEPLOYED", "AGE", "BY"]);
    for entry in deployed.iter().rev() {
        table.push(vec![
            Cell::new(Tone::Strong, entry.id.to_string()),
            Cell::plain(short_revisions(&revisions(entry))),
            Cell::plain(time(entry.deployed_at)),
            Cell::new(Tone::Dim, entry.deployed_at.map(|at| ago(at, now)).unwrap_or_default()),
            Cell::plain(by(entry.initiated_by.automated, &entry.initiated_by.username)),
        ]);
    }
    if !table.is_empty() {
        text.push_str(&printer.tone(Tone::Strong, "Deployed"));
        text.push('\n');
        text.push_str(&table.text(printer.paint));
    }
    let mut table = Table::new(&["STARTED", "PHASE", "TOOK", "REVISION", "BY", "FAILED"]);
    let mut kept: Vec<&OperationRecord> = kept.collect();
    kept.reverse();
    for record in kept {
        let took = record.started_at.zip(record.finished_at);
        let took = took.map(|(start, end)| duration(end.as_second() - start.as_second())).unwrap_or_default();
        let failed: Vec<String> = record
            .tasks
            .iter()
            .filter(|task| task.state == "failed" || task.state == "stopped")
            .map(|task| one_line(&format!("{}/{}", task.kind, task.name), LONGEST))
            .collect();
        let tone = if record.phase == "Succeeded" { Tone::Good } else { Tone::Bad };
        table.push(vec![
            Cell::plain(record.started_at.map(|at| at.to_string()).unwrap_or_default()),
            Cell::new(tone, one_line(&record.phase, 40)),
            Cell::plain(took),
            Cell::plain(record.revisions.iter().map(|own| revision(own)).collect::<Vec<_>>().join(", ")),
            Cell::plain(by(record.automated, &record.initiated_by)),
            Cell::new(Tone::Bad, failed.join(", ")),
        ]);
    }
    if !table.is_empty() {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&printer.tone(Tone::Strong, "Operations that were followed"));
        text.push('\n');
        text.push_str(&table.text(printer.paint));
    }
    text
}

/// Kind `WindowList`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WindowList {
    api_version: &'static str,
    kind: &'static str,
    cluster: String,
    items: Vec<WindowEntry>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WindowEntry {
    project: String,
    window: &'static str,
    schedule: String,
    duration: String,
    time_zone: String,
    applications: Vec<String>,
    namespaces: Vec<String>,
    clusters: Vec<String>,
    manual_sync: bool,
    open: bool,
    /// When it opens or closes next.
    until: Option<Timestamp>,
    /// Why it cannot be judged; then Argo CD lets nothing run.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

pub(in crate::cli) async fn get_windows(
    args: &GetAppsArgs,
    session: &mut Session,
    printer: &mut Printer,
) -> Result<Exit, Stop> {
    let targets = Targets::of(&args.targets)?;
    let chosen = targets.choose(session).await?;
    let known = session.until(|picture| picture.projects_known.clone()).await?;
    if let Err((why, is_transient)) = known {
        let exit = if is_transient { Exit::Unreachable } else { Exit::NoAccess };
        let failure = Failure::new(exit, "the sync windows are not known").detail(why);
        return Err(failure.detail("the controller knows them, and holds back what one of them denies").into());
    }
    let now = session.clock.now();
    let picture = &session.picture;
    let is_wanted = |project: &str| {
        args.targets.is_empty()
            || chosen.iter().filter_map(|key| picture.apps.get(key)?.summary()).any(|own| *own.project == *project)
    };
    let projects = picture.projects.values().filter(|project| is_wanted(&project.name));
    let items: Vec<WindowEntry> =
        projects.flat_map(|project| project.windows.iter().map(|window| entry(&project.name, window, now))).collect();
    if args.output.is_text() {
        if items.is_empty() {
            printer.note("no sync windows: a sync may run at any time");
            return Ok(Exit::Success);
        }
        let mut table =
            Table::new(&["PROJECT", "KIND", "STATE", "UNTIL", "SCHEDULE", "DURATION", "ZONE", "FOR", "MANUAL"]);
        for item in &items {
            table.push(row(item));
        }
        printer.print(&table.text(printer.paint))?;
        return Ok(Exit::Success);
    }
    let names: Vec<String> = items.iter().map(|item| item.project.clone()).collect();
    let cluster = picture.cluster.to_string();
    let document = Document::new(&WindowList { api_version: API_VERSION, kind: "WindowList", cluster, items });
    print_all(printer, &args.output, &document, &names)?;
    Ok(Exit::Success)
}

fn entry(project: &str, window: &SyncWindow, now: Timestamp) -> WindowEntry {
    let judged = window.is_active(now).and_then(|open| {
        let until = if open { window.closing(now)? } else { window.next_opening(now)? };
        Ok((open, until))
    });
    let (open, until, problem) = match judged {
        Ok((open, until)) => (open, until, None),
        Err(error) => (false, None, Some(error.to_string())),
    };
    WindowEntry {
        project: project.to_owned(),
        window: match window.kind {
            Some(WindowKind::Allow) => "allow",
            Some(WindowKind::Deny) => "deny",
            None => "unknown",
        },
        schedule: window.schedule.clone(),
        duration: window.duration.clone(),
        time_zone: if window.time_zone.is_empty() { "UTC".to_owned() } else { window.time_zone.clone() },
        applications: window.applications.clone(),
        namespaces: window.namespaces.clone(),
        clusters: window.clusters.clone(),
        manual_sync: window.manual_sync,
        open,
        until,
        problem,
    }
}

fn row(item: &WindowEntry) -> Vec<Cell> {
    let text = |text: &str| Cell::plain(one_line(text, LONGEST));
    let named = [("apps", &item.applications), ("namespaces", &item.namespaces), ("clusters", &item.clusters)];
    let concerns: Vec<String> = named
        .into_iter()
        .filter(|(_, own)| !own.is_empty())
        .map(|(what, own)| format!("{what} {}", own.join(",")))
        .collect();
    let state = match (&item.problem, item.open) {
        (Some(_), _) => Cell::new(Tone::Bad, "broken"),
        (None, true) => Cell::new(if item.window == "deny" { Tone::Warning } else { Tone::Good }, "open"),
        (None, false) => Cell::new(Tone::Dim, "closed"),
    };
    vec![
        text(&item.project),
        text(item.window),
        state,
        Cell::plain(item.until.map(|at| format!("{at:.0}")).unwrap_or_default()),
        text(&item.schedule),
        text(&item.duration),
        text(&item.time_zone),
        text(&concerns.join("; ")),
        Cell::plain(if item.manual_sync { "yes" } else { "no" }),
    ]
}
