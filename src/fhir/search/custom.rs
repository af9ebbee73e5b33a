//! Search parameters that an administrator adds: from a SearchParameter resource to definitions.
//! R4 searchparameter.html.

use super::definitions::{Component, Definition, DefinitionError, ParamType, Registry, Targets};
use super::expression::Program;
use crate::fhir::{Json, Object, resource_type};

/// The definitions of a SearchParameter, one for each of its bases, ready for [`Registry::insert`]. Components of a
/// composite are parameters of `registry`, named by their URLs.
///
/// What restricts a parameter to some comparators, modifiers or chains is not looked at: more is allowed than the
/// author foresaw, and none of it is wrong.
pub fn read(registry: &Registry, parameter: &Json) -> Result<Vec<Definition>, DefinitionError> {
    let text = |name: &'static str| parameter.text_at(&[name]).ok_or(DefinitionError::Element(name));
    let texts = |name: &'static str| parameter.items(name).iter().filter_map(Json::as_str);
    if parameter.text_at(&["resourceType"]) != Some("SearchParameter") {
        return Err(DefinitionError::Element("resourceType"));
    }
    let code = text("code")?;
    // The characters that have a meaning in the names of a request; `_` begins those of the standard.
    if code.is_empty() || code.starts_with('_') || code.contains([':', '.', '&', '=', ' ', ',']) {
        return Err(DefinitionError::Element("code"));
    }
    let param_type = ParamType::parse(text("type")?).ok_or(DefinitionError::Type)?;
    let program = Program::compile(text("expression")?)?;
    let url = text("url")?.to_owned();
    let targets: Vec<String> = texts("target").map(str::to_owned).collect();
    if let Some(unknown) = targets.iter().find(|name| *name != "Resource" && !resource_type::is_known(name)) {
        return Err(DefinitionError::Base(unknown.clone()));
    }
    let any =
        param_type == ParamType::Reference && (targets.is_empty() || targets.iter().any(|name| name == "Resource"));
    let targets = if any { Targets::Any } else { Targets::Only(targets) };
    let definitions = texts("base").map(|base| {
        let components = parameter.items("component").iter().map(|part| component(registry, base, part));
        let components = components.collect::<Result<Vec<_>, _>>()?;
        if (param_type == ParamType::Composite) != (components.len() >= 2) {
            return Err(DefinitionError::Element("component"));
        }
        Ok(Definition {
            base: base.to_owned(),
            code: code.to_owned(),
            param_type,
            targets: targets.clone(),
            systems: Vec::new(),
            url: url.clone(),
            components,
            program: program.clone(),
        })
    });
    let definitions = definitions.collect::<Result<Vec<_>, _>>()?;
    if definitions.is_empty() { Err(DefinitionError::Element("base")) } else { Ok(definitions) }
}

/// Whether a SearchParameter is to be searched by. R4 valueset-publication-status.html: a draft is not ready for use,
/// and a retired one is not used any more.
pub fn is_active(parameter: &Json) -> bool {
    parameter.text_at(&["status"]) == Some("active")
}

/// The bases of a SearchParameter.
pub fn bases(parameter: &Json) -> Vec<String> {
    parameter.items("base").iter().filter_map(Json::as_str).map(str::to_owned).collect()
}

/// Whether every tenant has what a SearchParameter defines: it is one of R4 or US Core itself, or says that it is
/// derived from one that has its name, as profiles publish them.
pub fn is_shipped(parameter: &Json) -> bool {
    let text = |name: &str| parameter.text_at(&[name]).map(|url| url.split('|').next().unwrap_or(url));
    let (Some(code), bases) = (text("code"), bases(parameter)) else { return false };
    let is_known = |base: &String| {
        let types = Registry::types_of_base(base);
        let known = types.first().and_then(|name| Registry::r4().get(name, code));
        known.is_some_and(|known| [text("url"), text("derivedFrom")].contains(&Some(known.url.as_str())))
    };
    !bases.is_empty() && bases.iter().all(is_known)
}

/// Those elements of a SearchParameter that [`read`] looks at.
pub fn essence(parameter: &Json) -> Json {
    let kept = ["resourceType", "url", "code", "base", "type", "expression", "target", "component"];
    let members = kept.iter().filter_map(|name| Some((name, parameter.get(name)?)));
    members.fold(Object::new(), |object, (name, value)| object.with(*name, value.clone())).into()
}

