//! Files at a revision, read without a checkout, and written out for the programs that need files.
//!
//! A repository is somebody else's: names, links and sizes in it are taken for hostile.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use git2::{Commit, ObjectType, Oid, Tree};

use super::repository::{CommitId, ReadError, Repository};

/// How many links are followed on the way to one file.
const MAX_LINKS: usize = 16;
/// How deep folders may lie.
const MAX_DEPTH: usize = 64;
const LINK: i32 = 0o120_000;
const EXECUTABLE: i32 = 0o100_755;

/// How much of a repository is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeLimits {
    /// Number of files.
    pub files: usize,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all files together.
    pub total_bytes: u64,
}

impl Default for TreeLimits {
    /// 100,000 files, 16 MiB a file, 512 MiB in all.
    fn default() -> Self {
        Self { files: 100_000, file_bytes: 16 << 20, total_bytes: 512 << 20 }
    }
}

/// A file at a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Path from the root of the repository, parts joined by `/`.
    pub path: String,
    /// Bytes.
    pub size: u64,
    id: Oid,
}

/// Where a path leads once its links are followed.
enum Found<'a> {
    Folder(Tree<'a>),
    File { id: Oid },
}

impl Repository {
    /// Whether there is a folder at the path. Links inside the repository are followed.
    pub fn is_folder(&self, commit: CommitId, path: &str) -> Result<bool, ReadError> {
        match self.find(commit, &parts(path)?) {
            Ok((_, Found::Folder(_))) => Ok(true),
            Ok((_, Found::File { .. })) | Err(ReadError::NoPath { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether there is a file at the path. Links inside the repository are followed.
    pub fn is_file(&self, commit: CommitId, path: &str) -> Result<bool, ReadError> {
        match self.find(commit, &parts(path)?) {
            Ok((_, Found::File { .. })) => Ok(true),
            Ok((_, Found::Folder(_))) | Err(ReadError::NoPath { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The content of one file. Links inside the repository are followed.
    pub fn read(&self, commit: CommitId, path: &str, limits: TreeLimits) -> Result<Vec<u8>, ReadError> {
        match self.find(commit, &parts(path)?)? {
            (_, Found::File { id, .. }) => self.blob(id, path, limits),
            (_, Found::Folder(_)) => Err(ReadError::NoPath { path: path.to_owned(), revision: commit.to_string() }),
        }
    }

    /// The content of a file of [`Repository::files`].
    pub fn read_file(&self, file: &TreeFile, limits: TreeLimits) -> Result<Vec<u8>, ReadError> {
        self.blob(file.id, &file.path, limits)
    }

    /// The files of a folder, sorted by path; with `recurse` those of its folders too. Links to files count as files,
    /// links to folders are not entered, submodules and names that are not UTF-8 are passed over.
    pub fn files(
        &self,
        commit: CommitId,
        path: &str,
        recurse: bool,
        limits: TreeLimits,
    ) -> Result<Vec<TreeFile>, ReadError> {
        let start = parts(path)?;
        let (real, found) = self.find(commit, &start)?;
        let Found::Folder(folder) = found else {
            return Err(ReadError::NoPath { path: path.to_owned(), revision: commit.to_string() });
        };
        let mut files = Vec::new();
        let mut folders = vec![(folder, real, start.join("/"))];
        while let Some((folder, real, shown)) = folders.pop() {
            for entry in &folder {
                let Ok(name) = entry.name() else { continue };
                check_name(name.as_bytes())?;
                let shown = join(&shown, name);
                match entry.kind() {
                    Some(ObjectType::Tree) if recurse && real.len() < MAX_DEPTH => {
                        let tree =
                            self.git.find_tree(entry.id()).map_err(ReadError::git(format!("reading {shown}")))?;
                        folders.push((tree, [real.clone(), vec![name.to_owned()]].concat(), shown));
                    }
                    Some(ObjectType::Blob) => {
                        let id = if entry.filemode() == LINK {
                            let target = [real.clone(), vec![name.to_owned()]].concat();
                            match self.find(commit, &target) {
                                Ok((_, Found::File { id, .. })) => id,
                                Ok(_) | Err(ReadError::NoPath { .. }) => continue,
                                Err(error) => return Err(error),
                            }
                        } else {
                            entry.id()
                        };
                        if files.len() >= limits.files {
                            return Err(too_large(path, format!("over {} files", limits.files), limits.files as u64));
                        }
                        let size = self.size(id, &shown)?;
                        files.push(TreeFile { path: shown, size, id });
                    }
                    _ => {}
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Writes the whole tree of a commit into an empty folder. Links are written as links to where they really lead;
    /// one that leads out of the repository is an error, one that leads nowhere and submodules are left out.
    pub fn export(&self, commit: CommitId, into: &Path, limits: TreeLimits) -> Result<(), ReadError> {
        let root = self.commit(commit)?.tree().map_err(ReadError::git(format!("reading the tree of {commit}")))?;
        let mut written = Written { files: 0, bytes: 0 };
        let mut folders = vec![(root, Vec::<String>::new(), into.to_owned())];
        while let Some((folder, parts, target)) = folders.pop() {
            for entry in &folder {
                let name = entry.name_bytes();
                check_name(name)?;
                let path = target.join(OsStr::from_bytes(name));
                let shown = join(&parts.join("/"), &String::from_utf8_lossy(name));
                match (entry.kind(), entry.filemode()) {
                    (Some(ObjectType::Tree), _) => {
                        if parts.len() >= MAX_DEPTH {
                            return Err(too_large(&shown, "folders in folders".to_owned(), MAX_DEPTH as u64));
                        }
                        fs::create_dir(&path).map_err(disk(&path))?;
                        let tree =
                            self.git.find_tree(entry.id()).map_err(ReadError::git(format!("reading {shown}")))?;
                        let name = String::from_utf8_lossy(name).into_owned();
                        folders.push((tree, [parts.clone(), vec![name]].concat(), path));
                    }
                    (Some(ObjectType::Blob), LINK) => {
                        let Ok(name) = entry.name() else { continue };
                        match self.find(commit, &[parts.clone(), vec![name.to_owned()]].concat()) {
                            Ok((real, _)) => {
                                let up: PathBuf = std::iter::repeat_n("..", parts.len()).collect();
                                symlink(up.join(real.join("/")), &path).map_err(disk(&path))?;
                            }
                            Err(ReadError::NoPath { .. }) => {}
                            Err(error) => return Err(error),
                        }
                    }
                    (Some(ObjectType::Blob), mode) => {
                        let content = self.blob(entry.id(), &shown, limits)?;
                        written.count(&shown, content.len() as u64, limits)?;
                        let mode = if mode == EXECUTABLE { 0o700 } else { 0o600 };
                        let file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
                        file.and_then(|mut file| file.write_all(&content)).map_err(disk(&path))?;
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    pub(crate) fn commit(&self, id: CommitId) -> Result<Commit<'_>, ReadError> {
        self.git.find_commit(id.0).map_err(|_| ReadError::UnknownRevision(id.to_string()))
    }

    fn size(&self, id: Oid, path: &str) -> Result<u64, ReadError> {
        let odb = self.git.odb().map_err(ReadError::git("opening the object store"))?;
        let (size, _) = odb.read_header(id).map_err(ReadError::git(format!("reading {path}")))?;
        Ok(size as u64)
    }

    fn blob(&self, id: Oid, path: &str, limits: TreeLimits) -> Result<Vec<u8>, ReadError> {
        let size = self.size(id, path)?;
        if size > limits.file_bytes {
            return Err(too_large(path, format!("{size} bytes"), limits.file_bytes));
        }
        let blob = self.git.find_blob(id).map_err(ReadError::git(format!("reading {path}")))?;
        Ok(blob.content().to_vec())
    }

    /// Follows a path part by part, as a file system does: a link's target is read where the link really lies, and
    /// `..` leaves the folder that was really entered. Gives the real path, free of links.
    fn find(&self, commit: CommitId, path: &[String]) -> Result<(Vec<String>, Found<'_>), ReadError> {
        let shown = path.join("/");
        let missing = || ReadError::NoPath { path: shown.clone(), revision: commit.to_string() };
        let reading = || ReadError::git(format!("reading {shown}"));
        let root = self.commit(commit)?.tree().map_err(reading())?;
        let mut entered: Vec<(String, Tree<'_>)> = Vec::new();
        let mut todo: Vec<String> = path.iter().rev().cloned().collect();
        let mut links = 0;
        while let Some(part) = todo.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    let outside = if links > 0 { ReadError::LinkOutside } else { ReadError::Outside };
                    entered.pop().ok_or_else(|| outside(shown.clone()))?;
                    continue;
                }
                _ => {}
            }
            let entry = entered.last().map_or(&root, |(_, tree)| tree).get_name(&part).map(|entry| entry.to_owned());
            let Some(entry) = entry else { return Err(missing()) };
            match (entry.kind(), entry.filemode()) {
                (Some(ObjectType::Tree), _) => {
                    let tree = self.git.find_tree(entry.id()).map_err(reading())?;
                    entered.push((part, tree));
                }
                (Some(ObjectType::Blob), LINK) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(too_large(&shown, "links to links".to_owned(), MAX_LINKS as u64));
                    }
                    let blob = self.git.find_blob(entry.id()).map_err(reading())?;
                    let target = std::str::from_utf8(blob.content()).map_err(|_| missing())?;
                    if target.starts_with('/') {
                        return Err(ReadError::LinkOutside(shown));
                    }
                    todo.extend(target.split('/').rev().map(str::to_owned));
                }
                (Some(ObjectType::Blob), _) => {
                    if todo.iter().any(|part| part != "." && !part.is_empty()) {
                        return Err(missing());
                    }
                    let id = entry.id();
                    let mut real: Vec<String> = entered.iter().map(|(name, _)| name.clone()).collect();
                    real.push(part);
                    return Ok((real, Found::File { id }));
                }
                _ => return Err(missing()),
            }
        }
        let real = entered.iter().map(|(name, _)| name.clone()).collect();
        Ok((real, Found::Folder(entered.pop().map_or(root, |(_, tree)| tree))))
    }
}

struct Written {
    files: usize,
    bytes: u64,
}

impl Written {
    fn count(&mut self, path: &str, bytes: u64, limits: TreeLimits) -> Result<(), ReadError> {
        self.files += 1;
        self.bytes += bytes;
        if self.files > limits.files {
            return Err(too_large(path, format!("over {} files", limits.files), limits.files as u64));
        }
        if self.bytes > limits.total_bytes {
            return Err(too_large(path, format!("over {} bytes in all", limits.total_bytes), limits.total_bytes));
        }
        Ok(())
    }
}

/// The parts of a path as an Application names it: `.`, `./a/b/`, `a//b`, also `a/../b`, but never out of the
/// repository and never from the root of the file system.
pub(crate) fn parts(path: &str) -> Result<Vec<String>, ReadError> {
    let outside = || ReadError::Outside(path.to_owned());
    if path.starts_with('/') || path.contains(['\0', '\\']) {
        return Err(outside());
    }
    let mut parts: Vec<String> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(outside)?;
            }
            part => parts.push(part.to_owned()),
        }
    }
    Ok(parts)
}

/// A tree can be written by hand with names that no checkout would accept.
fn check_name(name: &[u8]) -> Result<(), ReadError> {
    let hostile = name.is_empty()
        || name == b"."
        || name == b".."
        || name.eq_ignore_ascii_case(b".git")
        || name.iter().any(|byte| *byte == b'/' || *byte == 0);
    if hostile {
        return Err(ReadError::Outside(String::from_utf8_lossy(name).into_owned()));
    }
    Ok(())
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn too_large(path: &str, what: String, limit: u64) -> ReadError {
    ReadError::TooLarge { path: path.to_owned(), what, limit }
}

fn disk(path: &Path) -> impl FnOnce(std::io::Error) -> ReadError {
    let action = format!("writing {}", path.display());
    move |error| ReadError::Git { action, reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        assert_eq!(parts("./a//b/").unwrap(), ["a", "b"]);
        assert_eq!(parts("a/../b").unwrap(), ["b"]);
        assert!(parts(".").unwrap().is_empty());
        for hostile in ["/etc", "..", "a/../../b", "a\0b", "..\\b"] {
            assert!(parts(hostile).is_err(), "{hostile:?}");
        }
    }
}
