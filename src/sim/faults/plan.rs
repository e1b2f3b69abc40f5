use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};

use crate::domain::scenario::{AccessRequest, Pattern, RequestMatch};
use crate::sim::status::{Details, Status};
use crate::sim::store::Random;

/// Requests of these verbs for these resources (plurals, with the subresource where there is one: `pods/log`); an
/// empty list stands for all.
pub fn requests(verbs: &[&str], resources: &[&str]) -> RequestMatch {
    let patterns = |texts: &[&str]| texts.iter().map(|text| Pattern::new(*text)).collect();
    RequestMatch { verbs: patterns(verbs), resources: patterns(resources), ..RequestMatch::default() }
}

/// An answer that is an error, without the request being carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// 410: list again.
    Gone,
    /// 409: somebody else wrote.
    Conflict,
    /// 429 with a `Retry-After` of so many seconds.
    TooManyRequests {
        /// Seconds.
        retry_after: u32,
    },
    /// 500 to 599.
    Server {
        /// Code.
        code: u16,
        /// What it says; empty for the usual text.
        message: String,
    },
    /// 401, as for a token that has expired.
    Unauthorized,
    /// 403.
    Forbidden,
}

impl Failure {
    /// The answer.
    pub fn status(&self) -> Status {
        match self {
            Self::Gone => Status::expired("The resourceVersion for the provided watch is too old."),
            Self::Conflict => Status::new(
                409,
                "Conflict",
                "Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest \
                 version and try again",
            ),
            Self::TooManyRequests { retry_after } => {
                let message = "Too many requests, please try again later.";
                let mut status = Status::new(429, "TooManyRequests", message);
                let details = Details { retry_after_seconds: Some(*retry_after), ..Details::default() };
                status.details = Some(Box::new(details));
                status
            }
            Self::Server { code, message } => {
                let (reason, usual) = match code {
                    503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
                    504 => ("Timeout", "Timeout: request did not complete within the allotted timeout"),
                    _ => ("InternalError", "Internal error occurred: a fault was asked for"),
                };
                Status::new(*code, reason, if message.is_empty() { usual } else { message })
            }
            Self::Unauthorized => Status::new(401, "Unauthorized", "Unauthorized"),
            Self::Forbidden => Status::new(403, "Forbidden", "forbidden: a fault was asked for"),
        }
    }
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The connection is cut and the request is not carried out.
    Cut,
    /// The request is carried out and the connection is cut before the answer: the outcome is unknown to the client.
    CutAfter,
    /// The request waits before it is carried out.
    Delay(Duration),
    /// It is answered with an error and not carried out.
    Fail(Failure),
    /// The body of the answer comes in pieces of so many bytes, with pauses.
    Slow {
        /// Bytes at once.
        piece: usize,
        /// Before each piece.
        pause: Duration,
    },
    /// The body of the answer is cut after so many bytes.
    Truncate {
        /// Bytes.
        after: usize,
    },
    /// The API server that answers is so many revisions behind its peers: a list or streaming list that is content with
    /// any state (`resourceVersion=0`) is as it was then, and one that wants a later state is refused.
    Behind {
        /// Revisions.
        revisions: u64,
    },
    /// A watch, after so many events.
    Watch {
        /// Events that are still sent.
        after: usize,
        /// What happens then.
        order: WatchOrder,
    },
}

/// What a watch is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchOrder {
    /// End, as at its timeout.
    End,
    /// End with a broken connection.
    Cut,
    /// Send nothing more, and stay open.
    Stall,
    /// End with an `ERROR` event, 410.
    Expire,
}

/// One fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Which requests meet it.
    pub filter: RequestMatch,
    /// What happens to them.
    pub action: Action,
    /// How many of them; all where `None`.
    pub times: Option<u32>,
    /// How many of them are spared first.
    pub skip: u32,
    /// How likely each of them meets it, 0 to 1.
    pub probability: f64,
}

impl Fault {
    /// A fault that every such request meets.
    pub fn new(filter: RequestMatch, action: Action) -> Self {
        Self { filter, action, times: None, skip: 0, probability: 1.0 }
    }

    /// Only so many times.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Not the first so many.
    #[must_use]
    pub fn skip(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    /// Only with this probability, 0 to 1.
    #[must_use]
    pub fn probability(self, probability: f64) -> Self {
        Self { probability, ..self }
    }
}

/// Names a fault that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultId(usize);

#[derive(Debug)]
struct Planned {
    fault: Fault,
    seen: u32,
    met: u32,
    removed: bool,
}

#[derive(Debug)]
struct State {
    planned: Vec<Planned>,
    /// API groups whose server does not answer.
    down: BTreeSet<String>,
    random: Random,
}

/// The faults of one server. Cheap to clone: clones are the same.
#[derive(Debug, Clone)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    /// How many faults were met, all together.
    meetings: watch::Sender<u64>,
    orders: broadcast::Sender<(RequestMatch, WatchOrder)>,
}

