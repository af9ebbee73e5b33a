//! A code system with its hierarchy, read from the embedded table or from a CodeSystem resource. R4
//! codesystem.html.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::base::{ProblemCode, Problems};
use crate::fhir::Json;

use super::concept::{Concept, Definition, Designation, Property, PropertyValue, Text};

/// A code system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeSystem {
    /// Canonical URL, without version.
    pub url: Text,
    /// Its version.
    pub version: Option<Text>,
    /// Its name for machines.
    pub name: Option<Text>,
    /// Its name for people.
    pub title: Option<Text>,
    /// How much of it there is.
    pub content: Content,
    /// Canonical URL of the value set of all its codes.
    pub value_set: Option<Text>,
    /// Whether its hierarchy says what is a kind of what. R4 valueset-codesystem-hierarchy-meaning.html.
    pub is_subsuming: bool,
    /// Properties that it declares, whether a concept has them or not.
    declared: Vec<Text>,
    is_case_sensitive: bool,
    concepts: Vec<Concept>,
    /// Places of the concepts, by code.
    order: Vec<u32>,
}

/// How much of a code system there is. R4 valueset-codesystem-content-mode.html.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// All of it.
    Complete,
    /// A part or some examples: that a code is not here does not say that there is none.
    Partial,
    /// Nothing.
    NotPresent,
    /// Additions to another code system.
    Supplement,
}

impl Content {
    /// The content of a code.
    pub fn parse(code: &str) -> Option<Self> {
        Some(match code {
            "complete" => Self::Complete,
            "fragment" | "example" => Self::Partial,
            "not-present" => Self::NotPresent,
            "supplement" => Self::Supplement,
            _ => return None,
        })
    }
}

/// What a code system is besides its concepts.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) url: Text,
    pub(super) version: Option<Text>,
    pub(super) name: Option<Text>,
    pub(super) title: Option<Text>,
    pub(super) content: Content,
    pub(super) value_set: Option<Text>,
    pub(super) declared: Vec<Text>,
    pub(super) is_case_sensitive: bool,
    pub(super) hierarchy: Option<Text>,
}

impl CodeSystem {
    /// Reads a CodeSystem resource.
    pub fn of_resource(json: &Json) -> Result<Self, Problems> {
        let required = |key: &str| {
            let missing = || Problems::one(key, ProblemCode::Required, format!("a CodeSystem has no {key}"));
            json.text_at(&[key]).ok_or_else(missing)
        };
        let text = |key: &str| json.text_at(&[key]).map(|text| Text::from(text.to_owned()));
        let wrong = || Problems::one("content", ProblemCode::CodeInvalid, "is not a content of a CodeSystem");
        let content = Content::parse(required("content")?).ok_or_else(wrong)?;
        let declared = json.items("property").iter().filter_map(|each| each.text_at(&["code"]));
        let head = Head {
            url: required("url")?.to_owned().into(),
            version: text("version"),
            name: text("name"),
            title: text("title"),
            content,
            value_set: text("valueSet"),
            declared: declared.map(|code| Text::from(code.to_owned())).collect(),
            is_case_sensitive: json.get("caseSensitive").and_then(Json::as_bool).unwrap_or(true),
            hierarchy: text("hierarchyMeaning"),
        };
        let mut concepts = Vec::new();
        gather(json.items("concept"), None, &mut concepts)?;
        let system = Self::new(head, concepts);
        if system.has_duplicates() {
            return Err(Problems::one("concept", ProblemCode::Duplicate, "a code of the CodeSystem stands twice"));
        }
        Ok(system)
    }

