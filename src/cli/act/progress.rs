//! What moves, at the bottom of a terminal.

use super::job::Job;
use crate::cli::live::Failure;
use crate::cli::print::{Printer, Tone, title};
use crate::cli::wrap::width;
use crate::domain::timeline::OperationView;

/// So many operations are shown.
const MOST: usize = 8;

/// One line for each operation that runs.
#[derive(Debug, Default)]
pub(super) struct Progress {
    lines: Vec<String>,
    more: usize,
}

impl Progress {
    pub(super) fn add(&mut self, job: &Job, view: &OperationView, printer: &Printer) {
        if self.lines.len() >= MOST {
            self.more += 1;
            return;
        }
        let clock = view.elapsed.map(crate::domain::timeline::Elapsed::clock).unwrap_or_default();
        let mut plain = format!("{}  {}  {clock}", job.name, view.lifecycle());
        let active = view.tasks().find(|task| task.state.is_active());
        if let Some(task) = active {
            plain = format!("{plain}  {} {}", title(task, &task.key.object.namespace), task.state);
        }
        // A line that wraps could not be taken away again.
        let mut cut = String::new();
        for c in plain.chars() {
            if width(&cut) + 2 >= printer.context.width {
                break;
            }
            cut.push(c);
        }
        self.lines.push(printer.tone(Tone::Dim, &cut));
    }

    pub(super) fn draw(mut self, printer: &mut Printer) -> Result<(), Failure> {
        if self.more > 0 {
            self.lines.push(printer.tone(Tone::Dim, &format!("and {} more", self.more)));
        }
        printer.status(&self.lines)
    }
}
