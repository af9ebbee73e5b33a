//! Reads a StructureDefinition into the table that the check uses. What the base definitions say anyway is left out.
//! A snapshot is read if there is one; else the differential, and what it is derived from holds beside it.

mod parts;

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::fhir::fhirpath::Expression;
use crate::fhir::outcome::Severity;
use crate::fhir::structure::invariants::base_rules;
use crate::fhir::structure::{ElementDef, TypeDef, definitions};
use crate::fhir::{Json, Object};

use super::definition::{
    Discriminator, DiscriminatorKind, Invariant, PathStep, Profile, Rules, Slice, Slicing, SlicingRules, TypeRule,
};
use super::registry::base_type;
use parts::{bindings, context, discriminator, says_the_same, type_rule};

pub(super) use parts::is_nested;

/// Why a StructureDefinition cannot be used as a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// It does not constrain another type.
    #[error("does not constrain a type")]
    NotConstraint,
    /// Something that it needs is absent.
    #[error("has no {0}")]
    Missing(&'static str),
    /// Its type is none of R4.
    #[error("constrains a type that R4 does not have")]
    Type,
    /// An element has an id that leads nowhere.
    #[error("has elements whose ids do not go together")]
    Ids,
    /// Elements are nested too deep.
    #[error("has elements that are nested too deep")]
    Depth,
}

/// The type that a StructureDefinition constrains; empty if it constrains none.
pub fn constrained_type(definition: &Json) -> &str {
    let is_constraint = definition.text_at(&["derivation"]) == Some("constraint");
    definition.text_at(&["type"]).filter(|_| is_constraint).unwrap_or_default()
}

/// Reads a StructureDefinition.
pub fn compile(definition: &Json) -> Result<Profile, CompileError> {
    let name = constrained_type(definition);
    if name.is_empty() {
        return Err(CompileError::NotConstraint);
    }
    let of_type = definitions().find(name).ok_or(CompileError::Type)?;
    let url = definition.text_at(&["url"]).ok_or(CompileError::Missing("url"))?;
    let snapshot = definition.get("snapshot");
    let elements = snapshot.or_else(|| definition.get("differential")).ok_or(CompileError::Missing("snapshot"))?;
    let base = definition.text_at(&["baseDefinition"]).filter(|base| snapshot.is_none() && base_type(base).is_none());
    let root = Rules { name: of_type.name.to_owned(), def: Some(of_type), ..Rules::default() };
    let mut compiler = Compiler { root, is_modifier: false, unchecked: Vec::new() };
    for element in elements.items("element") {
        compiler.element(element)?;
    }
    let Compiler { mut root, is_modifier, unchecked } = compiler;
    drop_silent(&mut root);
    Ok(Profile {
        url: url.to_owned(),
        version: definition.text_at(&["version"]).map(str::to_owned),
        of_type,
        root,
        base: base.map(str::to_owned),
        is_modifier,
        contexts: definition.items("context").iter().map(context).collect(),
        unchecked,
    })
}

struct Compiler {
    root: Rules,
    is_modifier: bool,
    unchecked: Vec<String>,
}

impl Compiler {
    fn element(&mut self, element: &Json) -> Result<(), CompileError> {
        let path = element.text_at(&["path"]).ok_or(CompileError::Missing("path"))?;
        let id = element.text_at(&["id"]);
        // Ids say which slice is meant; without slices paths say the same.
        let id =
            id.or_else(|| element.get("sliceName").is_none().then_some(path)).ok_or(CompileError::Missing("id"))?;
        let segments: Vec<&str> = id.split('.').skip(1).collect();
        if segments.is_empty() {
            self.is_modifier = element.get("isModifier").and_then(Json::as_bool) == Some(true);
            let of_type = self.root.def;
            let mut root = std::mem::take(&mut self.root);
            self.says(&mut root, element, of_type, None);
            self.root = root;
            return Ok(());
        }
        if segments.len() > MOST_SEGMENTS {
            return Err(CompileError::Depth);
        }
        let mut root = std::mem::take(&mut self.root);
        let outcome = self.at(&mut root, &segments, element);
        self.root = root;
        outcome
    }

    /// Goes to the place of an element, and makes it if it is new.
    fn at(&mut self, parent: &mut Rules, segments: &[&str], element: &Json) -> Result<(), CompileError> {
        let Some((segment, rest)) = segments.split_first() else { return Ok(()) };
        let (name, slice) = segment.split_once(':').map_or((*segment, None), |(name, slice)| (name, Some(slice)));
        let base = Base::of(parent.def, name.trim_end_matches("[x]"));
        let known = |child: &Rules| child.name == base.name && child.only == base.only;
        let at = parent.children.iter().position(known).unwrap_or(parent.children.len());
        if at == parent.children.len() {
            parent.children.push(base.rules());
        }
        let child = parent.children.get_mut(at).ok_or(CompileError::Ids)?;
        let mut place = child;
        for part in slice.into_iter().flat_map(|slice| slice.split('/')) {
            place = slice_of(place, part, &base)?;
        }
        if rest.is_empty() {
            let parent_element = base.element;
            self.says(place, element, base.def, parent_element);
            return Ok(());
        }
        self.at(place, rest, element)
    }

