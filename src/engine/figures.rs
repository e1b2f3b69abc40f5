//! What an engine has done so far, counted.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::domain::operation::OperationPhase;

/// Counters of one engine.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    comparisons: AtomicU64,
    succeeded: AtomicU64,
    failed: AtomicU64,
    errors: AtomicU64,
    applications: AtomicU64,
    without_lease: AtomicBool,
}

impl Figures {
    /// A comparison was made.
    pub(crate) fn compared(&self) {
        self.comparisons.fetch_add(1, Ordering::Relaxed);
    }

    /// An operation is over.
    pub(crate) fn ended(&self, phase: OperationPhase) {
        let counter = match phase {
            OperationPhase::Succeeded => &self.succeeded,
            OperationPhase::Failed => &self.failed,
            OperationPhase::Error => &self.errors,
            OperationPhase::Running | OperationPhase::Terminating => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// So many applications are worked for.
    pub(crate) fn applications(&self, count: usize) {
        self.applications.store(count.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Whether the Lease is held: without it nothing is done.
    pub(crate) fn has_lease(&self, is_held: bool) {
        self.without_lease.store(!is_held, Ordering::Relaxed);
    }

    /// The counters in Prometheus' text format.
    pub(crate) fn text(&self) -> String {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut text = String::new();
        let mut line = |name: &str, kind: &str, help: &str, values: &[(&str, u64)]| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in values {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let phases = [
            ("{phase=\"Succeeded\"}", read(&self.succeeded)),
            ("{phase=\"Failed\"}", read(&self.failed)),
            ("{phase=\"Error\"}", read(&self.errors)),
        ];
        let applications = [("", read(&self.applications))];
        line("boathook_engine_applications", "gauge", "Applications worked for.", &applications);
        let comparisons = [("", read(&self.comparisons))];
        line("boathook_engine_comparisons_total", "counter", "Comparisons with Git.", &comparisons);
        let lease = [("", u64::from(!self.without_lease.load(Ordering::Relaxed)))];
        line("boathook_engine_lease_held", "gauge", "Whether the Lease is held; without it nothing is done.", &lease);
        line("boathook_engine_operations_total", "counter", "Operations that are over.", &phases);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let figures = Figures::default();
        figures.compared();
        figures.ended(OperationPhase::Failed);
        figures.ended(OperationPhase::Running);
        figures.applications(3);
        let text = figures.text();
        for line in [
            "# TYPE boathook_engine_applications gauge",
            "boathook_engine_applications 3",
            "boathook_engine_lease_held 1",
            "boathook_engine_comparisons_total 1",
            "boathook_engine_operations_total{phase=\"Succeeded\"} 0",
            "boathook_engine_operations_total{phase=\"Failed\"} 1",
        ] {
            assert!(text.lines().any(|own| own == line), "{line} in {text}");
        }
    }
}
