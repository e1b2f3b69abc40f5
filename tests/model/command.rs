//! `boathook plan` as it is called: what it prints, and how it ends.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::schema;

/// What a call came to.
struct Done {
    code: i32,
    out: String,
    err: String,
}

/// The program, in the root of the package, away from the user's settings.
fn boathook() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("boathook"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_clear().env("TERM", "xterm-256color").stdin(Stdio::null());
    command
}

fn done(output: &Output) -> Done {
    Done {
        code: output.status.code().expect("ended by a signal"),
        out: String::from_utf8(output.stdout.clone()).unwrap(),
        err: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

fn plan(arguments: &[&str]) -> Done {
    done(&boathook().arg("plan").args(arguments).output().unwrap())
}

fn plan_of(manifests: &[u8], arguments: &[&str]) -> Done {
    let mut child = boathook()
        .args(["plan", "-"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = manifests.to_vec();
    // The program may end before it has read everything.
    let writer = std::thread::spawn(move || stdin.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    done(&output)
}

fn json(done: &Done) -> Value {
    let document: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(schema::violations(&document), Vec::<String>::new());
    document
}

fn shown(done: &Done) -> String {
    let err = if done.err.is_empty() { String::new() } else { format!("--- standard error\n{}", done.err) };
    format!("{}{err}--- exit code {}\n", done.out, done.code)
}

/// The manifests of a recording's application, rendered where they have to be.
fn case(name: &str) -> String {
    let rendered = format!("tests/model/rendered/{name}.yaml");
    if Path::new(env!("CARGO_MANIFEST_DIR")).join(&rendered).exists() {
        rendered
    } else {
        format!("tests/cases/{name}")
    }
}

const CASES: [&str; 10] =
    ["abort", "article", "flaky", "helm", "kustomize", "long", "podhook", "prune", "waves", "workflow"];

#[test]
fn command_prints_the_plan_of_each_recorded_application() {
    let mut folders: Vec<String> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    folders.sort();
    assert_eq!(folders, CASES);
    for name in CASES {
        insta::assert_snapshot!(format!("text_{name}"), shown(&plan(&[&case(name)])));
        let done = plan(&[&case(name), "-o", "json", "-n", "shop", "--severity", "warning"]);
        insta::assert_json_snapshot!(format!("json_{name}"), json(&done));
    }
}

#[test]
fn command_tells_how_to_render_charts_and_kustomizations() {
    let done = plan(&["tests/cases/helm", "tests/cases/kustomize", "tests/cases/prune"]);
    insta::assert_snapshot!("text_not_rendered", shown(&done));
}

#[test]
fn command_names_the_right_one_of_two_that_differ_in_their_namespace_only() {
    let manifests = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\n\
        metadata: {name: a, namespace: other, annotations: {argocd.argoproj.io/hook: Skip}}\n---\n\
        apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: load-}\n";
    let plan = json(&plan_of(manifests, &["-o", "json"]));
    let places = |list: &str| -> Vec<u64> {
        let entries = plan[list].as_array().unwrap().iter();
        entries.map(|entry| entry["place"]["line"].as_u64().unwrap()).collect()
    };
    assert_eq!((places("tasks"), places("leftOut")), (vec![1, 9], vec![5]));
    assert_eq!(plan["tasks"][1]["generateName"], "load-");
}

/// What was recorded of a real Argo CD ran in the order that the plan has.
#[test]
fn command_plans_the_order_that_argo_cd_was_seen_to_follow() {
    let trace = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/waves.jsonl");
    let last = fs::read_to_string(trace)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["object"].take())
        .rfind(|object| object["kind"] == "Application" && object["status"]["operationState"]["finishedAt"].is_string())
        .unwrap();
    let recorded: Vec<(String, String)> = last["status"]["operationState"]["syncResult"]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let name = entry["name"].as_str().unwrap();
            let name = if name.starts_with("smoke-") { "smoke-" } else { name };
            (entry["syncPhase"].as_str().unwrap().to_owned(), name.to_owned())
        })
        .collect();
    let plan = json(&plan(&["tests/cases/waves", "-o", "json"]));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut planned: Vec<(String, i64, String)> = plan["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| {
            let name = if text(&task["name"]).is_empty() { &task["generateName"] } else { &task["name"] };
            (text(&task["phase"]), task["wave"].as_i64().unwrap(), text(name))
        })
        .collect();
    // Objects of one kind and wave are applied at the same time and recorded as they come.
    let recorded_at =
        |phase: &str, name: &str| recorded.iter().position(|entry| entry.0 == phase && entry.1 == name).unwrap();
    for wave in planned.chunk_by_mut(|one, next| (&one.0, one.1) == (&next.0, next.1)) {
        wave.sort_by_key(|(phase, _, name)| recorded_at(phase, name));
    }
    let planned: Vec<(String, String)> = planned.into_iter().map(|(phase, _, name)| (phase, name)).collect();
    assert_eq!(planned, recorded);
}

