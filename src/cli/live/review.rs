//! What a sync would do, for many applications, not all at once.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::picture::News;
use super::session::{Session, Stop};
use crate::domain::application::AppKey;
use crate::domain::live::{HookAccess, Review};

/// So many applications are looked at together: each costs a rendering.
const AT_ONCE: usize = 8;
/// How long one may take; then what is known is what there is.
const PATIENCE: Duration = Duration::from_secs(180);

/// Opens applications and asks what a sync of each to these revisions would do (one a source; none: the target
/// revisions). What cannot be found out is missing.
pub(in crate::cli) async fn review(
    session: &mut Session,
    keys: &[AppKey],
    revisions: &[String],
) -> Result<HashMap<AppKey, Arc<Review>>, Stop> {
    let since = session.clock.now();
    let mut waiting: VecDeque<AppKey> = keys.iter().cloned().collect();
    let mut looked_at: Vec<Looked> = Vec::new();
    let mut found = HashMap::new();
    // So that what takes too long is noticed.
    session.tick_every(Some(Duration::from_secs(1)));
    loop {
        while looked_at.len() < AT_ONCE
            && let Some(key) = waiting.pop_front()
        {
            session.live.open(&key);
            let until = session.clock.monotonic().saturating_add(PATIENCE);
            looked_at.push(Looked { key, until, is_asked: false });
        }
        let now = session.clock.monotonic();
        let mut left = Vec::new();
        for mut looked in std::mem::take(&mut looked_at) {
            let is_gone = session.picture.is_complete && !session.picture.apps.contains_key(&looked.key);
            if is_gone {
                continue;
            }
            looked.ask(session, revisions);
            if !session.has_git && session.picture.details(&looked.key).application.is_some() {
                continue;
            }
            match ready(session, &looked.key, revisions, since) {
                Some(review) => drop(found.insert(looked.key, review)),
                None if now >= looked.until => {
                    let late = session.picture.details(&looked.key).review.clone();
                    found.extend(late.filter(|review| fits(review, revisions)).map(|review| (looked.key, review)));
                }
                None => left.push(looked),
            }
        }
        looked_at = left;
        if looked_at.is_empty() && waiting.is_empty() {
            break;
        }
        if looked_at.len() == AT_ONCE || waiting.is_empty() {
            loop {
                if matches!(
                    session.next().await?,
                    News::Details(_) | News::Gone(_) | News::Tick | News::Watch | News::Other
                ) {
                    break;
                }
            }
        }
    }
    session.tick_every(None);
    Ok(found)
}

struct Looked {
    key: AppKey,
    until: Duration,
    is_asked: bool,
}

impl Looked {
    /// Asks for revisions of its own; the target revisions are looked at without being asked for.
    fn ask(&mut self, session: &mut Session, revisions: &[String]) {
        if self.is_asked || revisions.is_empty() {
            return;
        }
        let details = session.picture.details(&self.key);
        if details.application.is_some() && details.hooks != HookAccess::Unknown {
            self.is_asked = true;
            session.live.review(&self.key, revisions.to_vec());
        }
    }
}

fn fits(review: &Review, revisions: &[String]) -> bool {
    revisions.is_empty() || review.asked == revisions
}

/// The review, once it is made from what was fetched.
fn ready(session: &mut Session, key: &AppKey, revisions: &[String], since: Timestamp) -> Option<Arc<Review>> {
    let details = session.picture.details(key);
    let review = details.review.clone().filter(|review| fits(review, revisions))?;
    let application = details.application.clone()?;
    let sources = application.spec.effective_sources();
    let is_fetched = |(index, source): (usize, &crate::domain::live::SourceRevisions)| {
        let is_chart = sources.get(index).is_some_and(|own| !own.chart.is_empty());
        let repository = session.picture.repositories.get(&source.repository);
        // A review from before the fetch failed does not say so.
        let failed = repository
            .is_some_and(|state| !state.fetching && state.problem.is_some() && state.problem == source.problem);
        let is_there = is_chart || source.repository.is_empty() || !session.fetches(&source.repository);
        is_there || failed || source.fetched.is_some_and(|at| at >= since)
    };
    let is_final = review.revisions.sources.iter().enumerate().all(is_fetched);
    is_final.then_some(review)
}
