//! Findings as text: those of one code together, with what is the same for all said once.

use std::fmt::Write;

use super::report::Report;
use crate::cli::paint::Paint;
use crate::cli::wrap::{pad, width, wrap};
use crate::domain::findings::{Finding, Severity};
use crate::domain::manifest::Object;
use crate::domain::text::one_line;

/// Objects that are listed below one note; the JSON output has all.
const MOST_OBJECTS_OF_A_NOTE: usize = 5;
/// A longer name pushes its place to the right of the others'.
const WIDEST_TITLE: usize = 44;
/// Characters of a message that are shown.
const LONGEST: usize = 600;

pub(super) fn text(text: &mut String, report: &Report, columns: usize, paint: Paint) {
    for group in report.findings.chunk_by(|one, next| one.code == next.code) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&group_text(group, report, columns, paint));
    }
}

/// All findings of one code.
fn group_text(group: &[Finding], report: &Report, columns: usize, paint: Paint) -> String {
    let Some(first) = group.first() else { return String::new() };
    let (code, severity) = (first.code, first.severity());
    let same_message = group.iter().all(|finding| finding.message == first.message);
    let same_remedy = group.iter().all(|finding| finding.remedy == first.remedy);
    let head = format!("{severity} {code}: ");
    let what = if same_message { one_line(&first.message, LONGEST) } else { code.summary().to_owned() };
    let mut lines = format!("{}{}\n", paint.severity(severity, &head), wrap(&what, columns, width(&head), 2));
    let most = if severity == Severity::Note { MOST_OBJECTS_OF_A_NOTE } else { usize::MAX };
    let shown: Vec<(&Finding, Option<(String, String)>)> = group
        .iter()
        .take(most)
        .map(|finding| (finding, finding.object.and_then(|index| object(index, report))))
        .collect();
    let titles = shown.iter().filter_map(|(_, object)| Some(width(&object.as_ref()?.0)));
    let widest = titles.filter(|title| *title <= WIDEST_TITLE).max().unwrap_or_default();
    for (finding, subject) in shown {
        if let Some((title, place)) = &subject {
            let _ = writeln!(lines, "  {}  {}", pad(title, widest), paint.dim(place));
        }
        if !same_message {
            let _ = writeln!(lines, "      {}", wrap(&one_line(&finding.message, LONGEST), columns, 6, 6));
        }
        if !same_remedy {
            lines.push_str(&remedy(&finding.remedy, 6, columns));
        }
        // What is about the whole has a part in it of every object: they are listed already.
        for other in finding.others.iter().filter(|_| subject.is_some()) {
            if let Some((title, place)) = object(*other, report) {
                let _ = writeln!(lines, "      and {title}  {}", paint.dim(&place));
            }
        }
    }
    if group.len() > most {
        let _ = writeln!(lines, "  and {} more", group.len() - most);
    }
    if same_remedy {
        lines.push_str(&remedy(&first.remedy, 2, columns));
    }
    lines
}

fn remedy(remedy: &str, indent: usize, columns: usize) -> String {
    let text = wrap(&one_line(remedy, LONGEST), columns, indent + 5, indent + 5);
    format!("{}fix: {text}\n", " ".repeat(indent))
}

/// An object and its place, as shown.
fn object(index: usize, report: &Report) -> Option<(String, String)> {
    let object: &Object = report.objects.get(index)?;
    let place = report.places.get(index)?.to_string();
    Some((super::text::title(object, &report.plan.destination_namespace), one_line(&place, 300)))
}
