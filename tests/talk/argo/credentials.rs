//! How clusters are reached and opened: what Argo CD's cluster Secrets name, the user's own contexts, client certificates,
//! proxies, several kubeconfigs, the service account of a pod.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boathook::clock::Clock;
use boathook::cluster::{ClusterError, ConnectError, Kind, Target, connect};
use boathook::domain::live::HookAccess;
use boathook::sim::resource::{JOBS, NAMESPACES, SECRETS};
use boathook::sim::server::Simulator;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::clusters::secret;
use super::world::{World, hook_result, put, running, simulator};

/// A program that gives a token, as clouds have them.
fn plugin(folder: &Path, token: &str) -> PathBuf {
    let path = folder.join("plugin");
    let script = format!(
        "#!/bin/sh\n[ \"$1 $REGION\" = 'get-token eu' ] || exit 4\nprintf '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"{token}\"}}}}'\n"
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

/// A proxy: the address, and how many connections went through it.
async fn proxy() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let served = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let served = Arc::clone(&served);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.ok()?);
                }
                let head = String::from_utf8(head).ok()?;
                let mut words = head.split_whitespace();
                let (method, target) = (words.next()?, words.next()?);
                if method != "CONNECT" {
                    return None;
                }
                let mut server = TcpStream::connect(target).await.ok()?;
                served.fetch_add(1, Ordering::Relaxed);
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await.ok()
            });
        }
    });
    (url, count)
}

/// A world whose one application has its hook in another cluster, which is called `eu`.
async fn hook_elsewhere(other: &Simulator, change: impl FnOnce(&Path, &mut boathook::argo::Options)) -> World {
    put(other, &NAMESPACES, json!({ "metadata": { "name": "shop" } }));
    put(
        other,
        &JOBS,
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "migrate", "namespace": "shop", "uid": "there" }, "status": { "active": 1 } }),
    );
    let world = World::with(simulator(), |options| {
        let home = options.kubeconfig.as_ref().and_then(|path| path.parent()).unwrap().to_owned();
        change(&home, options);
    })
    .await;
    let mut object = running("a", &json!([hook_result("migrate", "Running")]));
    object["spec"]["destination"] = json!({ "server": other.url(), "namespace": "shop" });
    world.put_app(object);
    world
}

async fn until_the_hook_is_seen(world: &mut World, cluster: &str) {
    let key = world.key("a");
    world
        .until("the hook over there", |picture| {
            picture.objects_of.get(&key).is_some_and(|known| known.contains_key("there"))
        })
        .await;
    assert_eq!(world.picture.access[&key], HookAccess::Watched { cluster: cluster.into() });
}

#[tokio::test]
async fn a_destination_is_opened_by_whatever_its_secret_names() {
    let folder = tempfile::tempdir().unwrap();
    let other = simulator();
    let (proxy, count) = proxy().await;
    let exec = json!({ "command": plugin(folder.path(), other.token()), "args": ["get-token"], "env": { "REGION": "eu" },
        "apiVersion": "client.authentication.k8s.io/v1" });
    for config in [
        json!({ "bearerToken": other.token() }),
        json!({ "username": "admin", "password": other.token() }),
        json!({ "execProviderConfig": exec }),
        json!({ "bearerToken": other.token(), "proxyUrl": proxy }),
    ] {
        let mut world = hook_elsewhere(&other, |_, _| ()).await;
        let mut own = secret(&other);
        own["data"]["config"] = json!(STANDARD.encode(config.to_string()));
        put(&world.simulator, &SECRETS, own);
        world.open("a").await;
        until_the_hook_is_seen(&mut world, "eu").await;
        assert_eq!(count.load(Ordering::Relaxed) > 0, config.get("proxyUrl").is_some(), "{config}");
    }
}

#[tokio::test]
async fn a_destination_without_a_secret_is_opened_by_the_users_own_context_for_its_server() {
    let other = simulator();
    let theirs: Value = serde_yaml::from_str(&other.kubeconfig()).unwrap();
    let mut world = hook_elsewhere(&other, |home, options| {
        let path = home.join("kubeconfig");
        let mut merged: Value = serde_yaml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for (list, name) in [("clusters", "cluster"), ("contexts", "context"), ("users", "user")] {
            let mut entry = theirs[list][0].clone();
            entry["name"] = json!("mine");
            if name == "context" {
                entry["context"] = json!({ "cluster": "mine", "user": "mine" });
            }
            merged[list].as_array_mut().unwrap().push(entry);
        }
        let path = home.join("merged");
        fs::write(&path, serde_yaml::to_string(&merged).unwrap()).unwrap();
        options.kubeconfig = Some(path);
    })
    .await;
    until_the_hook_is_seen(&mut world, "mine").await;
}

