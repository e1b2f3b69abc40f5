//! Keys: to the prompt, to the text field of a dialog, or through the keymap to an action.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};

use super::{apply, approvals, command, dialogs, fields, pages, waiting};
use crate::tui::action::Action;
use crate::tui::keymap::{Key, Meaning};
use crate::tui::message::{Effect, Effects};
use crate::tui::model::{Filter, Model, Prompt, PromptKind};

/// Takes in a key.
pub(super) fn key(model: &mut Model, event: KeyEvent, effects: &mut Effects) {
    if event.kind == KeyEventKind::Release {
        return;
    }
    model.settle();
    waiting::give_up(model, effects);
    let key = Key::from(event);
    if model.prompt.is_some() {
        prompt(model, event, effects);
        return;
    }
    if fields::types(model, key) {
        fields::typed(model, event, effects);
        return;
    }
    model.pending.push(key);
    match model.settings.keymap.meaning(&model.pending, model.contexts()) {
        Meaning::Action(action) => {
            model.pending.clear();
            if model.dialog.is_some() && action == Action::Press && key.typed() == Some(' ') {
                dialogs::space(model, effects);
            } else {
                apply::action(model, action, effects);
            }
        }
        Meaning::Begin(_) => {}
        Meaning::Nothing => {
            let is_chord = model.pending.len() > 1;
            model.pending.clear();
            // Quitting is possible everywhere, also where a dialog takes all other keys.
            if model.settings.keymap.meaning(&[key], &[crate::tui::action::Context::Everywhere])
                == Meaning::Action(Action::Quit)
            {
                apply::action(model, Action::Quit, effects);
            } else if model.dialog.is_some() && key.typed().is_some() {
                // Somebody may believe that it is a field that has the focus.
                model.key_was_pressed();
                model.complain(format!(
                    "{key} is not typed anywhere; {} leads to the fields",
                    model.settings.keymap.key(Action::FieldNext)
                ));
            } else if event.code != KeyCode::Esc && (is_chord || model.dialog.is_none()) {
                model.complain(format!(
                    "{key} means nothing here; {} shows what does",
                    model.settings.keymap.key(Action::Help)
                ));
            }
        }
    }
}

/// Takes in pasted text: only where text is typed, and never as keys.
pub(super) fn paste(model: &mut Model, text: &str, effects: &mut Effects) {
    let line: String = text.chars().filter(|c| !c.is_control()).take(1000).collect();
    if let Some(prompt) = &mut model.prompt {
        prompt.text.insert_str(&line);
        typed(model);
    } else if model.dialog.is_some() {
        fields::pasted(model, &line, effects);
    }
}

/// Ends.
pub(super) fn quit(model: &mut Model, effects: &mut Effects) {
    model.quitting = true;
    effects.push(Effect::Quit);
}

/// Opens the prompt.
pub(super) fn open_prompt(model: &mut Model, kind: PromptKind, text: &str) {
    model.prompt = Some(Prompt::new(kind, text, model.commands.len()));
}

