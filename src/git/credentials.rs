//! What opens a repository, beside what the user's own `git` knows.

use std::fmt;

/// Credentials for one repository, as Argo CD keeps them in its repository Secrets. Empty: the user's own credential
/// helper, ssh agent and proxies are all there is.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Credentials {
    /// User and password or token, for http and https.
    pub basic: Option<(String, String)>,
    /// A private key, for ssh.
    pub ssh_private_key: Option<String>,
    /// Lines of `known_hosts`, for ssh; without them the user's own file is used.
    pub ssh_known_hosts: Option<String>,
    /// A client certificate and its key (PEM), for https.
    pub tls_client: Option<(String, String)>,
    /// Certificates to trust (PEM), for https.
    pub tls_ca: Option<String>,
    /// Do not check the server's certificate or host key. Only ever on the operator's own word.
    pub insecure: bool,
    /// A proxy, for http and https.
    pub proxy: Option<String>,
}

impl fmt::Debug for Credentials {
    /// What kinds there are, never what they say.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("basic", self.basic.is_some()),
            ("ssh key", self.ssh_private_key.is_some()),
            ("client certificate", self.tls_client.is_some()),
            ("insecure", self.insecure),
        ];
        formatter.debug_set().entries(kinds.iter().filter(|(_, is)| *is).map(|(kind, _)| kind)).finish()
    }
}

/// Whether a template of credentials is for an address: it begins so, and its server's name does not go on in the address.
pub(super) fn is_template_for(template: &str, url: &str) -> bool {
    let Some(rest) = url.strip_prefix(template).filter(|_| !template.is_empty()) else { return false };
    let (is_over, end) = match template.split_once("://") {
        Some((_, place)) => (place.contains('/'), '/'),
        None => (template.contains(':'), ':'),
    };
    is_over || rest.is_empty() || rest.starts_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let credentials = Credentials {
            basic: Some(("ada".into(), "hunter2".into())),
            ssh_private_key: Some("KEY".into()),
            ..Credentials::default()
        };
        assert_eq!(format!("{credentials:?}"), r#"{"basic", "ssh key"}"#);
    }

    #[test]
    fn a_template_is_for_no_other_server() {
        for (template, url, is_for) in [
            ("https://git.example.com", "https://git.example.com/team/x", true),
            ("https://git.example.com/", "https://git.example.com/team/x", true),
            ("https://git.example.com/team", "https://git.example.com/team-b/x", true),
            ("https://git.example.com/team", "https://git.example.com/other/x", false),
            ("https://git.example.com", "https://git.example.com.elsewhere.org/x", false),
            ("https://git.example.com", "https://git.example.com:secret@elsewhere.org/x", false),
            ("https://git.example.com", "https://git.example.com@elsewhere.org/x", false),
            ("git@git.example.com", "git@git.example.com:team/x", true),
            ("git@git.example.com:team", "git@git.example.com:team/x", true),
            ("git@git.example.com", "git@git.example.com.elsewhere.org:x", false),
            ("", "https://git.example.com/x", false),
        ] {
            assert_eq!(is_template_for(template, url), is_for, "{template:?} {url:?}");
        }
    }
}
