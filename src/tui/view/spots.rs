//! What is where on the screen, for the mouse. It is found by drawing: what a click means is what is seen there.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::root::onto;
use crate::domain::application::AppKey;
use crate::domain::timeline::{TaskKey, TaskPhase};
use crate::tui::action::Action;
use crate::tui::model::{Field, Model, RowId, Sort};

/// Something that can be clicked on, or over which the wheel means something of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) enum Spot {
    /// A row of the list of applications.
    Application(AppKey),
    /// The heading of a column.
    Column(Sort),
    /// A phase of an application.
    Phase(TaskPhase),
    /// A task in it.
    Task(TaskKey),
    /// The last lines of the log, below an application.
    Tail,
    /// A row of a list about an application.
    Row(RowId),
    /// An entry of the queue of approvals.
    Entry(AppKey),
    /// What is told of the entry.
    Told,
    /// A dialog, where it has no field.
    Dialog,
    /// A field or button of a dialog.
    Field(Field),
    /// A key of the last line, with what it does.
    Hint(Action),
}

/// What is at this place; `None`: nothing of its own.
pub(in crate::tui) fn spot(model: &Model, column: u16, row: u16) -> Option<Spot> {
    let area = Rect::new(0, 0, model.size.0, model.size.1);
    let mut spots = Vec::new();
    onto(model, area, &mut Buffer::empty(area), Some(&mut spots));
    let place = Position { x: column, y: row };
    // What was drawn last lies on top.
    spots.into_iter().rev().find(|(area, _)| area.contains(place)).map(|(_, spot)| spot)
}