fn prompt(model: &mut Model, event: KeyEvent, effects: &mut Effects) {
    let Some(prompt) = &mut model.prompt else { return };
    let is_ctrl = event.modifiers.contains(crossterm::event::KeyModifiers::CONTROL);
    match event.code {
        KeyCode::Esc => give_up(model),
        KeyCode::Char('c' | 'g') if is_ctrl => give_up(model),
        // Nothing to take back: of a filter that is, what was there before. The prompt stays, so that no letter that
        // follows is taken for a key.
        KeyCode::Backspace if prompt.line().is_empty() => {
            prompt.before.clear();
            typed(model);
        }
        KeyCode::Up if prompt.kind == PromptKind::Filter => {
            let before = prompt.before.clone();
            prompt.set_line(&before);
            typed(model);
        }
        KeyCode::Enter => {
            let (kind, line) = (prompt.kind, prompt.line());
            model.prompt = None;
            match kind {
                PromptKind::Filter | PromptKind::PageFilter | PromptKind::LogFilter => {}
                PromptKind::Search => apply::search(model, &line),
                PromptKind::TextSearch => pages::search(model, &line),
                PromptKind::Defer => approvals::defer(model, &line, effects),
                PromptKind::Command => command::run(model, &line, effects),
            }
        }
        KeyCode::Tab if prompt.kind == PromptKind::Command => command::complete(model),
        KeyCode::Up | KeyCode::Down if prompt.kind == PromptKind::Command => {
            let place = if event.code == KeyCode::Up {
                prompt.place.saturating_sub(1)
            } else {
                (prompt.place + 1).min(model.commands.len())
            };
            prompt.place = place;
            let line = model.commands.get(place).cloned().unwrap_or_default();
            prompt.set_line(&line);
        }
        _ => {
            if let Some(prompt) = &mut model.prompt {
                prompt.offers.clear();
                // One line: what would make a second one is left out.
                prompt.text.input_without_shortcuts(event);
                basic_edit(prompt, event);
            }
            typed(model);
        }
    }
}

/// The few keys of a line editor that fingers know.
fn basic_edit(prompt: &mut Prompt, event: KeyEvent) {
    use tui_textarea::CursorMove;
    let is_ctrl = event.modifiers.contains(crossterm::event::KeyModifiers::CONTROL);
    match event.code {
        KeyCode::Char('u') if is_ctrl => prompt.set_line(""),
        KeyCode::Char('w') if is_ctrl => {
            prompt.text.delete_word();
        }
        KeyCode::Char('a') if is_ctrl => prompt.text.move_cursor(CursorMove::Head),
        KeyCode::Char('e') if is_ctrl => prompt.text.move_cursor(CursorMove::End),
        KeyCode::Left => prompt.text.move_cursor(CursorMove::Back),
        KeyCode::Right => prompt.text.move_cursor(CursorMove::Forward),
        KeyCode::Home => prompt.text.move_cursor(CursorMove::Head),
        KeyCode::End => prompt.text.move_cursor(CursorMove::End),
        _ => {}
    }
}

/// What is shown while it is typed.
fn typed(model: &mut Model) {
    let Some(prompt) = &model.prompt else { return };
    let (line, prompt_kind) = (prompt.line(), prompt.kind);
    match prompt_kind {
        PromptKind::Filter => set_filter(model, &line),
        PromptKind::Search => {
            if let Some(screen) = model.app_screen_mut() {
                screen.look.search = line;
            }
        }
        PromptKind::PageFilter | PromptKind::LogFilter | PromptKind::TextSearch => set_other(model, prompt_kind, line),
        PromptKind::Command | PromptKind::Defer => {}
    }
}

/// What is shown of a list about an application, of a log, or found in a text.
pub(super) fn set_other(model: &mut Model, kind: PromptKind, line: String) {
    match kind {
        PromptKind::PageFilter => {
            if let Some(page) = model.page_mut() {
                page.filter = line;
            }
        }
        PromptKind::LogFilter => {
            if let Some(screen) = model.app_screen_mut() {
                (screen.look.filter, screen.look.top, screen.look.current) = (line, None, None);
            }
        }
        _ => {
            if let Some(text) = model.text_mut() {
                text.search = line;
            }
        }
    }
}

pub(super) fn set_filter(model: &mut Model, line: &str) {
    model.fleet.filter = Filter::parse(line, model.fleet.filter.faults);
    model.fleet.touch();
    model.settle();
}

fn give_up(model: &mut Model) {
    let Some(prompt) = model.prompt.take() else { return };
    match prompt.kind {
        PromptKind::Filter => set_filter(model, &prompt.before),
        PromptKind::Search => {
            if let Some(screen) = model.app_screen_mut() {
                screen.look.search = prompt.before;
            }
        }
        kind @ (PromptKind::PageFilter | PromptKind::LogFilter | PromptKind::TextSearch) => {
            set_other(model, kind, prompt.before);
        }
        PromptKind::Command | PromptKind::Defer => {}
    }
}
