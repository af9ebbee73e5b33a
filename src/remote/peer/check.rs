//! What settings of a peer must hold.

use url::{Host, Url};

use crate::base::{ProblemCode, Problems, Secret};
use crate::remote::egress;
use crate::report::Twin;

use super::{Auth, PeerKind, PeerSettings, Timeouts};

impl PeerSettings {
    /// All that is wrong with these settings. Values are not repeated.
    pub fn check(&self) -> Problems {
        let mut problems = Problems::new();
        match self.kind {
            PeerKind::Dimse => self.check_dimse(&mut problems),
            PeerKind::Dicomweb | PeerKind::Fhir | PeerKind::Orthanc => self.check_http(&mut problems),
        }
        if let Some(tls) = &self.tls {
            tls.check("tls", &mut problems);
        }
        check_timeouts(self.timeouts, &mut problems);
        for (index, format) in self.formats.iter().flatten().enumerate() {
            match Twin::parse(format) {
                None => {
                    problems.add(format!("formats[{index}]"), ProblemCode::CodeInvalid, "is not a form of a report");
                }
                Some(twin) if !self.kind.takes(twin) => problems.add(
                    format!("formats[{index}]"),
                    ProblemCode::Invariant,
                    format!("cannot be sent to a peer of kind {}", self.kind.as_str()),
                ),
                Some(_) => {}
            }
        }
        if self.formats.as_ref().is_some_and(Vec::is_empty) {
            problems.add("formats", ProblemCode::Value, "is empty; leave it out to send all forms");
        }
        problems
    }

    fn check_dimse(&self, problems: &mut Problems) {
        required(self.host.is_some(), "host", problems);
        required(self.port.is_some(), "port", problems);
        required(self.called_ae_title.is_some(), "called_ae_title", problems);
        foreign(self.url.is_some(), "url", problems);
        foreign(self.auth != Auth::None, "auth", problems);
        if self.host.as_deref().is_some_and(|host| crate::remote::tls::server_name(host).is_none()) {
            problems.add("host", ProblemCode::Value, "is not a host name or IP address");
        }
        if self.port == Some(0) {
            problems.add("port", ProblemCode::Value, "is 1 to 65535");
        }
        if self.tls.as_ref().is_some_and(|tls| !tls.has_authorities()) {
            problems.add("tls.ca_file", ProblemCode::Required, "is needed to verify the peer");
        }
    }

    fn check_http(&self, problems: &mut Problems) {
        required(self.url.is_some(), "url", problems);
        foreign(self.host.is_some(), "host", problems);
        foreign(self.port.is_some(), "port", problems);
        foreign(self.called_ae_title.is_some(), "called_ae_title", problems);
        foreign(self.calling_ae_title.is_some(), "calling_ae_title", problems);
        if let Some(url) = &self.url {
            egress::check_url("url", url, problems);
        }
        if self.tls.as_ref().is_some_and(|tls| tls.server_name.is_some()) {
            problems.add("tls.server_name", ProblemCode::Invariant, "an HTTP peer is verified by the host of its URL");
        }
        match &self.auth {
            Auth::None => {}
            Auth::Basic { username, password } => {
                if username.is_empty() || username.contains(':') {
                    problems.add("auth.username", ProblemCode::Value, "is empty or holds a colon (RFC 7617 §2)");
                }
                check_secret("auth.password", password, problems);
            }
            Auth::Bearer { token } => {
                check_secret("auth.token", token, problems);
                if !token.expose().bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
                    problems.add("auth.token", ProblemCode::Value, "holds a character that no token has");
                }
            }
            Auth::ClientCredentials { token_url, client_id, client_secret, private_key_pem, scopes, .. } => {
                egress::check_url("auth.token_url", token_url, problems);
                if token_url.scheme() == "http" && !is_loopback(token_url) {
                    problems.add("auth.token_url", ProblemCode::Value, "must be https");
                }
                required(!client_id.is_empty(), "auth.client_id", problems);
                for (at, secret) in [("auth.client_secret", client_secret), ("auth.private_key_pem", private_key_pem)] {
                    if let Some(secret) = secret {
                        check_secret(at, secret, problems);
                    }
                }
                if client_secret.is_some() == private_key_pem.is_some() {
                    problems.add("auth", ProblemCode::Invariant, "needs either client_secret or private_key_pem");
                }
                for (index, scope) in scopes.iter().enumerate() {
                    let plain = scope.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'"' && byte != b'\\');
                    if scope.is_empty() || !plain {
                        problems.add(
                            format!("auth.scopes[{index}]"),
                            ProblemCode::Value,
                            "is not a scope (RFC 6749 §3.3)",
                        );
                    }
                }
            }
        }
    }
}

impl PeerKind {
    /// Whether a peer of this kind can be sent a form of a report.
    pub fn takes(self, twin: Twin) -> bool {
        match self {
            Self::Dimse | Self::Dicomweb | Self::Orthanc => {
                matches!(twin, Twin::DicomSr | Twin::EncapsulatedPdf | Twin::KeyObject)
            }
            Self::Fhir => twin == Twin::Fhir,
        }
    }
}

fn check_timeouts(timeouts: Timeouts, problems: &mut Problems) {
    let all = [
        ("connect_seconds", timeouts.connect_seconds),
        ("association_seconds", timeouts.association_seconds),
        ("response_seconds", timeouts.response_seconds),
        ("send_seconds", timeouts.send_seconds),
        ("total_seconds", timeouts.total_seconds),
    ];
    for (field, _) in all.into_iter().filter(|(_, seconds)| !(1..=86_400).contains(seconds)) {
        problems.add(format!("timeouts.{field}"), ProblemCode::Value, "is 1 to 86400");
    }
}

fn check_secret(at: &str, secret: &Secret, problems: &mut Problems) {
    if secret.expose().is_empty() {
        problems.add(at, ProblemCode::Required, "is empty");
    } else if secret.expose() == super::secrets::PLACEHOLDER {
        problems.add(at, ProblemCode::Value, "is the placeholder that stands for a secret, not a secret");
    }
}

fn required(there: bool, field: &str, problems: &mut Problems) {
    if !there {
        problems.add(field, ProblemCode::Required, "is needed for a peer of this kind");
    }
}

fn foreign(there: bool, field: &str, problems: &mut Problems) {
    if there {
        problems.add(field, ProblemCode::Structure, "does not belong to a peer of this kind");
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
