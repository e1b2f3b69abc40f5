//! Which message goes where.

use super::{answers, dialogs, fields, input, live, logs, mouse, pages};
use crate::tui::message::{Effect, Effects, Message};
use crate::tui::model::{Connection, Model};

/// Takes in what happened, and says what is to be done. Pure: no input or output, no clock.
pub fn update(model: &mut Model, message: Message) -> Effects {
    let mut effects = Effects { list: Vec::new(), dirty: true };
    match message {
        Message::Now(now) => {
            model.now = now;
            effects.dirty = false;
        }
        Message::Tick => model.notice_ages(),
        Message::Key(key) => input::key(model, key, &mut effects),
        Message::Mouse(event) => effects.dirty = mouse::take(model, event, &mut effects),
        Message::Paste(text) => input::paste(model, &text, &mut effects),
        Message::Resize(columns, rows) => model.size = (columns, rows),
        Message::Preparing(what) => model.connection = Connection::Preparing(what),
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
        Message::Names { key, source, answer } => fields::named(model, &key, source, answer, &mut effects),
        Message::Deferrals(Ok(deferrals)) => model.deferrals = deferrals,
        Message::Deferrals(Err(error)) => model.alert(format!("what was put off is not known: {error}")),
        Message::Saved(Ok(path)) => model.say(format!("saved to {path}")),
        Message::Saved(Err(error)) => model.alert(error),
        Message::OwnLog(lines) => {
            model.own_log = lines;
            pages::refresh(model, None);
        }
        Message::Resumed => effects.push(Effect::Resume),
        Message::Terminate => input::quit(model, &mut effects),
    }
    effects
}
