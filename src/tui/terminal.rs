//! The real terminal: taken when the screen starts, given back whatever happens.

use std::io::{self, BufWriter, Stdout, Write as _, stdout};

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use super::model::Model;
use super::run::Port;
use super::view::view;

type Backend = CrosstermBackend<BufWriter<Stdout>>;

/// The terminal while the screen has it. Dropping it gives it back.
pub(super) struct Tty {
    terminal: Terminal<Backend>,
}

impl Tty {
    /// Takes the terminal, and makes sure that a panic gives it back before it is told.
    ///
    /// # Errors
    /// Standard output is no terminal, or cannot be set up.
    pub(super) fn take() -> io::Result<Self> {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            hook(panic);
        }));
        enter()?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(128 << 10, stdout()));
        let terminal = Terminal::new(backend).inspect_err(|_| give_back())?;
        Ok(Self { terminal })
    }

    /// Columns and rows.
    ///
    /// # Errors
    /// The terminal does not say.
    pub(super) fn size() -> io::Result<(u16, u16)> {
        crossterm::terminal::size()
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste).inspect_err(|_| give_back())
}

/// As it was. Each step is tried, whatever the one before came to: there is nobody left to tell.
fn give_back() {
    let _ = execute!(stdout(), EndSynchronizedUpdate, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
    let _ = stdout().flush();
}

impl Port for Tty {
    fn draw(&mut self, model: &Model) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| {
            let area = frame.area();
            if let Some(cursor) = view(model, area, frame.buffer_mut()) {
                frame.set_cursor_position(cursor);
            }
        })?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    fn suspend(&mut self) -> io::Result<()> {
        give_back();
        #[cfg(unix)]
        {
            use rustix::process::{Signal, getpid, kill_process};
            kill_process(getpid(), Signal::TSTP)?;
        }
        enter()?;
        self.terminal.clear()
    }

    fn redraw(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(stdout(), crossterm::clipboard::CopyToClipboard::to_clipboard_from(text))
    }

    fn bell(&mut self) -> io::Result<()> {
        let mut out = stdout();
        out.write_all(b"\x07")?;
        out.flush()
    }

    fn title(&mut self, title: &str) -> io::Result<()> {
        execute!(stdout(), SetTitle(title))
    }
}