/// A folder of a test's own.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// The output with the folder's name taken out.
fn in_folder(folder: &tempfile::TempDir, arguments: &[&str]) -> Done {
    let done = done(&boathook().current_dir(folder.path()).arg("plan").args(arguments).output().unwrap());
    let name = folder.path().canonicalize().unwrap();
    let clean = |text: String| text.replace(name.to_str().unwrap(), "[folder]");
    Done { out: clean(done.out), err: clean(done.err), ..done }
}

const GOOD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: good\n";
const DROPPED: &str = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: db-migrate\n  annotations:\n    \
                       argocd.argoproj.io/hook: presync\n";
const NO_DEADLINE: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: probe\n  annotations:\n    \
                           argocd.argoproj.io/hook: PostSync\nspec:\n  restartPolicy: Never\n  containers: []\n";

#[test]
fn command_ends_with_the_code_that_the_manifests_deserve() {
    let all = |texts: &[&str]| texts.join("---\n");
    assert_eq!(plan_of(GOOD.as_bytes(), &[]).code, 0);
    assert_eq!(plan_of(GOOD.as_bytes(), &["--strict"]).code, 0);
    let warned = all(&[GOOD, NO_DEADLINE]);
    assert_eq!(plan_of(warned.as_bytes(), &[]).code, 0);
    assert_eq!(plan_of(warned.as_bytes(), &["--strict"]).code, 1);
    assert_eq!(plan_of(warned.as_bytes(), &["--strict", "--ignore", "hook-no-deadline"]).code, 0);
    assert_eq!(plan_of(warned.as_bytes(), &["--strict", "--severity", "error"]).code, 1, "hidden is not accepted");
    let selected = plan_of(GOOD.as_bytes(), &["--resource", "apps:Deployment:none"]);
    assert_eq!(selected.code, 1);
    assert!(selected.err.contains("--resource: no object is apps:Deployment:none"), "{}", selected.err);
    let dropped = all(&[GOOD, DROPPED]);
    assert_eq!(plan_of(dropped.as_bytes(), &[]).code, 1);
    assert_eq!(plan_of(dropped.as_bytes(), &["-o", "json"]).code, 1);
    assert_eq!(plan_of(b"", &[]).code, 1, "an empty pipe is no good plan");
}

#[test]
fn command_says_what_argo_cd_would_pass_over_without_a_word() {
    let folder = folder(&[
        ("good.yaml", GOOD),
        ("misspelt.yaml", "apiVersion: batch/v1\nknd: Job\nmetadata: {name: migrate}\n"),
        ("skipped.yaml", &format!("# +argocd:skip-file-rendering\n{GOOD}")),
        ("values.yaml", "image:\n  kind: large\n  metadata: {}\n"),
    ]);
    let all = plan(&[&folder.path().display().to_string()]);
    assert_eq!(all.code, 1);
    assert!(all.err.contains("misspelt.yaml: Argo CD passes over this file without a word"), "{}", all.err);
    assert!(!all.err.contains("skipped.yaml") && !all.err.contains("values.yaml"), "{}", all.err);
    let one = plan(&[&folder.path().join("skipped.yaml").display().to_string()]);
    assert_eq!(one.code, 1);
    assert!(one.err.contains("skipped.yaml: passed over, as it asks for"), "{}", one.err);
}

