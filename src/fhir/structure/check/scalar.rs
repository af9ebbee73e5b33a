//! Primitive values: kind, format, length, code, and what an `xhtml` holds.

use crate::fhir::Json;
use crate::fhir::structure::{ElementDef, IssueCode, Primitive, narrative};

use super::Checker;

impl<'a> Checker<'a> {
    pub(super) fn primitive(&mut self, primitive: Primitive, element: &'static ElementDef, value: &'a Json) {
        if matches!(value, Json::Null) {
            return self.error(IssueCode::Structure, "null stands for nothing but a gap in a list");
        }
        if !primitive.takes(value) {
            let expected = match primitive {
                Primitive::Boolean => "the element is true or false",
                Primitive::Decimal | Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => {
                    "the element is a number"
                }
                _ => "the element is a string",
            };
            return self.error(IssueCode::Structure, expected);
        }
        let Some(text) = value.as_str().or_else(|| value.as_number()) else { return };
        if text.is_empty() {
            return self.error(IssueCode::Structure, "a string is not empty");
        }
        if primitive.max_bytes().is_some_and(|max| text.len() > max) {
            return self.error(IssueCode::TooLong, "the text is longer than 1 MB");
        }
        if !primitive.accepts(text) {
            return self.error(IssueCode::Value, format!("the value is not a valid {}", name(primitive)));
        }
        match primitive {
            Primitive::Xhtml => {
                if let Err(error) = narrative::check(text) {
                    self.error(IssueCode::Invalid, error.to_string());
                }
            }
            Primitive::String | Primitive::Markdown if text.trim().is_empty() => {
                self.warning(IssueCode::Value, "the text is nothing but white space");
            }
            Primitive::Uri | Primitive::Url | Primitive::Canonical => {
                if let (Some(id), Some(container)) = (text.strip_prefix('#'), self.containers.last_mut()) {
                    container.note(id);
                }
            }
            _ => {}
        }
        if let Some(codes) = element.codes
            && !codes.contains_code(text)
        {
            self.error(IssueCode::CodeInvalid, format!("the code is not in {}", codes.url));
        }
    }
}

fn name(primitive: Primitive) -> &'static str {
    match primitive {
        Primitive::Base64Binary => "base64Binary",
        Primitive::Boolean => "boolean",
        Primitive::Canonical => "canonical",
        Primitive::Code => "code",
        Primitive::Date => "date",
        Primitive::DateTime => "dateTime",
        Primitive::Decimal => "decimal",
        Primitive::Id => "id",
        Primitive::Instant => "instant",
        Primitive::Integer => "integer",
        Primitive::Markdown => "markdown",
        Primitive::Oid => "oid",
        Primitive::PositiveInt => "positiveInt",
        Primitive::String => "string",
        Primitive::Time => "time",
        Primitive::UnsignedInt => "unsignedInt",
        Primitive::Uri => "uri",
        Primitive::Url => "url",
        Primitive::Uuid => "uuid",
        Primitive::Xhtml => "xhtml",
    }
}
