//! Commands that are told to a person. Whoever types one must reach the same application of the same cluster.

use crate::cli::args::ConnectArgs;
use crate::domain::application::AppKey;

/// How a command is written here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Hints {
    /// `boathook`, or how else it was called.
    program: &'static str,
    /// What says which cluster, with a space before each.
    flags: String,
}

impl Hints {
    /// For a command that was called so.
    pub(in crate::cli) fn new(program: &'static str, args: &ConnectArgs) -> Self {
        let kubeconfig =
            args.kubeconfig.as_ref().map(|file| format!(" --kubeconfig {}", quoted(&file.to_string_lossy())));
        let context = args.context.as_ref().map(|name| format!(" --context {}", quoted(name)));
        Self { program, flags: [kubeconfig, context].into_iter().flatten().collect() }
    }

    /// The whole command: `abort argocd/checkout` becomes `boathook abort argocd/checkout --context prod`.
    pub(in crate::cli) fn command(&self, words: &str) -> String {
        format!("{} {words}{}", self.program, self.flags)
    }

    /// The command about one application: `abort` becomes `boathook abort argocd/checkout --context prod`.
    pub(in crate::cli) fn about(&self, command: &str, key: &AppKey) -> String {
        self.command(&format!("{command} {}", full_name(key)))
    }
}

/// An application as it is called wherever one is: by namespace and name.
pub(in crate::cli) fn full_name(key: &AppKey) -> String {
    quoted(&format!("{}/{}", key.namespace, key.name))
}

/// As a POSIX shell reads it.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_goes_to_the_cluster_that_was_asked() {
        let key = AppKey::new("c", "argocd", "checkout");
        let none = Hints::new("boathook", &ConnectArgs::default());
        assert_eq!(none.about("abort", &key), "boathook abort argocd/checkout");
        let args = ConnectArgs {
            kubeconfig: Some("/home/o'neil/my config".into()),
            context: Some("kind-prod".to_owned()),
            ..ConnectArgs::default()
        };
        let hints = Hints::new("kubectl boathook", &args);
        let words = r"kubectl boathook get history argocd/checkout --kubeconfig '/home/o'\''neil/my config' --context kind-prod";
        assert_eq!(hints.about("get history", &key), words);
    }
}
