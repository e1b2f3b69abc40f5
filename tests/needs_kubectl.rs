//! The real `kubectl` drives the simulator, and the same commands a real Kubernetes.
//!
//! `cargo test --test needs_kubectl -- --ignored` runs it against a simulator of its own. With `BOATHOOK_TEST_KUBECONFIG`
//! it also runs against the cluster that file names, and only if that holds the ConfigMap
//! `kube-system/boathook-test-cluster`. It touches nothing but namespaces it made.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use boathook::sim::server::{Simulator, SimulatorOptions, write_kubeconfig};
use tempfile::TempDir;

/// A cluster to try the commands on, and a namespace of the test's own.
struct Cluster {
    kubeconfig: PathBuf,
    folder: TempDir,
    namespace: String,
    commands: usize,
}

impl Cluster {
    fn new(kubeconfig: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut cluster =
            Self { kubeconfig: kubeconfig.to_owned(), folder, namespace: "default".to_owned(), commands: 0 };
        let named = cluster.ok(
            &["create", "-f", "-", "-o", "name"],
            Some("{apiVersion: v1, kind: Namespace, metadata: {generateName: boathook-kubectl-}}"),
        );
        named.trim().trim_start_matches("namespace/").clone_into(&mut cluster.namespace);
        cluster
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command
            .args(["--namespace", &self.namespace, "--request-timeout", "60s"])
            .args(arguments)
            .env("HOME", self.folder.path())
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::null());
        command
    }

    fn run(&mut self, arguments: &[&str], input: Option<&str>) -> Output {
        self.commands += 1;
        let mut command = self.command(arguments);
        let Some(input) = input else { return command.output().unwrap() };
        let file = self.folder.path().join("input.yaml");
        // Inputs are YAML, which kubectl takes for JSON where it begins with a brace.
        std::fs::write(&file, format!("---\n{input}")).unwrap();
        command.stdin(std::fs::File::open(file).unwrap()).output().unwrap()
    }

    /// Runs a command that has to succeed, and gives what it prints.
    fn ok(&mut self, arguments: &[&str], input: Option<&str>) -> String {
        let output = self.run(arguments, input);
        let (out, errors) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "kubectl {}\n{out}{errors}", arguments.join(" "));
        out
    }

    /// Runs a command that has to fail, and gives what it complains about.
    fn fails(&mut self, arguments: &[&str], input: Option<&str>) -> String {
        let output = self.run(arguments, input);
        assert!(!output.status.success(), "kubectl {}\n{}", arguments.join(" "), text(&output.stdout));
        text(&output.stderr)
    }

    /// Runs a command whose output has to contain these texts.
    fn shows(&mut self, arguments: &[&str], expected: &[&str]) -> String {
        let out = self.ok(arguments, None);
        for text in expected {
            assert!(out.contains(text), "kubectl {}: no {text:?} in\n{out}", arguments.join(" "));
        }
        out
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.namespace != "default" {
            let _ = self.command(&["delete", "namespace", &self.namespace, "--wait=false"]).output();
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const MAP: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {color: blue}}";
const MAP_RED: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {color: red}}";

