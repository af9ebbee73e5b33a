//! Values of parameters, by type. R4 search.html#ptypes, search.html#prefix, search.html#escaping.

use super::{QueryContext, QueryError, named};
use crate::base::Timestamp;
use crate::fhir::search::compare::{
    Comparison, DateMatch, NumberMatch, Prefix, QuantityMatch, ReferenceMatch, StringMatch, SystemMatch, TokenMatch,
    UnitMatch, UriMatch,
};
use crate::fhir::search::convert;
use crate::fhir::search::definitions::{Definition, ParamType, Targets};
use crate::fhir::search::text::{fold, split, unescape};
use crate::fhir::search::value::{IndexValue, Precise};
use crate::fhir::temporal::Range;

/// How the modifier of the parameter has its value read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand<'a> {
    Plain,
    Text,
    OfType,
    Exact,
    Contains,
    Identifier,
    Below,
    Above,
    /// The type of the target.
    Typed(&'a str),
}

/// What one value says. `text` keeps its escapes and is not blank.
pub(super) fn comparison(
    (context, zone_seconds): (QueryContext<'_>, i32),
    definition: &Definition,
    operand: Operand<'_>,
    name: &str,
    text: &str,
) -> Result<Comparison, QueryError> {
    let value = Value { context, zone_seconds, name, text };
    let of_study = definition.base == "ImagingStudy";
    match (operand, definition.param_type) {
        (Operand::Text, _) => Ok(Comparison::TokenText(value.folded()?)),
        (Operand::OfType, _) => value.of_type(),
        (Operand::Identifier, _) => Ok(Comparison::Identifier(value.token(&[], false)?)),
        (Operand::Exact, _) => Ok(Comparison::String(StringMatch::Exact(unescape(text)))),
        (Operand::Contains, _) => Ok(Comparison::String(StringMatch::Contains(value.folded()?))),
        (Operand::Below, _) => Ok(Comparison::Uri(UriMatch::Below(unescape(text)))),
        (Operand::Above, _) => Ok(Comparison::Uri(UriMatch::Above(unescape(text)))),
        (Operand::Typed(target), _) => value.reference(&definition.targets, Some(target)),
        (Operand::Plain, ParamType::Composite) => {
            let parts = split(text, '$');
            if parts.len() != definition.components.len() {
                return Err(value.wrong("as many values as components are expected"));
            }
            let components = parts.into_iter().zip(&definition.components).map(|(part, component)| {
                // Dates of composites stand in columns of numbers, where days and instants cannot be told apart.
                let value = Value { context, zone_seconds: 0, name, text: part };
                if part.trim().is_empty() {
                    return Err(value.wrong("a component is blank"));
                }
                let single = context.registry.get(&definition.base, &component.code);
                let systems = single.map(|single| single.systems.as_slice()).unwrap_or_default();
                value.plain(component.param_type, systems, &Targets::Any, of_study)
            });
            components.collect::<Result<_, _>>().map(Comparison::Composite)
        }
        (Operand::Plain, param_type) => value.plain(param_type, &definition.systems, &definition.targets, of_study),
    }
}

struct Value<'v> {
    context: QueryContext<'v>,
    /// Of dates and times that name no zone, east of UTC.
    zone_seconds: i32,
    name: &'v str,
    text: &'v str,
}

