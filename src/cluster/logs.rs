//! Logs of containers, line by line.

use bytes::{Buf as _, Bytes, BytesMut};
use futures::{Stream, StreamExt as _};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kube::client::Body;

use super::client::{Call, Cluster, retry_after};
use super::error::{ApiError, ClusterError};
use super::kinds::Kind;
use super::options::Subresource;
use super::path::{object_path, with_query};

/// Longest line that is kept whole; a longer one is cut and says so.
const MAX_LINE: usize = 64 << 10;
/// Longest time before a line, with the space behind it.
const MAX_STAMP: usize = 64;

/// Which part of a container's log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogOptions {
    /// The container.
    pub container: String,
    /// Stay until the container ends.
    pub follow: bool,
    /// The log of the container's run before the last restart.
    pub previous: bool,
    /// Only what was written at or after this time; whole seconds.
    pub since: Option<Timestamp>,
    /// Only so many of the last lines.
    pub tail: Option<u64>,
    /// Longest line that is kept whole; 0: 64 KiB.
    pub longest: usize,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When the container wrote it, as the node's runtime noted it.
    pub time: Option<Timestamp>,
    /// The time as it was written, to compare lines of one nanosecond.
    pub stamp: String,
    /// What was written, without its line feed; any bytes. A carriage return before it is the container's own.
    pub text: Bytes,
    /// The line was longer and was cut.
    pub truncated: bool,
    /// It has its end. The last line of a log may have none, and so has one that was cut off with the connection.
    pub is_whole: bool,
}

/// Lines as they come. Its end: the container ended, or the server cut the connection.
pub type LogStream = std::pin::Pin<Box<dyn Stream<Item = Result<LogLine, ClusterError>> + Send>>;

impl Cluster {
    /// Opens a container's log. A container that has not started yet is an [`ClusterError::Api`] with code 400.
    pub async fn logs(&self, namespace: &str, pod: &str, options: &LogOptions) -> Result<LogStream, ClusterError> {
        let kind = Kind::known("", "v1", "Pod", "pods", true);
        let action = format!("reading the log of {namespace}/{pod} {}", options.container);
        let path = object_path(&action, &kind, namespace, pod, Subresource::None)?;
        let mut query = vec![("timestamps", "true".to_owned())];
        for (name, value) in [("follow", options.follow), ("previous", options.previous)] {
            if value {
                query.push((name, "true".to_owned()));
            }
        }
        if !options.container.is_empty() {
            query.push(("container", options.container.clone()));
        }
        if let Some(since) = options.since {
            query.push(("sinceTime", format!("{since:.0}")));
        }
        if let Some(tail) = options.tail {
            query.push(("tailLines", tail.to_string()));
        }
        let call = Call::get(action.clone(), with_query(format!("{path}/log"), &query));
        // Its lines may take as long as the container runs; that there is a log has to be said soon.
        let limit = self.timeout();
        let opened = self.clock.timeout(limit, self.open(call)).await;
        let (status, headers, body) = opened.unwrap_or_else(|_| {
            let reason = format!("nothing came within {} s", limit.as_secs());
            Err(ClusterError::NoAnswer { action: action.clone(), reason })
        })?;
        if !status.is_success() {
            let limit = http_body_util::Limited::new(body, 1 << 20);
            let body = limit.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            let status = ApiError::read(status.as_u16(), retry_after(&headers), &body);
            return Err(ClusterError::Api { action, status });
        }
        Ok(lines(body, action, options.longest).boxed())
    }
}

/// Cuts a body into lines. Lines may be of any bytes, of any length, and the last may lack its end.
fn lines(body: Body, action: String, longest: usize) -> impl Stream<Item = Result<LogLine, ClusterError>> + Send {
    let lines = Lines { longest, ..Lines::default() };
    let state = (body.into_data_stream(), lines, action, false);
    futures::stream::unfold(state, |(mut body, mut lines, action, ended)| async move {
        if ended {
            return None;
        }
        loop {
            if let Some(line) = lines.next() {
                return Some((Ok(line), (body, lines, action, false)));
            }
            match body.next().await {
                Some(Ok(bytes)) => lines.push(&bytes),
                Some(Err(error)) => {
                    let reason = super::causes::causes(&error);
                    let error = ClusterError::NoAnswer { action: action.clone(), reason };
                    return Some((Err(error), (body, lines, action, true)));
                }
                None => return lines.last().map(|line| (Ok(line), (body, lines, action, true))),
            }
        }
    })
}

/// Bytes on their way to lines.
#[derive(Default)]
struct Lines {
    buffer: BytesMut,
    /// How far the buffer was searched for an end.
    searched: usize,
    /// The rest of a line that was too long is being passed over.
    skipping: bool,
    /// 0: [`MAX_LINE`].
    longest: usize,
}

