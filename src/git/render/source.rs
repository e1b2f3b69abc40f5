//! All sources of an application, rendered together.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::RenderError;
use super::helm::{self, Context};
use super::settings::{Directory, Helm, Kustomize, Tool};
use super::{directory, kustomize};
use crate::clock::Clock;
use crate::domain::application::Source;
use crate::domain::manifest::{Manifest, read};
use crate::git::process::private_folder;
use crate::git::repository::{CommitId, ReadError, Repository};
use crate::git::tree::{TreeLimits, parts};

/// A source at the commit that its revision means.
#[derive(Debug, Clone)]
pub struct SourceAt {
    /// The source.
    pub source: Source,
    /// The commit.
    pub commit: CommitId,
    /// Where its repository is cached.
    pub repository: PathBuf,
}

/// What is to be rendered.
#[derive(Debug, Clone, Default)]
pub struct RenderRequest {
    /// Name of the application: Helm's release, unless the source names one.
    pub application: String,
    /// Namespace of the destination.
    pub namespace: String,
    /// The sources in their order.
    pub sources: Vec<SourceAt>,
    /// Version of the cluster, for Helm; empty: Helm's own idea.
    pub kube_version: String,
    /// Versions and kinds of the cluster, for Helm.
    pub api_versions: Vec<String>,
}

/// The manifests of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedSource {
    /// What made them, as Argo CD's `sourceType` has it: `Directory`, `Helm` or `Kustomize`.
    pub source_type: &'static str,
    /// The manifests in the order in which they are written.
    pub manifests: Vec<Manifest>,
}

/// The manifests of all sources that give any.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rendered {
    /// One entry a source, in their order; of a source that is only a `ref` it is `None`.
    pub sources: Vec<Option<RenderedSource>>,
}

impl Rendered {
    /// All manifests.
    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.sources.iter().flatten().flat_map(|source| &source.manifests)
    }
}

/// Renders all sources of an application. Reads and writes the disk and runs programs; waits for none of it on the
/// caller's thread.
pub async fn render(request: &RenderRequest, clock: &Clock) -> Result<Rendered, RenderError> {
    let mut rendered = Rendered::default();
    for at in &request.sources {
        let source = if at.source.gives_manifests() { Some(render_one(request, at, clock).await?) } else { None };
        rendered.sources.push(source);
    }
    Ok(rendered)
}

async fn render_one(request: &RenderRequest, at: &SourceAt, clock: &Clock) -> Result<RenderedSource, RenderError> {
    let tool = Tool::of(&at.source)?;
    let wanted = at.clone();
    let (tool, manifests) = blocking(move || inspect(&wanted, tool)).await?;
    if let Some(manifests) = manifests {
        return Ok(RenderedSource { source_type: "Directory", manifests });
    }
    let copies = Copies::new()?;
    let root = copies.of(at).await?;
    let folder = root.join(parts(&at.source.path)?.join("/"));
    let (source_type, output) = match &tool {
        Tool::Helm(settings) => {
            let context = Context {
                application: &request.application,
                namespace: &request.namespace,
                kube_version: &request.kube_version,
                api_versions: &request.api_versions,
                home: &copies.home,
                copies: copies.folder.path(),
            };
            let values = value_files(request, at, settings, &copies).await?;
            let files = file_parameters(settings, &root, &folder)?;
            ("Helm", helm::template(&folder, settings, &values, &files, &context, clock).await?)
        }
        Tool::Kustomize(settings) => {
            ("Kustomize", kustomize::build(&folder, (copies.folder.path(), &copies.home), settings, clock).await?)
        }
        Tool::Detect | Tool::Directory(_) => {
            return Ok(RenderedSource { source_type: "Directory", manifests: Vec::new() });
        }
    };
    let read = blocking(move || Ok(read(source_type.to_lowercase().as_str(), &output))).await?;
    if read.errors.is_empty() {
        Ok(RenderedSource { source_type, manifests: read.objects })
    } else {
        Err(RenderError::Manifests(read.errors))
    }
}

