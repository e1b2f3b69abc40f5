//! `get apps`.

use crate::cli::args::{Format, GetAppsArgs};
use crate::cli::exit::Exit;
use crate::cli::live::{Known, Picture, Session, Stop, Targets};
use crate::cli::print::{
    Cell, Document, ListDocument, Printer, Table, Tone, health, last_sync, phases, print_all, revision, standing,
};
use crate::domain::application::AppKey;
use crate::domain::text::one_line;

/// Characters of a name, an address or a message.
const LONGEST: usize = 300;

pub(in crate::cli) async fn get_apps(
    args: &GetAppsArgs,
    session: &mut Session,
    printer: &mut Printer,
) -> Result<Exit, Stop> {
    let targets = Targets::of(&args.targets)?;
    let chosen = targets.choose(session).await?;
    let picture = &session.picture;
    let rows: Vec<(&AppKey, &Known)> = chosen.iter().filter_map(|key| picture.apps.get_key_value(key)).collect();
    if args.output.is_text() {
        if rows.is_empty() {
            printer.note("no applications");
            return Ok(Exit::Success);
        }
        let table = table(&rows, picture, session.clock.now(), args.output == Format::Wide);
        printer.print(&table.text(printer.paint))?;
        return Ok(Exit::Success);
    }
    let names: Vec<String> = chosen.iter().map(|key| format!("{}/{}", key.namespace, key.name)).collect();
    let document = Document::new(&ListDocument::new(&picture.cluster, rows));
    print_all(printer, &args.output, &document, &names)?;
    Ok(Exit::Success)
}

fn table(rows: &[(&AppKey, &Known)], picture: &Picture, now: jiff::Timestamp, wide: bool) -> Table {
    let usual = ["NAME", "PROJECT", "SYNC", "HEALTH", "PHASES", "REVISION", "LAST SYNC"];
    let more = ["TARGET", "PATH", "REPOSITORY", "DESTINATION", "MESSAGE"];
    let headings: Vec<&'static str> = usual.into_iter().chain(more.into_iter().filter(|_| wide)).collect();
    let mut table = Table::new(&headings);
    for (key, known) in rows {
        let name = Cell::new(Tone::Strong, picture.name(key));
        let summary = match known {
            Known::Summary(summary) => summary,
            Known::Unreadable(reason) => {
                table.push(vec![
                    name,
                    Cell::default(),
                    Cell::new(Tone::Bad, "unreadable"),
                    Cell::default(),
                    Cell::new(Tone::Bad, one_line(reason, LONGEST)),
                ]);
                continue;
            }
        };
        let operation = summary.operation.as_deref();
        let mut cells = vec![
            name,
            Cell::plain(one_line(&summary.project, LONGEST)),
            standing(summary),
            health(summary.health),
            phases(operation),
            Cell::plain(revision(&summary.revision_now().to_string())),
            Cell::new(Tone::Dim, last_sync(summary, now)),
        ];
        if wide {
            let source = summary.source.as_ref();
            let text = |text: &str| Cell::plain(one_line(text, LONGEST));
            cells.push(text(source.map_or("", |source| &source.target_revision)));
            let path = source.map_or("", |source| if source.chart.is_empty() { &source.path } else { &source.chart });
            cells.push(text(path));
            cells.push(text(source.map_or("", |source| &source.repo_url)));
            let place = if summary.destination_name.is_empty() {
                &summary.destination_server
            } else {
                &summary.destination_name
            };
            cells.push(text(&format!("{place} {}", summary.destination_namespace)));
            cells.push(text(operation.map_or("", |operation| &operation.message)));
        }
        table.push(cells);
    }
    table
}
