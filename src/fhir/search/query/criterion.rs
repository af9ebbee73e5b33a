//! Names of parameters: modifiers, chains, `_has`. R4 search.html#modifiers, search.html#chaining, search.html#has.

use std::sync::Arc;

use super::codes::{MOST_CODES, question};
use super::value::{self, Operand};
use super::{Branch, Criterion, Help, QueryContext, QueryError, Test, named};
use crate::fhir::resource_type;
use crate::fhir::search::compare::{Comparison, SystemMatch, TokenMatch};
use crate::fhir::search::definitions::{Definition, ParamType, Targets};
use crate::fhir::search::text;

/// What a name and a value come to.
pub(super) enum Read {
    Criterion(Criterion),
    /// It asks nothing.
    Blank,
    /// There is no such parameter.
    Unknown,
}

/// Reads criteria and counts what they ask for.
pub(super) struct Reader<'a> {
    context: QueryContext<'a>,
    help: Help<'a>,
    values_left: usize,
    codes_left: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(context: QueryContext<'a>, help: Help<'a>) -> Self {
        Self { context, help, values_left: context.limits.values, codes_left: MOST_CODES }
    }

    /// Reads one parameter of a search of `types`; none stands for all.
    pub(super) fn read(&mut self, types: &[String], name: &str, value: &str) -> Result<Read, QueryError> {
        let types: Vec<&str> = types.iter().map(String::as_str).collect();
        self.criterion(&types, name, value, 0)
    }

    fn criterion(&mut self, types: &[&str], name: &str, value: &str, depth: usize) -> Result<Read, QueryError> {
        if let Some(rest) = name.strip_prefix("_has:") {
            return self.has(types, name, rest, value, depth);
        }
        if NOT_SUPPORTED.contains(&name.split([':', '.']).next().unwrap_or_default()) {
            return Err(QueryError::NotSupported(named(name)));
        }
        let (head, chained) = match name.split_once('.') {
            Some((head, rest)) => (head, Some(rest)),
            None => (name, None),
        };
        let (code, modifier) = match head.split_once(':') {
            Some((code, modifier)) => (code, Some(modifier)),
            None => (head, None),
        };
        let Some(definition) = self.definition(types, code) else {
            return Ok(Read::Unknown);
        };
        if !definition.is_searchable() {
            return Err(QueryError::NotSupported(named(name)));
        }
        match chained {
            Some(rest) => self.chain(&definition, modifier, name, rest, value, depth),
            None => self.parameter(definition, modifier, name, value),
        }
    }

    /// The parameter of the only type, or one that all types have.
    fn definition(&self, types: &[&str], code: &str) -> Option<Arc<Definition>> {
        match types {
            [single] => self.context.registry.get(single, code).cloned(),
            _ => self.context.registry.common(code).cloned(),
        }
    }

    fn deeper(&self, name: &str, depth: usize) -> Result<usize, QueryError> {
        if depth < self.context.limits.depth { Ok(depth + 1) } else { Err(QueryError::Depth(named(name))) }
    }

    /// `reference.parameter`, `reference:Type.parameter`.
    fn chain(
        &mut self,
        definition: &Arc<Definition>,
        modifier: Option<&str>,
        name: &str,
        rest: &str,
        value: &str,
        depth: usize,
    ) -> Result<Read, QueryError> {
        let depth = self.deeper(name, depth)?;
        if definition.param_type != ParamType::Reference {
            return Err(QueryError::NotReference(named(name)));
        }
        let targets = match (modifier, &definition.targets) {
            (Some(named_type), targets) if resource_type::is_known(named_type) => {
                if !targets.allow(named_type) {
                    return Err(QueryError::NotReference(named(name)));
                }
                vec![named_type.to_owned()]
            }
            (Some(_), _) => return Err(QueryError::Modifier(named(name))),
            (None, Targets::Any) => return Err(QueryError::Ambiguous(named(name))),
            (None, Targets::Only(types)) => types.clone(),
        };
        // Without a type the chain goes through every target that has the parameter and can have the value.
        let (mut branches, mut blank, mut refused) = (Vec::new(), false, None);
        for target in targets {
            self.count(1)?;
            match self.criterion(&[&target], rest, value, depth) {
                Ok(Read::Criterion(criterion)) => branches.push(Branch { resource_type: target, criterion }),
                Ok(Read::Blank) => blank = true,
                Ok(Read::Unknown) => {}
                Err(error @ (QueryError::TooMany | QueryError::Depth(_) | QueryError::Codes { .. })) => {
                    return Err(error);
                }
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        match (branches.is_empty(), blank, refused) {
            (false, ..) => Ok(Read::Criterion(Criterion::Chain { definition: Arc::clone(definition), branches })),
            (true, true, _) => Ok(Read::Blank),
            (true, false, Some(error)) => Err(error),
            (true, false, None) => Err(QueryError::Unknown(named(name))),
        }
    }

    /// `_has:Type:reference:parameter`, where the parameter may be a chain or another `_has`.
    fn has(&mut self, types: &[&str], name: &str, rest: &str, value: &str, depth: usize) -> Result<Read, QueryError> {
        let depth = self.deeper(name, depth)?;
        let mut parts = rest.splitn(3, ':');
        let (Some(source), Some(code), Some(inner)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(QueryError::Unknown(named(name)));
        };
        let reference = self.context.registry.get(source, code).ok_or_else(|| QueryError::Unknown(named(name)))?;
        let leads_here = types.is_empty() || types.iter().any(|target| reference.targets.allow(target));
        if reference.param_type != ParamType::Reference || !leads_here {
            return Err(QueryError::NotReference(named(name)));
        }
        let reference = Arc::clone(reference);
        match self.criterion(&[source], inner, value, depth)? {
            Read::Criterion(criterion) => Ok(Read::Criterion(Criterion::Has {
                resource_type: source.to_owned(),
                reference,
                criterion: Box::new(criterion),
            })),
            Read::Blank => Ok(Read::Blank),
            Read::Unknown => Err(QueryError::Unknown(named(name))),
        }
    }

    /// A parameter of the resource itself, with its modifier. R4 search.html#modifiers.
    fn parameter(
        &mut self,
        definition: Arc<Definition>,
        modifier: Option<&str>,
        name: &str,
        value: &str,
    ) -> Result<Read, QueryError> {
        let operand = match (modifier, definition.param_type) {
            (Some("missing"), _) => {
                let missing = match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(QueryError::Value { name: named(name), reason: "true or false is expected" }),
                };
                self.count(1)?;
                return Ok(Read::Criterion(Criterion::Parameter { definition, test: Test::Missing(missing) }));
            }
            (Some(modifier @ ("in" | "not-in" | "above" | "below")), ParamType::Token) => {
                return self.coded(definition, modifier, name, value);
            }
            (None, _) | (Some("not"), ParamType::Token) => Operand::Plain,
            (Some("text"), ParamType::Token) => Operand::Text,
            (Some("of-type"), ParamType::Token) => Operand::OfType,
            (Some("exact"), ParamType::String) => Operand::Exact,
            (Some("contains"), ParamType::String) => Operand::Contains,
            (Some("identifier"), ParamType::Reference) => Operand::Identifier,
            (Some("below"), ParamType::Uri) => Operand::Below,
            (Some("above"), ParamType::Uri) => Operand::Above,
            (Some(target), ParamType::Reference) if resource_type::is_known(target) => {
                if !definition.targets.allow(target) {
                    return Err(QueryError::NotReference(named(name)));
                }
                Operand::Typed(target)
            }
            _ => return Err(QueryError::Modifier(named(name))),
        };
        let mut comparisons = Vec::new();
        for part in text::split(value, ',').into_iter().filter(|part| !part.trim().is_empty()) {
            self.count(1)?;
            let zone = self.help.zone_seconds;
            comparisons.push(value::comparison((self.context, zone), &definition, operand, name, part)?);
        }
        if comparisons.is_empty() {
            return Ok(Read::Blank);
        }
        let test = if modifier == Some("not") { Test::NoneOf(comparisons) } else { Test::Any(comparisons) };
        Ok(Read::Criterion(Criterion::Parameter { definition, test }))
    }

    /// `:in`, `:not-in`, `:above`, `:below`: a comparison for each code system of the codes that are meant. If there
    /// are no codes, nothing is one of them.
    fn coded(
        &mut self,
        definition: Arc<Definition>,
        modifier: &str,
        name: &str,
        value: &str,
    ) -> Result<Read, QueryError> {
        let known = self.help.codes.ok_or_else(|| QueryError::Modifier(named(name)))?;
        let (mut comparisons, mut is_blank) = (Vec::new(), true);
        for part in text::split(value, ',').into_iter().filter(|part| !part.trim().is_empty()) {
            self.count(1)?;
            is_blank = false;
            let question = question(&definition, modifier, name, part)?;
            let Some(answer) = known.get(&question) else {
                return Err(QueryError::Codes { name: named(name), question });
            };
            for (system, codes) in answer.iter().filter(|(_, codes)| !codes.is_empty()) {
                self.codes_left = self.codes_left.checked_sub(codes.len()).ok_or(QueryError::TooMany)?;
                let implied = definition.systems.contains(system);
                let system = if implied { SystemMatch::IsOrImplied } else { SystemMatch::Is }(system.clone());
                comparisons.push(Comparison::Token(TokenMatch { system, codes: codes.clone() }));
            }
        }
        if is_blank {
            return Ok(Read::Blank);
        }
        let test = if modifier == "not-in" { Test::NoneOf(comparisons) } else { Test::Any(comparisons) };
        Ok(Read::Criterion(Criterion::Parameter { definition, test }))
    }

    /// Counts what the database will have to look for: values, and branches of chains.
    fn count(&mut self, values: usize) -> Result<(), QueryError> {
        self.values_left = self.values_left.checked_sub(values).ok_or(QueryError::TooMany)?;
        Ok(())
    }
}

/// Parameters of R4 that select and that we do not have: to leave them out would answer with more than was asked
/// for, so they are refused even where handling is lenient.
const NOT_SUPPORTED: [&str; 6] = ["_text", "_content", "_filter", "_query", "_list", "_containedType"];
