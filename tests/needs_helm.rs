//! Rendering and deploying with the user's own `helm` and `kustomize`: the chart and the kustomization that Argo CD was
//! recorded with.
//!
//! `cargo test --test needs_helm -- --ignored`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends by panicking")]

#[path = "talk/engine/differences.rs"]
mod differences;
#[expect(dead_code, reason = "the tests of the engine use the rest")]
#[path = "talk/engine/disturbed.rs"]
mod disturbed;
#[path = "talk/engine/kill.rs"]
mod kill;
#[path = "talk/engine/recorded.rs"]
mod recorded;
#[expect(dead_code, reason = "the tests of the engine use the rest")]
#[path = "talk/engine/world.rs"]
mod world;

use std::path::Path;

use boathook::clock::Clock;
use boathook::domain::application::Source;
use boathook::git::{RenderError, RenderRequest, RenderedSource, Repository, SourceAt, render};
use boathook::sim::resource::CONFIG_MAPS;
use serde_json::{Value, json};

#[path = "support/work_tree.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod work_tree;

use recorded::{collapsed, explained, recording, shown};
use work_tree::WorkTree;
use world::{Setup, World, phase, results};

/// A repository that holds a folder of the recorded cases, with files added or replaced.
struct Case {
    tree: WorkTree,
    _folder: tempfile::TempDir,
}

impl Case {
    fn new(case: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tree = WorkTree::new(folder.path());
        tree.copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(case), "app");
        for (path, content) in files {
            tree.write(path, content);
        }
        tree.commit("first");
        Self { tree, _folder: folder }
    }

    async fn render(&self, written: Value) -> Result<RenderedSource, RenderError> {
        let commit = Repository::open(self.tree.folder()).unwrap().resolve("main").unwrap();
        let source = Source { path: "app".into(), written, ..Source::default() };
        let request = RenderRequest {
            application: "shop".into(),
            namespace: "shop-eu".into(),
            sources: vec![SourceAt { source, commit, repository: self.tree.folder().to_owned() }],
            kube_version: "1.36.1".into(),
            api_versions: vec!["batch/v1".into(), "batch/v1/Job".into()],
        };
        let mut rendered = render(&request, &Clock::real()).await?;
        Ok(rendered.sources.remove(0).unwrap())
    }
}

fn names(rendered: &RenderedSource) -> Vec<String> {
    let mut names: Vec<_> = rendered.manifests.iter().map(|manifest| manifest.object.key().to_string()).collect();
    names.sort();
    names
}

#[tokio::test]
#[ignore = "needs helm"]
async fn a_chart_renders_with_its_hooks() {
    let case = Case::new("helm", &[]);
    let rendered = case.render(json!({})).await.unwrap();
    assert_eq!(rendered.source_type, "Helm");
    let hooks = rendered.manifests.iter().filter_map(|manifest| manifest.object.annotation("helm.sh/hook"));
    let mut hooks: Vec<_> = hooks.collect();
    hooks.sort_unstable();
    assert!(hooks.iter().any(|hook| hook.contains("pre-install")), "{hooks:?}");
    assert!(hooks.iter().any(|hook| hook.contains("test")), "{hooks:?}");
}

#[tokio::test]
#[ignore = "needs helm"]
async fn values_parameters_and_release_name_reach_helm() {
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: seen}\ndata:\n  release: {{ .Release.Name }}\n  \
                    namespace: {{ .Release.Namespace }}\n  a: {{ .Values.a | quote }}\n  b: {{ .Values.b | quote }}\n  \
                    c: {{ .Values.c | quote }}\n  kube: {{ .Capabilities.KubeVersion.Version }}\n";
    let case = Case::new("helm", &[("app/templates/seen.yaml", template), ("values/eu.yaml", "a: file\nb: file")]);
    let written = json!({ "helm": {
        "releaseName": "named",
        "valueFiles": ["../values/eu.yaml"],
        "values": "b: inline",
        "parameters": [{ "name": "c", "value": "x,y" }],
    }});
    let rendered = case.render(written).await.unwrap();
    let seen = rendered.manifests.iter().find(|manifest| manifest.object.name() == "seen").unwrap();
    let expected = json!({
        "release": "named", "namespace": "shop-eu", "a": "file", "b": "inline", "c": "x,y", "kube": "v1.36.1",
    });
    assert_eq!(seen.object.as_json().get("data"), Some(&expected));
}

