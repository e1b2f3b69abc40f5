//! Carries out what pods' machines ask for.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::container::Defaults;
use super::machine::{Effect, Machine};
use crate::domain::scenario::{LogLines, Run, Script};
use crate::sim::controllers::json::{int, list, seconds, text};
use crate::sim::controllers::{Change, ContainerScript, Context, Controller, ControllerName, Key, Note, Wake};
use crate::sim::resource::PODS;
use crate::sim::status::Status;
use crate::sim::store::{EventKind, Part, Stored};

/// The kubelets of all nodes.
#[derive(Debug, Default)]
pub(crate) struct Kubelet {
    /// Pods by UID.
    pods: HashMap<String, Machine>,
    /// Addresses given out.
    addresses: u64,
}

impl Controller for Kubelet {
    fn name(&self) -> ControllerName {
        ControllerName::Kubelet
    }

    fn manager(&self) -> &'static str {
        "kubelet"
    }

    fn observe(&mut self, change: &Change, _owners: &crate::sim::controllers::Owners, wake: &mut Wake<'_>) {
        if change.id != PODS {
            return;
        }
        let pod = &change.object;
        if change.kind == EventKind::Deleted {
            wake.resource(pod.uid(), pod.namespace(), pod.name(), Duration::ZERO);
            return;
        }
        let new = !self.pods.contains_key(pod.uid());
        let told = pod.is_deleting() && self.pods.get(pod.uid()).is_none_or(|machine| !machine.stopping);
        let hurried = pod.is_deleting()
            && change.previous.as_ref().is_none_or(|previous| {
                let grace = |pod: &Stored| int(&pod.value(), "/metadata/deletionGracePeriodSeconds");
                grace(previous) != grace(pod)
            });
        if new || told || hurried {
            wake.now(pod.namespace(), pod.name());
        }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Status> {
        if !key.resource.is_empty() {
            // The UID of a pod that is gone.
            self.pods.remove(&key.resource);
            context.scripts.forget(&key.resource);
            context.logs.forget(&key.resource);
            return Ok(());
        }
        let Some(stored) = context.store.get(&PODS, &key.namespace, &key.name) else { return Ok(()) };
        let pod = stored.value();
        if text(&pod, "/spec/nodeName").is_empty() {
            return Ok(());
        }
        if !self.pods.contains_key(stored.uid()) {
            if matches!(text(&pod, "/status/phase"), "Succeeded" | "Failed") {
                return Ok(());
            }
            if stored.is_deleting() {
                // It never ran here.
                return context.delete_within(&PODS, &stored, None, Some(0));
            }
            self.admit(context, &stored)?;
        }
        let Some(machine) = self.pods.get_mut(stored.uid()) else { return Ok(()) };
        if stored.is_deleting() {
            let grace = int(&pod, "/metadata/deletionGracePeriodSeconds").unwrap_or(0);
            let grace = context.scaled(Duration::from_secs(u64::try_from(grace).unwrap_or(0)));
            let effects = machine.stop(context.monotonic, grace);
            carry_out(context, machine, &stored, context.monotonic, effects)?;
        }
        while let Some((at, effects)) = machine.advance(context.monotonic) {
            carry_out(context, machine, &stored, at, effects)?;
        }
        if let Some(next) = machine.next() {
            context.later.push((key.clone(), next));
        }
        Ok(())
    }
}

