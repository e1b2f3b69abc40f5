//! One container's log on disk: lines as the API gives them, each with its time before it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::folder::{append, failed, make, read, replace};
use super::path::part;
use crate::domain::live::ExitRecord;

/// Whose log it is, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogInfo {
    /// `boathook.dev/v1`.
    pub api_version: String,
    /// `Log`.
    pub kind: String,
    /// Phase of the hook.
    pub phase: String,
    /// Kind of the hook.
    pub hook_kind: String,
    /// Name of the hook.
    pub hook: String,
    /// Namespace of the pod.
    pub namespace: String,
    /// Pod.
    pub pod: String,
    /// UID of the pod.
    pub pod_uid: String,
    /// Container.
    pub container: String,
    /// Which run of the container, from 0.
    pub restart: u32,
    /// When the capture began.
    pub started_at: Option<Timestamp>,
    /// When the container ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub exit: Option<ExitRecord>,
    /// All of it is here.
    pub complete: bool,
    /// Why something is missing.
    pub lost: Option<String>,
    /// Lines that were longer than what is kept of one line: only their begin is here.
    pub cut_lines: u64,
}

impl LogInfo {
    fn folder(&self) -> String {
        format!("{}-{}-{}", part(&self.phase), part(&self.hook_kind), part(&self.hook))
    }

    fn file(&self) -> String {
        format!("{}-{}-{}-{}.log", part(&self.pod), part(&self.pod_uid), part(&self.container), self.restart)
    }
}

/// Writes a log.
pub struct LogWriter {
    file: BufWriter<File>,
    path: PathBuf,
    info: LogInfo,
    /// Where a line begins that has no end yet.
    pub(super) bytes: u64,
}

impl LogWriter {
    pub(super) fn open(operation: &Path, info: &LogInfo) -> Result<Self, StoreError> {
        let folder = operation.join(info.folder());
        make(&folder)?;
        let path = folder.join(info.file());
        let (file, bytes) = open_whole(&path)?;
        let mut info = info.clone();
        "boathook.dev/v1".clone_into(&mut info.api_version);
        "Log".clone_into(&mut info.kind);
        // What was captured before stays as it is, and so does what was left out of it.
        info.cut_lines = KeptLog::open(&path)?.map_or(0, |before| before.info.cut_lines);
        let mut writer = Self { file: BufWriter::with_capacity(64 << 10, file), path, info, bytes };
        writer.write_info()?;
        Ok(writer)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends a line: its time as the API wrote it (empty: none), and any bytes without an end of line.
    pub fn line(&mut self, stamp: &str, text: &[u8]) -> Result<(), StoreError> {
        let write = |file: &mut BufWriter<File>| -> std::io::Result<()> {
            if !stamp.is_empty() {
                file.write_all(stamp.as_bytes())?;
                file.write_all(b" ")?;
            }
            file.write_all(text)?;
            file.write_all(b"\n")
        };
        write(&mut self.file).map_err(failed("writing", &self.path))?;
        let stamp = if stamp.is_empty() { 0 } else { stamp.len() + 1 };
        self.bytes += (stamp + text.len() + 1) as u64;
        Ok(())
    }

    /// Writes down that of the next line only the begin is written.
    pub fn cut(&mut self) -> Result<(), StoreError> {
        self.info.cut_lines += 1;
        self.write_info()
    }

    /// Hands everything to the system, so that readers see it.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.file.flush().map_err(failed("writing", &self.path))
    }

    /// The lines captured before, from this time on: time and text.
    pub fn tail(&self, from: Timestamp) -> Result<Vec<KeptLine>, StoreError> {
        let Some(log) = KeptLog::open(&self.path)? else { return Ok(Vec::new()) };
        let mut reader = log.read()?;
        let mut lines = Vec::new();
        while let Some(line) = reader.next_line()? {
            if line.time.is_some_and(|time| time >= from) {
                lines.push(line);
            }
        }
        Ok(lines)
    }

    /// The time of the last line captured before.
    pub fn last_time(&self) -> Result<Option<Timestamp>, StoreError> {
        KeptLog::open(&self.path)?.map_or(Ok(None), |log| log.last_time())
    }

    /// Writes down how the container ended.
    pub fn end(&mut self, change: impl FnOnce(&mut LogInfo)) -> Result<(), StoreError> {
        let flushed = self.flush();
        change(&mut self.info);
        if let Err(error) = &flushed {
            self.info.complete = false;
            self.info.lost = Some(error.to_string());
        }
        self.write_info().and(flushed)
    }

    /// Goes on after a write that failed: what is not on disk to the end of its line is forgotten.
    pub fn reopen(&mut self) -> Result<(), StoreError> {
        let (file, bytes) = open_whole(&self.path)?;
        let failed = std::mem::replace(&mut self.file, BufWriter::with_capacity(64 << 10, file));
        // Dropped as it is, it would write once more what it could not.
        let _ = failed.into_parts();
        self.bytes = bytes;
        Ok(())
    }

