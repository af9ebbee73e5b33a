//! The reference of all settings: `docs/configuration.md` comes from it.

use std::fmt::Write;

use super::alias::ALIASES;
use super::archive::ArchiveTenant;
use super::caller::{CalledTitle, Caller, ListEntry};
use super::read::variable;
use super::{Config, rule};

/// What there is to know of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDoc {
    /// Full key, `http.listen`; keys of a table in a list are written `rule[].name`.
    pub key: String,
    /// Variable of the environment, if it can be set there.
    pub variable: Option<String>,
    /// Type and bounds, in words.
    pub shape: String,
    /// Default, in Markdown.
    pub default: String,
    /// What it is for.
    pub description: String,
    /// What its section is about.
    pub about: String,
}

/// All settings of `plain`, which has its defaults, in the order of the sections.
pub(super) fn reference(plain: &mut Config) -> Vec<KeyDoc> {
    let settings = plain.entries().into_iter().map(|entry| {
        let bounds = entry.within.map(|(low, high)| format!(", {low} to {high}")).unwrap_or_default();
        let default = match (entry.shown, entry.slot.write()) {
            (Some(shown), _) if shown.contains('`') => shown.to_owned(),
            (Some(shown), _) => format!("`\"{shown}\"`"),
            (None, Some(value)) => format!("`{value}`"),
            (None, None) => "not set".to_owned(),
        };
        KeyDoc {
            variable: Some(variable(&entry.key)),
            key: entry.key,
            shape: format!("{}{bounds}", entry.slot.shape()),
            default,
            description: flow(entry.doc),
            about: flow(entry.about),
        }
    });
    let rules = rule::KEYS.into_iter().map(|(key, shape, default, description)| KeyDoc {
        key: format!("rule[].{key}"),
        variable: None,
        shape: shape.to_owned(),
        default: default.to_owned(),
        description: description.to_owned(),
        about: RULES.to_owned(),
    });
    settings
        .chain(rules)
        .chain(list::<Caller>(CALLERS))
        .chain(list::<CalledTitle>(TITLES))
        .chain(list::<ArchiveTenant>(ARCHIVES))
        .collect()
}

/// The keys of a list of tables.
fn list<T: ListEntry>(about: &str) -> impl Iterator<Item = KeyDoc> {
    T::KEYS.iter().map(move |(key, shape, default, description)| KeyDoc {
        key: format!("{}[].{key}", T::NAME),
        variable: None,
        shape: (*shape).to_owned(),
        default: (*default).to_owned(),
        description: (*description).to_owned(),
        about: about.to_owned(),
    })
}

/// The reference as a page. `chapters` are put behind the settings: title and Markdown of each.
pub fn to_markdown(reference: &[KeyDoc], chapters: &[(&str, &str)]) -> String {
    let mut out = String::from(OPENING);
    for (name, key, doc) in ALIASES.map(|alias| (alias.name, alias.key, alias.doc)) {
        line(&mut out, format_args!("| `{name}` | `{key}` | {doc} |"));
    }
    let mut section = None;
    for setting in reference {
        let inside = setting.key.rsplit_once('.').map(|(inside, _)| inside);
        if inside != section || section.is_none() {
            section = inside;
            let title = match inside.map(|inside| inside.strip_suffix("[]").ok_or(inside)) {
                None => "Top level".to_owned(),
                Some(Ok(list)) => format!("`[[{list}]]`"),
                Some(Err(table)) => format!("`[{table}]`"),
            };
            line(&mut out, format_args!("\n## {title}\n\n{}\n", setting.about));
            line(&mut out, format_args!("| key | type | default | |\n| --- | --- | --- | --- |"));
        }
        let name = setting.key.rsplit('.').next().unwrap_or_default();
        let cells = [&setting.shape, &setting.default, &setting.description].map(|cell| cell.replace('|', "\\|"));
        line(&mut out, format_args!("| `{name}` | {} |", cells.join(" | ")));
    }
    for (title, text) in chapters {
        line(&mut out, format_args!("\n## {title}\n\n{}", text.trim()));
    }
    out
}

/// Lines of a doc comment as one.
fn flow(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _infallible = writeln!(out, "{text}");
}

const RULES: &str = "Delivery rules: when a report of the tenant gets one of the states, the forms go to the peers.";

const CALLERS: &str = "Who may open DICOM associations besides those that `dimse.accept_any_caller` lets in. A caller \
                       that has an entry is held to its entries.";
const TITLES: &str = "AE titles that other tenants are called by.";
const ARCHIVES: &str = "Where the instances of a tenant are kept. The default tenant has `archive.mode` and `archive.orthanc` where it is not among these.";

const OPENING: &str = include_str!("reference.md");
