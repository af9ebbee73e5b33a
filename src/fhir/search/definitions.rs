//! The search parameters of R4 (4.0.1) and US Core, and those that an administrator adds: what they are called, of
//! which type they are, what they are computed by. R4 searchparameter-registry.html. `data/generate.py` says how the
//! table beside this file comes from the published definitions.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use super::expression::{ExpressionError, Program};
use crate::fhir::resource_type;

/// The types of search parameters. R4 search.html#ptypes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ParamType {
    /// A number. R4 search.html#number.
    Number,
    /// A date, time or period. R4 search.html#date.
    Date,
    /// Text that is compared without regard to case and accents. R4 search.html#string.
    String,
    /// A code, an identifier, a flag. R4 search.html#token.
    Token,
    /// A reference to a resource. R4 search.html#reference.
    Reference,
    /// Values of one element that belong together. R4 search.html#composite.
    Composite,
    /// A number with a unit. R4 search.html#quantity.
    Quantity,
    /// A URI. R4 search.html#uri.
    Uri,
    /// Compared in a way of its own; we support none of them. R4 search.html#special.
    Special,
}

impl ParamType {
    /// Reads a code of `http://hl7.org/fhir/search-param-type`.
    pub fn parse(code: &str) -> Option<Self> {
        let (_, known) = CODES.iter().find(|(known, _)| *known == code)?;
        Some(*known)
    }

    /// The code in `http://hl7.org/fhir/search-param-type`.
    pub fn code(self) -> &'static str {
        CODES.iter().find(|(_, known)| *known == self).map_or("special", |(code, _)| code)
    }
}

const CODES: [(&str, ParamType); 9] = [
    ("number", ParamType::Number),
    ("date", ParamType::Date),
    ("string", ParamType::String),
    ("token", ParamType::Token),
    ("reference", ParamType::Reference),
    ("composite", ParamType::Composite),
    ("quantity", ParamType::Quantity),
    ("uri", ParamType::Uri),
    ("special", ParamType::Special),
];

/// A search parameter of one base type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Resource type, or `Resource` or `DomainResource`.
    pub base: String,
    /// What it is called in a request.
    pub code: String,
    /// How it compares.
    pub param_type: ParamType,
    /// What a reference may point at.
    pub targets: Targets,
    /// Systems that the values have although the elements do not say so, being of the type `code` or `boolean`.
    pub systems: Vec<String>,
    /// Canonical URL of the SearchParameter.
    pub url: String,
    /// What a composite is made of, in the order in which its values stand.
    pub components: Vec<Component>,
    /// Where the values are.
    pub program: Program,
}

/// One part of a composite search parameter. R4 SearchParameter.component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Code of the search parameter that it stands for.
    pub code: String,
    /// How it compares.
    pub param_type: ParamType,
    /// Where the values are, from the element of the composite.
    pub program: Program,
}

/// What the references of a parameter may point at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets {
    /// A resource of any type.
    Any,
    /// One of these types; none if the parameter is not a reference.
    Only(Vec<String>),
}

impl Targets {
    /// Whether a resource of this type may be pointed at.
    pub fn allow(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(types) => types.iter().any(|known| known == name),
        }
    }
}

impl Definition {
    /// Whether we can search by it. `special` parameters have rules of their own, and `phonetic` leaves the rule to
    /// the server: we have none.
    pub fn is_searchable(&self) -> bool {
        self.param_type != ParamType::Special && self.code != "phonetic"
    }

    fn read(line: &str) -> Result<Self, DefinitionError> {
        let mut fields = line.split('\t');
        let mut next = || fields.next().ok_or(DefinitionError::Fields);
        let words = |text: &str| text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        let (base, code) = (next()?.to_owned(), next()?.to_owned());
        let param_type = ParamType::parse(next()?).ok_or(DefinitionError::Type)?;
        let targets = match next()? {
            "*" => Targets::Any,
            listed => Targets::Only(words(listed)),
        };
        let systems = words(next()?);
        let url = next()?;
        let url = if url.contains("://") { url.to_owned() } else { format!("{CORE_PARAMETERS}{url}") };
        let components =
            next()?.split(';').filter(|part| !part.is_empty()).map(Component::read).collect::<Result<_, _>>()?;
        let program = Program::compile(next()?)?;
        Ok(Self { base, code, param_type, targets, systems, url, components, program })
    }
}

