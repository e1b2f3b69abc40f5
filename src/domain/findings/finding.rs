//! One finding.

use super::code::{Code, Severity};

/// Something that will not happen as written, or will hurt later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of finding.
    pub code: Code,
    /// Position of the object among those that were checked; `None` if it is about all of them.
    pub object: Option<usize>,
    /// Positions of the other objects that have a part in it.
    pub others: Vec<usize>,
    /// What is wrong here, in one line. May quote what the manifests say: escape it before showing it.
    pub message: String,
    /// What to do, in one line. May quote, too.
    pub remedy: String,
}

impl Finding {
    /// A finding about one object, with the remedy of its code.
    pub(super) fn new(code: Code, object: usize, message: impl Into<String>) -> Self {
        Self {
            code,
            object: Some(object),
            others: Vec::new(),
            message: message.into(),
            remedy: code.remedy().to_owned(),
        }
    }

    /// With a remedy that knows more than the code's.
    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// With other objects that have a part in it.
    pub(super) fn others(mut self, others: impl IntoIterator<Item = usize>) -> Self {
        self.others = others.into_iter().collect();
        self
    }

    /// How bad it is.
    pub const fn severity(&self) -> Severity {
        self.code.severity()
    }
}
