//! Screens with their styles: runs of cells of one style, line by line. Colours are those of the theme `dark`.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::fleet::shop;
use super::harness::Screen;
use super::release::checkout;

/// Each line as its runs: `style"text"`. Plain blanks at the end are left out.
fn runs(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line: Vec<(String, String)> = Vec::new();
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            let style = named(cell.fg, cell.bg, cell.modifier);
            match line.last_mut() {
                Some((own, text)) if *own == style => text.push_str(cell.symbol()),
                _ => line.push((style, cell.symbol().to_owned())),
            }
        }
        while line.last().is_some_and(|(style, text)| style == "plain" && text.trim().is_empty()) {
            line.pop();
        }
        let parts: Vec<String> = line.iter().map(|(style, text)| format!("{style}{:?}", text.trim_end())).collect();
        out.push_str(&parts.join(" "));
        out.push('\n');
    }
    out
}

fn named(fg: Color, bg: Color, modifier: Modifier) -> String {
    let mut words = Vec::new();
    if fg != Color::Reset {
        words.push(fg.to_string().to_lowercase());
    }
    if bg != Color::Reset {
        words.push(format!("on-{}", bg.to_string().to_lowercase()));
    }
    for (flag, word) in [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::ITALIC, "italic"),
        (Modifier::UNDERLINED, "underlined"),
        (Modifier::REVERSED, "reversed"),
    ] {
        if modifier.contains(flag) {
            words.push(word.to_owned());
        }
    }
    if words.is_empty() { "plain".to_owned() } else { words.join("+") }
}

fn shot(name: &str, mut screen: Screen, script: &str) {
    screen.text();
    screen.press(script);
    insta::assert_snapshot!(format!("style_{name}"), runs(&screen.buffer()));
}

#[test]
fn of_the_list() {
    shot("list", shop((80, 24)), "j space");
}

#[test]
fn of_a_failed_hook() {
    shot("failed", checkout((80, 24), "Failed", false), "enter");
}

#[test]
fn of_a_dialog() {
    shot("dialog", checkout((80, 24), "Succeeded", false), "enter s");
}

#[test]
fn of_the_commits() {
    shot("git", checkout((80, 24), "Succeeded", false), "c");
}

#[test]
fn of_a_difference() {
    shot("diff", checkout((80, 24), "Succeeded", false), "d / \"image\" enter");
}

#[test]
fn of_the_history() {
    shot("history", checkout((80, 24), "Succeeded", false), "h j");
}

#[test]
fn of_the_approvals() {
    shot("approvals", checkout((80, 24), "Succeeded", false), "A");
}

#[test]
fn of_a_log() {
    shot("log", checkout((80, 24), "Failed", false), "enter l / \"lock\" enter");
}
