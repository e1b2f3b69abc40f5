//! What is kept on disk: bounds, locks, newer versions, hostile names, what a crash leaves behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path};
use std::time::Duration;

use boathook::domain::application::AppKey;
use boathook::domain::live::OperationRecord;
use boathook::store::{
    Clusters, Deferral, Deferrals, LogInfo, OperationFolder, OperationId, RequestEntry, RequestLog, State, StoreError,
    prune,
};
use jiff::{Timestamp, ToSpan as _};
use proptest::prelude::*;
use tempfile::TempDir;

const NOW: &str = "2026-11-22T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn state() -> (TempDir, State) {
    let folder = tempfile::tempdir().unwrap();
    let state = State::new(folder.path().join("state"));
    (folder, state)
}

fn key(name: &str) -> AppKey {
    AppKey::new("cluster", "argocd", name)
}

/// An operation that began so many hours ago, with a log of about so many bytes.
fn operation(state: &State, name: &str, hours: i64, bytes: usize) -> OperationFolder {
    let id = OperationId { started_at: now() - hours.hours(), retry_count: 0 };
    let folder = state.operation(&key(name), id);
    let mut log = folder.write_log(&info("main")).unwrap();
    for _ in 0..bytes / 100 {
        log.line("2026-11-22T10:00:00Z", &[b'x'; 78]).unwrap();
    }
    log.end(|info| info.complete = true).unwrap();
    let record = OperationRecord {
        api_version: OperationRecord::API_VERSION.to_owned(),
        kind: OperationRecord::KIND.to_owned(),
        started_at: Some(id.started_at),
        ..OperationRecord::default()
    };
    folder.write_record(&record).unwrap();
    folder
}

fn info(container: &str) -> LogInfo {
    LogInfo {
        phase: "PreSync".into(),
        hook_kind: "Job".into(),
        hook: "migrate".into(),
        pod: "p".into(),
        pod_uid: "u".into(),
        container: container.into(),
        ..LogInfo::default()
    }
}

fn lines(folder: &OperationFolder) -> Vec<Vec<u8>> {
    let logs = folder.logs().unwrap();
    let mut reader = logs[0].read().unwrap();
    std::iter::from_fn(|| reader.next_line().unwrap()).map(|line| line.text).collect()
}

const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

#[test]
fn the_oldest_operations_go_first_until_the_rest_fits() {
    let (_folder, state) = state();
    let all: Vec<_> = (1..=5).map(|hours| operation(&state, &format!("a{hours}"), hours, 10_000)).collect();
    let pruned = prune(&state, 35_000, MONTH, now()).unwrap();
    assert_eq!(pruned.operations, 2, "{pruned:?}");
    assert!(pruned.left <= 35_000);
    assert_eq!(all.iter().map(OperationFolder::exists).collect::<Vec<_>>(), [true, true, true, false, false]);
    assert_eq!(prune(&state, 35_000, MONTH, now()).unwrap().operations, 0, "what fits stays");
}

#[test]
fn what_is_too_old_goes_although_it_fits() {
    let (_folder, state) = state();
    let (young, old) = (operation(&state, "a", 23, 100), operation(&state, "a", 25, 100));
    let pruned = prune(&state, u64::MAX, Duration::from_secs(24 * 3600), now()).unwrap();
    assert_eq!((pruned.operations, young.exists(), old.exists()), (1, true, false));
}

#[test]
fn what_somebody_writes_stays() {
    let (_folder, state) = state();
    let old = operation(&state, "a", 25, 10_000);
    let lock = old.lock().unwrap();
    assert!(matches!(old.lock(), Err(StoreError::Busy { .. })), "one writer a folder");
    assert_eq!(prune(&state, 0, Duration::ZERO, now()).unwrap().operations, 0);
    drop(lock);
    assert_eq!(prune(&state, 0, Duration::ZERO, now()).unwrap().operations, 1);
    assert!(!old.exists());
}

