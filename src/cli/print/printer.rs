//! Standard output and standard error.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write};

use super::table::Tone;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::live::Failure;
use crate::cli::paint::Paint;
use crate::domain::text::one_line;

/// Prints, and knows whether anybody reads it.
#[derive(Debug)]
pub(in crate::cli) struct Printer {
    pub context: Context,
    pub paint: Paint,
    is_closed: bool,
    /// Lines at the bottom of the terminal that are drawn anew.
    status: Cell<usize>,
    /// What was to be selected of the documents, and whether there was any of it.
    selected: Option<(String, bool)>,
}

impl Printer {
    pub(in crate::cli) const fn new(context: Context, paint: Paint) -> Self {
        Self { context, paint, is_closed: false, status: Cell::new(0), selected: None }
    }

    /// Whoever read the output has gone. It is no error: a command that still has work to do goes on.
    pub(in crate::cli) const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Prints text that ends with a line break, at once.
    pub(in crate::cli) fn print(&mut self, text: &str) -> Result<(), Failure> {
        if self.is_closed || text.is_empty() {
            return Ok(());
        }
        let text = self.erased() + text;
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            Err(error) => Err(Failure::new(Exit::Internal, format!("cannot write the output: {error}"))),
        }
    }

    /// Notes whether a path selects anything of a document.
    pub(in crate::cli) fn selects(&mut self, path: &str, found: bool) {
        let before = self.selected.take().is_some_and(|(_, found)| found);
        self.selected = Some((path.to_owned(), before || found));
    }

    /// Says, at the end, that a path has selected nothing of all that was there: it may be misspelt. One that asks for
    /// what meets a condition may well find nothing.
    pub(in crate::cli) fn tell_selected(&self) {
        if let Some((path, false)) = &self.selected
            && !path.contains('?')
        {
            self.note(&format!("boathook: nothing is at {}; -o json shows what there is", one_line(path, 300)));
        }
    }

    /// Prints a line.
    pub(in crate::cli) fn line(&mut self, line: &str) -> Result<(), Failure> {
        self.print(&format!("{line}\n"))
    }

    /// Says something to the person, not to who reads the output.
    pub(in crate::cli) fn note(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        let erased = self.erased();
        if !erased.is_empty() {
            let _ = io::stdout().lock().write_all(erased.as_bytes());
            let _ = io::stdout().lock().flush();
        }
        // On a closed standard error there is nobody to tell.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Draws lines at the bottom of the terminal, in place of those before. Anything that is printed takes them away.
    pub(in crate::cli) fn status(&mut self, lines: &[String]) -> Result<(), Failure> {
        let mut text = String::new();
        for line in lines {
            let _ = writeln!(text, "{line}");
        }
        let erased = self.erased();
        self.print(&(erased + &text))?;
        self.status.set(lines.len());
        Ok(())
    }

    /// Paints a text as it is meant.
    pub(in crate::cli) fn tone(&self, tone: Tone, text: &str) -> String {
        self.paint.tone(tone, text)
    }

    /// What takes the lines at the bottom away.
    fn erased(&self) -> String {
        match self.status.take() {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\x1b[J"),
        }
    }
}

/// Ends when nobody reads standard output any more; never where the system does not tell, as of a file.
pub(in crate::cli) async fn nobody_reads() {
    #[cfg(unix)]
    {
        use rustix::event::{PollFd, PollFlags, poll};
        use rustix::io::Errno;
        // The reader of a pipe that goes away is an error at the other end, which needs not be asked for. The thread ends
        // with the process.
        let gone = tokio::task::spawn_blocking(|| {
            let output = io::stdout();
            loop {
                match poll(&mut [PollFd::new(&output, PollFlags::empty())], None) {
                    Err(Errno::INTR) => {}
                    polled => return polled.is_ok(),
                }
            }
        });
        if matches!(gone.await, Ok(true)) {
            return;
        }
    }
    std::future::pending::<()>().await;
}
