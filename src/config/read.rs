//! Reads the sources, one after the other, and notes whatever is wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::alias::ALIASES;
use super::archive::ArchiveTenant;
use super::caller::{CalledTitle, Caller, ListEntry};
use super::error::{ConfigError, suggest};
use super::peer::{self, Peer};
use super::rule::Rule;
use super::setting::{Entry, Given, Refusal};
use super::source::{Environment, FileText, Origin, Sources};
use crate::base::PeerName;

/// What the sources say.
pub(super) struct Read {
    pub(super) origins: BTreeMap<String, Origin>,
    pub(super) peers: Vec<Peer>,
    pub(super) rules: Vec<Rule>,
    pub(super) callers: Vec<Caller>,
    pub(super) titles: Vec<CalledTitle>,
    pub(super) archives: Vec<ArchiveTenant>,
    pub(super) errors: Vec<ConfigError>,
}

/// The settings that exist, while they are being filled.
struct Reader<'a> {
    entries: BTreeMap<String, Entry<'a>>,
    sections: BTreeSet<String>,
    read: Read,
}

/// Fills `entries` from the sources, the weakest first. A value that is overridden is checked as well.
pub(super) fn read(entries: Vec<Entry<'_>>, sources: &Sources) -> Read {
    let sections = entries.iter().filter_map(|entry| entry.key.rsplit_once('.')).map(|(section, _)| section.to_owned());
    let sections = sections.flat_map(|section| {
        let above: Vec<String> =
            section.match_indices('.').map(|(end, _)| section.split_at(end).0.to_owned()).collect();
        above.into_iter().chain([section])
    });
    let mut reader = Reader {
        sections: sections.collect(),
        entries: entries.into_iter().map(|entry| (entry.key.clone(), entry)).collect(),
        read: Read {
            origins: BTreeMap::new(),
            peers: Vec::new(),
            rules: Vec::new(),
            callers: Vec::new(),
            titles: Vec::new(),
            archives: Vec::new(),
            errors: Vec::new(),
        },
    };
    if let Some(file) = &sources.file {
        reader.file(file);
    }
    reader.environment(&sources.environment);
    for flag in &sources.flags {
        reader.flag(flag);
    }
    reader.read
}