    /// Notes what an element of the definition says.
    fn says(&mut self, rules: &mut Rules, element: &Json, own: Option<&'static TypeDef>, base: Option<&ElementDef>) {
        rules.def = own.or_else(|| one_type(element)).or(rules.def);
        if let Some(min) = element.get("min").and_then(Json::as_number).and_then(|min| min.parse().ok()) {
            rules.min = min;
        }
        if let Some(max) = element.text_at(&["max"]) {
            rules.max = max.parse().ok();
        }
        let object = element.as_object();
        let value_of = |prefix: &str| {
            let mut members = object.into_iter().flat_map(Object::iter);
            members.find(|(key, _)| is_choice(key, prefix)).map(|(_, value)| value.clone())
        };
        rules.fixed = value_of("fixed").or(rules.fixed.take());
        rules.pattern = value_of("pattern").or(rules.pattern.take());
        rules.max_length =
            element.get("maxLength").and_then(Json::as_number).and_then(|most| most.parse().ok()).or(rules.max_length);
        let types: Vec<TypeRule> = element.items("type").iter().filter_map(type_rule).collect();
        if !types.is_empty() && !base.is_some_and(|base| says_the_same(&types, base)) {
            rules.types = types;
        }
        if let Some(binding) = element.get("binding") {
            rules.bindings = bindings(binding, base);
        }
        for constraint in element.items("constraint") {
            self.invariant(rules, constraint);
        }
        for (name, operator) in [("minValue", ">="), ("maxValue", "<=")] {
            let mut members = object.into_iter().flat_map(Object::iter);
            if let Some((key, value)) = members.find(|(key, _)| is_choice(key, name)) {
                self.bound(rules, key, operator, value);
            }
        }
        if let Some(slicing) = element.get("slicing") {
            let read = self.slicing(slicing, element.text_at(&["id"]).unwrap_or_default());
            let slices = rules.slicing.take().map(|former| former.slices).unwrap_or_default();
            rules.slicing = Some(Slicing { slices, ..read });
        }
        if let Some(reference) = element.text_at(&["contentReference"]) {
            let id = reference.rsplit('#').next().unwrap_or_default();
            // What the base definitions say below it is checked already; it matters where the profile says more.
            rules.same_as = Some(id.to_owned());
        }
    }

    fn invariant(&mut self, rules: &mut Rules, constraint: &Json) {
        let text = |key| constraint.text_at(&[key]).unwrap_or_default();
        let (key, expression) = (text("key"), text("expression"));
        let of_base = match constraint.text_at(&["source"]) {
            Some(source) => base_type(source).is_some(),
            None => false,
        };
        let has_it = rules.invariants.iter().any(|one| one.text.ends_with(&format!("({key})")));
        if of_base
            || has_it
            || expression.is_empty()
            || BASE_RULES.contains(&(key, expression))
            || is_written_in_rust(key)
        {
            return;
        }
        let severity = if text("severity") == "warning" { Severity::Warning } else { Severity::Error };
        match Expression::parse(expression) {
            Ok(parsed) => rules.invariants.push(Invariant {
                severity,
                expression: parsed,
                text: format!("{} ({key})", text("human")),
                asks_terminology: expression.contains("memberOf") || expression.contains("conformsTo"),
            }),
            Err(error) => self.unchecked.push(format!("the rule {key}: {error}")),
        }
    }

    /// minValue and maxValue: a comparison in FHIRPath.
    fn bound(&mut self, rules: &mut Rules, key: &str, operator: &str, value: &Json) {
        let literal = match value {
            Json::Number(number) => number.to_string(),
            Json::String(text) if key.ends_with("Time") && !text.contains('T') && text.contains(':') => {
                format!("@T{text}")
            }
            Json::String(text) if text.starts_with(|first: char| first.is_ascii_digit()) => format!("@{text}"),
            Json::Object(quantity) => {
                let number = quantity.get("value").and_then(Json::as_number).unwrap_or_default();
                let unit = quantity.get("code").and_then(Json::as_str).unwrap_or("1");
                format!("{number} '{unit}'")
            }
            _ => String::new(),
        };
        match Expression::parse(&format!("iif($this {operator} {literal}, true, ($this {operator} {literal}).empty())"))
        {
            Ok(expression) => rules.invariants.push(Invariant {
                severity: Severity::Error,
                expression,
                text: format!("the value is {operator} {literal}"),
                asks_terminology: false,
            }),
            Err(_) => self.unchecked.push(format!("{key} of {}", rules.name)),
        }
    }

    fn slicing(&mut self, slicing: &Json, id: &str) -> Slicing {
        let mut discriminators = Vec::new();
        for one in slicing.items("discriminator") {
            match discriminator(one) {
                Some(read) => discriminators.push(read),
                None => {
                    let path = one.text_at(&["path"]).unwrap_or_default();
                    self.unchecked.push(format!("the slices of {id} by {path}"));
                }
            }
        }
        let rules = match slicing.text_at(&["rules"]) {
            Some("closed") => SlicingRules::Closed,
            Some("openAtEnd") => SlicingRules::OpenAtEnd,
            _ => SlicingRules::Open,
        };
        let is_ordered = slicing.get("ordered").and_then(Json::as_bool) == Some(true);
        Slicing { discriminators, rules, is_ordered, slices: Vec::new() }
    }
}

