//! What Argo CD passes over in a folder of manifests.

use std::path::Path;

use super::place::Fault;
use super::read::Manifests;

/// A file with these words in it is left out.
const SKIP_FILE: &str = "+argocd:skip-file-rendering";
/// YAML that has not all of these words is no manifest, whatever else it is.
const MANIFEST_WORDS: [&str; 3] = ["apiVersion:", "kind:", "metadata:"];

/// Whether a file says of itself that it is not to be read.
pub fn says_skip(bytes: &[u8]) -> bool {
    contains(bytes, SKIP_FILE)
}

/// Whether a file of a folder is some other YAML, such as the values of a chart: Argo CD passes over it without a word.
/// A file of JSON it always takes for a manifest. What cannot be read at all is not passed over here, though Argo CD does
/// if the words are missing: it may have been meant as a manifest.
pub fn is_no_manifest(source: &str, bytes: &[u8], read: &Manifests) -> bool {
    Path::new(source).extension().is_none_or(|ending| ending != "json")
        && read.objects.is_empty()
        && read.errors.iter().all(|error| matches!(error.fault, Fault::NotAnObject(_)))
        && !MANIFEST_WORDS.iter().all(|word| contains(bytes, word))
}

fn contains(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}