impl Reader<'_> {
    fn file(&mut self, file: &FileText) {
        let (table, errors) = DeTable::parse_recoverable(&file.text);
        let at = |span: Range<usize>| Origin::File { name: file.name.clone(), line: line_of(&file.text, span.start) };
        if errors.is_empty() {
            self.table("", table.get_ref(), &at);
            return;
        }
        // What follows a syntax error may not be what it seems: the rest of the file is left alone.
        for error in errors {
            let (at, detail) = (at(error.span().unwrap_or_default()), error.message().replace('\n', ", "));
            self.read.errors.push(ConfigError::Syntax { at, detail });
        }
    }

    fn table(&mut self, prefix: &str, table: &DeTable<'_>, at: &dyn Fn(Range<usize>) -> Origin) {
        let mut members: Vec<_> = table.iter().collect();
        members.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in members {
            let (name, at_key) = (format!("{prefix}{}", key.get_ref()), at(key.span()));
            match value.get_ref() {
                _ if self.entries.contains_key(&name) => {
                    self.put(&name, &Given::Toml(value.get_ref()), at(value.span()));
                }
                DeValue::Table(inner) if self.sections.contains(&name) => self.table(&format!("{name}."), inner, at),
                DeValue::Array(items) if LISTS.contains(&name.as_str()) => {
                    for item in items {
                        match item.get_ref() {
                            DeValue::Table(inner) => self.list_item(&name, inner, &at(item.span()), at),
                            _ => self.refuse(&name, at(item.span()), format!("must be written as [[{name}]]").into()),
                        }
                    }
                }
                _ if LISTS.contains(&name.as_str()) => {
                    self.refuse(&name, at_key, format!("must be written as [[{name}]]").into());
                }
                _ if self.sections.contains(&name) => {
                    self.refuse(&name, at_key, format!("is a section and must be written as [{name}]").into());
                }
                _ => self.unknown(name, at_key),
            }
        }
    }

    fn list_item(&mut self, list: &str, table: &DeTable<'_>, whole: &Origin, at: &dyn Fn(Range<usize>) -> Origin) {
        match list {
            "peer" => self.peer(table, whole),
            "rule" => self.rule(table, whole, at),
            Caller::NAME => {
                let caller = Caller::read(table, whole, at, &mut self.read.errors);
                self.read.callers.extend(caller);
            }
            ArchiveTenant::NAME => {
                let archive = ArchiveTenant::read(table, whole, at, &mut self.read.errors);
                self.read.archives.extend(archive);
            }
            _ => {
                let title = CalledTitle::read(table, whole, at, &mut self.read.errors);
                self.read.titles.extend(title);
            }
        }
    }

    fn peer(&mut self, table: &DeTable<'_>, at: &Origin) {
        let settings: Option<serde_json::Map<_, _>> = table
            .iter()
            .map(|(key, value)| Some((key.get_ref().clone().into_owned(), peer::to_json(value.get_ref())?)))
            .collect();
        let Some(settings) = settings else {
            return self.refuse("peer", at.clone(), "holds a number that is out of range".into());
        };
        let name = match settings.get("name").and_then(serde_json::Value::as_str).map(PeerName::parse) {
            Some(Ok(name)) => name,
            Some(Err(error)) => return self.refuse("peer.name", at.clone(), error.to_string().into()),
            None => return self.refuse("peer.name", at.clone(), "is required and must be a text".into()),
        };
        if self.read.peers.iter().any(|peer| peer.name == name) {
            return self.refuse("peer.name", at.clone(), "is the name of an earlier peer".into());
        }
        self.read.peers.push(Peer { name, settings });
    }

    fn rule(&mut self, table: &DeTable<'_>, whole: &Origin, at: &dyn Fn(Range<usize>) -> Origin) {
        let Some(rule) = Rule::read(table, whole, at, &mut self.read.errors) else { return };
        if self.read.rules.iter().any(|known| known.name == rule.name) {
            return self.refuse("rule.name", whole.clone(), "is the name of an earlier rule".into());
        }
        self.read.rules.push(rule);
    }

    fn environment(&mut self, environment: &Environment) {
        for name in environment.garbled() {
            if name.starts_with(PREFIX) || ALIASES.iter().any(|alias| alias.name == name) {
                let at = Origin::Environment(name.to_owned());
                self.refuse("value", at, "must be unicode text".into());
            }
        }
        self.aliases(environment);
        for (name, text) in environment.iter() {
            let at = Origin::Environment(name.to_owned());
            let Some(rest) = name.strip_prefix(PREFIX) else {
                self.near_miss(name, at);
                continue;
            };
            let key = rest.to_ascii_lowercase().replace("__", ".");
            if rest.bytes().any(|byte| byte.is_ascii_lowercase()) {
                // Two spellings of one variable would have no order between them.
                let suggestion = self.entries.contains_key(&key).then(|| variable(&key));
                self.read.errors.push(ConfigError::UnknownKey { key: name.to_owned(), at, suggestion });
            } else if let Some(rest) = rest.strip_prefix("PEER__") {
                self.peer_variable(name, rest, text, at);
            } else if self.entries.contains_key(&key) {
                self.put(&key, &Given::Environment(text), at);
            } else {
                let suggestion = suggest(&key, self.entries.keys().map(String::as_str)).map(variable);
                self.read.errors.push(ConfigError::UnknownKey { key: name.to_owned(), at, suggestion });
            }
        }
    }

    fn aliases(&mut self, environment: &Environment) {
        let mut said: BTreeMap<&str, (&str, String)> = BTreeMap::new();
        for alias in &ALIASES {
            // These names are not ours: an empty one says nothing.
            let Some(text) = environment.get(alias.name).filter(|text| !text.is_empty()) else { continue };
            if environment.get(&variable(alias.key)).is_some() {
                continue;
            }
            let at = Origin::Environment(alias.name.to_owned());
            let text = match (alias.convert)(text) {
                Ok(text) => text,
                Err(refusal) => {
                    self.refuse(alias.key, at, refusal);
                    continue;
                }
            };
            match said.get(alias.key) {
                None => {
                    self.put(alias.key, &Given::Environment(&text), at);
                    said.insert(alias.key, (alias.name, text));
                }
                Some((_, earlier)) if earlier.trim_end_matches('/') == text => {}
                Some((earlier, _)) => {
                    let detail = format!("is set by {earlier} and by {} to different values", alias.name);
                    self.read.errors.push(ConfigError::Conflict { key: alias.key.to_owned(), detail });
                }
            }
        }
    }

    /// `CAUSEWAY_HTTP_LISTEN` means `CAUSEWAY__HTTP__LISTEN`, and must not be passed over in silence.
    fn near_miss(&mut self, name: &str, at: Origin) {
        let flat = |text: &str| text.to_ascii_lowercase().replace(['_', '.'], "");
        if !name.to_ascii_uppercase().starts_with("CAUSEWAY_") {
            return;
        }
        let meant = self.entries.keys().map(|key| variable(key)).find(|meant| flat(meant) == flat(name));
        if let Some(meant) = meant {
            self.read.errors.push(ConfigError::UnknownKey { key: name.to_owned(), at, suggestion: Some(meant) });
        }
    }

    /// `CAUSEWAY__PEER__MAIN_PACS__PASSWORD` is `password` of the peer `main-pacs`.
    fn peer_variable(&mut self, name: &str, rest: &str, text: &str, at: Origin) {
        let parts = rest.split_once("__").map(|(peer, key)| (peer.to_ascii_lowercase().replace('_', "-"), key));
        match parts.map(|(peer, key)| (PeerName::parse(&peer), key.to_ascii_lowercase())) {
            Some((Ok(peer), key)) if !key.is_empty() => self.set_of_peer(peer, &key, text),
            _ => self.refuse(name, at, "must be CAUSEWAY__PEER__NAME__KEY".into()),
        }
    }

    fn flag(&mut self, flag: &str) {
        let Some((key, text)) = flag.split_once('=').map(|(key, text)| (key.trim(), text)) else {
            let detail = "an override must be key=value".to_owned();
            return self.read.errors.push(ConfigError::Syntax { at: Origin::Flag, detail });
        };
        if self.entries.contains_key(key) {
            return self.put(key, &Given::Flag(text), Origin::Flag);
        }
        let Some(rest) = key.strip_prefix("peer.") else { return self.unknown(key.to_owned(), Origin::Flag) };
        match rest.split_once('.').map(|(peer, name)| (PeerName::parse(peer), name)) {
            Some((Ok(_), name)) if peer::is_secret_name(name) => {
                self.refuse(key, Origin::Flag, "is a secret: give it in the environment or in a file".into());
            }
            Some((Ok(peer), name)) if !name.is_empty() => self.set_of_peer(peer, name, text),
            _ => self.refuse(key, Origin::Flag, "must be peer.NAME.KEY".into()),
        }
    }

    fn set_of_peer(&mut self, name: PeerName, key: &str, text: &str) {
        let value = peer::loose_to_json(key, text);
        let index = self.read.peers.iter().position(|peer| peer.name == name).unwrap_or_else(|| {
            let settings = [("name".to_owned(), name.as_str().into())].into_iter().collect();
            self.read.peers.push(Peer { name, settings });
            self.read.peers.len() - 1
        });
        if let Some(peer) = self.read.peers.get_mut(index) {
            peer.settings.insert(key.to_owned(), value);
        }
    }

    fn put(&mut self, key: &str, given: &Given<'_>, at: Origin) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        match entry.slot.put(given, entry.within) {
            Ok(()) => {
                self.read.origins.insert(key.to_owned(), at);
            }
            Err(refusal) => self.refuse(key, at, refusal),
        }
    }

    fn refuse(&mut self, key: &str, at: Origin, refusal: Refusal) {
        self.read.errors.push(ConfigError::Value { key: key.to_owned(), at, detail: refusal.into_owned() });
    }

    fn unknown(&mut self, key: String, at: Origin) {
        let known = self.entries.keys().map(String::as_str);
        let known = known.chain(self.sections.iter().map(String::as_str)).chain(LISTS);
        let suggestion = suggest(&key, known).map(str::to_owned);
        self.read.errors.push(ConfigError::UnknownKey { key, at, suggestion });
    }
}

/// The variable of a setting: `CAUSEWAY__HTTP__LISTEN` for `http.listen`.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// Names of the lists of tables.
const LISTS: [&str; 5] = ["peer", "rule", Caller::NAME, CalledTitle::NAME, ArchiveTenant::NAME];
const PREFIX: &str = "CAUSEWAY__";
