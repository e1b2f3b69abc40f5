//! Time: the wall clock, a monotonic one, and sleeping. Real, or driven by a test. Nothing else in the crate asks the
//! system for the time, so a test that drives a [`Clock`] owns every timestamp, timeout and delay.
//!
//! A driven clock stands still until its [`Driver`] moves it. It is not tokio's paused time, which moves by itself
//! whenever every task is idle, and so fires timeouts while a real socket is waited for.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Tells the time and sleeps. Cheap to clone: clones are the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Real { start: Instant },
    Driven(Arc<Shared>),
}

/// The time given to [`Clock::timeout`] passed before the future was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("timed out")]
pub struct Elapsed;

impl Clock {
    /// The system's clock. Its [`monotonic`](Self::monotonic) time starts here.
    pub fn real() -> Self {
        Self(Kind::Real { start: Instant::now() })
    }

    /// A clock that shows `start`, stands still, and is moved by the returned driver.
    pub fn driven(start: Timestamp) -> (Self, Driver) {
        let shared = Arc::new(Shared {
            state: Mutex::new(State { start, now: Duration::ZERO, registered: 0, sleepers: BTreeMap::new() }),
            waiting: watch::Sender::new(0),
        });
        (Self(Kind::Driven(Arc::clone(&shared))), Driver(shared))
    }

    /// The wall clock: for showing and recording, never for measuring, since it can be set while we run.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::Real { .. } => Timestamp::now(),
            Kind::Driven(shared) => {
                let state = shared.lock();
                after(state.start, state.now)
            }
        }
    }

    /// Time since this clock was made; never goes back.
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Kind::Real { start } => start.elapsed(),
            Kind::Driven(shared) => shared.lock().now,
        }
    }

    /// Waits for a length of time, counted from the call and not from the first poll.
    pub fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + use<> {
        self.sleep_until(self.monotonic().saturating_add(duration))
    }

    /// Waits until [`monotonic`](Self::monotonic) is at least `deadline`.
    pub fn sleep_until(&self, deadline: Duration) -> impl Future<Output = ()> + Send + use<> {
        let kind = self.0.clone();
        async move {
            match kind {
                Kind::Real { start } => match start.checked_add(deadline) {
                    Some(instant) => tokio::time::sleep_until(instant.into()).await,
                    // Later than the system can count.
                    None => std::future::pending().await,
                },
                Kind::Driven(shared) => DrivenSleep { shared, deadline, key: None }.await,
            }
        }
    }

    /// The future's output, unless `limit` passes first; then the future is dropped. A future that is ready at the
    /// last moment wins.
    pub async fn timeout<F: Future>(&self, limit: Duration, future: F) -> Result<F::Output, Elapsed> {
        let deadline = self.sleep(limit);
        let mut future = pin!(future);
        tokio::select! {
            biased;
            output = &mut future => Ok(output),
            () = deadline => Err(Elapsed),
        }
    }

    /// Ticks one period after the call and then once a period. Ticks that nobody waited for are left out, not made
    /// up for.
    pub fn interval(&self, period: Duration) -> Interval {
        // A period of zero would be a busy loop.
        let period = period.max(Duration::from_millis(1));
        Interval { clock: self.clone(), period, next: self.monotonic().saturating_add(period) }
    }
}

/// Made by [`Clock::interval`].
#[derive(Debug)]
pub struct Interval {
    clock: Clock,
    period: Duration,
    next: Duration,
}

impl Interval {
    /// Waits for the next tick. Nothing is lost when the returned future is dropped before it is done.
    pub async fn tick(&mut self) {
        self.clock.sleep_until(self.next).await;
        let late = self.clock.monotonic().saturating_sub(self.next);
        let left_out = u32::try_from(late.as_nanos() / self.period.as_nanos()).unwrap_or(u32::MAX);
        self.next = self.next.saturating_add(self.period.saturating_mul(left_out.saturating_add(1)));
    }
}

/// Moves a driven clock; for tests.
#[derive(Clone, Debug)]
pub struct Driver(Arc<Shared>);

impl Driver {
    /// Moves the clock on and wakes who is due, in the order of their deadlines (of equal ones, who slept first).
    ///
    /// The clock jumps: who wakes and sleeps again counts from the new time. To see each of several steps, move to
    /// one [`next_deadline`](Self::next_deadline) after the other.
    pub fn advance(&self, duration: Duration) {
        self.pass(duration, false);
    }

