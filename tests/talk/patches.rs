//! Properties of patches and of server-side apply, over random objects.

use boathook::sim::openapi::{Schema, Types};
use boathook::sim::patch::{
    ApplyError, FieldSet, PatchKind, Step, Writer, apply, fields_of, merge, patch, strategic_merge, track_update,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn cases() -> ProptestConfig {
    let cases = std::env::var("BOATHOOK_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(256);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn deployment() -> Schema<'static> {
    Types::built_in().kind("apps/v1", "Deployment").unwrap()
}

fn writer(manager: &str, second: i64) -> Writer {
    Writer {
        manager: manager.to_owned(),
        api_version: "apps/v1".to_owned(),
        subresource: String::new(),
        time: jiff::Timestamp::from_second(1_700_000_000 + second).unwrap(),
    }
}

/// A configuration of a Deployment as somebody might apply it: some labels, replicas or none, some containers with some
/// variables and ports.
fn config() -> impl Strategy<Value = Value> {
    let labels = btree_map("[abc]", "[xy]", 0..3);
    let variables = btree_map("[EFG]", "[12]", 0..3);
    let container = (proptest::option::of("[pq]"), variables, vec(80..83_i64, 0..3));
    let containers = btree_map("[mno]", container, 0..3);
    (labels, proptest::option::of(0..3_i64), containers, vec("[uvw]", 0..3)).prop_map(
        |(labels, replicas, containers, finalizers)| {
            let containers: Vec<Value> = containers
                .into_iter()
                .map(|(name, (image, variables, mut ports))| {
                    ports.sort_unstable();
                    ports.dedup();
                    let mut container = Map::from_iter([("name".to_owned(), json!(name))]);
                    if let Some(image) = image {
                        container.insert("image".to_owned(), json!(image));
                    }
                    if !variables.is_empty() {
                        let variables = variables.iter().map(|(name, value)| json!({"name": name, "value": value}));
                        container.insert("env".to_owned(), variables.collect());
                    }
                    if !ports.is_empty() {
                        let ports = ports.iter().map(|port| json!({"containerPort": port, "protocol": "TCP"}));
                        container.insert("ports".to_owned(), ports.collect());
                    }
                    Value::Object(container)
                })
                .collect();
            let mut finalizers: Vec<_> = finalizers.into_iter().map(|name| format!("a.b/{name}")).collect();
            finalizers.sort();
            finalizers.dedup();
            let mut object = json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n"}, "spec": {},
            });
            if !labels.is_empty() {
                object["metadata"]["labels"] = json!(labels);
            }
            if !finalizers.is_empty() {
                object["metadata"]["finalizers"] = json!(finalizers);
            }
            if let Some(replicas) = replicas {
                object["spec"]["replicas"] = json!(replicas);
            }
            if !containers.is_empty() {
                object["spec"]["template"] = json!({"spec": {"containers": containers}});
            }
            object
        },
    )
}

fn forced(live: Option<&Value>, config: &Value, manager: &str, second: i64) -> Value {
    apply(deployment(), live, config, &writer(manager, second), true, &FieldSet::default()).unwrap()
}

fn fields(object: &Value) -> FieldSet {
    let mut object = object.clone();
    object["metadata"].as_object_mut().unwrap().remove("managedFields");
    fields_of(deployment(), &object)
}

/// What a manager owns.
fn owned(object: &Value, manager: &str) -> FieldSet {
    let managers = object["metadata"]["managedFields"].as_array();
    let sets = managers.into_iter().flatten().filter(|entry| entry["manager"] == manager);
    sets.fold(FieldSet::default(), |all, entry| all.union(&FieldSet::from_json(&entry["fieldsV1"]).unwrap()))
}