#[test]
fn command_refuses_arguments_that_make_no_sense() {
    for arguments in [
        &[] as &[&str],
        &["-o", "xml", "a.yaml"],
        &["--ignore", "no-such-code", "a.yaml"],
        &["--explain", "no-such-code"],
        &["--resource", "ConfigMap", "a.yaml"],
        &["--no-such-option"],
        &["-", "-"],
    ] {
        let done = plan(arguments);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!done.err.is_empty(), "{arguments:?}");
    }
    let done = plan(&["--ignore", "deadline", "a.yaml"]);
    assert!(done.err.contains("did you mean hook-no-deadline?"), "{}", done.err);
}

#[test]
fn command_plans_what_it_can_read_and_names_the_rest() {
    let folder = folder(&[
        ("10-good.yaml", GOOD),
        (
            "20-broken.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: [x\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: after}\n",
        ),
        ("30-values.yml", "replicas: 3\n"),
        ("31-half.yml", "# metadata:\nkind: ConfigMap\napiVersion: 1\n"),
        ("32-settings.json", "{\"a\": 1}"),
        (
            "40-list.json",
            "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"in-list\"}}]}",
        ),
        ("50-empty.yaml", "# nothing\n---\n---\nnull\n"),
        ("60-left-out.yaml", "# +argocd:skip-file-rendering\nreplicas: 3\n"),
        ("70-crlf.yaml", "\u{feff}apiVersion: v1\r\nkind: ConfigMap\r\nmetadata:\r\n  name: crlf\r\n"),
        ("readme.txt", "not read"),
        (".git/config.yaml", "not: read"),
        ("below/deep/x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: deep}\n"),
    ]);
    fs::write(folder.path().join("80-junk.yaml"), [0, 1, 0xff, 0xfe]).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink("10-good.yaml", folder.path().join("90-link.yaml")).unwrap();
        symlink("/etc/hostname", folder.path().join("91-out.yaml")).unwrap();
        symlink("..", folder.path().join("below/92-loop")).unwrap();
        symlink("nowhere", folder.path().join("93-broken.yaml")).unwrap();
    }
    insta::assert_snapshot!("text_bad_input", shown(&in_folder(&folder, &[".", "no-such-folder"])));
    let document = json(&in_folder(&folder, &[".", "-o", "json"]));
    assert_eq!(document["problems"][0]["source"], "./20-broken.yaml");
    assert_eq!(document["problems"][0]["line"], 4);
}

#[test]
fn command_finds_nothing_in_an_empty_folder() {
    let folder = folder(&[]);
    let done = in_folder(&folder, &["."]);
    assert_eq!(done.code, 1);
    assert!(done.err.contains("there is no *.yaml, *.yml or *.json in this folder"), "{}", done.err);
}

#[test]
fn command_ends_soon_when_there_is_too_much() {
    let line = b"- a string in a list that somebody made much too long\n";
    let mut much = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: much}\ndata:\n".to_vec();
    much.extend(line.iter().copied().cycle().take(50 << 20));
    let done = plan_of(&much, &[]);
    assert_eq!(done.code, 1);
    assert!(done.err.contains("bytes in one source"), "{}", done.err);

    let mut bomb =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(",");
        writeln!(bomb, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    let done = plan_of(bomb.as_bytes(), &[]);
    assert_eq!(done.code, 1);
    assert!(done.err.contains("more than"), "{}", done.err);
}

#[cfg(unix)]
#[test]
fn command_names_a_file_it_may_not_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&[("closed.yaml", GOOD), ("open.yaml", GOOD)]);
    let closed = folder.path().join("closed.yaml");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&closed).is_ok() {
        // The superuser may read everything: then there is nothing to see here but that it is read.
        assert_eq!(in_folder(&folder, &["closed.yaml"]).code, 0);
        return;
    }
    let done = in_folder(&folder, &["."]);
    assert_eq!(done.code, 1);
    assert!(done.err.contains("./closed.yaml: no permission to read it"), "{}", done.err);
    assert!(done.out.contains("ConfigMap/good"), "{}", done.out);
}

