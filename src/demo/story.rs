//! What a demo's scenario says beside the world: repositories, commits over time, applications, what was deployed of
//! them before, and when they are synced. The README explains the file for those who write one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

use crate::domain::scenario::reader::{Fields, Node, Problems, read_document};
use crate::domain::scenario::{Scenario, ScenarioError, World};

/// Applications of one entry at most, and of a story.
const MOST_COPIES: i64 = 10_000;
/// The shortest time between two repetitions of a commit.
const SHORTEST_PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// A scenario, ready to be played.
#[derive(Debug, Clone, Default)]
pub(super) struct Story {
    pub(super) world: World,
    pub(super) repositories: Vec<Repository>,
    pub(super) commits: Vec<LaterCommit>,
    /// Copies are applications of their own.
    pub(super) applications: Vec<Application>,
}

/// A Git repository with its history, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Repository {
    pub(super) name: String,
    pub(super) commits: Vec<Commit>,
}

/// One commit.
#[derive(Debug, Clone, Default)]
pub(super) struct Commit {
    pub(super) message: String,
    pub(super) author: String,
    /// A tag that is put on it; empty for none.
    pub(super) tag: String,
    /// How long before the start.
    pub(super) ago: SignedDuration,
    /// Files with their content.
    pub(super) files: BTreeMap<String, String>,
    /// Files that are deleted.
    pub(super) remove: Vec<String>,
}

/// A commit that is made while the demo runs.
#[derive(Debug, Clone)]
pub(super) struct LaterCommit {
    /// When, from the start.
    pub(super) at: Duration,
    /// Again and again, after this pause; `{n}` in message and files is the number of the repetition.
    pub(super) every: Option<Duration>,
    pub(super) repository: String,
    pub(super) commit: Commit,
}

/// An application.
#[derive(Debug, Clone)]
pub(super) struct Application {
    pub(super) name: String,
    pub(super) project: String,
    pub(super) repository: String,
    pub(super) path: String,
    /// `targetRevision`.
    pub(super) revision: String,
    pub(super) labels: BTreeMap<String, String>,
    /// Namespace it goes to.
    pub(super) namespace: String,
    /// `spec.syncPolicy`, as Argo CD has it.
    pub(super) sync_policy: Value,
    /// What was deployed before the story begins, oldest first. The last is what lives in the cluster.
    pub(super) history: Vec<Deployment>,
    pub(super) syncs: Vec<Sync>,
}

/// A sync that ended well before the story begins.
#[derive(Debug, Clone)]
pub(super) struct Deployment {
    /// The tag of the commit.
    pub(super) tag: String,
    /// How long before the start.
    pub(super) ago: SignedDuration,
    /// Who; empty for automated sync.
    pub(super) by: String,
}

/// A sync that somebody asks for.
#[derive(Debug, Clone)]
pub(super) struct Sync {
    /// When, from the start.
    pub(super) at: Duration,
    /// Who.
    pub(super) by: String,
    /// `operation.sync`, as Argo CD has it.
    pub(super) what: Value,
    /// `operation.retry`, as Argo CD has it.
    pub(super) retry: Value,
}

impl Story {
    /// Reads a scenario; `origin` names the file in errors. Every problem is told at once, with its line.
    pub(super) fn parse(origin: &str, text: &str) -> Result<Self, ScenarioError> {
        let scenario = Scenario::parse(origin, text);
        let story = read_document(origin, text, Self::read);
        match (scenario, story) {
            (Ok(scenario), Ok(story)) => Ok(Self { world: scenario.world, ..story }),
            (Err(mut error), Err(other)) => {
                // A text that is no YAML at all has one and the same problem twice.
                error.problems.extend(other.problems);
                error.problems.sort_by_key(|problem| problem.line);
                error.problems.dedup();
                Err(error)
            }
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        }
    }

