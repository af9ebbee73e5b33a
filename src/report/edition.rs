//! What a rendering needs besides the content: which version it is, when it was verified, what the
//! archive knows of the study, whose letterhead it wears. All of it is fixed once a version has been
//! rendered, so that the same version gives the same bytes.

use crate::base::{LogicalId, Sha256, TenantId, Timestamp, Uid, VersionId};
use crate::dicom::study::StudyFacts;

use super::{Losses, Report, Twin};

/// One version of a report: the facts that do not belong to its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// Whose report it is.
    pub tenant: TenantId,
    /// Which version.
    pub version: VersionId,
    /// When this version was committed; whole milliseconds.
    pub recorded_at: Timestamp,
    /// When it was verified: the same as `recorded_at` in a verified version, else absent.
    pub verified_at: Option<Timestamp>,
    /// The verified version that this one follows, if there is one.
    pub predecessor: Option<Predecessor>,
    /// Why a verified version was changed, if the one who did it said so.
    pub reason: Option<String>,
}

/// A verified version that another one follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predecessor {
    /// Which version.
    pub version: VersionId,
    /// SOP class of its SR: it depends on whether it had measurements.
    pub sop_class_uid: Uid,
    /// SOP instance of its SR.
    pub sop_instance_uid: Uid,
}

/// What stands at the top of a tenant's documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Letterhead {
    /// Name of the organization; also the custodian in SR and the Organization in FHIR.
    pub organization: String,
    /// Address and telephone, line by line.
    pub lines: Vec<String>,
    /// Logo as PNG or JPEG bytes.
    pub logo: Option<Vec<u8>>,
    /// Page size.
    pub page_size: PageSize,
}

/// The page sizes on offer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PageSize {
    /// 210 by 297 mm.
    #[default]
    A4,
    /// 8.5 by 11 inches.
    Letter,
}

/// Pixels of a key image, as the archive rendered them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyImagePixels {
    /// Index in `Report::key_images`.
    pub index: usize,
    /// PNG or JPEG bytes.
    pub bytes: Vec<u8>,
}

/// All that goes into the renderings of one version.
#[derive(Debug, Clone)]
pub struct Rendering<'a> {
    /// Content.
    pub report: &'a Report,
    /// Version.
    pub edition: &'a Edition,
    /// SHA-256 of the canonical content; every rendition carries it.
    pub content_digest: Sha256,
    /// What the archive knows of the study; empty when it knows nothing or could not be asked.
    pub study: &'a StudyFacts,
    /// Letterhead of the tenant.
    pub letterhead: &'a Letterhead,
    /// Key images that could be fetched.
    pub images: &'a [KeyImagePixels],
    /// What could not be had from the archive; every rendition repeats it in its loss report.
    pub missing: &'a Losses,
    /// Public base URL of the gateway without a slash at its end, with the tenant's path in it.
    pub public_url: &'a str,
}

/// A finished rendition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Form.
    pub twin: Twin,
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// SOP class and instance, of DICOM forms.
    pub sop: Option<(Uid, Uid)>,
    /// What it does not carry.
    pub losses: Losses,
}

impl Rendering<'_> {
    /// Where a rendition of this version can be fetched, by whoever may read the report.
    pub fn rendition_url(&self, twin: Twin) -> String {
        let (report, version) = (&self.report.id, self.edition.version);
        format!("{}/api/reports/{report}/versions/{version}/{}", self.public_url, twin.as_str())
    }
}

impl Edition {
    /// The SOP instance UID of a DICOM rendition of a report version. It is derived, so that a retry
    /// makes the same instance (spec/dicom-sr §2, idempotency).
    pub fn sop_instance_uid(tenant: &TenantId, report: &LogicalId, version: VersionId, twin: Twin) -> Uid {
        Uid::derived(&["sop-instance", tenant.as_str(), report.as_str(), &version.to_string(), twin.as_str()])
    }

    /// The series of all renditions of one kind of a report. Versions share it; it is never a series of
    /// images.
    pub fn series_instance_uid(tenant: &TenantId, report: &LogicalId, twin: Twin) -> Uid {
        Uid::derived(&["series", tenant.as_str(), report.as_str(), twin.as_str()])
    }
}
