//! A cluster with the engine, and the program that is run on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use boathook::clock::Clock;
use boathook::sim::resource::APPLICATIONS;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::engine::{ARGOCD, Setup, World};
use crate::schema;

/// Ends a test that would hang; nothing waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pods of the Job `bad` fail with two lines of log, those of `slow` run until they are stopped, all others pass.
const PODS: &str = "  pods:
  - match: {owner: {kind: Job, name: bad}}
    log: [connecting to the database, 'ERROR: relation orders does not exist']
    exitCode: 1
  - match: {owner: {kind: Job, name: slow}}
    log: [still at work]
    run: forever
    stop: {after: 0.1s, exitCode: 0}
  - match: {owner: {kind: Job, name: good}}
    log: [done]
    exitCode: 0
";

/// What a call came to.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Done {
    /// Standard output, standard error and the exit code, with everything masked that differs from run to run.
    pub(super) fn shown(&self) -> String {
        let err = if self.err.is_empty() { String::new() } else { format!("--- standard error\n{}", self.err) };
        masked(&format!("{}{err}--- exit code {}\n", self.out, self.code))
    }

    /// The one document on standard output; it is as the schema says.
    pub(super) fn document(&self) -> Value {
        let document: Value = serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert_eq!(schema::violations(&document), Vec::<String>::new(), "{document:#}");
        document
    }

    /// The documents on standard output, one a line; they are as the schema says.
    pub(super) fn documents(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| {
                let document: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                assert_eq!(schema::violations(&document), Vec::<String>::new(), "{document:#}");
                document
            })
            .collect()
    }

    #[track_caller]
    pub(super) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}

/// Times, commits, folders and ages as they never are.
pub(super) fn masked(text: &str) -> String {
    let replace = |text: &str, pattern: &str, with: &str| {
        regex::Regex::new(pattern).unwrap().replace_all(text, with).into_owned()
    };
    let text = replace(text, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME");
    let text = replace(&text, r"\b[0-9a-f]{40}\b", "COMMIT");
    let text = replace(&text, r"\b[0-9a-f]{7}\b", "COMMIT7");
    let text = replace(&text, r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID");
    let text = replace(&text, r"file:///\S+/work", "file:///REPO");
    let text = replace(&text, r"127\.0\.0\.1:\d+", "127.0.0.1:PORT");
    let text = replace(&text, r"[<>]?=?\b\d+(\.\d)?s\b( ago)?", "0s$2");
    // The columns behind what was masked.
    replace(&text, r"  +", "  ")
}

/// A cluster, and folders for the program.
pub(super) struct Place {
    pub(super) world: World,
    home: tempfile::TempDir,
}

impl Place {
    /// With one application `shop` of these manifests.
    pub(super) async fn new(manifests: &str) -> Self {
        Self::prepared(manifests, |_| ()).await
    }

    /// As [`Place::new`], with something done before the engine starts.
    pub(super) async fn prepared(manifests: &str, prepare: impl FnOnce(&World)) -> Self {
        let mut world = World::new(&Setup::made(PODS)).await;
        world.deploys(manifests);
        world.make_application(&json!({}));
        prepare(&world);
        world.start().await;
        Self { world, home: tempfile::tempdir().unwrap() }
    }

    /// The program with these arguments, away from the user's settings.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        self.named(Path::new(assert_cmd::cargo::cargo_bin!("boathook")), arguments)
    }

    /// Any program, as [`Place::command`] has it.
    pub(super) fn named(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("KUBECONFIG", self.world.path().join("kubeconfig"))
            .env("TERM", "xterm-256color")
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The folder in which the program is.
    pub(super) fn programs() -> PathBuf {
        Path::new(assert_cmd::cargo::cargo_bin!("boathook")).parent().unwrap().to_owned()
    }

    /// The context of the kubeconfig.
    pub(super) fn context(&self) -> String {
        let kubeconfig = fs::read_to_string(self.world.path().join("kubeconfig")).unwrap();
        let found = regex::Regex::new(r#""?current-context"?: "?([^"\s,]+)"#).unwrap();
        found.captures(&kubeconfig).unwrap_or_else(|| panic!("{kubeconfig}"))[1].to_owned()
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> Done {
        done(self.command(arguments).spawn().unwrap()).await
    }

    /// One more application of the same repository, with these manifests.
    pub(super) fn add(&self, name: &str, labels: &Value, manifests: &str) {
        self.world.write(&format!("{name}/all.yaml"), manifests);
        self.world.commit(&format!("add {name}"));
        self.add_at(name, name, labels);
    }

    /// One more application of a folder that is there.
    pub(super) fn add_at(&self, name: &str, folder: &str, labels: &Value) {
        self.world.create(
            &APPLICATIONS,
            json!({
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
                "metadata": {"name": name, "namespace": ARGOCD, "labels": labels},
                "spec": {
                    "project": "default",
                    "source": {"repoURL": self.world.repository(), "path": folder, "targetRevision": "HEAD"},
                    "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
                },
            }),
        );
    }

    pub(super) fn write_home(&self, file: &str, content: &str) -> PathBuf {
        let path = self.home.path().join(file);
        fs::write(&path, content).unwrap();
        path
    }

    pub(super) async fn stop(self) {
        self.world.stop().await;
    }
}

/// Waits for the end of a child.
pub(super) async fn done(child: Child) -> Done {
    within(child, PATIENCE).await
}

/// Runs a command that may take longer.
pub(super) async fn done_within(mut command: Command, limit: Duration) -> Done {
    within(command.spawn().unwrap(), limit).await
}

async fn within(child: Child, limit: Duration) -> Done {
    let output = Clock::real().timeout(limit, child.wait_with_output()).await;
    let Output { status, stdout, stderr } = output.expect("it does not end").unwrap();
    Done {
        code: status.code().unwrap_or_else(|| panic!("ended by a signal: {status}")),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

/// A Job that is a hook.
pub(super) fn hook(name: &str, hooks: &str, policies: &str) -> String {
    let policies = if policies.is_empty() {
        String::new()
    } else {
        format!("    argocd.argoproj.io/hook-delete-policy: {policies}\n")
    };
    format!(
        "---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n  annotations:\n    argocd.argoproj.io/hook: {hooks}\n{policies}spec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n      containers: [{{name: main, image: busybox, command: [run]}}]\n"
    )
}

/// A ConfigMap.
pub(super) fn map(name: &str) -> String {
    format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata: {{key: value}}\n")
}
