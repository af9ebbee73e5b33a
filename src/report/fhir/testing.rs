//! What the tests of both directions share.

use crate::base::{TenantId, Timestamp, VersionId};
use crate::dicom::study::StudyFacts;
use crate::report::{Edition, Letterhead, Losses, Predecessor, Rendering, Report};

use super::write::Attachment;

/// What a rendering borrows.
pub(super) struct Case {
    pub(super) report: Report,
    pub(super) edition: Edition,
    pub(super) study: StudyFacts,
    pub(super) letterhead: Letterhead,
    missing: Losses,
}

impl Case {
    pub(super) fn of(report: Report) -> Self {
        let recorded_at = Timestamp::parse("2026-02-03T04:05:06.070Z").expect("valid");
        let predecessor = (report.status.is_verified() && report.status.may_begin()).then(|| Predecessor {
            version: VersionId(2),
            sop_class_uid: crate::base::Uid::parse("1.2.840.10008.5.1.4.1.1.88.11").expect("valid"),
            sop_instance_uid: crate::base::Uid::derived(&["predecessor"]),
        });
        let edition = Edition {
            tenant: TenantId::default_tenant(),
            version: VersionId(if predecessor.is_some() { 3 } else { 1 }),
            recorded_at,
            verified_at: report.status.is_verified().then_some(recorded_at),
            reason: predecessor.is_some().then(|| "measurement <b>corrected</b>".to_owned()),
            predecessor,
        };
        let letterhead = Letterhead {
            organization: "Radiology Partners & Co".to_owned(),
            lines: vec!["1 Main Street".to_owned(), "Springfield".to_owned()],
            ..Letterhead::default()
        };
        Self { report, edition, study: StudyFacts::default(), letterhead, missing: Losses::new() }
    }

    pub(super) fn rendering(&self) -> Rendering<'_> {
        Rendering {
            report: &self.report,
            edition: &self.edition,
            content_digest: self.report.content_digest(),
            study: &self.study,
            letterhead: &self.letterhead,
            images: &[],
            missing: &self.missing,
            public_url: "https://gateway.example/t/one",
        }
    }

    /// A text that stands inline, and two files that are fetched.
    pub(super) fn attachments(&self) -> [Attachment<'static>; 3] {
        let file = |content_type, title, url, bytes| Attachment {
            content_type,
            title,
            url: Some(url),
            bytes,
            inline: false,
            creation: self.edition.recorded_at,
        };
        [
            Attachment {
                inline: true,
                ..file(
                    "text/plain; charset=utf-8",
                    "Report as text",
                    "https://gateway.example/t/one/x.txt",
                    Some(&b"text"[..]),
                )
            },
            file("application/pdf", "Report as PDF", "https://gateway.example/t/one/x.pdf", Some(&b"%PDF-1.7"[..])),
            file("application/dicom", "Report as DICOM SR", "https://gateway.example/t/one/x.dcm", None),
        ]
    }
}
