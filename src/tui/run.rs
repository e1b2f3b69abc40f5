//! The loop that owns the model: it waits for something to happen, lets `update` take it in, carries out what that asks
//! for, and draws when something has changed, at most 60 times a second. When nothing happens it does nothing.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::Event;
use futures::future::BoxFuture;
use futures::{Stream, StreamExt as _};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::message::{Effect, Message};
use super::model::Model;
use super::update::{update, wants};
use super::view::title;
use crate::argo::{Events, Live, Options};
use crate::clock::Clock;
use crate::domain::live::LogMessage;
use crate::store::{Deferral, StoreError};
use crate::telemetry::Ring;

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(16);
/// How long the requests on their way may take when boathook ends.
const LAST_REQUESTS: Duration = Duration::from_secs(10);
/// The pause before a kubeconfig that could not be used is read again.
const RETRY: Duration = Duration::from_secs(5);
/// How many events are taken in before a frame is drawn.
const BATCH: usize = 512;

/// What the loop draws on.
pub trait Port {
    /// Draws the model.
    fn draw(&mut self, model: &Model) -> io::Result<()>;
    /// Gives the terminal back to the shell, stops the process, and takes the terminal again when it goes on.
    fn suspend(&mut self) -> io::Result<()>;
    /// Takes the terminal again, whatever somebody else did to it.
    fn resume(&mut self) -> io::Result<()>;
    /// Forgets what is on the screen, so that all of it is drawn.
    fn redraw(&mut self) -> io::Result<()>;
    /// Rings the bell.
    fn bell(&mut self) -> io::Result<()>;
    /// Tells the desktop.
    fn notify(&mut self, line: &str) -> io::Result<()>;
    /// Puts a text into the clipboard.
    fn copy(&mut self, text: &str) -> io::Result<()>;
    /// Sets the title of the terminal.
    fn title(&mut self, title: &str) -> io::Result<()>;
}

/// How the live view is started.
pub enum Source {
    /// So.
    Ready(Options),
    /// As it turns out when something is prepared that takes longer than a first frame may wait for. An error ends the loop.
    Later {
        /// What is prepared, in words.
        doing: String,
        /// The preparation.
        options: BoxFuture<'static, io::Result<Options>>,
    },
}

/// What the loop works with.
pub struct Session {
    /// How the live view is started.
    pub live: Source,
    /// Cancelled when a part of the program has crashed: then the loop ends.
    pub crashed: CancellationToken,
    /// Where files are saved.
    pub folder: PathBuf,
    /// The program's log of itself.
    pub own_log: Ring,
    /// Time.
    pub clock: Clock,
}

/// What the loop owns beside the model.
struct Runner {
    folder: PathBuf,
    own_log: Ring,
    clock: Clock,
    options: Option<Options>,
    connecting: Option<AbortHandle>,
    live: Option<Live>,
    events: Option<Events>,
    sender: mpsc::Sender<Message>,
    /// Live views that have started.
    started: mpsc::Sender<(Live, Events)>,
    streams: HashMap<u64, AbortHandle>,
}

/// Runs until somebody quits, asks the process to end, or the terminal is closed. Requests on their way are finished.
///
/// # Errors
/// The terminal cannot be written or read any more.
pub async fn run(
    mut model: Model,
    port: &mut impl Port,
    input: impl Stream<Item = io::Result<Event>>,
    mut messages: mpsc::Receiver<Message>,
    sender: mpsc::Sender<Message>,
    session: Session,
) -> io::Result<()> {
    let Session { live, crashed, folder, own_log, clock } = session;
    let (started, mut new_views) = mpsc::channel(1);
    let mut runner = Runner {
        folder,
        own_log,
        clock: clock.clone(),
        options: None,
        connecting: None,
        live: None,
        events: None,
        sender,
        started,
        streams: HashMap::new(),
    };
    let mut input = std::pin::pin!(input);
    let mut shown_title = String::new();
    let (ready, mut later) = sides(&mut model, live);
    // The first frame comes before any network.
    draw(&mut model, port, &mut shown_title)?;
    if let Some(options) = ready {
        runner.connect_with(options);
    }
    let (mut dirty, mut drawn) = (false, clock.monotonic());
    let mut quit = false;
    let result = loop {
        let next_frame = drawn.saturating_add(FRAME);
        if dirty && clock.monotonic() >= next_frame {
            model.settle();
            for effect in wants(&mut model).list {
                if let Err(error) = runner.carry_out(effect, port) {
                    tracing::warn!(%error, "the terminal does not take what it is told");
                }
            }
            if let Err(error) = draw(&mut model, port, &mut shown_title) {
                break Err(error);
            }
            (dirty, drawn) = (false, clock.monotonic());
            continue;
        }
        let next_tick = model.tick_every().map(|every| drawn.saturating_add(every));
        let message = tokio::select! {
            biased;
            () = crashed.cancelled() => break Ok(()),
            event = input.next() => match event {
                Some(Ok(event)) => translate(event),
                Some(Err(error)) => break Err(error),
                // The terminal is gone.
                None => break Ok(()),
            },
            Some(message) = messages.recv() => Some(message),
            options = prepared(&mut later), if later.is_some() => {
                later = None;
                match options {
                    Ok(options) => runner.connect_with(options),
                    Err(error) => break Err(error),
                }
                continue;
            }
            Some((live, events)) = new_views.recv() => {
                let cluster = std::sync::Arc::clone(live.cluster());
                (runner.live, runner.events) = (Some(live), Some(events));
                Some(Message::Connected(cluster))
            }
            event = next_event(&mut runner.events) => Some(event),
            () = clock.sleep_until(next_frame), if dirty => continue,
            () = clock.sleep_until(next_tick.unwrap_or_default()), if next_tick.is_some() => Some(Message::Tick),
        };
        let mut next = message;
        for _ in 0..BATCH {
            let Some(message) = next.take() else { break };
            drop(update(&mut model, Message::Now(runner.now(&clock))));
            if matches!(message, Message::LiveEnded) {
                runner.events = None;
            }
            let effects = update(&mut model, message);
            dirty |= effects.dirty;
            for effect in effects.list {
                quit |= effect == Effect::Quit;
                if let Err(error) = runner.carry_out(effect, port) {
                    tracing::warn!(%error, "the terminal does not take what it is told");
                }
            }
            if quit {
                break;
            }
            // What has arrived meanwhile is taken in before the next frame.
            next = messages.try_recv().ok().or_else(|| {
                let event = runner.events.as_mut()?.try_recv().ok()?;
                Some(Message::Live(Box::new(event)))
            });
        }
        if quit {
            break Ok(());
        }
    };
    runner.finish().await;
    result
}

