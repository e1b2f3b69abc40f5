//! Any keys at any size: nothing panics, and nothing is sent that no button was pressed for.

use proptest::prelude::*;
use proptest::sample::select;

use super::cases::cases;
use super::fleet::shop;
use super::harness::Screen;
use super::release::{MOVED, checkout, key, review, running};

/// Keys that press no button: with these alone nothing is ever sent.
const HARMLESS: &[&str] = &[
    "j",
    "k",
    "g",
    "G",
    "ctrl-d",
    "ctrl-u",
    "pagedown",
    "pageup",
    "esc",
    "q",
    "tab",
    "backtab",
    "left",
    "right",
    "up",
    "down",
    "s",
    "x",
    "r",
    "R",
    "a",
    "b",
    "C",
    "T",
    "ctrl-r",
    "l",
    "c",
    "d",
    "v",
    "y",
    "h",
    "e",
    "A",
    "z",
    "Z",
    "m",
    "?",
    "/",
    "n",
    "N",
    "&",
    "f",
    "o",
    ">",
    "<",
    "w",
    "t",
    "p",
    "0",
    "3",
    "6",
    "E",
    "ctrl-a",
    "ctrl-n",
    "ctrl-p",
    "ctrl-v",
    "Y",
    ":",
    "backspace",
    "!",
    "-",
    "1",
    "ctrl-l",
];

/// Keys that press, choose and mark too.
const PRESSING: &[&str] = &["enter", "space"];

const SIZES: &[(u16, u16)] = &[(40, 8), (80, 24), (100, 30), (120, 35), (200, 60), (39, 7)];

fn start(which: usize, size: (u16, u16)) -> Screen {
    match which {
        0 => shop(size),
        1 => checkout(size, "Failed", false),
        2 => checkout(size, "Succeeded", true),
        _ => {
            let mut screen = checkout(size, "Running", false);
            screen.application(&running());
            screen
        }
    }
}

/// Presses the keys; in between the size changes and the target moves.
fn walk(screen: &mut Screen, keys: &[(&str, usize)]) {
    for (place, (key_name, chance)) in keys.iter().enumerate() {
        if !screen.quit {
            screen.press(key_name);
        }
        if chance % 7 == 0 {
            screen.resize(SIZES[chance % SIZES.len()]);
            screen.buffer();
        }
        if place == keys.len() / 2 {
            screen.review(review(MOVED, &[]));
            screen.reviewed(&key(), &[]);
        }
    }
    screen.buffer();
}

/// A walk is some thirty screens: a quarter of the cases is enough of them.
fn walks() -> ProptestConfig {
    let config = cases();
    ProptestConfig { cases: config.cases.div_ceil(4), ..config }
}

proptest! {
    #![proptest_config(walks())]

    #[test]
    fn keys_that_press_nothing_send_nothing(
        which in 0_usize..4,
        keys in prop::collection::vec((select(HARMLESS), 0_usize..100), 1..30),
    ) {
        let mut screen = start(which, (100, 30));
        walk(&mut screen, &keys);
        prop_assert!(screen.sent.is_empty(), "{:?}", screen.sent);
    }

    #[test]
    fn any_keys_leave_a_screen_that_can_be_drawn(
        which in 0_usize..4,
        keys in prop::collection::vec(
            (prop_oneof![4 => select(HARMLESS), 1 => select(PRESSING)], 0_usize..100), 1..30),
    ) {
        let mut screen = start(which, (100, 30));
        walk(&mut screen, &keys);
    }
}
