//! Sync windows: whether an operation may run now. Argo CD decides anew in every pass, so that a window that closes
//! freezes a running operation.

use jiff::Timestamp;

use super::permit::matches;
use crate::domain::application::Destination;

/// What a window does while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WindowKind {
    /// Syncs run only while one of these is open.
    Allow,
    /// No sync runs.
    Deny,
}

/// An entry of `syncWindows`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncWindow {
    /// `None`: a word that is not known.
    pub kind: Option<WindowKind>,
    /// When it opens: five fields of cron.
    pub schedule: String,
    /// How long it stays open: a Go duration.
    pub duration: String,
    /// Zone of the schedule; empty: UTC.
    pub time_zone: String,
    /// Names of applications; patterns.
    pub applications: Vec<String>,
    /// Names or addresses of clusters; patterns.
    pub clusters: Vec<String>,
    /// Namespaces; patterns.
    pub namespaces: Vec<String>,
    /// Everything that is named must match, instead of anything.
    pub all_must_match: bool,
    /// Syncs that a person asks for may run all the same.
    pub manual_sync: bool,
    /// What was allowed when it began may go on.
    pub overrun: bool,
    /// Free text.
    pub description: String,
}

/// What keeps a window from being judged. Argo CD then lets nothing run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// A window that neither allows nor denies.
    #[error("invalid sync windows: kind is neither allow nor deny")]
    Kind,
    /// Not five fields of cron.
    #[error("invalid sync windows: cannot parse schedule '{0}'")]
    Schedule(String),
    /// Not a Go duration.
    #[error("invalid sync windows: cannot parse duration '{0}'")]
    Duration(String),
    /// A zone that is not known here.
    #[error("invalid sync windows: unknown time zone '{0}'")]
    TimeZone(String),
}

/// Whether an operation may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allowed,
    /// A deny window is open.
    Denied {
        /// The window.
        window: SyncWindow,
    },
    /// No allow window is open.
    NotAllowed {
        /// When one opens next, as far as known.
        opens: Option<Timestamp>,
    },
    /// A window cannot be judged.
    Broken(WindowError),
    /// The windows are not known here, and why. That forbids nothing: the controller knows them.
    Unknown(String),
}

impl Decision {
    /// Whether it is known that the operation may run.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed)
    }

    /// Whether it is known that the operation may not run.
    pub fn forbids(&self) -> bool {
        !matches!(self, Self::Allowed | Self::Unknown(_))
    }
}

impl SyncWindow {
    /// Whether the window is about an application.
    pub fn concerns(&self, application: &str, destination: &Destination) -> bool {
        let any = |patterns: &[String], texts: &[&str]| {
            patterns.iter().any(|pattern| texts.iter().any(|text| !text.is_empty() && matches(pattern, text)))
        };
        let by = [
            (&self.applications, any(&self.applications, &[application])),
            (&self.clusters, any(&self.clusters, &[&destination.name, &destination.server])),
            (&self.namespaces, any(&self.namespaces, &[&destination.namespace])),
        ];
        if self.all_must_match {
            let mut named = by.iter().filter(|(patterns, _)| !patterns.is_empty()).peekable();
            named.peek().is_some() && named.all(|(_, hit)| *hit)
        } else {
            by.iter().any(|(_, hit)| *hit)
        }
    }
}

/// Whether an operation of an application may run at a time. `manual`: a person asked for it. `started`: when it began,
/// for windows that let what runs go on.
pub fn decide(
    windows: &[SyncWindow],
    application: &str,
    destination: &Destination,
    manual: bool,
    started: Option<Timestamp>,
    now: Timestamp,
) -> Decision {
    let concerned: Vec<&SyncWindow> =
        windows.iter().filter(|window| window.concerns(application, destination)).collect();
    match decide_among(&concerned, manual, now) {
        Ok((Decision::Allowed, _)) => Decision::Allowed,
        Ok((decision, may_overrun)) => {
            let was_allowed = |started| matches!(decide_among(&concerned, manual, started), Ok((Decision::Allowed, _)));
            if may_overrun && started.is_some_and(was_allowed) { Decision::Allowed } else { decision }
        }
        Err(error) => Decision::Broken(error),
    }
}

