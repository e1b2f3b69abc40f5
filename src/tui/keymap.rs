//! Keys as they are written in the configuration, and which action they mean where.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{Action, Context};

/// One key with its modifiers, written `j`, `G`, `ctrl-d`, `alt-x`, `space`, `pagedown`, `f1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

const NAMED: &[(&str, KeyCode)] = &[
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
];

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mut ctrl, mut alt, mut rest) = (false, false, text);
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-").filter(|after| !after.is_empty()) {
                (ctrl, rest) = (true, after);
            } else if let Some(after) = rest.strip_prefix("alt-").filter(|after| !after.is_empty()) {
                (alt, rest) = (true, after);
            } else {
                break;
            }
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_whitespace() => KeyCode::Char(if ctrl { c.to_ascii_lowercase() } else { c }),
            _ => named(rest).ok_or_else(|| format!("{text} is no key; keys are written j, G, ctrl-d, space, f1"))?,
        };
        Ok(Self { code, ctrl, alt })
    }
}

fn named(name: &str) -> Option<KeyCode> {
    let function = || name.strip_prefix('f')?.parse().ok().filter(|number| (1..=24).contains(number)).map(KeyCode::F);
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, code)| *code).or_else(function)
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ctrl = if self.ctrl { "ctrl-" } else { "" };
        let alt = if self.alt { "alt-" } else { "" };
        let name = NAMED.iter().find(|(_, code)| *code == self.code).map(|(name, _)| (*name).to_owned());
        let name = name.unwrap_or_else(|| match self.code {
            KeyCode::Char(c) => c.to_string(),
            KeyCode::F(number) => format!("f{number}"),
            _ => "?".to_owned(),
        });
        formatter.pad(&format!("{ctrl}{alt}{name}"))
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        Self { code, ctrl, alt: event.modifiers.contains(KeyModifiers::ALT) }
    }
}

impl Key {
    /// The key as the terminal would report it.
    pub fn event(self) -> KeyEvent {
        let mut modifiers = KeyModifiers::NONE;
        if self.ctrl {
            modifiers |= KeyModifiers::CONTROL;
        }
        if self.alt {
            modifiers |= KeyModifiers::ALT;
        }
        KeyEvent::new(self.code, modifiers)
    }

    /// The character it types, if it types one.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

/// Keys pressed one after another, separated by spaces: `g g`.
pub fn chord(text: &str) -> Result<Vec<Key>, String> {
    let keys: Vec<Key> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    if keys.is_empty() { Err("a key is missing".to_owned()) } else { Ok(keys) }
}

/// What some keys mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// This action.
    Action(Action),
    /// The begin of these, each with the keys that are missing.
    Begin(Vec<(String, Action)>),
    /// Nothing.
    Nothing,
}

/// Which keys mean which action.
#[derive(Debug, Clone)]
pub struct Keymap {
    chords: Vec<(Vec<Key>, Action)>,
}

/// Contexts that are active together: an action of one may hide, but not fight, those of another.
const TOGETHER: &[&[Context]] = &[
    &[Context::Applications, Context::Target, Context::About, Context::Move, Context::Everywhere],
    &[Context::Application, Context::Target, Context::About, Context::Move, Context::Everywhere],
    &[Context::Page, Context::Target, Context::About, Context::Move, Context::Everywhere],
    &[Context::Approvals, Context::Target, Context::About, Context::Move, Context::Everywhere],
    &[Context::Text, Context::Move, Context::Everywhere],
    &[Context::Log, Context::Move, Context::Everywhere],
    &[Context::Dialog],
];

impl Keymap {
    /// The default keys with those of the configuration in their place. Every problem is told: names and keys that do
    /// not exist, and keys with two meanings on one screen.
    pub fn new(changed: &BTreeMap<String, Vec<String>>) -> Result<Self, Vec<String>> {
        Self::placed(changed, &BTreeMap::new())
    }

