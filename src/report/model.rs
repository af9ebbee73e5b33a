//! The content of a report. Every text is NFC, lines end in `\n`, and nothing here holds a control
//! character besides line feed and tab: `report::read` makes it so.

use crate::base::{Date, Decimal, LogicalId, TimeOfDay, Uid};

use super::ReportStatus;

/// A report on one imaging study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Id of the report, the same in all its versions; the logical id of its DiagnosticReport.
    pub id: LogicalId,
    /// Where it is in its life.
    pub status: ReportStatus,
    /// Who was examined.
    pub patient: Patient,
    /// The study reported on.
    pub study: Study,
    /// What kind of report it is; LOINC unless the source says otherwise. Always set: `report::codes`
    /// supplies it by modality and body site.
    pub code: Concept,
    /// The narrative.
    pub sections: Sections,
    /// Coded findings, in order. Their ids are unique within the report.
    pub structured_findings: Vec<Finding>,
    /// Measurements, in order. Their ids are unique within the report.
    pub measurements: Vec<Measurement>,
    /// Images that show what the report says, in order.
    pub key_images: Vec<KeyImage>,
    /// Who wrote it.
    pub author: Author,
    /// Who answers for it; set in every final version.
    pub verifier: Option<Verifier>,
    /// BCP 47 tag of the narrative's language, as `de-DE`.
    pub language: Option<String>,
    /// The order that asked for the study.
    pub order: Option<Order>,
}

/// The patient as the report names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patient {
    /// Patient ID, DICOM (0010,0020), at most 64 characters.
    pub id: String,
    /// Issuer of the patient ID, DICOM (0010,0021), at most 64 characters.
    pub issuer: Option<String>,
    /// Name.
    pub name: PersonName,
    /// Birth date.
    pub birth_date: Option<Date>,
    /// Sex as DICOM (0010,0040) knows it.
    pub sex: Option<Sex>,
}

/// A person's name, in the parts of DICOM PN (PS3.5 §6.2). Each group as PN text is at most 64
/// characters long.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonName {
    /// Family name complex.
    pub family: String,
    /// Given names. The first is PN's given name complex; the others, which hold no spaces, its middle
    /// name.
    pub given: Vec<String>,
    /// Name prefix.
    pub prefix: Option<String>,
    /// Name suffix.
    pub suffix: Option<String>,
    /// Ideographic component group as PN text, `山田^太郎`.
    pub ideographic: Option<String>,
    /// Phonetic component group as PN text, `やまだ^たろう`.
    pub phonetic: Option<String>,
}

/// Sex, DICOM (0010,0040).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// `M`
    Male,
    /// `F`
    Female,
    /// `O`
    Other,
}

/// The study reported on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Study {
    /// DICOM (0020,000D).
    pub study_instance_uid: Uid,
    /// DICOM (0008,0050), at most 16 characters.
    pub accession_number: Option<String>,
    /// DICOM (0008,0020).
    pub study_date: Option<Date>,
    /// DICOM (0008,0030); only with a date.
    pub study_time: Option<TimeOfDay>,
    /// DICOM (0008,0060) of the images, as `CT`.
    pub modality: Option<String>,
    /// DICOM (0008,1030), at most 64 characters.
    pub description: Option<String>,
    /// What part of the body was examined.
    pub body_site: Option<Concept>,
    /// DICOM (0008,0090).
    pub referring_physician: Option<PersonName>,
}

/// A code with the system that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concept {
    /// URI of the code system, as `http://snomed.info/sct`.
    pub system: String,
    /// Code.
    pub code: String,
    /// Text for people, at most 64 characters where DICOM carries it.
    pub display: String,
}

/// The narrative, section by section; plain text with line breaks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sections {
    /// Clinical history and question.
    pub clinical_history: Option<String>,
    /// How the study was made.
    pub technique: Option<String>,
    /// What it was compared with.
    pub comparison: Option<String>,
    /// What is seen.
    pub findings: Option<String>,
    /// What it means.
    pub impression: Option<String>,
    /// What should be done.
    pub recommendations: Option<String>,
}

impl Sections {
    /// The sections that have a text, in the order in which a report is read, with their kinds.
    pub fn present(&self) -> impl Iterator<Item = (SectionKind, &str)> {
        SectionKind::ALL.into_iter().filter_map(|kind| Some((kind, self.get(kind)?)))
    }

    /// The text of one section.
    pub fn get(&self, kind: SectionKind) -> Option<&str> {
        let text = match kind {
            SectionKind::ClinicalHistory => &self.clinical_history,
            SectionKind::Technique => &self.technique,
            SectionKind::Comparison => &self.comparison,
            SectionKind::Findings => &self.findings,
            SectionKind::Impression => &self.impression,
            SectionKind::Recommendations => &self.recommendations,
        };
        text.as_deref()
    }