    /// Lets monotonic time pass, and wall time with it unless the wall clock stands still.
    fn pass(&self, duration: Duration, wall_stands: bool) {
        let due = {
            let mut state = self.0.lock();
            if wall_stands {
                state.start = before(state.start, duration);
            }
            state.now = state.now.saturating_add(duration);
            let first_later = (state.now, u64::MAX);
            let later = state.sleepers.split_off(&first_later);
            let due = std::mem::replace(&mut state.sleepers, later);
            self.0.publish(&state);
            due
        };
        for waker in due.into_values() {
            waker.wake();
        }
    }

    /// Ends every wait of at most `longest` as soon as it has begun, while the wall clock stands still: so a screen draws
    /// its frames, and every timestamp is what the test made it. Goes on until it is dropped.
    pub async fn pass_waits(&self, longest: Duration) {
        let mut waiting = self.0.waiting.subscribe();
        loop {
            let now = self.0.lock().now;
            let left = self.next_deadline().map(|deadline| deadline.saturating_sub(now));
            if let Some(left) = left.filter(|left| *left <= longest) {
                self.pass(left, true);
            } else if waiting.changed().await.is_err() {
                // The sender lives in `self`, so this cannot be.
                return;
            }
        }
    }

    /// Moves the clock to the next deadline and wakes who is due there; `false` if nobody sleeps.
    pub fn advance_to_next(&self) -> bool {
        let Some(deadline) = self.next_deadline() else { return false };
        let now = self.0.lock().now;
        self.advance(deadline.saturating_sub(now));
        true
    }

    /// The earliest deadline somebody sleeps for, as [`Clock::monotonic`] time.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.0.lock().sleepers.first_key_value().map(|((deadline, _), _)| *deadline)
    }

    /// Sets the wall clock, back or forth, as an operator or NTP would; monotonic time and sleepers do not notice.
    pub fn set_wall(&self, now: Timestamp) {
        let mut state = self.0.lock();
        state.start = before(now, state.now);
    }

    /// How many sleep now.
    pub fn sleepers(&self) -> usize {
        self.0.lock().sleepers.len()
    }

    /// Waits until at least `count` sleep, so that an [`advance`](Self::advance) meets them. A test calls this
    /// instead of sleeping itself.
    pub async fn wait_for_sleepers(&self, count: usize) {
        let mut waiting = self.0.waiting.subscribe();
        // The sender lives in `self`, so this cannot fail.
        let _ = waiting.wait_for(|sleepers| *sleepers >= count).await;
    }
}

/// What a driven clock, its driver and its sleepers share.
struct Shared {
    state: Mutex<State>,
    /// The number of sleepers, for those who wait for it.
    waiting: watch::Sender<usize>,
}

struct State {
    /// Wall time at monotonic zero.
    start: Timestamp,
    now: Duration,
    /// Sleepers so far: keeps the order of those with one deadline.
    registered: u64,
    sleepers: BTreeMap<(Duration, u64), Waker>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; if it did, the state would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, state: &State) {
        self.waiting.send_replace(state.sleepers.len());
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        formatter.debug_struct("DrivenClock").field("now", &state.now).field("sleepers", &state.sleepers.len()).finish()
    }
}

fn after(start: Timestamp, elapsed: Duration) -> Timestamp {
    SignedDuration::try_from(elapsed).ok().and_then(|elapsed| start.checked_add(elapsed).ok()).unwrap_or(Timestamp::MAX)
}

fn before(end: Timestamp, elapsed: Duration) -> Timestamp {
    SignedDuration::try_from(elapsed).ok().and_then(|elapsed| end.checked_sub(elapsed).ok()).unwrap_or(Timestamp::MIN)
}

struct DrivenSleep {
    shared: Arc<Shared>,
    deadline: Duration,
    /// Its place among the sleepers, once polled.
    key: Option<(Duration, u64)>,
}

impl Future for DrivenSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        if state.now >= self.deadline {
            return Poll::Ready(());
        }
        let key = self.key.unwrap_or((self.deadline, state.registered));
        if self.key.is_none() {
            state.registered += 1;
            self.key = Some(key);
        }
        state.sleepers.insert(key, context.waker().clone());
        shared.publish(&state);
        Poll::Pending
    }
}

