//! The real terminal: taken when the screen starts, given back whatever happens.

use std::io::{self, BufWriter, Stdout, Write, stdout};
use std::mem::ManuallyDrop;

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::execute;
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Position, Rect};

use super::model::Model;
use super::run::Port;
use super::view::view;
use crate::domain::text;

type Backend = CrosstermBackend<BufWriter<Stdout>>;

/// Keeps the title of the terminal, and brings it back. Terminals that do not know it pass over it.
const KEEP_TITLE: &str = "\x1b[22;0t";
const BRING_TITLE_BACK: &str = "\x1b[23;0t";
const BELL: &str = "\x07";
/// What a terminal takes into its clipboard at once; xterm's bound, less what base64 adds.
const MOST_COPIED: usize = 56_000;

/// What is asked of the terminal beside text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Wishes {
    /// Clicks and the wheel are reported.
    pub(super) mouse: bool,
    /// The title is set.
    pub(super) title: bool,
}

/// The terminal while the screen has it. Dropping it gives it back.
pub(super) struct Tty {
    /// Never dropped: its own end would write to standard error, and panic where the terminal is gone.
    terminal: ManuallyDrop<Terminal<Backend>>,
    wishes: Wishes,
}

impl Tty {
    /// Takes the terminal. A panic of this thread gives it back before anything else: should there be another one while
    /// it unwinds, nobody else would.
    ///
    /// # Errors
    /// Standard output is no terminal, or cannot be set up.
    pub(super) fn take(wishes: Wishes) -> io::Result<Self> {
        let (hook, own) = (std::panic::take_hook(), std::thread::current().id());
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().id() == own {
                give_back(wishes);
            }
            hook(panic);
        }));
        enter(wishes)?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(128 << 10, stdout()));
        let terminal = Terminal::new(backend).inspect_err(|_| give_back(wishes))?;
        Ok(Self { terminal: ManuallyDrop::new(terminal), wishes })
    }

    /// Clears the screen, and draws all of it the next time. Not by `Terminal::clear`, which asks the terminal where the
    /// cursor is and waits for an answer that the loop may read first.
    fn forget(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
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
        give_back(self.wishes);
    }
}

fn enter(wishes: Wishes) -> io::Result<()> {
    enable_raw_mode()?;
    let asked = || {
        if wishes.title {
            execute!(stdout(), Print(KEEP_TITLE))?;
        }
        if wishes.mouse {
            execute!(stdout(), EnableMouseCapture)?;
        }
        execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste)
    };
    asked().inspect_err(|_| give_back(wishes))
}

/// As it was. Each step is tried, whatever the one before came to: there is nobody left to tell.
fn give_back(wishes: Wishes) {
    if wishes.mouse {
        let _ = execute!(stdout(), DisableMouseCapture);
    }
    let _ = execute!(stdout(), EndSynchronizedUpdate, DisableBracketedPaste, LeaveAlternateScreen, Show);
    if wishes.title {
        let _ = execute!(stdout(), Print(BRING_TITLE_BACK));
    }
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
        give_back(self.wishes);
        #[cfg(unix)]
        {
            use rustix::process::{Signal, getpgrp, getpid, kill_process};
            // Who started boathook, `cargo run` for example, has to stop with it, or the shell does not get the terminal.
            // Not the whole group: a child that is being started would be stopped before it runs its program, and this
            // process, which waits for just that, could never stop.
            let (own, leader) = (getpid(), getpgrp());
            if leader != own {
                // It may have ended long ago.
                let _ = kill_process(leader, Signal::TSTP);
            }
            kill_process(own, Signal::TSTP)?;
        }
        enter(self.wishes)?;
        self.forget()
    }

    fn resume(&mut self) -> io::Result<()> {
        // Somebody else had the terminal meanwhile, and may have left it in any mode.
        give_back(self.wishes);
        enter(self.wishes)?;
        self.forget()
    }

    fn redraw(&mut self) -> io::Result<()> {
        self.forget()
    }

    fn bell(&mut self) -> io::Result<()> {
        execute!(stdout(), Print(BELL))
    }

    fn notify(&mut self, line: &str) -> io::Result<()> {
        write_notification(&mut stdout(), line)
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        write_copy(&mut stdout(), text)
    }

    fn title(&mut self, title: &str) -> io::Result<()> {
        write_title(&mut stdout(), title)
    }
}

/// Tells the desktop, by OSC 9. What comes from a cluster must not end it early.
fn write_notification(out: &mut impl Write, line: &str) -> io::Result<()> {
    execute!(out, Print(format!("\x1b]9;{}{BELL}", text::one_line(line, 200))))
}

/// Puts a text into the clipboard, by OSC 52: its beginning, where it is more than terminals take.
fn write_copy(out: &mut impl Write, text: &str) -> io::Result<()> {
    let end = (0..=MOST_COPIED.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    execute!(out, CopyToClipboard::to_clipboard_from(text.get(..end.unwrap_or_default()).unwrap_or_default()))
}

fn write_title(out: &mut impl Write, title: &str) -> io::Result<()> {
    execute!(out, SetTitle(text::one_line(title, 200)))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// What an object of a cluster may be called to do something to the terminal.
    const HOSTILE: &str = "shop\x07\x1b]52;c;cm0gLXJmIC8=\x1b\\\x1b[2J\u{9c}\u{202e}\n: failed";

    fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// What stands between a beginning and an end, which are there once.
    fn within<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
        let inner = text.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
        let inner = inner.unwrap_or_else(|| panic!("{text:?} is not between {begin:?} and {end:?}"));
        assert!(!inner.chars().any(char::is_control), "{inner:?}");
        inner
    }

    #[test]
    fn a_notification_is_one_sequence_whatever_it_tells() {
        let text = written(|out| write_notification(out, HOSTILE));
        let inner = within(&text, "\x1b]9;", "\x07");
        assert!(inner.starts_with("shop") && inner.ends_with(": failed"), "{inner:?}");
        assert!(written(|out| write_notification(out, &"x".repeat(10_000))).len() < 300);
    }

    #[test]
    fn a_title_is_one_sequence_whatever_it_says() {
        let text = written(|out| write_title(out, HOSTILE));
        assert!(within(&text, "\x1b]0;", "\x07").contains("shop"));
    }

    #[test]
    fn what_is_copied_arrives_as_it_is_and_never_too_much() {
        let copied = |text: &str| {
            let written = written(|out| write_copy(out, text));
            let inner = within(&written, "\x1b]52;c;", "\x1b\\").to_owned();
            String::from_utf8(STANDARD.decode(inner).unwrap()).unwrap()
        };
        for text in ["", "abc", "two\nlines", HOSTILE] {
            assert_eq!(copied(text), text);
        }
        let long = "é".repeat(MOST_COPIED);
        let beginning = copied(&long);
        assert!(beginning.len() <= MOST_COPIED && beginning.len() + 4 > MOST_COPIED && long.starts_with(&beginning));
    }
}
