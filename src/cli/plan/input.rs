//! The manifests of the command line, with the place of each object and everything that could not be read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::files::{Files, unreadable};
use crate::domain::manifest::{Limits, ManifestError, Object, Place, is_no_manifest, read, says_skip};

/// What standard input is called in messages and places.
const STDIN: &str = "<stdin>";

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Input {
    pub objects: Vec<Arc<Object>>,
    /// The place of each object, in the same order.
    pub places: Vec<Place>,
    pub problems: Vec<Problem>,
}

/// Something that could not be read, and so is not in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// File, folder or `<stdin>`.
    pub source: String,
    pub line: Option<usize>,
    pub column: Option<usize>,
    pub message: String,
}

impl Input {
    /// Reads everything that the paths mean. What is wrong with one does not keep the others from being read.
    pub(super) fn read(paths: &[String]) -> Self {
        let mut input = Self::default();
        for path in paths {
            if path == "-" {
                input.source(STDIN, false, || Ok(io::stdin().lock()));
                continue;
            }
            let mut files = Files::default();
            let given = Path::new(path);
            files.add(given);
            if files.found.is_empty() && files.problems.is_empty() {
                files.problems.push(Problem {
                    source: path.clone(),
                    line: None,
                    column: None,
                    message: "there is no *.yaml, *.yml or *.json in this folder".to_owned(),
                });
            }
            let before = input.problems.len();
            input.problems.append(&mut files.problems);
            for file in files.found {
                input.source(&file.display().to_string(), file != given, || File::open(&file));
            }
            if let Some(problems) = input.problems.get_mut(before..) {
                problems.sort_by(|one, next| (&one.source, one.line).cmp(&(&next.source, next.line)));
            }
        }
        if input.objects.is_empty() && input.problems.is_empty() {
            // As from a pipe whose first program failed: nothing is not the same as nothing wrong.
            let message = "there is no Kubernetes object in it".to_owned();
            input.problems.push(Problem { source: paths.join(", "), line: None, column: None, message });
        }
        input
    }

    fn problem(&mut self, source: &str, message: &str) {
        let message = message.to_owned();
        self.problems.push(Problem { source: source.to_owned(), line: None, column: None, message });
    }

    fn source<R: Read>(&mut self, name: &str, is_found: bool, open: impl FnOnce() -> io::Result<R>) {
        let mut bytes = Vec::new();
        // One byte more than is allowed: enough for the reader to see that it is too much.
        let most = u64::try_from(Limits::default().bytes).unwrap_or(u64::MAX).saturating_add(1);
        match open().and_then(|source| source.take(most).read_to_end(&mut bytes)) {
            Ok(_) => {}
            Err(error) => {
                self.problem(name, &unreadable(&error));
                return;
            }
        }
        if name != STDIN && says_skip(&bytes) {
            if !is_found {
                self.problem(name, "passed over, as it asks for (+argocd:skip-file-rendering)");
            }
            return;
        }
        let read = read(name, &bytes);
        if is_found && is_no_manifest(name, &bytes, &read) {
            if looks_meant(&bytes) {
                let message =
                    "Argo CD passes over this file without a word: no object in it has apiVersion, kind and metadata";
                self.problem(name, message);
            }
            return;
        }
        for found in read.objects {
            self.objects.push(Arc::new(found.object));
            self.places.push(found.place);
        }
        self.problems.extend(read.errors.into_iter().map(Problem::from));
    }
}

/// Whether a file that is no manifest was probably meant as one: two of the three words stand at the beginning of a line,
/// or it speaks of hooks.
fn looks_meant(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let begins = |word: &&str| text.lines().any(|line| line.starts_with(*word));
    ["apiVersion:", "kind:", "metadata:"].iter().filter(|word| begins(word)).count() >= 2
        || ["argocd.argoproj.io/hook", "helm.sh/hook"].iter().any(|annotation| text.contains(annotation))
}

impl From<ManifestError> for Problem {
    fn from(error: ManifestError) -> Self {
        Self {
            source: error.source_name.to_string(),
            line: Some(error.line),
            column: Some(error.column),
            message: error.fault.to_string(),
        }
    }
}