impl Value<'_> {
    fn wrong(&self, reason: &'static str) -> QueryError {
        QueryError::Value { name: named(self.name), reason }
    }

    fn plain(
        &self,
        param_type: ParamType,
        systems: &[String],
        targets: &Targets,
        of_study: bool,
    ) -> Result<Comparison, QueryError> {
        match param_type {
            ParamType::Token => self.token(systems, of_study).map(Comparison::Token),
            ParamType::String => Ok(Comparison::String(StringMatch::Starts(self.folded()?))),
            ParamType::Reference => self.reference(targets, None),
            ParamType::Date => self.date(),
            ParamType::Number => self.number(self.text).map(Comparison::Number),
            ParamType::Quantity => self.quantity(),
            ParamType::Uri => Ok(Comparison::Uri(UriMatch::Is(unescape(self.text)))),
            ParamType::Composite | ParamType::Special => Err(QueryError::NotSupported(named(self.name))),
        }
    }

    fn folded(&self) -> Result<String, QueryError> {
        let folded = fold(&unescape(self.text));
        // Accents alone fold to nothing, and everything begins with that.
        if folded.is_empty() { Err(self.wrong("there is no letter")) } else { Ok(folded) }
    }

    /// `code`, `system|code`, `|code`, `system|`. R4 search.html#token.
    fn token(&self, systems: &[String], of_study: bool) -> Result<TokenMatch, QueryError> {
        let (system, code) = match split(self.text, '|')[..] {
            [code] => (SystemMatch::Any, unescape(code)),
            ["", ""] => return Err(self.wrong("system and code are blank")),
            ["", code] => (SystemMatch::Absent, unescape(code)),
            [system, code] => {
                let system = unescape(system);
                if systems.contains(&system) {
                    (SystemMatch::IsOrImplied(system), unescape(code))
                } else {
                    (SystemMatch::Is(system), unescape(code))
                }
            }
            _ => return Err(self.wrong("system|code is expected")),
        };
        let dicom = system == SystemMatch::Is(DICOM_UIDS.to_owned()) || (system == SystemMatch::Any && of_study);
        let other_form = if dicom { other_uid_form(&code) } else { None };
        let codes = Some(code).filter(|code| !code.is_empty()).into_iter().chain(other_form).collect();
        Ok(TokenMatch { system, codes })
    }

    /// `system|code|value`: all three. R4 search.html#modifiers.
    fn of_type(&self) -> Result<Comparison, QueryError> {
        match split(self.text, '|')[..] {
            [system, code, value] if ![system, code, value].contains(&"") => {
                Ok(Comparison::OfType { system: unescape(system), code: unescape(code), value: unescape(value) })
            }
            _ => Err(self.wrong("system|code|value is expected")),
        }
    }

    /// `id`, `Type/id`, `Type/id/_history/version`, an absolute or canonical URL, `url|version`.
    /// R4 search.html#reference.
    fn reference(&self, targets: &Targets, wanted: Option<&str>) -> Result<Comparison, QueryError> {
        let text = unescape(self.text);
        let found = match convert::target(&text, Some(self.context.base)) {
            Some(IndexValue::Reference { resource_type, id, version }) => {
                if wanted.is_some_and(|wanted| wanted != resource_type) {
                    return Err(self.wrong("modifier and value name different types"));
                }
                ReferenceMatch::Local { types: vec![resource_type], id, version }
            }
            Some(IndexValue::Url { .. }) if is_id(&text) => {
                let types = match (wanted, targets) {
                    (Some(wanted), _) => vec![wanted.to_owned()],
                    (None, Targets::Only(types)) => types.clone(),
                    (None, Targets::Any) => Vec::new(),
                };
                ReferenceMatch::Local { types, id: text, version: None }
            }
            Some(IndexValue::Url { url, version }) if url.contains(':') => ReferenceMatch::Url { url, version },
            _ => return Err(self.wrong("an id, Type/id or URL is expected")),
        };
        Ok(Comparison::Reference(found))
    }

    fn date(&self) -> Result<Comparison, QueryError> {
        let (prefix, text) = self.prefix(self.text)?;
        // The plus of an offset may have become a space on its way through a URL.
        let text = text.trim().replace(' ', "+");
        let range = Range::parse(&text).ok_or_else(|| self.wrong("a date or time is expected"))?;
        let has_zone = text.split_once('T').is_some_and(|(_, time)| time.contains(['Z', '+', '-']));
        let here = (self.zone_seconds != 0 && !has_zone).then(|| self.in_zone(range));
        let (range, instants) = match here {
            // What names a day or more means the same days where days are meant, and their hours here elsewhere.
            Some(here) if !text.contains('T') => (range, Some(here)),
            Some(here) => (here, None),
            None => (range, None),
        };
        let wide = |range| if prefix == Prefix::Ap { self.widened(range) } else { range };
        Ok(Comparison::Date(DateMatch { prefix, range: wide(range), instants: instants.map(wide) }))
    }

    /// What was read as if it were UTC.
    fn in_zone(&self, range: Range) -> Range {
        let east = i64::from(self.zone_seconds).saturating_mul(1_000_000);
        Range {
            from: Timestamp(range.from.0.saturating_sub(east)),
            until: Timestamp(range.until.0.saturating_sub(east)),
        }
    }

    /// By ten percent of the distance from now. R4 search.html#prefix.
    fn widened(&self, range: Range) -> Range {
        let now = self.context.now.0;
        let distance = |edge: Timestamp| now.saturating_sub(edge.0).saturating_abs();
        let margin = distance(range.from).min(distance(range.until)) / 10;
        Range {
            from: Timestamp(range.from.0.saturating_sub(margin)),
            until: Timestamp(range.until.0.saturating_add(margin)),
        }
    }

    fn number(&self, text: &str) -> Result<NumberMatch, QueryError> {
        let (prefix, text) = self.prefix(text)?;
        let number = Precise::parse(text.trim()).ok_or_else(|| self.wrong("a number is expected"))?;
        Ok(NumberMatch { prefix, number })
    }

    /// `number`, `number|system|code`, `number||unit`. R4 search.html#quantity.
    fn quantity(&self) -> Result<Comparison, QueryError> {
        let (number, unit) = match split(self.text, '|')[..] {
            [number] | [number, "", ""] => (number, UnitMatch::Any),
            [number, "", unit] => (number, UnitMatch::Named(unescape(unit))),
            [number, system, ""] => (number, UnitMatch::Coded { system: unescape(system), code: None }),
            [number, system, code] => {
                (number, UnitMatch::Coded { system: unescape(system), code: Some(unescape(code)) })
            }
            _ => return Err(self.wrong("number|system|code is expected")),
        };
        Ok(Comparison::Quantity(QuantityMatch { number: self.number(number)?, unit }))
    }

    /// Takes the prefix off. R4 search.html#prefix.
    fn prefix<'t>(&self, text: &'t str) -> Result<(Prefix, &'t str), QueryError> {
        let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (code, rest) = text.split_at_checked(letters).unwrap_or(("", text));
        match PREFIXES.iter().find(|(known, _)| *known == code) {
            Some((_, prefix)) => Ok((*prefix, rest)),
            None if code.is_empty() => Ok((Prefix::Eq, text)),
            None => Err(QueryError::Prefix(named(self.name))),
        }
    }
}

const PREFIXES: [(&str, Prefix); 9] = [
    ("eq", Prefix::Eq),
    ("ne", Prefix::Ne),
    ("gt", Prefix::Gt),
    ("lt", Prefix::Lt),
    ("ge", Prefix::Ge),
    ("le", Prefix::Le),
    ("sa", Prefix::Sa),
    ("eb", Prefix::Eb),
    ("ap", Prefix::Ap),
];

/// The system of DICOM unique identifiers, whose values FHIR writes as `urn:oid:…`. R4 imagingstudy.html#notes.
const DICOM_UIDS: &str = "urn:dicom:uid";

/// A UID with `urn:oid:` if it has none, without it if it has: clients use both.
fn other_uid_form(code: &str) -> Option<String> {
    let uid = code.strip_prefix("urn:oid:").unwrap_or(code);
    let shaped = uid.contains('.') && uid.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    shaped.then(|| if uid.len() < code.len() { uid.to_owned() } else { format!("urn:oid:{uid}") })
}

/// R4 datatypes.html#id.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}
