//! The mouse: the wheel moves, a click selects, a click on what is selected opens it. Nothing is sent by a click.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::apply;
use crate::tui::action::Action;
use crate::tui::message::Effects;
use crate::tui::model::{Model, Screen};
use crate::tui::view::FIRST_ROW;

/// Rows that one step of the wheel moves.
const STEP: usize = 3;

/// Takes in what the mouse did; `false` if it means nothing.
pub(super) fn take(model: &mut Model, event: MouseEvent, effects: &mut Effects) -> bool {
    if model.prompt.is_some() {
        return false;
    }
    let (down, up) =
        if model.dialog.is_some() { (Action::ScrollDown, Action::ScrollUp) } else { (Action::Down, Action::Up) };
    model.settle();
    match event.kind {
        MouseEventKind::ScrollDown => (0..STEP).for_each(|_| apply::action(model, down, effects)),
        MouseEventKind::ScrollUp => (0..STEP).for_each(|_| apply::action(model, up, effects)),
        MouseEventKind::Down(MouseButton::Left) if model.dialog.is_none() => return click(model, event.row, effects),
        _ => return false,
    }
    true
}

fn click(model: &mut Model, row: u16, effects: &mut Effects) -> bool {
    let last = model.size.1.saturating_sub(1);
    if !matches!(model.screen(), Screen::Applications) || row >= last {
        return false;
    }
    let Some(place) = row.checked_sub(FIRST_ROW).map(|row| usize::from(row) + model.fleet.top) else { return false };
    if place >= model.fleet.shown() {
        return false;
    }
    if place == model.fleet.cursor() {
        apply::action(model, Action::Open, effects);
    } else {
        model.fleet.select(place);
    }
    true
}
