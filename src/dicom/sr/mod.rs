//! The content tree of a structured report as a value. PS3.3 §C.17.3: items with a relationship to
//! their parent, a concept name and a value. The tree knows the standard's grammar, not what a report
//! means: that is `report::sr`.

mod read;
mod write;

pub use read::{Note, NoteKind, SrLimits, SrTreeError};

use dicom_object::mem::InMemElement;

use super::code::{Code, Term};

/// The content of a structured report.
#[derive(Debug, Clone, PartialEq)]
pub struct SrDocument {
    /// The root, a container without a relationship.
    pub root: ContentItem,
}

/// A content item. PS3.3 Table C.17.3-7.
#[derive(Debug, Clone, PartialEq)]
pub struct ContentItem {
    /// To the parent (0040,A010); `None` at the root.
    pub relationship: Option<Relationship>,
    /// Concept name (0040,A043).
    pub concept: Option<Code>,
    /// Value type (0040,A040) and value.
    pub value: ItemValue,
    /// Observation date and time (0040,A032) as DT text.
    pub observed_at: Option<String>,
    /// Observation UID (0040,A171).
    pub observation_uid: Option<String>,
    /// Children in order (0040,A730).
    pub children: Vec<ContentItem>,
}

/// How an item stands to its parent. PS3.3 §C.17.3.2.4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relationship {
    /// `CONTAINS`
    Contains,
    /// `HAS OBS CONTEXT`
    HasObsContext,
    /// `HAS ACQ CONTEXT`
    HasAcqContext,
    /// `HAS CONCEPT MOD`
    HasConceptMod,
    /// `HAS PROPERTIES`
    HasProperties,
    /// `INFERRED FROM`
    InferredFrom,
    /// `SELECTED FROM`
    SelectedFrom,
    /// Anything else, as it is written; a missing one is empty.
    Other(String),
}

/// The value of a content item.
#[derive(Debug, Clone, PartialEq)]
pub enum ItemValue {
    /// `CONTAINER`
    Container {
        /// Continuity of content (0040,A050): whether the children are a running text.
        is_continuous: bool,
        /// Template identifier (0040,DB00) of the DCMR, if it is said.
        template: Option<String>,
    },
    /// `TEXT` (0040,A160), line breaks as they stand.
    Text(String),
    /// `CODE` (0040,A168)
    Code(Code),
    /// `NUM` (0040,A300)
    Num(NumericValue),
    /// `PNAME` (0040,A123) as PN text.
    PersonName(String),
    /// `DATE` (0040,A121) as DA text.
    Date(String),
    /// `TIME` (0040,A122) as TM text.
    Time(String),
    /// `DATETIME` (0040,A120) as DT text.
    DateTime(String),
    /// `UIDREF` (0040,A124)
    Uid(String),
    /// `IMAGE` (0008,1199)
    Image(ImageReference),
    /// `COMPOSITE` (0008,1199)
    Composite(SopReference),
    /// `WAVEFORM` (0008,1199) with its channels (0040,A0B0), multiplex group and channel by turns.
    Waveform(SopReference, Vec<u16>),
    /// `SCOORD` (0070,0023) and (0070,0022)
    Scoord {
        /// Graphic type, as `POLYLINE`.
        graphic_type: String,
        /// Column and row by turns, in pixels from the upper left corner of the image.
        points: Vec<f32>,
    },
    /// A reference to an item elsewhere in the tree (0040,DB73): the way from the root, counted from 1.
    Reference(Vec<u32>),
    /// A value type that the gateway keeps without looking into it, as `TCOORD`, `SCOORD3D`, `TABLE` or
    /// one that is not in the standard.
    Other {
        /// Value type (0040,A040), empty where it is missing.
        value_type: String,
        /// The elements that are the value.
        elements: Vec<InMemElement>,
    },
}

/// A measured value. PS3.3 §C.18.1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NumericValue {
    /// Numeric Value (0040,A30A) as its DS text; `None` when there is none.
    pub value: Option<String>,
    /// Floating Point Value (0040,A161), where DS has not digits enough.
    pub floating_point: Option<f64>,
    /// Measurement units (0040,08EA).
    pub units: Option<Code>,
    /// Why there is no value, or what kind (0040,A301).
    pub qualifier: Option<Code>,
}

