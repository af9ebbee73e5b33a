//! The conformance statement of a configuration: the sections of each edge in the order of PS3.2 Annex N.

use crate::config::Config;
use crate::dicom::conformance::{Section, Statement, character_sets, created, introduction, queries, transformations};
use crate::dimse::{DimseSettings, conformance};
use crate::http::dicomweb::conformance_section;
use crate::ops::studies::returned;

/// What this server offers over DICOM.
pub(super) fn statement(config: &Config, dimse: &DimseSettings) -> Statement {
    Statement {
        title: "DICOM Conformance Statement: Causeway".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sections: vec![
            conformance::overview(),
            introduction(),
            conformance::networking(dimse),
            conformance_section(&config.dicomweb),
            queries(&returned()),
            transformations(),
            media(),
            character_sets(),
            conformance::security(dimse),
            created(),
        ],
    }
}

fn media() -> Section {
    Section::new("Media interchange").text(
        "Files of PS3.10 are read by the command line (causeway import dicom), from folders and from media: a DICOMDIR \
         (Media Storage Directory, 1.2.840.10008.1.3.10) is followed. No media are written.",
    )
}
