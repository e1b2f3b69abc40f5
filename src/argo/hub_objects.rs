//! The hub's part that reads the objects of applications where they live.

use tokio::sync::oneshot;

use super::active::Destination;
use super::hub::Hub;
use crate::domain::application::AppKey;
use crate::domain::manifest::{Object, ObjectKey, without_secrets};

/// What comes of it: the object without the values of Secrets; `None`: it does not exist.
pub(super) type Reply = oneshot::Sender<Result<Option<Object>, String>>;

/// Objects of one application that may wait until its destination is known.
const MOST: usize = 1000;

impl Hub {
    /// Reads an object of an application in its destination, as soon as that is known.
    pub(super) fn live_object(&mut self, key: &AppKey, object: ObjectKey, reply: Reply) {
        let Some(active) = self.active.get_mut(key) else {
            let _ = reply.send(Err("the application is not open".to_owned()));
            return;
        };
        let (cluster, kinds) = match &active.destination {
            Destination::Known(cluster, kinds) => (cluster.clone(), kinds.clone()),
            Destination::Unasked | Destination::Asked if active.early_objects.len() < MOST => {
                active.early_objects.push((object, reply));
                return;
            }
            _ => {
                let why = self.no_way.get(&active.wanted).map(|reason| format!(": {reason}")).unwrap_or_default();
                let _ = reply.send(Err(format!("there is no access to the destination cluster{why}")));
                return;
            }
        };
        self.spawn(async move {
            let Some(kind) = kinds.find(&object.group, &object.kind) else {
                let _ = reply.send(Err(format!("the cluster does not know the kind {}", object.kind)));
                return;
            };
            let namespace = if kind.namespaced { object.namespace.as_str() } else { "" };
            let found = cluster.get(kind, namespace, &object.name).await.map_err(|error| error.to_string());
            let _ = reply.send(found.map(|found| found.map(without_secrets)));
        });
    }

    /// The destination of an application is known now, or that there is no way to it.
    pub(super) fn read_again(&mut self, key: &AppKey) {
        let early = self.active.get_mut(key).map(|active| std::mem::take(&mut active.early_objects));
        for (object, reply) in early.unwrap_or_default() {
            self.live_object(key, object, reply);
        }
    }
}
