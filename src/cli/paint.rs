//! Colour and tables for people; plain text where the output is no terminal. Knows nothing of mail.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use owo_colors::{OwoColorize, Style};

use super::colour_wanted;
use crate::policy::Phrases;
use crate::verdict::Action;

/// What a piece of text means, which gives its colour.
#[derive(Debug, Clone, Copy)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Worth a look.
    Note,
    /// Stopped or wrong.
    Bad,
    /// Beside the point.
    Quiet,
    /// A heading.
    Strong,
}

/// A text in its tone, where the terminal shows colour.
pub fn paint(text: impl std::fmt::Display, tone: Tone) -> String {
    if !colour_wanted() {
        return text.to_string();
    }
    let style = match tone {
        Tone::Good => Style::new().green(),
        Tone::Note => Style::new().yellow(),
        Tone::Bad => Style::new().red(),
        Tone::Quiet => Style::new().dimmed(),
        Tone::Strong => Style::new().bold(),
    };
    text.style(style).to_string()
}

/// An action in its tone.
pub fn action(action: Action) -> String {
    let tone = match action {
        Action::Pass => Tone::Good,
        Action::Tag | Action::Mark => Tone::Note,
        Action::Hold | Action::Return | Action::Reject => Tone::Bad,
    };
    paint(action, tone)
}

/// A moment on this machine's clock, as letters write it: `4 December 2026, 01:49`.
pub fn moment(at: Timestamp) -> String {
    Phrases::english().moment(&at.to_zoned(TimeZone::system()))
}

/// Rows in aligned columns under a heading, without lines around them; as wide as their cells, or as the terminal.
pub fn table(heading: &[&str], rows: Vec<Vec<String>>) -> String {
    laid_out(Table::new(), heading, rows)
}

/// The same, with long cells broken so that it is no wider than the terminal or, where there is none, 100 columns.
pub fn narrow_table(heading: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    if !table.is_tty() {
        table.set_width(100);
    }
    laid_out(table, heading, rows)
}

fn laid_out(mut table: Table, heading: &[&str], rows: Vec<Vec<String>>) -> String {
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(heading.iter().map(|title| paint(title, Tone::Strong)));
    table.add_rows(rows);
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
