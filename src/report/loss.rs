//! What a mapping could not carry. Nothing is left out in silence.

/// The forms that a report takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Twin {
    /// FHIR R4 Bundle.
    Fhir,
    /// DICOM structured report.
    DicomSr,
    /// PDF.
    Pdf,
    /// DICOM Encapsulated PDF.
    EncapsulatedPdf,
    /// DICOM Key Object Selection.
    KeyObject,
    /// Plain text.
    Text,
}

impl Twin {
    /// All forms.
    pub const ALL: [Self; 6] =
        [Self::Fhir, Self::DicomSr, Self::Pdf, Self::EncapsulatedPdf, Self::KeyObject, Self::Text];

    /// The name in paths, bodies and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fhir => "fhir",
            Self::DicomSr => "dicom-sr",
            Self::Pdf => "pdf",
            Self::EncapsulatedPdf => "dicom-pdf",
            Self::KeyObject => "dicom-ko",
            Self::Text => "txt",
        }
    }

    /// The form of a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|twin| twin.as_str() == text)
    }

    /// Media type of the form.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Fhir => "application/fhir+json",
            Self::DicomSr | Self::EncapsulatedPdf | Self::KeyObject => "application/dicom",
            Self::Pdf => "application/pdf",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    /// Ending of a file's name without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Fhir => "json",
            Self::DicomSr => "sr.dcm",
            Self::Pdf => "pdf",
            Self::EncapsulatedPdf => "pdf.dcm",
            Self::KeyObject => "ko.dcm",
            Self::Text => "txt",
        }
    }
}

/// One thing that was not carried, or not as it came.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Loss {
    /// Element of the source: a path in the report (`measurements[0].method`), a FHIRPath, or a tag.
    pub path: String,
    /// What happened to it, lower case, no full stop, without the value itself.
    pub detail: String,
}

/// All that was not carried by one mapping.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Losses(pub Vec<Loss>);

impl Losses {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn add(&mut self, path: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Loss { path: path.into(), detail: detail.into() });
    }

    /// Whether everything was carried.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
