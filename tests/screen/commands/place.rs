//! A cluster with the engine, and the program that is run on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use boathook::clock::Clock;
use boathook::domain::scenario::{AccessRule, Pattern, RequestMatch};
use boathook::sim::access::User;
use boathook::sim::faults::{Action, Failure, Fault, requests};
use boathook::sim::resource::APPLICATIONS;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::engine::{ARGOCD, Setup, World};
use crate::git_server::GitServer;
use crate::schema;

/// Ends a test that would hang; nothing waits for it.
const PATIENCE: Duration = Duration::from_secs(150);

/// Pods of the Job `bad` fail with two lines of log, those of `slow` run until they are stopped, all others pass.
/// That of `painted` has escapes in its log. That of `long` has one line that is longer than a terminal is given.
const PODS: &str = "  pods:
  - match: {owner: {kind: Job, name: bad}}
    log: [connecting to the database, 'ERROR: relation orders does not exist']
    exitCode: 1
  - match: {owner: {kind: Job, name: slow}}
    log: [still at work]
    run: forever
    stop: {after: 0.1s, exitCode: 0}
  - match: {owner: {kind: Job, name: long}}
    log: [LONG]
    exitCode: 0
  - match: {owner: {kind: Job, name: painted}}
    log: [\"\\e[31mred\\tand \\u202eturned\"]
    exitCode: 0
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
        Self::with_spec(manifests, &json!({})).await
    }

    /// As [`Place::new`], without anybody who carries operations out.
    pub(super) async fn without_engine(manifests: &str) -> Self {
        Self::made(manifests, &json!({})).await
    }

    /// As [`Place::new`], with a spec over the usual one.
    pub(super) async fn with_spec(manifests: &str, spec: &Value) -> Self {
        let mut place = Self::made(manifests, spec).await;
        place.world.start().await;
        place
    }

    async fn made(manifests: &str, spec: &Value) -> Self {
        let world = World::new(&Setup::made(&PODS.replace("LONG", &long_line()))).await;
        world.deploys(manifests);
        world.make_application(spec);
        Self { world, home: tempfile::tempdir().unwrap() }
    }

    /// As [`Place::new`], with the repository behind a server, as repositories are.
    pub(super) async fn over_http(manifests: &str) -> (Self, GitServer) {
        let mut place = Self::made(manifests, &json!({})).await;
        let server = GitServer::start(place.world.path(), None);
        place.world.edit(|application| application["spec"]["source"]["repoURL"] = json!(server.url("work/.git")));
        place.world.start().await;
        (place, server)
    }

    /// Hooks are deleted only once a log was asked for: of what is gone before, on a slow machine, nothing can be kept.
    pub(super) fn keeps_hooks_until_read(&self) {
        let faults = self.world.simulator.faults().clone();
        let unavailable = Failure::Server { code: 503, message: String::new() };
        let kept = faults.add(Fault::new(requests(&["delete"], &["jobs"]), Action::Fail(unavailable)));
        let read = faults.add(Fault::new(own(&["get"], &["pods/log"]), Action::Delay(Duration::ZERO)));
        tokio::spawn(async move {
            faults.until_met(read, 1).await;
            faults.remove(kept);
            faults.remove(read);
        });
    }

    /// A kubeconfig of somebody else, who may do everything too.
    pub(super) fn user(&self, name: &str) -> String {
        let token = format!("token-of-{name}");
        self.world.simulator.access().add(&token, User { name: name.to_owned(), ..User::default() });
        let kubeconfig = fs::read_to_string(self.world.path().join("kubeconfig")).unwrap();
        let text = kubeconfig.replace(self.world.simulator.token(), &token);
        self.write_home(name, &text).to_str().unwrap().to_owned()
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

    /// A kubeconfig with a token that the cluster does not know.
    pub(super) fn stranger(&self) -> String {
        let text = kubeconfig(&self.world.simulator.url(), "of-nobody");
        self.write_home("stranger", &text).to_str().unwrap().to_owned()
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

/// What the Job `long` writes.
pub(super) fn long_line() -> String {
    format!("{}end", "x".repeat(20_000))
}

/// Requests of the commands, and of nobody else.
pub(super) fn own(verbs: &[&str], resources: &[&str]) -> RequestMatch {
    RequestMatch { user_agents: vec![Pattern::new("boathook/*")], ..requests(verbs, resources) }
}

/// Everything is forbidden.
pub(super) fn forbidden() -> AccessRule {
    AccessRule {
        allow: false,
        verbs: Vec::new(),
        groups: Vec::new(),
        resources: Vec::new(),
        namespaces: Vec::new(),
        names: Vec::new(),
        reason: String::new(),
    }
}

/// Asks a child to end, as Ctrl-C does.
pub(super) fn interrupt(child: &Child) {
    let id = rustix::process::Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
}

/// The lines that a child writes.
pub(super) struct Said<R> {
    lines: Lines<BufReader<R>>,
    /// Those so far.
    pub(super) so_far: Vec<String>,
}

impl<R: AsyncRead + Unpin> Said<R> {
    pub(super) fn of(output: Option<R>) -> Self {
        Self { lines: BufReader::new(output.unwrap()).lines(), so_far: Vec::new() }
    }

    /// Reads until a line has these words.
    pub(super) async fn until(&mut self, words: &str) {
        let read = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.so_far.push(line.clone());
                if line.contains(words) {
                    return true;
                }
            }
            false
        };
        let said = Clock::real().timeout(PATIENCE, read).await;
        assert_eq!(said.ok(), Some(true), "never said {words:?}: {:#?}", self.so_far);
    }

    /// Reads to the end: everything that was said.
    pub(super) async fn all(mut self) -> Vec<String> {
        let read = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.so_far.push(line);
            }
        };
        Clock::real().timeout(PATIENCE, read).await.unwrap();
        self.so_far
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

async fn within(mut child: Child, limit: Duration) -> Done {
    let (out, err) = (Kept::of(child.stdout.take()), Kept::of(child.stderr.take()));
    let ended = async {
        let status = child.wait().await.unwrap();
        (status, out.all().await, err.all().await)
    };
    let Ok((status, out, err)) = Clock::real().timeout(limit, ended).await else {
        panic!("it does not end; so far:\n{}\n--- standard error\n{}", out.so_far(), err.so_far());
    };
    Done { code: status.code().unwrap_or_else(|| panic!("ended by a signal: {status}")), out, err }
}

/// What a child prints, while it prints it.
struct Kept {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Mutex<Option<JoinHandle<()>>>,
}

impl Kept {
    fn of(source: Option<impl AsyncRead + Send + Unpin + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bytes);
        let reader = source.map(|mut source| {
            tokio::spawn(async move {
                let mut buffer = vec![0; 1 << 16];
                while let Ok(count @ 1..) = source.read(&mut buffer).await {
                    kept.lock().unwrap().extend_from_slice(&buffer[..count]);
                }
            })
        });
        Self { bytes, reader: Mutex::new(reader) }
    }

    async fn all(&self) -> String {
        let reader = self.reader.lock().unwrap().take();
        if let Some(reader) = reader {
            reader.await.unwrap();
        }
        String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap()
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }
}

/// A kubeconfig.
pub(super) fn kubeconfig(server: &str, token: &str) -> String {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "gone",
        "clusters": [{"name": "gone", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "gone", "context": {"cluster": "gone", "user": "u"}}],
    });
    config.to_string()
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
