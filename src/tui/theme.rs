//! Colours by what they mean. A theme is a YAML file that gives each role a style; what it leaves out it inherits.

use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};

use crate::domain::scenario::ScenarioError;
use crate::domain::scenario::reader::{Node, Problems, read_document};
use crate::domain::timeline::TaskState;

macro_rules! roles {
    ($($role:ident $name:literal $doc:literal;)*) => {
        /// What a colour means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Role { $(#[doc = $doc] $role,)* }

        impl Role {
            /// All roles.
            pub const ALL: &'static [Self] = &[$(Self::$role,)*];

            /// Its name in a theme.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$role => $name,)* }
            }
        }
    };
}

roles! {
    Text "text" "Ordinary text.";
    Dim "dim" "What is less important.";
    Strong "strong" "What is more important: names, titles.";
    Border "border" "Frames.";
    BorderFocus "border-focus" "The frame of what the keys go to.";
    Bar "bar" "The first line.";
    Heading "heading" "Headings of columns.";
    Key "key" "Keys in hints and help.";
    Selected "selected" "The row under the cursor.";
    Marked "marked" "Rows that are marked.";
    Changed "changed" "What has just changed.";
    Good "good" "Ended well, healthy, synced.";
    Running "running" "At work.";
    Waiting "waiting" "Begun, and waits for something.";
    Warning "warning" "Needs somebody soon; data that is old.";
    Bad "bad" "Failed.";
    BadBar "bad-bar" "The title of what has failed: the most visible thing on the screen.";
    ToCome "to-come" "Its turn has not come.";
    Unknown "unknown" "Not known.";
    Match "match" "Text that was searched for.";
    Button "button" "A button.";
    ButtonFocus "button-focus" "The button that enter presses.";
}

/// A style for each role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    styles: Vec<Style>,
    /// Colours that programs write into their logs are shown.
    pub log_colors: bool,
}

const BUILT_IN: &[(&str, &str)] = &[
    ("dark", include_str!("../../themes/dark.yaml")),
    ("light", include_str!("../../themes/light.yaml")),
    ("high-contrast", include_str!("../../themes/high-contrast.yaml")),
    ("colour-blind", include_str!("../../themes/colour-blind.yaml")),
    ("16", include_str!("../../themes/16.yaml")),
    ("mono", include_str!("../../themes/mono.yaml")),
];

