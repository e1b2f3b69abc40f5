//! `plan --app`.

use std::fmt::Write;

use super::get_app::one;
use super::sync::{outdated, plan};
use crate::cli::args::{AppPlanArgs, Format, Output, PlanArgs};
use crate::cli::exit::Exit;
use crate::cli::live::{Failure, Session, Stop};
use crate::cli::print::{Document, Printer, print_all};
use crate::cli::review::{PlanOptions, Planned, SyncPlanDocument, full};
use crate::domain::findings::{Finding, Settings, Severity, check};
use crate::domain::manifest::Object;
use crate::domain::operation::Strategy;
use crate::domain::text::one_line;

/// Characters of a message.
const LONGEST: usize = 600;

pub(in crate::cli) async fn plan_app(
    args: &PlanArgs,
    app: &AppPlanArgs,
    session: &mut Session,
    printer: &mut Printer,
) -> Result<Exit, Stop> {
    let name = app.app.as_deref().unwrap_or_default();
    let key = one(name, session).await?;
    let options = PlanOptions {
        revisions: args.revisions.clone(),
        strategy: if args.apply_only { Strategy::Apply { force: false } } else { Strategy::default() },
        resources: args.resources.clone(),
        sync_options: args.sync_options.clone(),
        ..PlanOptions::default()
    };
    let targets = plan(session, std::slice::from_ref(&key), &options).await?;
    if let Some(old) = targets.first().and_then(|target| outdated(target, &session.picture)) {
        printer.note(&format!("boathook: {}: {old}", session.picture.name(&key)));
    }
    let Some(planned) = targets.into_iter().next().and_then(|target| target.planned) else {
        return Err(Failure::new(Exit::NotFound, format!("what a sync of {name} would do is not known")).into());
    };
    let findings = findings(args, &planned);
    let count = |severity| findings.iter().filter(|own| own.severity() == severity).count();
    let is_invalid = !matches!(&planned.plan, Ok(plan) if plan.totals().invalid == 0);
    let is_wrong = is_invalid || count(Severity::Error) > 0 || (args.strict && count(Severity::Warning) > 0);
    match args.output {
        Output::Text => {
            let mut text = full(&session.picture.name(&key), &planned, printer);
            for finding in &findings {
                text.push_str(&said(finding, &planned, printer));
            }
            printer.print(&text)?;
        }
        Output::Json | Output::Yaml => {
            let named = findings.iter().map(|finding| {
                let objects = finding.object.iter().chain(&finding.others);
                let objects = objects.filter_map(|index| planned.review.targets.get(*index)).map(|own| title(own));
                (finding, objects.collect())
            });
            let document = SyncPlanDocument::new(&key, &planned).with_findings(named);
            let document = Document::new(&document);
            let format = if args.output == Output::Yaml { Format::Yaml } else { Format::Json };
            print_all(printer, &format, &document, &[])?;
        }
    }
    Ok(if is_wrong { Exit::Findings } else { Exit::Success })
}

fn findings(args: &PlanArgs, planned: &Planned) -> Vec<Finding> {
    let settings = Settings {
        namespace: planned.namespace.clone(),
        revision: planned.review.commits.first().cloned(),
        sync_options: args.sync_options.clone(),
        without_hooks: args.apply_only || !args.resources.is_empty(),
    };
    let mut findings = check(planned.review.targets.iter().map(AsRef::as_ref), &settings);
    let least = Severity::from(args.severity);
    findings.retain(|finding| finding.severity() <= least && !args.ignored.contains(&finding.code));
    findings
}

fn said(finding: &Finding, planned: &Planned, printer: &Printer) -> String {
    let severity = finding.severity();
    let head = printer.paint.severity(severity, &format!("{severity} {}", finding.code));
    let mut text = format!("\n{head}: {}\n", one_line(&finding.message, LONGEST));
    for object in finding.object.iter().chain(&finding.others).filter_map(|index| planned.review.targets.get(*index)) {
        let _ = writeln!(text, "  {}", title(object));
    }
    let _ = writeln!(text, "  fix: {}", one_line(&finding.remedy, LONGEST));
    text
}

fn title(object: &Object) -> String {
    let name = if object.name().is_empty() { object.generate_name() } else { object.name() };
    one_line(&format!("{}/{name}", object.kind()), LONGEST)
}
