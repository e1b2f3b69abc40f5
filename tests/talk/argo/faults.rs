//! After any sequence of changes and faults the live view is what a fresh one would be.

use std::collections::BTreeMap;

use boathook::domain::application::AppSummary;
use boathook::sim::faults::{Action, Failure, Fault, WatchOrder, requests};
use boathook::sim::resource::APPLICATIONS;
use proptest::prelude::*;
use serde_json::json;

use super::world::{World, app, running};

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8),
    Run(u8),
    Delete(u8),
    Compact,
    Restart,
    Order(u8),
    Fail(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..6_u8, any::<u8>()).prop_map(|(app, value)| Step::Put(app, value)),
        2 => (0..6_u8).prop_map(Step::Run),
        3 => (0..6_u8).prop_map(Step::Delete),
        1 => Just(Step::Compact),
        1 => Just(Step::Restart),
        2 => (0..3_u8).prop_map(Step::Order),
        2 => (0..4_u8).prop_map(Step::Fail),
    ]
}

fn cases() -> u32 {
    std::env::var("BOATHOOK_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256_u32).min(24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_view_equals_a_fresh_one(steps in proptest::collection::vec(step(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(run(&steps));
    }
}

async fn run(steps: &[Step]) {
    let mut world = World::new().await;
    let watches = || requests(&["list", "watch"], &["applications"]);
    let name = |app: &u8| format!("app-{app}");
    for step in steps {
        match step {
            Step::Put(index, value) => {
                let mut object = app(&name(index));
                object["metadata"]["labels"] = json!({ "value": value.to_string() });
                world.put_app(object);
            }
            Step::Run(index) => world.put_app(running(&name(index), &json!([]))),
            Step::Delete(index) => drop(world.simulator.store().remove_raw(&APPLICATIONS, "argocd", &name(index))),
            Step::Compact => world.simulator.store().compact(),
            Step::Restart => world.simulator.restart().await.unwrap(),
            Step::Order(order) => {
                let order = [WatchOrder::End, WatchOrder::Cut, WatchOrder::Expire][usize::from(*order)];
                world.simulator.faults().order(watches(), order);
            }
            Step::Fail(failure) => {
                let failure = match failure {
                    0 => Failure::Gone,
                    1 => Failure::Server { code: 500, message: String::new() },
                    2 => Failure::Server { code: 503, message: String::new() },
                    _ => Failure::TooManyRequests { retry_after: 0 },
                };
                world.simulator.faults().add(Fault::new(watches(), Action::Fail(failure)).times(1));
            }
        }
    }
    world.simulator.faults().clear();
    let (stored, _) = world.simulator.store().list(&APPLICATIONS, Some("argocd"));
    let cluster = world.live.cluster().clone();
    let fresh: BTreeMap<_, _> = stored
        .iter()
        .map(|stored| {
            let summary = AppSummary::from_json(cluster.clone(), &stored.json()).unwrap();
            (summary.key.clone(), summary)
        })
        .collect();
    world.until("the same as a fresh one", |picture| picture.is_live() && picture.apps == fresh).await;
    // And what is told of one that is opened is that one.
    if let Some(key) = fresh.keys().next() {
        world.live.open(key);
        let version = &fresh[key].resource_version;
        world
            .until("the whole of it", |picture| {
                picture.applications.get(key).is_some_and(|own| own.metadata.resource_version == **version)
            })
            .await;
    }
}
