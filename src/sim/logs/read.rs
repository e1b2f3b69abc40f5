//! Reading a log: which run is meant, from which line, until when.

use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::Stream;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::watch;

use super::buffer::{Line, Logs, Progress, Run, RunKey};
use super::options::{LogOptions, container};
use crate::sim::status::Status;

/// About how much one piece of a stream holds, in bytes.
const PIECE: usize = 64 * 1024;

/// The bytes of a log, in pieces. Ends when everything is read or, if followed, when the container has ended.
pub type LogStream = Pin<Box<dyn Stream<Item = Bytes> + Send>>;

impl Logs {
    /// Reads a log of a pod as the API server answers it; `now` is for `sinceSeconds`.
    ///
    /// # Errors
    /// 400 where the container is not named or has not started yet, in the words of a kubelet.
    pub fn read(&self, pod: &Value, options: &LogOptions, now: Timestamp) -> Result<LogStream, Status> {
        let name = container(pod, options)?;
        // Nobody asks a node before there is one.
        if pod.pointer("/spec/nodeName").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Ok(Box::pin(futures::stream::empty()));
        }
        let restart = run_of(pod, &name, options.previous)?;
        let uid = pod.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
        let key = RunKey { pod: uid.to_owned(), container: name, restart };
        let Some(run) = self.run(&key) else {
            // It was dropped to save memory, as a node's rotated file.
            return Ok(Box::pin(futures::stream::empty()));
        };
        let since = options.since_time.or_else(|| {
            let seconds = SignedDuration::from_secs(options.since_seconds?);
            Some(now.checked_sub(seconds).unwrap_or(Timestamp::MIN))
        });
        let reader = Reader {
            next: run.start(options.tail_lines),
            changed: run.changed.subscribe(),
            run,
            since,
            timestamps: options.timestamps,
            follow: options.follow,
            left: options.limit_bytes,
        };
        Ok(Box::pin(futures::stream::unfold(reader, Reader::piece)))
    }
}

/// The `restartCount` of the run that is meant.
fn run_of(pod: &Value, container: &str, previous: bool) -> Result<u32, Status> {
    let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let refuse = |what: String| Err(Status::bad_request(what));
    let Some(status) = status_of(pod, container) else {
        return refuse(format!("container {container:?} in pod {name:?} is not available"));
    };
    let restarts = status.get("restartCount").and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok());
    let restarts = restarts.unwrap_or_default();
    let state = status.get("state");
    let is = |name: &str| state.and_then(|state| state.get(name)).is_some();
    let ended_before = status.pointer("/lastState/terminated").is_some();
    if previous {
        return match (ended_before, restarts.checked_sub(u32::from(is("running") || is("terminated")))) {
            (true, Some(run)) => Ok(run),
            _ => refuse(format!("previous terminated container {container:?} in pod {name:?} not found")),
        };
    }
    if is("running") || is("terminated") || ended_before {
        return Ok(restarts);
    }
    match status.pointer("/state/waiting/reason").and_then(Value::as_str) {
        Some("ErrImagePull") => {
            refuse(format!("container {container:?} in pod {name:?} is waiting to start: image can't be pulled"))
        }
        Some("ImagePullBackOff") => refuse(format!(
            "container {container:?} in pod {name:?} is waiting to start: trying and failing to pull image"
        )),
        Some(reason) => refuse(format!("container {container:?} in pod {name:?} is waiting to start: {reason}")),
        None => refuse(format!("container {container:?} in pod {name:?} is waiting to start - no logs yet")),
    }
}

fn status_of<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    ["/status/containerStatuses", "/status/initContainerStatuses"]
        .iter()
        .filter_map(|list| pod.pointer(list)?.as_array())
        .flatten()
        .find(|status| status.get("name").and_then(Value::as_str) == Some(container))
}

struct Reader {
    run: Arc<Run>,
    changed: watch::Receiver<Progress>,
    next: u64,
    since: Option<Timestamp>,
    timestamps: bool,
    follow: bool,
    /// Bytes that may still be sent.
    left: Option<u64>,
}

