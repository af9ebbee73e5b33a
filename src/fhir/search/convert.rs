//! From an element to the values that a parameter of some type finds it by. What an element is follows from its
//! shape: the types that a parameter may meet differ in their members. R4 search.html#ptypes gives the tables.

use super::definitions::ParamType;
use super::expression::Item;
use super::text::fold;
use super::value::IndexValue;
use crate::fhir::Json;
use crate::fhir::reference::Target;
use crate::fhir::temporal::Range;

/// Adds the values of `item` for a parameter of `param_type`; nothing if the element cannot be compared that way, as
/// an age cannot be compared with a date.
pub(super) fn values(param_type: ParamType, base: Option<&str>, item: Item<'_>, out: &mut Vec<IndexValue>) {
    let Some(value) = item.json() else {
        if let (ParamType::Token, Item::Bool(flag)) = (param_type, item) {
            out.push(code(if flag { "true" } else { "false" }));
        }
        return;
    };
    match param_type {
        ParamType::Token => token(value, out),
        ParamType::String => string(value, out),
        ParamType::Reference => reference(value, base, out),
        ParamType::Date => out.extend(date(value)),
        ParamType::Number => {
            out.extend(bounds(value).map(|(low, high)| IndexValue::Number { low, high }));
        }
        ParamType::Quantity => out.extend(quantity(value)),
        ParamType::Uri => uri(value, out),
        ParamType::Composite | ParamType::Special => {}
    }
}

fn code(code: &str) -> IndexValue {
    IndexValue::Token { system: None, code: code.to_owned() }
}

/// R4 search.html#token.
fn token(value: &Json, out: &mut Vec<IndexValue>) {
    match value {
        Json::String(text) => out.push(code(text)),
        Json::Bool(flag) => out.push(code(if *flag { "true" } else { "false" })),
        Json::Number(text) => out.push(code(text)),
        Json::Object(object) => {
            let system = value.text_at(&["system"]);
            if object.get("coding").is_some() {
                value.items("coding").iter().for_each(|coding| token(coding, out));
                text(value.text_at(&["text"]), out);
            } else if let Some(found) = value.text_at(&["value"]) {
                if system.is_some_and(|system| CONTACT_SYSTEMS.contains(&system)) {
                    contact(value, found, out);
                } else {
                    identifier(value, found, out);
                }
            } else if object.get("reference").is_none() && !matches!(object.get("value"), Some(Json::Number(_))) {
                if let Some(code) = value.text_at(&["code"]) {
                    out.push(IndexValue::Token { system: system.map(str::to_owned), code: code.to_owned() });
                }
                text(value.text_at(&["display"]), out);
                text(value.text_at(&["text"]), out);
            }
        }
        Json::Null | Json::Array(_) => {}
    }
}

/// `http://hl7.org/fhir/contact-point-system`: what tells a ContactPoint from an Identifier, whose system is a URI.
const CONTACT_SYSTEMS: [&str; 7] = ["phone", "fax", "email", "pager", "url", "sms", "other"];

/// Both the kind of a contact and its use can stand where other tokens have their system.
fn contact(contact: &Json, value: &str, out: &mut Vec<IndexValue>) {
    for member in ["system", "use"] {
        if let Some(system) = contact.text_at(&[member]) {
            out.push(IndexValue::Token { system: Some(system.to_owned()), code: value.to_owned() });
        }
    }
}

fn identifier(identifier: &Json, value: &str, out: &mut Vec<IndexValue>) {
    let system = identifier.text_at(&["system"]).map(str::to_owned);
    out.push(IndexValue::Token { system, code: value.to_owned() });
    text(identifier.text_at(&["type", "text"]), out);
    for coding in identifier.get("type").map(|kind| kind.items("coding")).unwrap_or_default() {
        if let Some(code) = coding.text_at(&["code"]) {
            out.push(IndexValue::OfType {
                system: coding.text_at(&["system"]).map(str::to_owned),
                code: code.to_owned(),
                value: value.to_owned(),
            });
        }
    }
}

fn text(text: Option<&str>, out: &mut Vec<IndexValue>) {
    out.extend(text.map(fold).filter(|folded| !folded.is_empty()).map(IndexValue::TokenText));
}

/// The text, or every part of a name or an address. R4 search.html#string.
fn string(value: &Json, out: &mut Vec<IndexValue>) {
    let mut one = |part: &Json| {
        let exact = part.as_str().filter(|text| !text.is_empty());
        out.extend(exact.map(|exact| IndexValue::String { folded: fold(exact), exact: exact.to_owned() }));
    };
    one(value);
    for name in TEXT_PARTS {
        match value.get(name) {
            Some(Json::Array(parts)) => parts.iter().for_each(&mut one),
            Some(part) => one(part),
            None => {}
        }
    }
}

/// Of HumanName: text, family, given, prefix, suffix. Of Address: the rest and text.
const TEXT_PARTS: [&str; 11] =
    ["text", "family", "given", "prefix", "suffix", "line", "city", "district", "state", "postalCode", "country"];

