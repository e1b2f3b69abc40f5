//! The command line: every action by its name, and what takes an argument. An argument that is given is the one used.

use super::available::{READ_ONLY, why_not, why_not_ask, why_not_here};
use super::input::set_other;
use super::{apply, approvals, dialogs, fields, pages, waiting};
use crate::domain::application::AppKey;
use crate::domain::request::{AutoSync, Request};
use crate::tui::action::Action;
use crate::tui::message::{Effect, Effects};
use crate::tui::model::{DialogKind, Model, PromptKind, Sort};
use crate::tui::theme::Theme;

/// Commands that are not actions, with what their argument is.
pub(in crate::tui) const COMMANDS: &[(&str, &str)] = &[
    ("app", "NAME: look at this application"),
    ("sort", "COLUMN: name, project, sync, health, phases, revision, behind, last-sync"),
    ("connect", "read the kubeconfig again and connect anew"),
    ("quit", "end boathook"),
];

/// Lines of history that are kept.
const HISTORY: usize = 100;

/// Runs a line.
pub(super) fn run(model: &mut Model, line: &str, effects: &mut Effects) {
    let line = line.trim();
    if line.is_empty() {
        return;
    }
    model.key_was_pressed();
    model.commands.retain(|known| known != line);
    model.commands.push_back(line.to_owned());
    if model.commands.len() > HISTORY {
        model.commands.pop_front();
    }
    let (name, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let argument = argument.trim();
    match (name, argument) {
        ("q" | "q!", "") => apply::action(model, Action::Quit, effects),
        ("connect", "") => effects.push(Effect::Connect),
        #[cfg(debug_assertions)]
        ("panic", "") => panic_here(),
        ("theme", "") => {
            let names: Vec<_> = Theme::names().collect();
            model.say(format!("themes: {}", names.join(", ")));
        }
        ("theme", name) => match Theme::load(name, &model.settings.themes) {
            Ok(theme) if theme.has_colors() && !model.settings.has_colors => {
                let known = &model.settings.theme.name;
                model.complain(format!(
                    "{name} tells by colours, and there are none here (NO_COLOR is set, or TERM has none): {known} stays"
                ));
            }
            Ok(theme) => model.settings.theme = theme,
            Err(error) => model.complain(error.to_string()),
        },
        ("sort", column) => match Sort::ALL.into_iter().find(|sort| sort.as_str() == column) {
            Some(sort) => {
                model.fleet.sort = sort;
                model.fleet.touch();
                model.say(format!("sorted by {column}"));
            }
            None => model.complain("sort: name, project, sync, health, phases, revision, behind or last-sync"),
        },
        ("filter", text) if !text.is_empty() => apply::filter(model, text),
        ("log-search" | "log-filter" | "text-search" | "page-filter" | "defer", text) if !text.is_empty() => {
            typed(model, name, text, effects);
        }
        ("open", name) if !name.is_empty() => look_at(model, name, effects),
        ("app", name) => look_at(model, name, effects),
        (name, "") => match Action::named(name) {
            Some(action) => match why_not_here(model, action) {
                None => apply::action(model, action, effects),
                Some(reason) => model.complain(format!("{name}: {reason}")),
            },
            None => model.complain(format!("there is no command {name}")),
        },
        (name, argument) => on(model, name, argument, effects),
    }
}

fn look_at(model: &mut Model, name: &str, effects: &mut Effects) {
    match find(model, name) {
        Ok(key) => apply::open(model, key, effects),
        Err(error) => model.complain(error),
    }
}

/// What would be typed at the prompt that an action opens, given at once.
fn typed(model: &mut Model, name: &str, text: &str, effects: &mut Effects) {
    let Some(action) = Action::named(name) else { return };
    if let Some(reason) = why_not_here(model, action).or_else(|| why_not(model, action)) {
        return model.complain(format!("{name}: {reason}"));
    }
    match action {
        Action::LogSearch => apply::search(model, text),
        Action::LogFilter => set_other(model, PromptKind::LogFilter, text.to_owned()),
        Action::TextSearch => pages::search(model, text),
        Action::PageFilter => set_other(model, PromptKind::PageFilter, text.to_owned()),
        _ => approvals::defer(model, text, effects),
    }
}

/// Not in what is shipped: the tests see by it that a crash gives the terminal back and leaves a report.
#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "it is what the command is for")]
fn panic_here() {
    panic!("somebody asked for it");
}

/// Something about the application that is named, whatever is selected. What follows its name is the revision of a sync,
/// the entry of a rollback, or the hook that is run again.
fn on(model: &mut Model, name: &str, argument: &str, effects: &mut Effects) {
    let (about, rest) = argument.split_once(char::is_whitespace).unwrap_or((argument, ""));
    let rest = rest.trim();
    let Some(action) = Action::named(name) else { return model.complain(format!("there is no command {name}")) };
    if !NAMING.contains(&action) {
        return model.complain(format!("{name} takes no argument"));
    }
    if !rest.is_empty() && !matches!(action, Action::Sync | Action::Rollback | Action::Rerun) {
        return model.complain(format!("{name} takes the name of one application"));
    }
    let key = match find(model, about) {
        Ok(key) => key,
        Err(error) => return model.complain(error),
    };
    let (kind, request) = match action {
        Action::Sync => (DialogKind::Sync, Request::Sync(Box::default())),
        Action::Abort => (DialogKind::Abort, Request::Abort),
        Action::Retry => (DialogKind::Retry, Request::Retry),
        Action::Resume => (DialogKind::Resume, Request::Resume),
        Action::Repair => (DialogKind::Repair, Request::RepairGhost),
        Action::Refresh => (DialogKind::Refresh { hard: false }, Request::Refresh { hard: false }),
        Action::HardRefresh => (DialogKind::Refresh { hard: true }, Request::Refresh { hard: true }),
        Action::AutoSync => {
            let on = !dialogs::is_automated(model, std::slice::from_ref(&key));
            (DialogKind::AutoSync { on }, Request::AutoSync(AutoSync::On { prune: None, self_heal: None }))
        }
        Action::Rollback | Action::Rerun => {
            if action == Action::Rollback && !rest.is_empty() && rest.parse::<i64>().is_err() {
                return model.complain("rollback NAME [ID]: ID is a number of the history");
            }
            if model.settings.read_only {
                return model.complain(format!("{name}: {READ_ONLY}"));
            }
            return waiting::ask(model, action, key, rest, effects);
        }
        action => {
            // The others act on the screen: the application is opened first.
            apply::open(model, key, effects);
            return apply::action(model, action, effects);
        }
    };
    if let Some(reason) = why_not_ask(model, &key, &request) {
        return model.complain(format!("{name}: {reason}"));
    }
    dialogs::show(model, kind, vec![key], effects);
    if action == Action::Sync && !rest.is_empty() {
        fields::set_revision(model, rest, effects);
    }
}

/// Actions that may name an application.
const NAMING: &[Action] = &[
    Action::Sync,
    Action::Abort,
    Action::Retry,
    Action::Resume,
    Action::Repair,
    Action::Refresh,
    Action::HardRefresh,
    Action::Rollback,
    Action::Rerun,
    Action::Fetch,
    Action::Approve,
    Action::AutoSync,
    Action::Logs,
    Action::Git,
    Action::Diff,
    Action::Resources,
    Action::Yaml,
    Action::History,
    Action::Events,
];

/// The application with this name, or `namespace/name`. A part of a name is not enough to act on one.
fn find(model: &Model, text: &str) -> Result<AppKey, String> {
    let (namespace, name) = text.split_once('/').map_or((None, text), |(namespace, name)| (Some(namespace), name));
    let is_meant = |key: &&AppKey| &*key.name == name && namespace.is_none_or(|namespace| &*key.namespace == namespace);
    let mut found = model.fleet.keys().filter(is_meant);
    match (found.next(), found.next()) {
        (Some(key), None) => Ok(key.clone()),
        (Some(_), Some(_)) => Err(format!("there are several applications {name}: write NAMESPACE/{name}")),
        (None, _) => Err(format!("there is no application {text}")),
    }
}

/// Completes the word at the end of the line.
pub(super) fn complete(model: &mut Model) {
    let Some(prompt) = &model.prompt else { return };
    let line = prompt.line();
    let (before, word) = line.rsplit_once(' ').map_or(("", line.as_str()), |(before, word)| (before, word));
    let candidates: Vec<String> = match before.trim() {
        "" => {
            let names = Action::LIST.iter().map(|info| info.name).chain(COMMANDS.iter().map(|(name, _)| *name));
            let mut names: Vec<String> = names.map(str::to_owned).collect();
            names.sort();
            names.dedup();
            names
        }
        "theme" => {
            let own = model.settings.themes.iter().map(|(name, _)| name.clone());
            Theme::names().map(str::to_owned).chain(own).collect()
        }
        "sort" => Sort::ALL.iter().map(|sort| sort.as_str().to_owned()).collect(),
        name if matches!(name, "app" | "open")
            || Action::named(name).is_some_and(|action| NAMING.contains(&action)) =>
        {
            let mut names: Vec<String> = model.fleet.keys().map(|key| key.name.to_string()).collect();
            names.sort();
            names
        }
        _ => Vec::new(),
    };
    let fitting: Vec<String> = candidates.into_iter().filter(|name| name.starts_with(word)).take(200).collect();
    let Some(first) = fitting.first() else { return };
    let common = fitting.iter().skip(1).fold(first.clone(), |common, name| {
        common.chars().zip(name.chars()).take_while(|(one, other)| one == other).map(|(c, _)| c).collect()
    });
    let end = if fitting.len() == 1 && before.is_empty() { " " } else { "" };
    let space = if before.is_empty() { "" } else { " " };
    let line = format!("{before}{space}{common}{end}");
    if let Some(prompt) = &mut model.prompt {
        prompt.set_line(&line);
        prompt.offers = if fitting.len() > 1 { fitting } else { Vec::new() };
    }
}