impl Drop for DrivenSleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let mut state = self.shared.lock();
            if state.sleepers.remove(&key).is_some() {
                self.shared.publish(&state);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn start() -> Timestamp {
        "2026-08-23T10:00:00Z".parse().unwrap()
    }

    #[tokio::test]
    async fn a_driven_clock_stands_still_until_it_is_moved() {
        let (clock, driver) = Clock::driven(start());
        assert_eq!((clock.now(), clock.monotonic()), (start(), Duration::ZERO));
        driver.advance(90 * SECOND);
        assert_eq!(clock.now().to_string(), "2026-08-23T10:01:30Z");
        assert_eq!(clock.clone().monotonic(), 90 * SECOND);
    }

    #[tokio::test]
    async fn sleepers_wake_in_the_order_of_their_deadlines() {
        let (clock, driver) = Clock::driven(start());
        let woken = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for (name, seconds) in [("third", 3), ("first", 1), ("fourth", 3), ("second", 2), ("later", 9)] {
            let (clock, woken) = (clock.clone(), Arc::clone(&woken));
            tasks.push(tokio::spawn(async move {
                clock.sleep(SECOND * seconds).await;
                woken.lock().unwrap().push(name);
            }));
        }
        driver.wait_for_sleepers(5).await;
        assert_eq!(driver.next_deadline(), Some(SECOND));
        driver.advance(5 * SECOND);
        let later = tasks.pop().unwrap();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*woken.lock().unwrap(), ["first", "second", "third", "fourth"]);
        assert_eq!(driver.sleepers(), 1);
        assert!(driver.advance_to_next());
        later.await.unwrap();
        assert_eq!(clock.monotonic(), 9 * SECOND);
        assert!(!driver.advance_to_next());
    }

    #[tokio::test]
    async fn a_deadline_counts_from_the_call_and_not_from_the_first_poll() {
        let (clock, driver) = Clock::driven(start());
        let sleep = clock.sleep(SECOND);
        driver.advance(SECOND);
        sleep.await;
        assert_eq!(driver.sleepers(), 0);
    }

    #[tokio::test]
    async fn a_timeout_drops_the_future_and_leaves_no_sleeper() {
        let (clock, driver) = Clock::driven(start());
        let asked = clock.clone();
        let task = tokio::spawn(async move { asked.timeout(SECOND, std::future::pending::<()>()).await });
        driver.wait_for_sleepers(1).await;
        driver.advance(SECOND);
        assert_eq!(task.await.unwrap(), Err(Elapsed));
        assert_eq!(clock.timeout(Duration::ZERO, async { 7 }).await, Ok(7));
        assert_eq!(driver.sleepers(), 0);
    }

    #[tokio::test]
    async fn an_interval_leaves_out_the_ticks_nobody_waited_for() {
        let (clock, driver) = Clock::driven(start());
        let mut interval = clock.interval(10 * SECOND);
        assert!(clock.timeout(Duration::ZERO, interval.tick()).await.is_err());
        driver.advance(35 * SECOND);
        interval.tick().await;
        let mut next = pin!(interval.tick());
        assert!(clock.timeout(Duration::ZERO, &mut next).await.is_err());
        assert_eq!(driver.next_deadline(), Some(40 * SECOND));
        driver.advance(5 * SECOND);
        next.await;
    }

    #[tokio::test]
    async fn short_waits_pass_while_the_wall_clock_stands() {
        let (clock, driver) = Clock::driven(start());
        let work = async {
            for _ in 0..100 {
                clock.sleep(Duration::from_millis(16)).await;
            }
            let long = clock.clone();
            let long = tokio::spawn(async move { long.sleep(SECOND).await });
            driver.wait_for_sleepers(1).await;
            assert_eq!((clock.now(), clock.monotonic()), (start(), Duration::from_millis(1600)));
            driver.advance(SECOND);
            long.await.unwrap();
            assert_eq!(clock.now(), start() + SECOND);
        };
        tokio::select! {
            () = work => {}
            () = driver.pass_waits(Duration::from_millis(16)) => panic!("it never ends"),
        }
    }

    #[tokio::test]
    async fn setting_the_wall_clock_moves_nothing_else() {
        let (clock, driver) = Clock::driven(start());
        driver.advance(60 * SECOND);
        driver.set_wall(start());
        assert_eq!((clock.now(), clock.monotonic()), (start(), 60 * SECOND));
    }

    #[tokio::test]
    async fn the_ends_of_time_do_not_panic() {
        let (clock, driver) = Clock::driven(start());
        driver.advance(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
        clock.sleep(Duration::MAX).await;
        let real = Clock::real();
        assert!(real.timeout(Duration::ZERO, real.sleep(Duration::MAX)).await.is_err());
        assert!(real.timeout(Duration::MAX, async {}).await.is_ok());
    }

    #[tokio::test]
    async fn the_real_clock_goes_forward() {
        let clock = Clock::real();
        let before = clock.monotonic();
        clock.sleep(Duration::from_millis(2)).await;
        assert!(clock.monotonic() >= before + Duration::from_millis(2));
    }
}