#[test]
fn what_a_newer_boathook_wrote_is_read_and_never_written_or_deleted() {
    let (_folder, state) = state();
    let folder = operation(&state, "a", 25, 200);
    let path = folder.path().join("operation.json");
    let newer = r#"{"apiVersion":"boathook.dev/v2","kind":"Operation","phase":"Failed","startedAt":"2026-11-21T11:00:00Z","fromTheFuture":{"a":1}}"#;
    fs::write(&path, newer).unwrap();
    assert_eq!(folder.record().unwrap().unwrap().phase, "Failed", "what is known of it is read");
    assert_eq!(lines(&folder).len(), 2);
    let error = folder.write_record(&OperationRecord::default()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { .. }), "{error}");
    assert!(error.to_string().contains("boathook.dev/v2"), "{error}");
    assert!(matches!(folder.write_log(&info("main")), Err(StoreError::Newer { .. })));
    prune(&state, 0, Duration::ZERO, now()).unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), newer);
    // The same for what is not of one operation.
    let deferrals = state_file(&folder, "deferred.json");
    fs::write(&deferrals, r#"{"apiVersion":"boathook.dev/v2","deferrals":[{"application":"a"}]}"#).unwrap();
    let all = Deferrals::new(&state);
    assert_eq!(all.all().unwrap().len(), 1);
    assert!(matches!(all.put(Deferral::default()), Err(StoreError::Newer { .. })));
    let clusters = state_file(&folder, "clusters.json");
    fs::write(&clusters, r#"{"apiVersion":"boathook.dev/v2","clusters":[]}"#).unwrap();
    assert!(matches!(Clusters::new(&state).put("a", "b", "c"), Err(StoreError::Newer { .. })));
}

/// A file beside the clusters' folders.
fn state_file(folder: &OperationFolder, name: &str) -> std::path::PathBuf {
    folder.path().ancestors().nth(4).unwrap().join(name)
}

#[test]
fn nobody_else_can_read_what_is_kept_and_links_are_not_followed() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let (outside, state) = state();
    let folder = operation(&state, "a", 1, 100);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let log = folder.logs().unwrap()[0].path().to_owned();
    for path in [log.as_path(), &log.with_extension("json"), &folder.path().join("operation.json")] {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
    for path in log.ancestors().skip(1).take(7) {
        assert_eq!(mode(path), 0o700, "{}", path.display());
    }
    // A link in the place of a log, or of an operation, leads nowhere.
    let target = outside.path().join("precious");
    fs::write(&target, "precious").unwrap();
    fs::remove_file(&log).unwrap();
    symlink(&target, &log).unwrap();
    assert!(matches!(folder.write_log(&info("main")), Err(StoreError::Io { .. })));
    let elsewhere = outside.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("file"), "precious").unwrap();
    symlink(&elsewhere, folder.path().with_file_name("2026-01-01T00:00:00Z-0")).unwrap();
    prune(&state, 0, Duration::ZERO, now()).unwrap();
    assert!(target.exists() && elsewhere.join("file").exists());
}

