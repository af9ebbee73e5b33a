//! The walk to every text of a resource that may be a link, beside the definitions of its types: R4 http.html#trules
//! names references, elements of type uri, url, oid and uuid, and links in narratives.

use crate::fhir::structure::path::Step;
use crate::fhir::structure::{Class, Member, Primitive, TypeDef, definitions};
use crate::fhir::{Json, Object};

use super::links::Role;

/// What is found on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// A text that may be a link as a whole.
    Text(Role),
    /// XHTML with links in it.
    Narrative,
}

/// Goes through a resource. `visit` gets each text that may be a link, and the steps to it from the resource; it says
/// whether it changed the text.
pub(super) fn walk(resource: &mut Json, visit: &mut dyn FnMut(&mut String, Slot, &[Step<'static>]) -> bool) {
    Walk { path: Vec::new(), visit }.resource(resource);
}

struct Walk<'v> {
    path: Vec<Step<'static>>,
    visit: &'v mut dyn FnMut(&mut String, Slot, &[Step<'static>]) -> bool,
}

impl Walk<'_> {
    fn resource(&mut self, resource: &mut Json) {
        let def = resource.text_at(&["resourceType"]).and_then(|name| definitions().resource(name));
        // A Bundle within the Bundle has full URLs of its own, and its references are relative to those.
        let Some(def) = def.filter(|def| def.name != "Bundle") else { return };
        if let Some(object) = resource.as_object_mut() {
            self.members(object, def);
        }
    }

    fn members(&mut self, object: &mut Object, def: &'static TypeDef) {
        let mut renamed: Vec<(String, String)> = Vec::new();
        for (key, value) in object.iter_mut() {
            let plain = key.strip_prefix('_');
            let Some(member) = def.member(plain.unwrap_or(key)) else { continue };
            let Some(of_type) = definitions().get(member.of_type) else { continue };
            let before = self.path.len();
            self.path.push(Step::Name(member.element.name));
            if member.element.is_choice {
                self.path.push(Step::OfType(of_type.name));
            }
            if plain.is_some() {
                if let Some(element) = definitions().find("Element") {
                    self.each(value, &mut |walk, item| walk.object(item, element));
                }
            } else if self.element(value, def, member, of_type) {
                renamed.extend(as_uri(key, member));
            }
            self.path.truncate(before);
        }
        if !renamed.is_empty() {
            rename(object, &renamed);
        }
    }

    /// One element with all its values. Says whether it does not have its type any more.
    fn element(&mut self, value: &mut Json, def: &TypeDef, member: Member<'static>, of_type: &'static TypeDef) -> bool {
        let mut is_other = false;
        match of_type.class {
            Class::Primitive(primitive) => {
                let is_reference = def.name == "Reference" && member.element.name == "reference";
                let slot = match primitive {
                    _ if is_reference => Slot::Text(Role::Reference),
                    Primitive::Url => Slot::Text(Role::Place),
                    Primitive::Uri | Primitive::Canonical | Primitive::Oid | Primitive::Uuid => Slot::Text(Role::Name),
                    Primitive::Xhtml => Slot::Narrative,
                    _ => return false,
                };
                self.each(value, &mut |walk, item| {
                    if let Json::String(text) = item {
                        let is_changed = (walk.visit)(text, slot, &walk.path);
                        is_other |= is_changed && matches!(primitive, Primitive::Oid | Primitive::Uuid);
                    }
                });
            }
            Class::Complex => self.each(value, &mut |walk, item| walk.object(item, of_type)),
            Class::Resource => self.each(value, &mut Walk::resource),
        }
        is_other
    }

    fn object(&mut self, value: &mut Json, def: &'static TypeDef) {
        if let Some(object) = value.as_object_mut() {
            self.members(object, def);
        }
    }

    fn each(&mut self, value: &mut Json, act: &mut dyn FnMut(&mut Self, &mut Json)) {
        let Json::Array(items) = value else { return act(self, value) };
        for (index, item) in items.iter_mut().enumerate() {
            self.path.push(Step::Index(index));
            act(self, item);
            self.path.pop();
        }
    }
}