    /// A code system of these concepts, whose parents by nesting are set. Parents that are named by
    /// properties are added.
    pub(super) fn new(head: Head, concepts: Vec<Concept>) -> Self {
        let mut order: Vec<u32> = (0..u32::try_from(concepts.len()).unwrap_or(u32::MAX)).collect();
        let code = |place: &u32| concepts.get(*place as usize).map_or("", |concept| &*concept.code);
        order.sort_by(|left, right| code(left).cmp(code(right)));
        let is_subsuming = head.hierarchy.is_none_or(|meaning| meaning == "is-a");
        let mut system = Self {
            url: head.url,
            version: head.version,
            name: head.name,
            title: head.title,
            content: head.content,
            value_set: head.value_set,
            is_subsuming,
            declared: head.declared,
            is_case_sensitive: head.is_case_sensitive,
            concepts,
            order,
        };
        system.link();
        system
    }

    /// Adds the parents that properties name: `parent` and `subsumedBy` on the child, `child` on the
    /// parent. R4 codesystem-concept-properties.html.
    fn link(&mut self) {
        let mut edges = Vec::new();
        for (place, concept) in (0_u32..).zip(&self.concepts) {
            for property in &concept.properties {
                let PropertyValue::Code(other) = &property.value else { continue };
                let Some(other) = self.place_exactly(other) else { continue };
                match &*property.code {
                    "parent" | "subsumedBy" => edges.push((place, other)),
                    "child" => edges.push((other, place)),
                    _ => {}
                }
            }
        }
        for (child, parent) in edges {
            if let Some(concept) = self.concepts.get_mut(child as usize)
                && child != parent
                && !concept.parents.contains(&parent)
            {
                concept.parents.push(parent);
            }
        }
    }

    fn has_duplicates(&self) -> bool {
        let codes = || self.order.iter().filter_map(|place| self.concepts.get(*place as usize));
        codes().zip(codes().skip(1)).any(|(left, right)| left.code == right.code)
    }

    /// The concepts in the order of the definition.
    pub fn concepts(&self) -> &[Concept] {
        &self.concepts
    }

    /// The concept of a code.
    pub fn concept(&self, code: &str) -> Option<&Concept> {
        self.concepts.get(self.place(code)? as usize)
    }

    /// Where a code stands. Case counts unless the code system says that it does not.
    pub(super) fn place(&self, code: &str) -> Option<u32> {
        let exact = self.place_exactly(code);
        if exact.is_some() || self.is_case_sensitive {
            return exact;
        }
        let wanted = code.to_lowercase();
        (0_u32..).zip(&self.concepts).find(|(_, concept)| concept.code.to_lowercase() == wanted).map(|(place, _)| place)
    }

    fn place_exactly(&self, code: &str) -> Option<u32> {
        let of = |place: &u32| self.concepts.get(*place as usize).map_or("", |concept| &*concept.code);
        let at = self.order.binary_search_by(|place| of(place).cmp(code)).ok()?;
        self.order.get(at).copied()
    }

    /// Whether concepts may have a property of this name.
    pub(super) fn knows_property(&self, name: &str) -> bool {
        self.declared.iter().any(|each| *each == name)
            || self.concepts.iter().any(|concept| concept.properties.iter().any(|property| property.code == name))
    }

    /// Places of the parents of a concept.
    pub(super) fn parents(&self, place: u32) -> &[u32] {
        self.concepts.get(place as usize).map(|concept| &*concept.parents).unwrap_or_default()
    }

    /// Places of the children of a concept, in order.
    pub(super) fn children(&self, place: u32) -> impl Iterator<Item = u32> {
        (0_u32..).zip(&self.concepts).filter(move |(_, each)| each.parents.contains(&place)).map(|(child, _)| child)
    }

    /// Places of a concept and of all that are above it.
    pub(super) fn above(&self, place: u32) -> HashSet<u32> {
        reach(place, |each| self.parents(each).to_vec())
    }

    /// Places of a concept and of all that are below it.
    pub(super) fn below(&self, place: u32) -> HashSet<u32> {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for (child, concept) in (0_u32..).zip(&self.concepts) {
            for parent in &concept.parents {
                children.entry(*parent).or_default().push(child);
            }
        }
        reach(place, |each| children.remove(&each).unwrap_or_default())
    }

