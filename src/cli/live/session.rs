//! A live view, and the loop that reads its stream until something holds, somebody interrupts, or time is over.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;

use super::failure::Failure;
use super::hint::Hints;
use super::picture::{News, Picture};
use crate::argo::{CaptureOptions, Events, Live, Namespaces, Options, RepositoryOptions};
use crate::cli::args::{ConnectArgs, GitArgs, called_as};
use crate::cli::context::Surroundings;
use crate::cli::exit::Exit;
use crate::cli::print::Printer;
use crate::clock::Clock;
use crate::domain::live::{LiveEvent, WatchState, Watched};
use crate::git::{FileRepositories, RepoUrl};

/// How often the cluster is tried before it is given up, as long as it was never reached.
const TRIES: u32 = 3;
/// How long the requests on their way may take when a command ends.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// What a command needs beside the list of applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::cli) struct Needs<'a> {
    /// Logs of hooks are read and kept.
    pub logs: bool,
    /// Repositories are read.
    pub git: Option<&'a GitArgs>,
}

/// Why waiting ended without what was waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Stop {
    /// Somebody interrupted, or asked the process to end.
    Interrupted,
    /// The time is over.
    TimedOut,
    /// It cannot be had.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A live view and what is known from it.
pub(in crate::cli) struct Session {
    pub live: Live,
    pub picture: Picture,
    pub clock: Clock,
    /// How the commands are written that a person may go on with.
    pub hints: Hints,
    /// Git is asked.
    pub has_git: bool,
    /// The namespace that was asked for.
    pub namespace: Option<String>,
    /// That the cluster cannot be reached is known, and no error any more.
    pub is_offline: bool,
    repositories: RepositoryOptions,
    events: Events,
    /// News of requests that came while something else was waited for: whoever sent them wants to know.
    kept: VecDeque<News>,
    signals: mpsc::Receiver<()>,
    /// In the clock's monotonic time.
    deadline: Option<Duration>,
    tick: Option<Duration>,
    failures: u32,
    interrupts: u32,
}

impl Session {
    /// Connects. That a cluster cannot be reached is told when something is waited for.
    pub(in crate::cli) async fn start(
        args: &ConnectArgs,
        needs: Needs<'_>,
        surroundings: &Surroundings,
        clock: &Clock,
    ) -> Result<Self, Failure> {
        let repositories = match needs.git {
            Some(git) => RepositoryOptions {
                offline: surroundings.repositories.offline || git.offline,
                allow_files: surroundings.repositories.allow_files || git.allow_file_repositories,
                ..surroundings.repositories.clone()
            },
            None => RepositoryOptions::default(),
        };
        let options = Options {
            kubeconfig: args.kubeconfig.clone(),
            context: args.context.clone(),
            namespaces: match &args.namespace {
                _ if args.all_namespaces => Namespaces::All,
                Some(namespace) => Namespaces::One(namespace.clone()),
                None => Namespaces::Find,
            },
            read_only: surroundings.read_only,
            state: surroundings.state.clone(),
            capture: CaptureOptions {
                enabled: surroundings.capture.enabled && needs.logs,
                ..surroundings.capture.clone()
            },
            repositories,
            watch_operations: false,
        };
        let has_git = options.repositories.cache.is_some();
        let repositories = options.repositories.clone();
        let signals = signals();
        let (live, events) = Live::start(options, clock).await?;
        let picture = Picture { cluster: live.cluster().clone(), ..Picture::default() };
        Ok(Self {
            live,
            picture,
            clock: clock.clone(),
            hints: Hints::new(called_as(), args),
            has_git,
            namespace: args.namespace.clone(),
            is_offline: false,
            repositories,
            events,
            kept: VecDeque::new(),
            signals,
            deadline: None,
            tick: None,
            failures: 0,
            interrupts: 0,
        })
    }

