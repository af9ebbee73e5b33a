//! What a DICOMweb peer or an Orthanc takes: searches, and, where it may be tried, storage, retrieval in each form, and
//! deletion; and whether pages in a browser may ask it.

use std::sync::Arc;

use crate::base::Clock;
use crate::dicom::status::StoreStatus;
use crate::remote::dicomweb::{DicomwebPeer, Tried};
use crate::remote::egress::HttpError;
use crate::remote::orthanc::OrthancPeer;
use crate::remote::peer::PeerSettings;

use super::dimse::refusal;
use super::{Level, PeerReport, Trial, http, object};

pub(super) async fn dicomweb(settings: &PeerSettings, clock: Arc<dyn Clock>, trial: &Trial, report: &mut PeerReport) {
    let peer = match DicomwebPeer::new(settings, clock).await {
        Ok(peer) => peer,
        Err(error) => return http(&error, report),
    };
    match peer.probe().await {
        Ok(()) => report.add(Level::Good, "answers searches for studies (QIDO-RS)"),
        Err(error) => return http(&error, report),
    }
    if trial.stores {
        stored(&peer, report).await;
    }
    if let Some(origin) = &trial.origin {
        browsers(&peer, origin, report).await;
    }
}

/// Stores the test object, gets it back in each form, and takes it away again.
async fn stored(peer: &DicomwebPeer, report: &mut PeerReport) {
    let Some(instance) = object::instance() else { return };
    let outcome = match peer.store(&[instance]).await {
        Ok(outcomes) => outcomes.into_iter().next(),
        Err(error) => return report.add(Level::Problem, format!("cannot be stored to (STOW-RS): {error}")),
    };
    let Some(outcome) = outcome else { return };
    if !outcome.class.is_kept() && outcome.status != Some(StoreStatus::DUPLICATE_SOP_INSTANCE) {
        return report.add(Level::Problem, refusal(&outcome));
    }
    report.add(Level::Good, format!("has taken {} (STOW-RS)", object::name()));
    match peer.count_studies(object::STUDY_UID).await {
        Ok(1) => report.add(Level::Good, "finds the test object (QIDO-RS)"),
        Ok(0) => {
            report.add(Level::Notice, "does not find the test object by its study UID (QIDO-RS); it may index later");
        }
        Ok(_) => report.add(Level::Problem, "answers a search for one study with several: it ignores StudyInstanceUID"),
        Err(error) => report.add(Level::Problem, format!("cannot be searched by StudyInstanceUID: {error}")),
    }
    for form in FORMS {
        let path = ["studies", object::STUDY_UID, "series", object::SERIES_UID, "instances", object::INSTANCE_UID];
        let path: Vec<&str> = path.into_iter().chain(form.below).collect();
        match peer.try_get(&path, form.accept).await {
            Ok(Tried { status: 200, body }) if form.fits(&body) => {
                report.add(Level::Good, format!("gives {} (WADO-RS)", form.name));
            }
            Ok(Tried { status: 200, .. }) => {
                report
                    .add(form.level(), format!("answers 200 to a request for {}, and gives something else", form.name));
            }
            Ok(Tried { status, .. }) => {
                report.add(
                    form.level(),
                    format!("does not give {}: status {status} to Accept: {}", form.name, form.accept),
                );
            }
            Err(error) => report.add(form.level(), format!("does not give {}: {error}", form.name)),
        }
    }
    match peer.delete_study(object::STUDY_UID).await {
        Ok(Tried { status: 200..=299, .. }) => report.add(Level::Good, "has deleted the test object again"),
        Ok(Tried { status, .. }) => report.add(Level::Notice, left(&format!("status {status} to DELETE"))),
        Err(error) => report.add(Level::Notice, left(&error.to_string())),
    }
}

fn left(why: &str) -> String {
    format!("{} stays there ({why}): delete it by hand", object::name())
}

/// Asks as a browser does before a page of `origin` may ask. Fetch §3.2.2: a preflight bears no credentials.
async fn browsers(peer: &DicomwebPeer, origin: &str, report: &mut PeerReport) {
    let tried = match peer.preflight(origin).await {
        Ok(tried) => tried,
        Err(error) => return report.add(Level::Notice, format!("pages in browsers cannot ask it (CORS): {error}")),
    };
    let is_allowed = tried.allowed_origin.as_deref().is_some_and(|allowed| allowed == origin || allowed == "*");
    let allows = |name: &str| {
        let named = tried.allowed_headers.as_deref().unwrap_or_default().to_ascii_lowercase();
        // A star stands for all but Authorization. Fetch §3.2.5.
        named.split(',').any(|one| one.trim() == name)
    };
    match (tried.status, is_allowed) {
        (401 | 403, _) => report.add(
            Level::Notice,
            "pages in browsers cannot ask it (CORS): it wants credentials for OPTIONS, which no browser sends; let \
             OPTIONS through without",
        ),
        (200..=299, true) if allows("authorization") => {
            report.add(Level::Good, format!("pages of {origin} may ask it with a token (CORS)"));
        }
        (200..=299, true) => report.add(
            Level::Notice,
            format!("pages of {origin} may ask it without a token only (CORS): add Authorization to Access-Control-Allow-Headers"),
        ),
        _ => report.add(
            Level::Notice,
            format!("pages of {origin} may not ask it (CORS): viewers in browsers come through this gateway, or it has to allow that origin"),
        ),
    }
}