impl Component {
    fn read(text: &str) -> Result<Self, DefinitionError> {
        let mut fields = text.splitn(3, '~');
        let mut next = || fields.next().ok_or(DefinitionError::Fields);
        let code = next()?.to_owned();
        let param_type = ParamType::parse(next()?).ok_or(DefinitionError::Type)?;
        Ok(Self { code, param_type, program: Program::compile(next()?)? })
    }
}

/// Why a definition cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// A line of the table lacks a field.
    #[error("a field is missing")]
    Fields,
    /// Not a type of search parameters.
    #[error("unknown parameter type")]
    Type,
    /// The base is not a type of R4.
    #[error("unknown base {0}")]
    Base(String),
    /// The type has a parameter of this name.
    #[error("{0} is defined already")]
    Taken(String),
    /// The resource lacks an element, or it is not of its type.
    #[error("{0} is missing or wrong")]
    Element(&'static str),
    /// A component stands for a parameter that the type does not have.
    #[error("unknown component {0}")]
    Component(String),
    /// The expression cannot be walked.
    #[error("expression: {0}")]
    Expression(#[from] ExpressionError),
}

const CORE_PARAMETERS: &str = "http://hl7.org/fhir/SearchParameter/";

/// The search parameters that there are.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// By type, then by code; those of `Resource` and `DomainResource` stand with every type that has them.
    types: HashMap<String, BTreeMap<String, Arc<Definition>>>,
}

impl Registry {
    /// The parameters of R4 and US Core.
    pub fn r4() -> &'static Self {
        static R4: LazyLock<Registry> = LazyLock::new(|| {
            let mut registry = Registry::default();
            for definition in shipped().filter_map(Result::ok) {
                // That all lines are good and no two alike is tested.
                let _taken = registry.insert(definition);
            }
            registry
        });
        &R4
    }

    /// The resource types that a base stands for: itself, or all of an abstract type; none if there is no such base.
    pub fn types_of_base(base: &str) -> Vec<&'static str> {
        let all = resource_type::RESOURCE_TYPES.iter().copied();
        match base {
            "Resource" => all.collect(),
            // R4 resourcelist.html: these three are Resources but not DomainResources.
            "DomainResource" => all.filter(|name| !matches!(*name, "Binary" | "Bundle" | "Parameters")).collect(),
            base => all.filter(|name| *name == base).collect(),
        }
    }

    /// Adds a parameter. Those of an abstract type are added to every type that it is the base of.
    pub fn insert(&mut self, definition: Definition) -> Result<(), DefinitionError> {
        let names = Self::types_of_base(&definition.base);
        if names.is_empty() {
            return Err(DefinitionError::Base(definition.base));
        }
        if names.iter().any(|name| self.get(name, &definition.code).is_some()) {
            return Err(DefinitionError::Taken(definition.code));
        }
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let definition = Arc::new(definition);
        for name in names {
            self.types.entry(name).or_default().insert(definition.code.clone(), Arc::clone(&definition));
        }
        Ok(())
    }

    /// The parameter `code` of a resource type, whether we can search by it or not.
    pub fn get(&self, resource_type: &str, code: &str) -> Option<&Arc<Definition>> {
        self.types.get(resource_type)?.get(code)
    }

    /// The parameter `code` if every resource type has it: for searches of the whole system.
    pub fn common(&self, code: &str) -> Option<&Arc<Definition>> {
        self.get("Bundle", code).filter(|definition| definition.base == "Resource")
    }

    /// The resource types that have parameters, sorted.
    pub fn types(&self) -> Vec<&str> {
        let mut types: Vec<&str> = self.types.keys().map(String::as_str).collect();
        types.sort_unstable();
        types
    }

    /// The parameters of a resource type by code.
    pub fn of_type(&self, resource_type: &str) -> impl Iterator<Item = &Arc<Definition>> {
        self.types.get(resource_type).into_iter().flat_map(BTreeMap::values)
    }
}

