//! A profile as the check uses it: what it says beyond the base definitions, as a tree of elements.

use crate::fhir::Json;
use crate::fhir::fhirpath::Expression;
use crate::fhir::outcome::Severity;
use crate::fhir::structure::TypeDef;

/// A StructureDefinition that constrains a type: a profile or an extension. R4 profiling.html.
#[derive(Debug)]
pub struct Profile {
    /// Canonical URL.
    pub url: String,
    /// Its version.
    pub version: Option<String>,
    /// The type that it constrains.
    pub of_type: &'static TypeDef,
    /// What it says.
    pub(super) root: Rules,
    /// The profile that it is derived from, which holds too. None where the snapshot has all of that already, or where
    /// it is derived from a base type.
    pub(super) base: Option<String>,
    /// Of an extension: whether it belongs into `modifierExtension`.
    pub(super) is_modifier: bool,
    /// Of an extension: where it may stand.
    pub(super) contexts: Vec<Context>,
    /// What of it cannot be checked here, in words.
    pub(super) unchecked: Vec<String>,
}

/// Where an extension may stand. R4 structuredefinition-definitions.html#StructureDefinition.context.
#[derive(Debug)]
pub(super) enum Context {
    /// A type, or the path of an element without `[x]`: `Patient.contact`.
    Element(String),
    /// An extension, by its URL.
    Extension(String),
    /// The elements that an expression finds, asked of the resource.
    Path(Expression),
    /// Something that is not understood: it may stand anywhere.
    Unknown,
}

/// What a profile says of one element, and of the elements below it.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// Name of the element, for a choice without `[x]`; of the root the type.
    pub(super) name: String,
    /// The type of a choice that is meant, where the name says it: `valueQuantity`.
    pub(super) only: Option<&'static str>,
    /// The one type that it can have, if it is one.
    pub(super) def: Option<&'static TypeDef>,
    /// Least number of values.
    pub(super) min: usize,
    /// Greatest number of values; `None` for any.
    pub(super) max: Option<usize>,
    /// Types that it may have; none if the base says the same.
    pub(super) types: Vec<TypeRule>,
    /// The value that it has.
    pub(super) fixed: Option<Json>,
    /// What its value has at least.
    pub(super) pattern: Option<Json>,
    /// Most characters of a text.
    pub(super) max_length: Option<usize>,
    /// Value sets.
    pub(super) bindings: Vec<Binding>,
    /// Invariants that the base does not have.
    pub(super) invariants: Vec<Invariant>,
    /// Elements below it that something is said of.
    pub(super) children: Vec<Rules>,
    /// How its values are told apart.
    pub(super) slicing: Option<Slicing>,
    /// The id of the element whose rules it has below it: `QuestionnaireResponse.item`.
    pub(super) same_as: Option<String>,
}

/// One type of an element.
#[derive(Debug)]
pub(super) struct TypeRule {
    /// Name of the type.
    pub(super) code: String,
    /// Profiles, one of which holds for its values; none for all.
    pub(super) profiles: Vec<String>,
    /// What a reference may point to; empty for all.
    pub(super) targets: Vec<RefTarget>,
}

/// What a reference may point to.
#[derive(Debug)]
pub(super) enum RefTarget {
    /// Resources of this type.
    Type(String),
    /// Resources that keep to this profile; the type is that of the profile, if it is installed.
    Profile(String),
}

/// A value set that codes are from.
#[derive(Debug)]
pub(super) struct Binding {
    pub(super) strength: Strength,
    /// Canonical URL, perhaps with a version.
    pub(super) value_set: String,
}

/// How much a binding binds. R4 terminologies.html#strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strength {
    /// One of the codes, always.
    Required,
    /// One of the codes, if one fits.
    Extensible,
    /// Codes from this set only, where there are codes: `elementdefinition-maxValueSet`.
    Most,
}

/// A rule in FHIRPath.
#[derive(Debug)]
pub(super) struct Invariant {
    pub(super) severity: Severity,
    pub(super) expression: Expression,
    /// What is wrong, with the key.
    pub(super) text: String,
    /// Whether it asks a terminology, which FHIRPath does not know here: then nothing is known of it if it is not true.
    pub(super) asks_terminology: bool,
}

/// How the values of a list are told apart. R4 profiling.html#slicing.
#[derive(Debug, Default)]
pub(super) struct Slicing {
    pub(super) discriminators: Vec<Discriminator>,
    pub(super) rules: SlicingRules,
    pub(super) is_ordered: bool,
    pub(super) slices: Vec<Slice>,
}

/// Whether there may be values that are in no slice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum SlicingRules {
    Closed,
    #[default]
    Open,
    OpenAtEnd,
}

/// Values of a list that rules of their own hold for.
#[derive(Debug)]
pub(super) struct Slice {
    pub(super) name: String,
    pub(super) rules: Rules,
}

/// What shows which slice a value is in.
#[derive(Debug, Clone)]
pub(super) struct Discriminator {
    pub(super) kind: DiscriminatorKind,
    /// Steps from the value; none for `$this`.
    pub(super) path: Vec<PathStep>,
}

/// R4 valueset-discriminator-type.html.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DiscriminatorKind {
    /// A fixed value, a pattern or a required binding. R4 has `value` and `pattern`; they are decided alike.
    Value,
    Exists,
    Type,
    Profile,
}

/// A step of the restricted FHIRPath of discriminators. R4 profiling.html#discriminator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PathStep {
    Name(String),
    OfType(String),
    Extension(String),
    Resolve,
}

impl Profile {
    /// Whether it defines an extension.
    pub fn is_extension(&self) -> bool {
        self.of_type.name == "Extension"
    }

    /// What of it cannot be checked here, in words.
    pub fn unchecked(&self) -> &[String] {
        &self.unchecked
    }

    /// The rules of the element with this id; the first part is the type.
    pub(super) fn find(&self, id: &str) -> Option<&Rules> {
        let mut rules = &self.root;
        for segment in id.split('.').skip(1) {
            let (name, slice) = segment.split_once(':').map_or((segment, None), |(name, slice)| (name, Some(slice)));
            rules = rules.child(name.trim_end_matches("[x]"))?;
            if let Some(slice) = slice {
                rules = &rules.slicing.as_ref()?.slices.iter().find(|each| each.name == slice)?.rules;
            }
        }
        Some(rules)
    }
}

impl Rules {
    /// The rules of an element below this one.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name && child.only.is_none())
    }

    /// Whether nothing is said of the values themselves, whatever their number.
    pub(super) fn is_silent(&self) -> bool {
        self.types.is_empty()
            && self.fixed.is_none()
            && self.pattern.is_none()
            && self.max_length.is_none()
            && self.bindings.is_empty()
            && self.invariants.is_empty()
            && self.children.is_empty()
            && self.slicing.is_none()
            && self.same_as.is_none()
    }
}