    /// The text of one section, to be set.
    pub fn slot(&mut self, kind: SectionKind) -> &mut Option<String> {
        match kind {
            SectionKind::ClinicalHistory => &mut self.clinical_history,
            SectionKind::Technique => &mut self.technique,
            SectionKind::Comparison => &mut self.comparison,
            SectionKind::Findings => &mut self.findings,
            SectionKind::Impression => &mut self.impression,
            SectionKind::Recommendations => &mut self.recommendations,
        }
    }
}

/// The kinds of sections, in reading order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SectionKind {
    /// `clinicalHistory`
    ClinicalHistory,
    /// `technique`
    Technique,
    /// `comparison`
    Comparison,
    /// `findings`
    Findings,
    /// `impression`
    Impression,
    /// `recommendations`
    Recommendations,
}

impl SectionKind {
    /// All kinds in reading order.
    pub const ALL: [Self; 6] = [
        Self::ClinicalHistory,
        Self::Technique,
        Self::Comparison,
        Self::Findings,
        Self::Impression,
        Self::Recommendations,
    ];

    /// The member name in the report's JSON.
    pub fn json_name(self) -> &'static str {
        match self {
            Self::ClinicalHistory => "clinicalHistory",
            Self::Technique => "technique",
            Self::Comparison => "comparison",
            Self::Findings => "findings",
            Self::Impression => "impression",
            Self::Recommendations => "recommendations",
        }
    }

    /// The heading that people read in English.
    pub fn heading(self) -> &'static str {
        match self {
            Self::ClinicalHistory => "Clinical History",
            Self::Technique => "Technique",
            Self::Comparison => "Comparison",
            Self::Findings => "Findings",
            Self::Impression => "Impression",
            Self::Recommendations => "Recommendations",
        }
    }
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Id, unique within the report.
    pub id: String,
    /// What it is.
    pub code: Option<Concept>,
    /// In words.
    pub text: String,
    /// Where it is.
    pub body_site: Option<Concept>,
    /// On which side.
    pub laterality: Option<Laterality>,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// Whether someone must be told at once.
    pub critical: bool,
    /// Images that show it.
    pub images: Vec<ImageRef>,
}

/// A side of the body. PS3.16 CID 244.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Laterality {
    /// `left`, SCT 7771000
    Left,
    /// `right`, SCT 24028007
    Right,
    /// `bilateral`, SCT 51440002
    Bilateral,
}

/// How bad a finding is. PS3.16 CID 3716.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// `mild`, SCT 255604002
    Mild,
    /// `moderate`, SCT 6736007
    Moderate,
    /// `severe`, SCT 24484000
    Severe,
}

/// A measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measurement {
    /// Id, unique within the report.
    pub id: String,
    /// What was measured.
    pub code: Option<Concept>,
    /// What was measured, in words.
    pub label: String,
    /// How much; the digits are kept.
    pub value: Decimal,
    /// UCUM unit, case-sensitive form, as `mm`; `1` where there is none.
    pub unit: String,
    /// Where it was measured.
    pub body_site: Option<Concept>,
    /// On which side.
    pub laterality: Option<Laterality>,
    /// How it was measured.
    pub method: Option<Concept>,
    /// What is followed through several studies: equal ids name the same lesion.
    pub tracking_id: Option<String>,
    /// The image that it was measured on.
    pub image: Option<ImageRef>,
}

/// An image, or a frame of one, in the study reported on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRef {
    /// DICOM (0020,000E).
    pub series_instance_uid: Uid,
    /// DICOM (0008,0018).
    pub sop_instance_uid: Uid,
    /// DICOM (0008,0016).
    pub sop_class_uid: Option<Uid>,
    /// Frame number, from 1.
    pub frame: Option<u32>,
}

/// An image to be shown with the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyImage {
    /// Which image.
    pub image: ImageRef,
    /// What it shows.
    pub caption: Option<String>,
}

/// Who wrote the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Id of the person in the source system, at most 64 characters.
    pub id: String,
    /// Name.
    pub name: PersonName,
    /// Function, as `radiologist`, at most 64 characters.
    pub role: String,
}

/// Who answers for the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    /// Id of the person in the source system, at most 64 characters.
    pub id: String,
    /// Name.
    pub name: PersonName,
    /// Organization, at most 64 characters.
    pub organization: Option<String>,
}

/// The order that asked for the study.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// DICOM (0040,2016), at most 64 characters.
    pub placer_number: Option<String>,
    /// DICOM (0040,2017), at most 64 characters.
    pub filler_number: Option<String>,
    /// What was asked for.
    pub procedure_code: Option<Concept>,
}

