//! Completion of what is not in the program: applications, contexts, hooks. What takes long or cannot be had is not
//! completed; nothing is ever said about it, because somebody is typing.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::time::Duration;

use clap::CommandFactory as _;
use clap_complete::{CompleteEnv, CompletionCandidate};

use super::args::{Cli, ConnectArgs, PHASES, TargetArgs};
use super::context::{Context, Surroundings};
use super::live::{Needs, Session, Targets};
use crate::argo::{CaptureOptions, RepositoryOptions, contexts};
use crate::clock::Clock;
use crate::domain::application::AppKey;

/// Longer nobody waits for a completion.
const PATIENCE: Duration = Duration::from_secs(3);

/// Answers a shell that asks for completions, and ends the process then; does nothing in every other case. Must come
/// before anything is printed.
pub fn complete() {
    CompleteEnv::with_factory(Cli::command).complete();
}

/// Contexts of the kubeconfig.
pub(super) fn context_names(current: &OsStr) -> Vec<CompletionCandidate> {
    let known = contexts(connect(&words()).kubeconfig.as_deref());
    beginning(current, known.map(|(names, _)| names).unwrap_or_default())
}

/// Applications, with their namespace where it is typed already or there are several.
pub(super) fn application_names(current: &OsStr) -> Vec<CompletionCandidate> {
    let with_namespace = current.to_string_lossy().contains('/');
    let names = asked(async |session| {
        session.until(|picture| picture.is_complete.then_some(())).await.ok()?;
        let picture = &session.picture;
        let full = |key: &crate::domain::application::AppKey| format!("{}/{}", key.namespace, key.name);
        let names = picture.apps.keys().map(|key| if with_namespace { full(key) } else { picture.name(key) });
        Some(names.collect())
    });
    beginning(current, names)
}

/// Projects of the applications.
pub(super) fn project_names(current: &OsStr) -> Vec<CompletionCandidate> {
    let names = asked(async |session| {
        session.until(|picture| picture.is_complete.then_some(())).await.ok()?;
        let projects = session.picture.apps.values().filter_map(|app| app.summary()).map(|own| own.project.to_string());
        Some(projects.collect::<BTreeSet<_>>().into_iter().collect())
    });
    beginning(current, names)
}

/// Entries of the history of the application that is named before.
pub(super) fn history_ids(current: &OsStr) -> Vec<CompletionCandidate> {
    let ids = about(async |session, key| {
        let application = session.picture.details(key).application.clone()?;
        Some(application.status.history.iter().map(|entry| entry.id.to_string()).collect())
    });
    beginning(current, ids)
}

/// Hooks of the application that is named before.
pub(super) fn hook_names(current: &OsStr) -> Vec<CompletionCandidate> {
    beginning(current, hooks())
}

/// What can be waited for, with the hooks of the application that is named before.
pub(super) fn conditions(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut known: Vec<String> = ["synced", "healthy", "operation", "deleted"].map(str::to_owned).to_vec();
    known.extend(PHASES.map(|phase| format!("phase={phase}")));
    // The cluster is asked only where a hook is meant.
    if current.to_string_lossy().starts_with("hook=") {
        known.extend(hooks().into_iter().map(|hook| format!("hook={hook}")));
    } else {
        known.push("hook=".to_owned());
    }
    beginning(current, known)
}

fn hooks() -> Vec<String> {
    about(async |session, key| {
        let now = session.clock.now();
        let view = session.picture.details(key).view(now);
        Some(view.tasks().filter(|task| task.is_hook).map(|task| task.key.object.name.clone()).collect())
    })
}

/// Asks about the application that is named before.
fn about(question: impl AsyncFnOnce(&mut Session, &AppKey) -> Option<Vec<String>>) -> Vec<String> {
    let Some(application) = argument(&words()) else { return Vec::new() };
    asked(async |session| {
        let targets = Targets::required(&TargetArgs::named(&application)).ok()?;
        let key = targets.choose_some(session).await.ok()?.into_iter().next()?;
        session.live.open(&key);
        session.until(|picture| picture.details(&key).is_settled.then_some(())).await.ok()?;
        question(session, &key).await
    })
}

fn beginning(current: &OsStr, names: Vec<String>) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let is_plain = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@=".contains(c));
    names
        .into_iter()
        .filter(|name| name.starts_with(&*current) && is_plain(name))
        .map(CompletionCandidate::new)
        .collect()
}

/// The line that is being typed: what stands behind `--`.
fn words() -> Vec<String> {
    let all = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    all.skip_while(|word| word != "--").skip(1).collect()
}

/// Which cluster the line names so far.
fn connect(words: &[String]) -> ConnectArgs {
    let value = |names: &[&str]| {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if names.contains(&word.as_str()) {
                return words.next().cloned();
            }
            let joined = names.iter().find_map(|name| word.strip_prefix(name)?.strip_prefix('='));
            if let Some(value) = joined {
                return Some(value.to_owned());
            }
        }
        None
    };
    ConnectArgs {
        kubeconfig: value(&["--kubeconfig"]).map(Into::into),
        context: value(&["--context"]),
        namespace: value(&["-n", "--namespace"]),
        all_namespaces: words.iter().any(|word| word == "-A" || word == "--all-namespaces"),
    }
}

/// The first argument of the command: what is no flag, nor the value of one that is known to have one.
fn argument(words: &[String]) -> Option<String> {
    const WITH_VALUE: [&str; 12] = [
        "-n",
        "--namespace",
        "--context",
        "--kubeconfig",
        "-o",
        "--output",
        "--for",
        "--timeout",
        "-l",
        "--selector",
        "-p",
        "--project",
    ];
    let mut plain = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if WITH_VALUE.contains(&word.as_str()) {
            words.next();
        } else if !word.starts_with('-') {
            plain.push(word);
        }
    }
    // The program, the command, the application.
    plain.get(2).map(|word| (*word).clone())
}

/// Asks the cluster; nothing, where it takes long or cannot be asked.
fn asked(question: impl AsyncFnOnce(&mut Session) -> Option<Vec<String>>) -> Vec<String> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let clock = Clock::real();
    let surroundings = Surroundings {
        output: Context::new(None),
        can_ask: false,
        state: None,
        repositories: RepositoryOptions::default(),
        capture: CaptureOptions::default(),
        read_only: true,
    };
    let connect = connect(&words());
    let asked = async {
        let mut session = Session::start(&connect, Needs::default(), &surroundings, &clock).await.ok()?;
        session.limit(Some(PATIENCE));
        question(&mut session).await
    };
    let answer = runtime.block_on(clock.timeout(PATIENCE, asked));
    runtime.shutdown_background();
    answer.ok().flatten().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_line_says_which_cluster_and_which_application() {
        let words = line("boathook logs --context prod -n argocd checkout db");
        let connect = connect(&words);
        assert_eq!((connect.context.as_deref(), connect.namespace.as_deref()), (Some("prod"), Some("argocd")));
        assert_eq!(argument(&words).as_deref(), Some("checkout"));
        assert_eq!(super::connect(&line("boathook get --context=prod")).context.as_deref(), Some("prod"));
        assert_eq!(argument(&line("boathook logs")), None);
        assert_eq!(argument(&line("boathook wait --for hook= checkout")).as_deref(), Some("checkout"));
    }
}
