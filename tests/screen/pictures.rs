//! Pictures of the real program for the README, made from what it draws while it plays a demo:
//! `cargo test --test screen pictures -- --ignored`

use std::fmt::Write as _;
use std::fs;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::stage::play;

const SIZE: (u16, u16) = (124, 32);
/// Of a cell, in pixels.
const WIDTH: f32 = 8.4;
const HEIGHT: f32 = 18.0;
const PAPER: &str = "#16181d";
const INK: &str = "#d7dae0";

/// The 16 colours that have names.
const NAMED: [&str; 16] = [
    "#1c1f26", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d7dae0", "#5c6370", "#ff7b86",
    "#b3e08f", "#ffd68a", "#7cc4ff", "#dd94f0", "#70d0dc", "#ffffff",
];

fn hex(color: Color) -> Option<String> {
    let place = match color {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => return Some(format!("#{r:02x}{g:02x}{b:02x}")),
        Color::Indexed(place) => place,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
    Some(match place {
        0..=15 => NAMED[usize::from(place)].to_owned(),
        16..=231 => {
            let n = place - 16;
            format!("#{:02x}{:02x}{:02x}", level(n / 36), level(n / 6 % 6), level(n % 6))
        }
        _ => {
            let grey = 8 + 10 * (place - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    })
}

fn colors(cell: &Cell) -> (String, Option<String>) {
    let (fg, bg) = (hex(cell.fg), hex(cell.bg));
    if cell.modifier.contains(Modifier::REVERSED) {
        return (bg.unwrap_or_else(|| PAPER.to_owned()), Some(fg.unwrap_or_else(|| INK.to_owned())));
    }
    (fg.unwrap_or_else(|| INK.to_owned()), bg)
}

/// A buffer as SVG: backgrounds, then runs of cells of one style, each as wide as its cells are.
fn svg(buffer: &Buffer) -> String {
    let (columns, rows) = (buffer.area.width, buffer.area.height);
    let (width, height) = (f32::from(columns) * WIDTH + 16.0, f32::from(rows) * HEIGHT + 16.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" font-size=\"14\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{PAPER}\"/>\n"
    );
    for y in 0..rows {
        let mut x = 0;
        while x < columns {
            let first = &buffer[(x, y)];
            let style = (colors(first), first.modifier);
            let begin = x;
            let mut text = String::new();
            while x < columns {
                let cell = &buffer[(x, y)];
                if (colors(cell), cell.modifier) != style {
                    break;
                }
                text.push_str(cell.symbol());
                x += 1;
            }
            let ((fg, bg), modifier) = style;
            let (left, top, wide) =
                (f32::from(begin) * WIDTH + 8.0, f32::from(y) * HEIGHT + 8.0, f32::from(x - begin) * WIDTH);
            if let Some(bg) = bg {
                let _ = writeln!(
                    svg,
                    "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{HEIGHT}\" fill=\"{bg}\"/>"
                );
            }
            if text.trim().is_empty() {
                continue;
            }
            let weight = if modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace(' ', "\u{a0}");
            let _ = writeln!(
                svg,
                "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{wide:.1}\" fill=\"{fg}\"{weight}>{text}</text>",
                top + 13.5
            );
        }
    }
    svg + "</svg>\n"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs somebody who wants new pictures: it writes assets/pictures"]
async fn pictures_for_the_readme() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/pictures");
    fs::create_dir_all(folder).unwrap();
    let write = |name: &str, buffer: &Buffer| fs::write(format!("{folder}/{name}.svg"), svg(buffer)).unwrap();
    play("shop", 1.0, SIZE, |mut operator| async move {
        let failed = operator.sees("✖ db-migrate").await;
        write("applications", &failed.buffer);
        operator.press(": \"app payments\" enter");
        let failed = operator.sees("canceling statement due to lock timeout").await;
        write("application", &failed.buffer);
        operator.press("esc : \"app checkout\" enter");
        let waves = operator
            .until("waves at work", |picture| {
                picture.text.contains("◐ smoke") && picture.text.contains("GET /checkout/2")
            })
            .await;
        write("waves", &waves.buffer);
        operator.press("esc : \"app auth\" enter");
        operator.sees("behind").await;
        operator.press("s");
        let is_made =
            |text: &str| text.contains("pinned to") && !text.contains("not pinned") && !text.contains("asking");
        let plan = operator.until("the plan", |picture| is_made(&picture.text)).await;
        write("sync", &plan.buffer);
        operator
    })
    .await;
}
