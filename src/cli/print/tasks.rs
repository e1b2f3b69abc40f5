//! The tasks of an operation as rows.

use super::table::{Cell, Tone};
use crate::domain::text::one_line;
use crate::domain::timeline::{OperationView, TaskState, TaskView};

/// Characters of a name or a message.
const LONGEST: usize = 300;

/// Phase, wave, task, state, time and message of every task; of hooks alone if asked for.
pub(in crate::cli) fn task_rows(view: &OperationView, destination: &str, only_hooks: bool) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    for phase in &view.phases {
        let mut phase_name = phase.phase.as_str();
        for wave in &phase.waves {
            let mut number = wave.wave.map(|wave| wave.to_string()).unwrap_or_default();
            for task in wave.tasks.iter().filter(|task| task.is_hook || !only_hooks) {
                rows.push(vec![
                    Cell::new(Tone::Strong, std::mem::take(&mut phase_name)),
                    Cell::plain(std::mem::take(&mut number)),
                    Cell::plain(title(task, destination)),
                    Cell::new(tone(task.state), format!("{} {}", task.state.symbol(), task.state)),
                    Cell::new(Tone::Dim, task.elapsed.map(|elapsed| elapsed.to_string()).unwrap_or_default()),
                    Cell::plain(words(task)),
                ]);
            }
        }
    }
    rows
}

/// `Kind/name`, marked if it is a hook, with the namespace where it is not the destination's.
pub(in crate::cli) fn title(task: &TaskView, destination: &str) -> String {
    let object = &task.key.object;
    let place = if object.namespace.is_empty() || object.namespace == destination {
        String::new()
    } else {
        format!(" in {}", object.namespace)
    };
    let hook = if task.is_hook { " (hook)" } else { "" };
    one_line(&format!("{}/{}{place}{hook}", object.kind, object.name), LONGEST)
}

pub(in crate::cli) const fn tone(state: TaskState) -> Tone {
    match state {
        TaskState::Succeeded | TaskState::Applied | TaskState::Pruned => Tone::Good,
        TaskState::Failed | TaskState::Stopped => Tone::Bad,
        TaskState::Running => Tone::Running,
        TaskState::Waiting => Tone::Warning,
        TaskState::ToCome | TaskState::Skipped | TaskState::Unknown => Tone::Dim,
    }
}

/// Why it waits or failed, else what is said about it.
pub(in crate::cli) fn words(task: &TaskView) -> String {
    let is_open = task.state.is_active() || task.state.is_bad();
    match task.reasons.first().filter(|_| is_open) {
        Some(reason) => reason.text.clone(),
        None => one_line(&task.message, LONGEST),
    }
}
