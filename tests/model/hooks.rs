//! What Argo CD makes of hook annotations, as tables.

use boathook::domain::hook::{
    Classification, DeletePhase, DeletePolicy, Dialect, HookType, SyncPhase, Unused, UnusedReason, WaveOrigin,
    classify, delete_policies, generated_name, is_dns_label, is_dns_subdomain, read_wave, wave,
};
use boathook::domain::manifest::Object;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

const HOOK: &str = "argocd.argoproj.io/hook";
const HELM: &str = "helm.sh/hook";

fn object(annotations: &[(&str, &str)]) -> Object {
    let annotations: Value = annotations.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    annotated(&annotations)
}

fn annotated(annotations: &Value) -> Object {
    let metadata = json!({"name": "migrate", "annotations": annotations});
    Object::from_json(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata})).unwrap()
}

fn written(argo: Option<&str>, helm: Option<&str>) -> Classification {
    let annotations = [(HOOK, argo), (HELM, helm)];
    let annotations: Vec<(&str, &str)> =
        annotations.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    classify(&object(&annotations))
}

/// The classification in one line: `PreSync<Argo:PreSync> PreDelete<Helm:pre-delete>`.
fn shown(classification: &Classification) -> String {
    let hook = match classification {
        Classification::Resource => return "resource".to_owned(),
        Classification::Skipped => return "skipped".to_owned(),
        Classification::Dropped(unused) => {
            assert!(!unused.is_empty());
            return "dropped".to_owned();
        }
        Classification::Hook(hook) => hook,
    };
    let from = |tokens: &[boathook::domain::hook::Token]| {
        tokens.iter().map(|token| format!("{:?}:{}", token.dialect, token.text)).collect::<Vec<_>>().join("+")
    };
    let sync = hook.sync.iter().map(|derived| format!("{}<{}>", derived.phase, from(&derived.from)));
    let delete = hook.delete.iter().map(|derived| format!("{}<{}>", derived.phase, from(&derived.from)));
    sync.chain(delete).collect::<Vec<_>>().join(" ")
}

