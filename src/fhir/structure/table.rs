//! The base definitions of R4 as a table in memory: which elements a type has, how often, of which types.
//! Read once from `elements.tsv`, which `generate.py` derives from the StructureDefinitions of 4.0.1.
//! [`super::check`] and the FHIRPath patch ask it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use super::codes::{self, CodeSet};
use super::primitive::Primitive;

/// Index of a type in [`Definitions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TypeId(usize);

/// All types of R4: data types, resources and the elements nested in them.
#[derive(Debug)]
pub struct Definitions {
    types: Vec<TypeDef>,
    by_name: HashMap<&'static str, TypeId>,
}

/// What kind of thing a type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A primitive type: a JSON scalar, and a sibling with `_` in front for its id and extensions.
    Primitive(Primitive),
    /// A data type or a nested element.
    Complex,
    /// A resource type; abstract for `Resource` itself, which stands for any of them.
    Resource,
}

/// One type.
#[derive(Debug)]
pub struct TypeDef {
    /// `HumanName`, `Patient`, or the path of a nested element: `Patient.contact`.
    pub name: &'static str,
    /// The name of the type that it is derived from; empty for `Element` and `Resource`.
    pub base: &'static str,
    /// Kind.
    pub class: Class,
    /// Its elements, those of its bases included.
    pub elements: Vec<ElementDef>,
    /// Every JSON member name, sorted, with the element and which of the types it stands for.
    members: Vec<MemberDef>,
}

#[derive(Debug)]
struct MemberDef {
    name: Cow<'static, str>,
    element: usize,
    of_type: usize,
}

/// One element of a type.
#[derive(Debug, Clone)]
pub struct ElementDef {
    /// Name in FHIRPath: for a choice without `[x]`.
    pub name: &'static str,
    /// Whether the JSON member has the type in its name: `valueQuantity`.
    pub is_choice: bool,
    /// Least number of values.
    pub min: usize,
    /// Greatest number of values; `None` for any.
    pub max: Option<usize>,
    /// Types that a value may have.
    pub types: Vec<TypeRef>,
    /// Codes of a required binding; `None` if there is none or the codes cannot be enumerated.
    pub codes: Option<&'static CodeSet>,
}

/// A type that an element may have.
#[derive(Debug, Clone)]
pub struct TypeRef {
    /// The type.
    pub id: TypeId,
    /// For `Reference`: resource types that it may point to; empty for all.
    pub targets: Vec<&'static str>,
}

/// What a JSON member stands for.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// The element.
    pub element: &'a ElementDef,
    /// Its type, of a choice the one that is in the name.
    pub of_type: &'a TypeRef,
}

/// The definitions of R4 4.0.1.
pub fn definitions() -> &'static Definitions {
    static DEFINITIONS: LazyLock<Definitions> = LazyLock::new(|| Definitions::read(include_str!("elements.tsv")));
    &DEFINITIONS
}

impl Definitions {
    /// The type with this name.
    pub fn find(&self, name: &str) -> Option<&TypeDef> {
        self.by_name.get(name).and_then(|id| self.types.get(id.0))
    }

    /// The type with this name if it is one that resources have: `Patient`, but not `Resource`.
    pub fn resource(&self, name: &str) -> Option<&TypeDef> {
        self.find(name).filter(|def| def.class == Class::Resource && !is_abstract(def.name))
    }

    /// The type behind a reference to one.
    pub fn get(&self, of_type: &TypeRef) -> Option<&TypeDef> {
        self.types.get(of_type.id.0)
    }

    /// Every type.
    pub fn iter(&self) -> impl Iterator<Item = &TypeDef> {
        self.types.iter()
    }

    fn read(text: &'static str) -> Self {
        let rows = Row::read(text);
        let by_name: HashMap<_, _> = rows.iter().enumerate().map(|(at, row)| (row.name, TypeId(at))).collect();
        let types = rows.iter().map(|row| TypeDef::build(row, &rows, &by_name)).collect();
        Self { types, by_name }
    }
}

impl TypeDef {
    /// What the JSON member `name` stands for. Neither `resourceType` nor names with `_` in front are
    /// known here.
    pub fn member(&self, name: &str) -> Option<Member<'_>> {
        let at = self.members.binary_search_by(|member| (*member.name).cmp(name)).ok()?;
        let member = self.members.get(at)?;
        let element = self.elements.get(member.element)?;
        Some(Member { element, of_type: element.types.get(member.of_type)? })
    }

    /// The element with this name, of a choice without `[x]` and without a type.
    pub fn element(&self, name: &str) -> Option<&ElementDef> {
        self.elements.iter().find(|element| element.name == name)
    }

    /// Whether it is the type with this name or is derived from it.
    pub fn is_a(&self, name: &str) -> bool {
        let mut next = Some(self);
        while let Some(def) = next {
            if def.name == name {
                return true;
            }
            next = definitions().find(def.base);
        }
        false
    }

    fn build(row: &Row, rows: &[Row], by_name: &HashMap<&'static str, TypeId>) -> Self {
        let mut elements = Vec::new();
        let mut class = Primitive::of_type(row.name).map_or(Class::Complex, Class::Primitive);
        let base = row.base;
        let mut next = Some(row);
        while let Some(row) = next {
            // The base comes first, as in the definitions.
            let own = row.elements.iter().filter_map(|line| ElementDef::read(line, by_name));
            elements.splice(0..0, own);
            if row.name == "Resource" {
                class = Class::Resource;
            }
            next = by_name.get(row.base).and_then(|id| rows.get(id.0));
        }
        let mut members: Vec<MemberDef> = Vec::new();
        for (at, element) in elements.iter().enumerate() {
            for (of_type, type_ref) in element.types.iter().enumerate() {
                let name = match rows.get(type_ref.id.0) {
                    Some(row) if element.is_choice => Cow::Owned(choice_name(element.name, row.name)),
                    _ => Cow::Borrowed(element.name),
                };
                members.push(MemberDef { name, element: at, of_type });
            }
        }
        members.sort_by(|left, right| left.name.cmp(&right.name));
        Self { name: row.name, base, class, elements, members }
    }
}

