//! The title of the terminal: what an operator wants to know of a window that lies behind others.

use crate::tui::model::Model;

/// The title as it should be now.
pub(in crate::tui) fn title(model: &Model) -> String {
    let mut title = "boathook".to_owned();
    for word in [model.settings.label.as_str(), &model.cluster] {
        if !word.is_empty() {
            title.push(' ');
            title.push_str(word);
        }
    }
    let totals = &model.fleet.totals;
    let counts = [(totals.failed, "failed"), (totals.syncing, "syncing")];
    let counts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if counts.is_empty() { title } else { format!("{title}: {}", counts.join(", ")) }
}
