//! What the samples know of an examination: how it is made, what a normal one looks like, and what may be
//! found in it. The tables are in the files of the modalities.

use crate::report::{Laterality, Sex};

use super::terms::Term;

/// One kind of examination.
pub(super) struct Protocol {
    /// Modality (0008,0060) of the images.
    pub(super) modality: &'static str,
    /// SOP class of its images.
    pub(super) sop_class: &'static str,
    /// SOP class of its loops, where it has some.
    pub(super) loop_sop_class: Option<&'static str>,
    /// Study descriptions.
    pub(super) descriptions: &'static [&'static str],
    /// What is examined.
    pub(super) site: Term,
    /// Whom it is made of, if not of everybody.
    pub(super) sex: Option<Sex>,
    /// Clinical questions.
    pub(super) histories: &'static [&'static str],
    /// How it is made.
    pub(super) techniques: &'static [&'static str],
    /// Normal findings, organ by organ: one sentence of each row is used.
    pub(super) normal: &'static [&'static [&'static str]],
    /// Normal findings of one sex.
    pub(super) normal_women: &'static [&'static str],
    /// Normal findings of the other.
    pub(super) normal_men: &'static [&'static str],
    /// What may be found.
    pub(super) lesions: &'static [Lesion],
    /// Series of measurements that fill a table, as brain volumetry does.
    pub(super) surveys: &'static [Survey],
    /// Impressions when nothing is found.
    pub(super) clear: &'static [&'static str],
    /// What to do next.
    pub(super) advice: &'static [&'static str],
}

/// Something that may be found.
pub(super) struct Lesion {
    /// Code of the finding, where one is certain.
    pub(super) code: Option<Term>,
    /// Noun of labels and impressions, as `nodule`.
    pub(super) noun: &'static str,
    /// Where it may be.
    pub(super) places: &'static [Place],
    /// Sentences with `{place}` and `{size}`.
    pub(super) sentences: &'static [&'static str],
    /// Impressions with `{place}` and `{size}`.
    pub(super) impressions: &'static [&'static str],
    /// What is measured of it; the first is what `{size}` says.
    pub(super) quantities: &'static [Quantity],
    /// Words of normal findings that it rules out.
    pub(super) excludes: &'static [&'static str],
    /// Whether it must be told at once.
    pub(super) critical: bool,
    /// Whether it is graded mild to severe.
    pub(super) graded: bool,
}

/// A place in the body.
pub(super) struct Place {
    /// In words, as `right upper lobe`.
    pub(super) words: &'static str,
    /// In code.
    pub(super) site: Term,
    /// Which side.
    pub(super) side: Option<Laterality>,
}

/// Something that is measured.
pub(super) struct Quantity {
    /// Code, where one is certain.
    pub(super) code: Option<Term>,
    /// In words, as `long axis`.
    pub(super) label: &'static str,
    /// UCUM unit.
    pub(super) unit: &'static str,
    /// Digits after the decimal point.
    pub(super) decimals: u32,
    /// How the value comes about.
    pub(super) spread: Spread,
    /// How it is measured.
    pub(super) method: Option<Term>,
}

/// How a value comes about. Numbers count units of the last digit.
#[derive(Clone, Copy)]
pub(super) enum Spread {
    /// Between two values.
    Between(u32, u32),
    /// Between two percentages of the first value of the same lesion.
    OfFirst(u32, u32),
    /// Minus a value between the two.
    Minus(u32, u32),
    /// The volume of an ellipsoid with the first two values (in tenths of a millimetre) as diameters, in
    /// cubic millimetres.
    Ellipsoid,
}

/// Many measurements of one kind.
pub(super) struct Survey {
    /// What is measured of each structure.
    pub(super) quantities: &'static [Quantity],
    /// The structures.
    pub(super) places: &'static [Place],
    /// Whether every round over the places is a lesion of its own that is followed by number. Otherwise a
    /// further round is a further reading of the same structures.
    pub(super) follows_lesions: bool,
    /// A sentence that sends the reader to the table.
    pub(super) sentence: &'static str,
}

pub(super) const fn place(words: &'static str, site: Term) -> Place {
    Place { words, site, side: None }
}

pub(super) const fn left(words: &'static str, site: Term) -> Place {
    Place { words, site, side: Some(Laterality::Left) }
}

pub(super) const fn right(words: &'static str, site: Term) -> Place {
    Place { words, site, side: Some(Laterality::Right) }
}

pub(super) const fn both(words: &'static str, site: Term) -> Place {
    Place { words, site, side: Some(Laterality::Bilateral) }
}

pub(super) const fn coded(
    code: Term,
    label: &'static str,
    unit: &'static str,
    decimals: u32,
    spread: Spread,
) -> Quantity {
    Quantity { code: Some(code), label, unit, decimals, spread, method: None }
}

pub(super) const fn plain(label: &'static str, unit: &'static str, decimals: u32, spread: Spread) -> Quantity {
    Quantity { code: None, label, unit, decimals, spread, method: None }
}

impl Quantity {
    /// This quantity, measured by `method`.
    pub(super) const fn by(mut self, method: Term) -> Self {
        self.method = Some(method);
        self
    }
}