#[tokio::test]
#[ignore = "needs helm"]
async fn a_broken_chart_says_so() {
    let case = Case::new("helm", &[("app/templates/broken.yaml", "{{ fail \"no database\" }}")]);
    let error = case.render(json!({})).await.unwrap_err().to_string();
    assert!(error.contains("no database"), "{error}");
    let case = Case::new("helm", &[]);
    let missing = json!({ "helm": { "valueFiles": ["missing.yaml"] } });
    assert_eq!(case.render(missing).await.unwrap_err(), RenderError::NoValuesFile("missing.yaml".into()));
    let outside = json!({ "helm": { "valueFiles": ["../../../../../../etc/hostname"] } });
    assert!(case.render(outside).await.unwrap_err().to_string().contains("leads out of the repository"));
}

#[tokio::test]
#[ignore = "needs kustomize"]
async fn a_kustomization_is_built_and_edited() {
    let case = Case::new("kustomize", &[]);
    let plain = case.render(json!({})).await.unwrap();
    assert_eq!(plain.source_type, "Kustomize");
    assert!(!plain.manifests.is_empty());
    let written = json!({ "kustomize": { "namePrefix": "eu-", "commonLabels": { "team": "shop" } } });
    let edited = case.render(written).await.unwrap();
    assert_eq!(edited.manifests.len(), plain.manifests.len());
    assert!(names(&edited).iter().all(|name| name.contains("/eu-")), "{:?}", names(&edited));
    assert!(edited.manifests.iter().all(|manifest| manifest.object.label("team") == Some("shop")));
}

