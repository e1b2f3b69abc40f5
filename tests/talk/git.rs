//! Fetching and reading repositories that the test makes with the user's own `git`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::Duration;

use boathook::clock::Clock;
use boathook::domain::application::Source;
use boathook::git::{
    ChangeKind, CommitId, Credentials, FetchError, FetchLimits, FileRepositories, ReadError, RenderError,
    RenderRequest, RepoUrl, Repositories, Repository, SourceAt, TreeLimits, render,
};
use serde_json::json;

use crate::work_tree::WorkTree;

/// A work tree with a history, and an empty cache.
struct World {
    folder: tempfile::TempDir,
    tree: WorkTree,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tree = WorkTree::new(folder.path().join("work"));
        Self { folder, tree }
    }

    fn work(&self) -> &Path {
        self.tree.folder()
    }

    fn git(&self, args: &[&str]) -> String {
        self.tree.git(args)
    }

    fn write(&self, path: &str, content: &str) {
        self.tree.write(path, content);
    }

    fn commit(&self, subject: &str) -> CommitId {
        CommitId::parse(&self.tree.commit(subject)).unwrap()
    }

    fn url(&self) -> RepoUrl {
        url(self.work())
    }

    fn cache(&self, limits: FetchLimits) -> Repositories {
        Repositories::new(self.folder.path().join("cache"), Clock::real(), limits)
    }

    async fn fetched(&self) -> Repository {
        let cache = self.cache(FetchLimits::default());
        cache.fetch(&self.url(), &Credentials::default()).await.unwrap();
        cache.open(&self.url()).unwrap()
    }
}

fn url(path: &Path) -> RepoUrl {
    RepoUrl::parse(&format!("file://{}", path.display()), FileRepositories::Allowed).unwrap()
}

#[tokio::test]
async fn git_resolves_revisions_as_argo_cd_does() {
    let world = World::new();
    world.write("a", "1");
    let first = world.commit("first");
    world.git(&["tag", "v1.2.0"]);
    world.git(&["tag", "-a", "1.2.5", "-m", "annotated"]);
    let second = world.commit("second");
    world.git(&["branch", "release/eu"]);
    let third = world.commit("third");
    let repository = world.fetched().await;
    let short = first.to_string()[..7].to_owned();
    for (revision, expected) in [
        ("", third),
        ("HEAD", third),
        ("main", third),
        ("refs/heads/main", third),
        ("release/eu", second),
        ("v1.2.0", first),
        ("1.2.x", first),
        ("~1.2", first),
        (short.as_str(), first),
        (first.to_string().as_str(), first),
    ] {
        assert_eq!(repository.resolve(revision), Ok(expected), "{revision:?}");
    }
    assert_eq!(repository.resolve("nope"), Err(ReadError::UnknownRevision("nope".into())));
    assert_eq!(repository.resolve(">=2"), Err(ReadError::NoMatchingTag(">=2".into())));
    for hostile in ["HEAD~1", "main@{1}", ":/first", "--all", "main^{tree}", "a..b", "a\nb"] {
        assert!(matches!(repository.resolve(hostile), Err(ReadError::NotARevision(_))), "{hostile:?}");
    }
    assert_eq!(repository.branches().unwrap(), ["main", "release/eu"]);
    assert_eq!(repository.tags().unwrap(), ["1.2.5", "v1.2.0"]);
    assert_eq!(repository.names_of(first).unwrap(), ["1.2.5", "v1.2.0"]);
}