#[test]
fn command_lets_no_escape_sequence_through() {
    let hostile = "apiVersion: v1\nkind: \"Config\\e[31mMap\"\nmetadata:\n  name: \"a\\e]0;title\\a\\u202eb\\n\\rc\"\n  \
                   annotations:\n    argocd.argoproj.io/sync-wave: \"\\e[2J\"\n    argocd.argoproj.io/hook: \"\\e[5m\"\n";
    for arguments in [&[] as &[&str], &["-o", "json"]] {
        let done = plan_of(hostile.as_bytes(), arguments);
        for text in [&done.out, &done.err] {
            let bad = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
            assert_eq!(bad, None, "{text}");
        }
    }
    assert!(plan_of(hostile.as_bytes(), &[]).out.contains("hook-misspelt"));
}

#[test]
fn command_colours_only_where_it_is_wanted() {
    let colour = |arguments: &[&str]| plan(&[&["tests/cases/waves"], arguments].concat()).out.contains('\x1b');
    assert!(!colour(&[]), "not into a pipe");
    assert!(!colour(&["--color", "never"]));
    assert!(colour(&["--color", "always"]));
}

#[cfg(unix)]
#[test]
fn command_ends_quietly_when_nobody_reads_on() {
    let mut child =
        boathook().args(["plan", "tests/cases/waves"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let done = done(&child.wait_with_output().unwrap());
    assert_eq!((done.code, done.err.as_str()), (0, ""));
}

#[test]
fn command_leaves_out_hooks_where_argo_cd_does() {
    let done = plan(&["tests/cases/waves", "--apply-only", "--severity", "error"]);
    insta::assert_snapshot!("text_apply_only", shown(&done));
    let done = plan(&["tests/cases/waves", "--resource", "apps:Deployment:w-mid", "-o", "json"]);
    let document = json(&done);
    assert_eq!(document["tasks"].as_array().unwrap().len(), 1);
    assert!(document["findings"].as_array().unwrap().iter().any(|finding| finding["code"] == "hooks-not-run"));
}

#[test]
fn command_shows_what_is_moved_and_what_runs_at_deletion() {
    let manifests = "apiVersion: v1\nkind: Namespace\nmetadata: {name: extra}\n---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  \
                     name: first\n  namespace: extra\n  annotations: {argocd.argoproj.io/hook: PreSync}\nspec: {template: {spec: \
                     {restartPolicy: Never}}}\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: last\n  annotations: {helm.sh/hook: \
                     post-delete}\nspec: {restartPolicy: Never}\n";
    let done =
        plan_of(manifests.as_bytes(), &["-n", "shop", "--sync-option", "CreateNamespace=true", "--severity", "error"]);
    insta::assert_snapshot!("text_moved", shown(&done));
    json(&plan_of(manifests.as_bytes(), &["-o", "json"]));
}

#[test]
fn command_explains_findings() {
    insta::assert_snapshot!("text_explain", shown(&plan(&["--explain", "needs-later-object"])));
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/findings.md")).unwrap();
    assert_eq!(plan(&["--explain", "all"]).out, page, "write what `boathook plan --explain all` prints into the page");
}

#[test]
fn command_knows_its_version() {
    let version = format!("boathook {}\n", env!("CARGO_PKG_VERSION"));
    for argument in ["--version", "version"] {
        assert_eq!(done(&boathook().arg(argument).output().unwrap()).out, version);
    }
}

/// The README shows what the program prints.
#[test]
fn command_prints_what_the_readme_shows() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let (_, rest) = readme.split_once("$ boathook plan deploy/\n").expect("the README shows a plan");
    let (example, _) = rest.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let deploy = folder.path().join("deploy");
    fs::create_dir(&deploy).unwrap();
    for entry in fs::read_dir(root.join("tests/model/readme")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, deploy.join(path.file_name().unwrap())).unwrap();
    }
    assert_eq!(in_folder(&folder, &["deploy/"]).out, example);
}
