//! The command.

use std::fmt::Write;

use jiff::Timestamp;

use super::explain;
use super::input::{Input, Problem};
use super::report::Report;
use super::{json, text};
use crate::cli::args::{Output, PlanArgs};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::paint::Paint;
use crate::cli::print::Document;
use crate::cli::run::Outcome;
use crate::domain::text::one_line;

/// Problems that are listed one by one.
const MOST_PROBLEMS: usize = 100;

pub(in crate::cli) fn run(args: &PlanArgs, context: Context, paint: Paint, now: Timestamp) -> Outcome {
    if let Some(explained) = args.explain {
        let output = explain::explain(explained, context.width, paint);
        return Outcome { output, errors: String::new(), exit: Exit::Success };
    }
    if args.revisions.len() > 1 {
        let errors = "boathook: manifests in files have one revision\n".to_owned();
        return Outcome { output: String::new(), errors, exit: Exit::Usage };
    }
    if args.paths.iter().filter(|path| *path == "-").count() > 1 {
        let errors = "boathook: standard input (-) can be read only once\n".to_owned();
        return Outcome { output: String::new(), errors, exit: Exit::Usage };
    }
    let report = Report::new(Input::read(&args.paths), args, now);
    let is_wrong = report.has_errors() || (args.strict && report.warnings > 0);
    let output = match args.output {
        Output::Text => text::text(&report, args, context, paint),
        Output::Json => json::json(&report, args),
        Output::Yaml => yaml(&json::json(&report, args)),
    };
    Outcome { output, errors: errors(&report.problems), exit: if is_wrong { Exit::Findings } else { Exit::Success } }
}

/// A document of JSON, as YAML.
fn yaml(json: &str) -> String {
    // It was made of a value, and so is one.
    let value: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    Document::new(&value).yaml()
}

/// What could not be read: first how much, then what.
fn errors(problems: &[Problem]) -> String {
    if problems.is_empty() {
        return String::new();
    }
    let mut errors = match problems.len() {
        1 => "boathook: something could not be read and is not in the plan:\n".to_owned(),
        count => format!("boathook: {count} things could not be read and are not in the plan:\n"),
    };
    for problem in problems.iter().take(MOST_PROBLEMS) {
        let _ = writeln!(errors, "  {}: {}", place(problem), one_line(&problem.message, 500));
    }
    if problems.len() > MOST_PROBLEMS {
        let _ = writeln!(errors, "  and {} more", problems.len() - MOST_PROBLEMS);
    }
    errors
}

/// `file:line:column`.
fn place(problem: &Problem) -> String {
    let source = one_line(&problem.source, 300);
    match (problem.line, problem.column) {
        (Some(line), Some(column)) => format!("{source}:{line}:{column}"),
        (Some(line), None) => format!("{source}:{line}"),
        _ => source,
    }
}
