//! Every command and every option has a test that calls the program with it. The list of both is the program's own: a new
//! one fails here until a test is named for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use clap::{Arg, Command, CommandFactory as _};

/// Test, command, options that the test calls it with. An option that several commands share, with the same meaning, needs
/// one of them; of `--output` each command has its own.
const EXERCISED: &[(&str, &str, &[&str])] = &[
    ("get_shows_applications_in_every_format", "get apps", &["--output", "--selector", "--project", "--namespace"]),
    ("get_shows_applications_in_every_format", "get", &["--output"]),
    ("get_app_shows_the_operation_and_its_hooks", "get app", &["--output"]),
    ("hooks_and_windows_are_shown", "get hooks", &["--output"]),
    ("hooks_and_windows_are_shown", "get windows", &["--output"]),
    ("what_was_deployed_is_deployed_again", "get history", &["--output"]),
    (
        "applications_of_any_namespace_are_found_and_their_projects_where_the_controller_is",
        "get apps",
        &["--all-namespaces"],
    ),
    ("errors_say_what_and_what_to_do_and_end_with_their_code", "get apps", &["--kubeconfig", "--context"]),
    ("colours_are_for_terminals_that_want_them", "get apps", &["--color"]),
    ("the_configuration_counts_for_commands_too", "sync", &["--config"]),
    ("the_configuration_counts_for_commands_too", "", &["--theme"]),
    ("nothing_is_sent_that_would_be_refused", "sync", &["--read-only"]),
    (
        "a_sync_is_sent_as_its_options_say",
        "sync",
        &[
            "--prune",
            "--server-dry-run",
            "--force",
            "--apply-only",
            "--resource",
            "--sync-option",
            "--info",
            "--retry-limit",
            "--retry-backoff",
            "--retry-backoff-max",
            "--yes",
            "--wait",
            "--allow-file-repositories",
        ],
    ),
    ("of_several_sources_each_has_its_revision", "sync", &["--revision", "--output"]),
    ("of_several_sources_each_has_its_revision", "plan", &["--revision", "--app"]),
    ("sync_shows_its_plan_and_stops_there_if_asked_to", "sync", &["--dry-run", "--output"]),
    ("sync_shows_the_log_of_a_hook_that_failed", "sync", &["--log-lines"]),
    (
        "the_end_of_the_time_ends_the_waiting_and_only_if_asked_for_the_sync",
        "sync",
        &["--timeout", "--abort-on-timeout"],
    ),
    ("offline_is_what_was_fetched_before", "sync", &["--offline"]),
    ("of_many_syncs_one_fails_and_each_has_its_result", "sync", &["--all", "--output"]),
    ("wait_ends_when_it_holds_or_never_will_or_time_is_over", "wait", &["--for", "--timeout", "--output"]),
    ("watch_prints_changes_and_ends_when_nobody_reads", "watch", &["--output"]),
    ("the_end_of_the_time_ends_what_only_looks", "watch", &["--timeout"]),
    ("the_end_of_the_time_ends_what_only_looks", "refresh", &["--timeout"]),
    ("what_follows_logs_ends_when_nobody_reads_it_and_nothing_is_written", "logs", &["--follow"]),
    (
        "logs_are_read_while_they_are_written_and_after_their_pods_are_gone",
        "logs",
        &["--timestamps", "--all-attempts", "--phase", "--output"],
    ),
    ("logs_are_chosen_by_age_container_and_operation", "logs", &["--since", "--container", "--operation"]),
    ("failed_syncs_are_retried_and_resumed_and_hooks_run_again", "resume", &["--output", "--yes", "--wait"]),
    ("failed_syncs_are_retried_and_resumed_and_hooks_run_again", "rerun", &["--why"]),
    ("what_is_asked_for_is_told_as_documents", "abort", &["--output"]),
    ("what_is_asked_for_is_told_as_documents", "retry", &["--output"]),
    ("what_is_asked_for_is_told_as_documents", "rerun", &["--output"]),
    ("what_is_asked_for_is_told_as_documents", "rollback", &["--output"]),
    ("what_is_asked_for_is_told_as_documents", "refresh", &["--output"]),
    ("what_is_asked_for_is_told_as_documents", "approve", &["--output"]),
    ("a_rollback_runs_hooks_and_deletes_only_if_asked_to", "rollback", &["--prune", "--hooks", "--dry-run"]),
    ("applications_are_compared_and_reviewed_revisions_approved", "refresh", &["--hard", "--wait"]),
    ("applications_are_compared_and_reviewed_revisions_approved", "approve", &["--revision", "--prune", "--delete"]),
    ("the_sync_of_an_application_is_planned_with_its_findings", "plan", &["--app", "--strict", "--output"]),
    ("the_sync_of_an_application_is_planned_with_its_findings", "plan", &["--kubeconfig", "--context"]),
    ("command_ends_with_the_code_that_the_manifests_deserve", "plan", &["--ignore", "--severity"]),
    ("command_leaves_out_hooks_where_argo_cd_does", "plan", &["--apply-only", "--resource"]),
    ("command_explains_findings", "plan", &["--explain"]),
    ("command_prints_the_plan_of_each_recorded_application", "plan", &["--namespace"]),
    ("command_shows_what_is_moved_and_what_runs_at_deletion", "plan", &["--sync-option"]),
    ("a_demo_needs_only_git_plays_and_leaves_nothing_behind", "demo", &["--speed"]),
    ("a_scenario_that_is_wrong_is_told_with_its_lines_and_no_screen", "demo", &["--scenario"]),
    ("any_size_at_any_time", "demo", &["--seed"]),
    ("it_says_where_it_is_writes_a_private_kubeconfig_and_ends_at_a_signal", "sim", &["--kubeconfig", "--speed"]),
    ("what_it_cannot_do_it_says_and_touches_nothing", "sim", &["--scenario", "--port"]),
    ("two_simulated_clusters_of_one_seed_are_alike", "sim", &["--seed"]),
    (
        "the_engine_is_a_program_that_says_where_it_works_and_ends_at_a_signal",
        "engine",
        &[
            "--context",
            "--namespace",
            "--install-crds",
            "--repo-cache",
            "--interval",
            "--wave-delay",
            "--allow-file-repositories",
            "--metrics-port",
            "--all-namespaces",
        ],
    ),
    ("an_engine_that_cannot_work_says_why", "engine", &["--kubeconfig"]),
    ("the_program_describes_itself_and_completes_what_is_in_the_cluster", "config", &[]),
    ("the_program_describes_itself_and_completes_what_is_in_the_cluster", "version", &["--output"]),
    ("the_program_describes_itself_and_completes_what_is_in_the_cluster", "completions", &[]),
    ("the_program_describes_itself_and_completes_what_is_in_the_cluster", "man", &["--dir"]),
];

