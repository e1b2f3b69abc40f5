//! Sync options, and the tracking id.

use boathook::domain::manifest::{Object, ObjectKey};
use boathook::domain::sync_options::{self, Removal, SyncOptions};
use boathook::domain::tracking::TrackingId;
use proptest::prelude::*;
use serde_json::json;

fn with(name: &str, value: &str) -> Object {
    let metadata = json!({"name": "web", "annotations": {name: value}});
    Object::from_json(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata})).unwrap()
}

#[test]
fn options_count_only_when_spelt_exactly() {
    let options =
        SyncOptions::of_object(&with("argocd.argoproj.io/sync-options", " Replace=true,Prune=False ,Force = true"));
    assert_eq!(options.iter().collect::<Vec<_>>(), ["Replace=true", "Prune=False", "Force = true"]);
    assert!(options.has("Replace=true"));
    assert!(!options.has("replace=true") && !options.has("Force=true") && !options.has("Replace"));
    assert_eq!(options.value("Prune"), Some("False"));
    assert_eq!(options.value("Pru"), None);
    assert_eq!(options.prune(), Some(Removal::Allowed));
    // A list that is one already is not trimmed.
    assert!(!SyncOptions::from_list([" Replace=true"]).has("Replace=true"));
}

#[test]
fn options_of_the_object_come_before_those_of_the_application() {
    use Removal::{AfterConfirmation, Allowed, Refused};
    let table = [
        ("", &[][..], Allowed),
        ("", &["Prune=false"][..], Refused),
        ("", &["Prune=confirm"][..], AfterConfirmation),
        ("Prune=false", &[][..], Refused),
        ("Prune=confirm", &["Prune=false"][..], AfterConfirmation),
        ("Prune=true", &["Prune=false"][..], Allowed),
        ("Prune=false,Prune=confirm", &[][..], Refused),
        ("Prune=no", &[][..], Allowed),
        ("Delete=false", &[][..], Allowed),
    ];
    for (own, operation, expected) in table {
        let object = with("argocd.argoproj.io/sync-options", own);
        let operation = SyncOptions::from_list(operation.iter().copied());
        assert_eq!(sync_options::prune(&object, &operation), expected, "{own} {operation:?}");
    }
    let object = with("argocd.argoproj.io/sync-options", "Delete=confirm");
    assert_eq!(sync_options::delete(&object, &SyncOptions::from_list(["Delete=false"])), AfterConfirmation);
    let keep = with("helm.sh/resource-policy", "keep");
    assert_eq!(sync_options::delete(&keep, &SyncOptions::default()), Refused);
    assert_eq!(sync_options::prune(&keep, &SyncOptions::default()), Allowed);
}

#[test]
fn options_server_side_apply_can_be_refused_by_the_object() {
    for (own, operation, expected) in [
        ("", "", false),
        ("", "ServerSideApply=true", true),
        ("ServerSideApply=true", "", true),
        ("ServerSideApply=false", "ServerSideApply=true", false),
        ("ServerSideApply=true,ServerSideApply=false", "", false),
    ] {
        let own = SyncOptions::of_object(&with("argocd.argoproj.io/sync-options", own));
        assert_eq!(own.server_side_apply(&SyncOptions::from_list([operation])), expected);
    }
}

#[test]
fn options_for_comparing() {
    let object = with("argocd.argoproj.io/compare-options", "IgnoreExtraneous, ServerSideDiff=true");
    assert!(sync_options::has_compare_option(&object, "IgnoreExtraneous"));
    assert!(sync_options::has_compare_option(&object, "ServerSideDiff=true"));
    assert!(!sync_options::has_compare_option(&object, "ServerSideDiff=false"));
}

#[test]
fn tracking_ids() {
    let id: TrackingId = "shop_checkout:apps/Deployment:shop/web".parse().unwrap();
    assert_eq!(id.instance, "shop_checkout");
    assert_eq!(id.key, ObjectKey::new("apps", "Deployment", "shop", "web"));
    let rbac: TrackingId = "a:rbac.authorization.k8s.io/ClusterRole:/system:aggregate".parse().unwrap();
    assert_eq!(rbac.key, ObjectKey::new("rbac.authorization.k8s.io", "ClusterRole", "", "system:aggregate"));
    for text in ["", "a", "a:b", "a:b:c", "a:/Pod:x", "a:b:c/d", "a:g/K/x:n/m", "a:g/K:n/m/o"] {
        assert!(text.parse::<TrackingId>().is_err(), "{text}");
    }
    let copied = with("argocd.argoproj.io/tracking-id", "a:apps/Deployment:/other");
    let id = TrackingId::of_object(&copied).unwrap();
    assert!(!id.is_for(&copied.key()));
    assert!(id.is_for(&ObjectKey::new("apps", "Deployment", "", "other")));
    // Written before the name was made.
    let early: TrackingId = "a:batch/Job:ns/".parse().unwrap();
    assert!(early.is_for(&ObjectKey::new("batch", "Job", "ns", "smoke-1")));
    assert!(!early.is_for(&ObjectKey::new("batch", "Job", "other", "smoke-1")));
}

proptest! {
    #![proptest_config(crate::cases::cases())]

    #[test]
    fn tracking_ids_come_back_as_written(
        instance in "[a-z0-9_.-]{0,20}", group in "[a-z0-9.]{0,20}", kind in "[A-Za-z]{0,20}",
        namespace in "[a-z0-9-]{0,20}", name in "[a-z0-9.:-]{0,20}",
    ) {
        let id = TrackingId { instance, key: ObjectKey::new(group, kind, namespace, name) };
        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn tracking_ids_of_any_text_do_no_harm(text in ".{0,60}") {
        if let Ok(id) = text.parse::<TrackingId>() {
            prop_assert_eq!(id.to_string(), text);
        }
    }
}
