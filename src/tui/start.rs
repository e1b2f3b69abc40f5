//! The screen in the real terminal, with the signals that end it.

use std::io;

use crossterm::event::EventStream;
use tokio::sync::mpsc;

use super::message::Message;
use super::model::{Model, Settings};
use super::run::{Session, run};
use super::terminal::Tty;

/// Takes the terminal and runs until somebody quits or the process is asked to end. Needs a tokio runtime.
///
/// # Errors
/// Standard output is no terminal, or stops being one.
pub async fn start(settings: Settings, session: Session) -> io::Result<()> {
    let size = Tty::size()?;
    let model = Model::new(settings, session.clock.now(), size);
    let (sender, messages) = mpsc::channel(1024);
    let signals = tokio::spawn(until_signalled(sender.clone()));
    let mut tty = Tty::take()?;
    let result = run(model, &mut tty, EventStream::new(), messages, sender, session).await;
    signals.abort();
    result
}

/// Asks the loop to end when the process is asked to.
async fn until_signalled(sender: mpsc::Sender<Message>) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut term), Ok(mut hangup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
            return;
        };
        tokio::select! {
            _ = term.recv() => {}
            _ = hangup.recv() => {}
        }
        let _ = sender.send(Message::Terminate).await;
    }
    #[cfg(not(unix))]
    drop(sender);
}