/// The definitions of the table in this directory.
fn shipped() -> impl Iterator<Item = Result<Definition, DefinitionError>> {
    include_str!("data/search-parameters.tsv").lines().map(Definition::read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_expression_is_supported() {
        let failed: Vec<String> = include_str!("data/search-parameters.tsv")
            .lines()
            .filter_map(|line| Definition::read(line).err().map(|error| format!("{error}: {line}")))
            .collect();
        assert_eq!(failed, [""; 0]);
        let mut registry = Registry::default();
        for definition in shipped() {
            registry.insert(definition.expect("read above")).expect("once");
        }
        assert_eq!(shipped().count(), 1713);
    }

    #[test]
    fn parameters_are_found_by_type_and_code() {
        let registry = Registry::r4();
        let patient = registry.get("DiagnosticReport", "patient").expect("there");
        assert_eq!(patient.targets, Targets::Only(vec!["Patient".to_owned()]));
        assert_eq!(patient.url, "http://hl7.org/fhir/SearchParameter/clinical-patient");
        assert_eq!(registry.get("Observation", "focus").expect("there").targets, Targets::Any);
        let race = registry.get("Patient", "race").expect("there");
        assert_eq!(race.url, "http://hl7.org/fhir/us/core/SearchParameter/us-core-race");
        assert_eq!(
            registry.get("Patient", "gender").expect("there").systems,
            ["http://hl7.org/fhir/administrative-gender"]
        );
        for code in ["_id", "_lastUpdated", "_tag", "_profile", "_security", "_source"] {
            assert!(registry.get("Binary", code).is_some_and(|definition| definition.is_searchable()), "{code}");
            assert!(registry.common(code).is_some(), "{code}");
        }
        assert!(registry.common("identifier").is_none());
        assert!(registry.get("Patient", "_text").is_none());
        assert!(registry.get("Patient", "basedon").is_none());
        assert!(!registry.get("Location", "near").expect("there").is_searchable());
        let composite = registry.get("Observation", "code-value-quantity").expect("there");
        let types: Vec<_> = composite.components.iter().map(|component| component.param_type.code()).collect();
        assert_eq!(types, ["token", "quantity"]);
    }

    #[test]
    fn composites_are_made_of_parameters_of_their_type() {
        let registry = Registry::r4();
        for definition in shipped().filter_map(Result::ok).filter(|one| one.param_type == ParamType::Composite) {
            assert!(!definition.components.is_empty(), "{}", definition.url);
            for component in &definition.components {
                let single = registry.get(&definition.base, &component.code).expect("a parameter of the type");
                assert_eq!(single.param_type, component.param_type, "{}", definition.url);
            }
        }
    }

    #[test]
    fn what_is_added_is_new_and_of_a_known_type() {
        let mut registry = Registry::r4().clone();
        let custom = |base: &str, code: &str| Definition {
            base: base.to_owned(),
            code: code.to_owned(),
            param_type: ParamType::Token,
            targets: Targets::Only(Vec::new()),
            systems: Vec::new(),
            url: "https://a.example/SearchParameter/x".to_owned(),
            components: Vec::new(),
            program: Program::compile("extension('x').value").expect("valid"),
        };
        assert_eq!(registry.insert(custom("Patient", "mood")), Ok(()));
        assert_eq!(registry.insert(custom("Patient", "mood")), Err(DefinitionError::Taken("mood".to_owned())));
        assert_eq!(
            registry.insert(custom("DomainResource", "gender")),
            Err(DefinitionError::Taken("gender".to_owned()))
        );
        assert_eq!(registry.insert(custom("Dog", "mood")), Err(DefinitionError::Base("Dog".to_owned())));
        assert!(registry.get("Patient", "mood").is_some() && Registry::r4().get("Patient", "mood").is_none());
    }
}
