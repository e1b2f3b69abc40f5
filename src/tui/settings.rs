//! From the configuration and what the terminal can to the settings of the screen.

use super::keymap::Keymap;
use super::model::Settings;
use super::theme::{Theme, ThemeError};
use crate::config::Config;

/// Why the screen does not start as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The keys are wrong; all problems.
    #[error("the keys of the configuration are not valid:\n  {}", .0.join("\n  "))]
    Keys(Vec<String>),
    /// The theme cannot be used.
    #[error(transparent)]
    Theme(#[from] ThemeError),
}

/// What the terminal can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colors {
    /// None, or they are not wanted.
    None,
    /// Sixteen.
    Few,
    /// 256 or more.
    Many,
}

impl Colors {
    /// By the environment: `NO_COLOR`, `COLORTERM`, `TERM`.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let term = variable("TERM").unwrap_or_default();
        if is_set("NO_COLOR") || term == "dumb" || term.starts_with("vt1") {
            Self::None
        } else if is_set("COLORTERM") || term.contains("256color") || term.contains("kitty") || term.contains("direct")
        {
            Self::Many
        } else {
            Self::Few
        }
    }
}

impl Settings {
    /// The settings of a configuration. `themes`: those of files, by name and text.
    pub fn new(config: &Config, colors: Colors, themes: Vec<(String, String)>) -> Result<Self, SettingsError> {
        let keymap = Keymap::placed(&config.keys, &config.key_places).map_err(SettingsError::Keys)?;
        let name = match (colors, config.theme.as_str()) {
            (Colors::None, _) => "mono",
            (Colors::Few, "auto") => "16",
            (Colors::Many, "auto") => "dark",
            (_, name) => name,
        };
        let theme = Theme::load(name, &themes)?;
        Ok(Self {
            keymap,
            has_colors: colors != Colors::None,
            theme,
            themes,
            read_only: config.read_only,
            bell: config.bell,
            notify: config.notify,
            title: config.title,
            mouse: config.mouse,
            log_wrap: config.log_wrap,
            log_times: config.log_times,
            log_lines: config.log_lines,
            label: String::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_by_the_environment() {
        for (variables, expected) in [
            (&[("TERM", "xterm-256color")][..], Colors::Many),
            (&[("TERM", "xterm")], Colors::Few),
            (&[("TERM", "xterm"), ("COLORTERM", "truecolor")], Colors::Many),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "1")], Colors::None),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Colors::Many),
            (&[("TERM", "dumb")], Colors::None),
        ] {
            let variable =
                |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(Colors::of(variable), expected, "{variables:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_keys_is_told_with_its_file_and_line() {
        let config = Config::new().unwrap();
        let config = config.with("my.yaml", "theme: dark\nkeys:\n  sink: [s]\n  abort: [s]\n").unwrap();
        let config =
            config.with_keys("keys.yaml", "keys:\n  top: [g g]\n\n  bottom: [g]\n  sync: [hyper-x]\n").unwrap();
        let error = Settings::new(&config, Colors::Many, Vec::new()).unwrap_err().to_string();
        for part in [
            "my.yaml line 3: keys.sink: there is no such action",
            "keys.yaml line 5: keys.sync: hyper-x is no key",
            "keys.yaml line 2 and keys.yaml line 4: keys: g g means top, and g means bottom",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
        let config = Config::new().unwrap().with("my.yaml", "keys: {abort: [s]}\n").unwrap();
        let error = Settings::new(&config, Colors::Many, Vec::new()).unwrap_err().to_string();
        assert!(error.contains("my.yaml line 1: keys: s means sync, and s means abort"), "{error}");
    }

    #[test]
    fn no_color_wins_over_the_theme() {
        let config = Config { theme: "light".to_owned(), ..Config::new().unwrap() };
        assert_eq!(Settings::new(&config, Colors::None, Vec::new()).unwrap().theme.name, "mono");
        assert_eq!(Settings::new(&config, Colors::Few, Vec::new()).unwrap().theme.name, "light");
    }
}