    fn read(node: &Node<'_>, problems: &mut Problems) -> Self {
        // Keys that do not belong here were told by whoever read the scenario.
        let mut sections = BTreeMap::new();
        if node.is_mapping() {
            sections.extend(node.entries(&mut Problems::default()));
        }
        let mut list = |name: &str, problems: &mut Problems| -> Vec<Node<'_>> {
            let section = sections.remove(name).filter(|node| !node.value().is_null());
            section.map(|section| section.list(problems)).unwrap_or_default()
        };
        let repositories: Vec<Repository> =
            list("repositories", problems).iter().filter_map(|node| Repository::read(node, problems)).collect();
        let knows = Known {
            repositories: repositories
                .iter()
                .map(|repository| {
                    let tags = repository.commits.iter().map(|commit| commit.tag.clone());
                    (repository.name.clone(), tags.filter(|tag| !tag.is_empty()).collect())
                })
                .collect(),
        };
        let commits =
            list("commits", problems).iter().filter_map(|node| LaterCommit::read(node, &knows, problems)).collect();
        let mut applications: Vec<Application> = Vec::new();
        let mut names = BTreeSet::new();
        for node in list("applications", problems) {
            for application in Application::read(&node, &knows, problems) {
                if !names.insert(application.name.clone()) {
                    node.refuse(problems, format!("there are two applications named {}", application.name));
                    break;
                }
                applications.push(application);
            }
        }
        Self { world: World::default(), repositories, commits, applications }
    }
}

/// The repositories, each with its tags.
struct Known {
    repositories: BTreeMap<String, BTreeSet<String>>,
}

impl Known {
    fn repository(&self, fields: &Fields<'_>, problems: &mut Problems) -> Option<String> {
        let node = fields.need(problems, "repository")?;
        let name = node.text(problems)?;
        if !self.repositories.contains_key(&name) {
            let known: Vec<&str> = self.repositories.keys().map(String::as_str).collect();
            let known =
                if known.is_empty() { "there is none".to_owned() } else { format!("there are: {}", known.join(", ")) };
            node.refuse(problems, format!("there is no repository {name}; {known}"));
        }
        Some(name)
    }
}

impl Repository {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let fields = node.fields(problems, &["name", "commits"])?;
        let name = fields.need(problems, "name")?;
        let text = name.text(problems)?;
        if text.is_empty() || text.starts_with(['.', '-']) || !text.chars().all(is_plain) {
            name.refuse(problems, "expected a name of letters, digits, - _ and .");
        }
        let commits = fields.list(problems, "commits");
        let commits: Vec<Commit> = commits.iter().filter_map(|node| Commit::read(node, problems)).collect();
        if commits.is_empty() {
            node.refuse(problems, "a repository needs a commit");
        }
        Some(Self { name: text, commits })
    }
}

impl Commit {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let fields = node.fields(problems, &["message", "author", "tag", "ago", "files", "remove"])?;
        let message = fields.need(problems, "message").and_then(|node| node.text(problems)).unwrap_or_default();
        let author = fields.get("author");
        let name = author.as_ref().and_then(|node| node.text(problems)).unwrap_or_else(|| "Ada".to_owned());
        if let Some(node) = author.filter(|_| name.trim().is_empty() || name.contains(['<', '>', '\n', '\0'])) {
            node.refuse(problems, "expected a name without < and >");
        }
        let tag = fields.text(problems, "tag");
        if let Some(node) = fields.get("tag").filter(|_| tag.starts_with(['.', '-']) || !tag.chars().all(is_plain)) {
            node.refuse(problems, "expected a tag of letters, digits, - _ and .");
        }
        let mut files = BTreeMap::new();
        for (path, content) in fields.get("files").map(|node| node.entries(problems)).unwrap_or_default() {
            check_path(&path, &content, problems);
            files.insert(path, content.text(problems).unwrap_or_default());
        }
        let mut remove = Vec::new();
        for node in fields.list(problems, "remove") {
            if let Some(path) = node.text(problems) {
                check_path(&path, &node, problems);
                remove.push(path);
            }
        }
        let ago = fields.duration(problems, "ago").unwrap_or_default();
        Some(Self { message, author: name, tag, ago, files, remove })
    }

    /// The same commit for the `n`th time.
    pub(super) fn numbered(&self, n: usize) -> Self {
        let number = n.to_string();
        let fill = |text: &String| text.replace("{n}", &number);
        Self {
            message: fill(&self.message),
            files: self.files.iter().map(|(path, content)| (path.clone(), fill(content))).collect(),
            ..self.clone()
        }
    }
}

const fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

fn check_path(path: &str, node: &Node<'_>, problems: &mut Problems) {
    let is_inside = !path.is_empty()
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(part) if part != ".git"))
        && !path.ends_with('/');
    if !is_inside || path.contains(|c: char| c.is_control() || c == '"' || c == '\\') {
        node.refuse(problems, format!("{path:?} is no path of a file within the repository"));
    }
}

impl LaterCommit {
    fn read(node: &Node<'_>, known: &Known, problems: &mut Problems) -> Option<Self> {
        let fields = node.fields(problems, &["at", "every", "repository", "commit"])?;
        let every = fields.duration(problems, "every");
        if let Some(node) = fields.get("every").filter(|_| every.is_some_and(|pause| pause < SHORTEST_PAUSE)) {
            node.refuse(problems, "expected at least 1s");
        }
        let at = fields.need(problems, "at").and_then(|node| node.duration(problems));
        let commit = fields.need(problems, "commit").and_then(|node| Commit::read(&node, problems));
        Some(Self {
            at: at.map(length).unwrap_or_default(),
            every: every.map(length),
            repository: known.repository(&fields, problems)?,
            commit: commit?,
        })
    }
}

impl Application {
    /// One application, or as many as there are copies of it.
    fn read(node: &Node<'_>, known: &Known, problems: &mut Problems) -> Vec<Self> {
        Self::read_one(node, known, problems).unwrap_or_default()
    }

    fn read_one(node: &Node<'_>, known: &Known, problems: &mut Problems) -> Option<Vec<Self>> {
        let fields = node.fields(
            problems,
            &[
                "name",
                "project",
                "repository",
                "path",
                "revision",
                "labels",
                "namespace",
                "syncPolicy",
                "history",
                "syncs",
                "copies",
            ],
        )?;
        let name = fields.need(problems, "name")?.text(problems)?;
        let repository = known.repository(&fields, problems)?;
        let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
        let mut labels = BTreeMap::new();
        for (key, node) in fields.get("labels").map(|node| node.entries(problems)).unwrap_or_default() {
            labels.insert(key, node.text(problems).unwrap_or_default());
        }
        let tags = known.repositories.get(&repository);
        let history = fields.list(problems, "history");
        let syncs = fields.list(problems, "syncs");
        let one = Self {
            project: or(fields.text(problems, "project"), "default"),
            path: fields.need(problems, "path").and_then(|node| node.text(problems)).unwrap_or_default(),
            revision: or(fields.text(problems, "revision"), "main"),
            labels,
            namespace: or(fields.text(problems, "namespace"), &name),
            sync_policy: json(&fields, problems, "syncPolicy"),
            history: history.iter().filter_map(|node| Deployment::read(node, tags, problems)).collect(),
            syncs: syncs.iter().filter_map(|node| Sync::read(node, problems)).collect(),
            name,
            repository,
        };
        let copies = fields.get("copies").and_then(|node| node.number(problems, 1, MOST_COPIES));
        let Some(copies) = copies else { return Some(vec![one]) };
        if !one.name.contains("{n}") {
            node.refuse(problems, "the name of an application with copies must hold {n}, the number of the copy");
            return None;
        }
        Some((1..=copies).map(|n| one.numbered(n)).collect())
    }

    fn numbered(&self, n: i64) -> Self {
        let fill = |text: &String| text.replace("{n}", &n.to_string());
        Self {
            name: fill(&self.name),
            namespace: fill(&self.namespace),
            path: fill(&self.path),
            labels: self.labels.iter().map(|(key, value)| (key.clone(), fill(value))).collect(),
            ..self.clone()
        }
    }
}

