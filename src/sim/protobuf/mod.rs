//! Protobuf, as far as `kubectl create job` and the like send it: read into the JSON that it stands for. Answers are JSON,
//! which every client accepts.

mod decode;
mod messages;

pub(crate) use decode::decode;