/// Reading and writing objects that no controller touches.
fn objects(cluster: &mut Cluster) {
    cluster.shows(&["version"], &["Server Version: v1."]);
    cluster.shows(&["api-resources"], &["configmaps", "cm", "jobs", "batch/v1"]);
    cluster.shows(&["api-resources", "--api-group=apps", "-o", "wide"], &["deployments", "deploy", "create,delete"]);
    cluster.shows(&["api-versions"], &["apps/v1", "batch/v1"]);
    cluster.shows(&["get", "--raw", "/healthz"], &["ok"]);
    let applied = cluster.ok(&["apply", "-f", "-"], Some(MAP));
    assert_eq!(applied.trim(), "configmap/settings created");
    assert_eq!(cluster.ok(&["apply", "-f", "-"], Some(MAP)).trim(), "configmap/settings unchanged");
    assert_eq!(cluster.ok(&["apply", "-f", "-"], Some(MAP_RED)).trim(), "configmap/settings configured");
    let different = cluster.run(&["diff", "-f", "-"], Some(MAP));
    assert_eq!(different.status.code(), Some(1), "{}", text(&different.stderr));
    assert!(text(&different.stdout).contains("+  color: blue"), "{}", text(&different.stdout));
    assert_eq!(cluster.run(&["diff", "-f", "-"], Some(MAP_RED)).status.code(), Some(0));
    let server_side = ["apply", "--server-side", "--field-manager=other", "-f", "-"];
    assert!(cluster.fails(&server_side, Some(MAP)).contains("conflict with \"kubectl-client-side-apply\" using v1"));
    let forced = ["apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", "-"];
    assert_eq!(cluster.ok(&forced, Some(MAP)).trim(), "configmap/settings serverside-applied");
    assert_eq!(cluster.ok(&forced, Some(MAP)).trim(), "configmap/settings serverside-applied");
    cluster.shows(
        &["get", "configmap", "settings", "--show-managed-fields", "-o", "yaml"],
        &["manager: other", "operation: Apply"],
    );
    cluster.shows(&["get", "cm", "settings"], &["NAME", "DATA", "AGE", "settings", "1"]);
    cluster.shows(&["get", "cm", "settings", "-o", "wide"], &["settings"]);
    cluster.shows(&["get", "cm", "settings", "-o", "json"], &["\"kind\": \"ConfigMap\"", "\"color\": \"blue\""]);
    cluster.shows(&["get", "cm", "-o", "name"], &["configmap/settings"]);
    assert_eq!(cluster.ok(&["get", "cm", "settings", "-o", "jsonpath={.data.color}"], None), "blue");
    cluster.shows(&["get", "cm", "settings", "-o", "custom-columns=N:.metadata.name"], &["N\nsettings"]);
    cluster.shows(&["get", "cm", "settings", "-o", "go-template={{.kind}}"], &["ConfigMap"]);
    cluster.shows(&["label", "cm", "settings", "tier=one"], &["configmap/settings labeled"]);
    cluster.shows(&["get", "cm", "-l", "tier in (one,two)", "--show-labels"], &["tier=one"]);
    assert_eq!(cluster.ok(&["get", "cm", "-l", "tier=none", "-o", "name"], None), "");
    cluster.shows(&["get", "cm", "--field-selector", "metadata.name=settings", "-o", "name"], &["settings"]);
    cluster.shows(&["annotate", "cm", "settings", "note=seen"], &["configmap/settings annotated"]);
    cluster.shows(&["patch", "cm", "settings", "--type=merge", "-p", "{\"data\":{\"size\":\"l\"}}"], &["patched"]);
    let json_patch = "[{\"op\":\"remove\",\"path\":\"/data/size\"}]";
    cluster.shows(&["patch", "cm", "settings", "--type=json", "-p", json_patch], &["patched"]);
    cluster.shows(&["describe", "cm", "settings"], &["Name:         settings", "color:"]);
    cluster.shows(&["explain", "job.spec.backoffLimit"], &["backoffLimit", "integer"]);
    let created = cluster.ok(
        &["create", "-f", "-", "-o", "name"],
        Some("{apiVersion: v1, kind: ConfigMap, metadata: {generateName: made-}}"),
    );
    assert!(created.starts_with("configmap/made-"), "{created}");
    cluster
        .ok(&["create", "-f", "-"], Some("{apiVersion: v1, kind: Secret, metadata: {name: pass}, stringData: {a: b}}"));
    cluster.shows(&["get", "secret", "pass"], &["Opaque"]);
    let never = "{apiVersion: v1, kind: ConfigMap, metadata: {name: never}}";
    assert_eq!(
        cluster.ok(&["create", "--dry-run=server", "-o", "name", "-f", "-"], Some(never)).trim(),
        "configmap/never"
    );
    assert!(cluster.fails(&["get", "cm", "never"], None).contains("configmaps \"never\" not found"));
    let wrong = "{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {backoffLimit: many, template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}";
    assert!(cluster.fails(&["create", "--validate=false", "-f", "-"], Some(wrong)).contains("cannot unmarshal string"));
    let list = "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: first}}, {apiVersion: v1, kind: ConfigMap, metadata: {name: second}}]}";
    assert_eq!(
        cluster.ok(&["apply", "-f", "-"], Some(list)).trim(),
        "configmap/first created\nconfigmap/second created"
    );
    let no_kind = "{apiVersion: nope.example/v1, kind: Nope, metadata: {name: nobody}}";
    assert!(cluster.fails(&["apply", "-f", "-"], Some(no_kind)).contains("no matches for kind \"Nope\""));
    let unknown = "{apiVersion: v1, kind: ConfigMap, metadata: {name: u}, dato: {}}";
    assert!(cluster.fails(&["create", "-f", "-"], Some(unknown)).contains("unknown field \"dato\""));
    cluster.shows(&["delete", "cm", "settings"], &["configmap \"settings\" deleted"]);
    assert!(cluster.fails(&["delete", "cm", "settings"], None).contains("not found"));
    cluster.ok(&["delete", "cm", "settings", "--ignore-not-found"], None);
}