/// R4 search.html#reference. References to contained resources are found through their container only.
fn reference(value: &Json, base: Option<&str>, out: &mut Vec<IndexValue>) {
    let literal = value
        .as_str()
        .or_else(|| value.text_at(&["reference"]))
        // An attachment that stands where a reference may: Consent.source[x].
        .or_else(|| value.text_at(&["url"]));
    out.extend(literal.filter(|text| !text.is_empty()).and_then(|text| target(text, base)));
    if let Some(found) = value.text_at(&["identifier", "value"]) {
        let system = value.text_at(&["identifier", "system"]).map(str::to_owned);
        out.push(IndexValue::Identifier { system, value: found.to_owned() });
    }
    // A resource inside a Bundle: Bundle.entry[0].resource.
    if let (Some(resource_type), Some(id)) = (value.text_at(&["resourceType"]), value.text_at(&["id"])) {
        out.push(IndexValue::Reference { resource_type: resource_type.to_owned(), id: id.to_owned(), version: None });
    }
}

/// What a reference or a canonical points at. `None` for what is contained and for what a transaction has yet to find.
pub(super) fn target(text: &str, base: Option<&str>) -> Option<IndexValue> {
    let here = |before: &str| base.is_some_and(|base| base.trim_end_matches('/') == before);
    let version = |version: Option<&str>| version.map(str::to_owned);
    match Target::parse(text) {
        Target::Contained(_) | Target::Conditional(..) => None,
        Target::Relative(literal) => Some(IndexValue::Reference {
            resource_type: literal.resource_type.to_owned(),
            id: literal.id.to_owned(),
            version: version(literal.version),
        }),
        Target::Absolute(before, literal) if here(before) => Some(IndexValue::Reference {
            resource_type: literal.resource_type.to_owned(),
            id: literal.id.to_owned(),
            version: version(literal.version),
        }),
        Target::Absolute(_, literal) => {
            let url = literal.version.and_then(|version| text.strip_suffix(version)?.strip_suffix("/_history/"));
            Some(IndexValue::Url { url: url.unwrap_or(text).to_owned(), version: version(literal.version) })
        }
        Target::Urn(text) | Target::Other(text) => {
            let (url, canonical_version) = text.split_once('|').map_or((text, None), |(url, rest)| (url, Some(rest)));
            Some(IndexValue::Url { url: url.to_owned(), version: version(canonical_version) })
        }
    }
}

/// R4 search.html#date: dates, times, periods, and of a Timing its outer limits.
fn date(value: &Json) -> Option<IndexValue> {
    let read = |value: Option<&Json>| value.and_then(Json::as_str).and_then(Range::parse);
    let as_value = |range: Range| IndexValue::Date { from: range.from.0, until: range.until.0 };
    if value.as_str().is_some() {
        return read(Some(value)).map(as_value);
    }
    let period = |value: &Json| {
        let (start, end) = (read(value.get("start")), read(value.get("end")));
        (start.is_some() || end.is_some()).then(|| Range::span(start, end))
    };
    let bounds = value.at(&["repeat", "boundsPeriod"]).and_then(period);
    let events = value.items("event").iter().filter_map(|event| read(Some(event)));
    period(value)
        .or_else(|| {
            events
                .chain(bounds)
                .reduce(|one, other| Range { from: one.from.min(other.from), until: one.until.max(other.until) })
        })
        // A period that ends before it starts stands for nothing that could be compared.
        .filter(|range| range.from < range.until)
        .map(as_value)
}

/// R4 search.html#quantity: Quantity and its kinds, Money, Range, and of SampledData its limits.
fn quantity(value: &Json) -> Option<IndexValue> {
    let (low, high) = bounds(value)?;
    let unit_of = ["low", "high", "origin"].into_iter().find_map(|name| value.get(name)).unwrap_or(value);
    let text = |name: &str| unit_of.text_at(&[name]).map(str::to_owned);
    let currency = text("currency");
    Some(IndexValue::Quantity {
        low,
        high,
        system: text("system").or_else(|| currency.as_ref().map(|_| CURRENCIES.to_owned())),
        code: text("code").or(currency),
        unit: text("unit"),
    })
}

/// The system of `Money.currency`.
const CURRENCIES: &str = "urn:iso:std:iso:4217";

/// The least and the greatest that a number, quantity or range may be.
fn bounds(value: &Json) -> Option<(f64, f64)> {
    let number = |value: Option<&Json>| value.and_then(Json::as_number).and_then(finite);
    if let Some(single) = number(Some(value)) {
        return Some((single, single));
    }
    if let Some(single) = number(value.get("value")) {
        return Some(match value.text_at(&["comparator"]) {
            Some("<") => (f64::NEG_INFINITY, single.next_down()),
            Some("<=") => (f64::NEG_INFINITY, single),
            Some(">=") => (single, f64::INFINITY),
            Some(">") => (single.next_up(), f64::INFINITY),
            _ => (single, single),
        });
    }
    let low = number(value.at(&["low", "value"])).or_else(|| number(value.get("lowerLimit")));
    let high = number(value.at(&["high", "value"])).or_else(|| number(value.get("upperLimit")));
    (low.is_some() || high.is_some()).then(|| (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY)))
}

/// The number, or the greatest there is if it is too great.
fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().map(|number| number.clamp(f64::MIN, f64::MAX))
}

/// R4 search.html#uri. A canonical with a version is found with and without it.
fn uri(value: &Json, out: &mut Vec<IndexValue>) {
    if let Some(text) = value.as_str() {
        out.push(IndexValue::Uri(text.to_owned()));
        if let Some((url, _)) = text.split_once('|') {
            out.push(IndexValue::Uri(url.to_owned()));
        }
    }
}
