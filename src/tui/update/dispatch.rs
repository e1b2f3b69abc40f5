//! Which message goes where.

use super::{answers, dialogs, input, live, logs, mouse};
use crate::tui::message::{Effect, Effects, Message};
use crate::tui::model::{Connection, Model, NOTICE_SECONDS};

/// Takes in what happened, and says what is to be done. Pure: no input or output, no clock.
pub fn update(model: &mut Model, message: Message) -> Effects {
    let mut effects = Effects { list: Vec::new(), dirty: true };
    match message {
        Message::Now(now) => {
            model.now = now;
            effects.dirty = false;
        }
        Message::Tick => {
            let now = model.now;
            let is_over = |at: jiff::Timestamp, seconds| now.as_second() - at.as_second() > seconds;
            if model.notice.as_ref().is_some_and(|notice| is_over(notice.at, NOTICE_SECONDS)) {
                model.notice = None;
            }
        }
        Message::Key(key) => input::key(model, key, &mut effects),
        Message::Mouse(event) => effects.dirty = mouse::take(model, event, &mut effects),
        Message::Paste(text) => input::paste(model, &text, &mut effects),
        Message::Resize(columns, rows) => model.size = (columns, rows),
        Message::Connected(cluster) => {
            model.cluster = cluster;
            model.connection = Connection::Started;
            // A new live view knows nothing of what is on the screen.
            model.told_shown.clear();
            for (key, details) in &model.details {
                effects.list.extend((0..details.open).map(|_| Effect::Open(key.clone())));
            }
        }
        Message::ConnectFailed(error) => model.connection = Connection::Failed(error),
        Message::Live(event) => effects.dirty = live::take(model, *event, &mut effects),
        Message::LiveEnded => model.connection = Connection::Ended,
        Message::Previewed { dialog, choice, key, answer } => dialogs::previewed(model, dialog, choice, &key, *answer),
        Message::Log { stream, message } => effects.dirty = logs::take(model, stream, message),
        Message::History { key, answer } => answers::history(model, &key, answer),
        Message::Object { key, object, answer } => answers::object(model, &key, object, answer),
        Message::Names { key, answer } => dialogs::named(model, &key, answer),
        Message::Deferrals(Ok(deferrals)) => model.deferrals = deferrals,
        Message::Deferrals(Err(error)) => model.complain(format!("what was put off is not known: {error}")),
        Message::Saved(Ok(path)) => model.say(format!("saved to {path}")),
        Message::Saved(Err(error)) => model.complain(error),
        Message::Resumed => effects.push(Effect::Resume),
        Message::Terminate => input::quit(model, &mut effects),
    }
    effects
}
