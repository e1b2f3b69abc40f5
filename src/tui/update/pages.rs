//! Lists about one application, and the texts that are opened from them.

use super::apply::{open, push};
use super::input::open_prompt;
use super::logs;
use crate::domain::application::AppKey;
use crate::domain::live::LogFilter;
use crate::domain::manifest::ObjectKey;
use crate::tui::action::Action;
use crate::tui::message::{Effect, Effects};
use crate::tui::model::{Details, Model, Page, PageKind, PromptKind, RowId, Screen, SeenObject, TextAbout, TextScreen};
use crate::tui::view::{page_rows, text_of};

/// Objects that are read one by one when the resources are opened.
const MOST_READ: usize = 60;

/// Does what belongs to these screens; `false` if the action is another's.
pub(super) fn take(model: &mut Model, action: Action, effects: &mut Effects) -> bool {
    match action {
        Action::Git => open_page(model, PageKind::Git, effects),
        Action::Resources => open_page(model, PageKind::Resources, effects),
        Action::History => open_page(model, PageKind::History, effects),
        Action::Events => open_page(model, PageKind::Events, effects),
        Action::Diff => diff(model, effects),
        Action::Yaml => yaml(model, effects),
        Action::Fetch => {
            effects.list.extend(model.targets().into_iter().map(Effect::Fetch));
            model.say("fetching the repositories");
        }
        Action::PageOpen => open_row(model, effects),
        Action::PageMark => mark(model),
        Action::PageFilter => {
            let text = model.page().map(|page| page.filter.clone()).unwrap_or_default();
            open_prompt(model, PromptKind::PageFilter, &text);
        }
        Action::Messages => messages(model, effects),
        Action::TextSearch => {
            let text = model.text_mut().map(|text| text.search.clone()).unwrap_or_default();
            open_prompt(model, PromptKind::TextSearch, &text);
        }
        Action::TextNext => find(model, true),
        Action::TextPrevious => find(model, false),
        Action::TextSave => save(model, effects),
        _ => return false,
    }
    true
}

/// Makes sure that the application's own screen lies below.
fn ground(model: &mut Model, effects: &mut Effects) -> Option<AppKey> {
    let key = model.targets().into_iter().next()?;
    if model.app_screen().is_none_or(|screen| screen.key != key) {
        open(model, key.clone(), effects);
    }
    Some(key)
}

fn open_page(model: &mut Model, kind: PageKind, effects: &mut Effects) {
    let Some(key) = ground(model, effects) else { return };
    while matches!(model.screen(), Screen::Page(_) | Screen::Text(_) | Screen::Log) {
        model.screens.pop();
    }
    model.screens.push(Screen::Page(Box::new(Page::new(key.clone(), kind))));
    match kind {
        PageKind::History => effects.push(Effect::History(key)),
        PageKind::Resources => read_resources(model, &key, effects),
        _ => {}
    }
}

/// Argo CD does not write the health of single resources into the Application: what is not known is read.
fn read_resources(model: &mut Model, key: &AppKey, effects: &mut Effects) {
    let Some(application) = model.details.get(key).and_then(|details| details.application.clone()) else { return };
    let unknown = application.status.resources.iter().filter(|resource| resource.health.is_none() && !resource.hook);
    let wanted: Vec<ObjectKey> = unknown
        .map(|own| ObjectKey::new(own.group.as_str(), own.kind.as_str(), own.namespace.as_str(), own.name.as_str()))
        .take(MOST_READ)
        .collect();
    for object in wanted {
        read(model, key, object, effects);
    }
}

/// Reads an object as it lives.
fn read(model: &mut Model, key: &AppKey, object: ObjectKey, effects: &mut Effects) {
    if let Some(details) = model.details.get_mut(key) {
        let seen = SeenObject { at: None, answer: Ok(None), health: None };
        // What was read before is shown until the answer comes.
        details.objects.entry(object.clone()).or_insert(seen);
    }
    effects.push(Effect::Object { key: key.clone(), object });
}

/// The row that is selected.
pub(super) fn selected(model: &Model) -> Option<RowId> {
    let Screen::Page(page) = model.screen() else { return None };
    let rows = page_rows(model, page);
    page.selected(&rows).map(|(_, id)| id.clone())
}

/// Moves through a list.
pub(super) fn moved(model: &mut Model, to: impl Fn(usize, usize) -> usize) {
    let Screen::Page(page) = model.screen() else { return };
    let rows = page_rows(model, page);
    let ids: Vec<RowId> = rows.iter().filter_map(|row| row.id.clone()).collect();
    let at = page.selected(&rows).and_then(|(_, id)| ids.iter().position(|own| own == id)).unwrap_or_default();
    let place = to(at, ids.len());
    if let Some(page) = model.page_mut() {
        page.place = place;
        page.cursor = ids.get(place).cloned();
    }
}

/// Selects a row.
pub(super) fn select(model: &mut Model, id: &RowId) {
    let Screen::Page(page) = model.screen() else { return };
    let place = page_rows(model, page).into_iter().filter_map(|row| row.id).position(|own| own == *id);
    if let (Some(place), Some(page)) = (place, model.page_mut()) {
        (page.place, page.cursor) = (place, Some(id.clone()));
    }
}

