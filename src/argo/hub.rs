//! The hub: the one task that owns what is known.

use tokio::sync::mpsc;

use super::command::Command;
use super::options::Options;
use crate::cluster::Cluster;
use crate::domain::live::LiveEvent;

const NOT_YET: &str = "not yet";

/// Runs until it is stopped, or nobody listens and nobody asks any more.
pub(super) async fn run(
    _cluster: Cluster,
    _options: Options,
    mut commands: mpsc::UnboundedReceiver<Command>,
    _events: mpsc::Sender<LiveEvent>,
) {
    while let Some(command) = commands.recv().await {
        match command {
            Command::Preview { reply, .. } => drop(reply.send(Err(NOT_YET.to_owned()))),
            Command::History { reply, .. } => drop(reply.send(Ok(Vec::new()))),
            Command::Names { reply, .. } => drop(reply.send(Err(NOT_YET.to_owned()))),
            Command::Object { reply, .. } => drop(reply.send(Err(NOT_YET.to_owned()))),
            Command::Stop(reply) => {
                let _ = reply.send(());
                return;
            }
            _ => {}
        }
    }
}
