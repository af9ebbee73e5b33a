//! What is said of whole data types: references, and codes with a system.

use crate::fhir::reference::{Literal, Target};
use crate::fhir::structure::path::Step;
use crate::fhir::structure::{CodeSet, IssueCode, Member, TypeDef};
use crate::fhir::{Json, Object, resource_type};

use super::Checker;

impl<'a> Checker<'a> {
    pub(super) fn datatype(&mut self, object: &'a Object, def: &'static TypeDef, member: Member<'static>) {
        if def.name == "Reference" {
            self.reference(object, &member.of_type.targets);
        }
        let Some(codes) = member.element.codes else { return };
        let is_in = match def.name {
            "Coding" | "Quantity" => coding_is_in(object, codes),
            "CodeableConcept" => {
                let mut codings = object.get("coding").and_then(Json::as_array).unwrap_or_default().iter();
                // One of the codings is enough. R4 terminologies.html#4.1.4.
                codings.any(|coding| coding.as_object().is_some_and(|coding| coding_is_in(coding, codes)))
            }
            _ => return,
        };
        // Without any code an extension may say why there is none.
        let is_explained =
            object.get("code").is_none() && object.get("coding").is_none() && object.get("extension").is_some();
        if !is_in && !is_explained {
            self.error(IssueCode::CodeInvalid, format!("there is no code of {}", codes.url));
        }
    }

    /// R4 references.html#literal.
    fn reference(&mut self, object: &'a Object, targets: &[&'static str]) {
        let named = object.get("type").and_then(Json::as_str).filter(|name| resource_type::is_known(name));
        if let Some(name) = named
            && !allowed(targets, name)
        {
            self.within(&[Step::Name("type")], |checker| {
                checker.error(IssueCode::Value, "the element does not refer to resources of this type");
            });
        }
        let Some(text) = object.get("reference").and_then(Json::as_str).filter(|text| !text.is_empty()) else { return };
        self.within(&[Step::Name("reference")], |checker| checker.literal(text, targets, named));
    }

    fn literal(&mut self, text: &'a str, targets: &[&'static str], named: Option<&str>) {
        let wrong_type = "the element does not refer to resources of this type";
        if text.contains(char::is_whitespace) {
            return self.error(IssueCode::Value, "a reference has no white space");
        }
        match Target::parse(text) {
            Target::Contained(id) => {
                let Some(container) = self.containers.last_mut() else { return };
                container.note(id);
                if id.is_empty() {
                    return;
                }
                match container.type_of(id) {
                    None => self.error(IssueCode::Invariant, "there is no contained resource with this id (ref-1)"),
                    Some(name) if !allowed(targets, name) => self.error(IssueCode::Value, wrong_type),
                    Some(_) => {}
                }
            }
            Target::Relative(Literal { resource_type, .. }) => {
                if !allowed(targets, resource_type) {
                    self.error(IssueCode::Value, wrong_type);
                }
                if named.is_some_and(|name| name != resource_type) {
                    self.error(IssueCode::Value, "the reference is to another type than its `type` says");
                }
            }
            // Not every address that ends like one is that of a resource.
            Target::Absolute(_, literal) => {
                if !allowed(targets, literal.resource_type) {
                    self.warning(IssueCode::Value, "the address looks like that of a resource of another type");
                }
            }
            Target::Conditional(name, _) => {
                if !self.conditional_references {
                    self.error(IssueCode::Value, "a conditional reference stands in a transaction only");
                } else if !allowed(targets, name) {
                    self.error(IssueCode::Value, wrong_type);
                }
            }
            Target::Urn(_) => {}
            Target::Other(text) => {
                if !has_scheme(text) {
                    self.error(IssueCode::Value, "the reference is neither `Type/id` nor an absolute URL");
                }
            }
        }
    }
}

fn coding_is_in(coding: &Object, codes: &CodeSet) -> bool {
    let text = |name| coding.get(name).and_then(Json::as_str);
    matches!((text("system"), text("code")), (Some(system), Some(code)) if codes.contains(system, code))
}

fn allowed(targets: &[&str], name: &str) -> bool {
    targets.is_empty() || targets.contains(&name)
}

/// RFC 3986 §3.1.
fn has_scheme(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        && !rest.is_empty()
}
