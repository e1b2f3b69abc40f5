//! What Git has of an application, and the plan made from it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boathook::argo::RepositoryOptions;
use boathook::domain::live::{ObjectChange, Watched};
use boathook::domain::manifest::ObjectKey;
use boathook::sim::resource::{CONFIG_MAPS, SECRETS};
use serde_json::json;

use super::world::{Picture, World, app, put, simulator};
use crate::work_tree::WorkTree;

fn commit(tree: &WorkTree, file: &str, content: &str, subject: &str) -> String {
    tree.write(file, content);
    tree.commit(subject)
}

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits}\ndata: {most: 'N'}\n";
const HOOK: &str = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, annotations: {argocd.argoproj.io/hook: PreSync}}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}\n";

#[tokio::test]
async fn an_open_application_has_commits_files_plan_and_differences() {
    let folder = tempfile::tempdir().unwrap();
    let tree = WorkTree::new(folder.path());
    let deployed = commit(&tree, "a/map.yaml", &MAP.replace('N', "1"), "feat: limits");
    commit(&tree, "other/x.yaml", "x: 1\n", "chore: another application");
    commit(&tree, "a/hook.yaml", HOOK, "feat: migrate first");
    let target = commit(&tree, "a/map.yaml", &MAP.replace('N', "2"), "fix: higher limits");
    let cache = tempfile::tempdir().unwrap();
    let root = cache.path().to_owned();
    let mut world = World::with(simulator(), |options| {
        options.repositories =
            RepositoryOptions { cache: Some(root), allow_files: true, ..RepositoryOptions::default() };
    })
    .await;
    let mut object = app("a");
    object["spec"]["source"]["repoURL"] = json!(tree.url());
    object["status"]["history"] =
        json!([{ "id": 0, "revision": deployed, "source": {}, "deployedAt": "2026-11-21T10:00:00Z" }]);
    world.put_app(object);
    let key = world.open("a").await;
    world.until("a plan", |picture| picture.reviews.get(&key).is_some_and(|review| review.plan.is_ok())).await;
    let revisions = &world.picture.revisions[&key].sources[0];
    assert_eq!(revisions.deployed.as_ref().unwrap().sha, deployed);
    let commit = revisions.target.as_ref().unwrap();
    assert_eq!(
        (commit.sha.as_str(), commit.subject.as_str(), commit.author.as_str()),
        (target.as_str(), "fix: higher limits", "Ada")
    );
    assert_eq!(commit.names, ["main"]);
    assert_eq!((revisions.behind, revisions.between, revisions.ahead), (2, 3, 0));
    assert_eq!(
        revisions.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(),
        ["a/hook.yaml", "a/map.yaml"]
    );
    let review = &world.picture.reviews[&key];
    assert_eq!(review.commits, [target]);
    let hooks = review.plan.as_ref().unwrap().tasks.iter().filter(|task| task.is_hook()).count();
    assert_eq!(hooks, 1);
    let changes: Vec<_> =
        review.changes.iter().map(|change| (change.key.name.as_str(), change.change, change.is_hook)).collect();
    assert_eq!(changes, [("limits", ObjectChange::Changed, false), ("migrate", ObjectChange::Added, true)]);
    let names = world.live.names(&key, 0).await.unwrap();
    assert_eq!((names.branches, names.commits.len()), (vec!["main".to_owned()], 3));
    // A review of what was there before.
    world.live.review(&key, vec![deployed.clone()]);
    world.until("the review", |picture| picture.reviews[&key].commits == [deployed.clone()]).await;
    assert!(world.picture.reviews[&key].changes.is_empty());
}

#[tokio::test]
async fn applications_on_the_screen_have_their_commits_without_being_open() {
    let folder = tempfile::tempdir().unwrap();
    let tree = WorkTree::new(folder.path());
    let deployed = commit(&tree, "a/map.yaml", &MAP.replace('N', "1"), "feat: limits");
    commit(&tree, "b/map.yaml", &MAP.replace('N', "1"), "feat: the other");
    let target = commit(&tree, "a/map.yaml", &MAP.replace('N', "2"), "fix: higher limits");
    let cache = tempfile::tempdir().unwrap();
    let root = cache.path().to_owned();
    let mut world = World::with(simulator(), |options| {
        options.repositories =
            RepositoryOptions { cache: Some(root), allow_files: true, ..RepositoryOptions::default() };
    })
    .await;
    for name in ["a", "b", "c"] {
        let mut object = app(name);
        object["spec"]["source"]["repoURL"] = json!(tree.url());
        object["status"]["history"] =
            json!([{ "id": 0, "revision": deployed, "source": {}, "deployedAt": "2026-11-21T10:00:00Z" }]);
        world.put_app(object);
    }
    world.until_live().await;
    let (a, b, c) = (world.key("a"), world.key("b"), world.key("c"));
    world.live.show(vec![a.clone(), b.clone()]);
    let target_of = |picture: &super::world::Picture, key| -> Option<(String, usize)> {
        let source = &picture.revisions.get(key)?.sources[0];
        Some((source.target.as_ref()?.subject.clone(), source.behind))
    };
    let expected = Some(("fix: higher limits".to_owned(), 1));
    world
        .until("both have their commits", |picture| {
            target_of(picture, &a) == expected && target_of(picture, &b) == expected
        })
        .await;
    assert!(
        world.picture.reviews.is_empty() && world.picture.applications.is_empty(),
        "nothing was rendered or opened"
    );
    assert!(!world.picture.revisions.contains_key(&c));
    // It is deployed; its row says so without being asked.
    let mut object = world.app("a");
    object["status"]["history"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "id": 1, "revision": target, "source": {}, "deployedAt": "2026-11-22T10:00:00Z" }));
    world.put_app(object);
    world.until("nothing is to come", |picture| target_of(picture, &a).is_some_and(|(_, behind)| behind == 0)).await;
    // The controller has found a commit that the cache does not have: nobody waits for the next fetch.
    let newest = commit(&tree, "a/map.yaml", &MAP.replace('N', "3"), "fix: still higher limits");
    for name in ["a", "b"] {
        let mut object = world.app(name);
        object["status"]["sync"] = json!({ "status": "OutOfSync", "revision": newest });
        world.put_app(object);
    }
    let subject = |picture: &super::world::Picture, key| target_of(picture, key).map(|(subject, _)| subject);
    world
        .until("both have the newest commit", |picture| {
            [&a, &b].into_iter().all(|key| subject(picture, key).as_deref() == Some("fix: still higher limits"))
        })
        .await;
}

