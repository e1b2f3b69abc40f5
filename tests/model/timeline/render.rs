//! A timeline as text, for people who read snapshots.

use std::fmt::Write;

use boathook::domain::timeline::{
    AttemptView, ContainerState, ContainerView, Elapsed, Exit, OperationView, Progress, TaskState, TaskView,
};

/// The whole view; UIDs are left out, other than by their first letters.
pub(crate) fn render(view: &OperationView) -> String {
    let mut text = String::new();
    let of = view.attempts.map_or_else(|| "any number".to_owned(), |of| of.to_string());
    let elapsed = elapsed(view.elapsed);
    let by = &view.request.initiated_by.username;
    let _ =
        writeln!(text, "{:?}{elapsed}  attempt {} of {of}  by {by}  [{}]", view.state, view.attempt, view.lifecycle());
    for (is, what) in [(view.is_dry_run(), "dry run"), (view.is_ghost, "ghost"), (view.joined_late, "joined late")] {
        if is {
            let _ = writeln!(text, "  {what}");
        }
    }
    for revision in &view.revisions {
        let _ = writeln!(text, "  revision {revision}");
    }
    if !view.message.is_empty() {
        let _ = writeln!(text, "  \"{}\"", view.message);
    }
    for phase in &view.phases {
        let counts = TaskState::ALL.into_iter().filter(|state| phase.counts.of(*state) > 0);
        let counts: Vec<_> = counts.map(|state| format!("{} {state}", phase.counts.of(state))).collect();
        let elapsed = self::elapsed(phase.elapsed);
        let _ = writeln!(
            text,
            "{} {} {}{elapsed}  ({})",
            phase.phase,
            phase.state.symbol(),
            phase.state,
            counts.join(", ")
        );
        for wave in &phase.waves {
            let number = wave.wave.map_or_else(|| "?".to_owned(), |wave| wave.to_string());
            for task in &wave.tasks {
                render_task(&mut text, &number, task);
            }
        }
    }
    text
}

fn render_task(text: &mut String, wave: &str, task: &TaskView) {
    let key = &task.key.object;
    let hook = if task.is_hook { "" } else { " (resource)" };
    let elapsed = elapsed(task.elapsed);
    let recorded = if task.is_recorded { ", recorded" } else { "" };
    let _ = write!(
        text,
        "{wave:>4} {} {}/{}{hook}  {}{elapsed}{recorded}",
        task.state.symbol(),
        key.kind,
        key.name,
        task.state
    );
    match task.progress {
        Some(Progress::Attempt { number, of }) => {
            let _ = write!(text, "  {number} of {of} attempts");
        }
        Some(Progress::Completions { done, of }) => {
            let _ = write!(text, "  {done} of {of} completions");
        }
        Some(Progress::Steps { done, of }) => {
            let _ = write!(text, "  {done} of {of} steps");
        }
        None => {}
    }
    text.push_str(&exit(task.exit.as_ref()));
    text.push('\n');
    if !task.message.is_empty() {
        let _ = writeln!(text, "       \"{}\"", task.message);
    }
    for reason in &task.reasons {
        let _ = writeln!(text, "       because {}", reason.text);
    }
    if let Some(predecessor) = &task.predecessor {
        let deleting = if predecessor.deleting { ", being deleted" } else { "" };
        let _ = writeln!(text, "       an earlier operation left one{deleting}");
    }
    for attempt in &task.attempts {
        render_attempt(text, attempt);
    }
    for rerun in &task.reruns {
        render_attempt(text, rerun);
    }
}

fn render_attempt(text: &mut String, attempt: &AttemptView) {
    let number = match (attempt.operation_attempt, &attempt.rerun) {
        (_, Some(rerun)) => format!("run again by {} ({})", rerun.by, rerun.why),
        (Some(number), None) => format!("in attempt {number}"),
        (None, None) => "outside the operation".to_owned(),
    };
    let uid: String = attempt.uid.chars().take(4).collect();
    let gone = if attempt.is_gone { ", gone" } else { "" };
    let elapsed = elapsed(attempt.elapsed);
    let _ = writeln!(text, "       {} {uid} {number}: {}{elapsed}{gone}", attempt.state.symbol(), attempt.state);
    for pod in &attempt.pods {
        let elapsed = self::elapsed(pod.elapsed);
        let gone = if pod.is_gone {
            ", gone"
        } else if pod.deleting {
            ", being deleted"
        } else {
            ""
        };
        let containers: Vec<_> = pod.containers.iter().map(container).collect();
        let _ = writeln!(text, "         {:?} {}{elapsed}{gone}  {}", pod.state, pod.name, containers.join(", "));
    }
    for node in &attempt.nodes {
        let _ = writeln!(text, "         {} {}", node.name, node.phase);
    }
}

fn container(container: &ContainerView) -> String {
    let state = match &container.state {
        ContainerState::Waiting { reason, .. } => reason.clone(),
        ContainerState::Running { .. } => "running".to_owned(),
        ContainerState::Terminated { exit_code, .. } => {
            exit_code.map_or_else(|| "exit ?".to_owned(), |code| format!("exit {code}"))
        }
        ContainerState::Unknown => "exit ?".to_owned(),
    };
    let restarts = if container.restarts > 0 { format!(" ({} restarts)", container.restarts) } else { String::new() };
    format!("{} {state}{restarts}", container.name)
}

fn exit(exit: Option<&Exit>) -> String {
    let Some(exit) = exit else { return String::new() };
    let code = exit.code.map_or_else(|| "?".to_owned(), |code| code.to_string());
    format!("  {}/{} exit {code}", exit.pod, exit.container)
}

fn elapsed(elapsed: Option<Elapsed>) -> String {
    elapsed.map_or_else(String::new, |elapsed| format!(" {elapsed}"))
}