/// The names of a choice of type oid or uuid that has become a relative URL, and of the uri that it is now. In R4 all
/// elements of these types are choices that may be a uri as well.
fn as_uri(key: &str, member: Member<'static>) -> Option<(String, String)> {
    member.element.is_choice.then(|| (key.to_owned(), format!("{}Uri", member.element.name)))
}

fn rename(object: &mut Object, renamed: &[(String, String)]) {
    let name = |key: &str| {
        let (mark, plain) = key.strip_prefix('_').map_or(("", key), |plain| ("_", plain));
        let new = renamed.iter().find(|(old, _)| old == plain).map(|(_, new)| format!("{mark}{new}"));
        new.unwrap_or_else(|| key.to_owned())
    };
    *object = object.iter().map(|(key, value)| (name(key), value.clone())).collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::JsonLimits;
    use crate::fhir::structure::path::expression;

    #[test]
    fn every_kind_of_link_is_found_and_nothing_else() {
        let text = r#"{"resourceType":"Observation","id":"urn:x","meta":{"profile":["urn:x"],"source":"urn:x"},
          "text":{"status":"additional","div":"<div>urn:x</div>"},
          "contained":[{"resourceType":"Patient","id":"c","managingOrganization":{"reference":"urn:x"}}],
          "extension":[{"url":"urn:x","valueUuid":"urn:x","_valueUuid":{"id":"a"}}],
          "identifier":[{"system":"urn:x","value":"urn:x"}],
          "status":"urn:x","code":{"text":"urn:x"},
          "subject":{"reference":"urn:x","display":"urn:x","type":"urn:x"},
          "_effectiveDateTime":{"extension":[{"url":"u","valueReference":{"reference":"urn:x"}}]},
          "performer":[{"display":"urn:x"},{"reference":"urn:x"}],
          "valueString":"urn:x","unknown":{"reference":"urn:x"}}"#;
        let mut resource = Json::parse(text.as_bytes(), &JsonLimits::default()).expect("valid");
        let mut found = Vec::new();
        walk(&mut resource, &mut |text, slot, path| {
            found.push(format!("{} {slot:?}", expression(path)));
            let is_link = text == "urn:x";
            if is_link {
                *text = "Patient/1".to_owned();
            }
            is_link
        });
        assert_eq!(
            found,
            [
                "meta.profile[0] Text(Name)",
                "meta.source Text(Name)",
                "text.div Narrative",
                "contained[0].managingOrganization.reference Text(Reference)",
                "extension[0].url Text(Name)",
                "extension[0].value.ofType(uuid) Text(Name)",
                "identifier[0].system Text(Name)",
                "subject.reference Text(Reference)",
                "subject.type Text(Name)",
                "effective.ofType(dateTime).extension[0].url Text(Name)",
                "effective.ofType(dateTime).extension[0].value.ofType(Reference).reference Text(Reference)",
                "performer[1].reference Text(Reference)",
            ]
        );
        let extension = &resource.items("extension")[0];
        assert_eq!(extension.text_at(&["valueUri"]), Some("Patient/1"));
        assert_eq!(extension.text_at(&["_valueUri", "id"]), Some("a"));
        assert_eq!(resource.text_at(&["valueString"]), Some("urn:x"));
        assert_eq!(resource.text_at(&["unknown", "reference"]), Some("urn:x"));
    }

    #[test]
    fn a_bundle_inside_keeps_its_own_links() {
        let text = r#"{"resourceType":"Bundle","type":"document","entry":[{"fullUrl":"urn:x",
          "resource":{"resourceType":"Patient","managingOrganization":{"reference":"urn:x"}}}]}"#;
        let mut resource = Json::parse(text.as_bytes(), &JsonLimits::default()).expect("valid");
        walk(&mut resource, &mut |_, _, _| panic!("nothing to see"));
    }
}
