//! The real loop on a real demo, without a terminal: keys go in, pictures come out.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use boathook::clock::Clock;
use boathook::demo::{Demo, DemoOptions, Running};
use boathook::tui::{Key, Model, Port, Role, Session, Source, Theme, run, view};
use crossterm::event::Event;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::harness::settings;

/// Ends a test that would hang; nothing waits for it.
const PATIENCE: Duration = Duration::from_secs(150);

/// A picture.
#[derive(Debug, Clone, Default)]
pub(crate) struct Picture {
    /// Its lines, without the spaces at their ends.
    pub(crate) text: String,
    /// What has the focus in a dialog: a button, or the line of a field.
    pub(crate) focus: String,
    /// Its cells.
    pub(crate) buffer: Buffer,
    /// How many were drawn before it.
    pub(crate) number: usize,
}

/// What the loop draws on: a terminal of cells, of which only those are written that have changed.
pub(crate) struct Canvas {
    terminal: Terminal<TestBackend>,
    /// Columns and rows, as whoever sits before it makes them.
    pub(crate) size: Rc<Cell<(u16, u16)>>,
    pictures: watch::Sender<Picture>,
    /// What it was told beside pictures.
    pub(crate) told: Vec<String>,
}

impl Canvas {
    pub(crate) fn new(size: (u16, u16)) -> (Self, watch::Receiver<Picture>) {
        let (pictures, seen) = watch::channel(Picture::default());
        let terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
        (Self { terminal, size: Rc::new(Cell::new(size)), pictures, told: Vec::new() }, seen)
    }
}