#[test]
fn hooks_are_recognised_as_argo_cd_does() {
    let table: &[(Option<&str>, Option<&str>, &str)] = &[
        (None, None, "resource"),
        (Some("PreSync"), None, "PreSync<Argo:PreSync>"),
        (Some("Sync"), None, "Sync<Argo:Sync>"),
        (Some("PostSync"), None, "PostSync<Argo:PostSync>"),
        (Some("SyncFail"), None, "SyncFail<Argo:SyncFail>"),
        (Some("PreSync, PostSync"), None, "PreSync<Argo:PreSync> PostSync<Argo:PostSync>"),
        // The order of phases is theirs, not that of the words; repetitions count once.
        (Some("SyncFail,,PreSync , SyncFail,"), None, "PreSync<Argo:PreSync> SyncFail<Argo:SyncFail>"),
        (Some("Skip"), None, "skipped"),
        (Some(" Skip ,"), None, "skipped"),
        (Some("Skip"), Some("pre-install"), "skipped"),
        (Some("Skip,Garbage"), Some("test"), "skipped"),
        (Some("Skip,PreSync"), None, "PreSync<Argo:PreSync>"),
        (Some("presync"), None, "dropped"),
        (Some(""), None, "dropped"),
        (Some(" , "), None, "dropped"),
        (Some("Garbage"), None, "dropped"),
        (Some("Garbage"), Some("pre-install"), "PreSync<Helm:pre-install>"),
        (Some(""), Some("pre-install"), "PreSync<Helm:pre-install>"),
        (Some("PreDelete"), Some("pre-install"), "PreSync<Helm:pre-install> PreDelete<Argo:PreDelete>"),
        (Some("Sync,Garbage"), None, "Sync<Argo:Sync>"),
        (Some("PostSync"), Some("pre-install"), "PostSync<Argo:PostSync>"),
        (Some("PostSync"), Some("crd-install"), "PostSync<Argo:PostSync>"),
        // Delete hooks: on a path of their own, from both annotations.
        (Some("PreDelete"), None, "PreDelete<Argo:PreDelete>"),
        (Some("PostDelete"), None, "PostDelete<Argo:PostDelete>"),
        (Some("PostDelete,PreDelete"), None, "PreDelete<Argo:PreDelete> PostDelete<Argo:PostDelete>"),
        (Some("PostSync,PostDelete"), None, "PostSync<Argo:PostSync> PostDelete<Argo:PostDelete>"),
        (Some("PreSync"), Some("pre-delete"), "PreSync<Argo:PreSync> PreDelete<Helm:pre-delete>"),
        (Some("PreDelete"), Some("pre-delete"), "PreDelete<Argo:PreDelete+Helm:pre-delete>"),
        (Some("Skip,PreDelete"), None, "PreDelete<Argo:PreDelete>"),
        (Some("Skip"), Some("post-delete"), "PostDelete<Helm:post-delete>"),
        (Some("predelete"), None, "dropped"),
        // Helm.
        (None, Some("pre-install"), "PreSync<Helm:pre-install>"),
        (None, Some("pre-upgrade"), "PreSync<Helm:pre-upgrade>"),
        (None, Some("post-install"), "PostSync<Helm:post-install>"),
        (None, Some("post-upgrade"), "PostSync<Helm:post-upgrade>"),
        (None, Some("pre-install, pre-upgrade"), "PreSync<Helm:pre-install+Helm:pre-upgrade>"),
        (None, Some("pre-install, post-upgrade"), "PreSync<Helm:pre-install> PostSync<Helm:post-upgrade>"),
        (None, Some("pre-delete"), "PreDelete<Helm:pre-delete>"),
        (None, Some("post-delete,post-install"), "PostSync<Helm:post-install> PostDelete<Helm:post-delete>"),
        (None, Some("crd-install"), "resource"),
        (None, Some("crd-install "), "dropped"),
        (None, Some("crd-install,pre-install"), "PreSync<Helm:pre-install>"),
        (Some(""), Some("crd-install"), "dropped"),
        (None, Some("test"), "dropped"),
        (None, Some("test-success"), "dropped"),
        (None, Some("test-failure"), "dropped"),
        (None, Some("pre-rollback"), "dropped"),
        (None, Some("post-rollback"), "dropped"),
        (None, Some("pre-install,pre-rollback"), "PreSync<Helm:pre-install>"),
        (None, Some("Pre-Install"), "dropped"),
        (None, Some("PreSync"), "dropped"),
        (None, Some(""), "dropped"),
    ];
    for (argo, helm, expected) in table {
        let classification = written(*argo, *helm);
        assert_eq!(shown(&classification), *expected, "hook {argo:?}, helm {helm:?}");
        let is_hook = !matches!(classification, Classification::Resource | Classification::Skipped);
        assert_eq!(classification.is_hook(), is_hook);
        let phases = classification.sync_phases();
        match &classification {
            Classification::Resource => assert_eq!(phases, [SyncPhase::Sync]),
            Classification::Skipped | Classification::Dropped(_) => assert_eq!(phases, []),
            Classification::Hook(hook) => {
                for phase in SyncPhase::ALL {
                    assert_eq!(hook.runs_in(phase), phases.contains(&phase));
                }
                let delete = DeletePhase::ALL.into_iter().filter(|phase| hook.runs_at(*phase)).count();
                assert_eq!(hook.types().count(), phases.len() + delete);
            }
        }
    }
}

