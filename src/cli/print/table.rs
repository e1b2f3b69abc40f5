//! Aligned columns.

use crate::cli::paint::Paint;
use crate::cli::wrap::{pad, width};

/// How a text is meant; shown by colour, and never by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::cli) enum Tone {
    #[default]
    Plain,
    Good,
    Bad,
    /// Somebody should look at it.
    Warning,
    Running,
    Dim,
    Strong,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::cli) struct Cell {
    pub text: String,
    pub tone: Tone,
}

impl Cell {
    pub(in crate::cli) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { text: text.into(), tone }
    }

    pub(in crate::cli) fn plain(text: impl Into<String>) -> Self {
        Self::new(Tone::Plain, text)
    }
}

/// Rows under headings.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// A wider cell pushes only its own row.
const WIDEST: usize = 60;

impl Table {
    pub(in crate::cli) fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    pub(in crate::cli) fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text; columns that are empty in every row are left out.
    pub(in crate::cli) fn text(&self, paint: Paint) -> String {
        let used: Vec<usize> = (0..self.headings.len())
            .filter(|column| self.rows.iter().any(|row| row.get(*column).is_some_and(|cell| !cell.text.is_empty())))
            .collect();
        let widths: Vec<usize> = used
            .iter()
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| Some(width(&row.get(*column)?.text)));
                let heading = self.headings.get(*column).map_or(0, |heading| heading.len());
                cells.filter(|cell| *cell <= WIDEST).max().unwrap_or_default().max(heading)
            })
            .collect();
        let line = |cells: Vec<(String, Tone)>| {
            let last = cells.len().saturating_sub(1);
            let padded = cells.into_iter().zip(&widths).enumerate();
            let texts = padded.map(|(index, ((text, tone), columns))| {
                let filled = pad(&text, *columns);
                let space = filled.strip_prefix(&text).unwrap_or_default().to_owned();
                let painted = paint.tone(tone, &text);
                if index == last { painted } else { format!("{painted}{space}  ") }
            });
            let line: String = texts.collect();
            format!("{}\n", line.trim_end())
        };
        let heading = |column: &usize| ((*self.headings.get(*column).unwrap_or(&"")).to_owned(), Tone::Dim);
        let mut text = line(used.iter().map(heading).collect());
        for row in &self.rows {
            let cell = |column: &usize| {
                let cell = row.get(*column).cloned().unwrap_or_default();
                (cell.text, cell.tone)
            };
            text.push_str(&line(used.iter().map(cell).collect()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let mut table = Table::new(&["NAME", "NOTHING", "SYNC"]);
        table.push(vec![Cell::plain("a-long-name"), Cell::default(), Cell::plain("Synced")]);
        table.push(vec![Cell::plain("b"), Cell::default(), Cell::default()]);
        let plain = Paint { is_on: false };
        assert_eq!(table.text(plain), "NAME         SYNC\na-long-name  Synced\nb\n");
    }

    #[test]
    fn colours_do_not_count_as_columns() {
        let mut table = Table::new(&["A", "B"]);
        table.push(vec![Cell::new(Tone::Bad, "x"), Cell::plain("y")]);
        let text = table.text(Paint { is_on: true });
        assert!(text.ends_with("\x1b[31mx\x1b[0m  y\n"), "{text:?}");
    }
}