/// The decision at one moment, and whether the windows that refuse let a running operation go on.
fn decide_among(windows: &[&SyncWindow], manual: bool, now: Timestamp) -> Result<(Decision, bool), WindowError> {
    let mut active = Vec::new();
    for window in windows {
        if window.kind.is_none() {
            return Err(WindowError::Kind);
        }
        if window.is_active(now)? {
            active.push(*window);
        }
    }
    let denies: Vec<_> = active.iter().filter(|window| window.kind == Some(WindowKind::Deny)).collect();
    if let Some(first) = denies.first() {
        if manual && denies.iter().all(|window| window.manual_sync) {
            return Ok((Decision::Allowed, false));
        }
        let may_overrun = denies.iter().all(|window| window.overrun);
        return Ok((Decision::Denied { window: (**first).clone() }, may_overrun));
    }
    if active.iter().any(|window| window.kind == Some(WindowKind::Allow)) {
        return Ok((Decision::Allowed, false));
    }
    let mut allows = windows.iter().filter(|window| window.kind == Some(WindowKind::Allow)).peekable();
    if allows.peek().is_none() {
        return Ok((Decision::Allowed, false));
    }
    let allows: Vec<_> = allows.collect();
    if manual && allows.iter().all(|window| window.manual_sync) {
        return Ok((Decision::Allowed, false));
    }
    let opens = allows.iter().filter_map(|window| window.next_opening(now).ok().flatten()).min();
    Ok((Decision::NotAllowed { opens }, allows.iter().all(|window| window.overrun)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23 is a Monday.
    fn at(time: &str) -> Timestamp {
        format!("2026-11-23T{time}:00Z").parse().unwrap()
    }

    fn window(kind: WindowKind, schedule: &str, duration: &str) -> SyncWindow {
        SyncWindow {
            kind: Some(kind),
            schedule: schedule.into(),
            duration: duration.into(),
            applications: vec!["*".into()],
            ..SyncWindow::default()
        }
    }

    fn run(windows: &[SyncWindow], manual: bool, started: Option<&str>, now: &str) -> Decision {
        decide(windows, "shop", &Destination::default(), manual, started.map(at), at(now))
    }

    #[test]
    fn the_table_of_windows() {
        let night = window(WindowKind::Deny, "0 22 * * *", "8h");
        let day = window(WindowKind::Allow, "0 9 * * 1-5", "8h");
        assert!(run(&[], false, None, "23:00").is_allowed());
        assert!(matches!(run(std::slice::from_ref(&night), false, None, "23:00"), Decision::Denied { .. }));
        assert!(run(std::slice::from_ref(&night), false, None, "21:59").is_allowed());
        assert!(matches!(run(std::slice::from_ref(&night), true, None, "05:59"), Decision::Denied { .. }));
        assert!(run(std::slice::from_ref(&night), true, None, "06:01").is_allowed());
        let manual = SyncWindow { manual_sync: true, ..night.clone() };
        assert!(run(std::slice::from_ref(&manual), true, None, "23:00").is_allowed());
        assert!(!run(&[manual, night.clone()], true, None, "23:00").is_allowed(), "all of them must let it");
        assert!(run(std::slice::from_ref(&day), false, None, "09:30").is_allowed());
        assert_eq!(
            run(std::slice::from_ref(&day), false, None, "08:30"),
            Decision::NotAllowed { opens: Some(at("09:00")) }
        );
        assert!(!run(&[day.clone(), night.clone()], false, None, "23:00").is_allowed());
        let long = SyncWindow { overrun: true, ..day.clone() };
        assert!(run(std::slice::from_ref(&long), false, Some("16:59"), "17:30").is_allowed(), "what runs goes on");
        assert!(!run(std::slice::from_ref(&long), false, Some("17:10"), "17:30").is_allowed());
        assert!(!run(&[day], false, Some("16:59"), "17:30").is_allowed());
    }

    #[test]
    fn the_zone_of_a_window_counts() {
        let berlin = SyncWindow { time_zone: "Europe/Berlin".into(), ..window(WindowKind::Deny, "0 9 * * *", "1h") };
        assert!(!run(std::slice::from_ref(&berlin), false, None, "08:30").is_allowed());
        assert!(run(std::slice::from_ref(&berlin), false, None, "09:30").is_allowed());
        assert_eq!(berlin.closing(at("08:30")), Ok(Some(at("09:00"))));
        assert_eq!(berlin.closing(at("09:30")), Ok(None));
    }

    #[test]
    fn what_cannot_be_judged_lets_nothing_run() {
        for broken in [
            window(WindowKind::Allow, "whenever", "1h"),
            window(WindowKind::Allow, "0 9 * *", "1h"),
            window(WindowKind::Allow, "0 9 * * *", "an hour"),
            window(WindowKind::Allow, "0 9 * * *", "3600"),
            SyncWindow { time_zone: "Mars/Base".into(), ..window(WindowKind::Allow, "0 9 * * *", "1h") },
            SyncWindow { kind: None, ..window(WindowKind::Deny, "0 22 * * *", "1h") },
        ] {
            assert!(
                matches!(run(std::slice::from_ref(&broken), true, None, "09:30"), Decision::Broken(_)),
                "{broken:?}"
            );
        }
    }

    #[test]
    fn windows_concern_what_they_name() {
        let destination =
            Destination { server: "https://eu.example".into(), namespace: "shop-eu".into(), ..Destination::default() };
        let mut window = window(WindowKind::Deny, "0 9 * * *", "1h");
        window.applications = vec!["pay*".into()];
        window.namespaces = vec!["shop-*".into()];
        assert!(window.concerns("other", &destination), "any of them");
        window.all_must_match = true;
        assert!(!window.concerns("other", &destination) && window.concerns("payments", &destination));
        assert!(!SyncWindow::default().concerns("payments", &destination), "a window that names nothing is nobody's");
    }
}