#[test]
fn hooks_say_what_was_probably_meant() {
    use UnusedReason as R;
    let table: &[(Option<&str>, Option<&str>, &[R])] = &[
        (Some("presync"), None, &[R::WrongCase(HookType::PreSync)]),
        (Some("SYNCFAIL"), None, &[R::WrongCase(HookType::SyncFail)]),
        (Some("skip"), None, &[R::WrongCase(HookType::Skip)]),
        (Some("pre-sync"), None, &[R::Misspelt(HookType::PreSync)]),
        (Some("PreSnyc"), None, &[R::Misspelt(HookType::PreSync)]),
        (Some("PostSyn"), None, &[R::Misspelt(HookType::PostSync)]),
        (Some("SyncFailed"), None, &[R::Misspelt(HookType::SyncFail)]),
        (Some("PreSync;PostSync"), None, &[R::Unknown]),
        (Some("Garbage"), None, &[R::Unknown]),
        (Some("true"), None, &[R::Unknown]),
        (Some("数据库"), None, &[R::Unknown]),
        (Some("pre-install"), None, &[R::HelmWord(HookType::PreSync)]),
        (Some("Post-Delete"), None, &[R::HelmWord(HookType::PostDelete)]),
        (Some(""), None, &[R::Empty]),
        (Some("Skip,PreSync,Oops"), None, &[R::SkipAmongOthers, R::Unknown]),
        (Some("PostSync"), Some("pre-install,test"), &[R::Shadowed, R::HelmTest]),
        (None, Some("test"), &[R::HelmTest]),
        (None, Some("test-success,post-rollback"), &[R::HelmTest, R::HelmRollback]),
        (None, Some("pre-install,crd-install"), &[R::HelmCrdInstall]),
        (None, Some("PreSync"), &[R::ArgoWord(HookType::PreSync)]),
        (None, Some("presync"), &[R::ArgoWord(HookType::PreSync)]),
        (None, Some("Pre-Install"), &[R::WrongCase(HookType::PreSync)]),
        (None, Some("pre_upgrade"), &[R::Misspelt(HookType::PreSync)]),
        (None, Some(""), &[R::Empty]),
        (Some(""), Some("tests"), &[R::Unknown, R::Empty]),
    ];
    for (argo, helm, expected) in table {
        let unused: Vec<Unused> = match written(*argo, *helm) {
            Classification::Hook(hook) => hook.unused,
            Classification::Dropped(unused) => unused,
            other => panic!("{argo:?} {helm:?}: {other:?}"),
        };
        let reasons: Vec<UnusedReason> = unused.iter().map(|unused| unused.reason).collect();
        assert_eq!(reasons, *expected, "hook {argo:?}, helm {helm:?}");
    }
    assert_eq!(R::HelmWord(HookType::PreSync).suggestion(), Some(HookType::PreSync));
    assert_eq!(R::HelmTest.suggestion(), None);
}

/// Annotations must be strings; what is not is no kind of hook, and the object is no ordinary resource either.
#[test]
fn hooks_with_values_that_are_no_strings() {
    for (value, reason) in [
        (json!(null), UnusedReason::Empty),
        (json!(true), UnusedReason::Unknown),
        (json!(5), UnusedReason::Unknown),
        (json!({"a": [1]}), UnusedReason::Unknown),
    ] {
        match classify(&annotated(&json!({ HOOK: value }))) {
            Classification::Dropped(unused) => assert_eq!(unused[0].reason, reason, "{value}"),
            other => panic!("{value}: {other:?}"),
        }
    }
    assert_eq!(classify(&annotated(&json!("PreSync"))), Classification::Resource);
}

