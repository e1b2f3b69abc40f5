//! A Git work tree that a test fills and commits with the user's own `git`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A repository with a work tree. Its folder belongs to the test, which removes it.
pub(crate) struct WorkTree {
    folder: PathBuf,
}

impl WorkTree {
    /// An empty repository on the branch `main`, in a folder that is made if it is not there.
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Self {
        let tree = Self { folder: folder.into() };
        fs::create_dir_all(&tree.folder).unwrap();
        tree.git(&["init", "--quiet", "--initial-branch=main"]);
        tree
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.folder.display())
    }

    /// Runs git in it, as the same person always and without anybody's configuration; what git says.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_with(args, &[])
    }

    fn git_with(&self, args: &[&str], environment: &[(&str, &str)]) -> String {
        let output = Command::new("git")
            .args(args)
            .current_dir(&self.folder)
            .envs([
                ("GIT_AUTHOR_NAME", "Ada"),
                ("GIT_AUTHOR_EMAIL", "ada@example.com"),
                ("GIT_COMMITTER_NAME", "Ada"),
                ("GIT_COMMITTER_EMAIL", "ada@example.com"),
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("GIT_CONFIG_NOSYSTEM", "1"),
            ])
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Copies a folder of files into a folder of the tree.
    pub(crate) fn copy(&self, from: &Path, to: &str) {
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{to}/{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                self.copy(&path, &name);
            } else {
                self.write(&name, &fs::read_to_string(path).unwrap());
            }
        }
    }

    /// Commits everything there is, even if nothing changed; the commit's name.
    pub(crate) fn commit(&self, subject: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", subject]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Commits everything there is as this author at this time, so that the commit has the same name wherever it is made.
    #[allow(dead_code, reason = "only the tests of the screen show the names of commits")]
    pub(crate) fn commit_as(&self, message: &str, author: &str, time: &str) -> String {
        self.git(&["add", "--all"]);
        let own = [("GIT_AUTHOR_NAME", author), ("GIT_AUTHOR_DATE", time), ("GIT_COMMITTER_DATE", time)];
        self.git_with(&["commit", "--quiet", "--allow-empty", "-m", message], &own);
        self.git(&["rev-parse", "HEAD"])
    }
}
