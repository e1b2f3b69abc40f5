//! The screen in the real terminal, with the signals that end it.

use std::io;

use crossterm::event::EventStream;
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
    let result = run(model, &mut tty, EventStream::new(), messages, sender, session).await;
    signals.abort();
    result
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