/// Of these each command has its own, although they are described alike.
const OWN: &[&str] = &["--output"];

/// An option of a command.
struct Opt {
    /// `--name`.
    name: String,
    /// What it is written as.
    forms: Vec<String>,
    /// What makes two options one definition.
    meaning: String,
}

impl Opt {
    fn of(arg: &Arg) -> Option<Self> {
        let name = format!("--{}", arg.get_long().filter(|name| !["help", "version"].contains(name))?);
        let shorts = arg.get_short_and_visible_aliases().unwrap_or_default().into_iter().map(|own| format!("-{own}"));
        let longs = arg.get_long_and_visible_aliases().unwrap_or_default().into_iter().map(|own| format!("--{own}"));
        let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
        Some(Self {
            name,
            forms: shorts.chain(longs).collect(),
            meaning: format!("{help} {:?}", arg.get_value_names()),
        })
    }
}

/// The options of every command that can be called, by its words.
fn commands(command: &Command, words: &str, found: &mut BTreeMap<String, Vec<Opt>>) {
    let can_be_called = !command.is_subcommand_required_set();
    if can_be_called {
        found.insert(words.to_owned(), command.get_arguments().filter_map(Opt::of).collect());
    }
    for below in command.get_subcommands() {
        commands(below, format!("{words} {}", below.get_name()).trim(), found);
    }
}

/// What a test says.
struct Test {
    /// The test, with the constants of its file.
    text: String,
    /// The file, whose functions may call the program for it.
    file: String,
}

/// Every test under `tests/`.
fn tests() -> BTreeMap<String, Test> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") && !entry.ends_with(file!()) {
                files.push(fs::read_to_string(entry).unwrap());
            }
        }
    }
    let mut tests = BTreeMap::new();
    for text in files {
        let constants: String = text.split("\nconst ").skip(1).filter_map(|rest| rest.split(";\n").next()).collect();
        for part in text.split("test]\n").skip(1).chain(text.split("worker_threads = 2)]\n").skip(1)) {
            // What stands between the attributes and the end of the function.
            let body = part.split("\n}\n").next().unwrap();
            let Some((_, rest)) = body.split_once("fn ") else { continue };
            let name = rest.split('(').next().unwrap().to_owned();
            tests.insert(name, Test { text: format!("{rest}\n{constants}"), file: text.clone() });
        }
    }
    tests
}

/// Whether a text has a word, in quotes or in a line of a script.
fn says(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[test]
fn every_command_and_every_option_has_a_test() {
    let mut program = boathook::cli::Cli::command();
    program.build();
    let mut all = BTreeMap::new();
    commands(&program, "", &mut all);
    let tests = tests();
    let mut wrong = Vec::new();
    let mut meant = BTreeSet::new();
    for (test, command, options) in EXERCISED {
        let Some(Test { text, file }) = tests.get(*test) else {
            wrong.push(format!("there is no test {test}"));
            continue;
        };
        let Some(known) = all.get(*command) else {
            wrong.push(format!("there is no command {command:?}"));
            continue;
        };
        if let Some(word) = command.split_whitespace().find(|word| !says(file, word)) {
            wrong.push(format!("{test} does not say {word}"));
        }
        for option in *options {
            match known.iter().find(|own| own.name == *option) {
                None => wrong.push(format!("{command:?} has no option {option}")),
                Some(own) if !own.forms.iter().any(|form| says(text, form)) => {
                    wrong.push(format!("{test} does not call {command:?} with {option}"));
                }
                Some(own) => drop(meant.insert((own.name.clone(), own.meaning.clone()))),
            }
        }
    }
    for (command, options) in &all {
        let rows: Vec<_> = EXERCISED.iter().filter(|(_, own, _)| own == command).collect();
        if rows.is_empty() {
            wrong.push(format!("no test calls {command:?}"));
        }
        for option in options {
            let is_shared = !OWN.contains(&option.name.as_str());
            let by_name = rows.iter().any(|(_, _, names)| names.contains(&option.name.as_str()));
            let is_meant = is_shared && meant.contains(&(option.name.clone(), option.meaning.clone()));
            if !by_name && !is_meant {
                wrong.push(format!("no test calls {command:?} with {}", option.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
