//! `[letterhead]`: what stands at the top of documents.

use std::path::PathBuf;

use super::kind::choice;
use super::section::section;
use crate::report;

section! {
    /// What stands at the top of documents of a tenant that has no letterhead of its own.
    Letterhead {
        /// Name of the organization; also the custodian in SR and the Organization in FHIR.
        organization: String = String::new();
        /// Address and telephone, line by line.
        lines: Vec<String> = Vec::new();
        /// PNG or JPEG file with the logo.
        logo_file: Option<PathBuf> = None;
        /// Size of the pages.
        page_size: PageSize = PageSize::A4;
    }
}

choice! {
    /// The page sizes on offer.
    PageSize {
        /// 210 by 297 mm.
        A4 = "a4",
        /// 8.5 by 11 inches.
        Letter = "letter",
    }
}

impl Letterhead {
    /// The letterhead as documents wear it, with the bytes of `logo_file`.
    pub fn to_report(&self, logo: Option<Vec<u8>>) -> report::Letterhead {
        report::Letterhead {
            organization: self.organization.clone(),
            lines: self.lines.clone(),
            logo,
            page_size: match self.page_size {
                PageSize::A4 => report::PageSize::A4,
                PageSize::Letter => report::PageSize::Letter,
            },
        }
    }
}