#[test]
fn hooks_delete_policies_of_both_worlds_are_added() {
    use DeletePolicy::{BeforeHookCreation as B, HookFailed as F, HookSucceeded as S};
    type Row<'a> = (Option<&'a str>, Option<&'a str>, &'a [DeletePolicy], usize);
    let table: &[Row] = &[
        (None, None, &[B], 0),
        (Some(""), None, &[B], 0),
        (Some("BeforeHookCreation"), None, &[B], 0),
        (Some("HookSucceeded"), None, &[S], 0),
        (Some("HookFailed , HookSucceeded"), None, &[S, F], 0),
        (Some("hooksucceeded"), None, &[B], 1),
        (Some("hook-succeeded"), None, &[B], 1),
        (Some("Never,HookFailed"), None, &[F], 1),
        (None, Some("hook-succeeded"), &[S], 0),
        (None, Some("before-hook-creation,hook-failed"), &[B, F], 0),
        (None, Some("HookSucceeded"), &[B], 1),
        (Some("HookFailed"), Some("hook-succeeded"), &[S, F], 0),
        (Some("HookFailed"), Some("hook-failed,nonsense"), &[F], 1),
    ];
    for (argo, helm, expected, unknown) in table {
        let annotations: Vec<(&str, &str)> =
            [("argocd.argoproj.io/hook-delete-policy", argo), ("helm.sh/hook-delete-policy", helm)]
                .into_iter()
                .filter_map(|(name, value)| Some((name, (*value)?)))
                .collect();
        let policies = delete_policies(&object(&annotations));
        assert_eq!(policies.iter().collect::<Vec<_>>(), *expected, "{argo:?} {helm:?}");
        assert_eq!(policies.unknown().len(), *unknown, "{argo:?} {helm:?}");
        for policy in DeletePolicy::ALL {
            assert_eq!(policies.contains(policy), expected.contains(&policy));
        }
    }
    assert!(delete_policies(&object(&[])).is_default());
    assert!(!delete_policies(&object(&[("argocd.argoproj.io/hook-delete-policy", "BeforeHookCreation")])).is_default());
}

#[test]
fn hooks_waves() {
    use WaveOrigin::{Argo, Default, Helm};
    let table: &[(Option<&str>, Option<&str>, i64, WaveOrigin)] = &[
        (None, None, 0, Default),
        (Some("5"), None, 5, Argo),
        (Some("-5"), None, -5, Argo),
        (Some("+5"), None, 5, Argo),
        (Some("007"), None, 7, Argo),
        (Some("0"), Some("9"), 0, Argo),
        (None, Some("-3"), -3, Helm),
        (Some("one"), Some("4"), 4, Helm),
        (Some(" 5"), Some("4"), 4, Helm),
        (Some("5 "), None, 0, Default),
        (Some(""), None, 0, Default),
        (Some("+"), None, 0, Default),
        (Some("--1"), None, 0, Default),
        (Some("1.0"), None, 0, Default),
        (Some("1_000"), None, 0, Default),
        (Some("0x10"), None, 0, Default),
        (Some("٣"), None, 0, Default),
        (Some("9223372036854775807"), None, i64::MAX, Argo),
        (Some("-9223372036854775808"), None, i64::MIN, Argo),
        (Some("9223372036854775808"), Some("2"), 2, Helm),
        (Some("x"), Some("y"), 0, Default),
    ];
    for (argo, helm, expected, origin) in table {
        let annotations: Vec<(&str, &str)> = [("argocd.argoproj.io/sync-wave", argo), ("helm.sh/hook-weight", helm)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, (*value)?)))
            .collect();
        let object = object(&annotations);
        let read = read_wave(&object);
        assert_eq!((read.number, read.origin), (*expected, *origin), "{argo:?} {helm:?}");
        assert_eq!(wave(&object), *expected);
        let passed_over = annotations.iter().filter(|(_, value)| value.parse::<i64>().is_err()).count();
        assert_eq!(read.unreadable.len(), passed_over, "{argo:?} {helm:?}");
    }
    let unquoted = read_wave(&annotated(&json!({"argocd.argoproj.io/sync-wave": 5})));
    assert_eq!((unquoted.number, unquoted.unreadable[0].text.as_str()), (0, "5"));
    assert_eq!(unquoted.unreadable[0].dialect, Dialect::Argo);
}

