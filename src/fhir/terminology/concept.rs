//! Concepts of code systems, with what is known about them. R4 codesystem.html.

use std::borrow::Cow;

use crate::fhir::{Json, Object};

use super::table;

/// A text of the embedded tables, or one that a resource brought along.
pub type Text = Cow<'static, str>;

/// A concept of a code system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concept {
    /// Its code.
    pub code: Text,
    /// What people are shown.
    pub display: Option<Text>,
    /// Other texts for it.
    pub designations: Vec<Designation>,
    /// What else the code system says about it.
    pub properties: Vec<Property>,
    /// Whether it only groups others and cannot be recorded.
    pub is_abstract: bool,
    /// Whether it is not to be used any more.
    pub is_inactive: bool,
    /// What it means.
    pub(super) definition: Definition,
    /// Places of its parents in the code system.
    pub(super) parents: Vec<u32>,
}

/// Where a definition is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Definition {
    /// Here, if anywhere.
    Here(Option<Text>),
    /// In the embedded table, in this line.
    InTable(u32),
}

/// Another text for a concept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Designation {
    /// Its language, BCP 47.
    pub language: Option<Text>,
    /// What it is for: system and code.
    pub usage: Option<(Option<Text>, Text)>,
    /// The text.
    pub value: Text,
}

/// Something that a code system says about a concept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Which property of the code system.
    pub code: Text,
    /// Its value.
    pub value: PropertyValue,
}

/// The value of a property. R4 codesystem-definitions.html#CodeSystem.concept.property.value[x].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyValue {
    /// A code of the same code system.
    Code(Text),
    /// A text.
    String(Text),
    /// A truth value.
    Boolean(bool),
    /// An integer, as it was written.
    Integer(Text),
    /// A decimal, as it was written.
    Decimal(Text),
    /// A date or a date and time, as it was written.
    DateTime(Text),
    /// A code of any code system.
    Coding(Json),
}

impl Concept {
    /// A concept without parents; whether it is abstract or inactive is read from its properties.
    ///
    /// `notSelectable` and `abstract` make it abstract. R4 codesystem.html#status: `inactive` or a status
    /// that says so make it inactive; `deprecated` does not.
    pub(super) fn new(
        code: Text,
        display: Option<Text>,
        definition: Definition,
        designations: Vec<Designation>,
        properties: Vec<Property>,
    ) -> Self {
        let is = |names: &[&str]| {
            let holds = |property: &Property| match &property.value {
                PropertyValue::Boolean(value) => *value,
                PropertyValue::Code(value) | PropertyValue::String(value) => *value == "true",
                _ => false,
            };
            properties.iter().any(|property| names.contains(&&*property.code) && holds(property))
        };
        let is_retired = properties.iter().any(|property| match &property.value {
            PropertyValue::Code(value) | PropertyValue::String(value) => {
                property.code == "status" && matches!(&**value, "retired" | "inactive")
            }
            _ => false,
        });
        let is_abstract = is(&["notSelectable", "abstract"]);
        let is_inactive = is_retired || is(&["inactive"]);
        Self { code, display, designations, properties, is_abstract, is_inactive, definition, parents: Vec::new() }
    }

    /// What it means.
    pub fn definition(&self) -> Option<Cow<'_, str>> {
        match &self.definition {
            Definition::Here(text) => text.as_deref().map(Cow::Borrowed),
            Definition::InTable(line) => table::definition(*line),
        }
    }

    /// What people are shown in a language: the designation for it if there is one, else the display.
    pub fn display_in(&self, language: Option<&str>) -> Option<&str> {
        let translated = language.and_then(|language| in_language(&self.designations, language));
        translated.or(self.display.as_deref())
    }
}

/// The designation that stands for the display in a language: `de` also takes `de-AT`, and `de-AT` takes
/// `de` where there is nothing nearer. RFC 4647 §3.4.
pub(super) fn in_language<'a>(designations: &'a [Designation], language: &str) -> Option<&'a str> {
    let displays = || designations.iter().filter(|each| each.is_display());
    let exact = displays().find(|each| each.language.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(language)));
    let near = || displays().find(|each| each.language.as_deref().is_some_and(|own| speaks(own, language)));
    exact.or_else(near).map(|each| &*each.value)
}

/// Whether two language tags share their primary language, one being no more specific than it.
pub(super) fn speaks(own: &str, wanted: &str) -> bool {
    let starts = |long: &str, short: &str| {
        let (head, rest) = long.split_at_checked(short.len()).unwrap_or_default();
        head.eq_ignore_ascii_case(short) && (rest.is_empty() || rest.starts_with('-'))
    };
    !own.is_empty() && !wanted.is_empty() && (starts(own, wanted) || starts(wanted, own))
}

impl Designation {
    /// Whether it can stand in the place of the display.
    pub(super) fn is_display(&self) -> bool {
        self.usage.as_ref().is_none_or(|(_, code)| code == "display" || code == "preferredForLanguage")
    }

