//! Repositories behind ssh and https, as the program reaches them: with the keys of Argo CD's Secrets, and the servers that
//! its `ConfigMaps` trust. `ssh` and `git` on the program's `PATH` are scripts that write down what they were told.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boathook::sim::resource::{CONFIG_MAPS, SECRETS};
use serde_json::{Value, json};

use super::rows::map;
use super::world::{ARGOCD, Setup, World, phase, results};

const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0IGtleQ==\n-----END OPENSSH PRIVATE KEY-----";
const HOSTS: &str = "git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKnown";

/// `ssh`, for one server with one repository. Of each call: its arguments, and what the files are that they name.
const SSH: &str = r#"#!/bin/sh
{
  for word in "$@"; do printf 'argument %s\n' "$word"; done
  printf 'askpass %s\n' "$SSH_ASKPASS_REQUIRE"
  while [ $# -gt 1 ]; do
    case "$1 $2" in
      "-i "*)
        printf 'key %s in %s\n' "$(ls -l "$2" | cut -c1-10)" "$(ls -ld "${2%/*}" | cut -c1-10)"
        cat "$2" ;;
      "-o UserKnownHostsFile="*)
        file=${2#*=}; file=${file#\"}
        printf 'trusted %s\n' "$(cat "${file%\"}")" ;;
    esac
    shift
  done
} >> LOG
if [ -e REFUSED ]; then
  cat REFUSED >&2
  echo "fatal: Could not read from remote repository." >&2
  exit 255
fi
if [ "$1" = "git-upload-pack '/team/deploy.git'" ]; then exec git upload-pack REPOSITORY; fi
echo "unexpected: $1" >&2
exit 1
"#;

/// `git`, which finds the repository of one https address on the disk. Of each fetch: what it was told of certificates.
const GIT: &str = r#"#!/bin/sh
case " $* " in
  *" fetch "*)
    index=0
    while [ "$index" -lt "${GIT_CONFIG_COUNT:-0}" ]; do
      eval "name=\$GIT_CONFIG_KEY_$index; value=\$GIT_CONFIG_VALUE_$index"
      case "$name" in
        http.ssl*) printf '%s %s\n' "$name" "$value" >> LOG ;;
      esac
      case "$name" in
        http.sslCAInfo) printf '%s\n' "$(cat "$value")" >> LOG ;;
      esac
      index=$((index + 1))
    done
    GIT_ALLOW_PROTOCOL=file exec REAL -c "url.file://REPOSITORY.insteadOf=https://git.example.com:8443/team/deploy.git" "$@" ;;
esac
exec REAL "$@"
"#;

/// The program `boathook engine`, with scripts before everything else on its `PATH`.
struct Program {
    process: Child,
    log: PathBuf,
}

impl Program {
    fn start(world: &World, name: &str, script: &str) -> Self {
        let bin = world.path().join("bin");
        let log = world.path().join("log");
        let path = std::env::var_os("PATH").unwrap();
        let real = std::env::split_paths(&path).map(|folder| folder.join("git")).find(|git| git.is_file()).unwrap();
        let script = script
            .replace("LOG", &log.display().to_string())
            .replace("REFUSED", &world.path().join("refused").display().to_string())
            .replace("REPOSITORY", &world.work().join(".git").display().to_string())
            .replace("REAL", &real.display().to_string());
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join(name), script).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        let paths = std::iter::once(bin).chain(std::env::split_paths(&path));
        let process = Command::new(env!("CARGO_BIN_EXE_boathook"))
            .args(["engine", "--repo-cache"])
            .arg(world.path().join("a cache"))
            .env("PATH", std::env::join_paths(paths).unwrap())
            .env("KUBECONFIG", world.path().join("kubeconfig"))
            .env("HOME", world.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_SSL_CAINFO", "/nowhere")
            .env_remove("GIT_SSH")
            .env_remove("GIT_SSH_COMMAND")
            .env_remove("GIT_CONFIG_COUNT")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, log }
    }

    /// What the script wrote down since the last time.
    fn told(&self) -> String {
        let told = fs::read_to_string(&self.log).unwrap_or_default();
        fs::write(&self.log, "").unwrap();
        told
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Folders of keys that are still there.
fn keys_left(world: &World) -> Vec<String> {
    let names = fs::read_dir(world.path().join("a cache")).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).filter(|name| name.starts_with(".keys-")).collect()
}

async fn made(url: &str) -> World {
    let world = World::new(&Setup::made("")).await;
    world.deploys(&map("a", "", "1"));
    world.make_application(&json!({"source": {"repoURL": url}}));
    world
}

fn secret(fields: &Value) -> Value {
    let data: serde_json::Map<String, Value> = fields
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, text)| (name.clone(), STANDARD.encode(text.as_str().unwrap()).into()))
        .collect();
    let labels = json!({"argocd.argoproj.io/secret-type": "repository"});
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "deploy", "namespace": ARGOCD, "labels": labels}, "data": data})
}

fn config_map(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": ARGOCD}, "data": data})
}

fn has(told: &str, line: &str) -> bool {
    told.lines().any(|own| own == line)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_servers_are_reached_over_ssh_with_the_key_and_the_hosts_of_argo_cd() {
    let url = "git@git.example.com:/team/deploy.git";
    let mut world = made(url).await;
    let program = Program::start(&world, "ssh", SSH);
    // Nothing is set: the user's own keys and hosts, but never a question.
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    let told = program.told();
    assert!(has(&told, "argument BatchMode=yes") && has(&told, "askpass force"), "{told}");
    assert!(!told.contains("argument -i") && !told.contains("HostsFile") && !told.contains("Checking"), "{told}");

    world.create(&SECRETS, secret(&json!({"url": url, "sshPrivateKey": KEY})));
    world.create(&CONFIG_MAPS, config_map("argocd-ssh-known-hosts-cm", &json!({"ssh_known_hosts": HOSTS})));
    world.deploys(&map("b", "", "1"));
    let state = world.synced(&json!({"prune": true})).await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    assert_eq!(world.names(&CONFIG_MAPS), ["b"]);
    let told = program.told();
    for line in [
        "argument BatchMode=yes",
        "argument IdentitiesOnly=yes",
        "argument IdentityAgent=none",
        "argument StrictHostKeyChecking=yes",
        "key -rw------- in drwx------",
        "c2VjcmV0IGtleQ==",
    ] {
        assert!(has(&told, line), "{line:?} is missing: {told}");
    }
    assert!(has(&told, &format!("trusted {HOSTS}")), "{told}");
    assert_eq!(keys_left(&world), [""; 0]);

    // A key that is refused is not shown, and not left behind either.
    for (said, words) in [
        ("git@git.example.com: Permission denied (publickey).", "access denied: "),
        ("Host key verification failed.", "the server is not trusted: "),
        ("ssh: Could not resolve hostname git.example.com: Name or service not known", "not reachable: "),
    ] {
        fs::write(world.path().join("refused"), format!("{said}\n")).unwrap();
        let state = world.synced(&json!({})).await;
        assert_eq!(phase(&state), "Error", "{}", results(&state).join(" "));
        // git adds advice of its own, which is left out.
        let hint = if words == "not reachable: " { "; trying again may help" } else { "" };
        assert_eq!(state.message, format!("ComparisonError: {url}: {words}{said}{hint}"));
        assert!(!world.application().to_string().contains("c2VjcmV0"));
        assert_eq!(keys_left(&world), [""; 0]);
    }
    fs::remove_file(world.path().join("refused")).unwrap();
    program.told();

    // The operator's own word: any host.
    let anybody = secret(&json!({"url": url, "sshPrivateKey": KEY, "insecureIgnoreHostKey": "true"}));
    world.change(&SECRETS, ARGOCD, "deploy", |own| own["data"] = anybody["data"].clone());
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    let told = program.told();
    assert!(has(&told, "argument StrictHostKeyChecking=no") && !has(&told, "argument StrictHostKeyChecking=yes"));
    drop(program);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_servers_are_reached_over_https_with_the_certificates_of_argo_cd() {
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----";
    let mut world = made("https://git.example.com:8443/team/deploy.git").await;
    let program = Program::start(&world, "git", GIT);
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    assert_eq!(program.told(), "", "the machine's own certificates");
    // By name, whatever the port is; those of others are not for it.
    world.create(&CONFIG_MAPS, config_map("argocd-tls-certs-cm", &json!({"other.example.com": CERTIFICATE})));
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    assert_eq!(program.told(), "");
    world.change(&CONFIG_MAPS, ARGOCD, "argocd-tls-certs-cm", |own| {
        own["data"]["git.example.com"] = json!(CERTIFICATE);
    });
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    let told = program.told();
    assert!(told.contains(CERTIFICATE) && !told.contains("sslVerify"), "{told}");
    let file = told.lines().find_map(|line| line.strip_prefix("http.sslCAInfo ")).unwrap().to_owned();
    assert!(!Path::new(&file).exists());
    drop(program);
    world.stop().await;
}
