//! Peers: the systems that reports are delivered to and that studies are asked of. Their settings come
//! from the configuration (`[[peer]]`) or from an administrator, and say all that a client needs.

mod check;
mod secrets;
mod test;

pub use secrets::UnreadableSettings;
pub use test::{Finding, Level, PeerReport, Trial, test};

use std::time::Duration;

use url::Url;

use crate::base::{AeTitle, PeerName, Secret};

use super::tls::TlsSettings;

/// The settings of one peer. Which of them there must be depends on its kind; [`PeerSettings::check`]
/// knows. Secrets print and serialise as `***`; [`PeerSettings::to_sealed_json`] keeps them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerSettings {
    /// Name, unique within a tenant.
    pub name: PeerName,
    /// What it speaks.
    pub kind: PeerKind,
    /// Host name or IP address, of a DIMSE peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// TCP port, of a DIMSE peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// AE title of a DIMSE peer.
    #[serde(default, alias = "calledAeTitle", skip_serializing_if = "Option::is_none")]
    pub called_ae_title: Option<AeTitle>,
    /// AE title that we call with; `CAUSEWAY` where absent.
    #[serde(default, alias = "callingAeTitle", skip_serializing_if = "Option::is_none")]
    pub calling_ae_title: Option<AeTitle>,
    /// Base URL of an HTTP peer: the DICOMweb root, the FHIR base, or the root of Orthanc.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// TLS. A DIMSE peer is called with TLS if this is given; an HTTP peer if its URL says `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
    /// How we show who we are to an HTTP peer.
    #[serde(default)]
    pub auth: Auth,
    /// How long to wait for what.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// Names of the forms of a report that it gets; all that its kind can take where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formats: Option<Vec<String>>,
}

/// What a peer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerKind {
    /// DICOM upper layer: C-ECHO and C-STORE.
    Dimse,
    /// DICOMweb: STOW-RS, QIDO-RS, WADO-RS.
    Dicomweb,
    /// A FHIR R4 server.
    Fhir,
    /// Orthanc's own REST interface.
    Orthanc,
}

/// How we show who we are to an HTTP peer.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// User name and password. RFC 7617.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: Secret,
    },
    /// A token that does not change. RFC 6750.
    Bearer {
        /// The token.
        token: Secret,
    },
    /// A token from an authorization server. RFC 6749 §4.4.
    ClientCredentials {
        /// Token endpoint.
        #[serde(alias = "tokenUrl")]
        token_url: Url,
        /// Client id.
        #[serde(alias = "clientId")]
        client_id: String,
        /// Client secret, sent as HTTP Basic (RFC 6749 §2.3.1).
        #[serde(default, alias = "clientSecret", skip_serializing_if = "Option::is_none")]
        client_secret: Option<Secret>,
        /// Private key in PEM for a signed assertion in place of the secret (RFC 7523 §2.2,
        /// `private_key_jwt`).
        #[serde(default, alias = "privateKeyPem", skip_serializing_if = "Option::is_none")]
        private_key_pem: Option<Secret>,
        /// Key id that the assertion names.
        #[serde(default, alias = "keyId", skip_serializing_if = "Option::is_none")]
        key_id: Option<String>,
        /// Scopes to ask for.
        #[serde(default)]
        scopes: Vec<String>,
    },
}

/// How long to wait for what, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// Connection, and TLS handshake.
    #[serde(alias = "connectSeconds")]
    pub connect_seconds: u32,
    /// Answer to a DICOM association request.
    #[serde(alias = "associationSeconds")]
    pub association_seconds: u32,
    /// Answer to a request, and each pause within it.
    #[serde(alias = "responseSeconds")]
    pub response_seconds: u32,
    /// The peer taking a piece of what we send.
    #[serde(alias = "sendSeconds")]
    pub send_seconds: u32,
    /// A whole HTTP exchange from the first byte sent to the last byte read.
    #[serde(alias = "totalSeconds")]
    pub total_seconds: u32,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect_seconds: 10,
            association_seconds: 30,
            response_seconds: 60,
            send_seconds: 60,
            total_seconds: 600,
        }
    }
}

impl Timeouts {
    /// Connection, and TLS handshake.
    pub(super) fn connect(self) -> Duration {
        Duration::from_secs(self.connect_seconds.into())
    }

    /// Answer to an association request.
    pub(super) fn association(self) -> Duration {
        Duration::from_secs(self.association_seconds.into())
    }

    /// Answer to a request.
    pub(super) fn response(self) -> Duration {
        Duration::from_secs(self.response_seconds.into())
    }

    /// The peer taking a piece.
    pub(super) fn send(self) -> Duration {
        Duration::from_secs(self.send_seconds.into())
    }

    /// A whole HTTP exchange.
    pub(super) fn total(self) -> Duration {
        Duration::from_secs(self.total_seconds.into())
    }
}

impl PeerKind {
    /// The name in settings and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dimse => "dimse",
            Self::Dicomweb => "dicomweb",
            Self::Fhir => "fhir",
            Self::Orthanc => "orthanc",
        }
    }
}

impl PeerSettings {
    /// A DIMSE peer with the usual settings.
    pub fn dimse(name: PeerName, host: impl Into<String>, port: u16, called_ae_title: AeTitle) -> Self {
        Self {
            host: Some(host.into()),
            port: Some(port),
            called_ae_title: Some(called_ae_title),
            ..Self::empty(name, PeerKind::Dimse)
        }
    }

    /// An HTTP peer with the usual settings.
    pub fn http(name: PeerName, kind: PeerKind, url: Url) -> Self {
        Self { url: Some(url), ..Self::empty(name, kind) }
    }

    fn empty(name: PeerName, kind: PeerKind) -> Self {
        Self {
            name,
            kind,
            host: None,
            port: None,
            called_ae_title: None,
            calling_ae_title: None,
            url: None,
            tls: None,
            auth: Auth::None,
            timeouts: Timeouts::default(),
            formats: None,
        }
    }
}

/// The AE title that we call with where the settings name none.
pub(super) const CALLING_AE_TITLE: &str = "CAUSEWAY";

#[cfg(test)]
mod tests;
