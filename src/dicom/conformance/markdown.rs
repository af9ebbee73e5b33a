//! The statement as Markdown.

use std::fmt::Write as _;

use super::{Block, Section, Statement, depth, each};

pub(super) fn page(statement: &Statement) -> String {
    let mut out = format!("# {}\n\nVersion {}\n", plain(&statement.title), plain(&statement.version));
    each(&statement.sections, "", &mut |number, section| write(&mut out, number, section));
    out
}

fn write(out: &mut String, number: &str, section: &Section) {
    let level = "#".repeat((depth(number) + 1).min(6));
    let _ = writeln!(out, "\n{level} {number} {}", plain(&section.title));
    for block in &section.blocks {
        match block {
            Block::Text(text) => {
                let _ = writeln!(out, "\n{}", plain(text));
            }
            Block::Table { caption, columns, rows } => {
                let _ = writeln!(out, "\n{}:\n", plain(caption));
                row(out, columns.iter().copied());
                row(out, columns.iter().map(|_| "---"));
                for cells in rows {
                    row(out, cells.iter().map(String::as_str));
                }
            }
        }
    }
}

fn row<'a>(out: &mut String, cells: impl Iterator<Item = &'a str>) {
    out.push('|');
    for cell in cells {
        let _ = write!(out, " {} |", plain(cell));
    }
    out.push('\n');
}

/// Text whose signs mean nothing to a reader of Markdown, and that stays on its line.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '|' | '*' | '<' | '`' => out.extend(['\\', character]),
            '\n' | '\r' => out.push(' '),
            other => out.push(other),
        }
    }
    out
}
