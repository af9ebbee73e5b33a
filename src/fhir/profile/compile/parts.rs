//! Parts of an ElementDefinition: types, bindings, discriminators, contexts of extensions.

use std::collections::HashSet;

use crate::fhir::Json;
use crate::fhir::fhirpath::Expression;
use crate::fhir::profile::definition::{
    Binding, Context, Discriminator, DiscriminatorKind, PathStep, RefTarget, Strength, TypeRule,
};
use crate::fhir::profile::registry::base_type;
use crate::fhir::structure::{ElementDef, TypeDef, TypeRef, definitions};

/// `None` for the types of FHIRPath, which ids and URLs of extensions have.
pub(super) fn type_rule(json: &Json) -> Option<TypeRule> {
    let code = json.text_at(&["code"]).filter(|code| !code.contains("://"))?;
    let texts = |key: &str| json.items(key).iter().filter_map(Json::as_str).map(str::to_owned);
    let is_any = |target: &String| target == "http://hl7.org/fhir/StructureDefinition/Resource";
    let mut targets: Vec<String> = texts("targetProfile").collect();
    if targets.iter().any(is_any) {
        targets.clear();
    }
    let targets = targets.into_iter().map(|url| match base_type(&url) {
        Some(def) => RefTarget::Type(def.name.to_owned()),
        None => RefTarget::Profile(url),
    });
    // Profiles of R4 on its own types are in its table: SimpleQuantity.
    let profiles = texts("profile").filter(|url| {
        base_type(url).is_none() && !matches!(url.rsplit('/').next(), Some("SimpleQuantity" | "MoneyQuantity"))
    });
    Some(TypeRule { code: code.to_owned(), profiles: profiles.collect(), targets: targets.collect() })
}

pub(super) fn says_the_same(types: &[TypeRule], base: &ElementDef) -> bool {
    let same = |rule: &TypeRule, of_type: &TypeRef| {
        let Some(def) = definitions().get(of_type) else { return false };
        let targets: HashSet<&str> = of_type.targets.iter().copied().collect();
        let wanted: Option<HashSet<&str>> = rule
            .targets
            .iter()
            .map(|target| if let RefTarget::Type(name) = target { Some(name.as_str()) } else { None })
            .collect();
        (def.name == rule.code || is_nested(def, &rule.code)) && rule.profiles.is_empty() && wanted == Some(targets)
    };
    base.types.len() == types.len() && base.types.iter().all(|of_type| types.iter().any(|rule| same(rule, of_type)))
}

/// The table has types of their own for nested elements.
pub(in crate::fhir::profile) fn is_nested(def: &TypeDef, code: &str) -> bool {
    matches!(code, "BackboneElement" | "Element") && def.name.contains('.')
}

pub(super) fn bindings(json: &Json, base: Option<&ElementDef>) -> Vec<Binding> {
    let mut out = Vec::new();
    let strength = match json.text_at(&["strength"]) {
        Some("required") => Some(Strength::Required),
        Some("extensible") => Some(Strength::Extensible),
        _ => None,
    };
    let plain = |url: &str| url.split('|').next().unwrap_or_default().to_owned();
    if let (Some(strength), Some(value_set)) = (strength, json.text_at(&["valueSet"])) {
        let of_base = base.and_then(|base| base.codes).is_some_and(|codes| codes.url == plain(value_set));
        if !(of_base && strength == Strength::Required) {
            out.push(Binding { strength, value_set: value_set.to_owned() });
        }
    }
    let most = json.items("extension").iter().find(|extension| extension.text_at(&["url"]) == Some(MAX_VALUE_SET));
    let most = most.and_then(|most| most.text_at(&["valueCanonical"]).or_else(|| most.text_at(&["valueUri"])));
    if let Some(value_set) = most.filter(|_| strength != Some(Strength::Required)) {
        out.push(Binding { strength: Strength::Most, value_set: value_set.to_owned() });
    }
    out
}

pub(super) fn discriminator(json: &Json) -> Option<Discriminator> {
    let kind = match json.text_at(&["type"])? {
        "value" | "pattern" => DiscriminatorKind::Value,
        "exists" => DiscriminatorKind::Exists,
        "type" => DiscriminatorKind::Type,
        "profile" => DiscriminatorKind::Profile,
        _ => return None,
    };
    Some(Discriminator { kind, path: path_steps(json.text_at(&["path"])?)? })
}

/// `$this`, `code.coding`, `value.ofType(Quantity)`, `extension('url').value`, `resolve().code`.
fn path_steps(text: &str) -> Option<Vec<PathStep>> {
    let mut steps = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(['.', '(']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        rest = after;
        if let Some(inner) = rest.strip_prefix('(') {
            let (argument, after) = inner.split_once(')')?;
            let argument = argument.trim();
            let quoted = argument.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            steps.push(match (name, quoted) {
                ("resolve", None) if argument.is_empty() => PathStep::Resolve,
                ("ofType", None) => PathStep::OfType(argument.trim_start_matches("FHIR.").to_owned()),
                ("extension", Some(url)) => PathStep::Extension(url.to_owned()),
                _ => return None,
            });
            rest = after;
        } else if name != "$this" {
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return None;
            }
            steps.push(PathStep::Name(name.to_owned()));
        }
        rest = match rest.strip_prefix('.') {
            Some(after) if !after.is_empty() => after,
            Some(_) => return None,
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
    Some(steps)
}

pub(super) fn context(json: &Json) -> Context {
    let expression = json.text_at(&["expression"]).unwrap_or_default();
    match json.text_at(&["type"]) {
        Some("element") => {
            // A profile may stand before the path of its element.
            let path = expression.rsplit('#').next().unwrap_or_default();
            Context::Element(path.replace("[x]", ""))
        }
        Some("extension") => Context::Extension(expression.to_owned()),
        Some("fhirpath") => Expression::parse(expression).map_or(Context::Unknown, Context::Path),
        _ => Context::Unknown,
    }
}

const MAX_VALUE_SET: &str = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_discriminators_are_read() {
        let name = |text: &str| PathStep::Name(text.to_owned());
        assert_eq!(path_steps("$this"), Some(vec![]));
        assert_eq!(path_steps("code.coding"), Some(vec![name("code"), name("coding")]));
        assert_eq!(path_steps("$this.resolve()"), Some(vec![PathStep::Resolve]));
        assert_eq!(
            path_steps("extension('http://example.org/a.b').value.ofType(Quantity)"),
            Some(vec![
                PathStep::Extension("http://example.org/a.b".into()),
                name("value"),
                PathStep::OfType("Quantity".into())
            ])
        );
        for wrong in ["code.", "where(x = 1)", "code..coding", "code[0]", "extension(url)"] {
            assert_eq!(path_steps(wrong), None, "{wrong}");
        }
    }
}
