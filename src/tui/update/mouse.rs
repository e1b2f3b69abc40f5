//! The mouse: the wheel moves what is under it, a click selects, a click on what is selected opens or presses it. So no
//! single click sends anything: the button of a request has to have the focus first. What is under a dialog is not to
//! be had, and a click beside it does nothing.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::{apply, dialogs, logs, motion, pages, waiting};
use crate::tui::action::Action;
use crate::tui::message::Effects;
use crate::tui::model::{Field, Model, Screen, Sort};
use crate::tui::view::{Spot, spot};

/// Rows that one step of the wheel moves.
const STEP: usize = 3;

/// Takes in what the mouse did; `false` if it means nothing.
pub(super) fn take(model: &mut Model, event: MouseEvent, effects: &mut Effects) -> bool {
    if model.prompt.is_some() {
        return false;
    }
    model.settle();
    let forward = match event.kind {
        MouseEventKind::ScrollDown => true,
        MouseEventKind::ScrollUp => false,
        MouseEventKind::Down(MouseButton::Left) => {
            waiting::give_up(model, effects);
            let Some(spot) = spot(model, event.column, event.row) else { return false };
            return click(model, spot, effects);
        }
        _ => return false,
    };
    let spot = spot(model, event.column, event.row);
    wheel(model, spot.as_ref(), forward, effects)
}

fn wheel(model: &mut Model, spot: Option<&Spot>, forward: bool, effects: &mut Effects) -> bool {
    if model.dialog.is_some() {
        if !matches!(spot, Some(Spot::Dialog | Spot::Field(_))) {
            return false;
        }
        dialogs::action(model, if forward { Action::ScrollDown } else { Action::ScrollUp }, effects);
        return true;
    }
    let step = if forward { Action::Down } else { Action::Up };
    match spot {
        Some(Spot::Task(task)) => motion::within(model, task.phase, forward, effects),
        Some(Spot::Phase(phase)) => motion::within(model, *phase, forward, effects),
        // The last lines are all there: those before them are in the log itself.
        Some(Spot::Tail) if forward => return false,
        Some(Spot::Tail) => {
            apply::action(model, Action::Logs, effects);
            if !matches!(model.screen(), Screen::Log) {
                return true;
            }
            (0..STEP).for_each(|_| apply::action(model, step, effects));
        }
        Some(Spot::Told) => motion::scroll_told(model, forward, STEP),
        _ => (0..STEP).for_each(|_| apply::action(model, step, effects)),
    }
    true
}

fn click(model: &mut Model, spot: Spot, effects: &mut Effects) -> bool {
    match (spot, model.dialog.is_some()) {
        (Spot::Field(field), true) => press(model, field, effects),
        (Spot::Hint(action), _) => apply::action(model, action, effects),
        (_, true) | (Spot::Told | Spot::Dialog | Spot::Field(_), false) => return false,
        (Spot::Application(key), false) => {
            if model.fleet.selected.as_ref() == Some(&key) {
                apply::action(model, Action::Open, effects);
            } else {
                let place = model.fleet.shown_keys().position(|own| *own == key);
                model.fleet.touched = true;
                model.fleet.select(place.unwrap_or_default());
            }
        }
        (Spot::Column(sort), false) => sort_by(model, sort),
        (Spot::Phase(phase), false) => motion::first_of(model, phase, effects),
        (Spot::Task(task), false) => {
            if model.app_screen().is_some_and(|screen| screen.cursor.as_ref() == Some(&task)) {
                apply::action(model, Action::OpenLog, effects);
            } else if let Some(screen) = model.app_screen_mut() {
                (screen.follow, screen.cursor) = (false, Some(task));
                logs::follow(model, effects);
            }
        }
        (Spot::Tail, false) => apply::action(model, Action::Logs, effects),
        (Spot::Row(id), false) => {
            if pages::selected(model).as_ref() == Some(&id) {
                apply::action(model, Action::PageOpen, effects);
            } else {
                pages::select(model, &id);
            }
        }
        (Spot::Entry(key), false) => {
            if model.targets() == [key.clone()] {
                apply::action(model, Action::ApprovalOpen, effects);
            } else {
                super::approvals::select(model, &key);
            }
        }
    }
    true
}

/// A field or button of the dialog. What sends something takes the focus first.
fn press(model: &mut Model, field: Field, effects: &mut Effects) {
    let Some(dialog) = &mut model.dialog else { return };
    let had_focus = dialog.field() == field;
    let Some(place) = dialog.fields.iter().position(|own| *own == field) else { return };
    let left_from = dialog.field();
    dialog.focus = place;
    let is_text = dialog.text(field).is_some();
    if left_from != field {
        dialogs::left(model, left_from, effects);
    }
    let presses = match field {
        Field::Choice(_) => had_focus,
        _ => !is_text,
    };
    if presses {
        dialogs::action(model, Action::Press, effects);
    }
}

/// Sorts by a column; by the same once more: the other way round.
fn sort_by(model: &mut Model, sort: Sort) {
    if model.fleet.sort == sort {
        model.fleet.reversed = !model.fleet.reversed;
    } else {
        model.fleet.sort = sort;
    }
    model.fleet.touch();
}
