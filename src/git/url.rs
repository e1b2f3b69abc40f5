//! Addresses of repositories: which are accepted, and when two mean the same repository.

use std::fmt;

/// How a repository is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// `https://`.
    Https,
    /// `http://`.
    Http,
    /// `ssh://` or `user@host:path`.
    Ssh,
    /// `file://`: only where the caller allows it.
    File,
}

/// Whether `file://` repositories may be read.
///
/// An Application names its repository, and whoever may write Applications could otherwise read any repository on the
/// machine that renders it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileRepositories {
    /// Refused. The default.
    #[default]
    Refused,
    /// Allowed: demo, tests, and the operator's own word.
    Allowed,
}

/// Why an address is refused. Trying again does not help: the address has to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Nothing is there.
    #[error("the repository's address is empty")]
    Empty,
    /// Longer than any real address.
    #[error("the repository's address is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// White space or control characters.
    #[error("the repository's address {0:?} has white space or control characters")]
    Characters(String),
    /// A transport that git knows and that is not accepted here (`ext::`, `git://`, a bare path, ...).
    #[error("the repository's address {0:?} is none of https://, http://, ssh://, user@host:path or file://")]
    Transport(String),
    /// A host that git or ssh would read as an option.
    #[error("the host of the repository's address {0:?} is missing or starts with a dash")]
    Host(String),
    /// No path behind the host.
    #[error("the repository's address {0:?} has no path")]
    Path(String),
    /// `file://` without permission.
    #[error(
        "repositories on the file system are not allowed here ({0:?}); --allow-file-repositories allows them, or \
         git.fileRepositories in the configuration"
    )]
    File(String),
}

const MAX_LENGTH: usize = 2048;

/// The address of a Git repository that may be given to `git`: of an accepted transport, and never taken for an
/// option or a command.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RepoUrl {
    text: String,
    transport: Transport,
    key: String,
}

impl RepoUrl {
    /// Reads an address as it stands in an Application's `repoURL`.
    pub fn parse(text: &str, files: FileRepositories) -> Result<Self, UrlError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(UrlError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(UrlError::TooLong);
        }
        let shown = || without_password(text);
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(UrlError::Characters(shown()));
        }
        if text.starts_with('-') {
            return Err(UrlError::Transport(shown()));
        }
        let (transport, host, path) = match text.split_once("://") {
            Some((scheme, rest)) => {
                let transport = match scheme.to_ascii_lowercase().as_str() {
                    "https" => Transport::Https,
                    "http" => Transport::Http,
                    "ssh" => Transport::Ssh,
                    "file" => Transport::File,
                    _ => return Err(UrlError::Transport(shown())),
                };
                let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
                (transport, authority.rsplit_once('@').map_or(authority, |(_, host)| host), path)
            }
            None => match text.split_once(':') {
                // `ext::sh -c ...` and every other remote helper are written `name::rest`.
                Some((host, path)) if !path.starts_with(':') && !host.contains('/') && !host.starts_with('-') => {
                    (Transport::Ssh, host.rsplit_once('@').map_or(host, |(_, host)| host), path)
                }
                _ => return Err(UrlError::Transport(shown())),
            },
        };
        if transport == Transport::File {
            if files == FileRepositories::Refused {
                return Err(UrlError::File(shown()));
            }
        } else if host.is_empty() || host.starts_with('-') {
            return Err(UrlError::Host(shown()));
        }
        let path = path.trim_end_matches('/');
        if path.trim_start_matches('/').is_empty() || path.starts_with('-') {
            return Err(UrlError::Path(shown()));
        }
        let scheme = match transport {
            Transport::Https => "https",
            Transport::Http => "http",
            Transport::Ssh => "ssh",
            Transport::File => "file",
        };
        let path = path.strip_suffix(".git").unwrap_or(path);
        let key = format!("{scheme}://{}/{}", host.to_ascii_lowercase(), path.trim_start_matches('/'));
        Ok(Self { text: text.to_owned(), transport, key })
    }

    /// The address as `git` is given it. May hold a password: never show it, show the `Display` form.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How the repository is reached.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// Its server: host and port, in lower case; empty for files.
    pub fn server(&self) -> &str {
        let place = self.key.split_once("://").map_or("", |(_, place)| place);
        place.split('/').next().unwrap_or_default()
    }

    /// Its host, without port and brackets.
    pub fn host(&self) -> &str {
        let server = self.server();
        match server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, _)) => host,
            None => server.split(':').next().unwrap_or_default(),
        }
    }

    /// Equal for addresses of one repository: without user, password, `.git` and the case of the host, and with
    /// `user@host:path` and `ssh://` written alike.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for RepoUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&without_password(&self.text))
    }
}

