//! `[[dimse.caller]]`: who may call, from where, and what for; `[[dimse.title]]`: AE titles that other tenants
//! are called by.

use toml::de::DeTable;

use super::Origin;
use super::error::{ConfigError, suggest};
use super::setting::{Given, Refusal};
use crate::base::{AeTitle, TenantId};

/// A caller that is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The AE title that it calls with.
    pub ae_title: AeTitle,
    /// Addresses, networks and host names that it may come from; any where empty.
    pub addresses: Vec<String>,
    /// What it may do.
    pub rights: Vec<CallerRight>,
}

/// An AE title that a tenant is called by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalledTitle {
    /// The AE title.
    pub ae_title: AeTitle,
    /// Whose it is.
    pub tenant: TenantId,
}

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerRight {
    /// Store instances and have storage committed.
    Store,
    /// Query.
    Find,
    /// Retrieve.
    Retrieve,
}

/// A table of an array with typed keys, for the reference and the reader.
pub(super) trait ListEntry: Sized {
    /// The name of the array.
    const NAME: &'static str;
    /// The keys with type, default and description.
    const KEYS: &'static [(&'static str, &'static str, &'static str, &'static str)];

    /// One of which nothing is said.
    fn empty() -> Self;

    /// Sets a key; `None` if there is no such key.
    fn set(&mut self, key: &str, given: &Given<'_>) -> Option<Result<(), Refusal>>;

    /// Reads a table. `at` says where a value stands; what is wrong goes to `errors`.
    fn read(
        table: &DeTable<'_>,
        whole: &Origin,
        at: impl Fn(std::ops::Range<usize>) -> Origin,
        errors: &mut Vec<ConfigError>,
    ) -> Option<Self> {
        let before = errors.len();
        let mut entry = Self::empty();
        for (key, value) in table {
            let (key, at, given) = (key.get_ref().as_ref(), at(value.span()), Given::Toml(value.get_ref()));
            let name = format!("{}.{key}", Self::NAME);
            match entry.set(key, &given) {
                Some(Ok(())) => {}
                Some(Err(refusal)) => {
                    errors.push(ConfigError::Value { key: name, at, detail: refusal.into_owned() });
                }
                None => {
                    let suggestion = suggest(key, Self::KEYS.iter().map(|(key, ..)| *key)).map(str::to_owned);
                    errors.push(ConfigError::UnknownKey { key: name, at, suggestion });
                }
            }
        }
        for (key, ..) in
            Self::KEYS.iter().filter(|(key, _, default, _)| *default == "required" && !table.contains_key(*key))
        {
            let (key, detail) = (format!("{}.{key}", Self::NAME), "is required".to_owned());
            errors.push(ConfigError::Value { key, at: whole.clone(), detail });
        }
        (errors.len() == before).then_some(entry)
    }
}

impl ListEntry for Caller {
    const NAME: &'static str = "dimse.caller";
    const KEYS: &'static [(&'static str, &'static str, &'static str, &'static str)] = &[
        ("ae_title", "AE title", "required", "AE title that it calls with; it may stand in several entries."),
        (
            "addresses",
            "list of texts",
            "`[]`",
            "Where it may come from: addresses, networks as `10.1.0.0/16`, host names; anywhere where empty.",
        ),
        ("rights", "list of words", "`[\"store\", \"find\", \"retrieve\"]`", "What it may do."),
    ];

    fn empty() -> Self {
        Self { ae_title: AeTitle::causeway(), addresses: Vec::new(), rights: CallerRight::ALL.to_vec() }
    }

    fn set(&mut self, key: &str, given: &Given<'_>) -> Option<Result<(), Refusal>> {
        Some(match key {
            "ae_title" => title(given).map(|title| self.ae_title = title),
            "addresses" => given.texts().map(|addresses| self.addresses = addresses),
            "rights" => rights(given).map(|rights| self.rights = rights),
            _ => return None,
        })
    }
}

impl ListEntry for CalledTitle {
    const NAME: &'static str = "dimse.title";
    const KEYS: &'static [(&'static str, &'static str, &'static str, &'static str)] = &[
        ("ae_title", "AE title", "required", "AE title that is called; another one than `dimse.ae_title`, and unique."),
        ("tenant", "name", "required", "Tenant that is meant by it."),
    ];

    fn empty() -> Self {
        Self { ae_title: AeTitle::causeway(), tenant: TenantId::default_tenant() }
    }

    fn set(&mut self, key: &str, given: &Given<'_>) -> Option<Result<(), Refusal>> {
        Some(match key {
            "ae_title" => title(given).map(|title| self.ae_title = title),
            "tenant" => given
                .text()
                .and_then(|text| TenantId::parse(text).map_err(|error| error.to_string().into()))
                .map(|tenant| self.tenant = tenant),
            _ => return None,
        })
    }
}

impl CallerRight {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Store, Self::Find, Self::Retrieve];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Find => "find",
            Self::Retrieve => "retrieve",
        }
    }
}

fn title(given: &Given<'_>) -> Result<AeTitle, Refusal> {
    AeTitle::parse(given.text()?).map_err(|error| error.to_string().into())
}

fn rights(given: &Given<'_>) -> Result<Vec<CallerRight>, Refusal> {
    let mut rights = Vec::new();
    for text in given.texts()? {
        let right = CallerRight::ALL.into_iter().find(|right| right.as_str() == text);
        let right = right.ok_or("must name rights out of store, find, retrieve")?;
        if rights.contains(&right) {
            return Err("names something twice".into());
        }
        rights.push(right);
    }
    Ok(rights)
}