    /// The same; `places` says where what was said of an action's keys stands, and every problem tells it.
    ///
    /// # Errors
    /// As [`Keymap::new`].
    pub fn placed(
        changed: &BTreeMap<String, Vec<String>>,
        places: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<String>> {
        let at = |names: &[&str]| -> String {
            let places: Vec<&str> = names.iter().filter_map(|name| places.get(*name)).map(String::as_str).collect();
            if places.is_empty() { String::new() } else { places.join(" and ") + ": " }
        };
        let mut problems = Vec::new();
        for name in changed.keys() {
            if Action::named(name).is_none() {
                problems.push(format!("{}keys.{name}: there is no such action", at(&[name])));
            }
        }
        let mut chords: Vec<(Vec<Key>, Action)> = Vec::new();
        for info in Action::LIST {
            let written = changed.get(info.name);
            let keys = written.map_or_else(|| info.keys.iter().map(|key| (*key).to_owned()).collect(), Clone::clone);
            for text in keys {
                match chord(&text) {
                    Ok(keys) => chords.push((keys, info.action)),
                    Err(error) => problems.push(format!("{}keys.{}: {error}", at(&[info.name]), info.name)),
                }
            }
        }
        for (index, (keys, action)) in chords.iter().enumerate() {
            for (others, other) in chords.iter().skip(index + 1) {
                if action != other && meet(*action, *other) && (keys.starts_with(others) || others.starts_with(keys)) {
                    problems.push(format!(
                        "{}keys: {} means {}, and {} means {}",
                        at(&[action.name(), other.name()]),
                        show(keys),
                        action.name(),
                        show(others),
                        other.name()
                    ));
                }
            }
        }
        if problems.is_empty() { Ok(Self { chords }) } else { Err(problems) }
    }

    /// What the keys pressed so far mean where these contexts are active; the first context wins.
    pub fn meaning(&self, pressed: &[Key], active: &[Context]) -> Meaning {
        let mut begins = Vec::new();
        for context in active {
            for (keys, action) in self.chords.iter().filter(|(_, action)| action.info().context == *context) {
                if keys == pressed {
                    return Meaning::Action(*action);
                }
                if let Some(rest) = keys.strip_prefix(pressed) {
                    begins.push((show(rest), *action));
                }
            }
        }
        if begins.is_empty() { Meaning::Nothing } else { Meaning::Begin(begins) }
    }

    /// The first key of an action, to be shown; empty if it has none.
    pub fn key(&self, action: Action) -> String {
        self.chords.iter().find(|(_, own)| *own == action).map(|(keys, _)| show(keys)).unwrap_or_default()
    }

    /// All keys of an action.
    pub fn keys(&self, action: Action) -> Vec<String> {
        self.chords.iter().filter(|(_, own)| *own == action).map(|(keys, _)| show(keys)).collect()
    }
}

/// Whether two actions can be meant on one screen. `esc` of a screen and of the list may be the same: one hides the other.
fn meet(one: Action, other: Action) -> bool {
    let (one, other) = (one.info().context, other.info().context);
    TOGETHER.iter().any(|together| together.contains(&one) && together.contains(&other))
}

fn show(keys: &[Key]) -> String {
    keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_written_alike() {
        for text in ["j", "G", "ctrl-d", "alt-x", "space", "esc", "f1", "?", "-", ":", "pagedown", "ctrl-alt-x"] {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
        }
        for bad in ["", "jj", "ctrl-", "meta-x", "f0", "f99", " "] {
            assert!(bad.parse::<Key>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_default_keys_do_not_fight() {
        Keymap::new(&BTreeMap::new()).unwrap();
    }

    #[test]
    fn every_problem_of_a_keymap_is_told_at_once() {
        let keys = [("sync", "x"), ("sink", "s"), ("abort", "hyper-x"), ("top", "g g"), ("bottom", "g")];
        let keys = keys.map(|(name, key)| (name.to_owned(), vec![key.to_owned()])).into();
        let problems = Keymap::new(&keys).unwrap_err();
        assert_eq!(
            problems,
            [
                "keys.sink: there is no such action",
                "keys.abort: hyper-x is no key; keys are written j, G, ctrl-d, space, f1",
                "keys: g g means top, and g means bottom",
            ]
        );
    }

    #[test]
    fn every_action_can_be_given_another_key_or_none() {
        for info in Action::LIST {
            let keymap = Keymap::new(&[(info.name.to_owned(), vec!["f20 x".to_owned()])].into()).unwrap();
            assert_eq!(keymap.keys(info.action), ["f20 x"], "{}", info.name);
            assert_eq!(keymap.meaning(&chord("f20 x").unwrap(), &[info.context]), Meaning::Action(info.action));
            let keymap = Keymap::new(&[(info.name.to_owned(), Vec::new())].into()).unwrap();
            assert!(keymap.keys(info.action).is_empty(), "{}", info.name);
        }
    }

    #[test]
    fn chords_are_awaited() {
        let keys = [("top".to_owned(), vec!["g g".to_owned()])].into();
        let keymap = Keymap::new(&keys).unwrap();
        let g: Key = "g".parse().unwrap();
        let active = [Context::Applications, Context::Move, Context::Everywhere];
        assert_eq!(keymap.meaning(&[g], &active), Meaning::Begin(vec![("g".to_owned(), Action::Top)]));
        assert_eq!(keymap.meaning(&[g, g], &active), Meaning::Action(Action::Top));
        assert_eq!(keymap.meaning(&["z".parse().unwrap()], &active), Meaning::Nothing);
    }
}
