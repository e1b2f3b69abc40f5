//! What the handle asks of the hub.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::domain::application::AppKey;
use crate::domain::live::{LogFilter, LogMessage, OperationRecord, Preview, PreviewError, RequestId, RevisionNames};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::request::{Request, Seen};
use crate::store::StoreError;

/// What the handle asks of the hub.
pub(super) enum Command {
    Open(AppKey),
    Close(AppKey),
    Review { key: AppKey, revisions: Vec<String> },
    Send { id: RequestId, key: AppKey, request: Box<Request>, seen: Option<Box<Seen>> },
    Preview { key: AppKey, request: Box<Request>, reply: oneshot::Sender<Result<Preview, PreviewError>> },
    Logs { key: AppKey, filter: LogFilter, sender: mpsc::Sender<LogMessage> },
    History { key: AppKey, reply: oneshot::Sender<Result<Vec<Arc<OperationRecord>>, StoreError>> },
    Show(Vec<AppKey>),
    Fetch(AppKey),
    Names { key: AppKey, source: usize, reply: oneshot::Sender<Result<RevisionNames, String>> },
    Object { key: AppKey, object: ObjectKey, reply: oneshot::Sender<Result<Option<Object>, String>> },
    Stop(oneshot::Sender<()>),
}