fn open_row(model: &mut Model, effects: &mut Effects) {
    let Some(id) = selected(model) else { return };
    let Some(key) = model.page().map(|page| page.key.clone()) else { return };
    match id {
        RowId::Application => open_text(model, key, TextAbout::Yaml(None)),
        RowId::Change(object) => open_text(model, key, TextAbout::Diff(Some(object))),
        RowId::Resource(object) => {
            read(model, &key, object.clone(), effects);
            open_text(model, key, TextAbout::Yaml(Some(object)));
        }
        RowId::Operation(started, retries) => {
            let page = Page::new(key, PageKind::Operation(started, retries));
            model.screens.push(Screen::Page(Box::new(page)));
        }
        RowId::Task(_) => open_kept_log(model, effects),
        id @ (RowId::Commit(_) | RowId::Event(_) | RowId::Deployed(_)) => open_text(model, key, TextAbout::Row(id)),
    }
}

/// The log of the selected hook of an operation that is over.
pub(super) fn open_kept_log(model: &mut Model, effects: &mut Effects) {
    let Some(PageKind::Operation(started, retries)) = model.page().map(|page| page.kind) else { return };
    let Some(RowId::Task(task)) = selected(model) else { return };
    let records = model.page().and_then(|page| model.details.get(&page.key)).map(Details::records).unwrap_or_default();
    let of_operation = records.iter().filter(|record| record.started_at == Some(started));
    let is_last = of_operation.map(|record| record.retry_count).max() == Some(retries);
    let filter = LogFilter {
        phase: Some(task.phase),
        kind: task.object.kind.clone(),
        hook: task.object.name.clone(),
        operation: Some(started),
        all_attempts: !is_last,
        follow: false,
        ..LogFilter::default()
    };
    logs::restart(model, Some(task), filter, false, effects);
    push(model, Screen::Log);
}

fn mark(model: &mut Model) {
    let Some(RowId::Resource(object)) = selected(model) else {
        return model.complain("page-mark: only resources can be marked");
    };
    if let Some(page) = model.page_mut()
        && !page.marks.remove(&object)
    {
        page.marks.insert(object);
    }
    moved(model, |place, count| (place + 1).min(count.saturating_sub(1)));
}

fn diff(model: &mut Model, effects: &mut Effects) {
    let selected = selected(model);
    let key = match model.screen() {
        // The queue stays below: its entry is what is looked at.
        Screen::Approvals(_) => model.targets().into_iter().next(),
        _ => ground(model, effects),
    };
    let Some(key) = key else { return };
    let object = match selected {
        Some(RowId::Change(object) | RowId::Resource(object)) => Some(object),
        _ => None,
    };
    open_text(model, key, TextAbout::Diff(object));
}

fn yaml(model: &mut Model, effects: &mut Effects) {
    let selected = selected(model);
    let Some(key) = ground(model, effects) else { return };
    let object = match selected {
        Some(RowId::Change(object) | RowId::Resource(object)) => Some(object),
        Some(RowId::Task(task)) => Some(task.object),
        Some(_) => None,
        None => model.app_screen().and_then(|screen| screen.cursor.as_ref()).map(|task| task.object.clone()),
    };
    if let Some(object) = &object {
        read(model, &key, object.clone(), effects);
    }
    open_text(model, key, TextAbout::Yaml(object));
}

fn open_text(model: &mut Model, key: AppKey, about: TextAbout) {
    model.screens.push(Screen::Text(Box::new(TextScreen::new(key, about))));
    refresh(model, None);
}

/// What the program has said, and its log of itself; opened again it is read again.
fn messages(model: &mut Model, effects: &mut Effects) {
    effects.push(Effect::OwnLog);
    // All of it is read there.
    model.alerts.clear();
    if !matches!(model.screen(), Screen::Text(text) if text.about == TextAbout::Messages) {
        // It is about no application; its name begins the file that it is saved to.
        open_text(model, AppKey::new("", "", "boathook"), TextAbout::Messages);
    }
}

/// Makes the text on the screen anew: something about its application has changed.
pub(super) fn refresh(model: &mut Model, about: Option<&AppKey>) {
    let Screen::Text(text) = model.screen() else { return };
    if about.is_some_and(|key| *key != text.key) {
        return;
    }
    let (title, lines) = text_of(model, &text.key, &text.about);
    if let Some(text) = model.text_mut() {
        text.top = text.top.min(lines.len().saturating_sub(1));
        (text.title, text.lines) = (title, lines);
    }
}

/// Searches for a text from what is on the screen on.
pub(super) fn search(model: &mut Model, wanted: &str) {
    if let Some(text) = model.text_mut() {
        wanted.clone_into(&mut text.search);
        text.current = None;
    }
    if !wanted.is_empty() {
        find(model, true);
    }
}

fn find(model: &mut Model, forward: bool) {
    let height = usize::from(model.size.1);
    let Some(text) = model.text_mut() else { return };
    match text.find(forward) {
        Some(place) => {
            text.current = Some(place);
            text.top = place.saturating_sub(height / 3);
        }
        None => model.complain("no match"),
    }
}

fn save(model: &mut Model, effects: &mut Effects) {
    let time = model.now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let Some(text) = model.text_mut() else { return };
    let what = match &text.about {
        TextAbout::Row(_) => "row",
        TextAbout::Diff(_) => "diff",
        TextAbout::Yaml(_) => "yaml",
        TextAbout::Messages => "messages",
    };
    let mut bytes = Vec::new();
    for place in 0..text.lines.len() {
        bytes.extend_from_slice(text.line(place).trim_end().as_bytes());
        bytes.push(b'\n');
    }
    let name = super::apply::file_name(&format!("{}-{what}-{time}.txt", text.key.name));
    effects.push(Effect::Save { name, bytes });
}
