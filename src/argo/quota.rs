//! The bound on what captured logs take, also while they are written: a hook that never stops talking must not fill a
//! disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::options::CaptureOptions;
use crate::clock::Clock;
use crate::store::{State, StoreError, prune};

/// Room is made at once for more than is needed now, so that not every line makes some.
const MARGIN: u64 = 16;
/// How often at most what is too old is looked for.
const EVERY: Duration = Duration::from_secs(600);

/// The bound, shared by everything that writes. Cheap to clone.
#[derive(Clone)]
pub(super) struct Quota {
    state: State,
    options: CaptureOptions,
    clock: Clock,
    used: Arc<AtomicU64>,
    /// What is on disk from before is in `used`.
    counted: Arc<AtomicBool>,
    turn: Arc<tokio::sync::Mutex<Option<Duration>>>,
}

impl Quota {
    pub(super) fn new(state: &State, options: &CaptureOptions, clock: &Clock) -> Self {
        Self {
            state: state.clone(),
            options: options.clone(),
            clock: clock.clone(),
            used: Arc::default(),
            counted: Arc::default(),
            turn: Arc::default(),
        }
    }

    /// Takes away what is too old or too much, if that was not done lately.
    pub(super) async fn prune(&self) {
        let mut last = self.turn.lock().await;
        let now = self.clock.monotonic();
        if last.is_none_or(|last| now.saturating_sub(last) >= EVERY) {
            *last = Some(now);
            self.make_room(self.options.quota).await;
        }
    }

    /// So many bytes more are to be written. The error: there is no room, and none can be made.
    pub(super) async fn take(&self, bytes: u64) -> Result<(), StoreError> {
        let quota = self.options.quota;
        if self.used.fetch_add(bytes, Ordering::Relaxed) + bytes <= quota {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        // Another may have made room meanwhile.
        if self.used.load(Ordering::Relaxed) > quota {
            self.make_room(quota - quota / MARGIN).await;
        }
        if self.used.load(Ordering::Relaxed) > quota { Err(StoreError::Quota { quota }) } else { Ok(()) }
    }

    async fn make_room(&self, quota: u64) {
        let (state, keep, now) = (self.state.clone(), self.options.keep, self.clock.now());
        match tokio::task::spawn_blocking(move || prune(&state, quota, keep, now)).await {
            Ok(Ok(pruned)) => {
                // What is on its way to the disk is counted and not there yet: only what went is taken off.
                let is_first = !self.counted.swap(true, Ordering::Relaxed);
                let found = if is_first { pruned.left } else { 0 };
                let freed = if is_first { 0 } else { pruned.bytes };
                let _ = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                    Some((used + found).saturating_sub(freed))
                });
            }
            Ok(Err(error)) => tracing::warn!(%error, "old logs are not taken away"),
            Err(_) => {}
        }
    }
}
