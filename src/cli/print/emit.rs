//! Documents in the format that was asked for.

use jsonpath_rust::JsonPath as _;
use serde_json::Value;

use super::document::Document;
use super::event::Tally;
use super::printer::Printer;
use crate::cli::args::Format;
use crate::cli::exit::Exit;
use crate::cli::live::Failure;
use crate::domain::text::lines;

/// Prints one document that is all of the output.
pub(in crate::cli) fn print_all(
    printer: &mut Printer,
    format: &Format,
    document: &Document,
    names: &[String],
) -> Result<(), Failure> {
    match format {
        Format::Json => printer.line(&document.pretty()),
        Format::Yaml => printer.print(&document.yaml()),
        Format::Name => {
            printer.print(&names.iter().fold(String::new(), |text, name| text + &shown(name, printer) + "\n"))
        }
        Format::Path(path) => {
            let text = selected(document, path, printer)?;
            printer.selects(path, !text.is_empty());
            printer.print(&text)
        }
        Format::Text | Format::Wide => Ok(()),
    }
}

/// Prints one document of a stream: JSON on a line of its own, YAML behind `---`.
pub(in crate::cli) fn print_one(
    printer: &mut Printer,
    format: &Format,
    document: &Document,
    name: Option<&str>,
) -> Result<(), Failure> {
    match format {
        Format::Json => printer.line(&document.json()),
        Format::Yaml => printer.print(&format!("---\n{}", document.yaml())),
        Format::Name => name.map_or(Ok(()), |name| printer.line(&shown(name, printer))),
        Format::Path(path) => {
            let text = selected(document, path, printer)?;
            printer.selects(path, !text.is_empty());
            printer.print(&text)
        }
        Format::Text | Format::Wide => Ok(()),
    }
}

/// Prints what came of a command for all of its applications.
pub(in crate::cli) fn print_tally(
    printer: &mut Printer,
    format: &Format,
    command: &'static str,
    tally: &Tally,
) -> Result<(), Failure> {
    match format {
        Format::Text | Format::Wide => {
            printer.note(&tally.words());
            Ok(())
        }
        // A path selects in each application's result.
        Format::Path(_) | Format::Name => Ok(()),
        Format::Json | Format::Yaml => print_one(printer, format, &Document::new(&tally.document(command)), None),
    }
}

/// A text as it is for programs, made safe to show for people.
fn shown(text: &str, printer: &Printer) -> String {
    if printer.context.is_terminal { lines(text, usize::MAX) } else { text.to_owned() }
}

/// What a path selects: texts as they are, everything else as JSON, a line each.
fn selected(document: &Document, path: &str, printer: &Printer) -> Result<String, Failure> {
    let found = document.value().query(path);
    let found = found.map_err(|error| Failure::new(Exit::Usage, format!("{path} is no JSONPath: {error}")))?;
    let line = |value: &Value| match value {
        Value::String(text) => shown(text, printer) + "\n",
        other => Document::new(other).json() + "\n",
    };
    Ok(found.into_iter().map(line).collect())
}
