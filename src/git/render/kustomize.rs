//! Kustomize, by the user's own `kustomize`.

use std::path::Path;

use super::error::RenderError;
use super::settings::Kustomize;
use crate::clock::Clock;
use crate::git::process::{Limits, Run};

/// The file names by which Kustomize knows a folder.
pub(super) const FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Writes the source's settings into the copy, and builds it.
pub(super) async fn build(
    folder: &Path,
    (copies, home): (&Path, &Path),
    settings: &Kustomize,
    clock: &Clock,
) -> Result<Vec<u8>, RenderError> {
    let run = |action| run(action, home).copies(copies);
    for edit in edits(settings) {
        run("edit").dir(folder).arg("edit").args(edit).output(clock).await?;
    }
    Ok(run("build").arg("build").arg("--").arg(folder).output(clock).await?)
}

/// The arguments of `kustomize edit`, one list a run.
fn edits(settings: &Kustomize) -> Vec<Vec<String>> {
    let mut edits: Vec<Vec<String>> = Vec::new();
    let set = |what: &str, values: &[String]| {
        let words = ["set", what, "--"].map(str::to_owned);
        words.into_iter().chain(values.iter().cloned()).collect::<Vec<_>>()
    };
    for (what, value) in [
        ("nameprefix", &settings.name_prefix),
        ("namesuffix", &settings.name_suffix),
        ("namespace", &settings.namespace),
    ] {
        if !value.is_empty() {
            edits.push(set(what, std::slice::from_ref(value)));
        }
    }
    for (what, values) in [("image", &settings.images), ("replicas", &settings.replicas)] {
        if !values.is_empty() {
            edits.push(set(what, values));
        }
    }
    for (what, values, force) in [
        ("label", &settings.common_labels, settings.force_common_labels),
        ("annotation", &settings.common_annotations, settings.force_common_annotations),
    ] {
        if !values.is_empty() {
            let force = force.then(|| "--force".to_owned());
            let words = ["add", what].map(str::to_owned).into_iter().chain(force).chain(["--".to_owned()]);
            edits.push(words.chain(values.iter().cloned()).collect());
        }
    }
    edits
}

fn run(action: &str, home: &Path) -> Run {
    Run::new("kustomize", action)
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ALLOW_PROTOCOL", "https:http:ssh")
        .limits(Limits::default())
}
