//! The texts: a commit, an Event, what a sync would change, an object.

use super::git::change_line;
use super::yaml::{colored, diff, yaml};
use crate::domain::application::AppKey;
use crate::domain::live::CommitSummary;
use crate::domain::manifest::ObjectKey;
use crate::domain::text;
use crate::tui::model::{Details, Model, Parts, RowId, TextAbout};
use crate::tui::theme::Role;
use crate::tui::view::applications::short;
use crate::tui::view::times::ago;

/// The title of a text, and its lines.
pub(in crate::tui) fn text(model: &Model, key: &AppKey, about: &TextAbout) -> (String, Vec<Parts>) {
    if *about == TextAbout::Messages {
        return ("boathook  what was said in this session, and its own log, in UTC".to_owned(), messages(model));
    }
    let name = text::one_line(&key.name, 60);
    let Some(details) = model.details.get(key) else { return (name, Vec::new()) };
    match about {
        TextAbout::Diff(object) => {
            let what = object.as_ref().map_or_else(|| "what a sync would change".to_owned(), object_name);
            (format!("{name}  {what}"), differences(details, object.as_ref()))
        }
        TextAbout::Yaml(None) => {
            let lines = details.object.as_ref().map(|object| colored(&yaml(object)));
            (format!("{name}  Application"), lines.unwrap_or_else(|| one(Role::Waiting, "Reading ...")))
        }
        TextAbout::Yaml(Some(object)) => (format!("{name}  {}", object_name(object)), live(model, details, object)),
        TextAbout::Row(id) => (name, of_row(model, details, id)),
        TextAbout::Messages => (name, Vec::new()),
    }
}

/// The latest first: whoever looks here wants to know what has just happened.
fn messages(model: &Model) -> Vec<Parts> {
    let mut lines = vec![vec![(Role::Heading, " What was said".to_owned())]];
    for said in model.said.iter().rev() {
        let (role, sign) = if said.is_bad { (Role::Warning, "!") } else { (Role::Text, " ") };
        let words = text::one_line(&said.text, 1000);
        lines.push(vec![(Role::Dim, format!(" {}", said.at.strftime("%H:%M:%S"))), (role, format!(" {sign} {words}"))]);
    }
    if model.said.is_empty() {
        lines.extend(one(Role::Dim, "nothing"));
    }
    lines.push(Vec::new());
    lines.push(vec![(Role::Heading, " The log of boathook itself".to_owned())]);
    lines.extend(model.own_log.iter().rev().flat_map(|line| one(Role::Text, &text::one_line(line, 2000))));
    if model.own_log.is_empty() {
        lines.extend(one(Role::Dim, "nothing; BOATHOOK_LOG says how much of it there is"));
    }
    lines
}

fn object_name(key: &ObjectKey) -> String {
    text::one_line(&format!("{} {}/{}", key.kind, key.namespace, key.name), 120)
}

fn one(role: Role, words: &str) -> Vec<Parts> {
    vec![vec![(role, format!(" {words}"))]]
}

fn differences(details: &Details, object: Option<&ObjectKey>) -> Vec<Parts> {
    let Some(review) = details.any_review() else {
        return one(Role::Waiting, "The manifests are being rendered ...");
    };
    if let Err(why) = &review.plan {
        return one(Role::Unknown, &format!("What a sync would change is not known: {}", text::one_line(why, 1000)));
    }
    let wanted = |key: &ObjectKey| {
        object.is_none_or(|own| (&own.group, &own.kind, &own.name) == (&key.group, &key.kind, &key.name))
    };
    let mut lines = Vec::new();
    for change in review.changes.iter().filter(|change| wanted(&change.key)) {
        let mut heading = change_line(change);
        for (role, _) in &mut heading {
            *role = if *role == Role::Dim { Role::Dim } else { Role::Heading };
        }
        lines.push(heading);
        lines.extend(diff(change));
        lines.push(Vec::new());
    }
    if lines.is_empty() {
        let commits: Vec<String> = review.commits.iter().map(|commit| short(commit)).collect();
        let words = "Its manifest at the target is what was deployed last";
        lines = one(Role::Dim, &format!("{words} ({}).", commits.join(", ")));
    }
    for what in &review.incomplete {
        lines.extend(one(Role::Unknown, &format!("? {}", text::one_line(what, 400))));
    }
    lines
}