/// What lies at the path: decides on the tool where nothing else does, and reads a plain folder at once.
fn inspect(at: &SourceAt, tool: Tool) -> Result<(Tool, Option<Vec<Manifest>>), RenderError> {
    let repository = Repository::open(&at.repository)?;
    let path = &at.source.path;
    let no_path = || RenderError::NoPath { path: path.clone(), revision: at.commit.to_string() };
    if !repository.is_folder(at.commit, path)? {
        return Err(no_path());
    }
    // Argo CD merges these files into the source; passing them over would deploy something else.
    for file in repository.files(at.commit, path, false, TreeLimits::default())? {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let middle = name.strip_prefix(".argocd-source").and_then(|rest| rest.strip_suffix(".yaml"));
        if middle.is_some_and(|middle| middle.is_empty() || middle.starts_with('-')) {
            return Err(RenderError::Unsupported(format!("file {}", file.path)));
        }
    }
    let is_file = |name: &str| repository.is_file(at.commit, &format!("{path}/{name}"));
    let tool = match tool {
        Tool::Detect if is_file("Chart.yaml")? => Tool::Helm(Box::default()),
        Tool::Detect => {
            let mut found = Tool::Directory(Directory::default());
            for name in kustomize::FILES {
                if is_file(name)? {
                    found = Tool::Kustomize(Kustomize::default());
                }
            }
            found
        }
        tool => tool,
    };
    match &tool {
        Tool::Directory(settings) => {
            let manifests = directory::manifests(&repository, at.commit, path, settings)?;
            Ok((tool, Some(manifests)))
        }
        _ => Ok((tool, None)),
    }
}

/// Private copies of repositories at their commits, gone when this is dropped.
struct Copies {
    folder: tempfile::TempDir,
    home: PathBuf,
}

impl Copies {
    fn new() -> Result<Self, RenderError> {
        let folder = private_folder("boathook-render-", &std::env::temp_dir());
        let folder = folder.map_err(|error| RenderError::copy(&error))?;
        let home = folder.path().join("home");
        fs::create_dir(&home).map_err(|error| RenderError::copy(&error))?;
        Ok(Self { folder, home })
    }

    /// The copy of a source's repository, made when it is first asked for.
    async fn of(&self, at: &SourceAt) -> Result<PathBuf, RenderError> {
        let name = at.repository.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let copy = self.folder.path().join(format!("{name}-{}", at.commit));
        if copy.exists() {
            return Ok(copy);
        }
        let (into, at) = (copy.clone(), at.clone());
        blocking(move || {
            fs::create_dir(&into).map_err(|error| RenderError::copy(&error))?;
            Repository::open(&at.repository)?.export(at.commit, &into, TreeLimits::default())?;
            Ok(())
        })
        .await?;
        Ok(copy)
    }
}

async fn value_files(
    request: &RenderRequest,
    at: &SourceAt,
    settings: &Helm,
    copies: &Copies,
) -> Result<Vec<PathBuf>, RenderError> {
    let mut found = Vec::new();
    for file in &settings.value_files {
        if file.contains("://") {
            return Err(RenderError::Unsupported(format!("values file {file:?} from another server")));
        }
        let path = if let Some(reference) = file.strip_prefix('$') {
            let (name, path) = reference.split_once('/').unwrap_or((reference, ""));
            let other = request.sources.iter().find(|other| other.source.ref_name == name);
            let none = || RenderError::NoReference { file: file.clone(), name: name.to_owned() };
            let other = other.filter(|_| !name.is_empty()).ok_or_else(none)?;
            inside(&copies.of(other).await?, "", path)?
        } else if let Some(path) = file.strip_prefix('/') {
            inside(&copies.of(at).await?, "", path)?
        } else {
            inside(&copies.of(at).await?, &at.source.path, file)?
        };
        if path.is_file() {
            found.push(path);
        } else if !settings.ignore_missing_value_files {
            return Err(RenderError::NoValuesFile(file.clone()));
        }
    }
    Ok(found)
}

fn file_parameters(settings: &Helm, root: &Path, folder: &Path) -> Result<Vec<(String, PathBuf)>, RenderError> {
    let base = folder.strip_prefix(root).unwrap_or(Path::new("")).to_string_lossy().into_owned();
    let found = settings.file_parameters.iter().map(|parameter| {
        let path = match parameter.value.strip_prefix('/') {
            Some(path) => inside(root, "", path)?,
            None => inside(root, &base, &parameter.value)?,
        };
        Ok((parameter.name.clone(), path))
    });
    found.collect()
}

/// A path in a copy. The copy's own links stay inside by construction; `..` is followed as text, and may not leave.
fn inside(root: &Path, base: &str, path: &str) -> Result<PathBuf, RenderError> {
    let joined = format!("{base}/{path}");
    let parts = parts(joined.trim_start_matches('/')).map_err(|_| ReadError::Outside(path.to_owned()))?;
    let real = root.join(parts.join("/"));
    match real.canonicalize() {
        Ok(canonical) if root.canonicalize().is_ok_and(|root| canonical.starts_with(root)) => Ok(canonical),
        Ok(_) => Err(ReadError::Outside(path.to_owned()).into()),
        Err(_) => Ok(real),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RenderError> + Send + 'static,
) -> Result<T, RenderError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(RenderError::Copy(error.to_string())))
}