impl fmt::Debug for RepoUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RepoUrl({self})")
    }
}

/// The address without what stands before the host's `@`, where that may be a password.
pub(crate) fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    match authority.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{scheme}://{user}:***@{host}{path}"),
            // A lone user of an http address is usually a token.
            None if scheme.eq_ignore_ascii_case("ssh") => text.to_owned(),
            None => format!("{scheme}://***@{host}{path}"),
        },
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<RepoUrl, UrlError> {
        RepoUrl::parse(text, FileRepositories::Refused)
    }

    #[test]
    fn addresses_of_one_repository_have_one_key() {
        for same in [
            "https://git.example.com/team/deploy",
            "https://git.example.com/team/deploy.git",
            "https://GIT.example.com/team/deploy.git/",
            "https://ada:secret@git.example.com/team/deploy",
        ] {
            assert_eq!(parse(same).unwrap().key(), "https://git.example.com/team/deploy", "{same}");
        }
        assert_eq!(
            parse("git@git.example.com:team/deploy.git").unwrap().key(),
            parse("ssh://git@git.example.com/team/deploy").unwrap().key()
        );
        assert_ne!(parse("https://a.example/Team").unwrap().key(), parse("https://a.example/team").unwrap().key());
    }

    #[test]
    fn the_server_of_an_address_is_known() {
        for (text, server, host) in [
            ("https://ada:secret@GIT.example.com:8443/x", "git.example.com:8443", "git.example.com"),
            ("git@git.example.com:team/x", "git.example.com", "git.example.com"),
            ("ssh://git@[::1]:22/x", "[::1]:22", "::1"),
        ] {
            let url = parse(text).unwrap();
            assert_eq!((url.server(), url.host()), (server, host));
        }
        assert_eq!(RepoUrl::parse("file:///srv/x", FileRepositories::Allowed).unwrap().server(), "");
    }

    #[test]
    fn hostile_addresses_are_refused() {
        for hostile in [
            "",
            "--upload-pack=touch /tmp/x",
            "--upload-pack=x",
            "ext::sh -c id",
            "ext::id",
            "fd::3",
            "git://git.example.com/x",
            "ftp://git.example.com/x",
            "/etc",
            "../x",
            "file:///etc/x",
            "ssh://-oProxyCommand=id/x",
            "ssh://git@-oProxyCommand=id/x",
            "-oProxyCommand=id:x",
            "git@-oProxyCommand=id:x",
            "https://",
            "https://host",
            "https://host/",
            "host:",
            "https://host/a\nb",
            "https://host/a b",
        ] {
            assert!(parse(hostile).is_err(), "{hostile:?} was accepted");
        }
        assert!(parse(&format!("https://host/{}", "a".repeat(4000))).is_err());
        assert!(RepoUrl::parse("file:///srv/x", FileRepositories::Allowed).is_ok());
    }

    #[test]
    fn a_password_is_never_shown() {
        let url = parse("https://ada:secret@git.example.com/x").unwrap();
        assert_eq!(url.to_string(), "https://ada:***@git.example.com/x");
        assert_eq!(parse("https://token@git.example.com/x").unwrap().to_string(), "https://***@git.example.com/x");
        assert!(!format!("{url:?}").contains("secret"));
        let error = RepoUrl::parse("https://ada:secret@git.example.com", FileRepositories::Refused).unwrap_err();
        assert!(!error.to_string().contains("secret"));
    }
}
