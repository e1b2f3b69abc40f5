//! Scenarios: one YAML file that says what a simulated world does, what is deployed in it, which keys are pressed
//! and what is expected.
//!
//! ```yaml
//! apiVersion: boathook.dev/v1
//! kind: Scenario
//! name: a-failing-migration
//! description: The migration fails twice, then passes.
//! world:                       # read by the simulator, the sections below by the demo and the tests
//!   nodes: [{name: node-1, labels: {disk: ssd}}]
//!   namespaces: [shop]
//!   objects: []                # manifests that exist from the start
//!   pods:                      # what pods do; for every container the first rule that matches it counts
//!   - match: {namespace: shop, owner: {kind: Job, name: "db-*"}, container: main, image: "*", command: "*migrate*"}
//!     attempts:                # the first pod the rule matches takes the first, ...; the last is for all that follow
//!     - {log: [starting, {after: 2s, line: "ERROR: locked"}], exitCode: 3}
//!     - {pull: {for: 20s}, log: [starting], run: 5s, oomKilled: true}
//!     - {log: [{repeat: 4, every: 0.5s, line: "step {n}/4"}, done]}
//!   - match: {owner: {kind: Deployment, name: web}}
//!     ready: 3s                # a rule with a single script may write it in place
//!   services: [{match: {name: edge}, loadBalancer: pending}]
//!   claims: [{match: {name: data}, bind: never}]
//!   access: [{allow: false, verbs: [delete], resources: [pods], namespaces: ["prod-*"], reason: not on a Friday}]
//!   faults: [{at: 10s, for: 5s, match: {verbs: [watch]}, kind: endWatch}]
//! repositories: {}             # Git repositories to make
//! commits: []                  # what is committed to them, over time
//! applications: []             # Applications to create
//! keys: []                     # keys to press
//! expect: {}                   # what must then be so
//! ```
//!
//! Unknown keys are errors; every problem of a file is in one report, each with its path and line. Durations are
//! written `0.5s`, `200ms`, `1m 30s`. Globs know `*` and `?`. In log lines `{n}` is the number of the repetition,
//! `{attempt}` the number of the pod among those the rule has matched.

mod access;
mod faults;
mod pattern;
mod pods;
pub(crate) mod reader;
mod script;
mod sections;

pub use access::{AccessRequest, AccessRule};
pub use faults::{Fault, FaultKind, RequestMatch};
pub use pattern::Pattern;
pub use pods::{ContainerFacts, Owner, PodFacts, PodMatch, PodRule};
pub use reader::{Problem, ScenarioError};
pub use script::{LogLines, LogStep, Ready, Run, Script, Stop, Wait};
pub use sections::{ClaimRule, NameMatch, NodeSpec, Scenario, ServiceRule, World};
