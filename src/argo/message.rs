//! What the tasks report to the hub.

use std::sync::Arc;

use super::fleet::FleetItem;
use crate::cluster::{Cluster, ClusterError, FromJson, Kind, Kinds, WatchEvent};
use crate::domain::application::AppKey;
use crate::domain::live::{EarlyRow, LiveEvent, RequestId, RequestUpdate, Rights};
use crate::domain::manifest::Object;

use super::active::Asked;
use super::controllers::Controllers;
use super::destinations::DestinationRef;
use super::feeds::FeedKey;
use super::place::Place;

/// What the tasks report to the hub.
pub(super) enum Message {
    /// Where Applications are, and who we are.
    Placed(Place),
    /// Argo CD's namespace cannot be found out yet.
    Unplaced { error: ClusterError, retry_in: std::time::Duration },
    /// From a table.
    Early(Vec<EarlyRow>),
    /// From the watch of Applications.
    Fleet(WatchEvent<FleetItem>),
    /// From the watch of projects in a namespace.
    Projects { home: String, event: WatchEvent<Object> },
    /// From a watch of objects of hooks, or of Events.
    Feed { feed: FeedKey, serial: u64, event: WatchEvent<Slim> },
    /// The whole of an application that was asked for when this was known of it.
    Application { key: AppKey, object: Option<Box<Object>>, asked: Asked },
    /// An application that was asked for cannot be read, and asking again at once does not help.
    NotRead { key: AppKey, reason: String },
    /// A destination was resolved.
    Destination { wanted: DestinationRef, result: Result<(Cluster, Arc<Kinds>), String> },
    /// Who the controllers of the cluster are.
    Controllers(Controllers),
    /// Argo CD's controller was seen in a namespace.
    ControllerSeen { namespace: String },
    /// What the user may do.
    Rights(Rights),
    /// A request moved on.
    Request(RequestUpdate),
    /// A request's task has ended.
    RequestDone(RequestId),
    /// A container's log is complete, or cannot be had any more.
    Captured { source: super::capture::SourceId },
    /// A stream of logs has ended: its application is not looked at any more.
    Close(AppKey),
    /// To be told as it is.
    Tell(Box<LiveEvent>),
    /// The commits of an application that is on a screen.
    Glanced { key: AppKey, revisions: Arc<crate::domain::live::Revisions> },
    /// What Git has of an application, with its plan, is there.
    Reviewed { key: AppKey, review: Arc<crate::domain::live::Review>, is_own: bool },
}

/// An object without its managedFields, which are half of it and told to nobody.
#[derive(Debug, Clone)]
pub(super) struct Slim(pub Arc<Object>);

impl FromJson for Slim {
    fn from_json(json: &str, kind: &Kind) -> Result<Self, String> {
        let mut object = <Object as FromJson>::from_json(json, kind)?;
        if let Some(metadata) = object.as_json_mut().get_mut("metadata").and_then(serde_json::Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        Ok(Self(Arc::new(object)))
    }
}