    /// Whether a repository is fetched at all: not if it stands on this disk, nor if nothing is to be fetched.
    pub(in crate::cli) fn fetches(&self, repository: &str) -> bool {
        let key = |address: &str| RepoUrl::parse(address, FileRepositories::Allowed).map(|url| url.key().to_owned());
        let own = key(repository);
        !self.repositories.offline && !self.repositories.checkouts.keys().any(|local| key(local) == own)
    }

    /// Waiting ends after this time, counted from now; `None`: never.
    pub(in crate::cli) fn limit(&mut self, timeout: Option<Duration>) {
        self.deadline = timeout.map(|timeout| self.clock.monotonic().saturating_add(timeout));
    }

    /// The passing of time is news, too, this often.
    pub(in crate::cli) fn tick_every(&mut self, period: Option<Duration>) {
        self.tick = period;
    }

    /// Takes in the next event.
    pub(in crate::cli) async fn next(&mut self) -> Result<News, Stop> {
        match self.kept.pop_front() {
            Some(news) => Ok(news),
            None => self.receive().await,
        }
    }

    async fn receive(&mut self) -> Result<News, Stop> {
        let deadline = self.deadline.unwrap_or(Duration::MAX);
        let tick = self.tick.unwrap_or(Duration::MAX);
        tokio::select! {
            biased;
            _ = self.signals.recv() => {
                self.interrupts += 1;
                Err(Stop::Interrupted)
            }
            // Before the events: a stream that never pauses must not put off the end of the time.
            () = self.clock.sleep_until(deadline), if self.deadline.is_some() => Err(Stop::TimedOut),
            event = self.events.recv() => match event {
                Some(event) => {
                    self.give_up(&event)?;
                    Ok(self.picture.take(event))
                }
                None => Err(Failure::new(Exit::Internal, "the live view has ended by itself").into()),
            },
            () = self.clock.sleep(tick), if self.tick.is_some() => Ok(News::Tick),
        }
    }

    /// Takes in an event that has come already, if there is one.
    pub(in crate::cli) fn try_next(&mut self) -> Option<News> {
        if let Some(news) = self.kept.pop_front() {
            return Some(news);
        }
        let event = self.events.try_recv().ok()?;
        Some(self.picture.take(event))
    }

    /// Takes in events until the picture has what is wanted.
    pub(in crate::cli) async fn until<T>(
        &mut self,
        mut wanted: impl FnMut(&mut Picture) -> Option<T>,
    ) -> Result<T, Stop> {
        loop {
            if let Some(found) = wanted(&mut self.picture) {
                return Ok(found);
            }
            self.next().await?;
        }
    }

    /// Waits for something else than the stream, while events are taken in. What became of requests is told afterwards.
    pub(in crate::cli) async fn meanwhile<T>(&mut self, future: impl Future<Output = T>) -> Result<T, Stop> {
        let mut future = std::pin::pin!(future);
        loop {
            tokio::select! {
                biased;
                output = &mut future => return Ok(output),
                news = self.receive() => if let news @ News::Request(_) = news? {
                    self.kept.push_back(news);
                },
            }
        }
    }

    /// Ends the live view; requests on their way are finished, unless somebody interrupts once more.
    pub(in crate::cli) async fn finish(self) {
        let Self { live, events, mut signals, clock, interrupts, .. } = self;
        // Nobody reads the events any more; the live view must not wait for that.
        drop(events);
        if interrupts > 1 {
            return;
        }
        tokio::select! {
            _ = clock.timeout(LAST_REQUESTS, live.stop()) => {}
            _ = signals.recv() => {}
        }
    }

    /// Waits for something else than the stream, or for the next news, whichever comes first; `None`: that was news.
    /// `future` must not lose anything when it is dropped.
    pub(in crate::cli) async fn unless_news<T>(&mut self, future: impl Future<Output = T>) -> Result<Option<T>, Stop> {
        tokio::select! {
            biased;
            output = future => Ok(Some(output)),
            news = self.next() => news.map(|_| None),
        }
    }

    /// Says what cannot be watched any more, and what can be again: each once.
    pub(in crate::cli) fn tell_outages(&mut self, printer: &Printer) {
        for news in self.picture.outages.news() {
            printer.note(&format!("boathook: {news}"));
        }
    }