impl Faults {
    /// None yet; the seed decides the chances.
    pub fn new(seed: u64) -> Self {
        let state = State { planned: Vec::new(), down: BTreeSet::new(), random: Random::new(seed) };
        Self { state: Arc::new(Mutex::new(state)), meetings: watch::Sender::new(0), orders: broadcast::Sender::new(64) }
    }

    /// One more. Where several match a request, the one that was added first is met.
    pub fn add(&self, fault: Fault) -> FaultId {
        let mut state = self.lock();
        state.planned.push(Planned { fault, seen: 0, met: 0, removed: false });
        FaultId(state.planned.len() - 1)
    }

    /// One less.
    pub fn remove(&self, FaultId(id): FaultId) {
        if let Some(planned) = self.lock().planned.get_mut(id) {
            planned.removed = true;
        }
    }

    /// None any more.
    pub fn clear(&self) {
        let mut state = self.lock();
        for planned in &mut state.planned {
            planned.removed = true;
        }
        state.down.clear();
    }

    /// From now on, and until [`clear`](Self::clear), the server of an API group is down, as an aggregated one may be: its
    /// kinds are not discovered, and what is asked of them is answered with 503.
    pub fn take_down(&self, group: &str) {
        self.lock().down.insert(group.to_owned());
    }

    /// The API groups whose server is down.
    pub(crate) fn down(&self) -> BTreeSet<String> {
        self.lock().down.clone()
    }

    /// How many requests have met a fault.
    pub fn met(&self, FaultId(id): FaultId) -> u32 {
        self.lock().planned.get(id).map_or(0, |planned| planned.met)
    }

    /// Waits until so many requests have met a fault.
    pub async fn until_met(&self, id: FaultId, times: u32) {
        let mut meetings = self.meetings.subscribe();
        // The sender lives in `self`, so this cannot fail.
        let _ = meetings.wait_for(|_| self.met(id) >= times).await;
    }

    /// Tells every matching watch that is open now what to do.
    pub fn order(&self, filter: RequestMatch, order: WatchOrder) {
        // An error means that no watch is open.
        let _ = self.orders.send((filter, order));
    }

    pub(crate) fn orders(&self) -> broadcast::Receiver<(RequestMatch, WatchOrder)> {
        self.orders.subscribe()
    }

    /// What happens to a request, and counts it.
    pub(crate) fn meet(&self, request: &AccessRequest<'_>, user_agent: &str) -> Option<Action> {
        let mut state = self.lock();
        if state.down.contains(request.group) {
            return Some(Action::Fail(Failure::Server { code: 503, message: String::new() }));
        }
        let State { planned, random, .. } = &mut *state;
        for planned in planned.iter_mut().filter(|planned| !planned.removed) {
            let over = planned.fault.times.is_some_and(|times| planned.met >= times);
            if over || !planned.fault.filter.matches(request, user_agent) {
                continue;
            }
            planned.seen += 1;
            if planned.seen > planned.fault.skip && random.chance(planned.fault.probability) {
                planned.met += 1;
                let action = planned.fault.action.clone();
                drop(state);
                self.meetings.send_modify(|meetings| *meetings += 1);
                return Some(action);
            }
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; if it did, the list would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_spares_the_first_and_is_met_a_number_of_times() {
        let faults = Faults::new(1);
        let id = faults.add(Fault::new(requests(&["list"], &["jobs"]), Action::Cut).skip(1).times(2));
        let list = AccessRequest { verb: "list", group: "batch", resource: "jobs", namespace: "", name: "" };
        assert_eq!(faults.meet(&AccessRequest { verb: "get", ..list }, ""), None);
        assert_eq!(faults.meet(&AccessRequest { resource: "jobs/status", ..list }, ""), None);
        let met: Vec<_> = (0..5).map(|_| faults.meet(&list, "").is_some()).collect();
        assert_eq!(met, [false, true, true, false, false]);
        assert_eq!(faults.met(id), 2);
        faults.add(Fault::new(RequestMatch::default(), Action::Cut));
        faults.clear();
        assert_eq!(faults.meet(&list, ""), None);
    }
}
