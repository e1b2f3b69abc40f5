//! Which applications. What is empty, like a variable that is not set, means none and never all.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use clap_complete::ArgValueCompleter;

use crate::cli::complete::{application_names, project_names};
use crate::domain::labels::LabelSelector;

/// Which applications.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct TargetArgs {
    /// Applications, by name or by namespace and name
    #[arg(value_name = "[NAMESPACE/]NAME", add = ArgValueCompleter::new(application_names))]
    pub names: Vec<String>,
    /// Those whose labels meet this, as kubectl writes it: team=shop,tier!=test
    #[arg(short = 'l', long, value_name = "LABELS", value_parser = selector)]
    pub selector: Option<String>,
    /// Those of this project
    #[arg(short = 'p', long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new(), add = ArgValueCompleter::new(project_names))]
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

/// A selector that selects something.
fn selector(text: &str) -> Result<String, String> {
    // What cannot be read is told where it is used.
    if LabelSelector::parse(text).is_ok_and(|labels| labels == LabelSelector::default()) {
        return Err("it is empty, and would mean every application; --all means all".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_selector_is_not_all() {
        for empty in ["", " ", ",", " , "] {
            assert!(selector(empty).is_err(), "{empty:?}");
        }
        assert_eq!(selector("team=shop,!old").as_deref(), Ok("team=shop,!old"));
    }
}
