//! What goes wrong between a client and the simulated API server.

use jiff::SignedDuration;

use super::Pattern;
use super::reader::{Fields, Node, Problems};

/// One fault: from when, how long or how often, for which requests, and what happens to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From the simulator's start.
    pub at: SignedDuration,
    /// How long it stays; `None`: until `times` is used up, or for ever.
    pub lasts: Option<SignedDuration>,
    /// How many requests it meets; `None`: all.
    pub times: Option<u32>,
    /// Which requests.
    pub matches: RequestMatch,
    /// What happens to them.
    pub kind: FaultKind,
}

/// Which requests; what is not given matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestMatch {
    /// Verbs as in RBAC.
    pub verbs: Vec<Pattern>,
    /// API groups.
    pub groups: Vec<Pattern>,
    /// Resources in the plural, subresources as `pods/log`.
    pub resources: Vec<Pattern>,
    /// Namespaces.
    pub namespaces: Vec<Pattern>,
    /// Names of objects.
    pub names: Vec<Pattern>,
    /// `User-Agent` of the client.
    pub user_agents: Vec<Pattern>,
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// `refuse`: connections are refused, open ones are closed.
    Refuse,
    /// `cut`: the connection is closed without an answer.
    Cut,
    /// `endWatch`: watches end, properly.
    EndWatch,
    /// `stallWatch`: watches stay open and say nothing.
    StallWatch,
    /// `expire`: versions asked for are too old, 410.
    Expire,
    /// `conflict`: writes get 409.
    Conflict,
    /// `throttle`: 429 with Retry-After in whole seconds.
    Throttle {
        /// Seconds.
        retry_after: u32,
    },
    /// `error`: a server error.
    Error {
        /// 500 to 599.
        status: u16,
        /// What its Status object says; empty for the usual text.
        message: String,
    },
    /// `slow`: the answer, and every event of a watch, comes this much later.
    Slow {
        /// Delay.
        delay: SignedDuration,
    },
    /// `truncate`: the body ends after so many bytes.
    Truncate {
        /// Bytes.
        bytes: u32,
    },
    /// `expireToken`: the client's token is no longer valid, 401.
    ExpireToken,
    /// `restart`: all connections are cut once, and nothing is forgotten.
    Restart,
}

impl RequestMatch {
    /// Whether a request is meant; `request` as for access rules.
    pub fn matches(&self, request: &super::AccessRequest<'_>, user_agent: &str) -> bool {
        request.is_among([&self.verbs, &self.groups, &self.resources, &self.namespaces, &self.names])
            && Pattern::any(&self.user_agents, user_agent)
    }

    fn read(node: &Node<'_>, problems: &mut Problems) -> Self {
        let known = ["verbs", "groups", "resources", "namespaces", "names", "userAgents"];
        let Some(fields) = node.fields(problems, &known) else { return Self::default() };
        Self {
            verbs: fields.patterns(problems, "verbs"),
            groups: fields.patterns(problems, "groups"),
            resources: fields.patterns(problems, "resources"),
            namespaces: fields.patterns(problems, "namespaces"),
            names: fields.patterns(problems, "names"),
            user_agents: fields.patterns(problems, "userAgents"),
        }
    }
}

impl Fault {
    pub(super) fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let known = ["at", "for", "times", "match", "kind", "retryAfter", "status", "message", "delay", "bytes"];
        let fields = node.fields(problems, &known)?;
        Some(Self {
            at: fields.duration(problems, "at").unwrap_or_default(),
            lasts: fields.duration(problems, "for"),
            times: number(&fields, problems, "times", 1, 1_000_000),
            matches: fields.get("match").map(|node| RequestMatch::read(&node, problems)).unwrap_or_default(),
            kind: kind(&fields, problems)?,
        })
    }
}

fn number(fields: &Fields<'_>, problems: &mut Problems, name: &str, least: i64, most: i64) -> Option<u32> {
    fields.get(name)?.number(problems, least, most).and_then(|number| u32::try_from(number).ok())
}

fn kind(fields: &Fields<'_>, problems: &mut Problems) -> Option<FaultKind> {
    let node = fields.need(problems, "kind")?;
    let name = node.text(problems)?;
    let (kind, own): (FaultKind, &[&str]) = match name.as_str() {
        "refuse" => (FaultKind::Refuse, &[]),
        "cut" => (FaultKind::Cut, &[]),
        "endWatch" => (FaultKind::EndWatch, &[]),
        "stallWatch" => (FaultKind::StallWatch, &[]),
        "expire" => (FaultKind::Expire, &[]),
        "conflict" => (FaultKind::Conflict, &[]),
        "throttle" => (
            FaultKind::Throttle { retry_after: number(fields, problems, "retryAfter", 0, 3600).unwrap_or(1) },
            &["retryAfter"],
        ),
        "error" => (
            FaultKind::Error {
                status: number(fields, problems, "status", 500, 599)
                    .and_then(|status| u16::try_from(status).ok())
                    .unwrap_or(500),
                message: fields.text(problems, "message"),
            },
            &["status", "message"],
        ),
        "slow" => (
            FaultKind::Slow {
                delay: fields.need(problems, "delay").and_then(|node| node.duration(problems)).unwrap_or_default(),
            },
            &["delay"],
        ),
        "truncate" => (
            FaultKind::Truncate { bytes: number(fields, problems, "bytes", 0, 1 << 30).unwrap_or_default() },
            &["bytes"],
        ),
        "expireToken" => (FaultKind::ExpireToken, &[]),
        "restart" => (FaultKind::Restart, &[]),
        _ => {
            node.refuse(
                problems,
                "expected one of refuse, cut, endWatch, stallWatch, expire, conflict, throttle, error, slow, truncate, \
                 expireToken, restart",
            );
            return None;
        }
    };
    for name in ["retryAfter", "status", "message", "delay", "bytes"] {
        if !own.contains(&name)
            && let Some(field) = fields.get(name)
        {
            field.refuse(problems, "has no meaning for this kind of fault");
        }
    }
    Some(kind)
}