impl Deployment {
    fn read(node: &Node<'_>, tags: Option<&BTreeSet<String>>, problems: &mut Problems) -> Option<Self> {
        let fields = node.fields(problems, &["tag", "ago", "by"])?;
        let tag = fields.need(problems, "tag")?;
        let name = tag.text(problems)?;
        if tags.is_some_and(|tags| !tags.contains(&name)) {
            tag.refuse(problems, format!("no commit of the repository has the tag {name}"));
        }
        let ago = fields.duration(problems, "ago").unwrap_or_default();
        Some(Self { tag: name, ago, by: fields.text(problems, "by") })
    }
}

impl Sync {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let fields = node.fields(problems, &["at", "by", "sync", "retry"])?;
        Some(Self {
            at: fields.need(problems, "at").and_then(|node| node.duration(problems)).map(length).unwrap_or_default(),
            by: fields.text(problems, "by"),
            what: json(&fields, problems, "sync"),
            retry: json(&fields, problems, "retry"),
        })
    }
}

/// A field as Argo CD has it; null where it is missing.
fn json(fields: &Fields<'_>, problems: &mut Problems, name: &str) -> Value {
    let Some(node) = fields.get(name) else { return Value::Null };
    if !node.is_mapping() {
        node.refuse(problems, "expected a mapping, as Argo CD has it");
        return Value::Null;
    }
    serde_json::to_value(node.value()).unwrap_or_else(|error| {
        node.refuse(problems, format!("cannot be written as JSON: {error}"));
        Value::Null
    })
}

/// Durations that were read are not negative.
fn length(duration: SignedDuration) -> Duration {
    duration.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(sections: &str) -> Result<Story, Vec<String>> {
        let text = format!("apiVersion: boathook.dev/v1\nkind: Scenario\nname: t\n{sections}");
        Story::parse("t.yaml", &text).map_err(|error| error.problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_problem_is_told_with_its_line() {
        let problems = parse(
            "world: {podz: []}\nrepositories:\n- name: ../up\n  commits:\n  - {message: m, author: 'A <a>', files: {../x: y}}\n\
             commits:\n- {at: soon, repository: none, commit: {message: m}}\n\
             applications:\n- {name: a, repository: none, path: p, copies: 2}\n- {name: b, repository: ../up, path: p, history: [{tag: v1}]}\n\
             - {name: b, repository: ../up, path: p, sync: []}\n",
        )
        .unwrap_err();
        for part in [
            "line 4: world.podz: unknown key",
            "line 6: repositories[0].name: expected a name of letters",
            "line 8: repositories[0].commits[0].author: expected a name without",
            "\"../x\" is no path of a file within the repository",
            "line 10: commits[0].at: expected a duration",
            "commits[0].repository: there is no repository none; there are: ../up",
            "applications[0].repository: there is no repository none",
            "applications[0]: the name of an application with copies must hold {n}",
            "applications[1].history[0].tag: no commit of the repository has the tag v1",
            "line 14: applications[2].sync: unknown key",
            "applications[2]: there are two applications named b",
        ] {
            assert!(problems.iter().any(|problem| problem.contains(part)), "{part:?} is not in {problems:#?}");
        }
    }

    #[test]
    fn what_is_no_yaml_is_told_once() {
        assert_eq!(Story::parse("t.yaml", "a: [").unwrap_err().problems.len(), 1);
    }

    #[test]
    fn copies_are_applications_of_their_own() {
        let story = parse(
            "repositories: [{name: r, commits: [{message: m, tag: v1}]}]\n\
             applications:\n- {name: 'a-{n}', repository: r, path: p, labels: {shard: '{n}'}, copies: 3}\n",
        )
        .unwrap();
        let names: Vec<&str> = story.applications.iter().map(|application| application.name.as_str()).collect();
        assert_eq!(names, ["a-1", "a-2", "a-3"]);
        assert_eq!(story.applications[2].namespace, "a-3");
        assert_eq!(story.applications[2].labels["shard"], "3");
    }
}
