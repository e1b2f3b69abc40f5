//! The recipes and the exit codes of the README.

use super::place::{Place, done, hook, map};

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap()
}

/// The scripts under `### Recipes`.
fn recipes() -> Vec<String> {
    let readme = readme();
    let section = readme.split("### Recipes\n").nth(1).unwrap().split("\n## ").next().unwrap();
    section.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

async fn cook(place: &Place, recipe: &str, reviewed: &str) -> super::place::Done {
    let path = format!("{}:{}", Place::programs().display(), std::env::var("PATH").unwrap());
    let mut command = place.named(std::path::Path::new("sh"), &["-c", recipe]);
    command.env("PATH", path).env("REVIEWED", reviewed);
    done(command.spawn().unwrap()).await
}

#[test]
fn the_exit_codes_stand_in_the_readme_as_the_program_knows_them() {
    let readme = readme();
    for exit in boathook::cli::Exit::ALL {
        let row = format!("| {} | {} |", exit.code(), exit.words());
        assert!(readme.contains(&row), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recipes_of_the_readme_work() {
    let recipes = recipes();
    let [pipeline, check, reviewed, report, runbook] = &recipes[..] else { panic!("{recipes:#?}") };
    let good = hook("good", "PreSync", "") + &map("settings");
    let (place, _server) = Place::over_http(&good).await;
    // What comes with the pipeline: nothing is deployed yet.
    let synced = cook(&place, pipeline, "").await.expect(0);
    assert!(synced.out.contains("shop: succeeded in "), "{synced:#?}");
    let commit = place.world.deploys(&(good.clone() + &map("more")));
    let moved = cook(&place, reviewed, &"0".repeat(40)).await.expect(7);
    assert!(moved.err.contains(&format!("the target of shop is {} now", &commit[..7])), "{moved:#?}");
    let approved = cook(&place, reviewed, &commit).await.expect(0);
    assert!(approved.out.contains("shop: succeeded in "), "{approved:#?}");
    let state = &place.world.application()["status"]["operationState"];
    assert_eq!(state["syncResult"]["revision"], commit.as_str());
    let commit = place.world.deploys(&(good + &hook("bad", "PreSync", "")));
    let failed = cook(&place, reviewed, &commit).await.expect(4);
    assert!(failed.err.contains("(PreSync Job/bad)"), "{failed:#?}");
    let failed = cook(&place, pipeline, "").await.expect(4);
    assert!(failed.out.contains("ERROR: relation orders does not exist"), "{failed:#?}");
    place.run(&["refresh", "shop", "--wait"]).await.expect(0);
    let report = cook(&place, report, "").await.expect(0);
    let lines = "shop\none or more synchronization tasks completed unsuccessfully\n";
    assert_eq!(report.out, lines, "what is not as Git says, and why it failed");
    let runbook = cook(&place, runbook, "").await.expect(4);
    assert!(runbook.out.contains("Job/bad") && runbook.out.contains("connecting to the database"), "{runbook:#?}");
    place.write_home("deploy.yaml", &hook("good", "Postsync", ""));
    std::fs::create_dir(place.home().join("deploy")).unwrap();
    std::fs::rename(place.home().join("deploy.yaml"), place.home().join("deploy/all.yaml")).unwrap();
    cook(&place, check, "").await.expect(1);
    place.stop().await;
}
