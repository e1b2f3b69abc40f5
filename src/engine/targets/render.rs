//! From sources to stamped manifests.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use super::fetch::{Fetch, commit};
use super::spec::{SourcePath, check_source};
use super::stamp::stamp;
use crate::domain::application::{Application, Source};
use crate::domain::manifest::Object;
use crate::domain::plan::manifest_digest;
use crate::domain::project::Project;
use crate::engine::destination::Destination;
use crate::engine::problem::Problem;
use crate::engine::project::check_places;
use crate::engine::shared::Shared;
use crate::git::{RenderError, RenderRequest, RepoUrl, SourceAt, render};

/// How many renderings of one application are kept: those of its spec and of its operation, which are asked for again and
/// again.
const KEPT: usize = 2;

/// What is asked for.
pub(crate) struct Wanted<'a> {
    /// For which application.
    pub(crate) application: &'a Application,
    /// Its project, which must permit the sources and the destination.
    pub(crate) project: &'a Project,
    /// The cluster it goes to.
    pub(crate) destination: &'a Destination,
    /// The spec's sources, or those that an operation brings.
    pub(crate) sources: &'a [Source],
    /// Where these are written.
    pub(crate) written: SourcePath,
    /// Revisions by index instead of the target revisions; an empty or missing one counts as none.
    pub(crate) revisions: &'a [String],
    /// Whether the repositories are fetched.
    pub(crate) fetch: Fetch,
}

/// Manifests of an application at fixed revisions.
#[derive(Debug, Clone)]
pub(crate) struct Targets {
    /// The manifests, in order, with the tracking id.
    pub(crate) objects: Vec<Arc<Object>>,
    /// The commits, by index of the sources.
    pub(crate) revisions: Vec<String>,
    /// What made the manifests, by index of the sources; empty for a source that is only a `ref`.
    pub(crate) source_types: Vec<String>,
    /// Changes when the manifests do.
    pub(crate) digest: String,
}

/// What was rendered lately, of every application: none of them makes another one's be rendered again.
#[derive(Debug, Default)]
pub(crate) struct Renderings(Mutex<HashMap<String, VecDeque<(RenderingKey, Targets)>>>);

/// Digest of all that a rendering is made of.
type RenderingKey = [u8; 32];

impl Renderings {
    fn kept(&self) -> MutexGuard<'_, HashMap<String, VecDeque<(RenderingKey, Targets)>>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets those of an application: it is gone, or somebody asked, for a rendering may depend on more than its commit,
    /// for example on a remote base.
    pub(crate) fn forget(&self, instance: &str) {
        self.kept().remove(instance);
    }

    fn get(&self, instance: &str, key: &RenderingKey) -> Option<Targets> {
        let kept = self.kept();
        kept.get(instance)?.iter().find(|(known, _)| known == key).map(|(_, targets)| targets.clone())
    }

    fn put(&self, instance: &str, key: RenderingKey, targets: Targets) {
        let mut kept = self.kept();
        let own = kept.entry(instance.to_owned()).or_default();
        own.retain(|(known, _)| *known != key);
        while own.len() >= KEPT {
            own.pop_front();
        }
        own.push_back((key, targets));
    }
}

