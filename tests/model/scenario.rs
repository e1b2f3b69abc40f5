//! Scenario files: the ones that come with the crate, what their scripts say, and what is said about broken ones.

use std::fs;
use std::path::Path;

use boathook::domain::scenario::{
    ContainerFacts, FaultKind, LogLines, LogStep, Owner, PodFacts, Ready, Run, Scenario, Script,
};
use jiff::SignedDuration;
use proptest::prelude::*;

fn parse(text: &str) -> Result<Scenario, Vec<String>> {
    let text = format!("apiVersion: boathook.dev/v1\nkind: Scenario\nname: t\n{text}");
    Scenario::parse("t.yaml", &text).map_err(|error| error.problems.iter().map(ToString::to_string).collect())
}

fn of_case(name: &str) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/scenarios").join(format!("{name}.yaml"));
    Scenario::parse(name, &fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn scenario_files_of_the_crate_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/scenarios");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let scenario = Scenario::parse(&path.display().to_string(), &text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(Some(scenario.name.as_str()), path.file_stem().and_then(|stem| stem.to_str()));
        assert!(!scenario.description.is_empty(), "{}", path.display());
        count += 1;
    }
    assert!(count >= 11, "only {count} scenarios");
}

/// Every case that was recorded has a scenario, and no Job of a case is left without a rule.
#[test]
fn scenario_of_each_case_scripts_its_jobs() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut jobs = 0;
    for case in fs::read_dir(cases).unwrap() {
        let case = case.unwrap();
        if !case.path().is_dir() {
            continue;
        }
        let name = case.file_name().to_string_lossy().into_owned();
        let scenario = of_case(&name);
        assert_eq!(scenario.world.namespaces, std::slice::from_ref(&name));
        let mut files = Vec::new();
        collect(&case.path(), &mut files);
        for text in files {
            let blocks = text.split("kind: Job").skip(1);
            for block in blocks {
                let line = block.lines().find(|line| line.contains("ame:")).unwrap();
                let job = line.split(':').nth(1).unwrap().trim().replace("{{ .Release.Name }}", "shop");
                let job = if name == "kustomize" { format!("k-{job}") } else { job };
                let pod = PodFacts {
                    namespace: name.clone(),
                    name: format!("{job}x7k2p"),
                    owners: vec![Owner { kind: "Job".to_owned(), name: job.clone() }],
                    ..PodFacts::default()
                };
                let container = ContainerFacts { name: "main".to_owned(), ..ContainerFacts::default() };
                let found = scenario.world.pods.iter().filter(|rule| rule.matches.matches(&pod, &container)).count();
                assert_eq!(found, 1, "{name}: {job}");
                jobs += 1;
            }
        }
    }
    assert!(jobs >= 18, "only {jobs} Jobs were found");
}

fn collect(folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, files) } else { files.push(fs::read_to_string(path).unwrap()) }
    }
}

#[test]
fn scenario_annotated_example_says_what_its_comments_say() {
    let world = of_case("annotated").world;
    assert_eq!(world.nodes[0].labels, [("disk".to_owned(), "ssd".to_owned())]);
    assert_eq!(world.objects[0].name(), "feature-flags");
    let migrate = &world.pods[0];
    let [first, second, third] = migrate.attempts.as_slice() else { panic!("three attempts") };
    assert_eq!(first.unschedulable.as_ref().unwrap().lasts, Some(SignedDuration::from_secs(20)));
    assert_eq!(first.pull.as_ref().unwrap().message, "manifest unknown");
    assert_eq!(first.exit_code, Some(3));
    let log: Vec<(i64, Vec<u8>)> = LogLines::new(first.log.clone().unwrap(), 1)
        .map(|(at, line)| (i64::try_from(at.as_millis()).unwrap(), line))
        .collect();
    assert_eq!(log[1], (1000, b"ERROR: locked (pod 1)".to_vec()));
    assert_eq!(log[4], (2000, b"retry 3/3".to_vec()));
    assert_eq!(log[5], (2500, vec![0xff, 0xfe, b'A']));
    assert!(second.oom_killed && second.run == Some(Run::For(SignedDuration::from_secs(3))));
    assert_eq!(migrate.script(3), Some(third));
    assert_eq!(migrate.script(99), Some(third));
    let web = &world.pods[1].attempts[0];
    assert_eq!((web.run, web.ready), (Some(Run::Forever), Some(Ready::After(SignedDuration::from_secs(3)))));
    let worker = &world.pods[2].attempts[0];
    assert_eq!(worker.for_restart(0).exit_code, Some(1));
    assert_eq!(worker.for_restart(1).exit_code, Some(1));
    assert_eq!(worker.for_restart(7).run, Some(Run::Forever));
    assert_eq!(world.services[0].after, None);
    assert_eq!(world.claims[0].after, Some(SignedDuration::from_secs(10)));
    assert_eq!(world.faults.len(), 12);
    assert_eq!(world.faults[6].kind, FaultKind::Throttle { retry_after: 2 });
}