/// The text of some cells without the spaces at the ends of lines; a wide character covers two.
pub(crate) fn text_of(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut text = String::new();
    for y in area.top()..area.bottom() {
        let (mut line, mut x) = (String::new(), area.left());
        while x < area.right() {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(unicode_width::UnicodeWidthStr::width(symbol).max(1)).unwrap();
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The text of the cells that have one of these roles' styles.
fn focused(buffer: &Buffer, area: Rect) -> String {
    let theme = Theme::load("dark", &[]).unwrap();
    let is_focused = |role: Role, x, y| {
        let style = theme.style(role);
        let cell = &buffer[(x, y)];
        style.bg.is_some() && Some(cell.bg) == style.bg
    };
    let of = |role: Role| -> String {
        let cells = (area.top()..area.bottom()).flat_map(|y| (area.left()..area.right()).map(move |x| (x, y)));
        cells.filter(|(x, y)| is_focused(role, *x, *y)).map(|at| buffer[at].symbol()).collect()
    };
    let button = of(Role::ButtonFocus);
    if button.is_empty() { of(Role::Selected) } else { button }
}

impl Port for Canvas {
    fn draw(&mut self, model: &Model) -> io::Result<()> {
        let (columns, rows) = self.size.get();
        if self.terminal.size().unwrap() != (columns, rows).into() {
            self.terminal.backend_mut().resize(columns, rows);
        }
        let drawn = self.terminal.draw(|frame| {
            let area = frame.area();
            if let Some(cursor) = view(model, area, frame.buffer_mut()) {
                frame.set_cursor_position(cursor);
            }
        });
        drawn.unwrap();
        let buffer = self.terminal.backend().buffer().clone();
        let (text, focus) = (text_of(&buffer), focused(&buffer, buffer.area).trim().to_owned());
        self.pictures.send_modify(|picture| *picture = Picture { text, focus, buffer, number: picture.number + 1 });
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn resume(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn redraw(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn bell(&mut self) -> io::Result<()> {
        self.told.push("bell".to_owned());
        Ok(())
    }

    fn notify(&mut self, line: &str) -> io::Result<()> {
        self.told.push(format!("notify {line}"));
        Ok(())
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        self.told.push(format!("copy {text}"));
        Ok(())
    }

    fn title(&mut self, title: &str) -> io::Result<()> {
        self.told.push(format!("title {title}"));
        Ok(())
    }
}

/// Who sits before the screen.
pub(crate) struct Operator {
    pub(super) keys: UnboundedSender<io::Result<Event>>,
    pub(super) seen: watch::Receiver<Picture>,
}

impl Operator {
    pub(crate) fn now(&self) -> Picture {
        self.seen.borrow().clone()
    }

    /// Waits until what is seen is so.
    pub(crate) async fn until(&mut self, what: &str, is_so: impl Fn(&Picture) -> bool) -> Picture {
        let clock = Clock::real();
        let found = match clock.timeout(PATIENCE, self.seen.wait_for(|picture| is_so(picture))).await {
            Ok(Ok(picture)) => Some(picture.clone()),
            _ => None,
        };
        if let Some(picture) = found {
            return picture;
        }
        panic!("{what}: it never is so:\n{}\nfocus: {:?}", self.now().text, self.now().focus)
    }

    /// Waits until a text is seen.
    pub(crate) async fn sees(&mut self, text: &str) -> Picture {
        self.until(text, |picture| picture.text.contains(text)).await
    }

    /// Presses keys, written as in the configuration; `"text"` is typed letter by letter.
    pub(crate) fn press(&mut self, script: &str) {
        for (place, part) in script.split('"').enumerate() {
            if place % 2 == 1 {
                part.chars().for_each(|c| self.key(&if c == ' ' { "space".to_owned() } else { c.to_string() }));
            } else {
                part.split_whitespace().for_each(|key| self.key(key));
            }
        }
    }

    fn key(&self, key: &str) {
        let key: Key = key.parse().unwrap();
        self.keys.unbounded_send(Ok(Event::Key(key.event()))).unwrap();
    }

    /// Goes through the fields and buttons of a dialog until this one has the focus.
    pub(crate) async fn focus(&mut self, label: &str) {
        for _ in 0..30 {
            let focus = self.now().focus;
            if focus.contains(label) {
                return;
            }
            self.press("tab");
            self.until("the focus moves", |picture| picture.focus != focus).await;
        }
        panic!("nothing in the dialog is called {label}:\n{}", self.now().text);
    }

    /// Presses a button of a dialog as soon as it is known what that would write, and waits until what comes of it is
    /// seen. Where the application has changed meanwhile, the dialog asks again: then once more.
    pub(crate) async fn push(&mut self, button: &str, what: &str, is_done: impl Fn(&Picture) -> bool) {
        let focused = format!("▶ {button} ◀");
        let asks_again =
            |picture: &Picture| picture.text.contains("Nothing was sent") && picture.focus.contains("▶ Cancel ◀");
        loop {
            self.until("the dialog is open", |picture| {
                picture.focus.contains('▶') || picture.focus.contains("evision")
            })
            .await;
            self.focus(&focused).await;
            let is_known = |picture: &Picture| !picture.text.contains("asking the cluster");
            self.until("it can be sent", |picture| picture.focus.contains(&focused) && is_known(picture)).await;
            self.press("enter");
            let then = self.until(what, |picture| is_done(picture) || asks_again(picture)).await;
            if is_done(&then) {
                return;
            }
        }
    }
}

/// A session whose live view never starts.
pub(crate) fn unconnected(clock: &Clock) -> Session {
    Session {
        live: Source::Later { doing: "waiting".to_owned(), options: Box::pin(std::future::pending()) },
        crashed: CancellationToken::new(),
        folder: std::path::PathBuf::new(),
        own_log: boathook::telemetry::Ring::default(),
        clock: clock.clone(),
    }
}

/// Plays a scenario, and has somebody act on the screen until they are done; what the terminal was told beside pictures.
pub(crate) async fn play<F: Future<Output = Operator>>(
    scenario: &str,
    speed: f64,
    size: (u16, u16),
    act: impl FnOnce(Operator) -> F,
) -> Vec<String> {
    let clock = Clock::real();
    let options = DemoOptions { scenario: scenario.to_owned(), speed, seed: 1 };
    let demo = Demo::prepare(options, clock.clone()).unwrap();
    let running: Running = demo.start().await.unwrap();
    let (keys, input) = unbounded();
    let (mut canvas, seen) = Canvas::new(size);
    let (sender, messages) = tokio::sync::mpsc::channel(1024);
    let session = Session {
        live: Source::Ready(demo.live_options()),
        crashed: CancellationToken::new(),
        folder: demo.folder().to_owned(),
        own_log: boathook::telemetry::Ring::default(),
        clock: clock.clone(),
    };
    let model = Model::new(settings(), clock.now(), size);
    let acts = async {
        let mut operator = act(Operator { keys, seen }).await;
        operator.press("ctrl-c");
        // It keeps the keys until the loop has ended.
        operator
    };
    let (result, _operator) = tokio::join!(run(model, &mut canvas, input, messages, sender, session), acts);
    result.unwrap();
    running.stop().await;
    canvas.told
}
