//! What the screen needs to be told of, by what is on it. Asked for once for each frame, not for each event.

use super::approvals;
use crate::domain::application::AppKey;
use crate::tui::message::{Effect, Effects};
use crate::tui::model::{Model, Screen};

/// What has to be asked for, now that this is on the screen. Call it after the model has settled.
pub fn wants(model: &mut Model) -> Effects {
    let mut effects = Effects::default();
    approvals::settle(model, &mut effects);
    let shown: Vec<AppKey> = match model.screen() {
        Screen::Applications => {
            let height = usize::from(model.size.1.saturating_sub(4));
            model.fleet.window(model.fleet.top, height).map(|row| row.key.clone()).collect()
        }
        // What lies below stays as it was.
        _ => return effects,
    };
    if shown != model.told_shown {
        model.told_shown.clone_from(&shown);
        effects.push(Effect::Show(shown));
    }
    effects
}
