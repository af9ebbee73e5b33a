//! The parameters of an operation, from a query and a Parameters resource. R4 operations.html#executing.
//!
//! Each is taken once by the operation that knows it; what nobody has taken in the end is refused by name.

use crate::base::{ProblemCode, Problems};
use crate::fhir::search::text::escape;
use crate::fhir::temporal::Range;
use crate::fhir::{Json, Object};

/// Parameters that wait to be taken, and what is wrong with those that were.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    items: Vec<(String, Value)>,
    problems: Problems,
}

#[derive(Debug, Clone)]
enum Value {
    /// From a query.
    Text(String),
    /// From a Parameters resource: the name of the element, `valueUri`, and its value.
    Element(String, Json),
    /// A resource within a Parameters resource, or the body itself.
    Resource(Json),
}

/// A Coding as far as it is looked at. R4 datatypes.html#Coding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coding {
    /// Code system.
    pub system: Option<String>,
    /// Version of the code system.
    pub version: Option<String>,
    /// Code.
    pub code: Option<String>,
    /// What people were shown.
    pub display: Option<String>,
}

impl Inputs {
    /// Parameters of a query and of a body. `whole` names the parameter that a body of some resource type
    /// stands for: `("ValueSet", "valueSet")`. Parameters of every interaction (`_format`, `_pretty`) are
    /// not among them.
    pub fn read(
        query: impl IntoIterator<Item = (String, String)>,
        body: Option<&Json>,
        whole: Option<(&str, &str)>,
    ) -> Result<Self, Problems> {
        let common = |name: &str| matches!(name, "_format" | "_pretty");
        let of_query = query.into_iter().filter(|(name, _)| !common(name));
        let mut inputs =
            Self { items: of_query.map(|(name, text)| (name, Value::Text(text))).collect(), problems: Problems::new() };
        let Some(body) = body else { return Ok(inputs) };
        let kind = body.text_at(&["resourceType"]);
        match (kind, whole) {
            (Some("Parameters"), _) => inputs.add_parameters(body),
            (Some(kind), Some((of_kind, name))) if kind == of_kind => {
                inputs.items.push((name.to_owned(), Value::Resource(body.clone())));
            }
            _ => inputs.problems.add("", ProblemCode::Structure, "the body is not a Parameters resource"),
        }
        if inputs.problems.is_empty() { Ok(inputs) } else { Err(inputs.problems) }
    }

    fn add_parameters(&mut self, body: &Json) {
        for (at, item) in body.items("parameter").iter().enumerate() {
            let path = format!("Parameters.parameter[{at}]");
            let Some(name) = item.text_at(&["name"]) else {
                self.problems.add(path, ProblemCode::Required, "a parameter has a name");
                continue;
            };
            let members = item.as_object().into_iter().flat_map(Object::iter);
            let mut values = members.filter(|(key, _)| !matches!(*key, "id" | "name"));
            let value = match (values.next(), values.next()) {
                (Some(("resource", resource)), None) => Value::Resource(resource.clone()),
                (Some((key, value)), None) if key.starts_with("value") => Value::Element(key.to_owned(), value.clone()),
                _ => {
                    self.problems.add(path, ProblemCode::Structure, "a parameter has one value or one resource");
                    continue;
                }
            };
            self.items.push((name.to_owned(), value));
        }
    }

    /// Notes that something is wrong with a parameter.
    pub fn refuse(&mut self, name: &str, code: ProblemCode, detail: impl Into<String>) {
        self.problems.add(name, code, detail);
    }

    /// Whether a parameter is there and was not taken yet.
    pub fn has(&self, name: &str) -> bool {
        self.items.iter().any(|(each, _)| each == name)
    }

    /// Drops a parameter that was refused.
    pub(super) fn forget(&mut self, name: &str) {
        self.take(name);
    }