/// The manifests of an application.
pub(crate) async fn targets(shared: &Shared, wanted: &Wanted<'_>) -> Result<Targets, Problem> {
    let application = wanted.application;
    if wanted.sources.is_empty() {
        return Err(Problem::invalid_spec("spec.source and spec.sources are missing: there is nothing to deploy"));
    }
    let urls = wanted.sources.iter().map(|source| source.repo_url.as_str());
    check_places(wanted.project, application, wanted.destination, urls)?;
    let mut sources = Vec::new();
    for (index, source) in wanted.sources.iter().enumerate() {
        let path = wanted.written.of(index);
        check_source(&source.written, &path)?;
        if !source.chart.is_empty() {
            let chart = format!("{path}.chart (a Helm repository as source) is not supported by boathook's engine");
            return Err(Problem::invalid_spec(chart));
        }
        let url = RepoUrl::parse(&source.repo_url, shared.options.file_repositories);
        let url = url.map_err(|error| Problem::invalid_spec(error.to_string()))?;
        let revision = wanted.revisions.get(index).map_or("", String::as_str);
        let revision = if revision.is_empty() { source.effective_target_revision() } else { revision };
        let commit = commit(shared, &url, revision, &wanted.project.name, wanted.fetch).await?;
        sources.push(SourceAt { source: source.clone(), commit, repository: shared.repositories.path(&url) });
    }
    let known = shared
        .at(wanted.destination, wanted.destination.known())
        .await
        .map_err(|error| wanted.destination.problem(&error))?;
    let request = RenderRequest {
        application: application.key.name.to_string(),
        namespace: application.spec.destination.namespace.clone(),
        sources,
        kube_version: known.version,
        api_versions: known.kinds.api_versions(),
    };
    let instance = shared.instance(&application.key);
    let key = rendering_key(&request);
    if let Some(targets) = shared.renderings.get(&instance, &key) {
        return Ok(targets);
    }
    let targets = render_now(shared, &request, &instance).await?;
    shared.renderings.put(&instance, key, targets.clone());
    Ok(targets)
}

async fn render_now(shared: &Shared, request: &RenderRequest, instance: &str) -> Result<Targets, Problem> {
    let rendered = render(request, &shared.clock).await.map_err(|error| unsupported(&error))?;
    let objects: Vec<Arc<Object>> =
        rendered.manifests().map(|manifest| stamp(manifest.object.clone(), instance, &request.namespace)).collect();
    let source_type = |source: &Option<crate::git::RenderedSource>| {
        source.as_ref().map(|source| source.source_type.to_owned()).unwrap_or_default()
    };
    Ok(Targets {
        digest: manifest_digest(&objects),
        objects,
        revisions: request.sources.iter().map(|source| source.commit.to_string()).collect(),
        source_types: rendered.sources.iter().map(source_type).collect(),
    })
}

/// Manifests that an operation brings along, instead of a repository's.
pub(crate) fn local(shared: &Shared, application: &Application, manifests: &[String]) -> Result<Targets, Problem> {
    if !shared.options.local_manifests {
        return Err(Problem::invalid_spec("operation.sync.manifests: local manifests are not allowed here"));
    }
    let instance = shared.instance(&application.key);
    let mut objects = Vec::new();
    for (index, text) in manifests.iter().enumerate() {
        let read = serde_json::from_str(text).map_err(|error| error.to_string());
        let object = read.and_then(|value| Object::from_json(value).map_err(|error| error.to_string()));
        let object =
            object.map_err(|error| Problem::invalid_spec(format!("operation.sync.manifests[{index}]: {error}")))?;
        objects.push(stamp(object, &instance, &application.spec.destination.namespace));
    }
    Ok(Targets { digest: manifest_digest(&objects), objects, revisions: Vec::new(), source_types: Vec::new() })
}

fn unsupported(error: &RenderError) -> Problem {
    match error {
        RenderError::Unsupported(_) | RenderError::Setting { .. } => Problem::invalid_spec(error.to_string()),
        _ => Problem::comparison(error.to_string(), error.is_transient()),
    }
}

fn rendering_key(request: &RenderRequest) -> RenderingKey {
    let mut digest = Sha256::new();
    let mut add = |text: &str| {
        digest.update(text.len().to_le_bytes());
        digest.update(text);
    };
    for text in [&request.application, &request.namespace, &request.kube_version] {
        add(text);
    }
    request.api_versions.iter().for_each(|version| add(version));
    for at in &request.sources {
        add(&at.repository.to_string_lossy());
        add(&at.commit.to_string());
        add(&at.source.written.to_string());
    }
    digest.finalize().into()
}
