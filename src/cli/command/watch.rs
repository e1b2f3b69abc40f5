//! `watch`.

use jiff::Timestamp;

use crate::cli::args::WatchArgs;
use crate::cli::exit::Exit;
use crate::cli::live::{Failure, Known, News, Session, Stop, Targets};
use crate::cli::print::{Cell, Document, EventDocument, Printer, Tone, health, phases, print_one, revision, standing};
use crate::domain::application::AppKey;
use crate::domain::text::one_line;

/// Characters of a text, for people.
const LONGEST: usize = 260;
/// An application is not one of those that are watched any more, although it is still there.
const LEFT: &str = "Left";

/// What of an application is told when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    sync: Cell,
    health: Cell,
    phases: Cell,
    operation: Cell,
    revision: Cell,
}

pub(in crate::cli) async fn watch(
    args: &WatchArgs,
    session: &mut Session,
    printer: &mut Printer,
) -> Result<Exit, Stop> {
    let targets = Targets::of(&args.targets)?;
    let chosen = targets.choose(session).await?;
    // Counted from the moment from which nothing is missed.
    session.limit(args.timeout);
    let mut known: std::collections::HashMap<AppKey, Shown> = std::collections::HashMap::new();
    for key in chosen {
        if let Some(app) = session.picture.apps.get(&key) {
            known.insert(key, shown(app));
        }
    }
    let count = known.len();
    printer.note(&format!("boathook: watching {count} {}", if count == 1 { "application" } else { "applications" }));
    while !printer.is_closed() {
        let news = match session.next().await {
            Err(Stop::TimedOut) => break,
            news => news?,
        };
        let now = session.clock.now();
        match news {
            News::App(key) => {
                let Some(app) = session.picture.apps.get(&key) else { continue };
                let name = session.picture.name(&key);
                // Of what cannot be read it is not known whether it is still meant.
                let is_unclear = app.summary().is_none() && known.contains_key(&key);
                if !is_unclear && !targets.matches(&key, app) {
                    // Its labels or its project have changed. Should it come back, it is told as new.
                    if known.remove(&key).is_some() {
                        let nothing = Cell::default();
                        tell(args, printer, &key, &name, now, LEFT, "", &nothing, &nothing)?;
                    }
                    continue;
                }
                let is = shown(app);
                let was = known.insert(key.clone(), is.clone());
                for (what, subject, from, to) in changes(was.as_ref(), &is) {
                    tell(args, printer, &key, &name, now, what, subject, from, to)?;
                }
            }
            News::Gone(key) if known.remove(&key).is_some() => {
                let name = session.picture.name(&key);
                let nothing = Cell::default();
                tell(args, printer, &key, &name, now, "Removed", "", &nothing, &nothing)?;
            }
            News::Watch => session.tell_outages(printer),
            _ => {}
        }
    }
    Ok(Exit::Success)
}

fn shown(app: &Known) -> Shown {
    let Some(summary) = app.summary() else {
        let nothing = Cell::default;
        return Shown {
            sync: Cell::new(Tone::Bad, "unreadable"),
            health: nothing(),
            phases: nothing(),
            operation: nothing(),
            revision: nothing(),
        };
    };
    let operation = summary.operation.as_deref();
    let state = operation.and_then(|own| own.phase).map(|phase| format!("{phase:?}")).unwrap_or_default();
    let words = operation.map(|own| own.message.to_string()).unwrap_or_default();
    let space = if state.is_empty() || words.is_empty() { "" } else { ": " };
    Shown {
        sync: standing(summary),
        health: health(summary.health),
        phases: phases(operation),
        operation: Cell::plain(format!("{state}{space}{words}")),
        revision: Cell::plain(revision(&summary.revision.to_string())),
    }
}

/// What differs: what happened, to which field, from, to.
fn changes<'a>(was: Option<&'a Shown>, is: &'a Shown) -> Vec<(&'static str, &'static str, &'a Cell, &'a Cell)> {
    const NOTHING: &Cell = &Cell { text: String::new(), tone: Tone::Plain };
    let Some(was) = was else { return vec![("Added", "sync", NOTHING, &is.sync)] };
    let fields = [
        ("sync", &was.sync, &is.sync),
        ("health", &was.health, &is.health),
        ("revision", &was.revision, &is.revision),
        ("phases", &was.phases, &is.phases),
        ("operation", &was.operation, &is.operation),
    ];
    let differs = fields.into_iter().filter(|(_, was, is)| was.text != is.text);
    differs.map(|(field, was, is)| ("Changed", field, was, is)).collect()
}

#[expect(clippy::too_many_arguments, reason = "they are the columns of one line")]
fn tell(
    args: &WatchArgs,
    printer: &mut Printer,
    key: &AppKey,
    name: &str,
    now: Timestamp,
    what: &'static str,
    subject: &'static str,
    from: &Cell,
    to: &Cell,
) -> Result<(), Failure> {
    if !args.output.is_text() {
        let event = EventDocument::new(key, now, what).change(subject, &from.text, &to.text);
        let name = format!("{}/{}", key.namespace, key.name);
        return print_one(printer, &args.output, &Document::new(&event), Some(&name));
    }
    let clean = |cell: &Cell| Cell::new(cell.tone, one_line(&cell.text, LONGEST));
    let (from, to) = (&clean(from), &clean(to));
    let time = printer.tone(Tone::Dim, &format!("{now:.0}"));
    let name = printer.tone(Tone::Strong, name);
    let words = match what {
        "Added" => format!("new, {}", printer.tone(to.tone, &to.text)),
        "Removed" => printer.tone(Tone::Warning, "gone"),
        LEFT => printer.tone(Tone::Warning, "not among those that are watched any more"),
        _ if from.text.is_empty() => format!("{subject} {}", printer.tone(to.tone, &to.text)),
        _ => {
            let (from, to) = (printer.tone(from.tone, &from.text), printer.tone(to.tone, &to.text));
            if subject == "operation" { format!("{subject} {to}") } else { format!("{subject} {from} -> {to}") }
        }
    };
    printer.line(&format!("{time}  {name}  {words}"))
}