    /// A text: string, uri, canonical or code.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let value = self.one(name)?;
        self.as_text(name, value)
    }

    /// Texts of a parameter that repeats.
    pub fn texts(&mut self, name: &str) -> Vec<String> {
        let values = self.take(name);
        if values.len() > MOST_REPEATS {
            self.problems.add(name, ProblemCode::TooLong, "comes too often");
            return Vec::new();
        }
        values.into_iter().filter_map(|value| self.as_text(name, value)).collect()
    }

    /// A date, a dateTime or an instant: its text and what it stands for. In a query a plus sign is a space.
    pub fn time(&mut self, name: &str) -> Option<(String, Range)> {
        let text = match self.one(name)? {
            Value::Text(text) => Some(text.replace(' ', "+")),
            Value::Element(key, Json::String(text)) if TIMES.contains(&key.as_str()) => Some(text),
            _ => None,
        };
        let time = text.and_then(|text| Some((Range::parse(&text)?, text)));
        self.expect(name, time.map(|(range, text)| (text, range)), "is a date or a time")
    }

    /// Values as a search takes them, each perhaps a list: texts as they are, a Coding as `system|code`.
    pub fn tokens(&mut self, name: &str) -> Vec<String> {
        let values = self.take(name);
        if values.len() > MOST_REPEATS {
            self.problems.add(name, ProblemCode::TooLong, "comes too often");
            return Vec::new();
        }
        let token = |inputs: &mut Self, value| match value {
            Value::Element(key, coding @ Json::Object(_)) if key == "valueCoding" => {
                let Coding { system, code, .. } = Coding::of_json(&coding);
                let (system, code) = (system.unwrap_or_default(), code.unwrap_or_default());
                let token = (!code.is_empty() || !system.is_empty()).then(|| match system.as_str() {
                    "" => escape(&code),
                    system => format!("{}|{}", escape(system), escape(&code)),
                });
                inputs.expect(name, token, "has a code or a system")
            }
            value => inputs.as_text(name, value),
        };
        values.into_iter().filter_map(|value| token(self, value)).collect()
    }

    /// Everything that nobody has taken, as the parameters of a search.
    pub fn rest(&mut self) -> Vec<(String, String)> {
        let mut names: Vec<String> = Vec::new();
        for (name, _) in &self.items {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let mut rest = Vec::new();
        for name in names {
            rest.extend(self.tokens(&name).into_iter().map(|value| (name.clone(), value)));
        }
        rest
    }

    /// A complex value by the name of its element, `valueMeta`. It comes in a body only.
    pub fn element(&mut self, name: &str, key: &str) -> Option<Json> {
        let element = match self.one(name)? {
            Value::Element(of, value @ Json::Object(_)) if of == key => Some(value),
            _ => None,
        };
        self.expect(name, element, format!("is a {key} in the body of a POST"))
    }

    /// A truth value.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        let flag = match self.one(name)? {
            Value::Text(text) => text.parse().ok(),
            Value::Element(key, Json::Bool(value)) if key == "valueBoolean" => Some(value),
            _ => None,
        };
        self.expect(name, flag, "is true or false")
    }

    /// A number that is not negative.
    pub fn number(&mut self, name: &str) -> Option<usize> {
        let number = match self.one(name)? {
            Value::Text(text) => text.parse::<u32>().ok(),
            Value::Element(key, Json::Number(text)) if NUMBERS.contains(&key.as_str()) => text.parse().ok(),
            _ => None,
        };
        let number = number.and_then(|number| usize::try_from(number).ok());
        self.expect(name, number, "is an integer that is not negative")
    }

    /// A language. RFC 5646 §2.1, by its letters only.
    pub fn language(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        let is_tag = text.len() <= 35 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        self.expect(name, is_tag.then_some(text), "is the tag of one language")
    }

    /// A Coding. It comes in a body only.
    pub fn coding(&mut self, name: &str) -> Option<Coding> {
        let coding = match self.one(name)? {
            Value::Element(key, value @ Json::Object(_)) if key == "valueCoding" => Some(Coding::of_json(&value)),
            _ => None,
        };
        self.expect(name, coding, "is a Coding in the body of a POST")
    }

    /// The codings of a CodeableConcept. It comes in a body only.
    pub fn concept(&mut self, name: &str) -> Option<Vec<Coding>> {
        let codings = match self.one(name)? {
            Value::Element(key, value @ Json::Object(_)) if key == "valueCodeableConcept" => {
                Some(value.items("coding").iter().map(Coding::of_json).collect())
            }
            _ => None,
        };
        self.expect(name, codings, "is a CodeableConcept in the body of a POST")
    }

    /// A resource. It comes in a body only.
    pub fn resource(&mut self, name: &str, resource_type: &str) -> Option<Json> {
        let resource = match self.one(name)? {
            Value::Resource(resource) if resource.text_at(&["resourceType"]) == Some(resource_type) => Some(resource),
            _ => None,
        };
        self.expect(name, resource, format!("is a {resource_type} in the body of a POST"))
    }

    /// `value`, if nothing is wrong and nothing is left that nobody knows.
    pub fn finish<T>(mut self, value: Option<T>) -> Result<T, Problems> {
        for (name, _) in std::mem::take(&mut self.items) {
            let shown: String = name.chars().take(LONGEST_NAME).collect();
            self.problems.add(shown, ProblemCode::Unsupported, "the parameter is not supported here");
        }
        match value {
            Some(value) => self.problems.into_result(value),
            None if self.problems.is_empty() => Err(Problems::one("", ProblemCode::Required, "a parameter is missing")),
            None => Err(self.problems),
        }
    }

    fn as_text(&mut self, name: &str, value: Value) -> Option<String> {
        let text = match value {
            Value::Text(text) => Some(text),
            Value::Element(key, Json::String(text)) if TEXTS.contains(&key.as_str()) => Some(text),
            _ => None,
        };
        self.expect(name, text.filter(|text| !text.is_empty()), "is a text")
    }

    fn expect<T>(&mut self, name: &str, value: Option<T>, detail: impl Into<String>) -> Option<T> {
        if value.is_none() {
            self.problems.add(name, ProblemCode::Value, detail);
        }
        value
    }

    fn one(&mut self, name: &str) -> Option<Value> {
        let mut found = self.take(name);
        if found.len() > 1 {
            self.problems.add(name, ProblemCode::Duplicate, "comes once");
        }
        found.pop()
    }

    fn take(&mut self, name: &str) -> Vec<Value> {
        let (taken, left) = std::mem::take(&mut self.items).into_iter().partition(|(each, _)| each == name);
        self.items = left;
        let taken: Vec<(String, Value)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }
}

