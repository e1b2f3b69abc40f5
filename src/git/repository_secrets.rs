//! Argo CD's repository Secrets: which of them opens a repository, and with what; and by what its server is trusted.
//! See Argo CD's manual, "Declarative Setup", "Repositories" and "Repository Credentials".

use super::credentials::{Credentials, is_template_for};
use super::url::{FileRepositories, RepoUrl, Transport};
use crate::domain::secret::SecretValues;

/// Ways to open a repository that Argo CD has and boathook has not.
const UNSUPPORTED: &[&str] =
    &["bearerToken", "githubAppID", "githubAppPrivateKey", "gcpServiceAccountKey", "useAzureWorkloadIdentity"];

/// The Secret for a repository: its own, else the template with the longest address that its own begins with, where its own
/// opens nothing. One that belongs to a project is for the applications of that project alone, and comes before
/// everybody's; without a project, whose it is does not count.
pub fn secret_for<'a>(
    repositories: &'a [SecretValues],
    templates: &'a [SecretValues],
    url: &RepoUrl,
    files: FileRepositories,
    project: Option<&str>,
) -> Option<&'a SecretValues> {
    let is_ours = |secret: &&SecretValues| project.is_none_or(|own| ["", own].contains(&secret.text("project")));
    let is_of_project = |secret: &&SecretValues| !secret.text("project").is_empty();
    let is_exact =
        |secret: &&SecretValues| RepoUrl::parse(secret.text("url"), files).is_ok_and(|known| known.key() == url.key());
    let exact = repositories.iter().filter(is_ours).filter(is_exact).max_by_key(is_of_project);
    if let Some(secret) = exact.filter(|secret| opens(secret)) {
        return Some(secret);
    }
    let templates = templates.iter().filter(is_ours);
    let fitting = templates.filter(|secret| is_template_for(secret.text("url"), url.as_str()));
    fitting.max_by_key(|secret| secret.text("url").len()).or(exact)
}

fn opens(secret: &SecretValues) -> bool {
    let known = ["password", "sshPrivateKey", "tlsClientCertData"];
    known.iter().chain(UNSUPPORTED).any(|name| !secret.text(name).is_empty())
}

impl Credentials {
    /// What a repository Secret says. The error is the name of the field that asks for what boathook cannot do.
    pub fn of_secret(secret: &SecretValues) -> Result<Self, &'static str> {
        let is_set = |name: &&&str| !["", "false"].contains(&secret.text(name));
        if let Some(name) = UNSUPPORTED.iter().find(is_set) {
            return Err(name);
        }
        Ok(Self {
            basic: secret.some("password").map(|password| (secret.text("username").to_owned(), password)),
            ssh_private_key: secret.some("sshPrivateKey"),
            ssh_known_hosts: None,
            tls_client: secret.some("tlsClientCertData").zip(secret.some("tlsClientCertKey")),
            tls_ca: None,
            insecure: secret.text("insecure") == "true" || secret.text("insecureIgnoreHostKey") == "true",
            proxy: secret.some("proxy"),
        })
    }

    /// The same, with what [`trust`] found: host keys or certificates.
    #[must_use]
    pub fn trusting(self, url: &RepoUrl, text: Option<String>) -> Self {
        match url.transport() {
            Transport::Ssh => Self { ssh_known_hosts: text, ..self },
            Transport::Https => Self { tls_ca: text, ..self },
            Transport::Http | Transport::File => self,
        }
    }
}

/// Argo CD's `ConfigMap`, and the entry of it, that says by what the server of a repository is trusted: lines of
/// `known_hosts`, or certificates (PEM) by the server's name.
pub fn trust(url: &RepoUrl) -> Option<(&'static str, &str)> {
    match url.transport() {
        Transport::Ssh => Some(("argocd-ssh-known-hosts-cm", "ssh_known_hosts")),
        Transport::Https => Some(("argocd-tls-certs-cm", url.host())),
        Transport::Http | Transport::File => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://git.example.com/team/x";

    fn secret(values: &[(&str, &str)]) -> SecretValues {
        SecretValues::from(values)
    }

    fn url(text: &str) -> RepoUrl {
        RepoUrl::parse(text, FileRepositories::Refused).unwrap()
    }

    /// The password for the repository, with these Secrets of it and these templates.
    fn password(repositories: &[SecretValues], templates: &[SecretValues], project: Option<&str>) -> Option<String> {
        let found = secret_for(repositories, templates, &url(URL), FileRepositories::Refused, project)?;
        Credentials::of_secret(found).unwrap().basic.map(|(_, password)| password)
    }

    #[test]
    fn the_own_secret_comes_before_templates_and_the_projects_before_everybodys() {
        let own = || secret(&[("url", "https://git.example.com/team/x.git"), ("password", "own")]);
        let theirs = || secret(&[("url", URL), ("password", "theirs"), ("project", "p")]);
        let bare = || secret(&[("url", URL)]);
        let host = || secret(&[("url", "https://git.example.com"), ("password", "host")]);
        let team = || secret(&[("url", "https://git.example.com/team"), ("password", "team")]);
        for (repositories, templates, project, expected) in [
            (vec![own()], vec![team()], Some("q"), Some("own")),
            (vec![own(), theirs()], vec![team()], Some("q"), Some("own")),
            (vec![theirs(), own()], vec![], Some("p"), Some("theirs")),
            (vec![theirs()], vec![], None, Some("theirs")),
            (vec![theirs()], vec![], Some("q"), None),
            (vec![bare()], vec![host(), team()], Some("q"), Some("team")),
            (vec![bare()], vec![], Some("q"), None),
            (vec![], vec![team(), host()], Some("q"), Some("team")),
            (vec![], vec![], None, None),
        ] {
            assert_eq!(password(&repositories, &templates, project).as_deref(), expected);
        }
    }

    #[test]
    fn what_a_secret_asks_for_is_done_or_named() {
        let insecure =
            |name: &str, value: &str| Credentials::of_secret(&secret(&[(name, value)])).map(|own| own.insecure);
        assert_eq!(insecure("insecure", "true"), Ok(true));
        assert_eq!(insecure("insecureIgnoreHostKey", "true"), Ok(true));
        assert_eq!(insecure("insecure", "false"), Ok(false));
        for name in UNSUPPORTED {
            assert_eq!(insecure(name, "7"), Err(*name));
        }
        assert_eq!(insecure("useAzureWorkloadIdentity", "false"), Ok(false));
    }

    #[test]
    fn servers_are_trusted_by_what_fits_how_they_are_reached() {
        let of = |text: &str| trust(&url(text)).map(|(map, entry)| (map, entry.to_owned()));
        assert_eq!(of("git@git.example.com:x"), Some(("argocd-ssh-known-hosts-cm", "ssh_known_hosts".to_owned())));
        assert_eq!(of(URL), Some(("argocd-tls-certs-cm", "git.example.com".to_owned())));
        let trusting = |text: &str| Credentials::default().trusting(&url(text), Some("PEM".to_owned()));
        assert_eq!(trusting(URL).tls_ca.as_deref(), Some("PEM"));
        assert_eq!(trusting("git@git.example.com:x").ssh_known_hosts.as_deref(), Some("PEM"));
    }
}
