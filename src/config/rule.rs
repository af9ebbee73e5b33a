//! `[[rule]]`: what is delivered to whom, and when.

use toml::de::DeTable;

use super::Origin;
use super::error::{ConfigError, suggest};
use super::setting::{Given, Refusal};
use crate::base::{PeerName, TenantId};
use crate::report::{ReportStatus, Twin};

/// A delivery rule: when a report of the tenant gets one of the states, the forms go to the peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Name, unique among the rules.
    pub name: String,
    /// Whose reports it is about.
    pub tenant: TenantId,
    /// States that set it off; at least one.
    pub on: Vec<ReportStatus>,
    /// Who gets the report; at least one. They may be peers of the database.
    pub peers: Vec<PeerName>,
    /// In which forms; at least one.
    pub formats: Vec<Twin>,
}

/// The keys of a rule with type, default and description, for the reference.
pub(super) const KEYS: [(&str, &str, &str, &str); 5] = [
    ("name", "name", "required", "Name of the rule: `a-z 0-9 -`, beginning with a letter; unique."),
    ("tenant", "name", "`\"default\"`", "Tenant whose reports it is about."),
    ("on", "list of states", "required", "States that set it off: `preliminary`, `final`, `amended`, `corrected`, …"),
    ("peers", "list of names", "required", "Peers that get the report, of this file or of the database."),
    ("formats", "list of forms", "required", "Forms: `dicom-sr`, `dicom-pdf`, `dicom-ko`, `fhir`, `pdf`, `txt`."),
];

impl Rule {
    /// Reads a `[[rule]]` table. `at` says where a value stands; what is wrong goes to `errors`.
    pub(super) fn read(
        table: &DeTable<'_>,
        whole: &Origin,
        at: impl Fn(std::ops::Range<usize>) -> Origin,
        errors: &mut Vec<ConfigError>,
    ) -> Option<Self> {
        let before = errors.len();
        let mut rule = Self {
            name: String::new(),
            tenant: TenantId::default_tenant(),
            on: Vec::new(),
            peers: Vec::new(),
            formats: Vec::new(),
        };
        for (key, value) in table {
            let (key, at, given) = (key.get_ref().as_ref(), at(value.span()), Given::Toml(value.get_ref()));
            match rule.set(key, &given) {
                Some(Ok(())) => {}
                Some(Err(refusal)) => {
                    let detail = refusal.into_owned();
                    errors.push(ConfigError::Value { key: format!("rule.{key}"), at, detail });
                }
                None => {
                    let suggestion = suggest(key, KEYS.map(|(key, ..)| key)).map(str::to_owned);
                    errors.push(ConfigError::UnknownKey { key: format!("rule.{key}"), at, suggestion });
                }
            }
        }
        for (key, ..) in KEYS.iter().filter(|(key, _, default, _)| *default == "required" && !table.contains_key(*key))
        {
            let detail = "is required".to_owned();
            errors.push(ConfigError::Value { key: format!("rule.{key}"), at: whole.clone(), detail });
        }
        (errors.len() == before).then_some(rule)
    }

    /// Sets a key; `None` if there is no such key.
    fn set(&mut self, key: &str, given: &Given<'_>) -> Option<Result<(), Refusal>> {
        Some(match key {
            "name" => one(given, name).map(|name| self.name = name.to_string()),
            "tenant" => one(given, tenant).map(|tenant| self.tenant = tenant),
            "on" => each(given, state).map(|on| self.on = on),
            "peers" => each(given, name).map(|peers| self.peers = peers),
            "formats" => each(given, form).map(|formats| self.formats = formats),
            _ => return None,
        })
    }
}

fn one<T>(given: &Given<'_>, parse: impl Fn(&str) -> Result<T, Refusal>) -> Result<T, Refusal> {
    parse(given.text()?)
}

fn each<T: PartialEq>(given: &Given<'_>, parse: impl Fn(&str) -> Result<T, Refusal>) -> Result<Vec<T>, Refusal> {
    let mut items = Vec::new();
    for text in given.texts()? {
        let item = parse(&text)?;
        if items.contains(&item) {
            return Err("names something twice".into());
        }
        items.push(item);
    }
    if items.is_empty() { Err("must name at least one".into()) } else { Ok(items) }
}

fn name(text: &str) -> Result<PeerName, Refusal> {
    PeerName::parse(text).map_err(|error| error.to_string().into())
}

fn tenant(text: &str) -> Result<TenantId, Refusal> {
    TenantId::parse(text).map_err(|error| error.to_string().into())
}

fn state(text: &str) -> Result<ReportStatus, Refusal> {
    let states = || ReportStatus::ALL.map(ReportStatus::as_str).join(", ");
    ReportStatus::parse(text).ok_or_else(|| format!("must name states out of {}", states()).into())
}

fn form(text: &str) -> Result<Twin, Refusal> {
    let forms = || Twin::ALL.map(Twin::as_str).join(", ");
    Twin::parse(text).ok_or_else(|| format!("must name forms out of {}", forms()).into())
}
