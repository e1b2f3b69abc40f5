//! Somebody before the screen of a world, and what they see.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use boathook::clock::{Clock, Driver};
use boathook::tui::{Model, Session, Settings, Source, run};
use crossterm::event::Event;
use futures::channel::mpsc::unbounded;
use ratatui::buffer::Buffer;
use tokio_util::sync::CancellationToken;

use super::roles;
use super::world::World;
use crate::harness::{SIZES, settings};
use crate::stage::{Canvas, Operator, text_of};

/// The size at which keys are pressed.
const USUAL: (u16, u16) = SIZES[1];
/// Ends a test that would hang; nothing waits for it.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest wait that passes by itself: that for the next frame.
const FRAME: Duration = Duration::from_millis(16);
/// How long the loop waits at its end for requests on their way.
const LAST: Duration = Duration::from_secs(10);
/// When new snapshots are taken there is nothing yet to hold a picture against: it is taken when it has not changed
/// for so long. Only then.
const QUIET: Duration = Duration::from_millis(1500);

/// The real time in which a second passes where time passes until something is seen.
const PASSING: Duration = Duration::from_millis(100);

/// Somebody before the screen.
pub(super) struct Actor<'a> {
    world: &'a World,
    operator: Operator,
    size: Rc<Cell<(u16, u16)>>,
    driver: Driver,
}

/// Shows each script from a world of its own, after what they have in common: name of the snapshot, and the script.
pub(super) async fn shots(make: impl Fn() -> World, first: &str, scripts: &[(&str, &str)]) {
    for (name, script) in scripts {
        let world = make();
        on_stage(&world, async |actor| {
            actor.play(first).await;
            actor.play(script).await;
            actor.shot(name).await;
        })
        .await;
        world.stop().await;
    }
}

