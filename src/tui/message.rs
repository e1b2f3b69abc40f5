//! What happens to the screen, and what the screen asks for.

use crossterm::event::{KeyEvent, MouseEvent};
use jiff::Timestamp;
use std::sync::Arc;

use crate::domain::application::AppKey;
use crate::domain::live::{LiveEvent, LogFilter, LogMessage, OperationRecord, Preview, RevisionNames};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::request::{Request, Seen};
use crate::store::Deferral;

/// Something that happened.
#[derive(Debug)]
pub enum Message {
    /// It is now this time. Comes before every other message.
    Now(Timestamp),
    /// A second has passed, and something is shown that moves with time.
    Tick,
    /// A key.
    Key(KeyEvent),
    /// The mouse.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// Something is done before there is a cluster to talk to: what.
    Preparing(String),
    /// The kubeconfig was read; the live view runs on this cluster.
    Connected(Arc<str>),
    /// The kubeconfig cannot be used.
    ConnectFailed(String),
    /// The live view tells something.
    Live(Box<LiveEvent>),
    /// The live view has ended.
    LiveEnded,
    /// The answer to [`Effect::Preview`].
    Previewed {
        /// The question.
        dialog: u64,
        /// Which choice of the dialog.
        choice: usize,
        /// Of which application.
        key: AppKey,
        /// The answer.
        answer: Box<Result<Preview, String>>,
    },
    /// A log says something.
    Log {
        /// The stream.
        stream: u64,
        /// What; `None`: it has ended.
        message: Option<LogMessage>,
    },
    /// The operations of an application that are kept, oldest first.
    History {
        /// Of which application.
        key: AppKey,
        /// The operations; `Err`: why they cannot be read.
        answer: Result<Vec<Arc<OperationRecord>>, String>,
    },
    /// An object as it lives.
    Object {
        /// Of which application.
        key: AppKey,
        /// Which.
        object: ObjectKey,
        /// `None`: there is none.
        answer: Result<Option<Box<Object>>, String>,
    },
    /// What can stand in the revision field.
    Names {
        /// The dialog that asks.
        key: AppKey,
        /// Of which of its sources.
        source: usize,
        /// Branches, tags, commits.
        answer: Result<RevisionNames, String>,
    },
    /// The approvals that were put off.
    Deferrals(Result<Vec<Deferral>, String>),
    /// A file was written, or could not be.
    Saved(Result<String, String>),
    /// The newest lines of the program's log of itself.
    OwnLog(Vec<String>),
    /// The process goes on after it was stopped: the terminal may look like anything.
    Resumed,
    /// Somebody asked the process to end.
    Terminate,
}

/// Something that is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Read the program's log of itself.
    OwnLog,
    /// End.
    Quit,
    /// Go to the background.
    Suspend,
    /// Draw every cell anew.
    Redraw,
    /// Read the kubeconfig again and start the live view.
    Connect,
    /// An application is looked at.
    Open(AppKey),
    /// It is not any more.
    Close(AppKey),
    /// Ask what a sync would do.
    Review {
        /// Of which application.
        key: AppKey,
        /// To which revisions; empty: the target's.
        revisions: Vec<String>,
    },
    /// Ask what a request would write.
    Preview {
        /// The dialog that asks.
        dialog: u64,
        /// Which of its choices.
        choice: usize,
        /// For which application.
        key: AppKey,
        /// What.
        request: Request,
    },
    /// Send a request.
    Send {
        /// To which application.
        key: AppKey,
        /// What.
        request: Request,
        /// What the decision rests on.
        seen: Seen,
    },
    /// Read a log.
    OpenLog {
        /// Names the stream.
        stream: u64,
        /// Of which application.
        key: AppKey,
        /// Which logs.
        filter: LogFilter,
    },
    /// Stop reading it.
    CloseLog {
        /// The stream.
        stream: u64,
    },
    /// Read the operations of an application that are kept.
    History(AppKey),
    /// Read an object as it lives.
    Object {
        /// Of which application.
        key: AppKey,
        /// Which.
        object: ObjectKey,
    },
    /// Find branches, tags and commits of an application.
    Names {
        /// Of which application.
        key: AppKey,
        /// Of which of its sources.
        source: usize,
    },
    /// Fetch the repositories of an application.
    Fetch(AppKey),
    /// These applications are on the screen.
    Show(Vec<AppKey>),
    /// Read the approvals that were put off.
    Deferrals,
    /// Put an approval off.
    Defer(Deferral),
    /// It is not put off any more.
    TakeBack(AppKey),
    /// Put a text into the clipboard.
    Copy(String),
    /// Write a file into the working directory.
    Save {
        /// Its name.
        name: String,
        /// Its content.
        bytes: Vec<u8>,
    },
    /// Ring the bell.
    Bell,
    /// Tell the desktop, through the terminal.
    Notify(String),
    /// Take the terminal again.
    Resume,
}

/// What an update asks for. To be looked at: who drops it loses requests.
#[must_use]
#[derive(Debug, Default)]
pub struct Effects {
    /// To be done, in this order.
    pub list: Vec<Effect>,
    /// Something that is shown has changed.
    pub dirty: bool,
}

impl Effects {
    pub(super) fn push(&mut self, effect: Effect) {
        self.list.push(effect);
    }
}
