//! Parameters that say what comes back and how, rather than what matches. R4 search.html#return.

use std::sync::Arc;

use super::{QueryContext, QueryError, SearchQuery, Unsupported, named};
use crate::fhir::resource_type;
use crate::fhir::search::definitions::{Definition, ParamType, Registry};

/// `_include` or `_revinclude`. R4 search.html#include.
#[derive(Debug, Clone, PartialEq)]
pub struct Include {
    /// Type of the resource that has the reference; `None` if any.
    pub source: Option<String>,
    /// The reference; `None` if any.
    pub reference: Option<Arc<Definition>>,
    /// Type of the resource that it leads to; `None` if any.
    pub target: Option<String>,
    /// Whether what is included is followed as well.
    pub iterate: bool,
}

/// A key of `_sort`. R4 search.html#sort.
#[derive(Debug, Clone, PartialEq)]
pub struct SortKey {
    /// The parameter.
    pub definition: Arc<Definition>,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// `_total`. R4 search.html#total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// None is wanted.
    None,
    /// A guess will do.
    Estimate,
    /// It has to be right.
    Accurate,
}

/// `_summary`. R4 search.html#summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Summary {
    /// The elements that the definition marks.
    True,
    /// Narrative, id, meta and what is mandatory.
    Text,
    /// All but the narrative.
    Data,
    /// The number of matches.
    Count,
    /// Everything.
    False,
}

/// Reads the parameter if it is one of these; says whether it was.
pub(super) fn read(
    query: &mut SearchQuery,
    context: QueryContext<'_>,
    name: &str,
    value: &str,
) -> Result<bool, QueryError> {
    let wrong = |reason| QueryError::Value { name: named(name), reason };
    let (code, modifier) = match name.split_once(':') {
        Some((code, modifier)) => (code, Some(modifier)),
        None => (name, None),
    };
    if !RESULT_PARAMETERS.contains(&code) {
        return Ok(false);
    }
    match (code, modifier) {
        ("_include" | "_revinclude", _) => {
            let include = include(context.registry, modifier, name, value)?;
            let list = if code == "_include" { &mut query.includes } else { &mut query.revincludes };
            if !list.contains(&include) {
                list.push(include);
            }
        }
        (_, Some(_)) => return Err(QueryError::Modifier(named(name))),
        ("_count", _) => {
            if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(wrong("a number of resources is expected"));
            }
            let count = value.parse::<u32>().unwrap_or(u32::MAX).min(context.limits.count);
            once(&mut query.count, count, name)?;
            if count == 0 {
                query.summary = Some(Summary::Count);
            }
        }
        ("_total", _) => {
            let total = match value {
                "none" => Total::None,
                "estimate" => Total::Estimate,
                "accurate" => Total::Accurate,
                _ => return Err(wrong("none, estimate or accurate is expected")),
            };
            once(&mut query.total, total, name)?;
        }
        ("_summary", _) => {
            let summary = match value {
                "true" => Summary::True,
                "text" => Summary::Text,
                "data" => Summary::Data,
                "count" => Summary::Count,
                "false" => Summary::False,
                _ => return Err(wrong("true, text, data, count or false is expected")),
            };
            // `_count=0` asks for the number alone, whatever else is said.
            if query.count != Some(0) {
                once(&mut query.summary, summary, name)?;
            }
        }
        ("_elements", _) => {
            for element in listed(value) {
                if !element.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                    return Err(wrong("names of elements are expected"));
                }
                if !query.elements.iter().any(|known| known == element) {
                    query.elements.push(element.to_owned());
                }
            }
        }
        ("_sort", _) => sort(query, context.registry, value),
        // Contained resources are found through their container only; that is what `false` says.
        ("_contained", _) if value != "false" => return Err(QueryError::NotSupported(named(name))),
        // Read before the others, because it says which parameters there are.
        _ => {
            return Ok(
                code != "_type" || query.resource_types.iter().any(|known| listed(value).any(|one| one == known))
            );
        }
    }
    Ok(true)
}

const RESULT_PARAMETERS: [&str; 9] =
    ["_include", "_revinclude", "_count", "_total", "_summary", "_elements", "_sort", "_contained", "_type"];

fn once<T: PartialEq>(slot: &mut Option<T>, value: T, name: &str) -> Result<(), QueryError> {
    if slot.as_ref().is_some_and(|known| *known != value) {
        return Err(QueryError::Twice(named(name)));
    }
    *slot = Some(value);
    Ok(())
}

fn listed(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// `_type` of a search of the whole system. R4 http.html#search, search.html#all.
pub(super) fn types(
    query: &mut SearchQuery,
    registry: &Registry,
    pairs: &[(String, String)],
) -> Result<(), QueryError> {
    for (_, value) in pairs.iter().filter(|(name, _)| name == "_type") {
        for name in listed(value) {
            if !resource_type::is_known(name) || registry.get(name, "_id").is_none() {
                return Err(QueryError::Unknown("_type".to_owned()));
            }
            if !query.resource_types.iter().any(|known| known == name) {
                query.resource_types.push(name.to_owned());
            }
        }
    }
    Ok(())
}

fn sort(query: &mut SearchQuery, registry: &Registry, value: &str) {
    for key in listed(value) {
        let (code, descending) = match key.strip_prefix('-') {
            Some(code) => (code, true),
            None => (key, false),
        };
        let definition = match query.resource_types.as_slice() {
            [single] => registry.get(single, code),
            _ => registry.common(code),
        };
        match definition.filter(|one| one.is_searchable() && one.param_type != ParamType::Composite) {
            Some(definition) => query.sort.push(SortKey { definition: Arc::clone(definition), descending }),
            None => query.unsupported.push(Unsupported::Sort(named(code))),
        }
    }
}

/// `*`, `Type:*`, `Type:parameter`, `Type:parameter:Target`.
fn include(registry: &Registry, modifier: Option<&str>, name: &str, value: &str) -> Result<Include, QueryError> {
    let iterate = match modifier {
        None => false,
        // `recurse` is what it was called before R4.
        Some("iterate" | "recurse") => true,
        Some(_) => return Err(QueryError::Modifier(named(name))),
    };
    let unknown = || QueryError::Unknown(named(name));
    let known = |name: &&str| resource_type::is_known(name);
    let mut parts = value.trim().split(':');
    let (source, code, target) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let target = match target {
        Some(target) => Some(Some(target).filter(known).ok_or_else(unknown)?),
        None => None,
    };
    let code = match (source, code) {
        (_, None | Some("")) if source != "*" => return Err(unknown()),
        (_, code) => code.filter(|code| *code != "*"),
    };
    if parts.next().is_some() || !(source == "*" && code.is_none() || resource_type::is_known(source)) {
        return Err(unknown());
    }
    let reference = match code {
        Some(code) => Some(registry.get(source, code).ok_or_else(unknown)?),
        None => None,
    };
    if let Some(definition) = reference
        && (definition.param_type != ParamType::Reference
            || target.is_some_and(|target| !definition.targets.allow(target)))
    {
        return Err(QueryError::NotReference(named(name)));
    }
    Ok(Include {
        source: Some(source).filter(|source| *source != "*").map(str::to_owned),
        reference: reference.cloned(),
        target: target.map(str::to_owned),
        iterate,
    })
}