impl ElementDef {
    /// Whether JSON has a list for it.
    pub fn is_list(&self) -> bool {
        self.max != Some(1)
    }

    fn read(line: &'static str, by_name: &HashMap<&'static str, TypeId>) -> Option<Self> {
        let mut columns = line.split('\t');
        let name = columns.next()?;
        let min = columns.next()?.parse().ok()?;
        let max = columns.next()?.parse().ok();
        let types = columns.next()?.split(' ').filter_map(|text| TypeRef::read(text, by_name)).collect();
        let codes = columns.next().and_then(codes::of_value_set);
        let plain = name.strip_suffix("[x]");
        Some(Self { name: plain.unwrap_or(name), is_choice: plain.is_some(), min, max, types, codes })
    }
}

impl TypeRef {
    fn read(text: &'static str, by_name: &HashMap<&'static str, TypeId>) -> Option<Self> {
        let (name, targets) = text.split_once('(').unwrap_or((text, ""));
        let targets = targets.trim_end_matches(')').split(',').filter(|target| !target.is_empty()).collect();
        Some(Self { id: *by_name.get(name)?, targets })
    }
}

/// `value` and `string` make `valueString`. R4 formats.html#choice.
pub fn choice_name(element: &str, type_name: &str) -> String {
    let (first, rest) = type_name.split_at_checked(1).unwrap_or_default();
    format!("{element}{}{rest}", first.to_ascii_uppercase())
}

fn is_abstract(name: &str) -> bool {
    matches!(name, "Resource" | "DomainResource")
}

/// The lines of one type.
struct Row {
    name: &'static str,
    base: &'static str,
    elements: Vec<&'static str>,
}

impl Row {
    fn read(text: &'static str) -> Vec<Self> {
        let mut rows: Vec<Self> = Vec::new();
        for line in text.lines() {
            match (line.strip_prefix('\t'), rows.last_mut()) {
                (Some(element), Some(row)) => row.elements.push(element),
                _ => {
                    let (name, base) = line.split_once('\t').unwrap_or((line, ""));
                    rows.push(Self { name, base, elements: Vec::new() });
                }
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use crate::fhir::resource_type::RESOURCE_TYPES;

    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood() {
        let rows = Row::read(include_str!("elements.tsv"));
        let names: HashMap<_, _> = rows.iter().enumerate().map(|(at, row)| (row.name, TypeId(at))).collect();
        assert_eq!(names.len(), rows.len(), "a type stands twice");
        for row in &rows {
            assert!(row.base.is_empty() || names.contains_key(row.base), "{}", row.name);
            for line in &row.elements {
                let element = ElementDef::read(line, &names).unwrap_or_else(|| panic!("{} {line}", row.name));
                let types = line.split('\t').nth(3).expect("types").split(' ').count();
                assert_eq!(
                    (element.types.len(), element.is_choice || types == 1),
                    (types, true),
                    "{} {line}",
                    row.name
                );
            }
        }
    }

    #[test]
    fn the_resource_types_are_those_of_r4() {
        let mut found: Vec<&str> =
            definitions().iter().filter(|def| definitions().resource(def.name).is_some()).map(|def| def.name).collect();
        found.sort_unstable();
        assert_eq!(found, RESOURCE_TYPES);
    }

    #[test]
    fn members_know_their_element_and_type() {
        let type_name = |on: &str, member: &str| {
            let member = definitions().find(on)?.member(member)?;
            Some((member.element.name, definitions().get(member.of_type)?.name, member.element.is_list()))
        };
        let cases = [
            ("Patient", "name", Some(("name", "HumanName", true))),
            ("Patient", "id", Some(("id", "id", false))),
            ("Patient", "contained", Some(("contained", "Resource", true))),
            ("Patient", "contact", Some(("contact", "Patient.contact", true))),
            ("Patient.contact", "modifierExtension", Some(("modifierExtension", "Extension", true))),
            ("Observation", "valueQuantity", Some(("value", "Quantity", false))),
            ("Observation", "valueDateTime", Some(("value", "dateTime", false))),
            ("Observation", "value", None),
            ("Observation", "valueUri", None),
            ("Observation.component", "referenceRange", Some(("referenceRange", "Observation.referenceRange", true))),
            ("Age", "value", Some(("value", "decimal", false))),
            ("Extension", "url", Some(("url", "uri", false))),
            ("Bundle", "contained", None),
            ("Bundle.entry", "resource", Some(("resource", "Resource", false))),
        ];
        for (on, member, expected) in cases {
            assert_eq!(type_name(on, member), expected, "{on}.{member}");
        }
        let subject = definitions().find("Observation").and_then(|def| def.member("subject")).expect("known");
        assert_eq!(subject.of_type.targets, ["Patient", "Group", "Device", "Location"]);
        assert_eq!(subject.element.min, 0);
    }
}