impl Coding {
    fn of_json(json: &Json) -> Self {
        let text = |key: &str| json.text_at(&[key]).map(ToOwned::to_owned);
        Self { system: text("system"), version: text("version"), code: text("code"), display: text("display") }
    }
}

const TEXTS: &[&str] = &["valueString", "valueUri", "valueUrl", "valueCanonical", "valueCode", "valueId"];
const TIMES: &[&str] = &["valueDate", "valueDateTime", "valueInstant"];
const NUMBERS: &[&str] = &["valueInteger", "valuePositiveInt", "valueUnsignedInt"];
/// How often a parameter may come that repeats.
const MOST_REPEATS: usize = 100;
/// How much is repeated of the name of a parameter that nobody knows.
const LONGEST_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::JsonLimits;

    fn of_body(text: &str) -> Result<Inputs, Problems> {
        let json = Json::parse(text.as_bytes(), &JsonLimits::default()).expect("is JSON");
        Inputs::read([], Some(&json), Some(("ValueSet", "valueSet")))
    }

    #[test]
    fn query_and_body_say_the_same() {
        let pairs = [("url", "urn:x"), ("count", "5"), ("activeOnly", "true"), ("_format", "json")];
        let query = pairs.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let body = r#"{"resourceType":"Parameters","parameter":[{"name":"url","valueUri":"urn:x"},
            {"name":"count","valueInteger":5},{"name":"activeOnly","valueBoolean":true}]}"#;
        for mut inputs in [Inputs::read(query, None, None).expect("is right"), of_body(body).expect("is right")] {
            assert_eq!(inputs.text("url").as_deref(), Some("urn:x"));
            assert_eq!((inputs.number("count"), inputs.flag("activeOnly")), (Some(5), Some(true)));
            assert_eq!((inputs.number("offset"), inputs.text("filter")), (None, None));
            inputs.finish(Some(())).expect("nothing is left");
        }
    }

    #[test]
    fn times_and_tokens_say_the_same_in_query_and_body() {
        let pairs = [("start", "2026-02-03T04:05:06 01:00"), ("type", "http://loinc.org|1-8,x"), ("code", "y")];
        let query = pairs.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let body = r#"{"resourceType":"Parameters","parameter":[{"name":"start","valueDateTime":"2026-02-03T04:05:06+01:00"},
            {"name":"type","valueCoding":{"system":"http://loinc.org","code":"1-8,x"}},{"name":"code","valueCode":"y"}]}"#;
        let tokens = ["http://loinc.org|1-8,x", "http://loinc.org|1-8\\,x"];
        for (inputs, token) in [Inputs::read(query, None, None), of_body(body)].into_iter().zip(tokens) {
            let mut inputs = inputs.expect("is right");
            assert_eq!(inputs.time("start").map(|(text, _)| text).as_deref(), Some("2026-02-03T04:05:06+01:00"));
            assert_eq!(inputs.tokens("type"), [token]);
            assert_eq!(inputs.rest(), [("code".to_owned(), "y".to_owned())]);
            inputs.finish(Some(())).expect("nothing is left");
        }
    }

    #[test]
    fn what_nobody_knows_is_named() {
        let query = [("context".to_owned(), "x".to_owned()), ("_elements".to_owned(), "y".to_owned())];
        let problems = Inputs::read(query, None, None).expect("is read").finish(Some(())).expect_err("is left");
        let named: Vec<(&str, ProblemCode)> = problems.iter().map(|each| (each.path.as_str(), each.code)).collect();
        assert_eq!(named, [("context", ProblemCode::Unsupported), ("_elements", ProblemCode::Unsupported)]);
    }

    #[test]
    fn values_of_another_type_are_refused() {
        let body = r#"{"resourceType":"Parameters","parameter":[{"name":"count","valueString":"5"},
            {"name":"coding","valueUri":"x"},{"name":"url","valueUri":"a"},{"name":"url","valueUri":"b"}]}"#;
        let mut inputs = of_body(body).expect("is read");
        assert_eq!((inputs.number("count"), inputs.coding("coding")), (None, None));
        inputs.text("url");
        let problems = inputs.finish(Some(())).expect_err("is wrong");
        let codes: Vec<ProblemCode> = problems.iter().map(|each| each.code).collect();
        assert_eq!(codes, [ProblemCode::Value, ProblemCode::Value, ProblemCode::Duplicate]);
    }

    #[test]
    fn a_body_is_parameters_or_the_one_resource() {
        let mut inputs = of_body(r#"{"resourceType":"ValueSet","url":"urn:x"}"#).expect("is read");
        assert!(inputs.resource("valueSet", "ValueSet").is_some());
        for wrong in [
            r#"{"resourceType":"Patient"}"#,
            "[]",
            r#"{"resourceType":"Parameters","parameter":[{"valueUri":"x"}]}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"x"}]}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"x","part":[]}]}"#,
            r#"{"resourceType":"Parameters","parameter":[{"name":"x","valueUri":"a","valueCode":"b"}]}"#,
        ] {
            assert!(of_body(wrong).is_err(), "{wrong}");
        }
    }
}
