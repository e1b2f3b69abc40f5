//! What the program says of itself, and completions.

use serde_json::json;

use super::place::{Place, hook, map};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_describes_itself_and_completes_what_is_in_the_cluster() {
    let mut place = Place::new(&(hook("good", "PreSync", "") + &map("settings"))).await;
    place.add("web", &json!({}), &map("web"));
    place.world.synced(&json!({})).await;
    let version = place.run(&["version", "-o", "json"]).await.expect(0).document();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    // What is printed is a whole configuration: the program starts with it.
    let config = place.run(&["config"]).await.expect(0).out;
    assert_eq!(config, boathook::config::DEFAULT);
    std::fs::write(place.home().join("config.yaml"), config).unwrap();
    place.run(&["get", "apps", "--config", "config.yaml"]).await.expect(0);
    let page = place.run(&["man", "sync"]).await.expect(0);
    for words in [".TH ", "abort\\-on\\-timeout", "a hook failed"] {
        assert!(page.out.contains(words), "{words}: {}", page.out);
    }
    place.run(&["man", "unheard-of"]).await.expect(2);
    place.run(&["man", "--dir", "pages"]).await.expect(0);
    assert!(place.home().join("pages/boathook-get-app.1").exists());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(place.run(&["completions", shell]).await.expect(0).out.contains("boathook"), "{shell}");
    }
    for (words, expected) in [
        (&["boathook", "get", "app", "s"][..], "shop"),
        (&["boathook", "get", "app", "argocd/w"], "argocd/web"),
        (&["boathook", "logs", "shop", ""], "good"),
        (&["boathook", "abo"], "abort"),
        (&["boathook", "get", "--context", ""], &place.context()),
        (&["boathook", "wait", "--for", "s"], "synced"),
        (&["boathook", "wait", "--for", "phase=Post"], "phase=PostSync"),
        (&["boathook", "wait", "shop", "--for", "hook=g"], "hook=good"),
        (&["boathook", "rollback", "shop", ""], "0"),
        (&["boathook", "get", "apps", "-p", ""], "default"),
        (&["boathook", "get", "apps", "-n", "arg"], "argocd"),
        (&["boathook", "get", "apps", "-o", "w"], "wide"),
        (&["boathook", "sync", "shop", "-o", "j"], "json"),
    ] {
        let index = (words.len() - 1).to_string();
        let mut command = place.command(&[&["--"][..], words].concat());
        command.env("BOATHOOK_COMPLETION_TIMEOUT", "2m");
        command.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", &index).env("_CLAP_IFS", "\n");
        let done = super::place::done(command.spawn().unwrap()).await.expect(0);
        assert!(done.out.lines().any(|line| line == expected), "{words:?}: {done:#?}");
    }
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_is_given_the_completions_of_its_plugin() {
    let mut place = Place::new(&(hook("good", "PreSync", "") + &map("settings"))).await;
    place.world.synced(&json!({})).await;
    let program = place.home().join("kubectl_complete-boathook");
    std::os::unix::fs::symlink(assert_cmd::cargo::cargo_bin!("boathook"), &program).unwrap();
    for (words, expected, end) in [
        (&["get", "app", "s"][..], "shop", ":4"),
        (&["abo"], "abort\tEnd the running operation", ":4"),
        (&["logs", "shop", ""], "good", ":4"),
        (&["wait", "shop", "--for", "hook=g"], "hook=good", ":4"),
        (&["wait", "shop", "--for", "h"], "hook=", ":6"),
        (&["-n", "argocd", "get", "apps", "s"], "shop", ":4"),
        (&["get", "app", "nothing"], ":4", ":4"),
    ] {
        let mut command = place.named(&program, words);
        command.env("BOATHOOK_COMPLETION_TIMEOUT", "2m");
        let done = super::place::done(command.spawn().unwrap()).await.expect(0);
        let lines: Vec<&str> = done.out.lines().collect();
        assert!(lines.iter().any(|line| line.starts_with(expected)), "{words:?}: {done:#?}");
        assert_eq!(lines.last(), Some(&end), "{words:?}: {done:#?}");
    }
    place.stop().await;
}

