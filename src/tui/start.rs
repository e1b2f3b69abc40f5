//! The screen in the real terminal, with the signals that end it.

use std::io;
use std::thread;

use crossterm::event::Event;
use futures::Stream;
use futures::stream::poll_fn;
use tokio::sync::mpsc;

use super::message::Message;
use super::model::{Model, Settings};
use super::run::{Session, run};
use super::terminal::{Tty, Wishes};

/// Takes the terminal and runs until somebody quits or the process is asked to end. Needs a tokio runtime.
///
/// # Errors
/// Standard output is no terminal, or stops being one; or what was to be shown cannot be prepared.
pub async fn start(settings: Settings, session: Session) -> io::Result<()> {
    let size = Tty::size()?;
    let wishes = Wishes { mouse: settings.mouse, title: settings.title };
    let model = Model::new(settings, session.clock.now(), size);
    let (sender, messages) = mpsc::channel(1024);
    let signals = tokio::spawn(signals(sender.clone()));
    let mut tty = Tty::take(wishes)?;
    let result = run(model, &mut tty, input(), messages, sender, session).await;
    signals.abort();
    result
}

/// What comes from the terminal, read by a thread of its own: once a terminal is closed, reading from it may never return
/// (crossterm takes its end for an interruption and reads again), and the loop has to end all the same.
fn input() -> impl Stream<Item = io::Result<Event>> + Unpin {
    let (sender, mut events) = mpsc::channel(64);
    thread::spawn(move || {
        loop {
            let event = crossterm::event::read();
            let is_end = event.is_err();
            if sender.blocking_send(event).is_err() || is_end {
                return;
            }
        }
    });
    poll_fn(move |context| events.poll_recv(context))
}

/// Asks the loop to end when the process is asked to, and to draw anew when it goes on after having been stopped.
async fn signals(sender: mpsc::Sender<Message>) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = (
            signal(SignalKind::terminate()),
            signal(SignalKind::hangup()),
            signal(SignalKind::interrupt()),
            signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw())),
        );
        let (Ok(mut terminate), Ok(mut hangup), Ok(mut interrupt), Ok(mut go_on)) = signals else { return };
        loop {
            let message = tokio::select! {
                _ = terminate.recv() => Message::Terminate,
                _ = hangup.recv() => Message::Terminate,
                _ = interrupt.recv() => Message::Terminate,
                _ = go_on.recv() => Message::Resumed,
            };
            let is_end = matches!(message, Message::Terminate);
            if sender.send(message).await.is_err() || is_end {
                return;
            }
        }
    }
    #[cfg(not(unix))]
    drop(sender);
}