impl Kubelet {
    /// A pod that was bound to a node: its first status.
    fn admit(&mut self, context: &mut Context<'_>, stored: &Stored) -> Result<(), Status> {
        let pod = stored.value();
        let mut scripts = context.scripts.of(context.store, context.owners, &pod);
        let defaults = Defaults {
            start: Duration::from_millis(200 + context.scripts.below(600)),
            run: Duration::from_millis(2_000 + context.scripts.below(4_000)),
        };
        if !stored.label("workflows.argoproj.io/workflow").unwrap_or_default().is_empty() {
            script_executor(&mut scripts, defaults.run);
        }
        self.addresses += 1;
        let machine = Machine::new(&pod, &scripts, || defaults, context.monotonic, context.speed, self.addresses);
        for container in list(&pod, "/spec/initContainers").iter().chain(list(&pod, "/spec/containers")) {
            let init = list(&pod, "/spec/initContainers").contains(container);
            let path = field_path(init, text(container, "/name"));
            let message = format!("Pulling image {:?}", text(container, "/image"));
            note(context, stored, context.now, false, "Pulling", &message, &path);
        }
        write(context, &machine, stored)?;
        self.pods.insert(stored.uid().to_owned(), machine);
        Ok(())
    }
}

/// The executor's own containers in the pod of a workflow: `init` is quick, `wait` ends with `main`. Both may be
/// scripted otherwise.
fn script_executor(scripts: &mut [ContainerScript], default_run: Duration) {
    let length = |script: &Script| match (script.run, &script.log) {
        (Some(run), _) => run,
        (None, Some(log)) => Run::For(LogLines::length(log)),
        (None, None) => Run::For(SignedDuration::try_from(default_run).unwrap_or_default()),
    };
    let main = scripts.iter().find(|part| part.container == "main").map(|part| length(&part.script));
    for part in scripts.iter_mut().filter(|part| part.script == Script::default()) {
        match (part.container.as_str(), main) {
            ("init", _) => part.script.run = Some(Run::For(SignedDuration::from_millis(200))),
            ("wait", Some(run)) => part.script.run = Some(run),
            _ => {}
        }
    }
}

fn carry_out(
    context: &mut Context<'_>,
    machine: &Machine,
    stored: &Stored,
    at: Duration,
    effects: Vec<Effect>,
) -> Result<(), Status> {
    let when = wall(context, at);
    for effect in effects {
        match effect {
            Effect::Status => write(context, machine, stored)?,
            Effect::LogStart(key) => context.logs.start(&key),
            Effect::Log(key, line) => context.logs.write(&key, when, &line),
            Effect::LogEnd(key) => context.logs.end(&key),
            Effect::Tell { warning, reason, message, container, init } => {
                note(context, stored, when, warning, reason, &message, &field_path(init, &container));
            }
            Effect::Gone => {
                write(context, machine, stored)?;
                context.delete_within(&PODS, stored, None, Some(0))?;
            }
        }
    }
    Ok(())
}

/// Writes the machine's status; that the pod is gone is no failure.
fn write(context: &Context<'_>, machine: &Machine, stored: &Stored) -> Result<(), Status> {
    let (now, monotonic) = (context.now, context.monotonic);
    let time = |at: Duration| seconds(wall_at(now, monotonic, at));
    let written = context.change(&PODS, stored, Part::Status, |pod| machine.write_status(pod, &time));
    match written {
        Err(error) if error.code == 404 || error.code == 409 => Ok(()),
        other => other.map(drop),
    }
}

fn note(
    context: &mut Context<'_>,
    stored: &Stored,
    when: Timestamp,
    warning: bool,
    reason: &str,
    message: &str,
    path: &str,
) {
    let pod: std::sync::Arc<Value> = stored.value();
    let node = text(&pod, "/spec/nodeName");
    let note = Note { component: "kubelet", host: node, warning, reason, message, field_path: path };
    context.recorder.tell(context.store, when, &pod, note);
}

fn field_path(init: bool, container: &str) -> String {
    if init { format!("spec.initContainers{{{container}}}") } else { format!("spec.containers{{{container}}}") }
}

fn wall(context: &Context<'_>, at: Duration) -> Timestamp {
    wall_at(context.now, context.monotonic, at)
}

/// The wall time of a moment of the monotonic clock.
fn wall_at(now: Timestamp, monotonic: Duration, at: Duration) -> Timestamp {
    let ago =
        SignedDuration::try_from(monotonic).unwrap_or_default() - SignedDuration::try_from(at).unwrap_or_default();
    now.checked_sub(ago).unwrap_or(now)
}