fn component(registry: &Registry, base: &str, part: &Json) -> Result<Component, DefinitionError> {
    let url = part.text_at(&["definition"]).ok_or(DefinitionError::Element("component.definition"))?;
    let unversioned = url.split('|').next().unwrap_or(url);
    let single = registry
        .of_type(base)
        .find(|known| known.url == unversioned && known.is_searchable() && known.param_type != ParamType::Composite)
        .ok_or_else(|| DefinitionError::Component(url.to_owned()))?;
    let expression = part.text_at(&["expression"]).ok_or(DefinitionError::Element("component.expression"))?;
    Ok(Component { code: single.code.clone(), param_type: single.param_type, program: Program::compile(expression)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::JsonLimits;
    use crate::fhir::search::{IndexValue, extract_with};

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes(), &JsonLimits::default()).expect("valid JSON")
    }

    #[test]
    fn an_added_parameter_is_indexed() {
        let mut registry = Registry::r4().clone();
        let parameter = json(
            r#"{"resourceType":"SearchParameter","url":"https://a.example/SearchParameter/mood","code":"mood",
            "base":["Patient","Person"],"type":"token","expression":"Patient.extension('u').value | Person.extension('u').value"}"#,
        );
        for definition in read(&registry, &parameter).expect("fine") {
            registry.insert(definition).expect("new");
        }
        let person = json(r#"{"resourceType":"Person","extension":[{"url":"u","valueCode":"good"}]}"#);
        let entries = extract_with(&registry, None, &person);
        let found = entries.iter().find(|entry| entry.definition.code == "mood").map(|entry| &entry.value);
        assert_eq!(found, Some(&IndexValue::Token { system: None, code: "good".to_owned() }));
    }

    #[test]
    fn composites_name_their_parts_by_url() {
        let composite = |definition: &str| {
            json(&format!(
                r#"{{"resourceType":"SearchParameter","url":"u","code":"c","base":["Observation"],"type":"composite",
                "expression":"Observation","component":[{{"definition":"{definition}","expression":"code"}},
                {{"definition":"http://hl7.org/fhir/SearchParameter/clinical-date|4.0.1","expression":"effective"}}]}}"#
            ))
        };
        let definitions = read(Registry::r4(), &composite("http://hl7.org/fhir/SearchParameter/clinical-code"));
        let codes: Vec<_> = definitions.expect("fine").remove(0).components.into_iter().map(|one| one.code).collect();
        assert_eq!(codes, ["code", "date"]);
        let unknown = read(Registry::r4(), &composite("http://a.example/x"));
        assert_eq!(unknown, Err(DefinitionError::Component("http://a.example/x".to_owned())));
    }

    #[test]
    fn what_is_incomplete_is_refused() {
        let whole = r#"{"resourceType":"SearchParameter","url":"u","code":"c","base":["Patient"],"type":"token","expression":"Patient.x"}"#;
        assert!(read(Registry::r4(), &json(whole)).is_ok());
        for (part, other) in [
            (r#""code":"c""#, r#""code":"a.b""#),
            (r#""code":"c""#, r#""code":"_c""#),
            (r#""url":"u","#, ""),
            (r#"["Patient"]"#, "[]"),
            (r#""token""#, r#""colour""#),
            (r#""token""#, r#""composite""#),
            ("Patient.x", "Patient.x.repeat()"),
            (r#""url""#, r#""target":["Dog"],"url""#),
        ] {
            assert!(read(Registry::r4(), &json(&whole.replace(part, other))).is_err(), "{other}");
        }
    }

    #[test]
    fn what_every_tenant_has_is_known_by_its_url() {
        let parameter = |url: &str, more: &str, base: &str, code: &str| {
            json(&format!(
                r#"{{"resourceType":"SearchParameter","url":"{url}",{more}"status":"active","code":"{code}","base":[{base}]}}"#
            ))
        };
        let gender = "http://hl7.org/fhir/SearchParameter/individual-gender";
        assert!(is_shipped(&parameter(gender, "", r#""Patient","Person""#, "gender")));
        let derived = format!(r#""derivedFrom":"{gender}|4.0.1","#);
        assert!(is_shipped(&parameter("https://a.example/gender", &derived, r#""Patient""#, "gender")));
        for other in [
            parameter("https://a.example/gender", "", r#""Patient""#, "gender"),
            parameter(gender, "", r#""Patient","Group""#, "gender"),
            parameter(gender, "", r#""Patient""#, "sex"),
            parameter(gender, "", "", "gender"),
        ] {
            assert!(!is_shipped(&other));
        }
        assert!(is_active(&parameter(gender, "", r#""Patient""#, "gender")));
        assert!(!is_active(&json(r#"{"status":"draft"}"#)) && !is_active(&json("{}")));
    }

    #[test]
    fn the_essence_means_the_same() {
        let whole = json(
            r#"{"resourceType":"SearchParameter","id":"x","meta":{"versionId":"3"},"url":"u","description":"d","code":"c",
            "base":["Patient"],"type":"token","expression":"Patient.x"}"#,
        );
        let essence = essence(&whole);
        assert_eq!(read(Registry::r4(), &essence), read(Registry::r4(), &whole));
        assert!(essence.get("description").is_none() && essence.get("meta").is_none());
    }
}
