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
}