/// Commands for which kubectl has clients with types, which send protobuf.
fn typed(cluster: &mut Cluster) {
    let made = |kind: &str| format!("{kind}/typed created");
    cluster.shows(&["create", "configmap", "typed", "--from-literal=a=b"], &[&made("configmap")]);
    assert_eq!(cluster.ok(&["get", "cm", "typed", "-o", "jsonpath={.data}"], None), r#"{"a":"b"}"#);
    cluster.shows(&["create", "secret", "generic", "typed", "--from-literal=a=b"], &[&made("secret")]);
    assert_eq!(
        cluster.ok(&["get", "secret", "typed", "-o", "jsonpath={.data} {.type}"], None),
        r#"{"a":"Yg=="} Opaque"#
    );
    cluster.shows(&["create", "serviceaccount", "typed"], &[&made("serviceaccount")]);
    cluster.shows(&["create", "service", "clusterip", "typed", "--tcp=80:http"], &[&made("service")]);
    let ports = "jsonpath={.spec.ports}";
    let expected = r#"[{"name":"80-http","port":80,"protocol":"TCP","targetPort":"http"}]"#;
    assert_eq!(cluster.ok(&["get", "service", "typed", "-o", ports], None), expected);
    cluster.shows(
        &["create", "role", "typed", "--verb=get,list", "--resource=pods"],
        &["role.rbac.authorization.k8s.io/typed created"],
    );
    cluster.shows(
        &["create", "rolebinding", "typed", "--role=typed", "--serviceaccount=a:b"],
        &["rolebinding.rbac.authorization.k8s.io/typed created"],
    );
    cluster.shows(
        &["create", "ingress", "typed", "--rule=a.example/*=typed:80"],
        &["ingress.networking.k8s.io/typed created"],
    );
    cluster.shows(
        &["create", "cronjob", "typed", "--image=busybox", "--schedule=0 3 1 1 *", "--", "date"],
        &["cronjob.batch/typed created"],
    );
    cluster.shows(&["create", "job", "typed", "--from=cronjob/typed"], &["job.batch/typed created"]);
    cluster.shows(&["wait", "--for=condition=complete", "job/typed", "--timeout=60s"], &["condition met"]);
    let commanded = "jsonpath={.spec.template.spec.containers[0].command} {.metadata.ownerReferences[0].kind}";
    assert_eq!(cluster.ok(&["get", "job", "typed", "-o", commanded], None), r#"["date"] CronJob"#);
    cluster.shows(&["create", "deployment", "typed", "--image=busybox", "--replicas=0"], &["deployment.apps/typed"]);
    cluster.shows(&["rollout", "status", "deployment/typed", "--timeout=60s"], &["successfully rolled out"]);
    assert_eq!(cluster.ok(&["get", "deployment", "typed", "-o", "jsonpath={.spec.replicas}"], None), "0");
    cluster.shows(&["create", "namespace", "boathook-never", "--dry-run=server"], &["boathook-never created"]);
    assert!(cluster.fails(&["create", "configmap", "typed"], None).contains("configmaps \"typed\" already exists"));
    assert_eq!(cluster.ok(&["auth", "can-i", "create", "pods"], None).trim(), "yes");
    cluster.shows(&["auth", "whoami"], &["Username"]);
    assert!(cluster.fails(&["delete", "namespace", "default"], None).contains("this namespace may not be deleted"));
}

const JOB: &str = "{apiVersion: batch/v1, kind: Job, metadata: {name: hook}, spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: main, image: busybox, command: [sh, -c, 'echo one; echo two']}]}}}}";
const DEPLOYMENT: &str = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: main, image: busybox, command: [sleep, '3600']}], terminationGracePeriodSeconds: 0}}}}";