    /// The name that `$lookup` gives.
    pub fn shown_name(&self) -> &str {
        self.title.as_deref().or(self.name.as_deref()).unwrap_or(&self.url)
    }
}

/// All that can be reached. Cycles end.
fn reach(start: u32, mut next: impl FnMut(u32) -> Vec<u32>) -> HashSet<u32> {
    let mut found = HashSet::from([start]);
    let mut queue = VecDeque::from([start]);
    while let Some(place) = queue.pop_front() {
        queue.extend(next(place).into_iter().filter(|each| found.insert(*each)));
    }
    found
}

fn gather(items: &[Json], parent: Option<u32>, out: &mut Vec<Concept>) -> Result<(), Problems> {
    for item in items {
        let missing = || Problems::one("concept", ProblemCode::Required, "a concept of the CodeSystem has no code");
        let text = |key: &str| item.text_at(&[key]).map(|text| Text::from(text.to_owned()));
        let mut concept = Concept::new(
            text("code").ok_or_else(missing)?,
            text("display"),
            Definition::Here(text("definition")),
            item.items("designation").iter().filter_map(Designation::of_json).collect(),
            item.items("property").iter().filter_map(Property::of_json).collect(),
        );
        concept.parents.extend(parent);
        let place = u32::try_from(out.len()).ok();
        out.push(concept);
        gather(item.items("concept"), place, out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::JsonLimits;

    fn system(text: &str) -> Result<CodeSystem, Problems> {
        CodeSystem::of_resource(&Json::parse(text.as_bytes(), &JsonLimits::default()).expect("is JSON"))
    }

    const TREE: &str = r#"{"resourceType":"CodeSystem","url":"urn:x","content":"complete","caseSensitive":false,
        "concept":[{"code":"A","concept":[{"code":"B","concept":[{"code":"C"}]},{"code":"D"}]},
        {"code":"E","property":[{"code":"child","valueCode":"C"},{"code":"parent","valueCode":"E"}]},
        {"code":"F","property":[{"code":"subsumedBy","valueCode":"D"}]}]}"#;

    #[test]
    fn the_hierarchy_is_that_of_nesting_and_properties() {
        let system = system(TREE).expect("is one");
        let codes = |places: HashSet<u32>| {
            let mut codes: Vec<&str> = places.iter().map(|place| &*system.concepts()[*place as usize].code).collect();
            codes.sort_unstable();
            codes.concat()
        };
        let place = |code: &str| system.place(code).expect("is there");
        assert_eq!(codes(system.above(place("C"))), "ABCE");
        assert_eq!(codes(system.below(place("A"))), "ABCDF");
        assert_eq!(codes(system.below(place("E"))), "CE");
        assert_eq!(codes(system.children(place("A")).collect()), "BD");
    }

    #[test]
    fn case_counts_unless_it_is_said_not_to() {
        assert!(system(TREE).expect("is one").concept("c").is_some());
        let sensitive = TREE.replace(r#""caseSensitive":false"#, r#""caseSensitive":true"#);
        assert!(system(&sensitive).expect("is one").concept("c").is_none());
    }

    #[test]
    fn a_hierarchy_may_have_a_cycle() {
        let text = r#"{"url":"urn:x","content":"complete","concept":[
            {"code":"a","property":[{"code":"parent","valueCode":"b"}]},
            {"code":"b","property":[{"code":"parent","valueCode":"a"}]}]}"#;
        let system = system(text).expect("is one");
        assert_eq!(system.above(0).len(), 2);
        assert_eq!(system.below(0).len(), 2);
    }

    #[test]
    fn a_code_stands_once() {
        let text = r#"{"url":"urn:x","content":"complete","concept":[{"code":"a"},{"code":"a"}]}"#;
        assert_eq!(system(text).expect_err("twice").iter().next().map(|each| each.code), Some(ProblemCode::Duplicate));
    }
}