    /// A cluster that was never reached is not waited for as one is that was.
    fn give_up(&mut self, event: &LiveEvent) -> Result<(), Failure> {
        let LiveEvent::Watch { watched: Watched::Applications, state, cluster } = event else { return Ok(()) };
        let WatchState::Interrupted { error, transient, denied, unauthenticated, .. } = state else { return Ok(()) };
        if self.picture.is_complete || self.is_offline {
            return Ok(());
        }
        self.failures += 1;
        if *transient && self.failures < TRIES {
            return Ok(());
        }
        let failure = |exit, line: String| Failure::new(exit, line).detail(error);
        Err(match (transient, denied) {
            (_, true) if *unauthenticated => failure(
                Exit::NoAccess,
                format!("{cluster} does not accept your credentials: they are missing or have expired"),
            )
            .advice("log in again as you do for kubectl; kubectl auth whoami shows as whom the cluster knows you"),
            (_, true) => failure(Exit::NoAccess, format!("you may not read the Applications of {cluster}")).advice(
                format!("{}, with a namespace whose Applications you may list", self.hints.command("get -n NAMESPACE")),
            ),
            (true, false) => failure(Exit::Unreachable, format!("{cluster} cannot be reached")),
            (false, false) => failure(Exit::NotFound, format!("there are no Applications to be had from {cluster}"))
                .advice("boathook engine --install-crds, if this cluster has no Argo CD"),
        })
    }
}

/// Tells of every signal that asks the process to end.
fn signals() -> mpsc::Receiver<()> {
    let (sender, receiver) = mpsc::channel(1);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            // Without it the signal ends the process as it always did.
            let Ok(mut signal) = signal(kind) else { continue };
            let sender = sender.clone();
            tokio::spawn(async move { while signal.recv().await.is_some() && sender.send(()).await.is_ok() {} });
        }
    }
    // Kept, so that a system without signals waits for ever.
    tokio::spawn(async move { sender.closed().await });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::application::AppKey;
    use crate::domain::live::{Outcome, RequestId, RequestState, RequestUpdate};

    #[tokio::test]
    async fn what_became_of_a_request_is_told_after_something_else_was_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let text = r#"{"apiVersion": "v1", "kind": "Config", "current-context": "a",
            "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}],
            "users": [{"name": "a", "user": {"token": "t"}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}]}"#;
        std::fs::write(&kubeconfig, text).unwrap();
        let args = ConnectArgs { kubeconfig: Some(kubeconfig), ..ConnectArgs::default() };
        let surroundings = Surroundings {
            output: crate::cli::Context::new(None),
            can_ask: false,
            state: None,
            repositories: RepositoryOptions::default(),
            capture: CaptureOptions::default(),
            read_only: false,
        };
        let clock = Clock::real();
        let mut session = Session::start(&args, Needs::default(), &surroundings, &clock).await.unwrap();
        let (sender, events) = mpsc::channel(8);
        session.events = events;
        let (answer, asked) = tokio::sync::oneshot::channel();
        let others = tokio::spawn(async move {
            for id in 1..=3 {
                let (key, at) = (AppKey::new("a", "argocd", "shop"), jiff::Timestamp::UNIX_EPOCH);
                let state = RequestState::Ended(Outcome::Written);
                let update = RequestUpdate { id: RequestId(id), key, name: "sync", at, state, version: String::new() };
                sender.send(LiveEvent::Request(update)).await.unwrap();
            }
            // All of them were taken in.
            while sender.capacity() < sender.max_capacity() {
                tokio::task::yield_now().await;
            }
            answer.send("an answer").unwrap();
            sender
        });
        assert_eq!(session.meanwhile(asked).await.unwrap().unwrap(), "an answer");
        let _sender = others.await.unwrap();
        for expected in 1..=3 {
            let News::Request(update) = session.next().await.unwrap() else { panic!("no request") };
            assert_eq!(update.id, RequestId(expected));
        }
        assert!(session.try_next().is_none());
    }
}