/// An object as it lives; where there is none yet, as Git has it.
fn live(model: &Model, details: &Details, key: &ObjectKey) -> Vec<Parts> {
    let Some(seen) = details.objects.get(key) else { return one(Role::Waiting, "Reading ...") };
    let Some(at) = seen.at else { return one(Role::Waiting, "Reading ...") };
    let read = format!("read {} ago", ago(at, model.now));
    match &seen.answer {
        Ok(Some(object)) => {
            let mut lines = one(Role::Dim, &format!("# as it lives, {read}"));
            if let Some(health) = &seen.health {
                let role = crate::tui::view::applications::health_role(health.status);
                let words = format!("# {} {}", health.status, text::one_line(&health.message, 300));
                lines.extend(one(role, words.trim_end()));
            }
            lines.extend(colored(&yaml(object)));
            lines
        }
        Ok(None) => {
            let mut lines = one(Role::Warning, &format!("# it does not exist in the cluster, {read}"));
            let review = details.any_review();
            let same = |own: &ObjectKey| own.kind == key.kind && own.name == key.name;
            let wanted = review.and_then(|review| review.targets.iter().find(|target| same(&target.key())));
            if let Some(target) = wanted {
                lines.extend(one(Role::Dim, "# as Git has it at the target revision"));
                lines.extend(colored(&yaml(target)));
            }
            lines
        }
        Err(why) => one(Role::Bad, &format!("It cannot be read: {}", text::one_line(why, 1000))),
    }
}

fn of_row(model: &Model, details: &Details, id: &RowId) -> Vec<Parts> {
    match id {
        RowId::Commit(sha) => {
            let sources = details.revisions.iter().flat_map(|revisions| &revisions.sources);
            let mut commits =
                sources.flat_map(|source| source.target.iter().chain(&source.deployed).chain(&source.commits));
            commits.find(|commit| commit.sha == *sha).map(|own| commit(model, own)).unwrap_or_default()
        }
        RowId::Event(uid) => {
            let Some(event) = details.events.get(uid) else { return Vec::new() };
            let mut lines = one(Role::Strong, &text::one_line(&event.reason, 200));
            let when = event.at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default();
            let by = text::one_line(&event.source, 80);
            lines.extend(one(Role::Dim, &format!("{when}  {} times  by {by}", event.count.max(1))));
            lines.extend(text::lines(&event.message, 20_000).lines().flat_map(|line| one(Role::Text, line)));
            lines
        }
        RowId::Deployed(id) => {
            let Some(application) = &details.application else { return Vec::new() };
            let Some(entry) = application.status.history.iter().find(|entry| entry.id == *id) else {
                return Vec::new();
            };
            let revision = if entry.revisions.is_empty() { &entry.revision } else { &entry.revisions.join(", ") };
            let mut lines =
                one(Role::Strong, &format!("entry {} of the history: {}", entry.id, text::one_line(revision, 200)));
            for (word, at) in [("began", entry.deploy_started_at), ("deployed", entry.deployed_at)] {
                if let Some(at) = at {
                    lines.extend(one(Role::Dim, &format!("{word} {}", at.strftime("%Y-%m-%d %H:%M:%S UTC"))));
                }
            }
            let key = model.settings.keymap.key(crate::tui::action::Action::Rollback);
            lines.extend(one(Role::Dim, &format!("{key} deploys it again")));
            lines
        }
        RowId::Resource(key) => {
            let application = details.application.as_ref();
            let own = application.and_then(|application| {
                let is_meant = |own: &&crate::domain::application::ResourceStatus| {
                    own.kind == key.kind && own.name == key.name && own.namespace == key.namespace
                };
                application.status.resources.iter().find(is_meant)
            });
            let message = own.and_then(|own| own.health.as_ref()).map(|health| health.message.clone());
            let read =
                details.objects.get(key).and_then(|seen| seen.health.as_ref()).map(|health| health.message.clone());
            match message.filter(|message| !message.is_empty()).or(read).filter(|message| !message.is_empty()) {
                Some(message) => one(Role::Text, &text::one_line(&message, 2000)),
                None => Vec::new(),
            }
        }
        RowId::Task(task) => {
            let tasks = details.records().iter().rev().flat_map(|record| &record.tasks);
            let mut own = tasks.filter(|own| own.name == task.object.name && own.phase == task.phase.as_str());
            own.next()
                .map(|own| {
                    let words = own.reasons.iter().chain(Some(&own.message)).filter(|text| !text.is_empty());
                    words.flat_map(|text| one(Role::Text, &text::one_line(text, 1000))).collect()
                })
                .unwrap_or_default()
        }
        RowId::Application | RowId::Change(_) | RowId::Operation(..) => Vec::new(),
    }
}

fn commit(model: &Model, commit: &CommitSummary) -> Vec<Parts> {
    let mut lines = one(Role::Key, &format!("commit {}", text::one_line(&commit.sha, 64)));
    if !commit.names.is_empty() {
        lines.extend(one(Role::Dim, &format!("names  {}", text::one_line(&commit.names.join(", "), 300))));
    }
    let when =
        commit.time.map(|time| format!(", {} ago ({})", ago(time, model.now), time.strftime("%Y-%m-%d %H:%M UTC")));
    let author = format!("by     {}{}", text::one_line(&commit.author, 100), when.unwrap_or_default());
    lines.extend(one(Role::Dim, &author));
    lines.push(Vec::new());
    lines.extend(one(Role::Strong, &text::one_line(&commit.subject, 500)));
    if !commit.body.is_empty() {
        lines.push(Vec::new());
        lines.extend(text::lines(&commit.body, 20_000).lines().flat_map(|line| one(Role::Text, line)));
    }
    lines
}
