//! A folder of manifests, read from the repository without a checkout.

use globset::{GlobBuilder, GlobMatcher};

use super::error::RenderError;
use super::settings::Directory;
use crate::domain::manifest::{Manifest, ManifestError, is_no_manifest, read, says_skip};
use crate::git::repository::{CommitId, Repository};
use crate::git::tree::TreeLimits;

/// Reads all `.yaml`, `.yml` and `.json` files of a folder, in the order of their paths. Errors name the file, the line
/// and the column, and all of them are reported.
pub(super) fn manifests(
    repository: &Repository,
    commit: CommitId,
    path: &str,
    directory: &Directory,
) -> Result<Vec<Manifest>, RenderError> {
    let limits = TreeLimits::default();
    let include = glob("directory.include", &directory.include)?;
    let exclude = glob("directory.exclude", &directory.exclude)?;
    let root = crate::git::tree::parts(path)?.join("/");
    let mut manifests = Vec::new();
    let mut errors: Vec<ManifestError> = Vec::new();
    let mut total = 0;
    for file in repository.files(commit, path, directory.recurse, limits)? {
        let relative = file.path.strip_prefix(&root).unwrap_or(&file.path).trim_start_matches('/');
        let wanted = include.as_ref().is_none_or(|glob| glob.is_match(relative))
            && !exclude.as_ref().is_some_and(|glob| glob.is_match(relative));
        let extension = relative.rsplit_once('.').map_or("", |(_, extension)| extension);
        match extension {
            "yaml" | "yml" | "json" if wanted => {}
            "jsonnet" if wanted => return Err(RenderError::Unsupported(format!("jsonnet file {}", file.path))),
            _ => continue,
        }
        total += file.size;
        if total > limits.total_bytes {
            return Err(crate::git::repository::ReadError::TooLarge {
                path: path.to_owned(),
                what: format!("{total} bytes of manifests"),
                limit: limits.total_bytes,
            }
            .into());
        }
        let content = repository.read_file(&file, limits)?;
        if says_skip(&content) {
            continue;
        }
        let mut read = read(file.path.as_str(), &content);
        if is_no_manifest(&file.path, &content, &read) {
            continue;
        }
        manifests.append(&mut read.objects);
        errors.append(&mut read.errors);
    }
    if errors.is_empty() { Ok(manifests) } else { Err(RenderError::Manifests(errors)) }
}

/// Argo CD's globs: `*` also takes `/`, and `{a,b}` is either.
fn glob(field: &str, pattern: &str) -> Result<Option<GlobMatcher>, RenderError> {
    if pattern.is_empty() {
        return Ok(None);
    }
    let glob = GlobBuilder::new(pattern).literal_separator(false).backslash_escape(true).build();
    let wrong = |_| RenderError::Setting { field: field.to_owned(), expected: "a glob" };
    glob.map(|glob| Some(glob.compile_matcher())).map_err(wrong)
}