#[test]
fn scenario_reports_every_problem_with_its_path_and_line() {
    let problems = parse(
        "world:
  podz: []
  nodes: [{label: {}}]
  pods:
  - match: {owner: {kind: Job, nam: x}}
    exitCode: 256
    log: [{line: a, hex: ff}, {hex: abc}]
    attempts: []
  - run: 3 parsecs
  faults:
  - {kind: explode}
  - {kind: cut, delay: 1s}
  objects: [{kind: Pod}]
",
    )
    .unwrap_err();
    let expected = [
        "line 5: world.podz: unknown key; known here: nodes, namespaces, objects, pods, services, claims, access, \
         faults",
        "line 6: world.nodes[0].label: unknown key; known here: name, labels",
        "line 6: world.nodes[0]: name is missing",
        "line 8: world.pods[0].match.owner.nam: unknown key; known here: kind, name",
        "line 9: world.pods[0].exitCode: stands beside attempts; write it in each of them",
        "line 10: world.pods[0].log: stands beside attempts; write it in each of them",
        "line 11: world.pods[0].attempts: needs at least one attempt",
        "line 12: world.pods[1]: match is missing",
        "line 12: world.pods[1].run: expected a duration such as 0.5s, 200ms or 1m 30s, found \"3 parsecs\"",
        "line 14: world.faults[0].kind: expected one of refuse, cut, endWatch, stallWatch, expire, conflict, throttle, \
         error, slow, truncate, expireToken, restart",
        "line 15: world.faults[1].delay: has no meaning for this kind of fault",
        "line 16: world.objects[0]: apiVersion is missing, or is not a string",
    ];
    assert_eq!(problems, expected);
}

#[test]
fn scenario_refuses_what_is_no_scenario() {
    for (text, expected) in [
        ("", "expected a mapping"),
        ("[]", "expected a mapping"),
        ("kind: Scenario", "apiVersion is missing"),
        ("apiVersion: boathook.dev/v2\nkind: Scenario\nname: x", "line 1: apiVersion: expected boathook.dev/v1"),
        ("apiVersion: boathook.dev/v1\nkind: Scenario\nname: x\nname: y", "duplicate"),
        ("a: [", "line 2"),
        ("a: b\n---\nc: d", "more than one document"),
        ("1: 2", "a key is 1, not a text"),
    ] {
        let error = Scenario::parse("x.yaml", text).unwrap_err().to_string();
        assert!(error.starts_with("x.yaml is not valid:\n") && error.contains(expected), "{text:?}: {error}");
    }
    // Problems inside each script of a list, and exit codes beyond a byte.
    let problems =
        parse("world: {pods: [{match: {}, attempts: [{exitCode: -1}, {restarts: [{pull: {}}]}]}]}").unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].contains("attempts[0].exitCode") && problems[1].contains("attempts[1].restarts[0].pull"));
}

#[test]
fn scenario_sections_of_others_are_kept() {
    let scenario = parse("expect: {phase: Succeeded}\nkeys: [j, k]\nworld: {}\n").unwrap();
    assert_eq!(scenario.expect["phase"], "Succeeded");
    assert_eq!(scenario.keys[1], "k");
    assert!(scenario.commits.is_null());
}

fn steps() -> impl Strategy<Value = Vec<LogStep>> {
    let step = (0..3000_i64, "[a-z{}n]{0,8}", 1..6_u32, 0..2000_i64).prop_map(|(after, line, repeat, every)| LogStep {
        after: SignedDuration::from_millis(after),
        line: line.into_bytes(),
        repeat,
        every: SignedDuration::from_millis(every),
    });
    proptest::collection::vec(step, 0..6)
}

fn cases() -> ProptestConfig {
    let cases = std::env::var("BOATHOOK_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256);
    ProptestConfig::with_cases(cases)
}

proptest! {
    #![proptest_config(cases())]

    /// Lines never go back in time, there are as many as asked for, and none comes after the log's length.
    #[test]
    fn scenario_log_lines_are_in_order(steps in steps()) {
        let lines: Vec<_> = LogLines::new(steps.clone(), 1).collect();
        prop_assert_eq!(lines.len(), steps.iter().map(|step| step.repeat as usize).sum::<usize>());
        prop_assert!(lines.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        if let Some((last, _)) = lines.last() {
            prop_assert!(*last <= LogLines::length(&steps));
        }
    }

    /// Whatever bytes a file holds: a scenario or a report, never a panic.
    #[test]
    fn scenario_any_text_is_answered(text in "(world|pods|match|attempts|log|[-:{}\\[\\] \n\"&*]|[0-9a-z]){0,60}") {
        if let Err(error) = Scenario::parse("x", &text) {
            prop_assert!(!error.problems.is_empty());
        }
    }

    /// A restart always has a script, for every number.
    #[test]
    fn scenario_every_restart_has_a_script(restarts in 0_usize..4, number in any::<u32>()) {
        let mut script = Script { exit_code: Some(9), ..Script::default() };
        script.restarts = vec![Script::default(); restarts];
        let expected = if number == 0 || restarts == 0 { Some(9) } else { None };
        prop_assert_eq!(script.for_restart(number).exit_code, expected);
    }
}
