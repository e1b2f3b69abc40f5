//! The workflow controller, as far as hooks need it: templates of containers and scripts, DAGs, steps, suspension and
//! parameters. What it does not know (loops, artifacts, retries, expressions beyond equality) ends the node in `Error`
//! or is passed over, as the comments say.

mod controller;
mod parameters;
mod pods;
mod walk;

pub(super) use controller::WorkflowController;