    /// One of a resource: `CodeSystem.concept.designation` or `ValueSet.compose.include.concept.designation`.
    pub(super) fn of_json(json: &Json) -> Option<Self> {
        let usage = json.get("use").and_then(|usage| {
            let code = usage.text_at(&["code"])?.to_owned();
            Some((usage.text_at(&["system"]).map(|system| system.to_owned().into()), code.into()))
        });
        let language = json.text_at(&["language"]).map(|text| text.to_owned().into());
        Some(Self { language, usage, value: json.text_at(&["value"])?.to_owned().into() })
    }

    /// As it stands in `ValueSet.expansion.contains.designation`.
    pub(super) fn to_json(&self) -> Json {
        let mut object = Object::new().with_text("language", self.language.as_deref());
        if let Some(coding) = self.use_coding() {
            object.set("use", coding);
        }
        object.with("value", Json::string(&*self.value)).into()
    }

    /// Its use as a Coding.
    pub(super) fn use_coding(&self) -> Option<Json> {
        let (system, code) = self.usage.as_ref()?;
        Some(Object::new().with_text("system", system.as_deref()).with("code", Json::string(&**code)).into())
    }
}

impl Property {
    /// One of a resource.
    pub(super) fn of_json(json: &Json) -> Option<Self> {
        let code = json.text_at(&["code"])?.to_owned().into();
        let (key, value) = json.as_object()?.iter().find(|(key, _)| key.starts_with("value"))?;
        let text = || value.as_str().map(|text| Text::from(text.to_owned()));
        let number = || value.as_number().map(|text| Text::from(text.to_owned()));
        let value = match key {
            "valueCode" => PropertyValue::Code(text()?),
            "valueString" => PropertyValue::String(text()?),
            "valueBoolean" => PropertyValue::Boolean(value.as_bool()?),
            "valueInteger" => PropertyValue::Integer(number()?),
            "valueDecimal" => PropertyValue::Decimal(number()?),
            "valueDateTime" => PropertyValue::DateTime(text()?),
            "valueCoding" => PropertyValue::Coding(value.clone()),
            _ => return None,
        };
        Some(Self { code, value })
    }
}

impl PropertyValue {
    /// The name of the element and its value: `valueCode` and a string.
    pub(super) fn to_json(&self) -> (&'static str, Json) {
        match self {
            Self::Code(text) => ("valueCode", Json::string(&**text)),
            Self::String(text) => ("valueString", Json::string(&**text)),
            Self::Boolean(value) => ("valueBoolean", Json::Bool(*value)),
            Self::Integer(text) => ("valueInteger", Json::Number(text.to_string().into())),
            Self::Decimal(text) => ("valueDecimal", Json::Number(text.to_string().into())),
            Self::DateTime(text) => ("valueDateTime", Json::string(&**text)),
            Self::Coding(coding) => ("valueCoding", coding.clone()),
        }
    }

    /// The text that a filter is compared with. Of a Coding it is the code.
    pub(super) fn as_text(&self) -> &str {
        match self {
            Self::Code(text)
            | Self::String(text)
            | Self::Integer(text)
            | Self::Decimal(text)
            | Self::DateTime(text) => text,
            Self::Boolean(true) => "true",
            Self::Boolean(false) => "false",
            Self::Coding(coding) => coding.text_at(&["code"]).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(code: &'static str, value: PropertyValue) -> Property {
        Property { code: code.into(), value }
    }

    #[test]
    fn properties_say_whether_a_concept_can_be_used() {
        let flags = |properties: Vec<Property>| {
            let concept = Concept::new("a".into(), None, Definition::Here(None), Vec::new(), properties);
            (concept.is_abstract, concept.is_inactive)
        };
        assert_eq!(flags(Vec::new()), (false, false));
        assert_eq!(flags(vec![property("notSelectable", PropertyValue::Boolean(true))]), (true, false));
        assert_eq!(flags(vec![property("notSelectable", PropertyValue::Boolean(false))]), (false, false));
        assert_eq!(flags(vec![property("abstract", PropertyValue::Boolean(true))]), (true, false));
        assert_eq!(flags(vec![property("inactive", PropertyValue::Boolean(true))]), (false, true));
        assert_eq!(flags(vec![property("status", PropertyValue::Code("retired".into()))]), (false, true));
        assert_eq!(flags(vec![property("status", PropertyValue::Code("deprecated".into()))]), (false, false));
    }

    #[test]
    fn the_nearest_language_is_taken() {
        let designation = |language: &'static str, value: &'static str| Designation {
            language: Some(language.into()),
            usage: None,
            value: value.into(),
        };
        let all = [designation("de-AT", "Jänner"), designation("de", "Januar"), designation("nl", "januari")];
        for (wanted, found) in [
            ("de", Some("Januar")),
            ("DE-at", Some("Jänner")),
            ("de-CH", Some("Januar")),
            ("nl-BE", Some("januari")),
            ("d", None),
            ("fr", None),
            ("", None),
        ] {
            assert_eq!(in_language(&all, wanted), found, "{wanted}");
        }
    }
}
