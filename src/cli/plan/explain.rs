//! `--explain`: what a finding means; and the table of all, which is also the manual's.

use std::fmt::Write;

use crate::cli::args::Explained;
use crate::cli::paint::Paint;
use crate::cli::wrap::wrap;
use crate::domain::findings::{Code, Severity};

pub(super) fn explain(what: Explained, width: usize, paint: Paint) -> String {
    match what {
        Explained::One(code) => one(code, width, paint),
        Explained::All => all(),
    }
}

fn one(code: Code, width: usize, paint: Paint) -> String {
    let title = format!("{} ({})", paint.severity(code.severity(), code.as_str()), code.severity());
    let paragraph = |text: &str| wrap(text, width, 0, 0);
    format!(
        "{title}\n\n{}.\n\n{}\n\n{}\n",
        paragraph(&capital(code.summary())),
        paragraph(code.why()),
        paragraph(&format!("Remedy: {}.", code.remedy()))
    )
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// All findings as a page of Markdown: `assets/findings.md`.
fn all() -> String {
    let mut page = "\
# Findings of `boathook plan`

An error is certain: Argo CD ignores or refuses what is written, or the hook cannot work. A warning works today and
bites on a later sync, a failure or a retry. A note is a good practice that is not followed. Errors end the command with
exit code 1, with `--strict` warnings do, too; notes never. `--ignore CODE` leaves a finding out.

This page is printed by `boathook plan --explain all`.
"
    .to_owned();
    for (severity, title) in [(Severity::Error, "Errors"), (Severity::Warning, "Warnings"), (Severity::Note, "Notes")] {
        // Writing into a string does not fail.
        let _ = write!(page, "\n## {title}\n");
        for code in Code::ALL.iter().filter(|code| code.severity() == severity) {
            let _ = write!(
                page,
                "\n### {code}\n\n{}.\n\n{}\n\n*Remedy:* {}.\n",
                capital(code.summary()),
                code.why(),
                code.remedy()
            );
        }
    }
    page
}