    /// Lines on disk.
    pub fn count(&self) -> Result<u64, StoreError> {
        let Some(log) = KeptLog::open(&self.path)? else { return Ok(0) };
        let mut reader = log.read()?;
        let mut count = 0;
        while reader.next_line()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// Whose log it is.
    pub fn info(&self) -> &LogInfo {
        &self.info
    }

    fn write_info(&mut self) -> Result<(), StoreError> {
        let path = self.path.with_extension("json");
        let content = serde_json::to_vec_pretty(&self.info)
            .map_err(|error| StoreError::Unreadable { path: path.display().to_string(), reason: error.to_string() })?;
        replace(&path, &content)
    }
}

/// Opens a log to be written on, without a line that a crash or a full disk cut short: it is read again from the API.
fn open_whole(path: &Path) -> Result<(File, u64), StoreError> {
    let file = append(path)?;
    let bytes = whole_lines(&file).map_err(failed("reading", path))?;
    file.set_len(bytes).map_err(failed("cutting", path))?;
    Ok((file, bytes))
}

/// Bytes up to the end of the last whole line.
fn whole_lines(file: &File) -> std::io::Result<u64> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(0))?;
    let (mut whole, mut at) = (0, 0_u64);
    loop {
        let (length, end) = {
            let chunk = reader.fill_buf()?;
            if chunk.is_empty() {
                return Ok(whole);
            }
            (chunk.len(), chunk.iter().rposition(|byte| *byte == b'\n'))
        };
        if let Some(end) = end {
            whole = at + end as u64 + 1;
        }
        at += length as u64;
        reader.consume(length);
    }
}

/// A log that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLog {
    /// Whose it is, and how it ended.
    pub info: LogInfo,
    path: PathBuf,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLine {
    /// When it was written.
    pub time: Option<Timestamp>,
    /// The time as it was written.
    pub stamp: String,
    /// What was written.
    pub text: Vec<u8>,
}

impl KeptLog {
    pub(super) fn open(path: &Path) -> Result<Option<Self>, StoreError> {
        let info = path.with_extension("json");
        let Some(content) = read(&info, 1 << 20)? else { return Ok(None) };
        // A log whose description is damaged is a log all the same.
        let info = serde_json::from_slice(&content).unwrap_or_default();
        Ok(Some(Self { info, path: path.to_owned() }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is known of it now: it may have ended since.
    pub fn refresh(&mut self) -> Result<(), StoreError> {
        if let Some(now) = Self::open(&self.path)? {
            self.info = now.info;
        }
        Ok(())
    }

    /// The time of its last whole line. Reads no more of it than is needed for that.
    pub fn last_time(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut reader = self.read()?;
        let length = reader.file.get_ref().metadata().map_err(failed("reading", &self.path))?.len();
        let mut back = 64 << 10;
        loop {
            let from = length.saturating_sub(back);
            reader.seek(from)?;
            let mut last = None;
            while let Some(line) = reader.next_line()? {
                last = line.time.or(last);
            }
            if last.is_some() || from == 0 {
                return Ok(last);
            }
            back *= 8;
        }
    }

    /// Reads it from its begin.
    pub fn read(&self) -> Result<LogReader, StoreError> {
        let file = File::open(&self.path).map_err(failed("opening", &self.path))?;
        Ok(LogReader { file: BufReader::with_capacity(64 << 10, file), path: self.path.clone(), rest: Vec::new() })
    }
}

/// Reads a log that may still grow.
pub struct LogReader {
    file: BufReader<File>,
    path: PathBuf,
    /// The begin of a line whose end is not there yet.
    rest: Vec<u8>,
}

impl LogReader {
    /// Goes to the first line that begins behind a place.
    fn seek(&mut self, place: u64) -> Result<(), StoreError> {
        self.rest.clear();
        self.file.seek(SeekFrom::Start(place.saturating_sub(1))).map_err(failed("reading", &self.path))?;
        if place > 0 {
            self.file.skip_until(b'\n').map_err(failed("reading", &self.path))?;
        }
        Ok(())
    }

    /// The next whole line; `None`: there is none yet.
    pub fn next_line(&mut self) -> Result<Option<KeptLine>, StoreError> {
        self.file.read_until(b'\n', &mut self.rest).map_err(failed("reading", &self.path))?;
        if self.rest.last() != Some(&b'\n') {
            return Ok(None);
        }
        let mut line = std::mem::take(&mut self.rest);
        line.pop();
        let space = line.iter().take(64).position(|byte| *byte == b' ');
        let stamp = space.and_then(|space| std::str::from_utf8(line.get(..space)?).ok());
        let time: Option<Timestamp> = stamp.and_then(|stamp| stamp.parse().ok());
        Ok(Some(match (time, space) {
            (Some(time), Some(space)) => {
                let stamp = stamp.unwrap_or_default().to_owned();
                KeptLine { time: Some(time), stamp, text: line.split_off(space + 1) }
            }
            _ => KeptLine { time: None, stamp: String::new(), text: line },
        }))
    }
}