#[test]
fn what_cannot_be_written_says_where_and_loses_nothing() {
    let (outside, state) = state();
    let folder = operation(&state, "a", 1, 200);
    // In the place of another application's folder there is a file: as with a full disk nothing can be made there.
    let blocked = folder.path().parent().unwrap().with_file_name("b");
    fs::write(&blocked, "in the way").unwrap();
    let other = state.operation(&key("b"), folder.id());
    let Err(error) = other.write_log(&info("main")) else { panic!("it was written") };
    assert!(error.to_string().contains(&blocked.display().to_string()), "{error}");
    assert!(other.write_record(&OperationRecord::default()).is_err());
    assert_eq!(lines(&folder).len(), 2);
    // A state folder that is a file.
    let file = outside.path().join("file");
    fs::write(&file, "").unwrap();
    let error = RequestLog::new(&State::new(&file)).append(RequestEntry::default()).unwrap_err();
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

#[test]
fn deferrals_are_kept_for_one_revision_and_replaced() {
    let (_folder, state) = state();
    let deferrals = Deferrals::new(&state);
    assert!(deferrals.all().unwrap().is_empty());
    let put = |name: &str, revision: &str, note: &str| {
        let deferral = Deferral {
            cluster: "cluster".into(),
            namespace: "argocd".into(),
            application: name.into(),
            revision: revision.into(),
            note: note.into(),
            by: "alice".into(),
            at: Some(now()),
        };
        deferrals.put(deferral).unwrap();
    };
    put("a", "1", "wait for the release");
    put("b", "1", "other");
    put("a", "2", "still waiting");
    let all = deferrals.all().unwrap();
    let told: BTreeSet<_> =
        all.iter().map(|own| (own.application.as_str(), own.revision.as_str(), own.note.as_str())).collect();
    assert_eq!(told, BTreeSet::from([("a", "2", "still waiting"), ("b", "1", "other")]));
    deferrals.remove(&key("a")).unwrap();
    deferrals.remove(&key("nobody")).unwrap();
    assert_eq!(deferrals.all().unwrap().len(), 1);
    let path = state_file(&operation(&state, "a", 1, 100), "deferred.json");
    fs::write(&path, "{ broken").unwrap();
    let error = deferrals.put(Deferral::default()).unwrap_err();
    assert!(
        matches!(&error, StoreError::Unreadable { path: own, .. } if *own == path.display().to_string()),
        "{error}"
    );
    assert_eq!(fs::read_to_string(path).unwrap(), "{ broken", "what cannot be read is not written over");
}

#[test]
fn requests_of_many_writers_are_whole_lines_and_rotate() {
    let (_folder, state) = state();
    let log = RequestLog::new(&state);
    std::thread::scope(|scope| {
        for writer in 0..8_u64 {
            let log = log.clone();
            scope.spawn(move || {
                for number in 0..50 {
                    let entry =
                        RequestEntry { id: writer * 1000 + number, request: "sync".into(), ..RequestEntry::default() };
                    log.append(entry).unwrap();
                }
            });
        }
    });
    let ids: BTreeSet<u64> = log.entries().unwrap().iter().map(|entry| entry.id).collect();
    assert_eq!(ids.len(), 400);
    // A line that a crash cut short hides no other.
    let path = state_file(&operation(&state, "a", 1, 100), "requests.jsonl");
    let mut content = fs::read(&path).unwrap();
    content.extend_from_slice(b"{\"apiVersion\":\"boathook.dev/v1\",\"id\":7\n");
    fs::write(&path, content).unwrap();
    log.append(RequestEntry { id: 9999, ..RequestEntry::default() }).unwrap();
    assert_eq!(log.entries().unwrap().last().unwrap().id, 9999);
    let body = serde_json::Value::String("x".repeat(1 << 20));
    for _ in 0..10 {
        log.append(RequestEntry { body: body.clone(), ..RequestEntry::default() }).unwrap();
    }
    assert!(fs::metadata(&path).unwrap().len() < 10 << 20);
    assert!(path.with_file_name("requests.old.jsonl").exists());
}

#[test]
fn clusters_are_remembered_by_context_and_address_without_writing_the_address_down() {
    let (_folder, state) = state();
    let clusters = Clusters::new(&state);
    assert_eq!(clusters.find("prod", "https://a"), None);
    clusters.put("prod", "https://user:password@a", "uid-1").unwrap();
    clusters.put("prod", "https://b", "uid-2").unwrap();
    assert_eq!(clusters.find("prod", "https://user:password@a").as_deref(), Some("uid-1"));
    clusters.put("prod", "https://b", "uid-3").unwrap();
    assert_eq!(clusters.find("prod", "https://b").as_deref(), Some("uid-3"));
    let path = state_file(&operation(&state, "a", 1, 100), "clusters.json");
    assert!(!fs::read_to_string(&path).unwrap().contains("password"));
    fs::write(&path, "broken").unwrap();
    assert_eq!(clusters.find("prod", "https://b"), None);
    clusters.put("prod", "https://b", "uid-4").unwrap();
    assert_eq!(clusters.find("prod", "https://b").as_deref(), Some("uid-4"));
}

fn cases() -> u32 {
    std::env::var("BOATHOOK_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256)
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("..".to_owned()),
        Just(String::new()),
        "[a-z./%-]{0,12}",
        "\\PC{0,40}",
        proptest::collection::vec(any::<char>(), 0..300).prop_map(|chars| chars.into_iter().collect()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// Names come from a cluster: they stay in the folder, and two of them are never one.
    #[test]
    fn names_stay_in_the_folder_and_apart(one in [name(), name(), name()], other in [name(), name(), name()]) {
        let state = State::new("/state");
        let id = OperationId { started_at: now(), retry_count: 0 };
        let path = |names: &[String; 3]| {
            let [cluster, namespace, name] = names;
            state.operation(&AppKey::new(cluster.as_str(), namespace.as_str(), name.as_str()), id).path().to_owned()
        };
        let (first, second) = (path(&one), path(&other));
        prop_assert_eq!(one == other, first == second);
        for path in [first, second] {
            prop_assert!(path.starts_with("/state/v1"));
            let parts: Vec<_> = path.components().collect();
            prop_assert_eq!(parts.len(), 7);
            prop_assert!(parts.iter().skip(1).all(|part| matches!(part, Component::Normal(name) if name.len() <= 255)));
        }
    }
}

proptest! {
    // Each case writes files.
    #![proptest_config(ProptestConfig { cases: cases().min(1_000), failure_persistence: None, ..ProptestConfig::default() })]

    /// What a crash leaves: the file ends anywhere. Whole lines are kept, and what is written next is whole too.
    #[test]
    fn a_log_goes_on_after_a_crash(
        texts in proptest::collection::vec(proptest::collection::vec(any::<u8>().prop_filter("no line feed", |byte| *byte != b'\n'), 0..60), 1..12),
        cut in 0.0..1.0_f64,
    ) {
        let (_folder, state) = state();
        let folder = state.operation(&key("a"), OperationId { started_at: now(), retry_count: 0 });
        let mut log = folder.write_log(&info("main")).unwrap();
        for text in &texts {
            log.line("2026-11-22T10:00:00.5Z", text).unwrap();
        }
        log.flush().unwrap();
        let path = log.path().to_owned();
        drop(log);
        let all = fs::read(&path).unwrap();
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a small file")]
        let end = (all.len() as f64 * cut) as usize;
        fs::write(&path, &all[..end]).unwrap();
        let whole = all[..end].split(|byte| *byte == b'\n').count() - 1;
        let mut log = folder.write_log(&info("main")).unwrap();
        log.line("2026-11-22T10:00:01Z", b"after").unwrap();
        log.flush().unwrap();
        let mut expected: Vec<Vec<u8>> = texts[..whole].to_vec();
        expected.push(b"after".to_vec());
        prop_assert_eq!(lines(&folder), expected);
    }
}