pub(super) async fn orthanc(settings: &PeerSettings, clock: Arc<dyn Clock>, trial: &Trial, report: &mut PeerReport) {
    let peer = match OrthancPeer::new(settings, clock).await {
        Ok(peer) => peer,
        Err(error) => return http(&error, report),
    };
    match peer.system().await {
        Ok(system) if super::at_least_1_9_4(&system.version) => {
            report.add(Level::Good, format!("is Orthanc {}", system.version));
        }
        Ok(system) => return report.add(Level::Problem, format!("is Orthanc {}; 1.9.4 is needed", system.version)),
        Err(error) => return http(&error, report),
    }
    match peer.has_dicomweb().await {
        Ok(true) => report.add(Level::Good, "has the DICOMweb plugin"),
        Ok(false) => report.add(Level::Notice, "has no DICOMweb plugin; deliveries do not need it"),
        Err(error) => report.add(Level::Notice, format!("does not say whether it has the DICOMweb plugin: {error}")),
    }
    let Some(instance) = object::instance().filter(|_| trial.stores) else { return };
    match peer.store(&[instance]).await.map(|outcomes| outcomes.into_iter().next()) {
        Ok(Some(outcome)) if outcome.class.is_kept() => {
            report.add(Level::Good, format!("has taken {}", object::name()));
        }
        Ok(Some(outcome)) => return report.add(Level::Problem, refusal(&outcome)),
        Ok(None) => return,
        Err(error) => return report.add(Level::Problem, format!("cannot be stored to: {error}")),
    }
    match peer.remove_study(object::STUDY_UID).await {
        Ok(true) => report.add(Level::Good, "finds the test object, and has deleted it again"),
        Ok(false) => report.add(Level::Problem, "does not find the test object that it has taken"),
        Err(HttpError::Status { status, .. }) => report.add(Level::Notice, left(&format!("status {status} to DELETE"))),
        Err(error) => report.add(Level::Notice, left(&error.to_string())),
    }
}

/// A form in which the test object is asked for.
struct Form {
    name: &'static str,
    accept: &'static str,
    /// What stands below the instance in its path.
    below: Option<&'static str>,
    /// Whether a viewer cannot do without.
    is_needed: bool,
    /// What the answer looks like.
    looks: Looks,
}

#[derive(Clone, Copy)]
enum Looks {
    Json,
    Parts,
    File,
}

impl Form {
    fn level(&self) -> Level {
        if self.is_needed { Level::Problem } else { Level::Notice }
    }

    fn fits(&self, body: &[u8]) -> bool {
        match self.looks {
            Looks::Json => body.trim_ascii_start().starts_with(b"["),
            Looks::Parts => body.trim_ascii_start().starts_with(b"--"),
            Looks::File => body.get(128..132) == Some(b"DICM"),
        }
    }
}

/// The forms that viewers ask for. PS3.18 §10.4.
const FORMS: &[Form] = &[
    Form {
        name: "metadata as JSON",
        accept: "application/dicom+json",
        below: Some("metadata"),
        is_needed: true,
        looks: Looks::Json,
    },
    Form {
        name: "metadata where the Accept has a list",
        accept: "application/dicom+json, multipart/related; type=application/octet-stream; transfer-syntax=*",
        below: Some("metadata"),
        is_needed: false,
        looks: Looks::Json,
    },
    Form {
        name: "an instance in parts",
        accept: "multipart/related; type=\"application/dicom\"",
        below: None,
        is_needed: true,
        looks: Looks::Parts,
    },
    Form {
        name: "an instance as it is kept",
        accept: "multipart/related; type=\"application/dicom\"; transfer-syntax=*",
        below: None,
        is_needed: false,
        looks: Looks::Parts,
    },
    Form {
        name: "an instance as one file",
        accept: "application/dicom",
        below: None,
        is_needed: false,
        looks: Looks::File,
    },
];