/// The options that are known, and those that are being prepared, of which the model is told.
fn sides(model: &mut Model, live: Source) -> (Option<Options>, Option<BoxFuture<'static, io::Result<Options>>>) {
    match live {
        Source::Ready(options) => (Some(options), None),
        Source::Later { doing, options } => {
            drop(update(model, Message::Preparing(doing)));
            (None, Some(options))
        }
    }
}

/// Draws, and sets the title where it is another one.
fn draw(model: &mut Model, port: &mut impl Port, shown_title: &mut String) -> io::Result<()> {
    model.settle();
    port.draw(model)?;
    let title = title(model);
    if model.settings.title && *shown_title != title {
        port.title(&title)?;
        *shown_title = title;
    }
    Ok(())
}

/// The options of the live view, when they are known.
async fn prepared(later: &mut Option<BoxFuture<'static, io::Result<Options>>>) -> io::Result<Options> {
    match later {
        Some(options) => options.await,
        None => std::future::pending().await,
    }
}

/// The next event of the live view; never, while there is none.
async fn next_event(events: &mut Option<Events>) -> Message {
    match events {
        Some(events) => match events.recv().await {
            Some(event) => Message::Live(Box::new(event)),
            None => Message::LiveEnded,
        },
        None => std::future::pending().await,
    }
}

fn translate(event: Event) -> Option<Message> {
    match event {
        Event::Key(key) => Some(Message::Key(key)),
        Event::Paste(text) => Some(Message::Paste(text)),
        Event::Resize(columns, rows) => Some(Message::Resize(columns, rows)),
        Event::Mouse(event) => Some(Message::Mouse(event)),
        Event::FocusGained | Event::FocusLost => None,
    }
}

impl Runner {
    /// The time by the clock of the cluster, as soon as one has told it: ages are those of its timestamps.
    fn now(&self, clock: &Clock) -> Timestamp {
        self.live.as_ref().map_or_else(|| clock.now(), Live::now)
    }

    fn connect_with(&mut self, options: Options) {
        self.options = Some(options);
        self.connect();
    }

    /// Starts the live view, again and again until it starts; what came of it arrives as a message.
    fn connect(&mut self) {
        if let Some(task) = self.connecting.take() {
            task.abort();
        }
        let Some(options) = self.options.clone() else { return };
        let (clock, started, sender) = (self.clock.clone(), self.started.clone(), self.sender.clone());
        let task = tokio::spawn(async move {
            loop {
                match Live::start(options.clone(), &clock).await {
                    // Nobody listens any more: then nobody wants a live view either.
                    Ok(view) => return drop(started.send(view).await),
                    Err(error) => {
                        if sender.send(Message::ConnectFailed(error.to_string())).await.is_err() {
                            return;
                        }
                    }
                }
                clock.sleep(RETRY).await;
            }
        });
        self.connecting = Some(task.abort_handle());
    }

