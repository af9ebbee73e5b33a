//! `peer test`: what a peer answers when it is called, in plain words, without sending it anything of a
//! patient.

use std::sync::Arc;

use crate::base::{Clock, Uid};
use crate::remote::dicomweb::DicomwebPeer;
use crate::remote::dimse::{DimseError, DimsePeer};
use crate::remote::egress::HttpError;
use crate::remote::fhir::FhirPeer;
use crate::remote::orthanc::OrthancPeer;
use crate::report::Twin;

use super::{Auth, PeerKind, PeerSettings};

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
pub async fn test(settings: &PeerSettings, clock: Arc<dyn Clock>) -> PeerReport {
    let mut report = PeerReport { name: settings.name.to_string(), findings: Vec::new() };
    let problems = settings.check();
    for problem in problems.iter() {
        report.add(Level::Problem, format!("settings: {problem}"));
    }
    if !problems.is_empty() {
        return report;
    }
    match settings.kind {
        PeerKind::Dimse => Box::pin(dimse(settings, &mut report)).await,
        PeerKind::Dicomweb => {
            let answer = async { DicomwebPeer::new(settings, clock).await?.probe().await };
            match Box::pin(answer).await {
                Ok(()) => report.add(Level::Good, "answers searches for studies (QIDO-RS)"),
                Err(error) => http(&error, &mut report),
            }
        }
        PeerKind::Fhir => Box::pin(fhir(settings, clock, &mut report)).await,
        PeerKind::Orthanc => Box::pin(orthanc(settings, clock, &mut report)).await,
    }
    unencrypted(settings, &mut report);
    report
}

async fn dimse(settings: &PeerSettings, report: &mut PeerReport) {
    let peer = match DimsePeer::new(settings).await {
        Ok(peer) => peer,
        Err(error) => return report.add(Level::Problem, error.to_string()),
    };
    match peer.echo().await {
        Ok(echo) => {
            let by = echo.implementation.map(|name| format!(" by {name}")).unwrap_or_default();
            report.add(Level::Good, format!("echo answered in {} ms{by}", echo.round_trip.as_millis()));
        }
        Err(DimseError::NoVerification) => {
            report.add(Level::Notice, "association accepted, but not for verification (C-ECHO)");
        }
        Err(error) => return report.add(Level::Problem, format!("{error}{}", advice(&error))),
    }
    let classes = sop_classes(settings);
    let uids: Vec<_> = classes.iter().filter_map(|(uid, _, _)| Uid::parse(uid).ok()).collect();
    match peer.offers(&uids).await {
        Err(error) => report.add(Level::Problem, format!("storage cannot be negotiated: {error}{}", advice(&error))),
        Ok(offers) => {
            for ((_, name, _), offer) in classes.iter().zip(offers) {
                if offer.transfer_syntax_uids.is_empty() {
                    report.add(Level::Problem, format!("{name} is not accepted"));
                } else {
                    report.add(Level::Good, format!("{name} is accepted"));
                }
            }
        }
    }
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

async fn orthanc(settings: &PeerSettings, clock: Arc<dyn Clock>, report: &mut PeerReport) {
    let answer = async { OrthancPeer::new(settings, clock).await?.system().await };
    match Box::pin(answer).await {
        Ok(system) if at_least_1_9_4(&system.version) => {
            report.add(Level::Good, format!("is Orthanc {}", system.version));
        }
        Ok(system) => report.add(Level::Problem, format!("is Orthanc {}; 1.9.4 is needed", system.version)),
        Err(error) => http(&error, report),
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

fn advice(error: &DimseError) -> &'static str {
    match error {
        DimseError::Rejected(rejection) if (rejection.source, rejection.reason) == (1, 7) => ": check called_ae_title",
        DimseError::Rejected(rejection) if (rejection.source, rejection.reason) == (1, 3) => {
            ": the peer must know calling_ae_title"
        }
        DimseError::Lost(_) | DimseError::Timeout { .. } => ": check port, and whether the peer wants TLS",
        DimseError::Handshake(_) => ": check that the port speaks TLS, and the certificates",
        _ => "",
    }
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
mod tests {
    use super::*;

    #[test]
    fn versions_of_orthanc_are_compared_as_numbers() {
        for good in ["1.9.4", "1.10.1", "1.12.10", "2.0", "mainline"] {
            assert!(at_least_1_9_4(good), "{good}");
        }
        for bad in ["1.9.3", "1.8.12", "", "x"] {
            assert!(!at_least_1_9_4(bad), "{bad}");
        }
    }
}
