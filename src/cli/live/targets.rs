//! From names, labels and projects to applications.

use super::failure::Failure;
use super::picture::{Known, Picture};
use super::session::{Session, Stop};
use crate::cli::args::TargetArgs;
use crate::cli::exit::Exit;
use crate::domain::application::AppKey;
use crate::domain::labels::LabelSelector;

/// Which applications are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Targets {
    /// Namespace, where one is named, and name.
    names: Vec<(Option<String>, String)>,
    labels: LabelSelector,
    project: Option<String>,
    /// Whether what is named may be missing.
    may_be_missing: bool,
}

/// The applications that were found.
pub(in crate::cli) type Chosen = Vec<AppKey>;

impl Targets {
    /// Of arguments that may name none: then all are meant.
    pub(in crate::cli) fn of(args: &TargetArgs) -> Result<Self, Failure> {
        let labels = LabelSelector::parse(args.selector.as_deref().unwrap_or_default())
            .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        let mut names = Vec::new();
        for name in &args.names {
            let (namespace, own) = name.split_once('/').map_or((None, name.as_str()), |(ns, own)| (Some(ns), own));
            if own.is_empty() || own.contains('/') || namespace == Some("") {
                let line = format!("{name:?} is no application: write NAME or NAMESPACE/NAME");
                return Err(Failure::new(Exit::Usage, line));
            }
            let entry = (namespace.map(str::to_owned), own.to_owned());
            if !names.contains(&entry) {
                names.push(entry);
            }
        }
        Ok(Self { names, labels, project: args.project.clone(), may_be_missing: false })
    }

    /// Of arguments that must say which.
    pub(in crate::cli) fn required(args: &TargetArgs) -> Result<Self, Failure> {
        if args.is_empty() {
            let line = "which applications? name some, or give -l LABELS, -p PROJECT or --all";
            return Err(Failure::new(Exit::Usage, line).advice("boathook get apps"));
        }
        Self::of(args)
    }

    /// What is named may be missing: then it is left out.
    pub(in crate::cli) fn if_there(self) -> Self {
        Self { may_be_missing: true, ..self }
    }

    /// Whether an application is meant.
    pub(in crate::cli) fn matches(&self, key: &AppKey, known: &Known) -> bool {
        let is_named = self.names.is_empty()
            || self.names.iter().any(|(namespace, name)| {
                *name == *key.name && namespace.as_ref().is_none_or(|namespace| **namespace == *key.namespace)
            });
        let by_summary = match known {
            Known::Summary(summary) => {
                self.labels.matches(|name| summary.label(name))
                    && self.project.as_deref().is_none_or(|project| *project == *summary.project)
            }
            // Neither its labels nor its project are known.
            Known::Unreadable(_) => self.labels == LabelSelector::default() && self.project.is_none(),
        };
        is_named && by_summary
    }

    /// Waits for the list, and chooses. What is named must be there, and be one; what is only described may be nothing.
    pub(in crate::cli) async fn choose(&self, session: &mut Session) -> Result<Chosen, Stop> {
        session.until(|picture| picture.is_complete.then_some(())).await?;
        Ok(self.among(&session.picture)?)
    }

    /// As [`choose`](Self::choose), and nothing is not enough.
    pub(in crate::cli) async fn choose_some(&self, session: &mut Session) -> Result<Chosen, Stop> {
        let chosen = self.choose(session).await?;
        if chosen.is_empty() {
            let failure = Failure::new(Exit::NotFound, "no application is meant by this")
                .advice(session.hints.command("get apps --all-namespaces"));
            return Err(failure.into());
        }
        Ok(chosen)
    }

    fn among(&self, picture: &Picture) -> Result<Chosen, Failure> {
        let found: Chosen =
            picture.apps.iter().filter(|(key, known)| self.matches(key, known)).map(|(key, _)| key.clone()).collect();
        for (namespace, name) in &self.names {
            let own = |key: &&AppKey| {
                *key.name == **name && namespace.as_ref().is_none_or(|namespace| **namespace == *key.namespace)
            };
            let all: Vec<&AppKey> = found.iter().filter(own).collect();
            if all.len() > 1 {
                let mut failure = Failure::new(Exit::Usage, format!("several applications are called {name}"));
                for key in all {
                    failure = failure.detail(format!("{}/{}", key.namespace, key.name));
                }
                return Err(failure);
            }
            if all.is_empty() && !self.may_be_missing {
                return Err(missing(picture, namespace.as_deref(), name));
            }
        }
        Ok(found)
    }
}

/// There is no such application.
fn missing(picture: &Picture, namespace: Option<&str>, name: &str) -> Failure {
    let place = match (namespace, &picture.namespace) {
        (Some(namespace), _) => format!("namespace {namespace}"),
        (None, Some(namespace)) => format!("namespace {namespace}"),
        (None, None) => "any namespace".to_owned(),
    };
    let line = format!("there is no application {name} in {place} of {}", picture.cluster);
    let mut failure = Failure::new(Exit::NotFound, line);
    if let Some(near) = picture.apps.keys().find(|key| key.name.contains(name) || name.contains(&*key.name)) {
        failure = failure.detail(format!("there is {}/{}", near.namespace, near.name));
    }
    let looked_elsewhere = matches!((namespace, &picture.namespace), (Some(wanted), Some(own)) if wanted != own);
    if looked_elsewhere || picture.namespace.is_some() {
        failure = failure.advice("the same with --all-namespaces, or with -n NAMESPACE");
    }
    failure
}