    fn carry_out(&mut self, effect: Effect, port: &mut impl Port) -> io::Result<()> {
        match effect {
            Effect::Quit => {}
            Effect::Suspend => return port.suspend(),
            Effect::Redraw => return port.redraw(),
            Effect::Bell => return port.bell(),
            Effect::Notify(line) => return port.notify(&line),
            Effect::Copy(text) => return port.copy(&text),
            Effect::Resume => return port.resume(),
            Effect::Connect => self.connect(),
            Effect::CloseLog { stream } => {
                if let Some(task) = self.streams.remove(&stream) {
                    task.abort();
                }
            }
            Effect::Save { name, bytes } => self.save(name, bytes),
            Effect::OwnLog => {
                // It is only full where nobody can be told anything.
                let _ = self.sender.try_send(Message::OwnLog(self.own_log.lines()));
            }
            effect => {
                if let Some(live) = self.live.clone() {
                    self.ask(&live, effect);
                }
            }
        }
        Ok(())
    }

    /// What the live view does.
    fn ask(&mut self, live: &Live, effect: Effect) {
        match effect {
            Effect::Open(key) => live.open(&key),
            Effect::Close(key) => live.close(&key),
            Effect::Fetch(key) => live.fetch(&key),
            Effect::Show(keys) => live.show(keys),
            Effect::History(key) => {
                let (live, sender) = (live.clone(), self.sender.clone());
                tokio::spawn(async move {
                    let answer = live.history(&key).await.map_err(|error| error.to_string());
                    let _ = sender.send(Message::History { key, answer }).await;
                });
            }
            Effect::Object { key, object } => {
                let (live, sender) = (live.clone(), self.sender.clone());
                tokio::spawn(async move {
                    let answer = live.object(&key, &object).await.map(|object| object.map(Box::new));
                    let _ = sender.send(Message::Object { key, object, answer }).await;
                });
            }
            Effect::Names { key, source } => {
                let (live, sender) = (live.clone(), self.sender.clone());
                tokio::spawn(async move {
                    let answer = live.names(&key, source).await;
                    let _ = sender.send(Message::Names { key, source, answer }).await;
                });
            }
            Effect::Deferrals => self.deferrals(live, |live| async move { live.deferrals().await }),
            Effect::Defer(deferral) => self.deferrals(live, |live| async move { live.defer(deferral).await }),
            Effect::TakeBack(key) => self.deferrals(live, |live| async move { live.take_back(&key).await }),
            Effect::Review { key, revisions } => live.review(&key, revisions),
            Effect::Send { key, request, seen } => {
                live.send(&key, request, Some(seen));
            }
            Effect::Preview { dialog, choice, key, request } => {
                let (live, sender) = (live.clone(), self.sender.clone());
                tokio::spawn(async move {
                    let answer = Box::new(live.preview(&key, request).await.map_err(|error| error.to_string()));
                    let _ = sender.send(Message::Previewed { dialog, choice, key, answer }).await;
                });
            }
            Effect::OpenLog { stream, key, filter } => {
                let (mut lines, sender) = (live.logs(&key, filter), self.sender.clone());
                let task = tokio::spawn(async move {
                    while let Some(message) = lines.recv().await {
                        let message: Option<LogMessage> = Some(message);
                        if sender.send(Message::Log { stream, message }).await.is_err() {
                            return;
                        }
                    }
                    let _ = sender.send(Message::Log { stream, message: None }).await;
                });
                self.streams.insert(stream, task.abort_handle());
            }
            _ => {}
        }
    }

    /// Reads or changes the approvals that were put off; what they are then arrives as a message.
    fn deferrals<F>(&self, live: &Live, work: impl FnOnce(Live) -> F)
    where
        F: Future<Output = Result<Vec<Deferral>, StoreError>> + Send + 'static,
    {
        let (work, sender) = (work(live.clone()), self.sender.clone());
        tokio::spawn(async move {
            let answer = match work.await {
                // Without a folder they are kept in the model alone.
                Err(StoreError::Off) => return,
                answer => answer.map_err(|error| error.to_string()),
            };
            let _ = sender.send(Message::Deferrals(answer)).await;
        });
    }

    /// Writes a new file, readable by its owner alone: logs hold what nobody else should read.
    fn save(&self, name: String, bytes: Vec<u8>) {
        let (path, sender) = (self.folder.join(name), self.sender.clone());
        tokio::task::spawn_blocking(move || {
            let written = write_new(&path, &bytes);
            let shown = path.display().to_string();
            let result = written.map(|()| shown.clone()).map_err(|error| format!("cannot write {shown}: {error}"));
            let _ = sender.blocking_send(Message::Saved(result));
        });
    }

    async fn finish(&mut self) {
        for task in self.streams.drain().map(|(_, task)| task).chain(self.connecting.take()) {
            task.abort();
        }
        // Nobody reads the events any more; the live view must not wait for that.
        self.events = None;
        if let Some(live) = self.live.take() {
            let _ = self.clock.timeout(LAST_REQUESTS, live.stop()).await;
        }
    }
}

fn write_new(path: &std::path::Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)?.write_all(bytes)
}