impl Report {
    /// Every image that the report refers to, in order, without repeats of the same image and frame.
    pub fn referenced_images(&self) -> Vec<&ImageRef> {
        let all = self
            .structured_findings
            .iter()
            .flat_map(|finding| &finding.images)
            .chain(self.measurements.iter().filter_map(|measurement| measurement.image.as_ref()))
            .chain(self.key_images.iter().map(|key| &key.image));
        let mut unique: Vec<&ImageRef> = Vec::new();
        for image in all {
            if !unique.contains(&image) {
                unique.push(image);
            }
        }
        unique
    }
}

impl PersonName {
    /// The alphabetic group as PN text, `Doe^Jane^M^Dr^Jr`, without trailing separators.
    pub fn alphabetic(&self) -> String {
        let (first, middle) =
            self.given.split_first().map_or(("", String::new()), |(first, rest)| (first.as_str(), rest.join(" ")));
        let parts = [
            self.family.as_str(),
            first,
            middle.as_str(),
            self.prefix.as_deref().unwrap_or_default(),
            self.suffix.as_deref().unwrap_or_default(),
        ];
        parts.join("^").trim_end_matches('^').to_owned()
    }

    /// The whole DICOM PN text with its groups, `Yamada^Tarou=山田^太郎=やまだ^たろう`. PS3.5 §6.2.1.
    pub fn to_pn(&self) -> String {
        let groups = [
            self.alphabetic(),
            self.ideographic.clone().unwrap_or_default(),
            self.phonetic.clone().unwrap_or_default(),
        ];
        groups.join("=").trim_end_matches('=').to_owned()
    }

    /// From PN text. `None` if it has more than three groups or more than five components in one.
    /// Lengths and characters are not looked at: that is for whoever checks the report.
    pub fn from_pn(text: &str) -> Option<Self> {
        let groups: Vec<&str> = text.split('=').collect();
        if groups.len() > 3 || groups.iter().any(|group| group.split('^').count() > 5) {
            return None;
        }
        let filled = |text: Option<&str>| {
            text.map(|text| text.trim_matches(' ')).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let mut parts = groups.first().copied().unwrap_or_default().split('^');
        let family = filled(parts.next()).unwrap_or_default();
        let given = filled(parts.next());
        let middle = parts.next().unwrap_or_default().split_whitespace().map(str::to_owned);
        let given = match given {
            Some(given) => std::iter::once(given).chain(middle).collect(),
            None => {
                let middle: Vec<String> = middle.collect();
                if middle.is_empty() { middle } else { std::iter::once(String::new()).chain(middle).collect() }
            }
        };
        let prefix = filled(parts.next());
        let suffix = filled(parts.next());
        let group = |index: usize| filled(groups.get(index).map(|group| group.trim_end_matches('^')));
        Some(Self { family, given, prefix, suffix, ideographic: group(1), phonetic: group(2) })
    }

    /// The name as people write it, `Dr Jane M Doe Jr`.
    pub fn to_display(&self) -> String {
        let mut parts: Vec<&str> = Vec::new();
        parts.extend(self.prefix.as_deref());
        parts.extend(self.given.iter().map(String::as_str).filter(|given| !given.is_empty()));
        parts.push(&self.family);
        parts.extend(self.suffix.as_deref());
        parts.retain(|part| !part.is_empty());
        parts.join(" ")
    }
}

macro_rules! coded {
    ($($name:ident { $($variant:ident = $text:literal),* $(,)? })*) => {$(
        impl $name {
            /// All values.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The text in the report's JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The value of a text in the report's JSON.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    )*};
}

coded! {
    Sex { Male = "M", Female = "F", Other = "O" }
    Laterality { Left = "left", Right = "right", Bilateral = "bilateral" }
    Severity { Mild = "mild", Moderate = "moderate", Severe = "severe" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn person_names_survive_pn() {
        for text in
            ["Doe^Jane^Maria Luisa^Dr^Jr", "Doe", "Yamada^Tarou=山田^太郎=やまだ^たろう", "Doe^^^Dr", "Doe^^Middle"]
        {
            assert_eq!(PersonName::from_pn(text).map(|name| name.to_pn()).as_deref(), Some(text));
        }
        assert_eq!(PersonName::from_pn("A^B^C^D^E^F"), None);
        assert_eq!(PersonName::from_pn("A=B=C=D"), None);
        let name = PersonName::from_pn("Doe^Jane^M^Dr^Jr").expect("valid");
        assert_eq!(name.to_display(), "Dr Jane M Doe Jr");
    }
}