impl Lines {
    fn longest(&self) -> usize {
        if self.longest == 0 { MAX_LINE } else { self.longest }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    fn next(&mut self) -> Option<LogLine> {
        loop {
            let rest = self.buffer.get(self.searched..).unwrap_or_default();
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                self.searched = self.buffer.len();
                // With so many bytes there are enough of the line itself, however long the time before it is. Where it is
                // cut must not depend on how it came: a line that comes again is known by what is kept of it.
                if self.searched <= self.longest() + MAX_STAMP {
                    return None;
                }
                let skipping = std::mem::replace(&mut self.skipping, true);
                let line = self.buffer.split().freeze();
                self.searched = 0;
                if skipping {
                    return None;
                }
                return Some(read_line(&line, true, self.longest()));
            };
            let line = self.buffer.split_to(self.searched + end).freeze();
            self.buffer.advance(1);
            self.searched = 0;
            if !std::mem::take(&mut self.skipping) {
                return Some(read_line(&line, true, self.longest()));
            }
        }
    }

    fn last(&mut self) -> Option<LogLine> {
        let line = self.buffer.split().freeze();
        (!line.is_empty() && !self.skipping).then(|| read_line(&line, false, self.longest()))
    }
}

fn read_line(line: &Bytes, is_whole: bool, longest: usize) -> LogLine {
    let space = line.iter().take(MAX_STAMP).position(|byte| *byte == b' ').unwrap_or(line.len().min(MAX_STAMP));
    let stamp = std::str::from_utf8(line.get(..space).unwrap_or_default()).unwrap_or_default();
    let time: Option<Timestamp> = stamp.parse().ok();
    let (stamp, mut text) = match time {
        Some(_) => (stamp.to_owned(), line.slice((space + 1).min(line.len())..)),
        // A message of the kubelet itself has no time.
        None => (String::new(), line.clone()),
    };
    let truncated = text.len() > longest;
    text.truncate(longest);
    LogLine { time, stamp, text, truncated, is_whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(chunks: &[&[u8]]) -> Vec<LogLine> {
        let mut lines = Lines::default();
        let mut all = Vec::new();
        for chunk in chunks {
            lines.push(chunk);
            all.extend(std::iter::from_fn(|| lines.next()));
        }
        all.extend(lines.last());
        all
    }

    fn texts(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        all(chunks).into_iter().map(|line| line.text.to_vec()).collect()
    }

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let whole: &[u8] = b"2026-11-22T13:30:05.000000001Z a\r\n2026-11-22T13:30:05Z \n\xff\xfe no time\nlast";
        let expected = texts(&[whole]);
        assert_eq!(expected, [&b"a\r"[..], b"", b"\xff\xfe no time", b"last"]);
        for cut in 0..whole.len() {
            assert_eq!(texts(&[&whole[..cut], &whole[cut..]]), expected, "cut at {cut}");
        }
        assert_eq!(all(&[whole])[0].stamp, "2026-11-22T13:30:05.000000001Z");
    }

    #[test]
    fn a_long_line_is_cut_at_the_same_place_however_it_comes() {
        for (stamp, length, truncated) in [
            ("2026-11-22T13:30:05.000000001Z ", MAX_LINE, false),
            ("2026-11-22T13:30:05.000000001Z ", MAX_LINE + 1, true),
            ("2026-11-22T13:30:05.000000001Z ", 3 * MAX_LINE, true),
            ("2026-11-22T13:30:05Z ", MAX_LINE + 40, true),
            ("", MAX_LINE, false),
            ("", MAX_LINE + 1, true),
            ("", MAX_LINE + 100, true),
        ] {
            let line = [stamp.as_bytes(), &vec![b'x'; length], b"\n", stamp.as_bytes(), b"next\n"].concat();
            let expected = all(&[&line]);
            assert_eq!((expected[0].text.len(), expected[0].truncated), (length.min(MAX_LINE), truncated), "{length}");
            assert_eq!((&expected[1].text[..], expected[1].truncated), (&b"next"[..], false));
            for cut in (MAX_LINE - 70..MAX_LINE + 140).chain([1, 20, 31, 32, 2 * MAX_LINE]) {
                let cut = cut.min(line.len());
                assert_eq!(all(&[&line[..cut], &line[cut..]]), expected, "{length} cut at {cut}");
                assert_eq!(all(&line.chunks(cut).collect::<Vec<_>>()), expected, "{length} in parts of {cut}");
            }
        }
    }

    #[test]
    fn a_line_without_end_is_cut_and_the_next_is_whole() {
        let long = vec![b'x'; 3 * MAX_LINE];
        let lines = all(&[&long, &long, b"\nnext\n"]);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].truncated && lines[0].text.len() == MAX_LINE);
        assert_eq!((&lines[1].text[..], lines[1].truncated), (&b"next"[..], false));
    }
}