/// The chart's hooks run by their weights; its test and rollback hooks do not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs helm"]
async fn the_engine_goes_through_the_recorded_states_of_a_chart() {
    let (request, recorded) = recording("helm");
    let mut world = World::running(&Setup::case("helm")).await;
    world.request(&request);
    world.end().await;
    let states = std::mem::take(&mut world.states);
    world.stop().await;
    assert_eq!(recorded.last().map(shown), states.last().map(shown), "the end");
    let recorded = collapsed(recorded.iter().map(shown));
    let ours = collapsed(states.iter().map(shown));
    explained("helm", &recorded, &ours).unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs kustomize"]
async fn the_engine_runs_the_hook_that_a_kustomization_renames() {
    let mut world = World::running(&Setup::case("kustomize")).await;
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Succeeded", "{state:?}");
    let hooks: Vec<_> = results(&state).into_iter().filter(|result| result.starts_with("PreSync")).collect();
    assert_eq!(hooks, ["PreSync Job/k-pre Synced Succeeded Reached expected number of succeeded pods"]);
    world.stop().await;
}

/// The chart of one repository with the values of another, each at its own revision.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs helm"]
async fn the_engine_takes_value_files_from_another_source() {
    let mut world = World::new(&Setup::made("")).await;
    world.write("chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");
    world.write("chart/values.yaml", "a: default\nb: default\n");
    let template =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: seen}\ndata: {a: {{ .Values.a }}, b: {{ .Values.b }}}\n";
    world.write("chart/templates/seen.yaml", template);
    let chart = world.commit("chart");
    let values = WorkTree::new(world.path().join("values"));
    values.write("eu/shop.yaml", "a: stable\n");
    let stable = values.commit("first");
    values.git(&["branch", "stable"]);
    values.write("eu/shop.yaml", "a: newer\n");
    values.write("broken.yaml", "a: [\n");
    let newer = values.commit("second");
    let sources = |files: &[&str], revision: &str| {
        json!([
            {"repoURL": world.repository(), "path": "chart", "helm": {"valueFiles": files}},
            {"repoURL": values.url(), "targetRevision": revision, "ref": "values"},
        ])
    };
    let first = sources(&["$values/eu/shop.yaml"], "stable");
    let second = sources(&["$values/eu/shop.yaml"], "main");
    let wrong = [
        (
            sources(&["$nobody/eu/shop.yaml"], "main"),
            "values file \"$nobody/eu/shop.yaml\": no source has the ref \"nobody\"",
        ),
        (sources(&["$values/../../etc/hostname"], "main"), "leads out of the repository"),
        (sources(&["$values/us/shop.yaml"], "main"), "values file \"$values/us/shop.yaml\" does not exist"),
        (sources(&["$values/broken.yaml"], "main"), "failed to parse broken.yaml"),
    ];
    world.make_application(&json!({"source": null, "sources": first}));
    world.start().await;
    let seen = |world: &World| world.get(&CONFIG_MAPS, "shop", "seen").map(|map| map["data"].clone());
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    assert_eq!(seen(&world), Some(json!({"a": "stable", "b": "default"})));
    assert_eq!(state.sync_result.unwrap().revisions, [chart.clone(), stable]);
    let status = world.refreshed().await["status"].clone();
    assert_eq!((&status["sync"]["status"], &status["sourceTypes"]), (&json!("Synced"), &json!(["Helm", ""])));
    world.edit(|application| application["spec"]["sources"] = second.clone());
    let status = world.refreshed().await["status"].clone();
    assert_eq!(
        (&status["sync"]["status"], &status["sync"]["revisions"]),
        (&json!("OutOfSync"), &json!([chart, newer]))
    );
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    for (sources, words) in wrong {
        world.edit(|application| application["spec"]["sources"] = sources.clone());
        let state = world.synced(&json!({})).await;
        assert_eq!(phase(&state), "Error");
        assert!(state.message.contains(words), "{words:?} is not in {:?}", state.message);
        let conditions = world.refreshed().await["status"]["conditions"].to_string();
        assert!(conditions.contains(&words.replace('"', "\\\"")), "{words:?} is not in {conditions}");
        assert_eq!(seen(&world), Some(json!({"a": "newer", "b": "default"})));
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs helm and kustomize"]
async fn the_engine_says_where_a_chart_or_a_kustomization_does_not_render() {
    let mut world = World::new(&Setup::made("")).await;
    world.write("chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");
    world.write(
        "chart/templates/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: {{ .Values.a.b.c }}}\n",
    );
    world.write("kustomization/kustomization.yaml", "resources: [missing.yaml]\n");
    world.commit("broken");
    world.make_application(&json!({}));
    world.start().await;
    for (path, words) in [
        ("chart", ["helm template failed", "c/templates/a.yaml:4", "<.Values.a.b.c>"]),
        ("kustomization", ["kustomize build failed", "'missing.yaml'", "no such file"]),
    ] {
        world.edit(|application| application["spec"]["source"]["path"] = json!(path));
        let state = world.synced(&json!({})).await;
        assert_eq!(phase(&state), "Error");
        let told = world.refreshed().await["status"]["conditions"].to_string();
        for word in words {
            assert!(state.message.contains(word) && told.contains(word), "{word:?}: {} {told}", state.message);
        }
        assert!(!told.contains("boathook-render"), "a private folder, another one each time: {told}");
        assert!(world.names(&CONFIG_MAPS).is_empty());
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs helm"]
async fn the_engine_comes_to_the_same_end_of_a_chart_wherever_it_is_killed() {
    kill::killed_at_writes("helm", 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs kustomize"]
async fn the_engine_comes_to_the_same_end_of_a_kustomization_wherever_it_is_killed() {
    kill::killed_at_writes("kustomize", 4).await;
}