/// Puts somebody before the screen of a world until they are done.
pub(super) async fn on_stage(world: &World, act: impl AsyncFnOnce(&mut Actor<'_>)) {
    with_settings(world, settings(), act).await;
}

/// The same, with other settings.
pub(super) async fn with_settings(world: &World, settings: Settings, act: impl AsyncFnOnce(&mut Actor<'_>)) {
    let (keys, input) = unbounded();
    let (mut canvas, seen) = Canvas::new(USUAL);
    let (sender, messages) = tokio::sync::mpsc::channel(1024);
    let end = CancellationToken::new();
    let session = Session {
        live: Source::Ready(world.options()),
        crashed: end.clone(),
        folder: world.folder().to_owned(),
        own_log: boathook::telemetry::Ring::default(),
        clock: world.clock.clone(),
    };
    let model = Model::new(Settings { theme: roles::theme(), ..settings }, world.clock.now(), USUAL);
    let size = Rc::clone(&canvas.size);
    let acts = async {
        let mut actor = Actor { world, operator: Operator { keys, seen }, size, driver: world.driver.clone() };
        act(&mut actor).await;
        // Whatever is open: a prompt and a dialog take the key that quits for themselves.
        end.cancel();
        // It keeps the keys until the loop has ended.
        actor
    };
    let whole = Box::pin(async { tokio::join!(run(model, &mut canvas, input, messages, sender, session), acts) });
    let time = async {
        tokio::select! {
            () = world.driver.pass_waits(FRAME) => {}
            () = end.cancelled() => {}
        }
        // Nobody looks any more, and nobody waits for what a controller that is not there would do.
        world.driver.pass_waits(LAST).await;
    };
    tokio::select! {
        (result, _actor) = whole => result.unwrap(),
        () = time => unreachable!("it goes on as long as somebody waits"),
    }
}

impl Actor<'_> {
    /// Plays a script: keys as in the configuration, `"text"` to be typed, `{text}` to wait until it is seen, `{!text}`
    /// until it is not, `+5s` to let time pass, `+{text}` to let so much pass that it is seen.
    pub(super) async fn play(&mut self, script: &str) {
        let mut rest = script.trim_start();
        while let Some(mut first) = rest.chars().next() {
            if let Some(text) = rest.strip_prefix("+{") {
                (first, rest) = ('…', &rest[1..]);
                assert!(text.contains('}'), "{script}");
            }
            let close = match first {
                '"' => '"',
                '…' | '{' => '}',
                _ => ' ',
            };
            let begin = usize::from(close != ' ');
            let end = rest[begin..].find(close).map_or(rest.len(), |end| end + begin);
            let word = &rest[begin..end];
            match (first, word.strip_prefix('!')) {
                ('"', _) => self.operator.press(&format!("\"{word}\"")),
                ('…', _) => self.passes_until(word).await,
                ('{', Some(gone)) => self.until(&format!("{gone:?} is gone"), |text| !text.contains(gone)).await,
                ('{', None) => self.until(&format!("{word:?} is seen"), |text| text.contains(word)).await,
                ('+', _) => self.passes(word[1..].parse::<jiff::SignedDuration>().unwrap().unsigned_abs()),
                _ => self.operator.press(word),
            }
            rest = rest[end..].strip_prefix(close).unwrap_or(&rest[end..]).trim_start();
        }
    }

    /// Waits until the text on the screen is so.
    pub(super) async fn until(&mut self, what: &str, is_so: impl Fn(&str) -> bool) {
        let mut seen = self.operator.seen.clone();
        let found = seen.wait_for(|picture| is_so(&picture.text));
        let found = Clock::real().timeout(PATIENCE, found).await.is_ok();
        assert!(found, "{what}: it never is so:\n{}", self.operator.now().text);
    }

    /// Lets time pass.
    pub(super) fn passes(&self, time: Duration) {
        self.driver.advance(time);
    }

    /// Lets time pass until a text is seen. For what waits at times that only chance knows, as whoever connects again.
    async fn passes_until(&mut self, text: &str) {
        let driver = self.driver.clone();
        let what = format!("{text:?} is seen");
        let mut end = std::pin::pin!(self.until(&what, |picture| picture.contains(text)));
        let passing = async {
            loop {
                driver.advance(Duration::from_secs(1));
                // What is woken acts before more time passes.
                Clock::real().sleep(PASSING).await;
            }
        };
        tokio::select! {
            biased;
            () = &mut end => {}
            () = passing => unreachable!("it goes on for ever"),
        }
    }

    /// Holds what is seen against the snapshot of this name, at every size.
    pub(super) async fn shot(&mut self, name: &str) {
        let expected = expected(name);
        let mut whole = String::new();
        for size in SIZES {
            self.size.set(size);
            self.operator.keys.unbounded_send(Ok(Event::Resize(size.0, size.1))).unwrap();
            let head = format!("=== {}x{}\n", size.0, size.1);
            let wanted = expected.as_deref().and_then(|expected| part(expected, &head));
            whole += &head;
            let seen = self.seen(size, wanted).await;
            whole += &seen;
            if wanted.is_some_and(|wanted| wanted.trim_end() != seen.trim_end()) {
                // The others would be waited for in vain, too.
                break;
            }
        }
        self.size.set(USUAL);
        self.operator.keys.unbounded_send(Ok(Event::Resize(USUAL.0, USUAL.1))).unwrap();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("shots");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name.to_owned(), whole));
    }

    /// What is seen, as soon as it is as wanted. The state that is waited for is the picture itself: whatever comes
    /// before it in which order, it is the last one. Where it never comes: what is seen then.
    async fn seen(&mut self, size: (u16, u16), wanted: Option<&str>) -> String {
        let clock = Clock::real();
        let is_so = |picture: &crate::stage::Picture| (picture.buffer.area.width, picture.buffer.area.height) == size;
        self.operator.until("it is drawn at another size", is_so).await;
        let say = |buffer: &Buffer| {
            self.world.without_chance(&format!("{}--- styles\n{}", text_of(buffer), roles::runs(buffer)))
        };
        let mut seen = self.operator.seen.clone();
        if let Some(wanted) = wanted {
            // What was in vain is told by the comparison.
            let _ = clock
                .timeout(PATIENCE, seen.wait_for(|picture| say(&picture.buffer).trim_end() == wanted.trim_end()))
                .await;
        } else {
            while clock.timeout(QUIET, seen.changed()).await.is_ok() {}
        }
        say(&self.operator.now().buffer)
    }
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screen/staged/shots").join(format!("{name}.snap"))
}

/// The accepted snapshot; `None`: there is none, or a new one is wanted.
fn expected(name: &str) -> Option<String> {
    if std::env::var_os("INSTA_UPDATE").is_some_and(|how| how == "always") {
        return None;
    }
    let text = std::fs::read_to_string(file(name)).ok()?;
    let (_, content) = text.strip_prefix("---\n")?.split_once("\n---\n")?;
    Some(content.to_owned())
}

/// The part of a snapshot for one size.
fn part<'a>(snapshot: &'a str, head: &str) -> Option<&'a str> {
    let rest = &snapshot[snapshot.find(head)? + head.len()..];
    Some(rest.find("=== ").map_or(rest, |end| &rest[..end]))
}