/// The commands below one that have none below them, with the names of those above.
fn leaves(command: &clap::Command, path: &[String]) -> Vec<(Vec<String>, clap::Command)> {
    let below: Vec<_> = command.get_subcommands().collect();
    let own = (!path.is_empty()).then(|| (path.to_vec(), command.clone()));
    let deeper = below.into_iter().flat_map(|own| leaves(own, &[path, &[own.get_name().to_owned()]].concat()));
    own.into_iter().chain(deeper).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn help_and_man_page_of_every_command_say_its_exit_codes() {
    let place = Place::without_engine(&map("settings")).await;
    let mut program = <boathook::cli::Cli as clap::CommandFactory>::command();
    program.build();
    for exit in boathook::cli::Exit::ALL {
        let row = format!("{:>3}  {}", exit.code(), exit.words());
        for arguments in [&["--help"][..], &["man"]] {
            let text = place.run(arguments).await.expect(0).out.replace("\\-", "-");
            assert!(text.contains(&row), "{arguments:?}: {row}\n{text}");
        }
    }
    let known: Vec<String> = boathook::cli::Exit::ALL.iter().map(|exit| exit.code().to_string()).collect();
    for (path, command) in leaves(&program, &[]) {
        let help = command.clone().render_long_help().to_string();
        let codes = help.split("Exit codes").nth(1).unwrap_or_else(|| panic!("{path:?}: no exit codes\n{help}"));
        let codes = codes.split("\n\n").next().unwrap().lines().filter_map(|line| line.split_whitespace().next());
        // Long meanings are wrapped.
        let codes: Vec<&str> = codes.filter(|word| word.parse::<u8>().is_ok()).collect();
        assert!(
            codes.len() >= 2 && codes.iter().all(|code| known.iter().any(|own| own == code)),
            "{path:?}: {codes:?}"
        );
        for needed in ["0", "2"] {
            assert!(codes.contains(&needed), "{path:?}: {codes:?}");
        }
    }
    for command in [&["sync"][..], &["get", "app"], &["engine"]] {
        let page = place.run(&[&["man"], command].concat()).await.expect(0);
        assert!(page.out.contains("Exit codes"), "{command:?}: {}", page.out);
    }
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_its_name_for_kubectl_it_is_a_plugin() {
    let place = Place::new(&map("settings")).await;
    let plugin = place.home().join("kubectl-boathook");
    std::os::unix::fs::symlink(assert_cmd::cargo::cargo_bin!("boathook"), &plugin).unwrap();
    let mut command = place.named(&plugin, &["get", "apps", "-o", "name"]);
    assert_eq!(super::place::done(command.spawn().unwrap()).await.expect(0).out, "argocd/shop\n");
    let mut command = place.named(&plugin, &["get", "--help"]);
    let help = super::place::done(command.spawn().unwrap()).await.expect(0);
    assert!(help.out.contains("Usage: kubectl boathook get"), "{help:#?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sync_of_an_application_is_planned_with_its_findings() {
    let place = Place::new(&(hook("good", "PreSync", "HookSucceeded") + &map("settings"))).await;
    let arguments = ["plan", "--app", "shop", "--allow-file-repositories"];
    let plan = place.run(&[&arguments[..], &["-o", "json"]].concat()).await.expect(0).document();
    assert_eq!(plan["tasks"].as_array().unwrap().len(), 2, "{plan:#}");
    let codes: Vec<_> = plan["findings"].as_array().unwrap().iter().map(|finding| finding["code"].clone()).collect();
    assert!(codes.contains(&json!("hook-sticks-after-failure")), "{codes:?}");
    let text = place.run(&[&arguments[..], &["--strict"]].concat()).await.expect(1);
    assert!(text.out.contains("PreSync  0     Job/good") && text.out.contains("  fix: "), "{text:#?}");
    let kubeconfig = place.world.path().join("kubeconfig");
    let named = ["--kubeconfig", kubeconfig.to_str().unwrap(), "--context", &place.context()];
    place.run(&[&arguments[..], &named].concat()).await.expect(0);
    place.run(&[&arguments[..], &["--context", "other"]].concat()).await.expect(2);
    place.run(&["plan", "--app", "gone"]).await.expect(8);
    place.run(&["plan", "--app", "shop", "deploy/"]).await.expect(2);
    place.stop().await;
}