/// A SOP instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SopReference {
    /// Referenced SOP class UID (0008,1150).
    pub sop_class_uid: String,
    /// Referenced SOP instance UID (0008,1155).
    pub sop_instance_uid: String,
}

/// An image and the frames of it that are meant. PS3.3 §C.18.4.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ImageReference {
    /// Which image.
    pub sop: SopReference,
    /// Frame numbers from 1 (0008,1160); none means the whole image.
    pub frames: Vec<u32>,
    /// Elements of the item that are kept as they are: presentation state, segments, icon.
    pub rest: Vec<InMemElement>,
}

impl ContentItem {
    /// An item without children.
    pub fn new(relationship: Relationship, concept: impl Into<Option<Code>>, value: ItemValue) -> Self {
        Self {
            relationship: Some(relationship),
            concept: concept.into(),
            value,
            observed_at: None,
            observation_uid: None,
            children: Vec::new(),
        }
    }

    /// A `CONTAINER` of separate items.
    pub fn container(relationship: Relationship, concept: Code, children: Vec<Self>) -> Self {
        let value = ItemValue::Container { is_continuous: false, template: None };
        Self::new(relationship, concept, value).with(children)
    }

    /// A `TEXT`.
    pub fn text(relationship: Relationship, concept: Term, text: impl Into<String>) -> Self {
        Self::new(relationship, concept.to_code(), ItemValue::Text(text.into()))
    }

    /// A `CODE`.
    pub fn code(relationship: Relationship, concept: Term, value: Code) -> Self {
        Self::new(relationship, concept.to_code(), ItemValue::Code(value))
    }

    /// The same item with these children behind those that it has.
    #[must_use]
    pub fn with(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// Whether its concept name is the term.
    pub fn is(&self, term: Term) -> bool {
        self.concept.as_ref().is_some_and(|concept| concept.is(term))
    }

    /// The first child with that concept name.
    pub fn child(&self, term: Term) -> Option<&Self> {
        self.children.iter().find(|child| child.is(term))
    }

    /// The text of a `TEXT` item.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            ItemValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The entry of a `CODE` item.
    pub fn as_code(&self) -> Option<&Code> {
        match &self.value {
            ItemValue::Code(code) => Some(code),
            _ => None,
        }
    }
}

impl Relationship {
    /// The term in (0040,A010).
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => KNOWN.iter().find(|(relationship, _)| relationship == known).map_or("", |(_, text)| *text),
        }
    }

    /// From the term in (0040,A010).
    pub fn parse(text: &str) -> Self {
        KNOWN
            .iter()
            .find(|(_, known)| *known == text)
            .map_or_else(|| Self::Other(text.to_owned()), |(relationship, _)| relationship.clone())
    }
}

const KNOWN: &[(Relationship, &str)] = &[
    (Relationship::Contains, "CONTAINS"),
    (Relationship::HasObsContext, "HAS OBS CONTEXT"),
    (Relationship::HasAcqContext, "HAS ACQ CONTEXT"),
    (Relationship::HasConceptMod, "HAS CONCEPT MOD"),
    (Relationship::HasProperties, "HAS PROPERTIES"),
    (Relationship::InferredFrom, "INFERRED FROM"),
    (Relationship::SelectedFrom, "SELECTED FROM"),
];

impl ItemValue {
    /// The term in (0040,A040); empty for a reference, which has none.
    pub fn value_type(&self) -> &str {
        match self {
            Self::Container { .. } => "CONTAINER",
            Self::Text(_) => "TEXT",
            Self::Code(_) => "CODE",
            Self::Num(_) => "NUM",
            Self::PersonName(_) => "PNAME",
            Self::Date(_) => "DATE",
            Self::Time(_) => "TIME",
            Self::DateTime(_) => "DATETIME",
            Self::Uid(_) => "UIDREF",
            Self::Image(_) => "IMAGE",
            Self::Composite(_) => "COMPOSITE",
            Self::Waveform(..) => "WAVEFORM",
            Self::Scoord { .. } => "SCOORD",
            Self::Reference(_) => "",
            Self::Other { value_type, .. } => value_type,
        }
    }
}

#[cfg(test)]
mod tests;