impl Reader {
    async fn piece(mut self) -> Option<(Bytes, Self)> {
        loop {
            if self.left == Some(0) {
                return None;
            }
            // Marked before reading: what is written in between is read in the next round.
            let progress = *self.changed.borrow_and_update();
            let (lines, next) = self.run.lines(self.next, PIECE);
            let nothing_new = next == self.next;
            self.next = next;
            let mut piece = BytesMut::new();
            let since = self.since;
            for line in lines.iter().filter(|line| since.is_none_or(|since| line.at >= since)) {
                self.append(&mut piece, line);
            }
            if !piece.is_empty() {
                return Some((piece.freeze(), self));
            }
            if nothing_new && (!self.follow || progress.ended) {
                return None;
            }
            if nothing_new && self.changed.changed().await.is_err() {
                return None;
            }
        }
    }

    fn append(&mut self, piece: &mut BytesMut, line: &Line) {
        if self.timestamps {
            let stamp = format!("{:.9} ", line.at);
            self.take(piece, stamp.as_bytes());
        }
        self.take(piece, &line.text);
    }

    fn take(&mut self, piece: &mut BytesMut, bytes: &[u8]) {
        let Some(left) = self.left else { return piece.extend_from_slice(bytes) };
        let taken = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        piece.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        self.left = Some(left - taken as u64);
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn key(restart: u32) -> RunKey {
        RunKey { pod: "u".to_owned(), container: "main".to_owned(), restart }
    }

    fn pod(state: &Value, last: &Value, restarts: u32) -> Value {
        json!({
            "metadata": {"name": "p", "uid": "u"},
            "spec": {"nodeName": "n", "containers": [{"name": "main"}]},
            "status": {"containerStatuses": [
                {"name": "main", "state": state, "lastState": last, "restartCount": restarts}]},
        })
    }

    fn running() -> Value {
        pod(&json!({"running": {}}), &json!({}), 0)
    }

    async fn text(logs: &Logs, pod: &Value, options: LogOptions) -> String {
        let stream = logs.read(pod, &options, at(100)).unwrap_or_else(|error| panic!("{error}"));
        let pieces: Vec<Bytes> = stream.collect().await;
        String::from_utf8_lossy(&pieces.concat()).into_owned()
    }

    fn three_lines() -> Logs {
        let logs = Logs::new();
        logs.start(&key(0));
        for (second, line) in [(10, "one"), (50, "two"), (99, "three")] {
            logs.write(&key(0), at(second), line.as_bytes());
        }
        logs
    }

    #[tokio::test]
    async fn reads_what_is_asked_for() {
        let logs = three_lines();
        let read = async |options| text(&logs, &running(), options).await;
        assert_eq!(read(LogOptions::default()).await, "one\ntwo\nthree\n");
        assert_eq!(read(LogOptions { tail_lines: Some(2), ..LogOptions::default() }).await, "two\nthree\n");
        assert_eq!(read(LogOptions { tail_lines: Some(0), ..LogOptions::default() }).await, "");
        assert_eq!(read(LogOptions { since_seconds: Some(50), ..LogOptions::default() }).await, "two\nthree\n");
        assert_eq!(read(LogOptions { since_time: Some(at(51)), ..LogOptions::default() }).await, "three\n");
        assert_eq!(read(LogOptions { limit_bytes: Some(6), ..LogOptions::default() }).await, "one\ntw");
        let stamped = read(LogOptions { timestamps: true, tail_lines: Some(1), ..LogOptions::default() }).await;
        assert_eq!(stamped, "2023-11-14T22:14:59.000000000Z three\n");
    }

    #[tokio::test]
    async fn follows_until_the_container_ends() {
        let logs = three_lines();
        let options = LogOptions { follow: true, tail_lines: Some(1), ..LogOptions::default() };
        let mut stream = logs.read(&running(), &options, at(100)).unwrap();
        assert_eq!(stream.next().await.unwrap(), "three\n");
        logs.write(&key(0), at(101), b"\xff\xfe");
        assert_eq!(stream.next().await.unwrap(), &b"\xff\xfe\n"[..]);
        logs.write(&key(0), at(102), b"last");
        logs.end(&key(0));
        logs.write(&key(0), at(103), b"after the end");
        assert_eq!(stream.next().await.unwrap(), "last\n");
        assert_eq!(stream.next().await, None);
    }

    #[tokio::test]
    async fn follower_ends_when_the_pod_is_gone() {
        let logs = three_lines();
        let options = LogOptions { follow: true, ..LogOptions::default() };
        let mut stream = logs.read(&running(), &options, at(100)).unwrap();
        logs.forget("u");
        assert_eq!(stream.next().await.unwrap(), "one\ntwo\nthree\n");
        assert_eq!(stream.next().await, None);
        assert_eq!(logs.bytes(), 0);
    }

    #[tokio::test]
    async fn previous_is_the_run_before() {
        let logs = three_lines();
        logs.end(&key(0));
        let previous = LogOptions { previous: true, ..LogOptions::default() };
        let back_off = pod(&json!({"waiting": {"reason": "CrashLoopBackOff"}}), &json!({"terminated": {}}), 0);
        assert_eq!(text(&logs, &back_off, LogOptions::default()).await, "one\ntwo\nthree\n");
        assert_eq!(text(&logs, &back_off, previous.clone()).await, "one\ntwo\nthree\n");
        logs.start(&key(1));
        logs.write(&key(1), at(100), b"again");
        let again = pod(&json!({"running": {}}), &json!({"terminated": {}}), 1);
        assert_eq!(text(&logs, &again, LogOptions::default()).await, "again\n");
        assert_eq!(text(&logs, &again, previous).await, "one\ntwo\nthree\n");
    }

    #[test]
    fn says_why_there_is_no_log() {
        let logs = Logs::new();
        let waiting = |reason: &str| pod(&json!({"waiting": {"reason": reason}}), &json!({}), 0);
        let two = json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n",
            "containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}]}});
        for (pod, options, expected) in [
            (
                waiting("ContainerCreating"),
                "",
                "container \"main\" in pod \"p\" is waiting to start: ContainerCreating",
            ),
            (
                waiting("ImagePullBackOff"),
                "",
                "container \"main\" in pod \"p\" is waiting to start: trying and failing to pull image",
            ),
            (waiting("x"), "container=y", "container y is not valid for pod p"),
            (running(), "previous=true", "previous terminated container \"main\" in pod \"p\" not found"),
            (
                two,
                "",
                "a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i]",
            ),
        ] {
            let query: Vec<_> =
                options.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
            let options = LogOptions::from_query("web", &query).unwrap();
            let error = logs.read(&pod, &options, at(0)).err().unwrap();
            assert_eq!((error.code, error.reason, error.message.as_str()), (400, "BadRequest", expected));
        }
    }

    #[test]
    fn refuses_absurd_options() {
        for (name, value, code) in [
            ("tailLines", "-1", 422),
            ("tailLines", "many", 400),
            ("sinceSeconds", "0", 422),
            ("limitBytes", "0", 422),
            ("sinceTime", "yesterday", 400),
            ("tailLines", "99999999999999999999", 400),
        ] {
            let error = LogOptions::from_query("web", &[(name.to_owned(), value.to_owned())]).unwrap_err();
            assert_eq!(error.code, code, "{name}={value}: {error}");
        }
        let both = [("sinceSeconds", "1"), ("sinceTime", "2026-01-01T00:00:00Z")];
        let both: Vec<_> = both.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(LogOptions::from_query("web", &both).unwrap_err().code, 422);
    }

    #[tokio::test]
    async fn memory_is_bounded_and_the_newest_lines_stay() {
        let logs = Logs::new();
        logs.start(&key(0));
        let line = vec![b'x'; 100_000];
        for _ in 0..200 {
            logs.write(&key(0), at(0), &line);
        }
        logs.write(&key(0), at(0), b"newest");
        assert!(logs.bytes() <= 10 << 20, "{}", logs.bytes());
        let tail = LogOptions { tail_lines: Some(1), ..LogOptions::default() };
        assert_eq!(text(&logs, &running(), tail).await, "newest\n");
    }
}
