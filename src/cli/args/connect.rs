//! Which cluster, where in it, and which repositories.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use clap_complete::ArgValueCompleter;

use super::target::TargetArgs;
use crate::cli::complete::{context_names, namespace_names};

/// Which cluster, and where the Applications are.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub struct ConnectArgs {
    /// The kubeconfig; without it, as kubectl finds it
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context; without it, the current one
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new(), add = ArgValueCompleter::new(context_names))]
    pub context: Option<String>,
    /// Namespace of the Applications, as kubectl has it; without it, where Argo CD is
    ///
    /// It is the namespace of the Application objects, not the one that they deploy to. Without it they are looked for where
    /// Argo CD's application controller is, else the engine, else where Applications are; the namespace of the context
    /// counts only if nothing else may be read. NAMESPACE/NAME names one application of any namespace. Projects are read
    /// where Argo CD is in any case.
    #[arg(short, long, visible_alias = "applications", value_name = "NAMESPACE", value_parser = namespace, add = ArgValueCompleter::new(namespace_names))]
    pub namespace: Option<String>,
    /// Applications of all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
}

impl ConnectArgs {
    /// What was written behind the command, else what was written before it.
    pub(in crate::cli) fn or(&self, before: &Self) -> Self {
        let own = self.clone();
        let named = own.namespace.is_some() || own.all_namespaces;
        Self {
            kubeconfig: own.kubeconfig.or_else(|| before.kubeconfig.clone()),
            context: own.context.or_else(|| before.context.clone()),
            namespace: if named { own.namespace } else { before.namespace.clone() },
            all_namespaces: if named { own.all_namespaces } else { before.all_namespaces },
        }
    }

    /// Where to look if nothing says it: where the applications are whose namespace is named.
    pub(in crate::cli) fn for_targets(mut self, targets: &TargetArgs) -> Self {
        if self.all_namespaces || self.namespace.is_some() || targets.names.is_empty() {
            return self;
        }
        let namespaces: Option<Vec<&str>> = targets.names.iter().map(|name| Some(name.split_once('/')?.0)).collect();
        // Those without stand where Argo CD is, which is found only if no namespace is asked for.
        match namespaces.as_deref() {
            Some([first, rest @ ..]) if rest.iter().all(|other| other == first) => {
                self.namespace = Some((*first).to_owned());
            }
            Some(_) => self.all_namespaces = true,
            None if targets.names.iter().any(|name| name.contains('/')) => self.all_namespaces = true,
            None => {}
        }
        self
    }
}

/// Which repositories may be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Repositories")]
pub(in crate::cli) struct GitArgs {
    /// Read what was fetched before, and fetch nothing
    #[arg(long)]
    pub offline: bool,
    /// Read repositories from file:// addresses too
    #[arg(long)]
    pub allow_file_repositories: bool,
}

/// A namespace as Kubernetes takes it: what cannot be one is no address.
fn namespace(text: &str) -> Result<String, String> {
    let is_inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_name =
        (1..=63).contains(&text.len()) && text.chars().all(is_inside) && !text.starts_with('-') && !text.ends_with('-');
    if is_name {
        Ok(text.to_owned())
    } else {
        Err("expected a namespace: lower case letters, digits and dashes".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_the_command_wins() {
        let before = ConnectArgs {
            context: Some("a".to_owned()),
            namespace: Some("argocd".to_owned()),
            ..ConnectArgs::default()
        };
        let behind = ConnectArgs { all_namespaces: true, ..ConnectArgs::default() };
        let both = behind.or(&before);
        assert_eq!((both.context.as_deref(), both.namespace, both.all_namespaces), (Some("a"), None, true));
        assert_eq!(ConnectArgs::default().or(&before).namespace.as_deref(), Some("argocd"));
    }
}