#[tokio::test]
async fn git_fetch_follows_what_happens_to_branches() {
    let world = World::new();
    world.write("a", "1");
    world.commit("first");
    world.git(&["branch", "gone"]);
    let cache = world.cache(FetchLimits::default());
    cache.fetch(&world.url(), &Credentials::default()).await.unwrap();
    assert!(cache.open(&world.url()).unwrap().resolve("gone").is_ok());
    world.git(&["branch", "-D", "gone"]);
    world.write("a", "rewritten");
    world.git(&["add", "--all"]);
    world.git(&["commit", "--quiet", "--amend", "-m", "rewritten"]);
    let rewritten = CommitId::parse(&world.git(&["rev-parse", "HEAD"])).unwrap();
    cache.fetch(&world.url(), &Credentials::default()).await.unwrap();
    let repository = cache.open(&world.url()).unwrap();
    assert!(repository.resolve("gone").is_err());
    assert_eq!(repository.resolve("main"), Ok(rewritten), "a forced push is followed");
    let mode = fs::metadata(cache.path(&world.url()).parent().unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn git_fetches_an_empty_repository_and_a_commit_without_a_name() {
    let world = World::new();
    let cache = world.cache(FetchLimits::default());
    cache.fetch(&world.url(), &Credentials::default()).await.unwrap();
    assert!(cache.open(&world.url()).unwrap().resolve("HEAD").is_err());
    let lost = world.commit("lost");
    world.commit("kept");
    world.git(&["checkout", "--quiet", "--orphan", "other"]);
    world.commit("other");
    world.git(&["branch", "-D", "main"]);
    world.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    cache.fetch(&world.url(), &Credentials::default()).await.unwrap();
    assert!(cache.open(&world.url()).unwrap().resolve(&lost.to_string()).is_err());
    cache.fetch_commit(&world.url(), &Credentials::default(), lost).await.unwrap();
    assert_eq!(cache.open(&world.url()).unwrap().resolve(&lost.to_string()), Ok(lost));
}

#[tokio::test]
async fn git_fetches_of_one_repository_wait_for_each_other() {
    let world = World::new();
    world.write("a", "1");
    let first = world.commit("first");
    let cache = world.cache(FetchLimits::default());
    let other = world.cache(FetchLimits::default());
    let (url, none) = (world.url(), Credentials::default());
    let (a, b, c) = tokio::join!(cache.fetch(&url, &none), cache.fetch(&url, &none), other.fetch(&url, &none));
    assert_eq!((a, b, c), (Ok(()), Ok(()), Ok(())));
    assert_eq!(cache.open(&url).unwrap().resolve("main"), Ok(first));
}

#[tokio::test]
async fn git_says_why_a_fetch_failed() {
    let world = World::new();
    let cache = world.cache(FetchLimits::default());
    let missing = url(&world.folder.path().join("missing"));
    let error = cache.fetch(&missing, &Credentials::default()).await.unwrap_err();
    assert!(matches!(error, FetchError::NotFound { .. }), "{error}");
    assert!(!error.is_transient());
    let nobody = RepoUrl::parse("http://127.0.0.1:1/x", FileRepositories::Refused).unwrap();
    let credentials = Credentials { basic: Some(("ada".into(), "hunter2".into())), ..Credentials::default() };
    let error = cache.fetch(&nobody, &credentials).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    assert!(error.is_transient());
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
async fn git_stops_a_fetch_that_takes_too_long() {
    let world = World::new();
    // A server that accepts and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", silent.local_addr().unwrap());
    let url = RepoUrl::parse(&url, FileRepositories::Refused).unwrap();
    let cache = world.cache(FetchLimits { time: Duration::from_millis(50), ..FetchLimits::default() });
    let error = cache.fetch(&url, &Credentials::default()).await.unwrap_err();
    assert!(error.to_string().contains("did not end within"), "{error}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn git_counts_the_commits_that_touch_a_path() {
    let world = World::new();
    world.write("shop/a.yaml", "1");
    world.write("other/b.yaml", "1");
    let deployed = world.commit("deployed");
    world.write("shop/a.yaml", "2");
    world.commit("feat: touch the shop\n\nBecause.");
    world.write("other/b.yaml", "2");
    world.commit("elsewhere");
    world.git(&["checkout", "--quiet", "-b", "side", &deployed.to_string()]);
    world.write("shop/new.yaml", "1");
    world.commit("on a branch");
    world.git(&["checkout", "--quiet", "main"]);
    world.git(&["merge", "--quiet", "--no-edit", "side"]);
    let target = CommitId::parse(&world.git(&["rev-parse", "HEAD"])).unwrap();
    let repository = world.fetched().await;
    let log = repository.log(Some(deployed), target, "shop", 10, 1000).unwrap();
    assert_eq!((log.total, log.touching, log.truncated), (4, 3, false));
    let subjects: Vec<_> = log.commits.iter().map(|commit| commit.subject.as_str()).collect();
    assert!(subjects.contains(&"feat: touch the shop") && subjects.contains(&"on a branch"), "{subjects:?}");
    let commit = log.commits.iter().find(|commit| commit.subject.starts_with("feat")).unwrap();
    assert_eq!((commit.body.as_str(), commit.author.as_str()), ("Because.", "Ada"));
    let log = repository.log(Some(deployed), target, "other", 10, 1000).unwrap();
    assert_eq!((log.total, log.touching), (4, 1), "a merge that took over one side as it is touches nothing");
    assert!(repository.log(None, target, "", 1, 2).unwrap().truncated);
    let changes = repository.changes(deployed, target, "shop").unwrap();
    let kinds: Vec<_> = changes.iter().map(|change| (change.path.as_str(), change.kind)).collect();
    assert_eq!(kinds, [("shop/a.yaml", ChangeKind::Modified), ("shop/new.yaml", ChangeKind::Added)]);
    assert_eq!(repository.ahead_behind(target, deployed), Ok((4, 0)));
}

#[tokio::test]
async fn git_reads_files_and_never_leaves_the_repository() {
    let world = World::new();
    world.write("app/a.yaml", "a: 1");
    world.write("app/sub/b.yaml", "b: 1");
    world.write("common/c.yaml", "c: 1");
    symlink("../common/c.yaml", world.work().join("app/linked.yaml")).unwrap();
    symlink("../common", world.work().join("app/folder")).unwrap();
    symlink("nowhere", world.work().join("app/dangling.yaml")).unwrap();
    let inside = world.commit("inside");
    symlink("../../../../etc/passwd", world.work().join("app/outside.yaml")).unwrap();
    let outside = world.commit("outside");
    world.git(&["rm", "--quiet", "app/outside.yaml"]);
    // Lexically `app/deep/up/..` is `app/deep`; really, `up` leads to the root, and `..` from there leads out.
    fs::create_dir_all(world.work().join("app/deep")).unwrap();
    symlink("../..", world.work().join("app/deep/up")).unwrap();
    symlink("deep/up/../secret", world.work().join("app/tricky.yaml")).unwrap();
    let tricky = world.commit("tricky");
    let repository = world.fetched().await;
    let limits = TreeLimits::default();
    let names = |commit, recurse| {
        let files = repository.files(commit, "app", recurse, limits)?;
        Ok::<_, ReadError>(files.into_iter().map(|file| file.path).collect::<Vec<_>>())
    };
    assert_eq!(names(inside, false).unwrap(), ["app/a.yaml", "app/linked.yaml"]);
    assert_eq!(names(inside, true).unwrap(), ["app/a.yaml", "app/linked.yaml", "app/sub/b.yaml"]);
    assert_eq!(repository.read(inside, "app/linked.yaml", limits).unwrap(), b"c: 1");
    assert_eq!(repository.read(inside, "app/folder/c.yaml", limits).unwrap(), b"c: 1");
    assert!(repository.is_folder(inside, "app/folder").unwrap());
    for commit in [outside, tricky] {
        assert!(matches!(names(commit, false), Err(ReadError::LinkOutside(_))));
        let into = tempfile::tempdir().unwrap();
        assert!(matches!(repository.export(commit, into.path(), limits), Err(ReadError::LinkOutside(_))));
    }
    let small = TreeLimits { file_bytes: 2, ..limits };
    assert!(matches!(repository.read(inside, "app/a.yaml", small), Err(ReadError::TooLarge { .. })));
    let few = TreeLimits { files: 1, ..limits };
    assert!(matches!(repository.files(inside, "app", true, few), Err(ReadError::TooLarge { .. })));
    assert!(matches!(repository.files(inside, "missing", true, limits), Err(ReadError::NoPath { .. })));
    let into = tempfile::tempdir().unwrap();
    repository.export(inside, into.path(), limits).unwrap();
    assert_eq!(fs::read_to_string(into.path().join("app/linked.yaml")).unwrap(), "c: 1");
    assert_eq!(fs::read_to_string(into.path().join("app/folder/c.yaml")).unwrap(), "c: 1");
    assert!(!into.path().join("app/dangling.yaml").exists());
}

fn source(written: serde_json::Value) -> Source {
    let text = |field: &str| written.get(field).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    Source { path: text("path"), ref_name: text("ref"), chart: text("chart"), written, ..Source::default() }
}

async fn rendered(world: &World, written: serde_json::Value) -> Result<Vec<String>, RenderError> {
    let cache = world.cache(FetchLimits::default());
    cache.fetch(&world.url(), &Credentials::default()).await.unwrap();
    let commit = cache.open(&world.url()).unwrap().resolve("main").unwrap();
    let source = SourceAt { source: source(written), commit, repository: cache.path(&world.url()) };
    let request = RenderRequest { application: "shop".into(), sources: vec![source], ..RenderRequest::default() };
    let rendered = render(&request, &Clock::real()).await?;
    Ok(rendered.manifests().map(|manifest| format!("{} {}", manifest.object.name(), manifest.place)).collect())
}

#[tokio::test]
async fn git_renders_a_folder_as_argo_cd_does() {
    let world = World::new();
    let map = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n");
    world.write("app/b.yaml", &format!("{}---\n# nothing\n---\n{}", map("b1"), map("b2")));
    world.write("app/a.json", r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#);
    world.write("app/sub/c.yml", &map("c"));
    world.write("app/skipped.yaml", &format!("# +argocd:skip-file-rendering\n{}", map("skipped")));
    world.write("app/README.md", "not a manifest");
    world.commit("manifests");
    assert_eq!(
        rendered(&world, json!({"path": "app"})).await.unwrap(),
        ["a app/a.json:1", "b1 app/b.yaml:1", "b2 app/b.yaml:7"]
    );
    let all = json!({"path": "./app/", "directory": {"recurse": true, "exclude": "{a.json,b*}"}});
    assert_eq!(rendered(&world, all).await.unwrap(), ["c app/sub/c.yml:1"]);
    let included = json!({"path": "app", "directory": {"recurse": true, "include": "sub/*"}});
    assert_eq!(rendered(&world, included).await.unwrap(), ["c app/sub/c.yml:1"]);
}

#[tokio::test]
async fn git_says_why_a_folder_does_not_render() {
    let world = World::new();
    world.write("broken/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: [\n");
    world.write("broken/b.yaml", "# apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n");
    world.write("broken/values.yaml", "replicas: 1\n");
    world.write("overridden/.argocd-source-shop.yaml", "kustomize: {}\n");
    world.write("jsonnet/main.jsonnet", "{}");
    world.commit("broken");
    let error = rendered(&world, json!({"path": "broken"})).await.unwrap_err().to_string();
    assert!(error.contains("broken/a.yaml:") && error.contains("broken/b.yaml:2"), "all files are reported: {error}");
    assert!(!error.contains("values.yaml"), "to Argo CD it is no manifest: {error}");
    for (written, expected) in [
        (json!({"path": "missing"}), "app path does not exist"),
        (json!({"path": "../x"}), "leads out of the repository"),
        (json!({"path": "/etc"}), "leads out of the repository"),
        (json!({"path": "overridden"}), ".argocd-source-shop.yaml is not supported"),
        (json!({"path": "jsonnet"}), "jsonnet file jsonnet/main.jsonnet is not supported"),
        (json!({"chart": "redis"}), "not supported"),
    ] {
        let error = rendered(&world, written.clone()).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{written}: {error}");
    }
}
