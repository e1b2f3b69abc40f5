//! What a demo's scenario says beside the world: repositories, commits over time, applications and when they are synced.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::operation::parse_duration;
use crate::domain::scenario::{Scenario, ScenarioError, World};

/// Why a scenario cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    /// It is no scenario; all its problems.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A section that only the demo reads is wrong.
    #[error("{origin}: {section}: {message}")]
    Section {
        /// The file.
        origin: String,
        /// The section.
        section: &'static str,
        /// What is wrong with it.
        message: String,
    },
}

/// A scenario, ready to be played.
#[derive(Debug, Clone)]
pub(super) struct Story {
    pub(super) world: World,
    pub(super) repositories: Vec<Repository>,
    pub(super) commits: Vec<LaterCommit>,
    pub(super) applications: Vec<Application>,
}

/// A Git repository with its history, oldest first.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Repository {
    pub(super) name: String,
    pub(super) commits: Vec<Commit>,
}

/// One commit.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Commit {
    pub(super) message: String,
    #[serde(default = "author")]
    pub(super) author: String,
    /// How long ago, for example `3h`.
    #[serde(default)]
    pub(super) ago: String,
    /// Files with their content.
    #[serde(default)]
    pub(super) files: BTreeMap<String, String>,
    /// Files that are deleted.
    #[serde(default)]
    pub(super) remove: Vec<String>,
}

/// A commit that is made while the demo runs.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LaterCommit {
    /// When, from the start.
    pub(super) at: String,
    pub(super) repository: String,
    pub(super) commit: Commit,
}

/// An application.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Application {
    pub(super) name: String,
    pub(super) repository: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    /// Namespace it goes to; its name where none is given.
    #[serde(default)]
    pub(super) namespace: String,
    /// `spec.syncPolicy`, as Argo CD has it.
    #[serde(default)]
    pub(super) sync_policy: Value,
    #[serde(default)]
    pub(super) syncs: Vec<Sync>,
}

/// A sync that somebody asks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Sync {
    /// When, from the start.
    pub(super) at: String,
    /// Who.
    #[serde(default)]
    pub(super) by: String,
    /// `operation.sync`, as Argo CD has it.
    #[serde(default, rename = "sync")]
    pub(super) what: Value,
    /// `operation.retry`, as Argo CD has it.
    #[serde(default)]
    pub(super) retry: Value,
}

fn author() -> String {
    "Ada".to_owned()
}

impl Story {
    /// Reads a scenario; `origin` names the file in errors.
    pub(super) fn parse(origin: &str, text: &str) -> Result<Self, StoryError> {
        let scenario = Scenario::parse(origin, text)?;
        let story = Self {
            world: scenario.world,
            repositories: section(origin, "repositories", scenario.repositories)?,
            commits: section(origin, "commits", scenario.commits)?,
            applications: section(origin, "applications", scenario.applications)?,
        };
        let wrong = |section, message: String| StoryError::Section { origin: origin.to_owned(), section, message };
        let knows = |name: &str| story.repositories.iter().any(|repository| repository.name == name);
        for repository in &story.repositories {
            if repository.name.is_empty() || repository.name.contains(['/', '\\']) || repository.name.starts_with('.') {
                return Err(wrong("repositories", format!("{:?} is no name of a folder", repository.name)));
            }
        }
        for application in &story.applications {
            if !knows(&application.repository) {
                let message = format!("{}: there is no repository {}", application.name, application.repository);
                return Err(wrong("applications", message));
            }
            for sync in &application.syncs {
                seconds(&sync.at)
                    .map_err(|message| wrong("applications", format!("{}: {message}", application.name)))?;
            }
        }
        for commit in &story.commits {
            if !knows(&commit.repository) {
                return Err(wrong("commits", format!("there is no repository {}", commit.repository)));
            }
            seconds(&commit.at).map_err(|message| wrong("commits", message))?;
        }
        Ok(story)
    }
}

fn section<T: DeserializeOwned>(origin: &str, section: &'static str, value: Value) -> Result<Vec<T>, StoryError> {
    if value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(Vec::new());
    }
    serde_json::from_value(value).map_err(|error| StoryError::Section {
        origin: origin.to_owned(),
        section,
        message: error.to_string(),
    })
}

/// A length of time in seconds; nothing is none.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    if text.is_empty() {
        return Ok(0.0);
    }
    parse_duration(text)
        .map(|duration| duration.as_secs_f64())
        .map_err(|_| format!("{text:?} is no length of time; they are written 20s, 3m, 2h"))
}
