//! What the program says of itself: version, completions, man pages.

use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::env::Shells;
use serde::Serialize;

use super::args::{Cli, Format, ManArgs, Shell, VersionArgs};
use super::exit::Exit;
use super::live::Failure;
use super::print::{API_VERSION, Document, Printer, print_all};

/// Kind `Version`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About {
    api_version: &'static str,
    kind: &'static str,
    version: &'static str,
    system: &'static str,
    architecture: &'static str,
}

/// `version`.
pub(super) fn version(args: &VersionArgs, printer: &mut Printer) -> Result<Exit, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    if args.output.is_text() {
        printer.line(&format!("boathook {version}"))?;
        if args.output == Format::Wide {
            printer.line(&format!("{} {}", std::env::consts::OS, std::env::consts::ARCH))?;
        }
        return Ok(Exit::Success);
    }
    let document = Document::new(&About {
        api_version: API_VERSION,
        kind: "Version",
        version,
        system: std::env::consts::OS,
        architecture: std::env::consts::ARCH,
    });
    print_all(printer, &args.output, &document, &[version.to_owned()])?;
    Ok(Exit::Success)
}

/// `completions`: the shell asks the program itself, so that it can complete what is in the cluster.
pub(super) fn completions(shell: Shell, printer: &mut Printer) -> Result<Exit, Failure> {
    let unknown = || Failure::new(Exit::Internal, "this shell is not known to the completion");
    let shells = Shells::builtins();
    let completer = shells.completer(shell.name()).ok_or_else(unknown)?;
    let mut script = Vec::new();
    let written = completer.write_registration("COMPLETE", "boathook", "boathook", "boathook", &mut script);
    written.map_err(|error| Failure::new(Exit::Internal, format!("the completion is not written: {error}")))?;
    printer.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}

/// `man`.
pub(super) fn man(args: &ManArgs, printer: &mut Printer) -> Result<Exit, Failure> {
    let failed = |what: String, error: &std::io::Error| Failure::new(Exit::Internal, format!("{what}: {error}"));
    let mut program = Cli::command().disable_help_subcommand(true);
    if let Some(folder) = &args.dir {
        let place = |folder: &Path| format!("cannot write man pages into {}", folder.display());
        std::fs::create_dir_all(folder).map_err(|error| failed(place(folder), &error))?;
        clap_mangen::generate_to(program, folder).map_err(|error| failed(place(folder), &error))?;
        return Ok(Exit::Success);
    }
    program.build();
    let mut page = &program;
    for name in &args.command {
        let unknown = || Failure::new(Exit::Usage, format!("there is no command {}", args.command.join(" ")));
        page = page.find_subcommand(name).ok_or_else(unknown)?;
    }
    let mut text = Vec::new();
    let rendered = clap_mangen::Man::new(page.clone()).render(&mut text);
    rendered.map_err(|error| failed("the man page is not written".to_owned(), &error))?;
    printer.print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Success)
}