/// What controllers work on.
fn workloads(cluster: &mut Cluster) {
    cluster.ok(&["apply", "-f", "-"], Some(JOB));
    cluster.shows(&["wait", "--for=condition=complete", "job/hook", "--timeout=60s"], &["condition met"]);
    cluster.shows(&["get", "job", "hook"], &["Complete", "1/1"]);
    cluster.shows(&["get", "pods", "-l", "job-name=hook"], &["Completed", "0/1"]);
    cluster.ok(&["logs", "-f", "job/hook"], None);
    cluster.ok(&["logs", "job/hook", "--tail=1", "--timestamps"], None);
    cluster
        .shows(&["get", "events", "--field-selector", "involvedObject.name=hook"], &["SuccessfulCreate", "job/hook"]);
    cluster.shows(&["describe", "job", "hook"], &["1 Succeeded"]);
    cluster.ok(&["delete", "job", "hook", "--cascade=foreground"], None);
    assert_eq!(cluster.ok(&["get", "pods", "-l", "job-name=hook", "-o", "name"], None), "");
    cluster.ok(&["apply", "-f", "-"], Some(DEPLOYMENT));
    cluster.shows(&["rollout", "status", "deployment/web", "--timeout=60s"], &["successfully rolled out"]);
    cluster.shows(&["get", "deployment", "web"], &["2/2"]);
    cluster.shows(&["scale", "deployment", "web", "--replicas=1"], &["scaled"]);
    cluster
        .shows(&["wait", "--for=jsonpath={.status.replicas}=1", "deployment/web", "--timeout=60s"], &["condition met"]);
    cluster.ok(&["set", "env", "deployment/web", "A=1"], None);
    cluster.shows(&["rollout", "status", "deployment/web", "--timeout=60s"], &["successfully rolled out"]);
    cluster.shows(&["rollout", "history", "deployment/web"], &["REVISION"]);
    cluster.shows(&["get", "all"], &["deployment.apps/web", "replicaset.apps/web-"]);
    cluster.shows(&["get", "pods", "-o", "wide"], &["Running", "NODE"]);
    cluster.ok(&["delete", "deployment", "web", "--cascade=orphan"], None);
    cluster.shows(&["get", "rs", "-o", "name"], &["replicaset.apps/web-"]);
    cluster.ok(&["delete", "rs", "--all", "--cascade=background"], None);
    cluster.ok(&["wait", "--for=delete", "pod", "-l", "app=web", "--timeout=60s"], None);
}

fn watched(cluster: &mut Cluster) {
    let mut watch = cluster.command(&["get", "cm", "-w", "-o", "name"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(watch.stdout.take().unwrap()));
    cluster.ok(&["create", "-f", "-"], Some("{apiVersion: v1, kind: ConfigMap, metadata: {name: seen}}"));
    let found = lines.by_ref().any(|line| line.unwrap() == "configmap/seen");
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert!(found);
}

/// A kubeconfig, and the simulator behind it where it is not a real cluster.
fn simulated(folder: &Path) -> (Simulator, PathBuf) {
    let simulator = Simulator::start(SimulatorOptions { speed: 20.0, ..Default::default() }).unwrap();
    let path = folder.join("kubeconfig");
    write_kubeconfig(&path, &simulator.kubeconfig()).unwrap();
    (simulator, path)
}

fn all(kubeconfig: &Path) -> usize {
    let mut cluster = Cluster::new(kubeconfig);
    objects(&mut cluster);
    watched(&mut cluster);
    typed(&mut cluster);
    workloads(&mut cluster);
    cluster.commands
}

/// Under its name for kubectl on the PATH, boathook is one of kubectl's commands.
#[test]
#[ignore = "needs kubectl"]
fn kubectl_finds_boathook_as_its_plugin() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_boathook"), folder.path().join("kubectl-boathook")).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(std::iter::once(folder.path().to_owned()).chain(std::env::split_paths(&path)));
    let run = |arguments: &[&str]| {
        let mut command = Command::new("kubectl");
        command.arg("boathook").args(arguments).env("PATH", path.as_ref().unwrap());
        command.env("HOME", folder.path()).env("KUBECONFIG", folder.path().join("none")).stdin(Stdio::null());
        let output = command.output().unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, out, errors) = run(&["version"]);
    assert_eq!((code, out.as_str()), (Some(0), concat!("boathook ", env!("CARGO_PKG_VERSION"), "\n")), "{errors}");
    let (code, out, errors) = run(&["get", "--help"]);
    assert!(code == Some(0) && out.contains("Usage: kubectl boathook get"), "{out}{errors}");
    // Its exit codes are those of boathook.
    assert_eq!(run(&["get", "apps", "-o", "xml"]).0, Some(2));
}

#[test]
#[ignore = "needs kubectl"]
fn kubectl_works_on_the_simulator() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    let folder = tempfile::tempdir().unwrap();
    let (simulator, kubeconfig) = simulated(folder.path());
    assert!(all(&kubeconfig) >= 40);
    runtime.block_on(simulator.stop());
}

#[test]
#[ignore = "needs kubectl and BOATHOOK_TEST_KUBECONFIG"]
fn kubectl_says_the_same_on_a_real_kubernetes() {
    let path =
        PathBuf::from(std::env::var_os("BOATHOOK_TEST_KUBECONFIG").expect("BOATHOOK_TEST_KUBECONFIG names no file"));
    let marker = Command::new("kubectl")
        .args(["get", "configmap", "boathook-test-cluster", "--namespace", "kube-system"])
        .env("KUBECONFIG", &path)
        .env("HOME", std::env::temp_dir())
        .output()
        .unwrap();
    assert!(marker.status.success(), "this cluster is not marked as one for tests: {}", text(&marker.stderr));
    assert!(all(&path) >= 40);
}