fn pem(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/talk/tls").join(name)
}

/// An API server that lets in only who has a certificate of the authority's, and holds one Pod.
async fn with_certificates() -> String {
    let authority = CertificateDer::from_pem_file(pem("authority.pem")).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![CertificateDer::from_pem_file(pem("server.pem")).unwrap()],
            PrivateKeyDer::from_pem_file(pem("server.key")).unwrap(),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut client = acceptor.accept(socket).await.ok()?;
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.ok()?);
                }
                let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"shop"}}"#;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{pod}",
                    pod.len()
                );
                client.write_all(answer.as_bytes()).await.ok()?;
                client.shutdown().await.ok()
            });
        }
    });
    url
}

#[tokio::test]
async fn a_client_certificate_opens_a_server_and_only_the_right_one_does() {
    let url = with_certificates().await;
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| STANDARD.encode(fs::read(pem(name)).unwrap());
    let of_files = json!({ "client-certificate": pem("client.pem"), "client-key": pem("client.key") });
    let of_data = json!({ "client-certificate-data": read("client.pem"), "client-key-data": read("client.key") });
    let authority = json!({ "server": url, "certificate-authority": pem("authority.pem") });
    let mut elsewhere = authority.clone();
    elsewhere["tls-server-name"] = json!("api.example.com");
    let mut wrong_name = authority.clone();
    wrong_name["tls-server-name"] = json!("other.example.com");
    let table = [
        ("files", authority.clone(), of_files.clone(), true),
        ("data", json!({ "server": url, "certificate-authority-data": read("authority.pem") }), of_data, true),
        ("another name", elsewhere, of_files.clone(), true),
        ("unchecked", json!({ "server": url, "insecure-skip-tls-verify": true }), of_files.clone(), true),
        ("a wrong name", wrong_name, of_files.clone(), false),
        ("another authority", json!({ "server": url, "certificate-authority": pem("another.pem") }), of_files, false),
        ("no certificate", authority, json!({}), false),
    ];
    for (what, cluster, user, expected) in table {
        let config = json!({ "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{ "name": "it", "cluster": cluster }], "users": [{ "name": "it", "user": user }],
            "contexts": [{ "name": "it", "context": { "cluster": "it", "user": "it" } }] });
        let path = folder.path().join("kubeconfig");
        fs::write(&path, config.to_string()).unwrap();
        let target = Target::Kubeconfig { path: Some(path), context: None };
        let cluster = connect(&target, &Clock::real(), "boathook-test").await.unwrap();
        let pods = Kind::known("", "v1", "Pod", "pods", true);
        let read = Clock::real().timeout(Duration::from_secs(60), cluster.get(&pods, "shop", "p")).await.unwrap();
        match (read, expected) {
            (Ok(Some(pod)), true) => assert_eq!(pod.name(), "p", "{what}"),
            (Err(error @ (ClusterError::Unreachable { .. } | ClusterError::NoAnswer { .. })), false) => {
                assert!(error.to_string().to_lowercase().contains("certificate"), "{what}: {error}");
            }
            (other, _) => panic!("{what}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_missing_in_a_pod_is_said() {
    // Nobody is in a pod here, and the place of its token is the same everywhere.
    let error = connect(&Target::InCluster, &Clock::real(), "boathook-test").await.err().unwrap();
    assert!(matches!(&error, ConnectError::Unusable { target, .. } if target == "in-cluster"), "{error}");
}

/// `KUBECONFIG` is the process's own: the program is run with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_kubeconfigs_are_read_as_one() {
    let mut world = World::new().await;
    world.put_app(crate::asked::app("a"));
    world.until_live().await;
    let folder = tempfile::tempdir().unwrap();
    // The first file has the context and the user, the second the cluster, and a user of that name who is not let in; the
    // third is not there.
    let whole: Value = serde_yaml::from_str(&world.simulator.kubeconfig()).unwrap();
    let mut first = whole.clone();
    first["clusters"] = json!([]);
    let mut second = whole.clone();
    second["current-context"] = json!("not-that-one");
    second["users"][0]["user"] = json!({ "token": "nobody" });
    let paths = ["first", "second", "third"].map(|name| folder.path().join(name));
    fs::write(&paths[0], serde_yaml::to_string(&first).unwrap()).unwrap();
    fs::write(&paths[1], serde_yaml::to_string(&second).unwrap()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_boathook"))
        .args(["get", "apps", "-n", "argocd", "-o", "name"])
        .env("KUBECONFIG", std::env::join_paths(&paths).unwrap())
        .env("HOME", folder.path())
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_STATE_HOME")
        .output()
        .unwrap();
    let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success() && told[0].lines().any(|line| line.ends_with('a')), "{told:?}");
}
