//! `[[peer]]`: the systems that reports go to and facts come from. Here a peer is a name and a table;
//! what may stand in the table is the business of the module that speaks to it.

use std::fmt;

use serde_json::{Map, Value};
use toml::de::DeValue;
use url::Url;

use super::kind::redact;
use crate::base::PeerName;

/// A peer of the configuration.
#[derive(Clone, PartialEq)]
pub struct Peer {
    /// Name, unique among the peers.
    pub name: PeerName,
    /// The table as JSON, with its `name`.
    pub settings: Map<String, Value>,
}

impl Peer {
    /// What the peer speaks: the text of `kind`, if there is one.
    pub fn kind(&self) -> Option<&str> {
        self.settings.get("kind")?.as_str()
    }

    /// The table with `***` in the place of secrets.
    pub(super) fn redacted(&self) -> Map<String, Value> {
        redact_table(&self.settings)
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("name", &self.name).field("settings", &self.redacted()).finish()
    }
}

/// A value of the file as JSON. Dates become texts.
pub(super) fn to_json(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => text.clone().into_owned().into(),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix()).ok()?.into(),
        DeValue::Float(float) => serde_json::Number::from_f64(float.as_str().parse().ok()?)?.into(),
        DeValue::Boolean(truth) => (*truth).into(),
        DeValue::Datetime(instant) => instant.to_string().into(),
        DeValue::Array(items) => items.iter().map(|item| to_json(item.get_ref())).collect::<Option<Vec<_>>>()?.into(),
        DeValue::Table(table) => table
            .iter()
            .map(|(key, value)| Some((key.get_ref().clone().into_owned(), to_json(value.get_ref())?)))
            .collect::<Option<Map<_, _>>>()?
            .into(),
    })
}

/// The value of a variable or flag: a number, a truth value, a list or a text in quotation marks as in
/// TOML, else the text as it is. What is named like a secret is always a text.
pub(super) fn loose_to_json(key: &str, text: &str) -> Value {
    if is_secret_name(key) {
        return text.into();
    }
    match DeValue::parse(text.trim()).map(toml::Spanned::into_inner) {
        Ok(value @ (DeValue::Integer(_) | DeValue::Boolean(_) | DeValue::Array(_) | DeValue::String(_))) => {
            to_json(&value).unwrap_or_else(|| text.into())
        }
        _ => text.into(),
    }
}

/// Whether a key of a peer names something that must not be shown. Keys that say where a secret is may
/// be shown.
pub(super) fn is_secret_name(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let place = ["_file", "_path", "_env", "_url"].iter().any(|end| key.ends_with(end));
    !place && SECRET_WORDS.iter().any(|word| key.contains(word))
}

fn redact_table(table: &Map<String, Value>) -> Map<String, Value> {
    let redacted = |(key, value): (&String, &Value)| {
        (key.clone(), if is_secret_name(key) { "***".into() } else { redact_value(value) })
    };
    table.iter().map(redacted).collect()
}

fn redact_value(value: &Value) -> Value {
    match value {
        Value::Object(table) => redact_table(table).into(),
        Value::Array(items) => items.iter().map(redact_value).collect::<Vec<_>>().into(),
        Value::String(text) => match Url::parse(text) {
            Ok(url) if url.password().is_some() => redact(&url).into(),
            _ => text.clone().into(),
        },
        other => other.clone(),
    }
}

const SECRET_WORDS: [&str; 8] =
    ["password", "passphrase", "secret", "token", "credential", "authorization", "api_key", "private_key"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_of_a_peer_are_not_shown() {
        let settings = json!({
            "name": "pacs", "user": "gateway", "password": "p1", "client_secret": "p2",
            "client_secret_file": "/run/secrets/pacs", "token_url": "https://idp.example.org/token",
            "url": "https://gateway:p3@pacs.example.org/dicom-web",
            "headers": { "Authorization": "Basic p4" }, "list": [{ "token": "p5" }],
        });
        let Value::Object(settings) = settings else { panic!("is an object") };
        let peer = Peer { name: PeerName::parse("pacs").expect("valid"), settings };
        let shown = format!("{peer:?} {}", Value::from(peer.redacted()));
        for secret in ["p1", "p2", "p3", "p4", "p5"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(shown.contains("/run/secrets/pacs") && shown.contains("https://idp.example.org/token"));
    }

    #[test]
    fn a_variable_of_a_peer_is_read_as_toml_where_it_can_be() {
        for (key, text, value) in [
            ("port", "4242", json!(4242)),
            ("tls", "true", json!(true)),
            ("user", "\"4242\"", json!("4242")),
            ("password", "4242", json!("4242")),
            ("host", "pacs.example.org", json!("pacs.example.org")),
            ("formats", "[\"pdf\"]", json!(["pdf"])),
        ] {
            assert_eq!(loose_to_json(key, text), value, "{key}");
        }
    }
}