/// The slice with this name, made if it is new.
fn slice_of<'a>(rules: &'a mut Rules, name: &str, base: &Base) -> Result<&'a mut Rules, CompileError> {
    let slicing = rules.slicing.get_or_insert_with(|| implied_slicing(base));
    let at = slicing.slices.iter().position(|slice| slice.name == name).unwrap_or(slicing.slices.len());
    if at == slicing.slices.len() {
        let rules = Rules { min: 0, max: None, ..base.rules() };
        slicing.slices.push(Slice { name: name.to_owned(), rules });
    }
    slicing.slices.get_mut(at).map(|slice| &mut slice.rules).ok_or(CompileError::Ids)
}

/// How slices are told apart where nothing says it: extensions by URL, choices by type. R4 profiling.html#extension.
fn implied_slicing(base: &Base) -> Slicing {
    let (kind, path) = match base.def.map(|def| def.name) {
        Some("Extension") => (DiscriminatorKind::Value, vec![PathStep::Name("url".to_owned())]),
        _ if base.element.is_some_and(|element| element.is_choice) => (DiscriminatorKind::Type, Vec::new()),
        _ => return Slicing::default(),
    };
    Slicing { discriminators: vec![Discriminator { kind, path }], ..Slicing::default() }
}

/// What the base definitions say of an element.
struct Base {
    name: String,
    only: Option<&'static str>,
    element: Option<&'static ElementDef>,
    def: Option<&'static TypeDef>,
}

impl Base {
    fn of(parent: Option<&'static TypeDef>, name: &str) -> Self {
        let parent =
            parent.map(|def| if is_primitive(def) { definitions().find("Element").unwrap_or(def) } else { def });
        let plain = parent.and_then(|def| def.element(name));
        let own = |element: &'static ElementDef| match element.types.as_slice() {
            [one] => definitions().get(one),
            _ => None,
        };
        if let Some(element) = plain {
            return Self { name: name.to_owned(), only: None, element: Some(element), def: own(element) };
        }
        // `valueQuantity` for `value[x]`. R4 profiling.html#shortcut.
        if let Some(member) = parent.and_then(|def| def.member(name)) {
            let def = definitions().get(member.of_type);
            let only = def.map(|def| def.name);
            return Self { name: member.element.name.to_owned(), only, element: Some(member.element), def };
        }
        Self { name: name.to_owned(), only: None, element: None, def: None }
    }

    fn rules(&self) -> Rules {
        Rules {
            name: self.name.clone(),
            only: self.only,
            def: self.def,
            min: self.element.filter(|_| self.only.is_none()).map_or(0, |element| element.min),
            max: self.element.and_then(|element| element.max),
            ..Rules::default()
        }
    }
}

/// Takes away the elements of which nothing is said that the base does not say.
fn drop_silent(rules: &mut Rules) {
    for child in &mut rules.children {
        drop_silent(child);
    }
    if let Some(slicing) = &mut rules.slicing {
        for slice in &mut slicing.slices {
            drop_silent(&mut slice.rules);
        }
        // The type and the extension slicing that snapshots repeat everywhere. A closed one without slices is no more
        // than a restriction of types.
        if slicing.slices.is_empty() {
            rules.slicing = None;
        }
    }
    let def = rules.def;
    rules.children.retain(|child| {
        let base = Base::of(def, &child.name);
        let counts = base.element.map(|element| (element.min, element.max));
        let counts_the_same = counts == Some((child.min, child.max)) || (child.min, child.max) == (0, None);
        !(child.is_silent() && (repeats(child) || child.only.is_none() && counts_the_same))
    });
}

/// Whether it says nothing but that the base holds here, too.
fn repeats(child: &Rules) -> bool {
    child.only.is_some() && child.min == 0 && child.max == Some(1)
}

fn is_primitive(def: &TypeDef) -> bool {
    matches!(def.class, crate::fhir::structure::Class::Primitive(_))
}

/// Whether a member is `prefix` and the name of a type.
fn is_choice(key: &str, prefix: &str) -> bool {
    key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
}

fn one_type(element: &Json) -> Option<&'static TypeDef> {
    match element.items("type") {
        [one] => definitions().find(one.text_at(&["code"])?),
        _ => None,
    }
}

/// Rules of R4 that are no expressions here.
fn is_written_in_rust(key: &str) -> bool {
    matches!(key, "ele-1" | "ext-1" | "dom-2" | "dom-3" | "dom-4" | "dom-5" | "dom-6" | "ref-1" | "txt-1" | "txt-2")
}

static BASE_RULES: LazyLock<HashSet<(&'static str, &'static str)>> = LazyLock::new(|| base_rules().collect());

/// Greatest depth of elements.
const MOST_SEGMENTS: usize = 32;
