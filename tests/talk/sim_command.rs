//! `boathook sim` as a program: what it prints and writes, and how it ends.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn start(folder: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_boathook"))
        .arg("sim")
        .args(arguments)
        .env("HOME", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn it_says_where_it_is_writes_a_private_kubeconfig_and_ends_at_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    for signal in ["-TERM", "-INT"] {
        let mut child = start(folder.path(), &["--kubeconfig", kubeconfig.to_str().unwrap(), "--speed", "10"]);
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        assert!(line.starts_with("Kubernetes API at http://127.0.0.1:"), "{line}");
        assert_eq!(std::fs::metadata(&kubeconfig).unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(&kubeconfig).unwrap();
        let config: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        let token = config["users"][0]["user"]["token"].as_str().unwrap();
        assert_eq!(token.len(), 32);
        assert!(!line.contains(token), "the token is for the file alone");
        let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        assert_eq!(ended(child), (Some(0), String::new()), "{signal}");
    }
}

#[test]
fn what_it_cannot_do_it_says_and_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other");
    std::fs::write(&other, "current-context: production\n").unwrap();
    let (code, errors) = ended(start(folder.path(), &["--kubeconfig", other.to_str().unwrap()]));
    assert_eq!(code, Some(1));
    assert!(errors.contains("is a kubeconfig of other clusters"), "{errors}");
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "current-context: production\n");
    let scenario = folder.path().join("scenario.yaml");
    std::fs::write(&scenario, "apiVersion: boathook.dev/v1\nkind: Scenario\nname: x\nworld: {podz: []}\n").unwrap();
    let (code, errors) = ended(start(folder.path(), &["--scenario", scenario.to_str().unwrap()]));
    assert_eq!(code, Some(1));
    assert!(errors.contains("line 4: world.podz: unknown key"), "{errors}");
    assert_eq!(ended(start(folder.path(), &["--scenario", "/no/such/file"])).0, Some(1));
    for path in [folder.path().to_owned(), folder.path().join("no/such/folder"), other.join("below")] {
        let (code, errors) = ended(start(folder.path(), &["--kubeconfig", path.to_str().unwrap()]));
        assert_eq!(code, Some(1));
        assert!(errors.contains(&format!("cannot write the kubeconfig {}: ", path.display())), "{errors}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, errors) = ended(start(folder.path(), &["--port", &port]));
    assert_eq!(code, Some(1));
    assert!(errors.contains(&format!("cannot listen on 127.0.0.1:{port}: Address already in use")), "{errors}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left behind");
    assert_eq!(ended(start(folder.path(), &["--speed", "0"])).0, Some(2));
    assert_eq!(ended(start(folder.path(), &["--port", "99999"])).0, Some(2));
}
