//! Which files a path means, in an order that does not depend on the file system.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::input::Problem;

/// Folders below folders: more is a mistake.
const DEEPEST: usize = 64;
/// Files of one run: more is a mistake.
const MOST_FILES: usize = 20_000;

/// Files that were found, and what stood in the way.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub found: Vec<PathBuf>,
    pub problems: Vec<Problem>,
    is_full: bool,
}

impl Files {
    /// Adds the files that a path of the command line means: itself, or everything below it.
    pub(super) fn add(&mut self, path: &Path) {
        match fs::metadata(path) {
            Err(error) => self.problem(path, unreadable(&error)),
            Ok(metadata) if metadata.is_dir() => match path.canonicalize() {
                Ok(root) => self.folder(path, &root, 0),
                Err(error) => self.problem(path, unreadable(&error)),
            },
            Ok(metadata) if !metadata.is_file() && !is_pipe(&metadata) => {
                self.problem(path, "is neither a file nor a folder".to_owned());
            }
            Ok(_) => self.file(path),
        }
    }

    fn file(&mut self, path: &Path) {
        if self.found.len() < MOST_FILES {
            self.found.push(path.to_owned());
        } else if !self.is_full {
            self.is_full = true;
            self.problem(path, format!("more than {MOST_FILES} files: this one and all after it are not read"));
        }
    }

    fn problem(&mut self, path: &Path, message: String) {
        self.problems.push(Problem { source: path.display().to_string(), line: None, column: None, message });
    }

    fn folder(&mut self, folder: &Path, root: &Path, depth: usize) {
        if depth > DEEPEST {
            return self.problem(folder, format!("more than {DEEPEST} folders below each other"));
        }
        let mut entries: Vec<PathBuf> = match fs::read_dir(folder)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>())
        {
            Ok(entries) => entries,
            Err(error) => return self.problem(folder, unreadable(&error)),
        };
        entries.sort();
        if let Some(tool) = must_be_rendered(&entries) {
            return self.problem(folder, tool.advice(folder));
        }
        for path in entries {
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            if metadata.is_dir() {
                // Version control and editors keep YAML of their own in hidden folders.
                if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
                    self.folder(&path, root, depth + 1);
                }
            } else if is_manifest(&path) {
                if metadata.is_symlink() {
                    self.link(&path, root);
                } else if metadata.is_file() {
                    self.file(&path);
                }
            }
        }
    }

    /// A link to a file below the same root is that file; Argo CD refuses a repository with links that lead out of it.
    fn link(&mut self, path: &Path, root: &Path) {
        match path.canonicalize() {
            Ok(target) if !target.starts_with(root) => {
                self.problem(path, format!("is a link that leads out of {}; it is not followed", root.display()));
            }
            Ok(target) if target.is_file() => self.file(path),
            Ok(_) => {}
            Err(error) => self.problem(path, unreadable(&error)),
        }
    }
}

pub(super) fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

/// Whether the file is a pipe, as `<(helm template ...)` gives.
#[cfg(unix)]
fn is_pipe(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.file_type().is_fifo()
}

#[cfg(not(unix))]
fn is_pipe(_: &fs::Metadata) -> bool {
    false
}

/// The endings that Argo CD reads in a folder of plain manifests (Jsonnet, which has to be run, is not among them).
fn is_manifest(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ["yaml", "yml", "json"].contains(&ending))
}

/// Something that Argo CD would render before it syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    Helm,
    Kustomize,
}

impl Tool {
    fn advice(self, folder: &Path) -> String {
        let folder = folder.display();
        match self {
            Self::Helm => {
                format!("is a Helm chart and has to be rendered first: helm template {folder} | boathook plan -")
            }
            Self::Kustomize => {
                format!("is a kustomization and has to be rendered first: kustomize build {folder} | boathook plan -")
            }
        }
    }
}

fn must_be_rendered(entries: &[PathBuf]) -> Option<Tool> {
    let has = |names: &[&str]| entries.iter().any(|path| names.iter().any(|name| path.ends_with(name)));
    if has(&["Chart.yaml"]) {
        Some(Tool::Helm)
    } else if has(&["kustomization.yaml", "kustomization.yml", "Kustomization"]) {
        Some(Tool::Kustomize)
    } else {
        None
    }
}