fn is_leaf(set: &FieldSet, path: &[Step]) -> bool {
    !set.paths().iter().any(|other| other.len() > path.len() && other.starts_with(path))
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z$/~.{}\"]{0,6}".prop_map(Value::from),
        Just(json!("delete")),
        Just(json!("replace")),
    ];
    let name = prop_oneof![
        "[a-z]{1,3}",
        Just("$patch".to_owned()),
        Just("$retainKeys".to_owned()),
        Just("$setElementOrder/containers".to_owned()),
        Just("$deleteFromPrimitiveList/finalizers".to_owned()),
        Just("metadata".to_owned()),
        Just("managedFields".to_owned()),
        Just("fieldsV1".to_owned()),
        Just("finalizers".to_owned()),
        Just("spec".to_owned()),
        Just("template".to_owned()),
        Just("containers".to_owned()),
        Just("name".to_owned()),
        Just("env".to_owned()),
        Just("ports".to_owned()),
    ];
    leaf.prop_recursive(6, 48, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(name.clone(), inner, 0..5).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn applying_twice_changes_nothing_the_second_time(first in config(), second in config()) {
        let live = forced(None, &first, "a", 0);
        let live = forced(Some(&live), &second, "b", 1);
        let once = forced(Some(&live), &first, "a", 2);
        let twice = forced(Some(&once), &first, "a", 3);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn the_applied_fields_have_the_applied_values(first in config(), second in config()) {
        let live = forced(None, &first, "a", 0);
        let live = forced(Some(&live), &second, "b", 1);
        let mine = fields(&second);
        let theirs = fields(&live);
        for path in mine.paths() {
            let there = theirs.contains(&path) || !is_leaf(&theirs, &path);
            prop_assert!(there, "{}", boathook::sim::patch::display(&path));
        }
        prop_assert_eq!(merge(deployment(), &live, &second), live.clone());
        let unchanged = apply(deployment(), Some(&live), &second, &writer("c", 2), false, &FieldSet::default());
        prop_assert!(unchanged.is_ok(), "what is there already is no conflict: {unchanged:?}");
    }

    #[test]
    fn a_conflict_needs_a_field_that_both_own_with_different_values(first in config(), second in config()) {
        let live = forced(None, &first, "a", 0);
        let before = owned(&live, "a");
        match apply(deployment(), Some(&live), &second, &writer("b", 1), false, &FieldSet::default()) {
            Ok(object) => {
                // Nobody lost anything.
                prop_assert_eq!(owned(&object, "a"), before);
            }
            Err(ApplyError::Conflicts(conflicts)) => {
                let wanted: Vec<_> = fields(&second).paths().iter().map(|path| boathook::sim::patch::display(path)).collect();
                let had: Vec<_> = before.paths().iter().map(|path| boathook::sim::patch::display(path)).collect();
                for conflict in conflicts {
                    prop_assert!(wanted.contains(&conflict.field) && had.contains(&conflict.field), "{conflict:?}");
                }
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    #[test]
    fn what_a_manager_stops_applying_goes_if_and_only_if_nobody_else_owns_it(
        first in config(), other in config(), later in config(),
    ) {
        let live = forced(None, &first, "a", 0);
        // The other one shares what it can without taking anything away.
        let shared = apply(deployment(), Some(&live), &other, &writer("b", 1), false, &FieldSet::default());
        let live = shared.unwrap_or(live);
        let (mine, theirs) = (owned(&live, "a"), owned(&live, "b"));
        let after = forced(Some(&live), &later, "a", 2);
        let (left, now) = (fields(&after), owned(&after, "a"));
        for path in mine.paths().iter().filter(|path| is_leaf(&fields(&live), path)) {
            let still = now.contains(path) || theirs.contains(path);
            prop_assert_eq!(left.contains(path), still, "{}", boathook::sim::patch::display(path));
        }
    }

    #[test]
    fn managers_own_only_what_is_there(first in config(), second in config(), third in config(), by in 0..3_usize) {
        let live = forced(None, &first, "a", 0);
        let live = forced(Some(&live), &second, "b", 1);
        let object = if by == 0 {
            forced(Some(&live), &third, "a", 2)
        } else {
            let mut new = third.clone();
            track_update(deployment(), Some(&live), &mut new, &writer("c", 2), &FieldSet::default());
            new
        };
        let there = fields(&object);
        for manager in ["a", "b", "c"] {
            for path in owned(&object, manager).paths() {
                let inner = path.last().is_some() && !is_leaf(&there, &path);
                prop_assert!(there.contains(&path) || inner, "{manager}: {}", boathook::sim::patch::display(&path));
            }
        }
    }

    #[test]
    fn an_update_that_changes_nothing_moves_no_owner(first in config(), second in config()) {
        let live = forced(None, &first, "a", 0);
        let live = forced(Some(&live), &second, "b", 1);
        let mut same = live.clone();
        track_update(deployment(), Some(&live), &mut same, &writer("c", 2), &FieldSet::default());
        prop_assert_eq!(same, live);
    }

    #[test]
    fn a_merge_patch_is_idempotent_and_a_diff_leads_to_its_end(object in any_json(), target in any_json()) {
        let wrap = |value: &Value| json!({"spec": value});
        let (object, target) = (wrap(&object), wrap(&target));
        let run = |object: &Value, body: &Value| {
            patch(PatchKind::Merge, deployment(), object, body.to_string().as_bytes()).unwrap()
        };
        let once = run(&object, &target);
        prop_assert_eq!(run(&once, &target), once.clone());
        let difference = serde_json::to_value(json_patch::diff(&object, &target)).unwrap();
        let patched = patch(PatchKind::Json, deployment(), &object, difference.to_string().as_bytes());
        prop_assert_eq!(patched.unwrap(), target);
    }

    #[test]
    fn set_element_order_orders_what_it_names(start in vec("[a-h]", 0..6), order in vec("[a-h]", 1..6)) {
        let unique = |names: &[String]| {
            let mut out: Vec<String> = Vec::new();
            for name in names {
                if !out.contains(name) {
                    out.push(name.clone());
                }
            }
            out
        };
        let (start, order) = (unique(&start), unique(&order));
        let list = |names: &[String]| -> Value { names.iter().map(|name| json!({"name": name})).collect() };
        let object = json!({"spec": {"template": {"spec": {"containers": list(&start)}}}});
        let change = json!({"spec": {"template": {"spec": {
            "$setElementOrder/containers": list(&order), "containers": list(&order),
        }}}});
        let merged = strategic_merge(deployment(), &object, &change).unwrap();
        let merged = merged["spec"]["template"]["spec"]["containers"].as_array().unwrap();
        let names: Vec<_> = merged.iter().map(|container| container["name"].as_str().unwrap().to_owned()).collect();
        let named: Vec<_> = names.iter().filter(|name| order.contains(name)).cloned().collect();
        prop_assert_eq!(named, order.clone());
        let others: Vec<_> = names.iter().filter(|name| !order.contains(name)).cloned().collect();
        let before: Vec<_> = start.iter().filter(|name| !order.contains(name)).cloned().collect();
        prop_assert_eq!(others, before);
    }

    #[test]
    fn nonsense_is_refused_or_applied_and_never_panics(object in any_json(), body in any_json()) {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": object, "spec": body.clone()});
        let text = json!({"metadata": body, "spec": object["metadata"]}).to_string();
        for kind in [PatchKind::Json, PatchKind::Merge, PatchKind::Strategic] {
            let _ = patch(kind, deployment(), &object, text.as_bytes());
            let _ = patch(kind, deployment(), &object, body.to_string().as_bytes());
        }
        let config: Value = serde_json::from_str(&text).unwrap();
        let _ = apply(deployment(), Some(&object), &config, &writer("a", 0), true, &FieldSet::default());
        let mut new = config;
        track_update(deployment(), Some(&object), &mut new, &writer("a", 0), &FieldSet::default());
        let custom = Types::custom(Some(&body));
        let _ = fields_of(custom.root(), &object);
    }
}
