//! The effective configuration, for people: `config show`.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::caller::Caller;
use super::rule::Rule;
use super::setting::Entry;
use super::{Config, Origin};
use crate::base::PeerName;

/// TOML that loads to the same configuration again, but for secrets, which are `***`.
pub(super) fn show(config: &mut Config) -> String {
    let mut out = String::new();
    let origins = config.origins.clone();
    let mut section = "";
    let entries = config.entries();
    for entry in &entries {
        let (inside, name) = entry.key.rsplit_once('.').unwrap_or(("", &entry.key));
        if inside != section {
            section = inside;
            line(&mut out, format_args!("\n[{section}]"));
        }
        setting(&mut out, entry, name, origins.get(&entry.key).unwrap_or(&Origin::Default));
    }
    for peer in &config.peers {
        line(&mut out, format_args!("\n[[peer]]"));
        table(&mut out, &peer.redacted());
    }
    for rule in &config.rules {
        line(&mut out, format_args!("\n[[rule]]"));
        table(&mut out, &rule_table(rule));
    }
    for caller in &config.callers {
        line(&mut out, format_args!("\n[[dimse.caller]]"));
        table(&mut out, &caller_table(caller));
    }
    for title in &config.titles {
        line(&mut out, format_args!("\n[[dimse.title]]"));
        let pairs = [("ae_title", title.ae_title.as_str()), ("tenant", title.tenant.as_str())];
        table(&mut out, &pairs.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect());
    }
    for archive in &config.archives {
        line(&mut out, format_args!("\n[[archive.tenant]]"));
        let orthanc = archive.orthanc.as_ref().map(|name| ("orthanc", name.as_str()));
        let pairs = [("tenant", archive.tenant.as_str()), ("mode", archive.mode.as_str())];
        let pairs = pairs.into_iter().chain(orthanc);
        table(&mut out, &pairs.map(|(key, value)| (key.to_owned(), value.into())).collect());
    }
    out
}

fn setting(out: &mut String, entry: &Entry<'_>, name: &str, origin: &Origin) {
    match entry.slot.write() {
        None => line(out, format_args!("# {name} is not set")),
        // The file may not hold it, so what is shown must not either.
        Some(value) if entry.slot.is_secret() => line(out, format_args!("# {name} = {value} # {origin}")),
        Some(value) => line(out, format_args!("{name} = {value} # {origin}")),
    }
}

fn table(out: &mut String, table: &Map<String, Value>) {
    for (key, value) in table {
        line(out, format_args!("{} = {}", toml_key(key), to_toml(value)));
    }
}

fn toml_key(key: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { toml::Value::from(key).to_string() }
}

fn to_toml(value: &Value) -> String {
    match value {
        Value::Null => "\"\"".into(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => toml::Value::from(text.as_str()).to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(to_toml).collect::<Vec<_>>().join(", ")),
        Value::Object(table) => {
            let member = |(key, value): (&String, &Value)| format!("{} = {}", toml_key(key), to_toml(value));
            format!("{{ {} }}", table.iter().map(member).collect::<Vec<_>>().join(", "))
        }
    }
}

fn rule_table(rule: &Rule) -> Map<String, Value> {
    let list = |texts: Vec<&str>| Value::from(texts);
    [
        ("name".to_owned(), rule.name.as_str().into()),
        ("tenant".to_owned(), rule.tenant.as_str().into()),
        ("on".to_owned(), list(rule.on.iter().map(|state| state.as_str()).collect())),
        ("peers".to_owned(), list(rule.peers.iter().map(PeerName::as_str).collect())),
        ("formats".to_owned(), list(rule.formats.iter().map(|form| form.as_str()).collect())),
    ]
    .into_iter()
    .collect()
}

fn caller_table(caller: &Caller) -> Map<String, Value> {
    [
        ("ae_title".to_owned(), caller.ae_title.as_str().into()),
        ("addresses".to_owned(), Value::from(caller.addresses.clone())),
        ("rights".to_owned(), Value::from(caller.rights.iter().map(|right| right.as_str()).collect::<Vec<_>>())),
    ]
    .into_iter()
    .collect()
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _infallible = writeln!(out, "{text}");
}
