//! Which applications.

use clap::Args;
use clap_complete::ArgValueCompleter;

use crate::cli::complete::application_names;

/// Which applications.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct TargetArgs {
    /// Applications, by name or by namespace and name
    #[arg(value_name = "[NAMESPACE/]NAME", add = ArgValueCompleter::new(application_names))]
    pub names: Vec<String>,
    /// Those whose labels meet this, as kubectl writes it: team=shop,tier!=test
    #[arg(short = 'l', long, value_name = "LABELS")]
    pub selector: Option<String>,
    /// Those of this project
    #[arg(short = 'p', long, value_name = "NAME")]
    pub project: Option<String>,
    /// All that are there
    #[arg(long, conflicts_with = "names")]
    pub all: bool,
}

impl TargetArgs {
    /// These by name.
    pub(in crate::cli) fn named(name: &str) -> Self {
        Self { names: vec![name.to_owned()], ..Self::default() }
    }

    /// Whether nothing is said.
    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.selector.is_none() && self.project.is_none() && !self.all
    }
}