#[tokio::test]
async fn what_cannot_be_fetched_says_so_and_hides_nothing_else() {
    let cache = tempfile::tempdir().unwrap();
    let root = cache.path().to_owned();
    let mut world = World::with(simulator(), |options| {
        options.repositories = RepositoryOptions { cache: Some(root), ..RepositoryOptions::default() };
    })
    .await;
    let mut object = app("a");
    object["spec"]["source"]["repoURL"] = json!("file:///etc");
    world.put_app(object);
    let key = world.open("a").await;
    world.until("a refusal", |picture| picture.reviews.contains_key(&key)).await;
    let problem = world.picture.revisions[&key].sources[0].problem.clone().unwrap();
    assert!(problem.contains("not allowed"), "{problem}");
    let plan = world.picture.reviews[&key].plan.as_ref().unwrap_err();
    assert!(plan.contains("not allowed"), "{plan}");
}

/// Argo CD opens it as a GitHub App; nothing listens at the address.
#[tokio::test]
async fn a_repository_that_argo_cd_alone_can_open_says_so() {
    let cache = tempfile::tempdir().unwrap();
    let root = cache.path().to_owned();
    let mut world = World::with(simulator(), |options| {
        options.repositories = RepositoryOptions { cache: Some(root), ..RepositoryOptions::default() };
    })
    .await;
    let url = "http://127.0.0.1:1/team/x.git";
    let data: serde_json::Map<String, serde_json::Value> = [("url", url), ("githubAppID", "7")]
        .map(|(name, text)| (name.to_owned(), json!(STANDARD.encode(text))))
        .into_iter()
        .collect();
    put(
        &world.simulator,
        &SECRETS,
        json!({ "apiVersion": "v1", "kind": "Secret", "data": data, "metadata": { "name": "x", "namespace": "argocd",
            "labels": { "argocd.argoproj.io/secret-type": "repository" } } }),
    );
    let mut object = app("a");
    object["spec"]["source"]["repoURL"] = json!(url);
    world.put_app(object);
    let key = world.open("a").await;
    let says = |picture: &Picture| {
        let revisions = picture.revisions.get(&key)?;
        Some(revisions.sources.first()?.problem.as_ref()?.contains("by githubAppID of its repository Secret"))
    };
    world.until("how Argo CD opens it", |picture| says(picture) == Some(true)).await;
}

#[tokio::test]
async fn a_review_is_answered_whether_its_application_is_open_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let tree = WorkTree::new(folder.path());
    let target = commit(&tree, "a/hook.yaml", HOOK, "feat: migrate first");
    let cache = tempfile::tempdir().unwrap();
    let root = cache.path().to_owned();
    let simulator = simulator();
    let mut object = app("a");
    object["spec"]["source"]["repoURL"] = json!(tree.url());
    super::world::put(&simulator, &boathook::sim::resource::APPLICATIONS, object);
    let mut world = World::with(simulator, |options| {
        options.repositories =
            RepositoryOptions { cache: Some(root), allow_files: true, ..RepositoryOptions::default() };
        options.watch_operations = false;
    })
    .await;
    let (a, nobody) = (world.key("a"), world.key("nobody"));
    // Before anything is known, and never opened.
    world.live.review(&a, vec![target.clone()]);
    world.live.review(&nobody, Vec::new());
    world
        .until("the plan", |picture| {
            picture.reviews.get(&a).is_some_and(|review| review.plan.as_ref().is_ok_and(|plan| !plan.tasks.is_empty()))
        })
        .await;
    assert_eq!(world.picture.reviews[&a].asked, [target]);
    assert_eq!(world.picture.reviews[&a].incomplete, [""; 0], "the destination was asked for its kinds");
    world.until("an answer", |picture| picture.reviews.contains_key(&nobody)).await;
    assert_eq!(world.picture.reviews[&nobody].plan.as_ref().unwrap_err(), "the application does not exist");
    let hooks = |watched: &Watched| matches!(watched, Watched::Hooks { .. });
    assert!(!world.picture.watches.keys().any(hooks), "nobody looks at its hooks");
    assert_eq!(world.live.names(&a, 0).await.unwrap().branches, ["main"]);
    // Opened afterwards it is followed as any other.
    world.live.open(&a);
    world.until("its hooks are watched", |picture| picture.watches.keys().any(hooks)).await;
}

#[tokio::test]
async fn what_is_asked_before_the_destination_is_known_is_answered_when_it_is() {
    let mut world = World::new().await;
    world.put_app(app("a"));
    let limits =
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "limits", "namespace": "shop" } });
    put(&world.simulator, &CONFIG_MAPS, limits);
    world.until_live().await;
    let key = world.key("a");
    world.live.open(&key);
    // Neither the application nor its destination is known yet.
    let limits = ObjectKey::new("", "ConfigMap", "shop", "limits");
    let found = world.live.object(&key, &limits).await.unwrap().expect("it lives");
    assert_eq!(found.name(), "limits");
}