#[test]
fn hooks_generated_names() {
    let start = Timestamp::from_second(1_787_479_200).unwrap();
    let table = [
        ("smoke-", "6f1c0aa9d7", SyncPhase::PostSync, "smoke-6f1c0aa-postsync-1787479200", true),
        ("smoke-", "6f1c0aa", SyncPhase::PreSync, "smoke-6f1c0aa-presync-1787479200", true),
        ("smoke-", "6f1c0aa9", SyncPhase::PreSync, "smoke-6f1c0aa-presync-1787479200", true),
        ("smoke-", "1.2.3", SyncPhase::Sync, "smoke-1.2.3-sync-1787479200", true),
        // Several sources have no one revision.
        ("x-", "", SyncPhase::PreSync, "x--presync-1787479200", true),
        ("x-", "HEAD", SyncPhase::SyncFail, "x-head-syncfail-1787479200", true),
        ("x-", "sha256:0123", SyncPhase::PreSync, "x-sha256:-presync-1787479200", false),
        ("x-", "1.2.3+4", SyncPhase::PreSync, "x-1.2.3+4-presync-1787479200", false),
        // Only what is added is put in lower case.
        ("Smoke-", "ABCDEF12", SyncPhase::PreSync, "Smoke-abcdef1-presync-1787479200", false),
        ("", "", SyncPhase::Sync, "-sync-1787479200", false),
        // A character is not cut in two.
        ("x-", "абвгд", SyncPhase::Sync, "x-абв-sync-1787479200", false),
    ];
    for (prefix, revision, phase, expected, is_taken) in table {
        let name = generated_name(prefix, revision, phase, start);
        assert_eq!(name, expected);
        assert_eq!(is_dns_subdomain(&name), is_taken, "{name}");
    }
}

#[test]
fn hooks_names_that_the_api_server_refuses() {
    let long = "a".repeat(64);
    let longer = format!("{}.b", "a".repeat(252));
    let table = [
        ("migrate", true, true),
        ("a.b-c.9", true, false),
        ("", false, false),
        (&long[..63], true, true),
        (&long, true, false),
        (&longer, false, false),
        ("-a", false, false),
        ("a-", false, false),
        ("a..b", false, false),
        ("a.-b", false, false),
        ("a_b", false, false),
        ("A", false, false),
        ("ä", false, false),
    ];
    for (name, subdomain, label) in table {
        assert_eq!((is_dns_subdomain(name), is_dns_label(name)), (subdomain, label), "{name}");
    }
}

proptest! {
    #![proptest_config(crate::cases::cases())]

    /// Whatever is written: a class is found, each phase appears once and in order, and nothing written gets lost.
    #[test]
    fn hooks_any_annotation_is_classified(
        argo in proptest::option::of(words()),
        helm in proptest::option::of(words()),
        revision in ".{0,12}",
        prefix in ".{0,12}",
    ) {
        let classification = written(argo.as_deref(), helm.as_deref());
        let phases = classification.sync_phases();
        prop_assert!(phases.is_sorted() && phases.windows(2).all(|pair| pair[0] != pair[1]));
        if let Classification::Hook(hook) = &classification {
            prop_assert!(!(hook.sync.is_empty() && hook.delete.is_empty()));
            let read: usize = hook.sync.iter().map(|derived| derived.from.len()).sum::<usize>()
                + hook.delete.iter().map(|derived| derived.from.len()).sum::<usize>()
                + hook.unused.iter().filter(|unused| unused.reason != UnusedReason::Empty).count();
            let given: usize = [&argo, &helm].into_iter().flatten()
                .map(|list| boathook::domain::hook::tokens(list).len()).sum();
            prop_assert_eq!(read, given);
        }
        let name = generated_name(&prefix, &revision, SyncPhase::Sync, Timestamp::UNIX_EPOCH);
        prop_assert!(name.starts_with(&prefix));
    }
}

fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => proptest::sample::select(vec![
            "PreSync", "Sync", "PostSync", "SyncFail", "Skip", "PreDelete", "PostDelete", "presync", "pre-install",
            "pre-upgrade", "post-install", "post-delete", "pre-delete", "crd-install", "test", "pre-rollback", "",
        ]).prop_map(str::to_owned),
        1 => ".{0,20}",
    ];
    proptest::collection::vec(word, 0..5).prop_map(|words| words.join(", "))
}
