//! Which operation of an application is the one that was asked for. After it somebody else may begin another, before the
//! end of the own one was seen: what that one comes to says nothing about the own.

use jiff::Timestamp;

use super::job::{Ended, Job, Lateness};
use crate::cli::exit::Exit;
use crate::cli::live::Details;
use crate::domain::application::Application;
use crate::domain::names;
use crate::domain::operation::{InitiatedBy, Operation};
use crate::domain::request::{Request, WriteBody};
use crate::domain::timeline::{OperationStatus, OperationView};

/// Whose operation is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// None that is of later than the request.
    Nobodys,
    /// The one that was asked for, or that an abort is about.
    Own,
    /// A later one: the own one is over.
    Others,
}

impl Job {
    /// Whose the operation is that is to be seen. The own one is known by its begin from when it was seen first.
    pub(super) fn whose(&mut self, view: &OperationView) -> Whose {
        match (self.own, view.started_at) {
            (None, Some(started)) => self.first_seen(started, view),
            (None, None) if view.state == OperationStatus::Requested && self.is_written(view) => Whose::Own,
            (Some(own), Some(started)) if own == started => Whose::Own,
            (None, None) => Whose::Nobodys,
            (Some(_), None) if view.state == OperationStatus::None => Whose::Nobodys,
            (Some(_), _) => Whose::Others,
        }
    }

    fn first_seen(&mut self, started: Timestamp, view: &OperationView) -> Whose {
        let is_later = self.before.is_none_or(|before| started > before);
        let is_own = if self.request.starts_operation() {
            // An operation that was left behind is taken up again, and keeps its begin.
            self.is_written(view) && (is_later || (self.was_seen && !view.state.is_over()))
        } else {
            Some(started) == self.before
        };
        if is_own {
            self.own = Some(started);
            return Whose::Own;
        }
        if is_later { Whose::Others } else { Whose::Nobodys }
    }

    /// Whether an operation is what was written, as far as a controller leaves it as it was.
    fn is_written(&self, view: &OperationView) -> bool {
        let Some(written) = self.written() else { return self.request.starts_operation() };
        let is = &view.request;
        let (Some(wanted), Some(sync)) = (&written.sync, &is.sync) else {
            // Who resumes says nothing of what is synced.
            return written.initiated_by == is.initiated_by;
        };
        let is_same = (wanted.dry_run, wanted.prune, &wanted.resources) == (sync.dry_run, sync.prune, &sync.resources);
        // Another attempt may be made at a revision that was looked up anew.
        let is_there = view.attempt > 1 || (&wanted.revision, &wanted.revisions) == (&sync.revision, &sync.revisions);
        // The engine notes there which manifests it renders.
        let mut infos = written.info.iter().filter(|info| info.name != names::BOATHOOK_MANIFESTS);
        is_same && is_there && written.initiated_by == is.initiated_by && infos.all(|info| is.info.contains(info))
    }

    /// The operation that was written.
    fn written(&self) -> Option<Operation> {
        let write = self.preview.as_ref()?.write.as_ref().ok()?;
        let WriteBody::Merge(patch) = &write.body else { return None };
        patch.get("operation").filter(|operation| operation.is_object()).map(|own| Operation::from_json(own).0)
    }

    /// Notes of which application the operation is; `false`: it is another one of the same name by now.
    pub(super) fn is_same_application(&mut self, application: &Application) -> bool {
        let Some(preview) = &self.preview else { return true };
        let is_same = preview.seen.uid() == application.metadata.uid;
        // What is to be seen may be older than what was asked for.
        self.is_known |= is_same;
        is_same || !self.is_known
    }

    /// What the own operation has come to, now that another one is there.
    pub(super) fn replaced(&self, details: &Details, view: &OperationView, now: Timestamp) -> Ended {
        let former = details
            .former(now)
            .into_iter()
            .find(|former| former.started_at.is_some() && former.started_at == self.own && former.state.is_over());
        if let Some(former) = former {
            return super::follow::ended(self, &former);
        }
        let who = who(&view.request.initiated_by);
        if self.lateness == Lateness::Aborted {
            return Ended::new(Exit::TimedOut, format!("was not over in time, and is over; {who} has begun since"));
        }
        if self.request == Request::Abort {
            return Ended::new(Exit::Success, format!("over; {who} has begun since"));
        }
        // Only what has succeeded is in the history.
        let application = details.application.as_deref();
        let mut history = application.iter().flat_map(|application| &application.status.history);
        if self.own.is_some() && history.any(|entry| entry.deploy_started_at == self.own) {
            return Ended::new(Exit::Success, format!("succeeded, as its history says; {who} has begun since"));
        }
        let line = format!("its operation is over, and {who} has begun since: how its own ended was not seen");
        Ended { started_at: self.own, ..Ended::new(Exit::Refused, line) }
    }
}

