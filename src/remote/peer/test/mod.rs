//! `peer test`: what a peer answers when it is called, in plain words, without sending it anything of a
//! patient.

mod dimse;
mod object;
mod web;

use std::sync::Arc;

use crate::base::Clock;
use crate::remote::egress::HttpError;
use crate::remote::fhir::FhirPeer;
use crate::report::Twin;

use super::{Auth, PeerKind, PeerSettings};

/// How far a test goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trial {
    /// Whether a test object is stored, asked for, and taken away where the peer can delete. It says what it is, has
    /// UIDs of ours and no patient.
    pub stores: bool,
    /// The origin of the pages of a viewer, as `https://viewer.example`, if it is to be found out whether they may ask a
    /// DICOMweb peer.
    pub origin: Option<String>,
}

/// What was found out about a peer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PeerReport {
    /// Name of the peer.
    pub name: String,
    /// What was found, in the order of the steps.
    pub findings: Vec<Finding>,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// How it is to be taken.
    pub level: Level,
    /// One sentence, lower case, no full stop.
    pub text: String,
}

/// How a finding is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Good,
    /// Works, but someone should know.
    Notice,
    /// Deliveries will fail.
    Problem,
}

impl PeerReport {
    /// Whether deliveries can be expected to work.
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.level != Level::Problem)
    }

    fn add(&mut self, level: Level, text: impl Into<String>) {
        self.findings.push(Finding { level, text: text.into() });
    }
}

/// Calls a peer and reports what it answers.
pub async fn test(settings: &PeerSettings, clock: Arc<dyn Clock>, trial: &Trial) -> PeerReport {
    let mut report = PeerReport { name: settings.name.to_string(), findings: Vec::new() };
    let problems = settings.check();
    for problem in problems.iter() {
        report.add(Level::Problem, format!("settings: {problem}"));
    }
    if !problems.is_empty() {
        return report;
    }
    match settings.kind {
        PeerKind::Dimse => Box::pin(dimse::test(settings, trial, &mut report)).await,
        PeerKind::Dicomweb => Box::pin(web::dicomweb(settings, clock, trial, &mut report)).await,
        PeerKind::Fhir => Box::pin(fhir(settings, clock, &mut report)).await,
        PeerKind::Orthanc => Box::pin(web::orthanc(settings, clock, trial, &mut report)).await,
    }
    unencrypted(settings, &mut report);
    report
}

/// The SOP classes that reports are sent as, as far as the settings want them.
fn sop_classes(settings: &PeerSettings) -> Vec<(&'static str, &'static str, Twin)> {
    let all = [
        ("1.2.840.10008.5.1.4.1.1.88.11", "basic text SR", Twin::DicomSr),
        ("1.2.840.10008.5.1.4.1.1.88.33", "comprehensive SR", Twin::DicomSr),
        ("1.2.840.10008.5.1.4.1.1.104.1", "encapsulated PDF", Twin::EncapsulatedPdf),
        ("1.2.840.10008.5.1.4.1.1.88.59", "key object selection", Twin::KeyObject),
    ];
    let wanted = |twin: Twin| {
        settings.formats.as_ref().is_none_or(|formats| formats.iter().any(|format| format == twin.as_str()))
    };
    all.into_iter().filter(|(_, _, twin)| wanted(*twin)).collect()
}

async fn fhir(settings: &PeerSettings, clock: Arc<dyn Clock>, report: &mut PeerReport) {
    let answer = async { FhirPeer::new(settings, clock).await?.metadata().await };
    let server = match Box::pin(answer).await {
        Ok(server) => server,
        Err(error) => return http(&error, report),
    };
    let software = server.software.unwrap_or_else(|| "a server without name".to_owned());
    if server.fhir_version.starts_with("4.0") {
        report.add(Level::Good, format!("{software} speaks FHIR {}", server.fhir_version));
    } else {
        report.add(Level::Problem, format!("{software} speaks FHIR {}, not R4 (4.0)", server.fhir_version));
    }
    if server.takes_transactions {
        report.add(Level::Good, "takes transactions");
    } else {
        report.add(Level::Notice, "does not list the interaction transaction, which deliveries use");
    }
}

/// `mainline` builds count as new.
fn at_least_1_9_4(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    match (parts.next().flatten(), parts.next().flatten(), parts.next().flatten()) {
        (Some(major), Some(minor), patch) => (major, minor, patch.unwrap_or_default()) >= (1, 9, 4),
        _ => version == "mainline",
    }
}

fn http(error: &HttpError, report: &mut PeerReport) {
    let advice = match error {
        HttpError::Status { status: 300..=399, .. } => ": it redirects; give the final URL",
        HttpError::Status { status: 401, .. } => ": check auth",
        HttpError::Status { status: 403, .. } => ": these credentials may not do this",
        HttpError::Status { status: 404, .. } => ": check the path of url",
        _ => "",
    };
    report.add(Level::Problem, format!("{error}{advice}"));
}

fn unencrypted(settings: &PeerSettings, report: &mut PeerReport) {
    match (&settings.url, &settings.auth) {
        (None, _) if settings.tls.is_none() => {
            report.add(Level::Notice, "connection is not encrypted: tls is not set");
        }
        (Some(url), Auth::None) if url.scheme() == "http" => {
            report.add(Level::Notice, "connection is not encrypted: url is http");
        }
        (Some(url), _) if url.scheme() == "http" => {
            report.add(Level::Notice, "credentials travel unencrypted: url is http");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