/// Why a theme cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// Nothing has this name.
    #[error("there is no theme {name}; there are: {}", known.join(", "))]
    Missing {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// It inherits from itself.
    #[error("the theme {0} inherits from itself")]
    Circle(String),
    /// The file is wrong.
    #[error("{0}")]
    Wrong(#[from] ScenarioError),
}

impl Theme {
    /// The names of the built-in themes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// Whether it tells something by a colour.
    pub fn has_colors(&self) -> bool {
        self.styles.iter().any(|style| style.fg.is_some() || style.bg.is_some())
    }

    /// A theme by its name: one of `files` (name and text), or a built-in one.
    pub fn load(name: &str, files: &[(String, String)]) -> Result<Self, ThemeError> {
        let mut theme = Self { name: name.to_owned(), styles: vec![Style::new(); Role::ALL.len()], log_colors: true };
        let mut chain: Vec<String> = Vec::new();
        let mut layers: Vec<Layer> = Vec::new();
        let mut next = Some(name.to_owned());
        while let Some(name) = next.take() {
            // A file may stand in for a built-in theme and inherit from it.
            let own = files.iter().find(|(known, _)| *known == name && !chain.contains(&name));
            let text = own.map(|(_, text)| text.as_str());
            let built_in = || BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
            if chain.len() > 8 || (text.is_none() && chain.iter().filter(|known| **known == name).count() > 1) {
                return Err(ThemeError::Circle(name));
            }
            let Some(text) = text.or_else(built_in) else {
                let known = Self::names().map(str::to_owned).chain(files.iter().map(|(name, _)| name.clone()));
                return Err(ThemeError::Missing { name, known: known.collect() });
            };
            let layer = Layer::parse(&format!("the theme {name}"), text)?;
            next.clone_from(&layer.inherits);
            chain.push(name);
            layers.push(layer);
        }
        for layer in layers.into_iter().rev() {
            for (role, style) in layer.styles {
                if let Some(own) = theme.styles.get_mut(role as usize) {
                    *own = style;
                }
            }
            theme.log_colors = layer.log_colors.unwrap_or(theme.log_colors);
        }
        Ok(theme)
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// The role of a task's state.
    pub const fn role_of(state: TaskState) -> Role {
        match state {
            TaskState::ToCome => Role::ToCome,
            TaskState::Waiting => Role::Waiting,
            TaskState::Running => Role::Running,
            TaskState::Succeeded | TaskState::Applied | TaskState::Pruned => Role::Good,
            TaskState::Failed | TaskState::Stopped => Role::Bad,
            TaskState::Skipped => Role::Dim,
            TaskState::Unknown => Role::Unknown,
        }
    }
}

struct Layer {
    inherits: Option<String>,
    styles: Vec<(Role, Style)>,
    log_colors: Option<bool>,
}

impl Layer {
    fn parse(origin: &str, text: &str) -> Result<Self, ScenarioError> {
        read_document(origin, text, Self::read)
    }

    fn read(node: &Node<'_>, problems: &mut Problems) -> Self {
        let mut layer = Self { inherits: None, styles: Vec::new(), log_colors: None };
        let known = ["apiVersion", "kind", "description", "inherits", "logColors", "styles"];
        let Some(fields) = node.fields(problems, &known) else { return layer };
        layer.inherits = fields.get("inherits").and_then(|node| node.text(problems));
        layer.log_colors = fields.get("logColors").and_then(|node| node.truth(problems));
        let styles = fields.get("styles").map(|node| node.entries(problems)).unwrap_or_default();
        for (name, node) in styles {
            let Some(role) = Role::ALL.iter().find(|role| role.name() == name) else {
                let names: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
                node.refuse(problems, format!("there is no such role; there are: {}", names.join(", ")));
                continue;
            };
            let Some(text) = node.text(problems) else { continue };
            match style(&text) {
                Ok(style) => layer.styles.push((*role, style)),
                Err(error) => node.refuse(problems, error),
            }
        }
        layer
    }
}

/// A style as it is written: `bold red`, `#ffcc00 on #202020`, `reversed`, `plain`.
fn style(text: &str) -> Result<Style, String> {
    let mut style = Style::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        style = match word {
            "plain" => style,
            "bold" => style.add_modifier(Modifier::BOLD),
            "dim" => style.add_modifier(Modifier::DIM),
            "italic" => style.add_modifier(Modifier::ITALIC),
            "underlined" => style.add_modifier(Modifier::UNDERLINED),
            "reversed" => style.add_modifier(Modifier::REVERSED),
            "on" => style.bg(color(words.next().unwrap_or_default())?),
            word => style.fg(color(word)?),
        };
    }
    Ok(style)
}

fn color(word: &str) -> Result<Color, String> {
    Color::from_str(word).map_err(|_| {
        format!("{word:?} is neither a colour (red, light-blue, gray, #rrggbb, 0 to 255) nor bold, dim, italic, underlined, reversed, plain")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_theme_is_sound_and_gives_each_role_a_style() {
        for name in Theme::names() {
            let theme = Theme::load(name, &[]).unwrap();
            // What is selected, or has failed, is seen on every terminal.
            for role in [Role::Selected, Role::Bad, Role::BadBar, Role::ButtonFocus] {
                assert_ne!(theme.style(role), Style::new(), "{name}: {}", role.name());
            }
        }
        let mono = Theme::load("mono", &[]).unwrap();
        for role in Role::ALL {
            let style = mono.style(*role);
            assert_eq!((style.fg, style.bg), (None, None), "{}", role.name());
        }
    }

    /// Red, green and blue of a colour that is the same on every terminal.
    fn rgb(color: Color) -> Option<[u8; 3]> {
        match color {
            Color::Rgb(red, green, blue) => Some([red, green, blue]),
            Color::Indexed(gray @ 232..) => Some([8 + 10 * (gray - 232); 3]),
            Color::Indexed(index @ 16..) => {
                let part = |value: u8| if value == 0 { 0 } else { 55 + 40 * value };
                Some([part((index - 16) / 36), part((index - 16) / 6 % 6), part((index - 16) % 6)])
            }
            _ => None,
        }
    }

    /// How well one is read on the other, from 1 to 21, as the WCAG has it.
    fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
        let linear = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let luminance =
            |[red, green, blue]: [u8; 3]| 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        one.max(other) / one.min(other)
    }

    #[test]
    fn every_word_can_be_read_on_its_ground() {
        for (name, ground) in [
            ("dark", [30, 30, 30]),
            ("light", [255, 255, 255]),
            ("high-contrast", [30, 30, 30]),
            ("colour-blind", [30, 30, 30]),
        ] {
            let theme = Theme::load(name, &[]).unwrap();
            let selected = theme.style(Role::Selected);
            for role in Role::ALL {
                let style = theme.style(*role);
                let Some(ink) = style.fg.and_then(rgb) else { continue };
                // A frame holds no words.
                let least = if *role == Role::Border { 1.4 } else { 4.5 };
                let own = style.bg.and_then(rgb);
                let seen = contrast(ink, own.unwrap_or(ground));
                assert!(seen >= least, "{name}: {} has a contrast of {seen:.1}", role.name());
                if let (Some(ground), None) = (selected.bg.and_then(rgb), own) {
                    let seen = contrast(selected.fg.and_then(rgb).unwrap_or(ink), ground);
                    let least = if *role == Role::Border { 1.0 } else { 3.0 };
                    assert!(seen >= least, "{name}: {} in the selected row has a contrast of {seen:.1}", role.name());
                }
            }
        }
    }

    #[test]
    fn states_are_told_apart_without_colour() {
        let symbols: std::collections::BTreeSet<char> = TaskState::ALL.iter().map(|state| state.symbol()).collect();
        assert_eq!(symbols.len(), TaskState::ALL.len());
    }

    #[test]
    fn a_file_inherits_and_every_problem_is_told() {
        let file = |text: &str| [("own".to_owned(), text.to_owned())];
        let theme = Theme::load("own", &file("inherits: dark\nstyles: {bad: bold underlined red on 52}\n")).unwrap();
        let wanted =
            Style::new().fg(Color::Red).bg(Color::Indexed(52)).add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
        assert_eq!(theme.style(Role::Bad), wanted);
        assert_eq!(theme.style(Role::Good), Theme::load("dark", &[]).unwrap().style(Role::Good));
        let error = Theme::load("own", &file("inherit: dark\nstyles:\n  bad: redd\n  worse: red\n")).unwrap_err();
        let error = error.to_string();
        for part in [
            "line 1: inherit: unknown key",
            "line 3: styles.bad: \"redd\" is neither",
            "line 4: styles.worse: there is no",
        ] {
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(
            Theme::load("own", &file("inherits: own\n")).unwrap_err().to_string(),
            "there is no theme own; there are: dark, light, high-contrast, colour-blind, 16, mono, own"
        );
        assert!(Theme::load("none", &[]).is_err());
    }
}