fn who(by: &InitiatedBy) -> String {
    match by {
        InitiatedBy { automated: true, .. } => "an operation of automated sync".to_owned(),
        InitiatedBy { username, .. } if username.is_empty() => "another operation".to_owned(),
        InitiatedBy { username, .. } => format!("another operation of {username}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::live::Picture;
    use crate::domain::application::AppKey;
    use crate::domain::live::Preview;
    use crate::domain::operation::SyncRequest;
    use crate::domain::request::{Seen, Write, WriteTarget};
    use crate::domain::timeline::Timeline;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn operation(username: &str, revision: &str) -> Operation {
        let sync = SyncRequest { revision: revision.to_owned(), ..SyncRequest::default() };
        let initiated_by = InitiatedBy { username: username.to_owned(), automated: false };
        Operation { initiated_by, sync: Some(sync), ..Operation::default() }
    }

    /// A sync of ada at `a`, after an operation that began at 100.
    fn job(request: Request) -> Job {
        let mut job = Job::new(AppKey::new("c", "argocd", "shop"), &Picture::default(), request);
        let body = WriteBody::Merge(serde_json::json!({ "operation": operation("ada", "a").to_json() }));
        let write = Write { target: WriteTarget::Application, body, says: Vec::new() };
        job.preview =
            Some(Preview { write: Ok(write), refusals: Vec::new(), warnings: Vec::new(), seen: Seen::default() });
        job.before = Some(at(100));
        job
    }

    fn view(started: Option<i64>, state: OperationStatus, request: Operation) -> OperationView {
        let none = Timeline::new("argocd".to_owned(), "shop".to_owned()).view(at(1000));
        OperationView { started_at: started.map(at), state, request: request.into(), ..none }
    }

    #[test]
    fn the_own_operation_is_the_one_that_was_written_and_began_after_it() {
        use OperationStatus::{None as Nothing, Requested, Running, Succeeded};
        let sync = || job(Request::Sync(Box::default()));
        for (started, state, by, revision, expected) in [
            (None, Nothing, "", "", Whose::Nobodys),
            (None, Requested, "ada", "a", Whose::Own),
            (None, Requested, "grace", "a", Whose::Nobodys),
            (Some(100), Succeeded, "ada", "a", Whose::Nobodys),
            (Some(90), Succeeded, "ada", "a", Whose::Nobodys),
            (Some(101), Running, "ada", "a", Whose::Own),
            (Some(101), Succeeded, "grace", "a", Whose::Others),
            (Some(101), Succeeded, "ada", "b", Whose::Others),
        ] {
            let found = sync().whose(&view(started, state, operation(by, revision)));
            assert_eq!(found, expected, "{started:?} {state:?} {by} {revision}");
        }
    }

    #[test]
    fn whatever_comes_after_the_own_operation_is_somebody_elses() {
        use OperationStatus::{None as Nothing, Requested, Running, Succeeded};
        let mut own = job(Request::Sync(Box::default()));
        assert_eq!(own.whose(&view(Some(101), Running, operation("ada", "a"))), Whose::Own);
        assert_eq!(own.whose(&view(Some(101), Succeeded, operation("ada", ""))), Whose::Own, "whatever it says by now");
        assert_eq!(own.whose(&view(Some(102), Succeeded, operation("ada", "a"))), Whose::Others);
        assert_eq!(own.whose(&view(None, Requested, operation("ada", "a"))), Whose::Others);
        assert_eq!(own.whose(&view(None, Nothing, Operation::default())), Whose::Nobodys);
    }

    #[test]
    fn an_operation_that_was_left_behind_keeps_its_begin_when_it_is_taken_up() {
        let mut own = job(Request::Sync(Box::default()));
        own.was_seen = true;
        assert_eq!(own.whose(&view(Some(100), OperationStatus::Succeeded, operation("ada", "a"))), Whose::Nobodys);
        assert_eq!(own.whose(&view(Some(100), OperationStatus::Running, operation("ada", "a"))), Whose::Own);
    }

    #[test]
    fn an_abort_is_about_the_operation_that_was_there() {
        use OperationStatus::{Requested, Running, Terminating};
        let mut abort = job(Request::Abort);
        assert_eq!(abort.whose(&view(Some(90), Running, operation("grace", "b"))), Whose::Nobodys, "what is older");
        assert_eq!(abort.whose(&view(None, Requested, operation("grace", "b"))), Whose::Nobodys);
        assert_eq!(abort.whose(&view(Some(100), Terminating, operation("grace", "b"))), Whose::Own);
        assert_eq!(abort.whose(&view(Some(101), Running, operation("grace", "b"))), Whose::Others);
    }
}
