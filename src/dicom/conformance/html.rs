//! The statement as a page that needs nothing else: no script, no picture, no other file.

use std::fmt::Write as _;

use super::{Block, Section, Statement, depth, each};

pub(super) fn page(statement: &Statement) -> String {
    let title = escaped(&statement.title);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>Version {}</p>\n<nav>\n",
        escaped(&statement.version)
    );
    each(&statement.sections, "", &mut |number, section| {
        if depth(number) <= 2 {
            let _ = writeln!(out, "<a href=\"#s{number}\">{number} {}</a><br>", escaped(&section.title));
        }
    });
    out.push_str("</nav>\n");
    each(&statement.sections, "", &mut |number, section| write(&mut out, number, section));
    out.push_str("</body>\n</html>\n");
    out
}

fn write(out: &mut String, number: &str, section: &Section) {
    let level = (depth(number) + 1).min(6);
    let _ = writeln!(out, "<h{level} id=\"s{number}\">{number} {}</h{level}>", escaped(&section.title));
    for block in &section.blocks {
        match block {
            Block::Text(text) => {
                let _ = writeln!(out, "<p>{}</p>", escaped(text));
            }
            Block::Table { caption, columns, rows } => {
                let _ = writeln!(out, "<table>\n<caption>{}</caption>", escaped(caption));
                row(out, "th", columns.iter().copied());
                for cells in rows {
                    row(out, "td", cells.iter().map(String::as_str));
                }
                out.push_str("</table>\n");
            }
        }
    }
}

fn row<'a>(out: &mut String, element: &str, cells: impl Iterator<Item = &'a str>) {
    out.push_str("<tr>");
    for cell in cells {
        let _ = write!(out, "<{element}>{}</{element}>", escaped(cell));
    }
    out.push_str("</tr>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const STYLE: &str = "body{font:15px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}\
    table{border-collapse:collapse;margin:1em 0;width:100%}caption{text-align:left;font-weight:bold;padding:.3em 0}\
    th,td{border:1px solid #ccc;padding:.2em .6em;text-align:left;vertical-align:top;overflow-wrap:anywhere}th{background:#f0f0f0}\
    h1,h2,h3,h4{color:#123}nav{margin:1em 0}";
