//! A list that is put together object by object.

use bytes::Bytes;

use super::output::Output;
use crate::sim::store::Stored;

/// A short list, written as a whole.
pub(crate) struct Collected<'a> {
    output: &'a Output,
    bytes: Vec<u8>,
    first: bool,
}

impl<'a> Collected<'a> {
    pub(crate) fn new(output: &'a Output, revision: u64) -> Self {
        Self { output, bytes: output.list_open(revision, None, None), first: true }
    }

    pub(crate) fn add(&mut self, object: &Stored) {
        if !std::mem::take(&mut self.first) {
            self.bytes.push(b',');
        }
        self.output.list_item(&mut self.bytes, object);
    }

    pub(crate) fn close(mut self) -> Bytes {
        self.bytes.extend_from_slice(Output::list_close());
        self.bytes.into()
    }
}
